"""The distance from each cell to the nearest other one."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import space
from ...state import BaseCellState
from ...tracing import buffer_need, buffer_size, expected_size, may_buffer
from .choice import chosen
from .situation import Situation
from .sums.lists import CANDIDATES, NeighbourLists, or_nan
from .sums.neighbours import nearest_neighbour

# First guess of a reach, in mean distances.
_REACH = 3.0


def nearest_distance(state: BaseCellState) -> Float[Array, " cell"] | None:
    """Distance of each living cell to the nearest other one; None if all pairs have to be compared.

    Cells are looked for within a reach of some mean distances. It is NaN where a buffer is too small.
    """
    n_cells, n_dim = state.position.shape
    first = CANDIDATES.get(n_dim)
    size = expected_size("nearest_candidates", first) if first and may_buffer() else None
    where = space.kind(state.displacement, n_dim)
    situation = Situation("nearest", n_cells, n_dim, where, has_range=True, neighbours=size)
    if not isinstance(chosen(situation), NeighbourLists):
        return None
    n_candidates = max(1, int(buffer_size("nearest_candidates", CANDIDATES[n_dim])))
    mean_distances = buffer_size("nearest_reach", _REACH)
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
    return or_nan(space.distance(between), complete)


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
