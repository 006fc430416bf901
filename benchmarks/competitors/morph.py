"""jax-morph 0.4.0: its Morse potential and its Brownian step, without growth.

Its growth follows another law, so there is none here: less work than in the task of jaxmorph. Its cutoff
is a multiple of the contact distance; it is put, as in the reference system, beyond all cells.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax_morph as jxm
from jax_morph.physics import BrownianDynamics, Morse

from jaxmorph.engine import program

from ..task import Task
from .mapped import Mapped, distance_to_centroid, reference


class _SameNoise(BrownianDynamics):
    """Its step with given draws (step, cell, dim), instead of those of its own keys."""

    draws: jax.Array

    def __init__(self, draws: jax.Array, potential: Morse, **fields: Any):
        super().__init__(potential, **fields)
        self.draws = draws

    def sample_trace(self, state: Any, *, dt: float, key: jax.Array) -> dict[str, jax.Array]:
        del key
        return {self._xi: self.draws[jnp.round(state.t / dt).astype(int)]}


def build(
    task: Task,
    checkpoint: bool = True,
    unroll: int = 1,
    same_noise: bool = False,
) -> Mapped:
    """Compile it for the parameters epsilon and alpha.

    Args:
        task: What is computed.
        checkpoint: Recompute each step in reverse mode instead of storing what it computed.
        unroll: Steps of one turn of the loop; its own driver has 1.
        same_noise: Give it the numbers that jaxmorph draws, to compare results.
    """
    assert not task.growth and task.parameters == ("epsilon", "alpha")
    problem = task.problem()
    study = reference(problem)
    fixed, n_steps = problem.fixed, task.brownian_steps
    with program.precision(problem):
        initial = study.initial_state()

    def simulate(theta: jax.Array, key: jax.Array) -> jax.Array:
        potential = Morse(epsilon=theta[0], alpha=theta[1], r_onset_frac=1e3, r_cutoff_frac=2e3)
        numbers = {"n_space_dim": 2, "gamma": fixed["gamma"], "kT": fixed["kT"]}
        if same_noise:
            step = _SameNoise(_draws(task, key, initial.position), potential, **numbers)
        else:
            step = BrownianDynamics(potential, **numbers)
        model = jxm.Model([step])
        kind = jxm.build_state_from_model(model)
        state = kind.init_empty(capacity=task.cells, n_space_dim=2, n_types=1).update(
            position=initial.position,
            radius=initial.radius[:, 0],
            celltype=initial.celltype,
            alive=jnp.ones(task.cells, bool),
        )
        if unroll == 1:
            final = jxm.simulate(model, state, n_steps, study.dt, key, checkpoint=checkpoint)
        else:
            final = _unrolled(model, state, n_steps, study.dt, key, checkpoint, unroll)
        return distance_to_centroid(final.position)

    return Mapped(task, simulate)


def _unrolled(
    model: jxm.Model, state: Any, n_steps: int, dt: float, key: jax.Array, checkpoint: bool, unroll: int
) -> Any:
    """``jxm.simulate`` with an unrolled loop."""

    def body(state: Any, key: jax.Array) -> tuple[Any, None]:
        return model(state, dt=dt, key=key), None

    step = eqx.filter_checkpoint(body) if checkpoint else body
    return jax.lax.scan(step, state, jax.random.split(key, n_steps), unroll=unroll)[0]


def _draws(task: Task, key: jax.Array, like: jax.Array) -> jax.Array:
    """The normal numbers of the reference study with this key: (step, cell, dim)."""

    def inner(key: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        key, draw = jax.random.split(key)
        return key, jax.random.normal(draw, like.shape, like.dtype)

    def outer(key: jax.Array) -> jax.Array:
        motion = jax.random.split(key)[1]  # the first is of growth
        return jax.lax.scan(inner, motion, None, length=task.relaxation_steps)[1]

    draws = jax.lax.map(outer, jax.random.split(key, task.steps))
    return draws.reshape(-1, *like.shape)
