"""Estimates at each sample: statistics over seeds."""

import numpy as np
import xarray as xr

from ..quantities import Kind, Method, Quantity
from .estimator import PAIR, PLACE, Estimates, Estimator, Slab
from .question import TRIM, WANTED_SIGNAL_TO_NOISE
from .rounding import root_sum_of_squares
from .trimmed import trimmed_mean

_AT_SAMPLE = ("sample", *PLACE)
_PAIR_AT_SAMPLE = ("sample", *PAIR)
MEAN = Method(
    "Mean over seeds",
    "E_r[f]; E_r[∂f/∂θ_p]",
    "Standard error: s / √R, with s the standard deviation over R seeds. Entries that are not finite "
    "are left out and counted.",
)
ELASTICITY = Method(
    "Elasticity",
    "(θ_p / E_r[f]) E_r[∂f/∂θ_p], averaged over samples",
    "The mean of the gradient over seeds r is taken at each sample. Before elasticities are "
    "averaged over samples, the bias of a ratio of noisy means is taken off, to order 1 / seeds. The "
    "same seeds are used at every sample. An elasticity is undefined where the mean is within two "
    "standard errors of 0, and the average where that is so at more than 5 % of the samples.",
    "Kacser and Burns, Symp. Soc. Exp. Biol. 27 (1973) 65-104; common random numbers: Glasserman "
    "and Yao, Manag. Sci. 38 (1992) 884-908",
)
NEAR_ZERO = Method(
    "Semi-elasticity and scaled sensitivity",
    "θ_p ∂f/∂θ_p and (σ_p / σ_f) ∂f/∂θ_p",
    "For observables near zero, where an elasticity says nothing. The standard deviations are those "
    "over the design.",
    "Saltelli et al., Global Sensitivity Analysis: The Primer (Wiley, 2008), chapter 1",
)
TRIMMED = Method(
    "Trimmed mean of the gradient",
    "mean over seeds without the largest and the smallest ones",
    "Robust against single seeds with huge gradients, but not without bias where the distribution "
    "is skewed: it stands beside the mean, not in its place.",
    "Tukey and McLaughlin, Sankhya A 25 (1963) 331-352",
)
SIGNAL = Method(
    "Signal to noise of a gradient",
    "|E_r[∂f/∂θ_p]| / SE",
    "Seeds at which it would reach the wanted one: R (wanted / signal to noise)^2, at least 2, infinite "
    "without a signal.",
)
QUANTITIES = (
    Quantity(
        "mean",
        "mean over seeds of the observable",
        "observable",
        _AT_SAMPLE,
        Kind.VALUE,
        MEAN,
        formula="E_r[f]",
    ),
    Quantity(
        "gradient_mean",
        "mean over seeds of d observable / d parameter",
        "observable parameter^-1",
        _PAIR_AT_SAMPLE,
        Kind.DERIVATIVE,
        MEAN,
        formula="E_r[∂f/∂θ_p]",
        stem="gradient",
        from_gradients=True,
    ),
    Quantity(
        "gradient_trimmed_mean",
        "trimmed mean over seeds of d observable / d parameter",
        "observable parameter^-1",
        _PAIR_AT_SAMPLE,
        Kind.DERIVATIVE,
        TRIMMED,
        from_gradients=True,
    ),
    Quantity(
        "elasticity",
        "elasticity (parameter / mean) d mean / d parameter",
        "1",
        _PAIR_AT_SAMPLE,
        Kind.ELASTICITY,
        ELASTICITY,
        formula="(θ_p / E_r[f]) E_r[∂f/∂θ_p]",
        from_gradients=True,
    ),
    Quantity(
        "semi_elasticity",
        "semi-elasticity parameter d mean / d parameter",
        "observable",
        _PAIR_AT_SAMPLE,
        Kind.SEMI_ELASTICITY,
        NEAR_ZERO,
        formula="θ_p E_r[∂f/∂θ_p]",
        from_gradients=True,
    ),
    Quantity(
        "signal_to_noise",
        "absolute mean of the gradient over its standard error",
        "1",
        _PAIR_AT_SAMPLE,
        method=SIGNAL,
        from_gradients=True,
        absent="needs two or more seeds",
    ),
    Quantity(
        "seeds_needed",
        "number of seeds for the wanted signal to noise",
        "1",
        _PAIR_AT_SAMPLE,
        method=SIGNAL,
        formula="R (wanted / signal to noise)^2",
        from_gradients=True,
        absent="needs two or more seeds",
    ),
    Quantity(
        "sign_consistency",
        "share of seeds whose gradient has the sign of the mean",
        "1",
        _PAIR_AT_SAMPLE,
        method=SIGNAL,
        formula="share of seeds with the sign of the mean",
        from_gradients=True,
    ),
    Quantity(
        "seeds_used",
        "number of seeds with finite value and gradients",
        "1",
        _AT_SAMPLE,
        method=MEAN,
        formula="number of finite seeds",
    ),
)


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
            "elasticity_se": root_sum_of_squares(e, "seed", 2) / (n.where(n > 1) - 1) ** 0.5 / n**0.5,
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


def elasticity_bias(
    value: xr.DataArray,
    gradient: xr.DataArray,
    parameter_value: xr.DataArray,
    elasticity: xr.DataArray,
) -> xr.DataArray:
    """How much too large the elasticity of noisy means is, to order 1 / seeds; 0 with one seed.

    (theta g) / f of means over R seeds errs by e Var(f) / (R f^2) - theta Cov(f, g) / (R f^2): what the
    jackknife takes off to this order, without its division by means that lack a seed (Quenouille,
    Biometrika 43 (1956) 353-360).
    """
    mean = value.mean("seed")
    n = value.notnull().sum("seed")
    f, g = value - mean, gradient - gradient.mean("seed")
    products = elasticity * (f**2).sum("seed") - parameter_value * (f * g).sum("seed")
    pairs = (n * (n - 1)).where(n > 1)
    return (products / (pairs * mean**2)).where(n > 1, 0.0)


def _standard_error(x: xr.DataArray, n: xr.DataArray) -> xr.DataArray:
    n = n.where(n > 1)  # one usable seed has no standard error
    spread = root_sum_of_squares(x - x.mean("seed"), "seed")
    return spread / (n - 1) ** 0.5 / n**0.5


def _sign(x: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(np.sign, x)


def _share(true: xr.DataArray, used: xr.DataArray) -> xr.DataArray:
    n = used.sum("seed")
    return (true & used).sum("seed") / n.where(n > 0)


class Local(Estimator):
    """Statistics over seeds at each sample."""

    quantities = QUANTITIES

    def add(self, slab: Slab) -> Estimates:
        question = self.samples.question
        found = local_estimates(
            slab.value,
            slab.gradient,
            slab.parameter_value,
            wanted_signal_to_noise=question.wanted_signal_to_noise,
            trim=question.trim,
        )
        return {str(name): array for name, array in found.items()}
