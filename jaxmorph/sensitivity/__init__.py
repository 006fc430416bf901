"""Estimates of what matters, each with its uncertainty, from values and gradients.

Pure functions on xarray arrays, one idea a module; :class:`Estimation` puts them together for a run.
"""

from .active_subspace import active_subspace
from .average import DesignAverage
from .estimate import Estimation, Question, estimate, scaled_sensitivity
from .fourier import fast
from .given_data import given_data
from .health import gradient_growth
from .holes import There
from .identifiability import fisher_information, identifiability, indistinguishable
from .local import local_estimates
from .moments import DesignMoments
from .morris import morris
from .sobol_indices import sobol_indices
from .tails import TailIndex
from .trimmed import trimmed_mean
from .whole_design import whole_design

__all__ = [
    "DesignAverage",
    "DesignMoments",
    "Estimation",
    "Question",
    "TailIndex",
    "There",
    "active_subspace",
    "estimate",
    "fast",
    "fisher_information",
    "given_data",
    "gradient_growth",
    "identifiability",
    "indistinguishable",
    "local_estimates",
    "morris",
    "scaled_sensitivity",
    "sobol_indices",
    "trimmed_mean",
    "whole_design",
]
