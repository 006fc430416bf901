"""Averages over the design whose standard errors know that all samples share their seeds."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy import stats

from .local import elasticity_deviation, finite_pairs

# What is averaged over samples, for each quantity.
_MEANS = {"value": "mean", "gradient": "gradient_mean", "elasticity": "elasticity"}


def add_up(sums: dict[str, xr.DataArray], parts: Mapping[str, xr.DataArray]) -> None:
    """Add the parts of one slab to the running sums, by name."""
    for name, part in parts.items():
        sums[name] = sums[name] + part if name in sums else part


class DesignAverage:
    """Accumulates, slab of samples by slab, what the averages over the design need.

    Samples share their seeds (common random numbers), so their noise is correlated, and pooling their
    standard errors as if independent would understate the error of an average. Instead, the deviation
    of each seed from the seed mean is averaged over samples first; the spread of these averages over
    seeds is the noise of the design average.
    """

    def __init__(self) -> None:
        self._sum: dict[str, xr.DataArray] = {}
        self._count: dict[str, xr.DataArray] = {}

    def add(
        self,
        value: xr.DataArray,
        gradient: xr.DataArray,
        parameter_value: xr.DataArray,
        local: xr.Dataset,
    ) -> None:
        """Add one slab: all seeds of some samples; ``local`` are its local estimates."""
        used = finite_pairs(value, gradient)
        value, gradient = value.where(used), gradient.where(used)
        elasticity = local["elasticity"]
        deviations = {
            "value": value - local["mean"],
            "gradient": gradient - local["gradient_mean"],
            "elasticity": elasticity_deviation(value, gradient, parameter_value, elasticity),
        }
        add_up(self._sum, {name: d.sum("sample") for name, d in deviations.items()})
        add_up(self._count, {name: d.count("sample") for name, d in deviations.items()})

    def estimates(self, local: xr.Dataset) -> dict[str, xr.DataArray]:
        """``<quantity>_average`` with ``_se``, ``_low`` and ``_high``; ``local``: all samples.

        The interval is Student's, 95 %, for the noise of the seeds at the given samples.
        """
        result: dict[str, xr.DataArray] = {}
        for name, mean in _MEANS.items():
            average = local[mean].mean("sample")
            result[f"{name}_average"] = average
            per_seed = self._sum[name] / self._count[name].where(self._count[name] > 0)
            n = per_seed.count("seed")
            if per_seed.sizes["seed"] < 2:
                continue
            se = per_seed.std("seed", ddof=1) / np.sqrt(n)
            half = se * stats.t.ppf(0.975, np.maximum(n - 1, 1))
            result |= {
                f"{name}_average_se": se,
                f"{name}_average_low": average - half,
                f"{name}_average_high": average + half,
            }
        return result
