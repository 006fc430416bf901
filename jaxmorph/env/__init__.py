"""What surrounds, moves and makes cells, and what happens inside.

Growth, division and death, mechanics, chemicals, sensing and control.
"""

from . import chemicals, mechanics
from .control import CellODE, GeneNetwork
from .division import CellDeath, CellDivision
from .growth import CellGrowth
from .lineage import LineageState, nan_where_missed
from .sensing import Hill, Logistic, Network, Response, Sensing

__all__ = [
    "CellDeath",
    "CellDivision",
    "CellGrowth",
    "CellODE",
    "GeneNetwork",
    "Hill",
    "LineageState",
    "Logistic",
    "Network",
    "Response",
    "Sensing",
    "chemicals",
    "mechanics",
    "nan_where_missed",
]
