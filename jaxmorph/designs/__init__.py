"""Designs: which points of parameter space a run evaluates.

The settings of a design are pydantic models, so that a configuration can be checked without numpy;
the points are made by :func:`make_design` with ``scipy.stats.qmc`` and SALib. Every design is a
function of its settings alone.
"""

from .copula import Correlation, correlation_factor, independence_obstacle, score_obstacle
from .corners import corner_points
from .extension import shortest_design
from .groups import groups_obstacle, moved_together, named_parts, parts
from .points import central_sample, design_weights, make_design, spread_samples
from .settings import (
    DESIGNS,
    MAX_LISTED,
    Design,
    FastDesign,
    GridDesign,
    Groups,
    LatinHypercubeDesign,
    ListDesign,
    MorrisDesign,
    OneAtATimeDesign,
    SaltelliDesign,
    SobolDesign,
    fast_obstacle,
    grid_obstacle,
    replicates,
    represents,
)
from .sizes import count_samples, unit_size

__all__ = [
    "DESIGNS",
    "MAX_LISTED",
    "Correlation",
    "Design",
    "FastDesign",
    "GridDesign",
    "Groups",
    "LatinHypercubeDesign",
    "ListDesign",
    "MorrisDesign",
    "OneAtATimeDesign",
    "SaltelliDesign",
    "SobolDesign",
    "central_sample",
    "corner_points",
    "correlation_factor",
    "count_samples",
    "design_weights",
    "fast_obstacle",
    "grid_obstacle",
    "groups_obstacle",
    "independence_obstacle",
    "make_design",
    "moved_together",
    "named_parts",
    "parts",
    "replicates",
    "represents",
    "score_obstacle",
    "shortest_design",
    "spread_samples",
    "unit_size",
]
