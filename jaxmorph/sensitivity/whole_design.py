"""Estimates over the whole design from its moments: derivative-based measures, bounds, share of noise.

Sources: Sobol' and Kucherenko, Math. Comput. Simul. 79 (2009) 3009-3017 (derivative-based measures);
Lamboni et al., Math. Comput. Simul. 87 (2013) 45-54, and Roustant, Barthe, Iooss, Electron. J. Stat. 11
(2017) 3081-3119 (bounds); Constantine and Diaz, Reliab. Eng. Syst. Saf. 162 (2017) 1-13 (activity
scores).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from ..distributions import Distribution
from ..quantities import Interval, Kind, Method, Needs, Quantity
from .both_errors import BothErrors
from .estimator import PAIR, PLACE, Estimates, Estimator
from .groups import GROUPS, OF_GROUP, sums_of_groups
from .moments import Draws
from .resampling import DeviationScale
from .samples import NEEDS_MOMENTS

VARIANCE = Method(
    "Variance over the design",
    "Var_θ E_r[f]",
    "That of the observable averaged over noise, as the mean covariance over samples of two different "
    "seeds: the noise that is left in a mean over few seeds does not count.",
    "law of total variance",
)
NOISE_SHARE = Method(
    "Share of noise",
    "E_θ[Var_r f] / (Var_θ E_r[f] + E_θ[Var_r f])",
    "The variance over the design is that of the observable averaged over noise; the noise left in "
    "the mean over a finite number of seeds is taken out by multiplying different seeds.",
    "Zhu and Sudret, Reliab. Eng. Syst. Saf. 214 (2021) 107815",
)
MEAN_SQUARE = Method(
    "Mean squared derivative",
    "ν_p = E[(∂f/∂u_p)^2], as the mean over pairs of different seeds of ∂f_r ∂f_s",
    "On the natural scale of the distribution (the logarithm for those whose name begins with log). "
    "The square of a noisy mean would be too large; the product of two independent seeds is not.",
    "Sobol' and Kucherenko, Math. Comput. Simul. 79 (2009) 3009-3017",
)
BOUND = Method(
    "Upper bound on the total Sobol index",
    "C_p ν_p / Var_θ E_r[f]",
    "C is the Poincaré constant of the distribution, the smallest there is: (b - a)² / π² for a "
    "uniform one, the variance for a normal one, s² (k + 1)² / k (at least 4 s²) for a gamma one "
    "of shape k and scale s; of others it is computed. For independent parameters. Above 1 it says"
    " nothing.",
    "Lamboni et al., Math. Comput. Simul. 87 (2013) 45-54; Roustant, Barthe and Iooss, Electron. J. "
    "Stat. 11 (2017) 3081-3119",
)
_ALL_BUT = "all but morris and one-at-a-time"
QUANTITIES = (
    Quantity(
        "dgsm",
        "mean squared derivative, noise removed, on the natural scale of the distribution",
        "observable^2 natural^-2",
        PAIR,
        Kind.SQUARE,
        MEAN_SQUARE,
        label="mean squared derivative",
        reading="observable squared per natural unit squared",
        interval=Interval.SAMPLES_AND_SEEDS,
        nested=True,
        from_gradients=True,
        needs_complete=Needs.OWN,
        designs=_ALL_BUT,
        absent=NEEDS_MOMENTS,
    ),
    Quantity(
        "total_bound",
        "upper bound on the total Sobol index: poincare_constant dgsm / variance",
        "1",
        PAIR,
        Kind.BOUND,
        BOUND,
        label="upper bound on the total Sobol index",
        short="upper bound",
        reading="the total index is at most this; beyond 1 it says nothing",
        interval=Interval.SAMPLES_AND_SEEDS,
        nested=True,
        within=0.05,
        from_gradients=True,
        needs_complete=Needs.OWN,
        ranks=True,
        designs=f"{_ALL_BUT}, and grid; independent parameters",
        absent="needs a design that represents the distributions (not a grid, not Morris, not one at a "
        "time), with several samples, independent parameters, and two or more seeds if there is noise",
    ),
    Quantity(
        "total_bound_of_group",
        "upper bound on the total Sobol index of a group of parameters: the sum of theirs",
        "1",
        OF_GROUP,
        Kind.BOUND,
        GROUPS,
        formula="Σ_{p in u} C_p ν_p / Var_θ E_r[f]",
        label="upper bound on the total Sobol index of the group",
        short="upper bound",
        reading="the total index of the group is at most this; beyond 1 it says nothing",
        interval=Interval.SAMPLES_AND_SEEDS,
        nested=True,
        from_gradients=True,
        needs_complete=Needs.OWN,
        designs=f"{_ALL_BUT}, and grid; independent parameters, with groups",
        absent="needs groups in the configuration, and what total_bound needs",
    ),
    Quantity(
        "poincare_constant",
        "Poincare constant of the distribution on its natural scale",
        "natural^2",
        ("parameter",),
        method=BOUND,
        formula="C_p",
        designs=_ALL_BUT,
        absent=NEEDS_MOMENTS,
    ),
    Quantity(
        "gradient_outer_product",
        "average over samples of the product of two gradients, noise removed, each scaled by the "
        "standard deviation of its parameter on the natural scale",
        "observable^2",
        (*PAIR, "parameter_2"),
        Kind.SQUARE,
        MEAN_SQUARE,
        formula="E[σ_p ∂f/∂u_p σ_q ∂f/∂u_q]",
        from_gradients=True,
        needs_complete=Needs.OWN,
        designs=_ALL_BUT,
        absent=NEEDS_MOMENTS,
    ),
    Quantity(
        "variance",
        "variance over the design of the seed-averaged observable, noise removed",
        "observable^2",
        PLACE,
        Kind.VARIANCE,
        VARIANCE,
        interval=Interval.SAMPLES_AND_SEEDS,
        nested=True,
        designs=_ALL_BUT,
        absent=NEEDS_MOMENTS,
    ),
    Quantity(
        "noise_variance",
        "average over samples of the variance between seeds",
        "observable^2",
        PLACE,
        Kind.VARIANCE,
        NOISE_SHARE,
        formula="E_θ[Var_r f]",
        interval=Interval.SAMPLES_AND_SEEDS,
        nested=True,
        designs=_ALL_BUT,
        absent="needs a study that has noise, two or more seeds, and a design that represents the "
        "distributions",
    ),
    Quantity(
        "noise_share",
        "share of the total variance that is noise between seeds",
        "1",
        PLACE,
        Kind.NOISE,
        NOISE_SHARE,
        label="share of noise",
        short="noise share",
        reading="share of the whole variance that no parameter explains",
        interval=Interval.SAMPLES_AND_SEEDS,
        nested=True,
        within=0.05,
        designs=_ALL_BUT,
        absent="needs a study that has noise, two or more seeds, and a design that represents the "
        "distributions",
    ),
)


def whole_design(
    both: BothErrors,
    distributions: Sequence[Distribution],
    independent: bool,
    parts: Mapping[str, tuple[str, ...]] | None = None,
) -> Estimates:
    """All estimates that follow from the moments of the gradients, scaled by the parameters' sd.

    ``dgsm``: nu = E[(df/du)^2] on the natural scale u. ``total_bound``: C nu / Var bounds the total
    Sobol index, C being the Poincare constant of the parameter's distribution; it needs independent
    parameters and random samples, and is absent otherwise. The total index of a group (``parts``) is at
    most the sum of those of its parameters: ``total_bound_of_group``. ``variance``, ``noise_variance``
    and ``noise_share``: Var_theta(E_seed f), E_theta(Var_seed f), and the share of the second in their
    sum.

    Each with its interval, the two parts of its standard error, and its value for nested subsets.
    """
    sd = xr.DataArray([d.natural_sd for d in distributions], dims="parameter")
    constant = xr.DataArray([d.poincare_constant for d in distributions], dims="parameter")

    def squares(draws: Draws) -> xr.DataArray:
        return draws.squares / sd**2

    def of_variance(explained: xr.DataArray, draws: Draws) -> xr.DataArray:
        # A design whose variance is not told from 0 has no finite bound; nothing varies: none at all.
        ratio = explained / draws.variance.where(draws.variance > 0)
        return ratio.where(~(draws.variance <= 0) | (explained == 0), np.inf)

    def bound(draws: Draws) -> xr.DataArray:
        return of_variance(constant * squares(draws), draws)

    def bound_of_group(draws: Draws) -> xr.DataArray:
        return of_variance(sums_of_groups(constant * squares(draws), parts or {}), draws)

    def share(draws: Draws) -> xr.DataArray:
        total = draws.variance.clip(min=0) + draws.noise_variance
        return draws.noise_variance / total.where(total > 0)

    result = both.estimate("dgsm", squares) | both.estimate("variance", lambda d: d.variance)
    result["gradient_outer_product"] = both.samples.outer(slice(1)).isel(draw=0, drop=True)
    result["poincare_constant"] = constant
    # A variance by a quadrature of few nodes is too large, and the bound would be none.
    if independent and both.sampling.weights is None:
        result |= both.estimate("total_bound", bound)
        if parts:
            result |= both.estimate("total_bound_of_group", bound_of_group)
    if both.sampling.stochastic:
        result |= both.estimate("noise_variance", lambda d: d.noise_variance, DeviationScale.VARIANCE)
        result |= both.estimate("noise_share", share, DeviationScale.SHARE)
    return result


class WholeDesign(Estimator):
    """Derivative-based measures and variances over the design."""

    quantities = QUANTITIES

    def finish(self, found: Estimates) -> Estimates:
        if not self.samples.has_moments:
            return {}
        question = self.samples.question
        parts = self.samples.parts
        return whole_design(self.samples.moments, question.distributions, question.independent, parts)
