"""jaxmorph as its jobs run it: ``jaxmorph.engine``, on all devices of the process."""

from __future__ import annotations

import math
from typing import Literal

import jax
import numpy as np

from jaxmorph.engine import capacities, program
from jaxmorph.engine.batch import choose, on_pairs
from jaxmorph.engine.devices import per_device
from jaxmorph.engine.pieces import Piece, compile_piece, evaluate_piece

from ..task import Task

_RUN_KEY = 0


class _Engine:
    def __init__(self, task: Task, mode: Literal["forward", "reverse", "none"]):
        self.problem = task.problem()
        self.samples = task.points(self.problem)
        way = choose(self.problem, mode, "pathwise", 0.05, _RUN_KEY)
        single = self._final if mode == "reverse" and not task.over_time else way.single
        size, seeds = (per_device(task.samples), task.seeds), np.arange(task.seeds)
        self.piece = Piece(0, task.samples, 0, task.seeds)
        with on_pairs(self.problem, single, self.samples, seeds, _RUN_KEY, way.simulates) as on:
            function, self.keys = on
            outgrown = True
            while outgrown:
                self.program = compile_piece(function, self.samples, self.keys, size, math.inf)
                leaves = evaluate_piece(self.program, self.samples, self.keys, self.piece)
                outgrown = capacities.outgrown(self.samples, self.keys, leaves)
        self.memory = self.program.memory

    def _final(self, theta: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The observable at the last time alone: one number to pull back, as the peers have it."""

        def last(theta: jax.Array) -> jax.Array:
            return program.values(self.problem, theta, key)[-1, 0]

        value, gradient = jax.value_and_grad(last)(theta)
        return value[None, None], gradient[None, None]

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        with program.precision(self.problem):
            value, *gradient = evaluate_piece(self.program, self.samples, self.keys, self.piece)
        return value, gradient[0] if gradient else np.empty(0)


def build(task: Task, mode: Literal["forward", "reverse", "none"] = "reverse") -> _Engine:
    """Compile it, with derivatives in one of the two modes, or none."""
    return _Engine(task, mode)
