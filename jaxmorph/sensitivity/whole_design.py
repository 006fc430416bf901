"""Estimates over the whole design: derivative-based measures, their bounds, the share of noise.

Sources: Sobol' and Kucherenko, Math. Comput. Simul. 79 (2009) 3009-3017 (derivative-based measures);
Lamboni et al., Math. Comput. Simul. 87 (2013) 45-54 (bounds); Constantine, Dow, Wang, SIAM J. Sci.
Comput. 36 (2014) A1500-A1524 (outer product of gradients).
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr

from ..distributions import (
    Distribution,
    LogNormal,
    LogUniform,
    is_logarithmic,
    poincare_constant,
)

_RESAMPLES = 400
_INTERVAL: tuple[tuple[float, Literal["lower", "higher"]], ...] = ((0.025, "lower"), (0.975, "higher"))


def natural_scale(distributions: Sequence[Distribution], parameter_value: xr.DataArray) -> xr.DataArray:
    """D parameter / d u (sample, parameter), u being ln(parameter) for logarithmic distributions."""
    logarithmic = xr.DataArray([is_logarithmic(d) for d in distributions], dims="parameter")
    return parameter_value.where(logarithmic, 1.0)


def natural_sd(distribution: Distribution) -> float:
    """Standard deviation of a parameter on its natural scale."""
    match distribution:
        case LogUniform(low=low, high=high):
            return math.log(high / low) / math.sqrt(12)
        case LogNormal(sd_log=sd):
            return sd
    return float(distribution.frozen().std())


def derivative_based_measures(
    squared_gradient: xr.DataArray,
    value: xr.DataArray,
    distributions: Sequence[Distribution],
) -> dict[str, xr.DataArray]:
    """``dgsm`` and its ``total_bound`` on the total Sobol index, with 95 % bootstrap intervals.

    The bound is C dgsm / Var, with C the Poincare constant of the distribution. Var is the variance over
    samples of the seed-averaged observable, noise removed. Samples are resampled, seeds are not: the
    interval is for the choice of samples.

    Args:
        squared_gradient: (sample, time, observable, parameter), unbiased, on the natural scale.
        value: (sample, seed, time, observable); non-finite entries NaN.
        distributions: One a parameter.
    """
    n = value.sizes["sample"]
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES)
    weights = xr.DataArray(
        np.concatenate([np.ones((1, n)), draws]), dims=("resample", "sample")
    )  # resample 0 is the data themselves
    usable = squared_gradient.notnull()
    total = xr.dot(weights, squared_gradient.where(usable, 0.0), dim="sample")
    dgsm = total / xr.dot(weights, usable.astype(float), dim="sample")
    constants = [poincare_constant(d) for d in distributions]
    constant = xr.DataArray([np.nan if c is None else c for c in constants], dims="parameter")
    variance = variance_over_design(value, weights)
    # A design whose variance is not told from 0 has no finite bound.
    bound = (constant * dgsm / variance).where(variance > 0, np.inf)
    result = {"poincare_constant": constant}
    for name, resampled in (("dgsm", dgsm), ("total_bound", bound)):
        if name == "total_bound" and all(c is None for c in constants):
            continue
        of_data = resampled.isel(resample=0).transpose("time", "observable", "parameter")
        of_resamples = resampled.isel(resample=slice(1, None))
        # No interpolation: some of them may be infinite.
        low, high = (
            of_resamples.quantile(q, "resample", method=side, skipna=False)
            .drop_vars("quantile")
            .transpose(*of_data.dims)
            for q, side in _INTERVAL
        )
        result |= {name: of_data, f"{name}_low": low, f"{name}_high": high}
    return result


def variance_over_design(value: xr.DataArray, weights: xr.DataArray) -> xr.DataArray:
    """Var over samples of E over seeds, unbiased: the mean covariance of two different seeds.

    Over seeds r != r' the noise of f_r and f_r' is independent, so Cov_samples(f_r, f_r') estimates
    the variance of the seed mean without any noise. The sum over pairs is
    Var(sum_r f_r) - sum_r Var(f_r). Samples without all seeds are left out.

    Args:
        value: (sample, seed, time, observable), NaN where unusable.
        weights: (resample, sample), how often each sample counts.
    """
    n_seeds = value.sizes["seed"]
    complete = value.notnull().all("seed")
    f = value.where(complete, 0.0)
    # Variances do not change when a constant is taken off; round-off does.
    f = (f - f.mean("sample")).where(complete, 0.0)
    n = xr.dot(weights, complete.astype(float), dim="sample")
    n = n.where(n > 1)

    def variance(x: xr.DataArray) -> xr.DataArray:
        mean = xr.dot(weights, x, dim="sample") / n
        return (xr.dot(weights, x**2, dim="sample") / n - mean**2) * n / (n - 1)

    between = variance(f.sum("seed")) - variance(f).sum("seed")
    return between / (n_seeds * (n_seeds - 1))


def noise_share(value: xr.DataArray) -> xr.DataArray:
    """E_samples Var_seeds / (Var_samples E_seeds + E_samples Var_seeds), (time, observable)."""
    n = value.sizes["sample"]
    weights = xr.DataArray(np.ones((1, n)), dims=("resample", "sample"))
    explained = variance_over_design(value, weights).isel(resample=0).clip(min=0)
    noise = value.var("seed", ddof=1).mean("sample")
    total = explained + noise
    return noise / total.where(total > 0)
