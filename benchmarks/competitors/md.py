"""jax-md's Morse energy and Brownian motion, with the growth of the reference system."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import jax_md

from jaxmorph.engine import program

from ..task import Task
from .mapped import Mapped, distance_to_centroid, reference

Simulation = Callable[[Mapping[str, float | jax.Array], jax.Array], jax.Array]
State = tuple[jax.Array, jax.Array]


def simulation(task: Task, checkpoint: bool) -> Simulation:
    """The mean distance at the end, as a function of all parameters and a key.

    As the notebook does it: radii grow, and jax-md moves the cells, in each step.
    """
    study = reference(task.problem())
    displacement, shift = jax_md.space.free()
    with jax.enable_x64(task.precision == "float64"):
        initial = study.initial_state()
        others = 1 - jnp.eye(task.cells, dtype=initial.position.dtype)

    def simulate(p: Mapping[str, float | jax.Array], key: jax.Array) -> jax.Array:
        def step(state: State, key: jax.Array) -> tuple[State, None]:
            position, radius = state
            x = radius + p["growth_rate"]
            s = jax.nn.sigmoid(10 * (x - p["max_radius"]))
            radius = x * (1 - s) + p["max_radius"] * s
            energy = jax_md.energy.morse_pair(
                displacement,
                alpha=p["alpha"],
                epsilon=others * p["epsilon"],
                sigma=radius + radius.T,
                r_onset=study.r_onset,
                r_cutoff=study.r_cutoff,
            )
            init, move = jax_md.simulate.brownian(
                energy, shift, dt=study.dt, kT=p["kT"], gamma=p["gamma"]
            )
            moving = init(jax.random.split(key)[1], position)
            moving, _ = jax.lax.scan(
                lambda moving, _: (move(moving), None), moving, None, length=task.relaxation_steps
            )
            return (moving.position, radius), None

        body = jax.checkpoint(step) if checkpoint else step
        keys = jax.random.split(key, task.steps)
        (position, _), _ = jax.lax.scan(body, (initial.position, initial.radius), keys)
        return distance_to_centroid(position)

    return simulate


def build(task: Task, checkpoint: bool = True) -> Mapped:
    """Compile it.

    Args:
        task: What is computed.
        checkpoint: Recompute each step in reverse mode instead of storing what it computed.
    """
    problem = task.problem()
    one = simulation(task, checkpoint)

    def simulate(theta: jax.Array, key: jax.Array) -> jax.Array:
        return one(program.parameters(problem, theta), key)

    return Mapped(task, simulate)
