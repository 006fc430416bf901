"""What surrounds, moves and makes cells: growth, division and death, and mechanics."""

from . import mechanics
from .division import CellDeath, CellDivision
from .growth import CellGrowth
from .lineage import LineageState, nan_where_missed

__all__ = [
    "CellDeath",
    "CellDivision",
    "CellGrowth",
    "LineageState",
    "mechanics",
    "nan_where_missed",
]
