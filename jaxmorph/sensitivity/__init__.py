"""Estimates of what matters, each with its uncertainty, from values and gradients."""

from .estimate import estimate
from .health import gradient_growth
from .local import local_estimates
from .whole_design import derivative_based_measures

__all__ = ["derivative_based_measures", "estimate", "gradient_growth", "local_estimates"]
