"""The cell cycle of the tissues that ship: cells grow, and divide when they are ripe."""

from ..env import CellGrowth, Hill

MAX_RADIUS = 0.5
RIPE, RIPENS = 0.9, 12.0
"""A cell of this share of the largest radius divides at half of its rate, by a Hill function."""

# Of the radius in time; 1 / length: radii saturate within about a hundredth of it.
_GROWTH_RATE, _SMOOTHING = 0.4, 100.0


def growth(dt: float) -> CellGrowth:
    """Growth toward ``MAX_RADIUS`` in steps of ``dt``."""
    return CellGrowth(MAX_RADIUS, _GROWTH_RATE * dt, smoothing_exp=_SMOOTHING)


def ripeness() -> Hill:
    """The share of its rate at which a cell of some radius divides."""
    return Hill(RIPE * MAX_RADIUS, RIPENS)
