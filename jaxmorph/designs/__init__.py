"""Designs: which points of parameter space a run evaluates.

The settings of a design are pydantic models, so that a configuration can be checked without numpy;
the points are made by :func:`make_design` with ``scipy.stats.qmc`` and SALib. Every design is a
function of its settings alone.
"""

from .copula import Correlation, correlation_factor, independence_obstacle
from .corners import corner_points
from .extension import shortest_design
from .points import central_sample, design_weights, make_design, spread_samples
from .settings import (
    DESIGNS,
    Design,
    FastDesign,
    GridDesign,
    LatinHypercubeDesign,
    ListDesign,
    MorrisDesign,
    OneAtATimeDesign,
    SaltelliDesign,
    SobolDesign,
    count_samples,
    grid_obstacle,
    group_size,
    represents,
)

__all__ = [
    "DESIGNS",
    "Correlation",
    "Design",
    "FastDesign",
    "GridDesign",
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
    "grid_obstacle",
    "group_size",
    "independence_obstacle",
    "make_design",
    "represents",
    "shortest_design",
    "spread_samples",
]
