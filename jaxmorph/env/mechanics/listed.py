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
from .neighbours import NeighbourList, nearest_neighbour, neighbour_list

# Measured with benchmarks/others.py (docs/scaling.md); a list also has to be as much shorter than
# all pairs as a pair of it is dearer.
CROSSOVER = 200
DEARER = 4

# First guesses by dimension, for cells that touch and a range of 2.5 contact distances.
_NEIGHBOURS = {2: 48, 3: 160}
_CANDIDATES = {2: 160, 3: 1280}
_SKIN = 0.1
_NEAREST = 3.0

PairFn = Callable[[Array, Array], Array]
"""Of the distances of pairs and the sums of their radii, elementwise."""
SlotFn = Callable[[Array], PairFn]
"""Of a slot of a list, (cell,): the neighbour of each cell there."""


def is_listed(interaction_range: float | Array | None, state: BaseCellState) -> bool:
    """Whether a neighbour list is cheaper than all pairs, and can be had."""
    n_cells, n_dim = state.position.shape
    return (
        interaction_range is not None
        and _can_list(state)
        and buffer_size("neighbours", _NEIGHBOURS[n_dim]) * DEARER <= n_cells
    )


def _can_list(state: BaseCellState) -> bool:
    n_cells, n_dim = state.position.shape
    known = space.is_known(state.displacement) and n_dim in _NEIGHBOURS
    return known and n_cells >= CROSSOVER and may_buffer()


def nearest_distance(state: BaseCellState) -> Float[Array, " cell"] | None:
    """Distance of each living cell to the nearest other one; None if all pairs have to be compared.

    Cells are looked for within a reach of some mean distances. It is NaN where a buffer is too small.
    """
    n_cells, n_dim = state.position.shape
    if not _can_list(state):
        return None
    n_candidates = max(1, int(buffer_size("nearest_candidates", _CANDIDATES[n_dim])))
    if n_candidates * DEARER > n_cells:
        return None
    mean_distances = buffer_size("nearest_reach", _NEAREST)
    position = jax.lax.stop_gradient(state.position)
    scale = _mean_distance(state, position)
    index, distance, candidates = nearest_neighbour(
        state.displacement, position, state.alive, mean_distances * scale, n_candidates
    )
    farthest = jnp.max(jnp.where(state.alive, distance, 0))
    finite = jnp.isfinite(scale)
    # Where none was found in reach, it is to be twice as far.
    need = jnp.where(jnp.isfinite(farthest), farthest / scale, 2 * mean_distances)
    buffer_need("nearest_reach", jnp.where(finite, need, 0))
    buffer_need("nearest_candidates", jnp.where(finite, candidates, 0))
    complete = finite & (candidates <= n_candidates) & (farthest <= mean_distances * scale)
    between = jax.vmap(state.displacement)(state.position, state.position[index])
    return _or_nan(space.distance(between), complete)


def _mean_distance(state: BaseCellState, position: Float[Array, "cell dim"]) -> Float[Array, ""]:
    """The side of the cube (square) that each living cell has, of the box that holds all of them."""
    n_dim = position.shape[1]
    alive = state.alive[:, None]
    n_alive = jnp.sum(alive)
    side = space.side(state.displacement)
    if side is None:
        low = jnp.min(jnp.where(alive, position, jnp.inf), axis=0)
        side = jnp.max(jnp.where(alive, position, -jnp.inf), axis=0) - low
    extent = jnp.broadcast_to(jnp.asarray(side, position.dtype), (n_dim,))
    # Cells in a line, or at one place.
    extent = jnp.maximum(extent, jnp.max(extent) / n_alive)
    extent = jnp.maximum(extent, jnp.finfo(position.dtype).tiny ** 0.25)
    return jnp.prod(extent ** (1 / n_dim)) / n_alive ** (1 / n_dim)


def listed_energy(
    pair_energy: SlotFn, interaction_range: float | Array, state: BaseCellState, *, per_particle: bool
) -> Callable[[Float[Array, "cell dim"]], Float[Array, "*cell"]]:
    """The energy by a list of pairs; NaN where a buffer is too small for it."""

    def energy(position: Array) -> Array:
        listed, complete = _list(state, position, interaction_range)
        pairs = _slots(state, listed, position, interaction_range)

        def add(total: Array, slot: Array) -> tuple[Array, None]:
            _, distance, sigma, exists = pairs(position, slot)
            return total + jnp.where(exists, pair_energy(slot)(distance, sigma), 0), None

        total, _ = jax.lax.scan(jax.checkpoint(add), jnp.zeros_like(position[:, 0]), listed.slots)
        return 0.5 * _or_nan(total if per_particle else jnp.sum(total), complete)

    return energy


def listed_force(
    force_over_distance: SlotFn, interaction_range: float | Array, state: BaseCellState
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
            factor = jnp.where(exists, force_over_distance(slot)(distance, sigma), 0)
            return total + factor * between, None

        total, _ = jax.lax.scan(jax.checkpoint(add), jnp.zeros_like(position.T), listed.slots)
        return _or_nan(total.T, complete & (need <= skin))

    return force


def _list(
    state: BaseCellState, position: Float[Array, "cell dim"], reach: float | Array
) -> tuple[NeighbourList, Bool[Array, ""]]:
    """The list, and whether it is complete."""
    n_dim = position.shape[1]
    n_neighbours = max(1, int(buffer_size("neighbours", _NEIGHBOURS[n_dim])))
    n_candidates = max(1, int(buffer_size("candidates", _CANDIDATES[n_dim])))
    listed = neighbour_list(state.displacement, position, state.alive, reach, n_neighbours, n_candidates)
    # After a NaN all cells are in one box; that is no reason for a larger buffer.
    finite = jnp.all(jnp.where(state.alive[:, None], jnp.isfinite(position), True))
    buffer_need("neighbours", jnp.where(finite, listed.neighbours, 0))
    buffer_need("candidates", jnp.where(finite, listed.candidates, 0))
    enough = (listed.neighbours <= n_neighbours) & (listed.candidates <= n_candidates)
    return listed, enough & finite


def _slots(
    state: BaseCellState, listed: NeighbourList, position: Array, interaction_range: float | Array
) -> Callable[[Array, Array], tuple[Array, Array, Array, Array]]:
    """A function of positions and one slot of the list.

    It gives the displacement (dim, cell), the distance, the sum of radii, and whether there is a pair.
    """
    radius = state.radius[:, 0]
    me = jnp.arange(position.shape[0], dtype=listed.slots.dtype)
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
