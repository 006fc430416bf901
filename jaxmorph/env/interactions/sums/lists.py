"""Sums over neighbour lists, by operations of JAX.

A sum goes slot by slot: all cells with their first neighbours, then with their second ones. What one
slot needs fits into a processor's cache, and reverse mode keeps the positions alone.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .... import space
from ....state import BaseCellState
from ....tracing import buffer_need, buffer_size, expected_size, is_measured, may_buffer
from ..fields import of_pairs
from ..interaction import Interaction
from ..law import PairLaw
from ..situation import Situation
from .neighbours import NeighbourList, neighbour_list
from .pair_sum import EnergyFn, ForceFn, OfPair, PairSum, Scalar

# First guesses by dimension, for cells that touch and a range of 2.5 contact distances.
_NEIGHBOURS = {2: 48, 3: 160}
CANDIDATES = {2: 160, 3: 1280}
_SKIN = 0.1


def expected_neighbours(n_dim: int) -> float | None:
    """For how many neighbours of a cell a list would have room; None if nobody looks after that."""
    if not may_buffer() or n_dim not in _NEIGHBOURS:
        return None
    return expected_size("neighbours", _NEIGHBOURS[n_dim])


@dataclasses.dataclass(frozen=True)
class NeighbourLists(PairSum):
    """Pairs within the range of a law, from lists of fixed size (``tracing`` has their buffers)."""

    def refusal(self, situation: Situation) -> str:
        if situation.array_field:
            return f"its field {situation.array_field!r} is an array"
        if not situation.has_range:
            return "it has no end"
        if situation.space == "unknown":
            return "its space is that of another library"
        return "nobody looks after the size of lists" if situation.neighbours is None else ""

    def energy(self, of: Interaction, of_pair: OfPair, *, per_particle: bool) -> EnergyFn:
        """See ``PairSum``; NaN where a buffer is too small for the list."""
        law, state = of.law, of.state
        reach = range_in(law, state)

        def energy(position: Array) -> Array:
            listed, complete = _list(state, position, reach)
            pairs = _slots(state, listed, position, reach)

            def add(total: Array, slot: Array) -> tuple[Array, None]:
                _, distance, sigma, exists = pairs(position, slot)
                each = of_pair(_in_slot(law, slot))(distance, sigma)
                return total + jnp.where(exists, each, 0), None

            total, _ = jax.lax.scan(jax.checkpoint(add), jnp.zeros_like(position[:, 0]), listed.slots)
            return 0.5 * or_nan(total if per_particle else jnp.sum(total), complete)

        return energy

    def force(self, of: Interaction, scale: Scalar) -> ForceFn:
        """The force by a list of the pairs that are near at the positions of ``state``.

        It is NaN where a buffer is too small for the list, or a cell has moved so far that a pair may
        have come into range that is not on the list. The list reaches farther than the force by a skin,
        for that.
        """
        law, state = of.law, of.state
        reach = range_in(law, state)
        skin = buffer_size("skin", _SKIN)
        listed, complete = _list(state, state.position, reach * (1 + skin))
        pairs = _slots(state, listed, state.position, reach)

        def force(position: Array) -> Array:
            moved = jax.vmap(state.displacement)(*jax.lax.stop_gradient((position, state.position)))
            squared = jnp.max(jnp.where(state.alive, jnp.sum(moved**2, axis=1), 0))
            # Two cells may have moved towards each other. A NaN has moved too far.
            need = 2 * jnp.sqrt(squared) / reach
            buffer_need("skin", need)

            def add(total: Array, slot: Array) -> tuple[Array, None]:
                between, distance, sigma, exists = pairs(position, slot)
                each = _in_slot(law, slot).force_over_distance(distance, sigma)
                return total + jnp.where(exists, each, 0) * between, None

            total, _ = jax.lax.scan(jax.checkpoint(add), jnp.zeros_like(position.T), listed.slots)
            return scale * or_nan(total.T, complete & (need <= skin))

        return force


def range_in(law: PairLaw, state: BaseCellState) -> Scalar:
    """The range of a law as a number: one that no pair of ``state`` exceeds."""
    reach = law.interaction_range
    assert reach is not None, law
    if reach != "contact":
        return reach
    largest = jnp.max(jnp.where(state.alive, state.radius[:, 0], 0), initial=0)
    # A little above 0, so that a state without cells has a range too.
    smallest = jnp.finfo(largest.dtype).tiny ** 0.25
    return jax.lax.stop_gradient(jnp.maximum(2 * largest, smallest))


def _in_slot(law: PairLaw, slot: Int[Array, " cell"]) -> PairLaw:
    """The law of each cell and its neighbour in a slot of a list."""
    return of_pairs(law, lambda x: jnp.sum(x.left * x.right[slot], axis=1))


def _list(
    state: BaseCellState, position: Float[Array, "cell dim"], reach: float | Array
) -> tuple[NeighbourList, Bool[Array, ""]]:
    """The list, and whether it is complete."""
    n_dim = position.shape[1]
    n_neighbours = max(1, int(buffer_size("neighbours", _NEIGHBOURS[n_dim])))
    n_candidates = max(1, int(buffer_size("candidates", CANDIDATES[n_dim])))
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


def or_nan(x: Array, valid: Bool[Array, ""]) -> Array:
    """``x``, or NaN in values and derivatives."""
    return x if is_measured() else x * jnp.where(valid, 1.0, jnp.nan).astype(x.dtype)
