"""What surrounds and moves cells, and what happens inside: growth, mechanics, chemicals, control."""

from . import chemicals, mechanics
from .control import CellODE, GeneNetwork
from .growth import CellGrowth
from .sensing import Hill, Logistic, Network, Response, Sensing

__all__ = [
    "CellGrowth",
    "CellODE",
    "GeneNetwork",
    "Hill",
    "Logistic",
    "Network",
    "Response",
    "Sensing",
    "chemicals",
    "mechanics",
]
