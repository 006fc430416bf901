"""Estimates of what matters, each with its uncertainty, from values and gradients.

Pure functions on xarray arrays, one idea a module; :class:`Estimation` puts them together for a run.
"""

from .active_subspace import active_subspace
from .arrays import from_arrays
from .average import DesignAverage
from .both_errors import BothErrors
from .bounds import indistinguishable, smallest_sd, smallest_sd_alone, spectrum
from .differences import PairedDifferences, compared, comparison, differences
from .estimate import Estimation, estimate, quantities
from .estimator import Estimates, Estimator, OfValues, Slab
from .experiment import fisher_information
from .fourier import fast
from .given_data import given_data
from .health import gradient_growth
from .holes import There
from .local import local_estimates
from .moments import DesignMoments
from .morris import morris
from .prediction import predict
from .question import Question
from .samples import Samples
from .shared import Shared
from .sobol_indices import sobol_indices
from .tails import TailIndex
from .time_summaries import refuted_of, with_summaries
from .trimmed import trimmed_mean
from .whole_design import whole_design

__all__ = [
    "BothErrors",
    "DesignAverage",
    "DesignMoments",
    "Estimates",
    "Estimation",
    "Estimator",
    "OfValues",
    "PairedDifferences",
    "Question",
    "Samples",
    "Shared",
    "Slab",
    "TailIndex",
    "There",
    "active_subspace",
    "compared",
    "comparison",
    "differences",
    "estimate",
    "fast",
    "fisher_information",
    "from_arrays",
    "given_data",
    "gradient_growth",
    "indistinguishable",
    "local_estimates",
    "morris",
    "predict",
    "quantities",
    "refuted_of",
    "smallest_sd",
    "smallest_sd_alone",
    "sobol_indices",
    "spectrum",
    "trimmed_mean",
    "whole_design",
    "with_summaries",
]
