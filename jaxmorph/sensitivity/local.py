"""Estimates at each sample: statistics over seeds."""

import numpy as np
import xarray as xr

from .trimmed import trimmed_mean

WANTED_SIGNAL_TO_NOISE = 3.0
TRIM = 0.1


def finite_pairs(value: xr.DataArray, gradient: xr.DataArray) -> xr.DataArray:
    """Where a value and all its gradients are finite (sample, seed, time, observable)."""
    finite: xr.DataArray = xr.apply_ufunc(np.isfinite, gradient)
    return xr.apply_ufunc(np.isfinite, value) & finite.all("parameter")


def local_estimates(
    value: xr.DataArray,
    gradient: xr.DataArray,
    parameter_value: xr.DataArray,
    *,
    wanted_signal_to_noise: float = WANTED_SIGNAL_TO_NOISE,
    trim: float = TRIM,
) -> xr.Dataset:
    """Means over seeds with their standard errors, elasticities, signal to noise, sign consistency.

    Entries that are not finite are left out, and ``seeds_used`` says how many remain. The elasticity is
    that of the seed-averaged observable, (theta / mean) gradient_mean; its standard error is that of
    its linearisation (delta method), which accounts for the correlation of value and gradient.
    It is undefined (NaN) where the mean is within two standard errors of 0: there the semi-elasticity,
    theta gradient_mean, says the same without dividing.

    Args:
        value: (sample, seed, time, observable).
        gradient: (sample, seed, time, observable, parameter).
        parameter_value: (sample, parameter).
        wanted_signal_to_noise: What ``seeds_needed`` is for.
        trim: Share of the seeds that the trimmed mean leaves out at each end.

    Returns:
        The variables "per sample" of ``docs/data.md``; with one seed, without standard errors.
    """
    used = finite_pairs(value, gradient)
    n = used.sum("seed")
    value, gradient = value.where(used), gradient.where(used)
    mean, gradient_mean = value.mean("seed"), gradient.mean("seed")
    estimates = {
        "seeds_used": n,
        "mean": mean,
        "gradient_mean": gradient_mean,
        "semi_elasticity": parameter_value * gradient_mean,
        "sign_consistency": _share(_sign(gradient) == _sign(gradient_mean), used),
    }
    elasticity = parameter_value * gradient_mean / mean.where(mean != 0)
    if value.sizes["seed"] > 1:
        mean_se, gradient_se = _standard_error(value, n), _standard_error(gradient, n)
        defined = abs(mean) > 2 * mean_se
        elasticity = elasticity.where(defined)
        e = elasticity_deviation(value, gradient, parameter_value, elasticity)
        ratio = abs(gradient_mean) / gradient_se
        # No signal and no noise: nothing to tell from 0.
        ratio = ratio.where((gradient_mean != 0) | (gradient_se != 0), 0.0)
        trimmed, trimmed_se = trimmed_mean(gradient, trim)
        estimates |= {
            "mean_se": mean_se,
            "gradient_se": gradient_se,
            "gradient_trimmed_mean": trimmed,
            "gradient_trimmed_mean_se": trimmed_se,
            "semi_elasticity_se": abs(parameter_value) * gradient_se,
            "elasticity_se": ((e**2).sum("seed", min_count=2) / (n - 1) / n) ** 0.5,
            "signal_to_noise": ratio,
            "seeds_needed": seeds_needed(n, ratio, wanted_signal_to_noise),
        }
    estimates["elasticity"] = elasticity
    return xr.Dataset(estimates)


def seeds_needed(n: xr.DataArray, signal_to_noise: xr.DataArray, wanted: float) -> xr.DataArray:
    """Seeds at which |mean| / SE is expected to reach ``wanted``, n (wanted / now)^2, rounded up.

    At least 2; infinite where there is no signal.
    """
    with np.errstate(divide="ignore"):
        needed = xr.apply_ufunc(np.ceil, n * (wanted / signal_to_noise) ** 2)
    return needed.clip(min=2).where(signal_to_noise.notnull())


def elasticity_deviation(
    value: xr.DataArray,
    gradient: xr.DataArray,
    parameter_value: xr.DataArray,
    elasticity: xr.DataArray,
) -> xr.DataArray:
    """What each seed adds to the linearised elasticity: averages to 0 over seeds."""
    mean = value.mean("seed")
    gradient_part = parameter_value * (gradient - gradient.mean("seed"))
    return (gradient_part - elasticity * (value - mean)) / mean


def _standard_error(x: xr.DataArray, n: xr.DataArray) -> xr.DataArray:
    n = n.where(n > 1)  # one usable seed has no standard error
    squares = ((x - x.mean("seed")) ** 2).sum("seed")
    return (squares / (n - 1) / n) ** 0.5


def _sign(x: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(np.sign, x)


def _share(true: xr.DataArray, used: xr.DataArray) -> xr.DataArray:
    n = used.sum("seed")
    return (true & used).sum("seed") / n.where(n > 0)
