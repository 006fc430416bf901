"""What jaxmorph is compared with: ``value_and_grad`` of one simulation, mapped over samples x seeds.

The noise depends on the seed alone, so it is drawn once for all samples; samples are split over the
devices of the process, as jaxmorph does it.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxmorph.engine import program
from jaxmorph.engine.devices import over_devices, per_device
from jaxmorph.engine.pieces import memory_of

from .task import Task

Simulate = Callable[[jax.Array, jax.Array], jax.Array]


class Mapped:
    """``simulate(theta, key)``, a number, with its derivatives, of a batch or one by one."""

    def __init__(self, task: Task, simulate: Simulate, one_by_one: bool = False):
        self.problem, self.task = task.problem(), task
        single = jax.value_and_grad(simulate)
        over_samples = jax.vmap(single, in_axes=(0, None))
        batch = over_devices(jax.vmap(over_samples, in_axes=(None, 0), out_axes=1))
        with program.precision(self.problem):
            points = jnp.asarray(task.points(self.problem))
            keys = program.seed_keys(0, np.arange(task.seeds))
            # As many on each device: some may come twice.
            filled = points[np.arange(per_device(task.samples)) % task.samples]
            self.calls = [(p, k) for p in points for k in keys] if one_by_one else [(filled, keys)]
            function = jax.jit(single if one_by_one else batch)
            self.compiled = function.lower(*self.calls[0]).compile()
        self.memory = memory_of(self.compiled)

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        with program.precision(self.problem):
            done = [jax.block_until_ready(self.compiled(*call)) for call in self.calls]
        value, gradient = (np.stack([np.asarray(x) for x in part]) for part in zip(*done, strict=True))
        shape, n = (-1, self.task.seeds), self.task.samples
        return value.reshape(shape)[:n], gradient.reshape(*shape, len(self.task.parameters))[:n]


def distance_to_centroid(position: jax.Array) -> jax.Array:
    """Mean over cells (cell, dim)."""
    return jnp.linalg.norm(position - position.mean(axis=0), axis=1).mean()


def plain(task: Task) -> Mapped:
    """The study of jaxmorph by ``jax.vmap``: what makes the engine faster changes no number."""
    problem = task.problem()
    return Mapped(task, lambda theta, key: program.values(problem, theta, key)[-1, 0])


def md(task: Task, checkpoint: bool = True, one_by_one: bool = False) -> Mapped:
    """jax-md's Morse energy and Brownian motion; radii grow, and jax-md moves the cells, in each step.

    With ``checkpoint``, reverse mode recomputes each step instead of storing it; ``one_by_one`` is one
    simulation a call, with fixed parameters as Python numbers.
    """
    import jax_md

    problem = task.problem()
    study: Any = problem.study
    displacement, shift = jax_md.space.free()
    reach = {"r_onset": study.r_onset, "r_cutoff": study.r_cutoff}
    with program.precision(problem):
        initial = study.initial_state()
        others = 1 - jnp.eye(task.cells, dtype=initial.position.dtype)

    def simulate(theta: jax.Array, key: jax.Array) -> jax.Array:
        varied = dict(zip(task.parameters, theta, strict=True))
        p: dict = {**problem.fixed, **varied} if one_by_one else program.parameters(problem, theta)

        def step(state: tuple, key: jax.Array) -> tuple[tuple, None]:
            position, radius = state
            x = radius + p["growth_rate"]
            s = jax.nn.sigmoid(10 * (x - p["max_radius"]))
            radius = x * (1 - s) + p["max_radius"] * s
            numbers = {"epsilon": others * p["epsilon"], "alpha": p["alpha"], "sigma": radius + radius.T}
            energy = jax_md.energy.morse_pair(displacement, **numbers, **reach)
            init, move = jax_md.simulate.brownian(energy, shift, study.dt, p["kT"], gamma=p["gamma"])
            moving = init(jax.random.split(key)[1], position)
            moving = jax.lax.scan(lambda x, _: (move(x), None), moving, None, task.relaxation_steps)[0]
            return (moving.position, radius), None

        body = jax.checkpoint(step) if checkpoint else step
        keys = jax.random.split(key, task.steps)
        (position, _), _ = jax.lax.scan(body, (initial.position, initial.radius), keys)
        return distance_to_centroid(position)

    return Mapped(task, simulate, one_by_one)


def notebook(task: Task) -> Mapped:
    """The way of the notebook."""
    return md(task, checkpoint=False, one_by_one=True)


def morph(task: Task, checkpoint: bool = True, unroll: int = 1, same_noise: bool = False) -> Mapped:
    """jax-morph 0.4.0: its Morse potential and its Brownian step, by the parameters epsilon and alpha.

    Its growth follows another law, so there is none here: less work than in the task of jaxmorph. Its
    cutoff, a multiple of the contact distance, is beyond all cells, as in the reference system.
    A turn of the loop is ``unroll`` steps, one in its own driver; with ``same_noise`` it gets the
    numbers that jaxmorph draws, to compare results.
    """
    import jax_morph as jxm
    from jax_morph.physics import BrownianDynamics, Morse

    assert not task.growth and task.parameters == ("epsilon", "alpha")
    problem = task.problem()
    study: Any = problem.study
    numbers = {"n_space_dim": 2, "gamma": problem.fixed["gamma"], "kT": problem.fixed["kT"]}
    with program.precision(problem):
        initial = study.initial_state()

    def simulate(theta: jax.Array, key: jax.Array) -> jax.Array:
        potential = Morse(epsilon=theta[0], alpha=theta[1], r_onset_frac=1e3, r_cutoff_frac=2e3)

        class SameNoise(BrownianDynamics):
            def sample_trace(self, state: Any, *, dt: float, key: jax.Array) -> dict[str, jax.Array]:
                return {self._xi: draws[jnp.round(state.t / dt).astype(int)]}

        draws = _draws(task, key, initial.position)
        step = (SameNoise if same_noise else BrownianDynamics)(potential, **numbers)
        model = jxm.Model([step])
        kind = jxm.build_state_from_model(model)
        state = kind.init_empty(capacity=task.cells, n_space_dim=2, n_types=1).update(
            position=initial.position,
            radius=initial.radius[:, 0],
            celltype=initial.celltype,
            alive=jnp.ones(task.cells, bool),
        )
        n = task.brownian_steps
        if unroll == 1:
            final = jxm.simulate(model, state, n, study.dt, key, checkpoint=checkpoint)
        else:  # the same, with an unrolled loop

            def turn(state: Any, key: jax.Array) -> tuple[Any, None]:
                return model(state, dt=study.dt, key=key), None

            turn = eqx.filter_checkpoint(turn) if checkpoint else turn
            final, _ = jax.lax.scan(turn, state, jax.random.split(key, n), unroll=unroll)
        return distance_to_centroid(final.position)

    return Mapped(task, simulate)


def _draws(task: Task, key: jax.Array, like: jax.Array) -> jax.Array:
    """The normal numbers of the reference study with this key: (step, cell, dim)."""

    def inner(key: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        key, draw = jax.random.split(key)
        return key, jax.random.normal(draw, like.shape, like.dtype)

    def outer(key: jax.Array) -> jax.Array:  # the first half of a key is of growth
        return jax.lax.scan(inner, jax.random.split(key)[1], None, length=task.relaxation_steps)[1]

    return jax.lax.map(outer, jax.random.split(key, task.steps)).reshape(-1, *like.shape)
