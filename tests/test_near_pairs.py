"""Kernels find all pairs within reach, wherever cells are, and are taken for many cells."""

import dataclasses
import re
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from support.forces import LAWS, N, close, derived, forces_of, plain, points, state_of

from jaxmorph.engine.program import over_batch
from jaxmorph.env.interactions import choosing, preferring
from jaxmorph.env.interactions.kernels import NearPairKernels, kernel_called
from jaxmorph.env.interactions.kernels.near_pairs import NearPairs
from jaxmorph.env.mechanics import HarmonicPotential, MorsePotential, PairPotential

_MANY_CELLS = 300


def _scattered(n_dim: int) -> np.ndarray:
    return np.random.default_rng(2).uniform(0, 1, (_MANY_CELLS, n_dim))


def _row(n_dim: int, axis: int) -> np.ndarray:
    position = _scattered(n_dim)
    position[:, axis] *= 0.6 * _MANY_CELLS
    return position


def _at_edges(n_dim: int) -> np.ndarray:
    """On a lattice as wide as the reach, and half of it: distances that are the reach itself."""
    return np.indices((18,) * n_dim).reshape(n_dim, -1).T[:_MANY_CELLS] * 1.25


def _far_apart(n_dim: int) -> np.ndarray:
    """Three clusters and a cell, 10^7 apart: farther than boxes are counted."""
    position = _scattered(n_dim) * 6
    position[100:200, 0] += 1e7
    position[200:, -1] -= 1e7
    position[7] = -1e9
    return position


PLACES: dict[str, Callable[[int], np.ndarray]] = {
    "a disc": lambda n_dim: _scattered(n_dim) * 1.2 * _MANY_CELLS ** (1 / n_dim),
    "all within reach": _scattered,
    "a row along x": lambda n_dim: _row(n_dim, 0),
    "a row along the last axis": lambda n_dim: _row(n_dim, -1),
    "at the edges of boxes": _at_edges,
    "far from the origin": lambda n_dim: _scattered(n_dim) * 20 + 1e5,
    "far apart": _far_apart,
}


def crowds(name: str, n_dim: int, dead_at: float) -> Callable[[Array, Array], Array]:
    """(theta, key) -> forces in the place that the last of theta counts; a third is dead."""
    places = np.stack([place(n_dim) for place in PLACES.values()])
    dead = np.arange(_MANY_CELLS)[:, None] % 3 == 1

    def force(theta: Array, key: Array) -> Array:
        a, b, scale, spread, growth, place = theta
        # Not places times the spread: derivatives would be as large as places are far away.
        moved = (spread - 1) * (_scattered(n_dim) - 0.5)
        position = jnp.where(dead, dead_at, jnp.asarray(places)[place.astype(int)] + moved)
        radius = jax.random.uniform(key, (_MANY_CELLS, 1), theta.dtype, 0.3, 0.7) * growth
        state = state_of(position, radius)
        state = dataclasses.replace(state, celltype=jnp.where(dead, 0, state.celltype))
        return LAWS[name](a, b).scaled_force_fn(state, scale)(position)

    return force


@pytest.mark.parametrize("mode", ["forward", "gradient"])
@pytest.mark.parametrize(
    ("name", "n_dim"),
    [
        pytest.param("morse", 2, marks=pytest.mark.slow),
        pytest.param("morse", 3, marks=pytest.mark.slow),
        pytest.param("harmonic", 2, marks=pytest.mark.slow),
        ("adhesion of molecules", 2),
    ],
)
def test_near_pairs_are_found_wherever_cells_are(name: str, n_dim: int, mode: str) -> None:
    """Dead cells have no place."""
    with jax.enable_x64(True), choosing(preferring(NearPairKernels())):
        samples, keys = points("float64", len(PLACES))
        samples[:, 3] = 1  # so that cells on edges stay there
        samples = np.column_stack([samples, np.arange(len(PLACES))])
        got = jax.jit(over_batch(derived(crowds(name, n_dim, np.nan), mode)))(samples, keys[:1])
        function = derived(crowds(name, n_dim, 0.0), mode)
        wanted = jax.jit(lambda *a: plain(function, *a))(samples, keys[:1])
        for i in range(len(PLACES)):
            close([x[i] for x in got], [x[i] for x in wanted], 1e-11)


@pytest.mark.slow
def test_more_tangents_than_a_vector_holds() -> None:
    with jax.enable_x64(True), choosing(preferring(NearPairKernels(most_tangents=16))):
        samples, keys = points("float64", 2)
        function = derived(forces_of("morse", 2), "reverse")  # a cotangent each component
        text = str(jax.make_jaxpr(over_batch(function))(samples, keys))
        assert text.count("ffi_call") == 1 + -(-2 * N // 16)
        got = jax.jit(over_batch(function))(samples, keys)
        close(got, jax.jit(lambda *a: plain(function, *a))(samples, keys), 1e-12)


@pytest.mark.slow
def test_kernels_for_many_cells_look_for_near_pairs() -> None:
    """Whatever has a reach; each kind of kernel from where it is faster."""

    def looked_for(potential: PairPotential, n_cells: int, n_lanes: int) -> list[bool]:
        def force(theta: Array, key: Array) -> Array:
            position = jax.random.uniform(key, (n_cells, 2)) * theta
            state = state_of(position, jnp.full((n_cells, 1), 0.5))
            return jnp.sum(potential.force_fn(state)(position) ** 2)

        text = str(jax.make_jaxpr(over_batch(jax.value_and_grad(force)))(np.ones((n_lanes, 1)), keys))
        names = dict.fromkeys(re.findall(r"jaxmorph_pair_kernel_\w+", text))
        return [made[0] is NearPairs for name in names if (made := kernel_called(name))]

    keys = points("float32", 1)[1][:1]
    ending = MorsePotential(r_onset=1.5, r_cutoff=2.5)
    endless = MorsePotential(r_cutoff=jnp.asarray(9.0))
    assert looked_for(ending, 50, 16) == looked_for(endless, 1000, 16) == [False, False]
    assert looked_for(ending, 1000, 16) == looked_for(HarmonicPotential(), 1000, 16) == [True, True]
    assert looked_for(ending, 50, 3) == looked_for(endless, 50, 3) == [True, True]
