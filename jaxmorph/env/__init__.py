"""What surrounds and moves cells: growth and mechanics."""

from . import mechanics
from .growth import CellGrowth

__all__ = ["CellGrowth", "mechanics"]
