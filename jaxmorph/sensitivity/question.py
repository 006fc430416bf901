"""What is asked of a run's numbers."""

import dataclasses
from collections.abc import Mapping, Sequence

import xarray as xr

from ..designs import Correlation, Design
from ..distributions import Distribution

WANTED_SIGNAL_TO_NOISE = 3.0
TRIM = 0.1


@dataclasses.dataclass(frozen=True)
class Question:
    """What is known of a run besides its numbers.

    Attributes:
        distributions: One a parameter.
        design: How the samples were chosen; None: independent draws from the distributions.
        groups: Names of the parameters of each group, by its name; the others are groups of their own.
        independent: Whether the parameters are independent.
        correlations: If they are not: those of their normal scores (a Gaussian copula), where known.
        stochastic: Whether the study has noise; without it one seed says everything.
        pathwise: Whether the gradients are derivatives along paths, not of another estimator.
        complete: Whether each gradient is the whole derivative of its simulation, so that its covariance
            with the value is that of a derivative; gradients of another estimator are right on average
            alone.
        noise_covaries: Whether twice that covariance is part of the derivative of the variance between
            seeds; the rest, of gradients that are not complete, is in the noise terms of the batches.
        smoothing: Of gradients that are averages over shifts of the parameters, the standard deviation
            of these, as a share of the parameters'.
        wanted_signal_to_noise: What ``seeds_needed`` is for.
        trim: Share of the seeds that a trimmed mean leaves out at each end.
        refuted: Which gradients were found elsewhere to miss something (time, observable, parameter).
        summaries: Observables that are made from others over all times, and are no records of their own.
    """

    distributions: Sequence[Distribution]
    design: Design | None = None
    groups: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    independent: bool = True
    correlations: Sequence[Correlation] = ()
    stochastic: bool = True
    pathwise: bool = True
    complete: bool = True
    noise_covaries: bool = True
    smoothing: float | None = None
    wanted_signal_to_noise: float = WANTED_SIGNAL_TO_NOISE
    trim: float = TRIM
    refuted: xr.DataArray | None = None
    summaries: Sequence[str] = ()
