"""Estimates at each sample: statistics over seeds."""

import numpy as np
import xarray as xr

from ..quantities import Kind, Method, Quantity
from .estimator import PAIR, PLACE, Estimates, Estimator, Slab
from .over_seeds import OverSeeds, count, root_of_squares
from .question import TRIM, WANTED_SIGNAL_TO_NOISE
from .trimmed import trimmed

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
    over: OverSeeds | None = None,
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
        over: Sums over seeds of both, where they are known.

    Returns:
        The variables "per sample" of ``docs/data.md``; with one seed, without standard errors.
    """
    over = over or OverSeeds.of(value, gradient)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _of_seeds(over, _theta(parameter_value), wanted_signal_to_noise, trim)
    like = gradient.isel(seed=0, drop=True)
    return xr.Dataset({name: over.named(array, like) for name, array in found.items()})


def _of_seeds(over: OverSeeds, theta: np.ndarray, wanted: float, trim: float) -> dict[str, np.ndarray]:
    """The same as arrays ([parameter,] sample, place); ``theta`` (parameter, sample, 1)."""
    mean, slope, n = over.mean, over.slope, over.n
    estimates = {
        "seeds_used": n,
        "mean": mean,
        "gradient_mean": slope,
        "semi_elasticity": theta * slope,
        "sign_consistency": _sign_consistency(over),
    }
    elasticity = theta * slope / np.where(mean != 0, mean, np.nan)
    if over.n_seeds > 1:
        mean_se, slope_se = over.standard_error(), over.slope_error()
        elasticity = np.where(np.abs(mean) > 2 * mean_se, elasticity, np.nan)
        ratio = np.abs(slope) / slope_se
        # No signal and no noise: nothing to tell from 0.
        ratio = np.where((slope != 0) | (slope_se != 0), ratio, 0.0)
        root, trimmed_slope, trimmed_se = (np.empty_like(slope) for _ in range(3))
        for s in over.pieces():
            root[:, s] = root_of_squares(_deviation(over, s, theta, elasticity))
            usable = over.gradient[:, s]
            if not over.all_used:
                usable = np.where(over.used[s], usable, np.nan)
            trimmed_slope[:, s], trimmed_se[:, s] = trimmed(usable, trim)
        root /= np.abs(mean)
        estimates |= {
            "mean_se": mean_se,
            "gradient_se": slope_se,
            "gradient_trimmed_mean": trimmed_slope,
            "gradient_trimmed_mean_se": trimmed_se,
            "semi_elasticity_se": np.abs(theta) * slope_se,
            "elasticity_se": root / (over.several - 1) ** 0.5 / n**0.5,
            "signal_to_noise": ratio,
            "seeds_needed": _seeds_needed(n, ratio, wanted),
        }
    return estimates | {"elasticity": elasticity}


def _theta(parameter_value: xr.DataArray) -> np.ndarray:
    return np.asarray(parameter_value.transpose("parameter", "sample").values[..., None])


def _deviation(over: OverSeeds, s: slice, theta: np.ndarray, elasticity: np.ndarray) -> np.ndarray:
    """What each seed adds to the linearised elasticity, times the mean (p, s, r, k)."""
    deviation = over.moved(s)
    deviation *= theta[:, s, None]
    deviation -= elasticity[:, s, None] * over.apart[s]
    return np.asarray(deviation)


def _sign_consistency(over: OverSeeds) -> np.ndarray:
    agree = np.empty_like(over.slope)
    for s in over.pieces():
        g, slope = over.gradient[:, s], over.slope[:, s]
        up, down = count(g > 0), count(g < 0)
        agree[:, s] = np.where(slope > 0, up, np.where(slope < 0, down, over.n[s] - up - down))
    return np.asarray(agree / np.where(over.n > 0, over.n, np.nan))


def _seeds_needed(n: np.ndarray, signal_to_noise: np.ndarray, wanted: float) -> np.ndarray:
    """Seeds at which |mean| / SE is expected to reach ``wanted``, n (wanted / now)^2, rounded up.

    At least 2; infinite where there is no signal.
    """
    needed = np.maximum(np.ceil(n * (wanted / signal_to_noise) ** 2), 2.0)
    return np.where(np.isnan(signal_to_noise), np.nan, needed)


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
    over = OverSeeds.of(value, gradient)
    return over.named(bias_of(over, parameter_value, over.flat(elasticity)), elasticity)


def bias_of(over: OverSeeds, parameter_value: xr.DataArray, elasticity: np.ndarray) -> np.ndarray:
    """The same from sums over seeds; ``elasticity`` (parameter, sample, place)."""
    products = elasticity * over.spread**2 - _theta(parameter_value) * over.products
    pairs = over.several * (over.n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(over.n > 1, products / (pairs * over.mean**2), 0.0)


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
            over=slab.over_seeds,
        )
        return {str(name): array for name, array in found.items()}
