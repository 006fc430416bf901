"""Pair potentials, adhesion, pressure and active motion, against jax-md and closed forms."""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy import stats

import jaxmorph as jxm
from jaxmorph.env.interactions import choosing, preferring
from jaxmorph.env.interactions.sums import NeighbourLists
from jaxmorph.env.mechanics import (
    ActiveBrownianRelaxation,
    BrownianMechanicalRelaxation,
    HarmonicPotential,
    HertzianPotential,
    LennardJonesPotential,
    MorseAdhesionPotential,
    MorsePotential,
    SoftSpherePotential,
    virial_pressure,
)
from jaxmorph.errors import JaxmorphError
from jaxmorph.tracing import Buffers, buffered

pytestmark = pytest.mark.usefixtures("x64")

N, SIDE = 9, 6.0
# jax-md rounds the depth of Lennard-Jones to single precision: one that it holds.
EPSILON, ALPHA, ONSET, CUTOFF = 1.75, 2.3, 1.5, 3.0
KEY = jax.random.PRNGKey(1)


class Cells(jxm.BaseCellState):
    cadherin: Array
    orientation: Array


def cells(n_dim: int, geometry: str = "free", n: int = N, side: float = SIDE) -> Cells:
    """Cells of two types that partly overlap."""
    rng = np.random.default_rng(n_dim)
    space = jxm.space.free() if geometry == "free" else jxm.space.periodic(side)
    orientation = rng.normal(size=(n, n_dim))
    return Cells(
        *space,
        jnp.asarray(rng.uniform(0, side, (n, n_dim))),
        jnp.asarray(np.eye(2)[np.arange(n) % 2]),
        jnp.asarray(rng.uniform(0.5, 1.2, (n, 1))),
        jnp.asarray(rng.uniform(0.2, 2, (n, 1))),
        jnp.asarray(orientation / np.linalg.norm(orientation, axis=1, keepdims=True)),
    )


LAWS: dict[str, Any] = {
    "Morse": lambda e: MorsePotential(e, 2.0, CUTOFF, ONSET),
    "soft sphere": lambda e: SoftSpherePotential(e, ALPHA),
    "harmonic": HarmonicPotential,
    "Hertzian": HertzianPotential,
    "Lennard-Jones": lambda e: LennardJonesPotential(e, CUTOFF, ONSET),
    "adhesion of types": lambda e: MorseAdhesionPotential(
        e * jnp.asarray([[2.0, 0.3], [0.5, 1.0]]), 2.0, CUTOFF, ONSET
    ),
    "adhesion of cells": lambda e: MorseAdhesionPotential(
        e * jnp.ones((1, 1)), 2.0, CUTOFF, ONSET, carried="cadherin"
    ),
}
every_law = pytest.mark.parametrize("law", LAWS)
# A cutoff that is a number, a range that comes from the radii, and a number of each cell.
QUICK_LAWS = ("Lennard-Jones", "Hertzian", "adhesion of cells")
every_law_in_time = pytest.mark.parametrize(
    "law", [pytest.param(law, marks=() if law in QUICK_LAWS else pytest.mark.slow) for law in LAWS]
)


def by_jax_md(law: str, state: Cells, geometry: str) -> Any:
    """Energy of each cell."""
    from jax_md import energy as md_energy
    from jax_md import space

    displacement, _ = space.free() if geometry == "free" else space.periodic(jnp.asarray(SIDE))
    sigma, each = state.radius + state.radius.T, {"per_particle": True}
    epsilon, onset, cutoff = jnp.asarray(EPSILON), jnp.asarray(ONSET), jnp.asarray(CUTOFF)
    exponents = {"soft sphere": ALPHA, "harmonic": 2.0, "Hertzian": 2.5}
    if law in exponents:
        alpha = jnp.asarray(exponents[law])
        return md_energy.soft_sphere_pair(
            displacement, sigma=sigma, epsilon=epsilon, alpha=alpha, **each
        )
    if law == "Lennard-Jones":
        crosses = sigma * 2 ** (-1 / 6)
        # jax-md counts the cutoff in units of the largest sigma.
        unit = jnp.max(crosses)
        return md_energy.lennard_jones_pair(
            displacement,
            sigma=crosses,
            epsilon=epsilon,
            r_onset=onset / unit,
            r_cutoff=cutoff / unit,
            **each,
        )
    if law == "Morse":
        depth = epsilon
    elif law == "adhesion of types":
        table = np.array([[2.0, 0.4], [0.4, 1.0]])  # symmetric
        kind = np.arange(N) % 2
        depth = epsilon * table[kind[:, None], kind[None, :]]
    else:
        depth = epsilon * state.cadherin * state.cadherin.T
    return md_energy.morse_pair(
        displacement,
        sigma=sigma,
        epsilon=depth,
        alpha=jnp.asarray(2.0),
        r_onset=onset,
        r_cutoff=cutoff,
        **each,
    )


def assert_close(actual: Any, desired: Any, rtol: float = 1e-12) -> None:
    """Relative to the largest entry: forces cancel, so a single one may be small by chance."""
    scale = float(np.abs(desired).max())
    assert scale > 0
    np.testing.assert_allclose(actual, desired, rtol=rtol, atol=rtol * scale)


@every_law
@pytest.mark.parametrize(("n_dim", "geometry"), [(2, "periodic"), (3, "free")])
def test_energies_and_forces_are_those_of_jax_md(
    law: str, n_dim: int, geometry: str, from_jax_md: Callable
) -> None:
    state = cells(n_dim, geometry)
    potential = LAWS[law](EPSILON)

    @jax.jit
    def measured(x: Array) -> Any:
        return potential.energy_fn(state, per_particle=True)(x), potential.force_fn(state)(x)

    @jax.jit
    def theirs(x: Array) -> Any:
        each = by_jax_md(law, state, geometry)
        return each(x), -jax.grad(lambda x: jnp.sum(each(x)))(x)

    ours = measured(state.position)
    for a, b in zip(ours, from_jax_md(lambda: theirs(state.position)), strict=True):
        assert_close(a, b)
    # Action equals reaction.
    np.testing.assert_allclose(ours[1].sum(axis=0), 0, atol=1e-12 * np.abs(ours[1]).max())


@every_law
@pytest.mark.parametrize("n_dim", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_the_physics_knows_no_origin_direction_or_order(law: str, n_dim: int) -> None:
    state, potential = cells(n_dim), LAWS[law](EPSILON)
    rotation = jnp.asarray(stats.ortho_group.rvs(n_dim, random_state=0))
    order = np.random.default_rng(0).permutation(N)

    @eqx.filter_jit
    def measure(state: Cells) -> tuple[Array, Array, Array]:
        each = potential.energy_fn(state, per_particle=True)(state.position)
        return each, potential.force_fn(state)(state.position), virial_pressure(state, potential)

    each, force, pressure = measure(state)
    moved = eqx.tree_at(lambda s: s.position, state, state.position @ rotation.T + 3.0)
    for found, desired in zip(measure(moved), (each, force @ rotation.T, pressure), strict=True):
        assert_close(found, desired, 1e-11)
    shuffled = jax.tree.map(lambda x: x[order], state)
    for found, desired in zip(measure(shuffled), (each, force, pressure), strict=True):
        assert_close(found, desired[order])


@every_law_in_time
def test_derivatives_are_those_of_finite_differences(law: str) -> None:
    """In positions, radii and the strength, forward and reverse; also through the pressure."""
    state = cells(3)
    rng = np.random.default_rng(4)
    weight = jnp.asarray(rng.normal(size=(N, 3)))

    @jax.jit
    def value(strength: Array, position: Array, radius: Array) -> Array:
        potential = LAWS[law](strength)
        moved = eqx.tree_at(lambda s: (s.position, s.radius), state, (position, radius))
        force = potential.force_fn(moved)(position)
        return jnp.sum(weight * force) + jnp.sum(weight[:, 0] * virial_pressure(moved, potential))

    at = (jnp.asarray(EPSILON), state.position, state.radius)
    along = tuple(jnp.asarray(rng.normal(size=x.shape)) for x in at)
    ahead = jax.jvp(value, at, along)[1]
    back = sum(jnp.sum(g * t) for g, t in zip(jax.grad(value, (0, 1, 2))(*at), along, strict=True))
    assert float(ahead) == pytest.approx(float(back), rel=1e-11)

    def difference(h: float) -> float:
        up, down = ([x + s * h * t for x, t in zip(at, along, strict=True)] for s in (1, -1))
        return float(value(*up) - value(*down)) / (2 * h)

    h = 1e-5
    assert float(ahead) == pytest.approx((4 * difference(h) - difference(2 * h)) / 3, rel=1e-7)


@every_law_in_time
def test_cells_at_one_place_and_dead_slots_are_finite(law: str) -> None:
    alone = cells(2)
    together = eqx.tree_at(lambda s: s.position, alone, alone.position.at[3].set(alone.position[2]))
    among = together.elongate(3)

    def loss(state: Cells, strength: Array) -> Array:
        potential = LAWS[law](strength)
        force = potential.force_fn(state)(state.position)
        return (
            jnp.sum(force**2)
            + jnp.sum(virial_pressure(state, potential))
            + potential.energy_fn(state)(state.position)
        )

    gradient = eqx.filter_jit(eqx.filter_value_and_grad(loss))
    value, slope = gradient(together, jnp.asarray(EPSILON))
    with_dead, slope_with_dead = gradient(among, jnp.asarray(EPSILON))
    assert np.isfinite(value) and float(with_dead) == pytest.approx(float(value), rel=1e-12)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves((slope, slope_with_dead)))
    assert_close(slope_with_dead.position[:N], slope.position, 1e-11)


@pytest.mark.parametrize(
    ("law", "n_dim"),
    [
        ("Hertzian", 2),
        pytest.param("Lennard-Jones", 3, marks=pytest.mark.slow),
        pytest.param("adhesion of types", 2, marks=pytest.mark.slow),
        pytest.param("adhesion of cells", 3, marks=pytest.mark.slow),
    ],
)
def test_a_neighbour_list_gives_what_all_pairs_give(law: str, n_dim: int) -> None:
    """Where a range is a number, and where it comes from the radii; values and derivatives."""
    n = 60
    state = cells(n_dim, "periodic", n, side=7.0)

    def measure(state: Cells) -> tuple[Array, ...]:
        def shape(radius: Array, cadherin: Array, strength: Array) -> Array:
            changed = eqx.tree_at(lambda s: (s.radius, s.cadherin), state, (radius, cadherin))
            return jnp.sum(LAWS[law](strength).force_fn(changed)(state.position) ** 2)

        potential, at = LAWS[law](EPSILON), (state.radius, state.cadherin, jnp.asarray(EPSILON))
        reverse = jax.grad(shape, (0, 1, 2))(*at)
        return (
            potential.energy_fn(state, per_particle=True)(state.position),
            potential.force_fn(state)(state.position),
            virial_pressure(state, potential),
            jax.jvp(shape, at, at)[1],
            *reverse[: 2 if "cells" in law else 1],
            reverse[2],
        )

    dense = eqx.filter_jit(measure)(state)
    sizes = {"neighbours": float(n), "candidates": float(n), "skin": 0.1}
    buffers = Buffers(sizes)
    with buffered(buffers), choosing(preferring(NeighbourLists())):
        by_list = eqx.filter_jit(measure)(state)
    assert "neighbours" in buffers.asked
    for a, b in zip(by_list, dense, strict=True):
        assert_close(a, b)


@pytest.mark.parametrize("kind", [MorsePotential, LennardJonesPotential])
def test_a_cut_potential_has_the_parameters_of_the_whole_one(kind: Any) -> None:
    """To be read of a gradient, and to be replaced."""
    potential = kind(jnp.asarray(EPSILON), r_onset=ONSET, r_cutoff=CUTOFF)
    one = jnp.ones(())
    slope = eqx.filter_grad(lambda p: p.pair_energy(one, one))(potential)
    assert float(slope.epsilon) == pytest.approx(-1, rel=1e-12)
    assert eqx.tree_at(lambda p: p.epsilon, potential, one).potential.epsilon is one
    if kind is MorsePotential:
        assert potential.alpha == potential.potential.alpha


def test_adhesion_says_what_does_not_fit() -> None:
    state = cells(2)
    with pytest.raises(JaxmorphError, match="MorseAdhesionPotential: Cells has no field 'glue'"):
        MorseAdhesionPotential(jnp.eye(2), carried="glue").energy_fn(state)
    with pytest.raises(JaxmorphError, match=r"shape \(3, 3\), celltype has 2 columns"):
        MorseAdhesionPotential(jnp.eye(3)).force_fn(state)
    with pytest.raises(JaxmorphError, match=r"r_onset = 3\.0, r_cutoff = 2\.0"):
        LennardJonesPotential(r_onset=3.0, r_cutoff=2.0)


# --- pressure ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_dim", [2, 3])
def test_pressures_add_up_to_the_work_of_growing_all_distances(n_dim: int) -> None:
    """sum_i dim V_i p_i = -dU/d ln L in free space; and one pair in closed form."""
    state = cells(n_dim)
    volume = {2: math.pi, 3: 4 * math.pi / 3}[n_dim] * state.radius[:, 0] ** n_dim
    for potential in (MorsePotential(3.0, 2.0, CUTOFF, ONSET), LAWS["Hertzian"](EPSILON)):
        energy = potential.energy_fn(state)

        @jax.jit
        def work_and_total(e: Any = energy, of: Any = potential) -> tuple[Array, Array]:
            work = jax.grad(lambda scale: e(scale * state.position))(1.0)
            return work, n_dim * jnp.sum(volume * virial_pressure(state, of))

        work, total = work_and_total()
        assert float(total) == pytest.approx(-float(work), rel=1e-11)
    pair = jax.tree.map(lambda x: x[:2], state)
    pair = eqx.tree_at(
        lambda s: (s.position, s.radius),
        pair,
        (jnp.eye(2, n_dim) * 0.8 / math.sqrt(2), jnp.ones((2, 1))),
    )
    # Each pushes the other with (epsilon / 2) (1 - 0.8 / 2) at the distance 0.8.
    expected = 0.8 * (EPSILON / 2 * 0.6) / (2 * n_dim * {2: math.pi, 3: 4 * math.pi / 3}[n_dim])
    np.testing.assert_allclose(virial_pressure(pair, HarmonicPotential(EPSILON)), expected, rtol=1e-12)


# --- active Brownian motion ----------------------------------------------------------------------


@pytest.mark.parametrize("n_dim", [2, 3])
def test_active_motion_persists_as_long_as_it_should(n_dim: int) -> None:
    """<n(t).n(0)> and <x^2> of free cells; exact for the scheme in 2-D, to order D dt in 3-D."""
    n_cells, n, dt, speed, turning, kT, gamma = 4000, 40, 0.02, 1.3, 0.7, 0.2, 0.8
    state = cells(n_dim, n=n_cells)
    step = ActiveBrownianRelaxation(MorsePotential(epsilon=0.0), n, dt, kT, gamma, speed, turning)
    after = jax.tree.map(jax.lax.stop_gradient, _without_pairs(step)(state, key=KEY))
    np.testing.assert_allclose(jnp.linalg.norm(after.orientation, axis=1), 1, rtol=1e-12)
    along = np.asarray(jnp.sum(after.orientation * state.orientation, axis=1))
    decay = math.exp(-(n_dim - 1) * turning * dt)
    # The order D dt of 3-D: half a per mille here.
    assert abs(along.mean() - decay**n) < 3 * stats.sem(along) + (n_dim - 2) * 1e-3
    squared = np.asarray(jnp.sum((after.position - state.position) ** 2, axis=1))
    correlated = sum(decay ** abs(i - j) for i in range(n) for j in range(n))
    expected = (speed * dt) ** 2 * correlated + 2 * n_dim * kT / gamma * n * dt
    assert abs(squared.mean() - expected) < 3 * stats.sem(squared)


def _without_pairs(step: ActiveBrownianRelaxation) -> Any:
    """4,000 cells would have 16 million pairs, none of which acts."""

    class Free(MorsePotential):
        def force_fn(self, state: jxm.BaseCellState) -> Any:
            return jnp.zeros_like

    return eqx.filter_jit(eqx.tree_at(lambda s: s.mechanical_potential, step, Free()))  # type: ignore[call-arg]


@pytest.mark.parametrize("n_dim", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_active_motion_is_differentiable_and_leaves_dead_slots(n_dim: int) -> None:
    state = cells(n_dim).elongate(2)

    @jax.jit
    def end(parameters: Array) -> tuple[Array, Cells]:
        speed, turning, kT = parameters
        potential = MorsePotential(2.0, 2.0, CUTOFF, ONSET)
        step = ActiveBrownianRelaxation(
            potential, 5, 0.01, kT, speed=speed, rotational_diffusion=turning
        )
        after = step(state, key=KEY)
        return jnp.sum(after.position**2) + jnp.sum(after.orientation[:, 0] ** 3), after

    at, gradient = jnp.asarray([1.3, 0.7, 0.5]), jax.jit(jax.grad(end, has_aux=True))
    slope, after = gradient(at)
    np.testing.assert_array_equal(after.position[N:], 0)
    np.testing.assert_array_equal(after.orientation[N:], 0)
    h = 1e-6
    for i, unit in enumerate(np.eye(3)):
        numeric = (end(at + h * unit)[0] - end(at - h * unit)[0]) / (2 * h)
        assert float(slope[i]) == pytest.approx(float(numeric), rel=1e-6)
    assert np.all(np.isfinite(gradient(jnp.zeros(3))[0]))


def test_without_speed_active_motion_is_brownian_and_a_state_needs_an_orientation() -> None:
    state = cells(2, n=2000)
    passive = _without_pairs(ActiveBrownianRelaxation(MorsePotential(), 10, 0.01, speed=0.0))
    squared = np.asarray(jnp.sum((passive(state, key=KEY).position - state.position) ** 2, axis=1))
    assert abs(squared.mean() - 4 / 0.8 * 10 * 0.01) < 3 * stats.sem(squared)
    plain = jxm.BaseCellState(*jxm.space.free(), state.position, state.celltype, state.radius)
    with pytest.raises(JaxmorphError, match="BaseCellState has no field 'orientation'; add it"):
        ActiveBrownianRelaxation(MorsePotential())(plain, key=KEY)
    with pytest.raises(JaxmorphError, match="key = None: active Brownian motion"):
        ActiveBrownianRelaxation(MorsePotential())(state)
    assert isinstance(BrownianMechanicalRelaxation(LennardJonesPotential()), jxm.SimulationStep)
