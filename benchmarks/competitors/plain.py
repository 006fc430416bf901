"""The study of jaxmorph, mapped over the batch by ``jax.vmap`` and differentiated in reverse mode.

The reference for the engine: what it does to be faster must not change the numbers.
"""

from __future__ import annotations

import jax

from jaxmorph.engine import program

from ..task import Task
from .mapped import Mapped


def build(task: Task) -> Mapped:
    """Compile it."""
    problem = task.problem()

    def simulate(theta: jax.Array, key: jax.Array) -> jax.Array:
        return program.values(problem, theta, key)[-1, 0]

    return Mapped(task, simulate)
