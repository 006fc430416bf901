"""What the peers share: ``value_and_grad`` of one simulation, mapped over samples x seeds.

The noise depends on the seed alone, so it is drawn once for all samples; samples are split over the
devices of the process, as jaxmorph does it.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxmorph.engine import program
from jaxmorph.engine.devices import over_devices, per_device
from jaxmorph.engine.pieces import memory_of
from jaxmorph.studies import Problem
from jaxmorph.studies.reference import ReferenceStudy

from ..task import Task

_RUN_KEY = 0


class Mapped:
    """``simulate(theta, key)``, a number, with its derivatives by reverse mode, for a task.

    Args:
        task: What is computed.
        simulate: One simulation.
    """

    def __init__(self, task: Task, simulate: Callable[[jax.Array, jax.Array], jax.Array]):
        self.problem, self.task = task.problem(), task
        single = jax.value_and_grad(simulate)
        over_samples = jax.vmap(single, in_axes=(0, None))
        batch = jax.vmap(over_samples, in_axes=(None, 0), out_axes=1)
        with program.precision(self.problem):
            points = jnp.asarray(task.points(self.problem))
            # As many on each device: some may come twice.
            self.points = points[np.arange(per_device(task.samples)) % task.samples]
            self.keys = program.seed_keys(_RUN_KEY, np.arange(task.seeds))
            self.compiled = jax.jit(over_devices(batch)).lower(self.points, self.keys).compile()
        self.memory = memory_of(self.compiled)

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        with program.precision(self.problem):
            done = jax.block_until_ready(self.compiled(self.points, self.keys))
        value, gradient = (np.asarray(x)[: self.task.samples] for x in done)
        return value, gradient


def reference(problem: Problem) -> ReferenceStudy:
    """The study of a task, which is the reference system."""
    assert isinstance(problem.study, ReferenceStudy)
    return problem.study


def distance_to_centroid(position: jax.Array) -> jax.Array:
    """Mean over cells (cell, dim)."""
    return jnp.linalg.norm(position - position.mean(axis=0), axis=1).mean()
