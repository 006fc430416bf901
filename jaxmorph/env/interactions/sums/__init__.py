"""Ways to sum what pairs of cells do, by operations of JAX."""

from .all_pairs import BOTH_WAYS, ONCE, AllPairs
from .lists import NeighbourLists
from .pair_sum import EnergyFn, ForceFn, OfPair, PairSum, Scalar

__all__ = [
    "BOTH_WAYS",
    "ONCE",
    "AllPairs",
    "EnergyFn",
    "ForceFn",
    "NeighbourLists",
    "OfPair",
    "PairSum",
    "Scalar",
]
