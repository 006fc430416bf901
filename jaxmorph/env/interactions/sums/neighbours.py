"""Lists of the neighbours of each cell, of fixed size, in O(N log N).

Cells are sorted into boxes at least as wide as the reach. What may be near a cell is in its box and
those around it: a few stretches of the sorted cells. Each cell numbers the cells of its stretches as
its candidates, marks with one bit each which are within reach, and lists those.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from .... import space

_WORD = 32
# Reach and boxes are wider by this, so that a pair at the end of the range is not lost to round-off.
_MARGIN = 1e-5


class NeighbourList(NamedTuple):
    """Who is near whom; every pair is listed twice, once for each of its cells.

    Attributes:
        slots: A neighbour of each cell; the cell itself where it has no more.
        neighbours: The largest number of neighbours of a cell.
        candidates: The largest number of cells in and around the box of a cell.
    """

    slots: Int[Array, "slot cell"]
    neighbours: Int[Array, ""]
    candidates: Int[Array, ""]


class _Stretches(NamedTuple):
    """Stretches of the sorted cells in which the neighbours of each cell are."""

    start: Int[Array, "stretch cell"]
    length: Int[Array, "stretch cell"]


def neighbour_list(
    displacement: space.DisplacementFn,
    position: Float[Array, "cell dim"],
    alive: Bool[Array, " cell"],
    reach: Float[Array, ""] | float,
    n_neighbours: int,
    n_candidates: int,
) -> NeighbourList:
    """Living cells within ``reach`` of each living cell.

    If ``neighbours`` or ``candidates`` of the result is larger than the buffer, cells are missing from
    the list.

    Args:
        displacement: Of free space or of a periodic box, from ``jaxmorph.space``.
        position: Positions; their derivatives are not followed.
        alive: Which slots hold a living cell.
        reach: How near a neighbour is, at most.
        n_neighbours: Size of the buffer for the neighbours of a cell.
        n_candidates: Size of the buffer for the cells in and around the box of a cell.
    """
    position = jax.lax.stop_gradient(position)
    reach = reach * (1 + _MARGIN)
    order, stretches = _sorted_into_boxes(displacement, position, alive, reach)
    # (dim, cell): the long axis last.
    placed = position[order]
    near = jax.vmap(jax.vmap(displacement, in_axes=(0, 0)), in_axes=(None, 0))
    me = jnp.arange(position.shape[0], dtype=jnp.int32)

    def mark(_: None, first: Array) -> tuple[None, UInt32[Array, " cell"]]:
        bit = jnp.arange(_WORD, dtype=jnp.int32)[:, None]
        place, exists = _place(stretches, first + bit)
        squared = jnp.sum(near(position, placed[place]) ** 2, axis=-1)
        hit = exists & (squared <= reach**2) & (order[place] != me)
        return None, jnp.sum(hit.astype(jnp.uint32) << bit.astype(jnp.uint32), axis=0, dtype=jnp.uint32)

    firsts = jnp.arange(0, n_candidates, _WORD, dtype=jnp.int32)
    _, words = jax.lax.scan(mark, None, firsts)
    until = jnp.cumsum(jax.lax.population_count(words).astype(jnp.int32), axis=0, dtype=jnp.int32)

    def list_one(_: None, slot: Array) -> tuple[None, Int[Array, " cell"]]:
        word = jnp.sum(until <= slot, axis=0, dtype=jnp.int32)
        exists = word < words.shape[0]
        word = jnp.where(exists, word, 0)
        before = jnp.where(word > 0, until[jnp.maximum(word - 1, 0), me], 0)
        candidate = word * _WORD + _nth_bit(words[word, me], slot - before)
        place = _place(stretches, candidate)[0]
        return None, jnp.where(exists, order[place], me)

    _, slots = jax.lax.scan(list_one, None, jnp.arange(n_neighbours, dtype=jnp.int32))
    return NeighbourList(slots, jnp.max(until[-1]), jnp.max(jnp.sum(stretches.length, axis=0)))


def nearest_neighbour(
    displacement: space.DisplacementFn,
    position: Float[Array, "cell dim"],
    alive: Bool[Array, " cell"],
    reach: Float[Array, ""],
    n_candidates: int,
) -> tuple[Int[Array, " cell"], Float[Array, " cell"], Int[Array, ""]]:
    """The nearest other living cell of each living cell, its distance, and the number of candidates.

    A distance above ``reach`` is not to be trusted, nor any if there are more than ``n_candidates``; it
    is infinite where no cell was found. Arguments are those of :func:`neighbour_list`.
    """
    position = jax.lax.stop_gradient(position)
    order, stretches = _sorted_into_boxes(displacement, position, alive, reach * (1 + _MARGIN))
    placed = position[order]
    near = jax.vmap(displacement)
    me = jnp.arange(position.shape[0], dtype=jnp.int32)

    def closer(best: tuple[Array, Array], candidate: Array) -> tuple[tuple[Array, Array], None]:
        index, least = best
        place, exists = _place(stretches, candidate)
        squared = jnp.sum(near(position, placed[place]) ** 2, axis=-1)
        better = exists & (order[place] != me) & (squared < least)
        return (jnp.where(better, order[place], index), jnp.where(better, squared, least)), None

    first = me, jnp.full(position.shape[0], jnp.inf, position.dtype)
    candidates = jnp.arange(n_candidates, dtype=jnp.int32)
    (index, squared), _ = jax.lax.scan(closer, first, candidates)
    return index, jnp.sqrt(squared), jnp.max(jnp.sum(stretches.length, axis=0))


def _nth_bit(word: UInt32[Array, " cell"], n: Int[Array, " cell"]) -> Int[Array, " cell"]:
    """The place of the n-th bit that is set, from 0, by bisection."""
    place = jnp.zeros_like(n)
    for half in (16, 8, 4, 2, 1):
        low = jax.lax.population_count(word & jnp.uint32((1 << half) - 1)).astype(jnp.int32)
        above = n >= low
        n = jnp.where(above, n - low, n)
        word = jnp.where(above, word >> jnp.uint32(half), word)
        place = jnp.where(above, place + half, place)
    return place


def _place(
    stretches: _Stretches, candidate: Array
) -> tuple[Int[Array, "*n cell"], Bool[Array, "*n cell"]]:
    """Where the candidates of each cell are among the sorted cells, and whether there are so many."""
    place = jnp.zeros(jnp.broadcast_shapes(candidate.shape, stretches.start[0].shape), jnp.int32)
    end = jnp.zeros_like(stretches.start[0])
    for start, length in zip(stretches.start, stretches.length, strict=True):
        place = jnp.where(candidate >= end, start + candidate - end, place)
        end = end + length
    return jnp.where(candidate < end, place, 0), candidate < end


def _sorted_into_boxes(
    displacement: space.DisplacementFn,
    position: Float[Array, "cell dim"],
    alive: Bool[Array, " cell"],
    reach: Float[Array, ""] | float,
) -> tuple[Int[Array, " cell"], _Stretches]:
    """The order of the cells by box, and the stretches around each cell."""
    n_dim = position.shape[1]
    side = space.side(displacement)
    # So that the number of all boxes is an int32.
    most = 2 ** (30 // n_dim)
    if side is None:
        # A huge number where there is no living cell at all.
        low = jnp.min(jnp.where(alive[:, None], position, jnp.inf), axis=0)
        extent = jnp.max(jnp.where(alive[:, None], position, -jnp.inf), axis=0) - low
        width = jnp.maximum(reach, extent / (most / 2))
        n_boxes = jnp.floor(extent / width) + 1
        place = (position - low) / width
    else:
        extent = jnp.broadcast_to(jnp.asarray(side, position.dtype), (n_dim,))
        n_boxes = jnp.clip(jnp.floor(extent / reach), 1, most)
        place = jnp.mod(position, extent) * (n_boxes / extent)
    n_boxes = jnp.clip(n_boxes, 1, most).astype(jnp.int32)
    box = jnp.clip(jnp.floor(place).astype(jnp.int32), 0, n_boxes - 1)
    number = _number(list(box.T), n_boxes)
    nowhere = jnp.iinfo(jnp.int32).max
    numbers = jnp.where(alive, number, nowhere)
    numbers, order = jax.lax.sort(
        (numbers, jnp.arange(len(position), dtype=jnp.int32)), num_keys=1, is_stable=True
    )
    first, last, exists = _rows(list(box.T), n_boxes, periodic=side is not None)
    start, end = jnp.searchsorted(numbers, jnp.stack([first, last + 1])).astype(jnp.int32)
    return order, _Stretches(start, jnp.where(exists & alive, end - start, 0))


def _number(box: list[Int[Array, " cell"]], n_boxes: Int[Array, " dim"]) -> Int[Array, " cell"]:
    """The number of a box; along the first dimension it grows by one."""
    number = jnp.zeros_like(box[0])
    for b, n in reversed(list(zip(box, n_boxes, strict=True))):
        number = number * n + b
    return number


def _rows(
    box: list[Int[Array, " cell"]], n_boxes: Int[Array, " dim"], *, periodic: bool
) -> tuple[Int[Array, "row cell"], Int[Array, "row cell"], Bool[Array, "row cell"]]:
    """The rows of boxes around each cell's: first and last number, and whether it is there.

    In a periodic box the ends of a row meet: the box across is a row of its own. No box is twice among
    them, also where there are fewer than three along a side.
    """
    first, last, exists = [], [], []
    n = n_boxes[0]
    low, high = jnp.maximum(box[0] - 1, 0), jnp.minimum(box[0] + 1, n - 1)
    along = [(low, high, jnp.ones_like(box[0], bool))]
    if periodic:
        across = jnp.where(box[0] == 0, n - 1, 0)
        at_end = (box[0] == 0) | (box[0] == n - 1)
        along.append((across, across, at_end & (n >= 3)))
    for others, there in _around(box[1:], n_boxes[1:], periodic=periodic):
        for low, high, here in along:
            first.append(_number([low, *others], n_boxes))
            last.append(_number([high, *others], n_boxes))
            exists.append(there & here)
    return jnp.stack(first), jnp.stack(last), jnp.stack(exists)


def _around(
    box: list[Int[Array, " cell"]], n_boxes: Int[Array, " dim"], *, periodic: bool
) -> list[tuple[list[Int[Array, " cell"]], Bool[Array, " cell"] | Bool[Array, ""]]]:
    """The boxes at and beside ``box`` in each of some dimensions, and whether they exist for a cell."""
    found: list[tuple[list[Array], Array]] = [([], jnp.asarray(True))]
    for b, n in zip(box, n_boxes, strict=True):
        beside = []
        for step, fewest in ((-1, 3), (0, 1), (1, 2)):
            there = (n >= fewest) if periodic else (b + step >= 0) & (b + step < n)
            beside.append((jnp.mod(b + step, n), there))
        found = [([*row, b], all_ & there) for row, all_ in found for b, there in beside]
    return found
