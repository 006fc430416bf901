"""Which way to sum pairs is taken: one function says it, and has all measured crossovers."""

import contextlib
import functools
import math
from collections.abc import Callable

from ...tracing import TraceContext
from .kernels import EVERY_PAIR, NEAR_PAIRS, PairKernels
from .notices import without_kernel
from .situation import Situation
from .sums import BOTH_WAYS, ONCE, NeighbourLists, PairSum

Choose = Callable[[Situation], PairSum]

# All were measured on CPUs, see docs/scaling.md.
# Of fewer simulations, the vectors of kernels hold near pairs of one, and not one pair of several.
_FEWEST_TOGETHER = 4
# Cells, by dimension, from which on kernels look for near pairs instead of going over all, for a range
# of 2.5 contact distances.
_NEAR_FROM = {"values": {2: 600, 3: 2000}, "tangents": {2: 200, 3: 400}, "cotangents": {2: 600, 3: 2000}}
# Cells from which on a neighbour list is shorter in time than all pairs, and by how much it must have
# fewer slots than there are cells: a pair of it is dearer.
_LISTS_FROM, _SHORTER = 200, 4
# Products with constant matrices take n^3 operations: reverse mode gains from them up to 100 cells,
# values and forward mode up to about 40. On a GPU each product is a kernel, and what is between them
# goes through memory: counted in compiled programs (docs/scaling.md), not measured.
_MOST_ONCE = 50


def choose(situation: Situation) -> PairSum:
    """The fastest way that is possible; a pure function."""
    lists = NeighbourLists()
    if not EVERY_PAIR.refusal(situation):
        return NEAR_PAIRS if _only_near(situation) else EVERY_PAIR
    if not lists.refusal(situation) and _is_short(situation):
        return lists
    few = situation.n_cells <= _MOST_ONCE and situation.platform in ("cpu", None)
    return ONCE if few and not ONCE.refusal(situation) else BOTH_WAYS


def _only_near(situation: Situation) -> bool:
    together, n_cells = situation.n_simulations, situation.n_cells
    if together is not None and together < _FEWEST_TOGETHER:
        return True
    many = _NEAR_FROM.get(situation.work, {}).get(situation.n_dim, math.inf)
    return situation.has_range and n_cells >= many


def _is_short(situation: Situation) -> bool:
    size, n_cells = situation.neighbours, situation.n_cells
    return size is not None and n_cells >= _LISTS_FROM and size * _SHORTER <= n_cells


def preferring(*ways: PairSum) -> Choose:
    """The first of ``ways`` that is possible, and only else what :func:`choose` says."""
    return functools.partial(_preferred, ways)


def _preferred(ways: tuple[PairSum, ...], situation: Situation) -> PairSum:
    possible = (way for way in ways if not way.refusal(situation))
    return next(possible, None) or choose(situation)


_choose: TraceContext[Choose] = TraceContext("choose", choose, shared=True)


def choosing(choose: Choose) -> contextlib.AbstractContextManager[None]:
    """What is traced inside sums pairs as another function says: for tests, and to measure."""
    return _choose.set(choose)


def choice() -> Choose:
    """The function that says how pairs are summed now."""
    return _choose.get()


def chosen(situation: Situation, name: str = "") -> PairSum:
    """How pairs are summed; where kernels are missed, the log says so once.

    Args:
        situation: What and where.
        name: Of the law, for the log.
    """
    way = choice()(situation)
    if situation.work == "force" and situation.platform == "cpu" and not isinstance(way, PairKernels):
        reason = EVERY_PAIR.refusal(situation)
        if reason and situation.n_cells > 1:
            without_kernel(name, reason)
    return way
