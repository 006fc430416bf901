"""A statistic of the moments with both sources of its error: the choice of samples and the seeds."""

from collections.abc import Callable

import xarray as xr

from .moments import DesignMoments, Draws
from .resampling import DeviationScale, with_interval


class BothErrors:
    """The moments for resampled samples and for resampled seeds, put through the same estimator.

    Attributes:
        samples: Moments of the data, and of resamples and nested subsets of the samples.
        seeds: The same of the seeds; None where there are too few, or no noise.
        sampling: How the samples were drawn.
        n_groups: Number of groups (blocks) of samples that were resampled; None for a quadrature.
        n_blocks: The same of the seeds.
        has_interval: Whether there is an honest interval: with noise but too few seeds to resample, it
            would forget the noise.
    """

    def __init__(self, moments: DesignMoments):
        self.samples, self.seeds = moments.over_samples(), moments.over_seeds()
        self.sampling, self.n_blocks = moments.design, moments.n_blocks
        self.n_groups = moments.n_groups
        self.has_interval = not (moments.design.stochastic and self.seeds is None)

    def estimate(
        self,
        name: str,
        function: Callable[[Draws], xr.DataArray],
        scale: DeviationScale = DeviationScale.LINEAR,
    ) -> dict[str, xr.DataArray]:
        """The estimate with its interval and, where there are any, its nested subsets."""
        of_samples = function(self.samples)
        over_samples = self.samples.resampled(of_samples)
        if not self.has_interval:
            return {name: over_samples.isel(draw=0, drop=True)}
        result: dict[str, xr.DataArray] = {}
        over_seeds = None
        if self.samples.sizes:
            result[f"{name}_by_samples"] = self.samples.nested(of_samples, "n_samples")
        if self.seeds is not None:
            of_seeds = function(self.seeds)
            over_seeds = self.seeds.resampled(of_seeds)
            result[f"{name}_by_seeds"] = self.seeds.nested(of_seeds, "n_seeds")
        return result | with_interval(
            name, over_samples, self.n_groups, over_seeds, self.n_blocks, scale
        )
