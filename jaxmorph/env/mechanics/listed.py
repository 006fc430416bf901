"""Energies and forces of pairs, as sums over a neighbour list; and when that is cheaper.

A sum goes slot by slot: all cells with their first neighbours, then with their second ones. What one
slot needs fits into a processor's cache, and reverse mode keeps the positions alone.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ... import space
from ...simulation.buffers import buffer_need, buffer_size, is_measured, may_buffer
from ...state import BaseCellState
from .neighbours import NeighbourList, neighbour_list

# Measured with benchmarks/clusters.py (docs/scaling.md); a list also has to be as much shorter than
# all pairs as a pair of it is dearer.
CROSSOVER = 1000
DEARER = 6

# First guesses by dimension, for cells that touch and a range of 2.5 contact distances.
_NEIGHBOURS = {2: 48, 3: 160}
_CANDIDATES = {2: 160, 3: 1280}
_SKIN = 0.1

PairFn = Callable[[Array, Array], Array]
"""Of the distances of pairs and the sums of their radii, elementwise."""


def is_listed(interaction_range: float | None, state: BaseCellState) -> bool:
    """Whether a neighbour list is cheaper than all pairs, and can be had."""
    n_cells, n_dim = state.position.shape
    return (
        interaction_range is not None
        and n_cells >= CROSSOVER
        and n_dim in _NEIGHBOURS
        and may_buffer()
        and space.is_known(state.displacement)
        and buffer_size("neighbours", _NEIGHBOURS[n_dim]) * DEARER <= n_cells
    )


def listed_energy(
    pair_energy: PairFn, interaction_range: float, state: BaseCellState, *, per_particle: bool
) -> Callable[[Float[Array, "cell dim"]], Float[Array, "*cell"]]:
    """The energy by a list of pairs; NaN where a buffer is too small for it."""

    def energy(position: Array) -> Array:
        listed, complete = _list(state, position, interaction_range)
        pairs = _slots(state, listed, position, interaction_range)

        def add(total: Array, slot: Array) -> tuple[Array, None]:
            _, distance, sigma, exists = pairs(position, slot)
            return total + jnp.where(exists, pair_energy(distance, sigma), 0), None

        total, _ = jax.lax.scan(jax.checkpoint(add), jnp.zeros_like(position[:, 0]), listed.index)
        return 0.5 * _or_nan(total if per_particle else jnp.sum(total), complete)

    return energy


def listed_force(
    force_over_distance: PairFn, interaction_range: float, state: BaseCellState
) -> Callable[[Float[Array, "cell dim"]], Float[Array, "cell dim"]]:
    """The force by a list of the pairs that are near at the positions of ``state``.

    It is NaN where a buffer is too small for the list, or a cell has moved so far that a pair may have
    come into range that is not on the list. The list reaches farther than the force by a skin, for that.

    Args:
        force_over_distance: Minus the slope of the energy of pairs, over their distance.
        interaction_range: Beyond it, there is no force.
        state: Whose cells move.
    """
    skin = buffer_size("skin", _SKIN)
    listed, complete = _list(state, state.position, interaction_range * (1 + skin))
    pairs = _slots(state, listed, state.position, interaction_range)

    def force(position: Array) -> Array:
        moved = jax.vmap(state.displacement)(*jax.lax.stop_gradient((position, state.position)))
        squared = jnp.max(jnp.where(state.alive, jnp.sum(moved**2, axis=1), 0))
        # Two cells may have moved towards each other. A NaN has moved too far.
        need = 2 * jnp.sqrt(squared) / interaction_range
        buffer_need("skin", need)

        def add(total: Array, slot: Array) -> tuple[Array, None]:
            between, distance, sigma, exists = pairs(position, slot)
            factor = jnp.where(exists, force_over_distance(distance, sigma), 0)
            return total + factor * between, None

        total, _ = jax.lax.scan(jax.checkpoint(add), jnp.zeros_like(position.T), listed.index)
        return _or_nan(total.T, complete & (need <= skin))

    return force


def _list(
    state: BaseCellState, position: Float[Array, "cell dim"], reach: float
) -> tuple[NeighbourList, Bool[Array, ""]]:
    """The list, and whether it is complete."""
    n_dim = position.shape[1]
    n_neighbours = max(1, int(buffer_size("neighbours", _NEIGHBOURS[n_dim])))
    n_candidates = max(1, int(buffer_size("candidates", _CANDIDATES[n_dim])))
    listed = neighbour_list(
        state.displacement, position, state.alive, reach, n_neighbours, n_candidates
    )
    # After a NaN all cells are in one box; that is no reason for a larger buffer.
    finite = jnp.all(jnp.where(state.alive[:, None], jnp.isfinite(position), True))
    buffer_need("neighbours", jnp.where(finite, listed.neighbours, 0))
    buffer_need("candidates", jnp.where(finite, listed.candidates, 0))
    enough = (listed.neighbours <= n_neighbours) & (listed.candidates <= n_candidates)
    return listed, enough & finite


def _slots(
    state: BaseCellState, listed: NeighbourList, position: Array, interaction_range: float
) -> Callable[[Array, Array], tuple[Array, Array, Array, Array]]:
    """A function of positions and one slot: displacement (dim, cell), distance, sum of radii, existence."""
    radius = state.radius[:, 0]
    me = jnp.arange(position.shape[0], dtype=listed.index.dtype)
    displacement = jax.vmap(state.displacement, out_axes=-1)

    def pairs(position: Array, slot: Array) -> tuple[Array, Array, Array, Array]:
        exists = slot != me
        between = displacement(position, position[slot])
        distance = space.distance(between, axis=0)
        # A pair energy may be infinite at distance 0.
        return between, jnp.where(exists, distance, interaction_range), radius + radius[slot], exists

    return pairs


def _or_nan(x: Array, valid: Bool[Array, ""]) -> Array:
    """``x``, or NaN in values and derivatives."""
    return x if is_measured() else x * jnp.where(valid, 1.0, jnp.nan).astype(x.dtype)
