"""Observables of a state, held against numpy on the living cells alone."""

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmorph as jxm
from jaxmorph import observables
from jaxmorph.env import mechanics
from jaxmorph.env.mechanics import MorsePotential

pytestmark = pytest.mark.usefixtures("x64")

DEAD = (1, 5)


def make_state(dim: int, space: Any = None) -> jxm.BaseCellState:
    """Seven cells, two of them dead, far away and large."""
    rng = np.random.default_rng(dim)
    position = rng.normal(size=(7, dim))
    position[list(DEAD)] = 50.0
    celltype = np.eye(2)[rng.integers(0, 2, 7)]
    celltype[list(DEAD)] = 0
    radius = rng.uniform(0.2, 0.6, (7, 1))
    return jxm.BaseCellState(
        *(space or jxm.space.free()), *map(jnp.asarray, (position, celltype, radius))
    )


def living(state: jxm.BaseCellState) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.delete(np.asarray(state.position), DEAD, axis=0),
        np.delete(np.asarray(state.radius), DEAD, axis=0)[:, 0],
    )


@pytest.mark.parametrize("dim", [2, 3])
def test_observables_are_their_definitions_over_living_cells(dim: int) -> None:
    state = make_state(dim)
    potential = MorsePotential(epsilon=1.5, alpha=2.0, r_onset=15.0, r_cutoff=20.0)
    x, radius = living(state)
    r = np.linalg.norm(x - x.mean(axis=0), axis=1)
    pairs = np.linalg.norm(x[:, None] - x[None], axis=2)
    nearest = np.where(np.eye(5, dtype=bool), np.inf, pairs).min(axis=1)
    sigma = radius[:, None] + radius
    energy = 1.5 * ((1 - np.exp(-2.0 * (pairs - sigma))) ** 2 - 1)
    desired = {
        "mean_distance_to_centroid": r.mean(),
        "radius_of_gyration": np.sqrt((r**2).mean()),
        "mean_nearest_neighbour_distance": nearest.mean(),
        "total_energy": energy[np.triu_indices(5, k=1)].sum(),
        "mean_radius": radius.mean(),
    }
    functions: dict[str, Callable] = {name: getattr(observables, name) for name in desired}
    functions["total_energy"] = lambda state: observables.total_energy(state, potential)

    def measure(state: jxm.BaseCellState) -> dict[str, jax.Array]:
        return {name: f(state) for name, f in functions.items()}

    for name, value in jax.jit(measure)(state).items():
        assert value == pytest.approx(desired[name], rel=1e-13), name
    np.testing.assert_allclose(observables.centroid(state), x.mean(axis=0), rtol=1e-13)


RADIAL_DENSITY = partial(observables.radial_density, inner=0.0, outer=2.0, smoothing=0.1)
OF_PLACES = [
    observables.radius_of_gyration,
    observables.mean_distance_to_centroid,
    observables.mean_nearest_neighbour_distance,
    observables.anisotropy,
    RADIAL_DENSITY,
]
ENERGIES = [
    MorsePotential(epsilon=1.5, alpha=2.0, r_onset=15.0, r_cutoff=20.0),
    mechanics.MorseAdhesionPotential(jnp.ones((2, 2)), alpha=2.0, r_onset=2.0, r_cutoff=2.5),
    mechanics.LennardJonesPotential(epsilon=1.5),
    mechanics.SoftSpherePotential(epsilon=1.5),
    mechanics.HarmonicPotential(epsilon=1.5),
    mechanics.HertzianPotential(epsilon=1.5),
]


@pytest.mark.parametrize("spoilt", ["position", "radius"])
@pytest.mark.parametrize(
    "observable",
    [
        *OF_PLACES,
        lambda state: observables.radial_order(state, state.radius[:, 0]),
        lambda state: observables.roundness(state, 3.0, 8, 0.5),
        lambda state: observables.contact_number(state, 0.1),
        lambda state: observables.mixing_index(state, 0.1),
        *(partial(observables.total_energy, potential=potential) for potential in ENERGIES),
        *(lambda state, p=p: p.force_fn(state)(state.position).sum() for p in ENERGIES),
    ],
)
def test_a_cell_that_is_nowhere_or_has_no_size_is_never_a_number(
    observable: Callable[[Any], jax.Array], spoilt: str
) -> None:
    """A simulation that went wrong must be seen to have, not count as one with all cells at a point."""
    state = make_state(2)
    broken = eqx.tree_at(
        lambda s: getattr(s, spoilt), state, getattr(state, spoilt).at[2, 0].set(np.nan)
    )
    assert np.isfinite(observable(state))
    if spoilt == "position" or observable not in OF_PLACES:
        assert np.isnan(observable(broken))


def test_the_nearest_neighbour_may_be_across_a_face_of_a_periodic_box() -> None:
    space = jxm.space.periodic(10.0)
    position = jnp.array([[0.5, 5.0], [9.8, 5.0], [3.0, 5.0]])
    state = jxm.BaseCellState(*space, position, jnp.ones((3, 1)), jnp.ones((3, 1)))
    distance = observables.mean_nearest_neighbour_distance(state)
    assert distance == pytest.approx((0.7 + 0.7 + 2.5) / 3, rel=1e-13)


def test_what_is_measured_from_the_centroid_is_refused_in_periodic_space() -> None:
    state = jxm.BaseCellState(
        *jxm.space.periodic(10.0), jnp.ones((3, 2)), jnp.ones((3, 1)), jnp.ones((3, 1))
    )
    for measure in (
        observables.mean_distance_to_centroid,
        observables.radius_of_gyration,
        observables.anisotropy,
        lambda state: observables.radial_order(state, state.radius[:, 0]),
        lambda state: observables.radial_density(state, 0.0, 1.0, 0.1),
        lambda state: observables.roundness(state, 2.0, 8, 0.5),
        lambda state: observables.covered_fraction(state, 2.0, 8, 0.5),
    ):
        with pytest.raises(jxm.JaxmorphError, match="centroid: the state is in periodic space"):
            measure(state)


def discs(*cells: tuple[float, float, float]) -> jxm.BaseCellState:
    x = jnp.asarray(cells)
    return jxm.BaseCellState(*jxm.space.free(), x[:, :2], jnp.ones((len(cells), 1)), x[:, 2:])


def test_covered_fraction_is_the_area_of_the_union_of_discs() -> None:
    edge = 0.002  # so narrow that it counts for less than 1 %

    @jax.jit
    def area(state: jxm.BaseCellState) -> jax.Array:
        return 16 * observables.covered_fraction(state, 2.0, 400, edge)

    r, d = 0.8, 0.9
    assert area(discs((3.0, -2.0, r))) == pytest.approx(np.pi * r**2, rel=1e-3)
    # Two discs at one place cover one disc; two at a distance d < 2 r overlap in a lens.
    assert area(discs((0, 0, r), (0, 0, r))) == pytest.approx(np.pi * r**2, rel=1e-2)
    lens = 2 * r**2 * np.arccos(d / (2 * r)) - d / 2 * np.sqrt(4 * r**2 - d**2)
    pair = discs((-d / 2, 0, r), (d / 2, 0, r))
    assert area(pair) == pytest.approx(2 * np.pi * r**2 - lens, rel=2e-3)
    dead = eqx.tree_at(lambda s: s.radius, pair.elongate(1), jnp.full((3, 1), r))
    assert area(dead) == pytest.approx(float(area(pair)), rel=1e-13)


def test_covered_fraction_of_a_ball_with_a_soft_edge() -> None:
    """The volume inside a logistic edge of width s is 4 pi / 3 (R^3 + pi^2 s^2 R)."""
    ball = jxm.BaseCellState.empty(n_dim=3).elongate(1)
    new = jnp.ones((1, 1)), jnp.full((1, 1), 1.5)
    ball = eqx.tree_at(lambda s: (s.celltype, s.radius), ball, new)
    fraction = observables.covered_fraction(ball, 2.0, 32, 0.08)
    volume = 4 / 3 * np.pi * (1.5**3 + np.pi**2 * 0.08**2 * 1.5)
    # The edge reaches the sides of the window by exp(-0.5 / 0.08).
    assert fraction * 64 == pytest.approx(volume, rel=2e-3)


def test_covered_fraction_has_the_gradient_of_the_area() -> None:
    """d(pi R^2) / dR = 2 pi R, although the grid is coarse: the edge is as wide as its spacing."""

    def area(radius: jax.Array) -> jax.Array:
        state = eqx.tree_at(lambda s: s.radius, discs((0, 0, 1.0)), radius.reshape(1, 1))
        return 16 * observables.covered_fraction(state, 2.0, 24, 4.0 / 24)

    assert jax.grad(area)(jnp.asarray(1.0)) == pytest.approx(2 * np.pi, rel=0.01)


def test_dead_slots_and_coincident_cells_leave_gradients_finite() -> None:
    state = make_state(2)
    x = state.position.at[3].set(state.position[2]).at[6].set(0)
    potential = MorsePotential(r_onset=15.0, r_cutoff=20.0)

    def every(position: jax.Array) -> jax.Array:
        moved = eqx.tree_at(lambda s: s.position, state, position)
        return jnp.stack(
            [
                observables.mean_distance_to_centroid(moved),
                observables.radius_of_gyration(moved),
                observables.mean_nearest_neighbour_distance(moved),
                observables.total_energy(moved, potential),
                observables.covered_fraction(moved, 3.0, 8, 0.5),
            ]
        )

    jacobian = np.asarray(jax.jit(jax.jacrev(every))(x))
    assert np.isfinite(jacobian).all()
    np.testing.assert_array_equal(jacobian[:, list(DEAD)], 0)
    assert np.all(np.abs(np.delete(jacobian, DEAD, axis=1)).max(axis=(1, 2)) > 0)
