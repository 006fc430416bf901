"""Neighbour lists: the same numbers as all pairs, and never a wrong one where a buffer is too small."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from support.spaces import periodic_of_another

import jaxmorph as jxm
from jaxmorph import observables, space
from jaxmorph.env.interactions import choose, choosing, preferring
from jaxmorph.env.interactions.situation import Situation
from jaxmorph.env.interactions.sums import NeighbourLists
from jaxmorph.env.interactions.sums.neighbours import nearest_neighbour, neighbour_list
from jaxmorph.env.mechanics import MorsePotential
from jaxmorph.tracing import Buffers, buffered

ENOUGH = {"neighbours": 160, "candidates": 800, "skin": 0.1, "nearest_candidates": 800}
POTENTIAL = MorsePotential(epsilon=2.0, alpha=2.0, r_onset=1.1, r_cutoff=1.4)


@pytest.fixture
def always_listed() -> Iterator[None]:
    """Neighbour lists also for few cells, where engine or test looks after the buffers."""
    with choosing(preferring(NeighbourLists())):
        yield


@pytest.fixture(autouse=True)
def double() -> Any:
    with jax.enable_x64(True):
        yield


def cluster(dim: int, side: float | None = None, n: int = 120, seed: int = 0) -> jxm.BaseCellState:
    """Random cells, a seventh of the slots dead, one of them at a place that is no number."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, side or 1.2 * n ** (1 / dim), (n, dim))
    alive = np.arange(n) % 7 != 0
    x[0] = np.nan
    # Pairs at exactly the range, along an axis and askew.
    x[2] = x[1] + 1.4 * np.eye(dim)[0]
    x[4] = x[3] + 1.4 / np.sqrt(dim)
    functions = space.free() if side is None else space.periodic(side)
    radius = rng.uniform(0.3, 0.6, (n, 1))
    return jxm.BaseCellState(
        *functions, jnp.asarray(x), jnp.asarray(alive, float)[:, None], jnp.asarray(radius)
    )


def without_nan(state: jxm.BaseCellState) -> jxm.BaseCellState:
    """Sums over all pairs know no NaN in a dead slot."""
    return jax.tree.map(jnp.nan_to_num, state)


def distances(state: jxm.BaseCellState, side: float | None) -> np.ndarray:
    x = np.asarray(state.position)
    between = x[:, None] - x
    if side is not None:
        between -= side * np.round(between / side)
    apart = np.linalg.norm(between, axis=-1)
    alive = np.asarray(state.alive)
    apart[~alive] = apart[:, ~alive] = np.inf
    np.fill_diagonal(apart, np.inf)
    return apart


PLACES = [
    *((2, side) for side in (None, 2.0, 3.5, 4.3, 9.0)),
    *((3, side) for side in (None, 3.5)),
    *(pytest.param(3, side, marks=pytest.mark.slow) for side in (2.0, 4.3, 9.0)),
]
FEWER_PLACES = [
    (2, None),
    (3, 9.0),
    *(pytest.param(*p, marks=pytest.mark.slow) for p in ((3, None), (2, 3.5))),
]


@pytest.mark.parametrize(("dim", "side"), PLACES)
def test_a_list_holds_every_pair_within_reach_once_from_each_side(dim: int, side: float | None) -> None:
    """In periodic boxes of 1, 2, 3 and more boxes a side, too."""
    state, reach = cluster(dim, side), 1.4
    args = state.displacement, state.position, state.alive, reach
    found = jax.jit(lambda: neighbour_list(*args, n_neighbours=120, n_candidates=120))()
    pairs = [(i, j) for slot in np.asarray(found.slots) for i, j in enumerate(slot) if i != j]
    apart = distances(state, side)
    # The pairs at exactly the reach may be on it.
    required = set(zip(*np.nonzero(apart < reach - 1e-9), strict=True))
    allowed = set(zip(*np.nonzero(apart < reach + 1e-4), strict=True))
    assert len(pairs) == len(set(pairs))
    assert required <= set(pairs) <= allowed
    assert found.neighbours == max(sum(i == k for i, _ in pairs) for k in range(120))
    assert found.neighbours <= found.candidates <= np.sum(state.alive)
    if side == 9.0 and dim == 2:
        assert found.candidates < 60  # and not all cells


@pytest.mark.parametrize(("dim", "side"), FEWER_PLACES)
@pytest.mark.usefixtures("always_listed")
def test_forces_and_energies_are_those_of_all_pairs(dim: int, side: float | None) -> None:
    state = without_nan(cluster(dim, side))
    # The list is good until a cell has gone half of the skin, and so is the force.
    moved = state.position + 0.99 * 0.07 * jnp.asarray([-1, *[1] * (dim - 1)]) / np.sqrt(dim)

    def results(x: Array) -> list[Array]:
        force = POTENTIAL.force_fn(state)
        each = POTENTIAL.energy_fn(state, per_particle=True)
        return [force(x), force(moved), each(x), POTENTIAL.energy_fn(state)(x)]

    # Each jit has a function of its own: what is traced depends on the buffers.
    dense = jax.jit(partial(results))(state.position)
    with buffered(Buffers(ENOUGH)):
        found = jax.jit(partial(results))(state.position)
    for a, b in zip(found, dense, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-11 * float(jnp.abs(b).max()))


@pytest.mark.usefixtures("always_listed")
def test_the_force_is_that_of_jax_mds_neighbour_list(from_jax_md: Callable) -> None:
    side = 9.0
    state = cluster(2, side)
    state = state.delete(~np.asarray(state.alive))
    state = jxm.BaseCellState(
        state.displacement, state.shift, state.position, state.celltype, jnp.full_like(state.radius, 0.4)
    )
    numbers = {"sigma": 0.8, "epsilon": 2.0, "alpha": 2.0, "r_onset": 1.1, "r_cutoff": 1.4}

    def force_of_jax_md() -> Array:
        import jax_md

        neighbours, energy = jax_md.energy.morse_neighbor_list(
            jax_md.space.periodic(side)[0], side, **{k: jnp.asarray(v) for k, v in numbers.items()}
        )
        there = neighbours.allocate(state.position)
        return jax.jit(jax_md.quantity.force(energy))(state.position, there)

    theirs = from_jax_md(force_of_jax_md)
    with buffered(Buffers(ENOUGH)):
        ours = jax.jit(POTENTIAL.force_fn(state))(state.position)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("dim", [2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("always_listed", "optimised")
def test_derivatives_in_both_modes_are_those_of_all_pairs(dim: int) -> None:
    state = without_nan(cluster(dim))
    weight = jnp.asarray(np.random.default_rng(5).normal(size=state.position.shape))

    def projected(numbers: dict[str, Array]) -> Array:
        potential = MorsePotential(
            epsilon=numbers["epsilon"], alpha=numbers["alpha"], r_onset=1.1, r_cutoff=1.4
        )
        here = jxm.BaseCellState(
            state.displacement, state.shift, numbers["position"], state.celltype, numbers["radius"]
        )
        energy = potential.energy_fn(here)(here.position)
        return jnp.sum(weight * potential.force_fn(here)(here.position)) + energy

    at = {
        "epsilon": jnp.asarray(2.0),
        "alpha": jnp.asarray(3.0),
        "position": state.position,
        "radius": state.radius,
    }
    along = {name: jnp.cos(1 + jnp.arange(x.size)).reshape(x.shape) for name, x in at.items()}
    truth = jax.jit(jax.grad(projected))(at)
    with buffered(Buffers(ENOUGH)):
        reverse = jax.jit(jax.grad(projected))(at)
        _, forward = jax.jit(lambda at: jax.jvp(projected, (at,), (along,)))(at)
    for name, found in reverse.items():
        scale = float(jnp.abs(truth[name]).max())
        np.testing.assert_allclose(found, truth[name], rtol=1e-11, atol=1e-11 * scale)
    slope = sum(float(jnp.sum(truth[name] * along[name])) for name in at)
    assert forward == pytest.approx(slope, rel=1e-11)


@pytest.mark.parametrize(
    ("dim", "side"), [(2, None), pytest.param(3, None, marks=pytest.mark.slow), (2, 9.0)]
)
@pytest.mark.usefixtures("always_listed")
def test_nearest_neighbours_are_those_of_all_pairs(dim: int, side: float | None) -> None:
    state = without_nan(cluster(dim, side))
    truth = distances(state, side).min(axis=1)
    alive = np.asarray(state.alive)
    args = state.displacement, state.position, state.alive, jnp.asarray(3.0)
    index, distance, _ = jax.jit(lambda: nearest_neighbour(*args, n_candidates=120))()
    np.testing.assert_allclose(np.asarray(distance)[alive], truth[alive], rtol=1e-13)
    assert np.all(np.asarray(state.alive)[np.asarray(index)[alive]])

    def mean(x: Array) -> Array:
        moved = dataclasses.replace(state, position=x)
        return observables.mean_nearest_neighbour_distance(moved)

    value, slope = jax.jit(jax.value_and_grad(mean))(state.position)
    assert value == pytest.approx(truth[alive].mean(), rel=1e-13)
    with buffered(Buffers(ENOUGH)):
        listed_value, listed_slope = jax.jit(jax.value_and_grad(mean))(state.position)
    assert listed_value == pytest.approx(float(value), rel=1e-13)
    np.testing.assert_allclose(listed_slope, slope, rtol=1e-11, atol=1e-14)


@pytest.mark.usefixtures("always_listed")
def test_cells_in_a_line_or_at_one_place_have_nearest_neighbours() -> None:
    for x, distance in ((jnp.arange(40.0) / 8, 1 / 8), (jnp.zeros(40), 0.0)):
        state = cluster(2, n=40)
        position = jnp.stack([x, jnp.ones(40)], axis=1)
        state = jxm.BaseCellState(*space.free(), position, jnp.ones((40, 1)), state.radius)
        with buffered(Buffers(ENOUGH)):
            mean = jax.jit(observables.mean_nearest_neighbour_distance)(state)
        assert mean == pytest.approx(distance)


@pytest.mark.parametrize(
    "small",
    [
        "neighbours",
        *(pytest.param(b, marks=pytest.mark.slow) for b in ("candidates", "skin", "nearest_reach")),
    ],
)
@pytest.mark.usefixtures("always_listed")
def test_a_buffer_that_is_too_small_gives_nan_and_says_what_it_needs(small: str) -> None:
    state = without_nan(cluster(2))

    def results(x: Array) -> tuple[Array, Array]:
        force = POTENTIAL.force_fn(state)(x + 0.02)
        moved = dataclasses.replace(state, position=x)
        return jnp.sum(force**2), observables.mean_nearest_neighbour_distance(moved)

    measured = Buffers(ENOUGH, measure=True)
    with buffered(measured):
        jax.block_until_ready(jax.jit(results)(state.position))
        jax.effects_barrier()
    need = measured.needed[small]
    if small == "skin":
        assert need == pytest.approx(2 * 0.02 * np.sqrt(2) / 1.4)
    for size, enough in ((need, True), (0.99 * need, False)):
        with buffered(Buffers({**ENOUGH, small: size * (1 + 1e-6)})):
            values, slopes = jax.jit(lambda x: jax.jvp(results, (x,), (x,)))(state.position)
        concerned = slice(1, 2) if small == "nearest_reach" else slice(0, 1)
        assert np.isfinite(values[concerned]).all() == enough
        assert np.isfinite(slopes[concerned]).all() == enough


def test_without_someone_who_looks_after_buffers_all_pairs_are_summed() -> None:
    small = {"neighbours": 1.0, "candidates": 1.0}
    state = without_nan(cluster(2))
    assert np.isfinite(POTENTIAL.force_fn(state)(state.position)).all()
    with buffered(Buffers(small)):  # fewer cells than pay
        assert np.isfinite(POTENTIAL.force_fn(state)(state.position)).all()


def test_lists_are_taken_where_they_are_possible_and_short() -> None:
    def is_listed(**differs: Any) -> bool:
        many = Situation("force", 400, 2, "periodic", has_range=True, neighbours=48.0)
        return isinstance(choose(many._replace(**differs)), NeighbourLists)

    assert is_listed() and is_listed(work="energy") and is_listed(work="nearest", platform="cpu")
    assert is_listed(space="free") and is_listed(space="free", platform="gpu")
    assert not is_listed(space="free", platform="cpu")  # there are kernels
    assert is_listed(platform="cpu")
    assert not is_listed(has_range=False)
    assert not is_listed(space="unknown")
    assert not is_listed(array_field="depth")
    assert not is_listed(neighbours=None)
    assert not is_listed(neighbours=101.0)  # a quarter of all
    assert not is_listed(n_cells=199)
    assert MorsePotential(r_cutoff=jnp.asarray(2.0)).interaction_range is None
    assert MorsePotential(r_cutoff=2).interaction_range == 2.0


@pytest.mark.parametrize("library", ["a stand-in", pytest.param("jax-md", marks=pytest.mark.slow)])
def test_a_space_of_another_library_is_unknown(library: str) -> None:
    assert space.kind(space.free()[0], 2) == "free"
    assert space.kind(space.periodic(9.0)[0], 2) == "periodic"
    made = periodic_of_another
    if library == "jax-md":
        from jax_md import space as md_space

        made = md_space.periodic
    assert space.kind(made(9.0)[0], 2) == "unknown"
