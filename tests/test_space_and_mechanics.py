"""Space, potentials and relaxation, held against jax-md on random inputs.

jax-md takes what arrives as an array in double precision, and rounds Python numbers to single; so
everything is passed to it as arrays.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import jaxmorph as jxm
from jaxmorph.env.interactions.cutoff import smooth_cutoff
from jaxmorph.env.mechanics import (
    BrownianMechanicalRelaxation,
    MechanicalInteractionPotential,
    MorsePotential,
    SGDMechanicalRelaxation,
)
from jaxmorph.errors import JaxmorphError
from jaxmorph.tracing import batched_on

pytestmark = pytest.mark.usefixtures("x64")

SIDE = 6.0
N_CELLS = 9
N_SYSTEMS = 12
# Some pairs of a box of side 6 lie below the onset, some in between, some beyond the cutoff.
ONSET, CUTOFF = 1.5, 3.0

every_space = pytest.mark.parametrize(
    ("dim", "geometry"), list(itertools.product((2, 3), ("free", "periodic")))
)
# The potential is the same code in all four; compiling the motions costs seconds.
both_spaces = pytest.mark.parametrize(("dim", "geometry"), [(2, "periodic"), (3, "free")])


class Systems(NamedTuple):
    """Random systems; every field has a leading axis of length N_SYSTEMS."""

    position: jax.Array
    radius: jax.Array
    epsilon: jax.Array
    alpha: jax.Array
    gamma: jax.Array
    kT: jax.Array
    key: jax.Array


def draw(dim: int) -> Systems:
    rng = np.random.default_rng(dim)

    def uniform(low: float, high: float, *shape: int) -> jax.Array:
        return jnp.asarray(rng.uniform(low, high, (N_SYSTEMS, *shape)))

    return Systems(
        position=uniform(0, SIDE, N_CELLS, dim),
        radius=uniform(0.1, 0.6, N_CELLS, 1),
        epsilon=uniform(0.5, 4),
        alpha=uniform(1, 3),
        gamma=uniform(0.5, 2),
        kT=uniform(0.1, 2),
        key=jax.random.split(jax.random.PRNGKey(dim), N_SYSTEMS),
    )


def space_of(geometry: str) -> Any:
    """(displacement, shift)."""
    return jxm.space.free() if geometry == "free" else jxm.space.periodic(SIDE)


def md_space_of(geometry: str) -> Any:
    """The same by jax-md."""
    from jax_md import space

    return space.free() if geometry == "free" else space.periodic(jnp.asarray(SIDE))


def state_of(system: Systems, geometry: str) -> jxm.BaseCellState:
    displacement, shift = space_of(geometry)
    celltype = jnp.ones((system.position.shape[0], 1))
    return jxm.BaseCellState(
        displacement=displacement,
        shift=shift,
        position=system.position,
        celltype=celltype,
        radius=system.radius,
    )


def morse(system: Systems) -> MorsePotential:
    return MorsePotential(epsilon=system.epsilon, alpha=system.alpha, r_onset=ONSET, r_cutoff=CUTOFF)


def md_morse(system: Systems, geometry: str, **kwargs: Any) -> Any:
    from jax_md import energy

    displacement, _ = md_space_of(geometry)
    return energy.morse_pair(
        displacement,
        sigma=system.radius + system.radius.T,
        epsilon=system.epsilon,
        alpha=system.alpha,
        r_onset=jnp.asarray(ONSET),
        r_cutoff=jnp.asarray(CUTOFF),
        **kwargs,
    )


def assert_close(actual: Any, desired: Any, rtol: float = 1e-12) -> None:
    """Relative to the largest entry: forces cancel, so a single one may be small by chance."""
    scale = float(np.abs(desired).max())
    assert scale > 0
    np.testing.assert_allclose(actual, desired, rtol=rtol, atol=rtol * scale)


# --- space ---------------------------------------------------------------------------------------


@every_space
@pytest.mark.parametrize("per_dimension", [False, True])
def test_space_is_that_of_jax_md(
    dim: int, geometry: str, per_dimension: bool, from_jax_md: Callable
) -> None:
    rng = np.random.default_rng(5)
    side = jnp.asarray([SIDE, 2.5, 4.0][:dim] if per_dimension else SIDE)
    a, b = jnp.asarray(rng.uniform(-2 * SIDE, 2 * SIDE, (2, 100, dim)))

    def theirs() -> tuple[jax.Array, ...]:
        from jax_md import space

        displacement, shift = space.free() if geometry == "free" else space.periodic(side)
        pairs = space.map_product(displacement)(a[:10], a[:10])
        return jax.vmap(displacement)(a, b), shift(a, b), pairs, space.distance(a - b)

    displacement, shift = jxm.space.free() if geometry == "free" else jxm.space.periodic(side)
    md_between, md_moved, md_pairs, md_distance = from_jax_md(theirs)
    np.testing.assert_array_equal(jax.vmap(displacement)(a, b), md_between)
    np.testing.assert_array_equal(shift(a, b), md_moved)
    pairs = np.asarray(jxm.space.pairwise_displacement(displacement, a[:10]))
    # jax-md counts the pair (i, j) as from cell i to cell j.
    np.testing.assert_array_equal(pairs, np.asarray(md_pairs).transpose(1, 0, 2))
    np.testing.assert_allclose(jxm.space.distance(a - b), md_distance, rtol=1e-15)


coordinates = st.floats(-100, 100, allow_nan=False, width=64)


@settings(deadline=None, max_examples=50)
@given(
    a=arrays(np.float64, 3, elements=coordinates),
    b=arrays(np.float64, 3, elements=coordinates),
    side=st.floats(0.1, 30),
)
def test_periodic_displacement_is_the_shortest_of_all_images(
    a: np.ndarray, b: np.ndarray, side: float
) -> None:
    with jax.enable_x64(True):
        displacement, shift = jxm.space.periodic(side)
        d = np.asarray(displacement(jnp.asarray(a), jnp.asarray(b)))
        moved = np.asarray(shift(jnp.asarray(a)[None], jnp.asarray(b)[None]))[0]
    # From b, some image of a is reached, and none is nearer.
    wraps = (a - b - d) / side
    np.testing.assert_allclose(wraps, np.round(wraps), atol=1e-9)
    nearest = min(
        float(np.linalg.norm(d + side * np.array(image)))
        for image in itertools.product((-1, 0, 1), repeat=3)
    )
    assert np.linalg.norm(d) <= nearest * (1 + 1e-12)
    # The far face is reached by round-off only (a - tiny number, wrapped).
    assert np.all((moved >= 0) & (moved <= side))
    np.testing.assert_allclose((moved - a - b) / side, np.round((moved - a - b) / side), atol=1e-9)


def test_distance_has_derivative_0_where_it_is_0() -> None:
    slope = jax.grad(jxm.space.distance)(jnp.zeros(3))
    np.testing.assert_array_equal(slope, np.zeros(3))
    slope = jax.grad(jxm.space.distance)(jnp.array([3.0, 4.0]))
    np.testing.assert_allclose(slope, [0.6, 0.8], rtol=1e-15)


# --- potential -----------------------------------------------------------------------------------


@every_space
def test_morse_energy_and_force_are_those_of_jax_md(
    dim: int, geometry: str, from_jax_md: Callable
) -> None:
    @jax.jit
    @jax.vmap
    def measured(system: Systems) -> Any:
        state, potential, x = state_of(system, geometry), morse(system), system.position
        force = MechanicalInteractionPotential.force_fn(potential, state)  # minus the gradient
        return (
            potential.energy_fn(state)(x),
            potential.energy_fn(state, per_particle=True)(x),
            potential.force_fn(state)(x),
            force(x),
        )

    @jax.jit
    @jax.vmap
    def theirs(system: Systems) -> Any:
        from jax_md import quantity

        total, x = md_morse(system, geometry), system.position
        each = md_morse(system, geometry, per_particle=True)(x)
        return total(x), each, quantity.force(total)(x)

    systems = draw(dim)
    ours = measured(systems)
    total, each, force = from_jax_md(lambda: theirs(systems))
    for actual, desired in zip(ours, (total, each, force, force), strict=True):
        assert_close(actual, desired)
    np.testing.assert_allclose(ours[1].sum(axis=1), ours[0], rtol=1e-12)
    # Action equals reaction.
    np.testing.assert_allclose(ours[2].sum(axis=1), 0, atol=1e-12 * np.abs(ours[2]).max())


def test_cutoff_is_that_of_jax_md_and_smooth_at_both_ends(from_jax_md: Callable) -> None:
    onset, cutoff = jnp.asarray(ONSET), jnp.asarray(CUTOFF)
    ends = np.repeat([ONSET, CUTOFF], 2) + np.tile([-1e-9, 1e-9], 2)
    at = jnp.concatenate([ends, np.linspace(0, 2 * CUTOFF, 401)])

    def theirs() -> jax.Array:
        from jax_md import energy

        return energy.multiplicative_isotropic_cutoff(jnp.ones_like, onset, cutoff)(at)

    value, slope = jax.jit(jax.vmap(jax.value_and_grad(smooth_cutoff), (0, None, None)))(
        at, onset, cutoff
    )
    np.testing.assert_allclose(value, from_jax_md(theirs), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(value[:4], [1, 1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(slope[:4], 0, atol=1e-7)
    assert slope.min() < -0.5


def test_two_cells_that_touch_sit_in_the_minimum() -> None:
    radius = jnp.array([[0.4], [0.7]])
    position = jnp.array([[0.0, 0.0], [1.1, 0.0]])
    system = draw(2)._replace(position=position, radius=radius)
    state = state_of(system, "free")
    potential = MorsePotential(epsilon=3.0, alpha=2.5, r_onset=15.0, r_cutoff=20.0)

    @jax.jit
    def measure(x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        energy_fn = potential.energy_fn(state)
        return energy_fn(x), potential.force_fn(state)(x), jax.hessian(energy_fn)(x)

    depth, force, hessian = measure(position)
    assert depth == pytest.approx(-3.0, rel=1e-14)
    np.testing.assert_allclose(force, 0, atol=1e-14)
    assert hessian[0, 0, 0, 0] == pytest.approx(2 * 3.0 * 2.5**2, rel=1e-12)


# --- relaxation ----------------------------------------------------------------------------------

N_INNER = 20
DT = 2e-3


@both_spaces
def test_brownian_motion_is_that_of_jax_md(dim: int, geometry: str, from_jax_md: Callable) -> None:
    @jax.jit
    @jax.vmap
    def ours(system: Systems) -> jax.Array:
        step = BrownianMechanicalRelaxation(
            morse(system), relaxation_steps=N_INNER, dt=DT, kT=system.kT, gamma=system.gamma
        )
        return step(state_of(system, geometry), key=system.key).position

    @jax.jit
    @jax.vmap
    def theirs(system: Systems) -> jax.Array:
        from jax_md import simulate

        _, shift = md_space_of(geometry)
        init, apply = simulate.brownian(
            md_morse(system, geometry), shift, jnp.asarray(DT), system.kT, system.gamma
        )
        state = init(system.key, system.position, mass=jnp.asarray(1.0))
        return jax.lax.fori_loop(0, N_INNER, lambda _, s: apply(s), state).position

    systems = draw(dim)
    assert_close(ours(systems), from_jax_md(lambda: theirs(systems)))
    assert not np.allclose(ours(systems), systems.position, atol=0.05)


@both_spaces
def test_gradient_descent_is_that_of_jax_md(dim: int, geometry: str, from_jax_md: Callable) -> None:
    @jax.jit
    @jax.vmap
    def moved(system: Systems) -> jax.Array:
        step = SGDMechanicalRelaxation(morse(system), relaxation_steps=N_INNER, dt=DT)
        return step(state_of(system, geometry)).position

    @jax.jit
    @jax.vmap
    def theirs(system: Systems) -> jax.Array:
        from jax_md import minimize

        _, shift = md_space_of(geometry)
        init, apply = minimize.gradient_descent(md_morse(system, geometry), shift, jnp.asarray(DT))
        return jax.lax.fori_loop(0, N_INNER, lambda _, x: apply(x), init(system.position))

    systems = draw(dim)
    ours = moved(systems)
    assert_close(ours, from_jax_md(lambda: theirs(systems)))
    assert not np.allclose(ours, systems.position, atol=1e-2)


def test_gradient_descent_ends_where_cells_touch() -> None:
    system = draw(3)._replace(
        position=jnp.array([[0.0, 0.0, 0.0], [0.6, 0.5, -0.3]]), radius=jnp.array([[0.4], [0.7]])
    )
    potential = MorsePotential(epsilon=3.0, alpha=2.0, r_onset=5.0, r_cutoff=6.0)
    step = jax.jit(SGDMechanicalRelaxation(potential, relaxation_steps=400, dt=1e-2))
    end = step(state_of(system, "free")).position
    assert float(jnp.linalg.norm(end[1] - end[0])) == pytest.approx(1.1, rel=1e-10)


def test_relaxation_says_what_is_wrong() -> None:
    state = state_of(jax.tree.map(lambda x: x[0], draw(2)), "free")
    with pytest.raises(JaxmorphError, match=r"key = None.*pass key=\.\.\."):
        BrownianMechanicalRelaxation(MorsePotential())(state)
    for kind in (BrownianMechanicalRelaxation, SGDMechanicalRelaxation):
        with pytest.raises(JaxmorphError, match=r"relaxation_steps = 0.*at least 1"):
            kind(MorsePotential(), relaxation_steps=0)


# --- dead slots ----------------------------------------------------------------------------------

LIVING = np.array([0, 1, 3, 4, 5, 6])  # slot 2 died, three more were never alive


def with_and_without_dead_slots() -> tuple[jxm.BaseCellState, jxm.BaseCellState]:
    """Cells of two types; and the same among four dead slots, three of them at one place."""
    system = jax.tree.map(lambda x: np.asarray(x[0]), draw(2))
    types = np.array([[1, 0], [0, 1], [0, 0], [0, 1], [1, 0], [0.5, 0.5], [0, 1]])
    fields = [system.position[:7], types, system.radius[:7]]
    among = [np.concatenate([x, np.zeros((3, x.shape[1]))]) for x in fields]

    def cells(fields: list[np.ndarray]) -> jxm.BaseCellState:
        return jxm.BaseCellState(*jxm.space.free(), *map(jnp.asarray, fields))

    return cells([x[LIVING] for x in among]), cells(among)


def test_dead_slots_exert_and_feel_no_force() -> None:
    alone, among = with_and_without_dead_slots()
    potential = MorsePotential(r_onset=15.0, r_cutoff=20.0)

    @jax.jit
    def measure(state: jxm.BaseCellState) -> tuple[jax.Array, jax.Array]:
        each = potential.energy_fn(state, per_particle=True)
        return potential.force_fn(state)(state.position), each(state.position)

    for found, truth in zip(measure(among), measure(alone), strict=True):
        assert_close(np.asarray(found)[LIVING], truth)
        np.testing.assert_array_equal(np.delete(found, LIVING, axis=0), 0)


def test_dead_slots_change_nothing_for_the_living() -> None:
    def end(alpha: jax.Array, state: jxm.BaseCellState) -> jxm.BaseCellState:
        potential = MorsePotential(epsilon=1.0, alpha=alpha, r_onset=15.0, r_cutoff=20.0)
        motion = BrownianMechanicalRelaxation(potential, 5, kT=0.0)  # noise has another shape
        model = jxm.Sequential([jxm.env.CellGrowth(), motion])
        return jxm.simulate(model, state, jax.random.PRNGKey(3), n_steps=8)

    def summary(alpha: jax.Array, state: jxm.BaseCellState) -> tuple[Any, jxm.BaseCellState]:
        final = end(alpha, state)
        return jxm.observables.mean_distance_to_centroid(final), final

    alone, among = with_and_without_dead_slots()
    gradient = jax.jit(jax.value_and_grad(summary, has_aux=True))
    (value, final), slope = gradient(jnp.asarray(1.5), alone)
    (value_among, final_among), slope_among = gradient(jnp.asarray(1.5), among)
    assert_close(np.asarray(final_among.position)[LIVING], final.position)
    assert_close(np.asarray(final_among.radius)[LIVING], final.radius)
    assert value_among == pytest.approx(float(value), rel=1e-12)
    # Dead slots lie on one another: a distance of 0 must not turn the gradient into NaN.
    assert slope_among == pytest.approx(float(slope), rel=1e-10)
    dead = np.delete(np.arange(10), LIVING)
    np.testing.assert_array_equal(final_among.position[dead], among.position[dead])
    np.testing.assert_array_equal(final_among.radius[dead], 0)
    assert not np.allclose(final.position, alone.position, atol=1e-3)


def test_noise_moves_the_living_only() -> None:
    _, among = with_and_without_dead_slots()
    step = jax.jit(BrownianMechanicalRelaxation(MorsePotential(), 5))
    moved = np.asarray(step(among, key=jax.random.PRNGKey(0)).position != among.position)
    assert moved[LIVING].all()
    assert not np.delete(moved, LIVING, axis=0).any()


def test_noise_is_the_same_on_every_platform() -> None:
    """Where keys are split without a loop; twelve inner steps are more than are split together."""
    _, among = with_and_without_dead_slots()
    step = BrownianMechanicalRelaxation(MorsePotential(), 12)
    here = step._draw(among, jax.random.PRNGKey(0))
    with batched_on("gpu"):
        jaxpr = jax.make_jaxpr(lambda key: step._draw(among, key))(jax.random.PRNGKey(0))
        there = step._draw(among, jax.random.PRNGKey(0))
    np.testing.assert_array_equal(here, there)
    assert "unroll=10" in str(jaxpr)
