"""jaxmorph as its jobs run it: ``jaxmorph.engine``, on all devices of the process."""

from __future__ import annotations

from typing import Any, Literal

import jax
import numpy as np

from jaxmorph.engine import capacities, program
from jaxmorph.engine.batch import on_pairs
from jaxmorph.engine.devices import per_device
from jaxmorph.engine.pieces import compile_piece, evaluate_piece, free_for_a_program, grid
from jaxmorph.engine.ways import choose

from ..task import Task

Mode = Literal["forward", "reverse", "none"]

_RUN_KEY = 0


class Engine:
    """See :func:`build`.

    Attributes:
        memory: Bytes that a piece needs.
        pieces: One, or as many as the memory asks for.
    """

    def __init__(self, task: Task, mode: Mode):
        self.problem = task.problem()
        self.samples = task.points(self.problem)
        way = choose(self.problem, mode, "pathwise", 0.05, _RUN_KEY)
        single = self._final if mode == "reverse" and not task.over_time else way.single
        size, seeds = (per_device(task.samples), task.seeds), np.arange(task.seeds)
        shape = task.samples, task.seeds
        with on_pairs(self.problem, single, self.samples, seeds, _RUN_KEY, way.simulates) as on:
            function, self.keys = on
            outgrown = True
            while outgrown:
                limit = free_for_a_program()
                self.program = compile_piece(function, self.samples, self.keys, size, limit)
                self.pieces = list(grid(shape, self.program.size))
                leaves = evaluate_piece(self.program, self.samples, self.keys, self.pieces[0])
                outgrown = capacities.outgrown(self.samples, self.keys, leaves)
        self.memory = self.program.memory

    @property
    def text(self) -> str:
        """XLA's text of the program of a piece."""
        compiled: Any = self.program.compiled
        return compiled.as_text()

    def _final(self, theta: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The observable at the last time alone: one number to pull back, as the peers have it."""

        def last(theta: jax.Array) -> jax.Array:
            return program.values(self.problem, theta, key)[-1, 0]

        value, gradient = jax.value_and_grad(last)(theta)
        return value[None, None], gradient[None, None]

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        with program.precision(self.problem):
            parts = [
                evaluate_piece(self.program, self.samples, self.keys, piece) for piece in self.pieces
            ]
        shape = len(self.samples), len(self.keys)
        whole = [np.empty((*shape, *leaf.shape[2:]), leaf.dtype) for leaf in parts[0]]
        for piece, part in zip(self.pieces, parts, strict=True):
            for array, leaf in zip(whole, part, strict=True):
                array[piece.where] = leaf
        value, *gradient = whole
        return value, gradient[0] if gradient else np.empty(0)


def build(task: Task, mode: Mode = "reverse") -> Engine:
    """Compile it, with derivatives in one of the two modes, or none."""
    return Engine(task, mode)
