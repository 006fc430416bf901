"""The way of the notebook: jax-md, one simulation at a time, jitted, in reverse mode."""

from __future__ import annotations

import jax
import numpy as np

from jaxmorph.engine import program
from jaxmorph.engine.pieces import memory_of

from ..task import Task
from .md import simulation

_RUN_KEY = 0


class _OneByOne:
    def __init__(self, task: Task):
        self.problem = task.problem()
        self.points = task.points(self.problem)
        one = simulation(task, checkpoint=False)
        fixed = self.problem.fixed  # Python numbers, as the notebook has them
        self.shape = task.samples, task.seeds

        def simulate(theta: jax.Array, key: jax.Array) -> jax.Array:
            varied: dict[str, float | jax.Array] = dict(zip(task.parameters, theta, strict=True))
            return one(fixed | varied, key)

        with program.precision(self.problem):
            self.keys = program.seed_keys(_RUN_KEY, np.arange(task.seeds))
            single = jax.jit(jax.value_and_grad(simulate))
            self.compiled = single.lower(self.points[0], self.keys[0]).compile()
        self.memory = memory_of(self.compiled)

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        with program.precision(self.problem):
            done = [
                jax.block_until_ready(self.compiled(theta, key))
                for theta in self.points
                for key in self.keys
            ]
        value, gradient = (np.stack([np.asarray(x) for x in y]) for y in zip(*done, strict=True))
        return value.reshape(self.shape), gradient.reshape(*self.shape, -1)


def build(task: Task) -> _OneByOne:
    """Compile it."""
    return _OneByOne(task)
