"""Estimates over the whole design from its moments: derivative-based measures, bounds, share of noise.

Sources: Sobol' and Kucherenko, Math. Comput. Simul. 79 (2009) 3009-3017 (derivative-based measures);
Lamboni et al., Math. Comput. Simul. 87 (2013) 45-54, and Roustant, Barthe, Iooss, Electron. J. Stat. 11
(2017) 3081-3119 (bounds); Constantine and Diaz, Reliab. Eng. Syst. Saf. 162 (2017) 1-13 (activity
scores).
"""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from ..distributions import Distribution, is_logarithmic, natural_sd, poincare_constant
from .active_subspace import active_subspace
from .moments import DesignMoments, Draws
from .resampling import with_interval

Estimates = dict[str, xr.DataArray]

_OF_A_SUBSPACE = ("activity_score", "eigenvalue")


def natural_scale(distributions: Sequence[Distribution], parameter_value: xr.DataArray) -> xr.DataArray:
    """D parameter / d u (sample, parameter), u being ln(parameter) for logarithmic distributions."""
    logarithmic = xr.DataArray([is_logarithmic(d) for d in distributions], dims="parameter")
    return parameter_value.where(logarithmic, 1.0)


def scaled_inputs(distributions: Sequence[Distribution], parameter_value: xr.DataArray) -> xr.DataArray:
    """Parameters on their natural scale, centred, in units of their sd (sample, parameter)."""
    logarithmic = xr.DataArray([is_logarithmic(d) for d in distributions], dims="parameter")
    # Where there is no logarithm to take, that of 1 is taken and not used.
    logarithm = xr.apply_ufunc(np.log, parameter_value.where(logarithmic, 1.0))
    natural = logarithm.where(logarithmic, parameter_value)
    sd = xr.DataArray([natural_sd(d) for d in distributions], dims="parameter")
    return (natural - natural.mean("sample")) / sd


def whole_design(
    moments: DesignMoments, distributions: Sequence[Distribution], independent: bool
) -> Estimates:
    """All estimates that follow from the moments of the gradients, scaled by the parameters' sd.

    ``dgsm``: nu = E[(df/du)^2] on the natural scale u. ``total_bound``: C nu / Var bounds the total
    Sobol index, C being the Poincare constant of the parameter's distribution; it needs independent
    parameters and random samples, and is absent otherwise. ``variance``, ``noise_variance`` and
    ``noise_share``: Var_theta(E_seed f), E_theta(Var_seed f), and the share of the second in their sum.
    And the active subspace.

    Each with its interval, the two parts of its standard error, and its value for nested subsets.
    """
    both = _Both(moments)
    sd = xr.DataArray([natural_sd(d) for d in distributions], dims="parameter")
    constant = xr.DataArray([poincare_constant(d) for d in distributions], dims="parameter")

    def squares(draws: Draws) -> xr.DataArray:
        diagonal = np.diagonal(draws.outer.values, axis1=-2, axis2=-1)
        return draws.outer.isel(parameter_2=0, drop=True).copy(data=diagonal) / sd**2

    def bound(draws: Draws) -> xr.DataArray:
        # A design whose variance is not told from 0 has no finite bound; nothing varies: none at all.
        ratio = constant * squares(draws) / draws.variance.where(draws.variance > 0)
        return ratio.where(~(draws.variance <= 0) | (squares(draws) == 0), np.inf)

    def share(draws: Draws) -> xr.DataArray:
        total = draws.variance.clip(min=0) + draws.noise_variance
        return draws.noise_variance / total.where(total > 0)

    result = both.estimate("dgsm", squares) | both.estimate("variance", lambda d: d.variance)
    result["gradient_outer_product"] = both.samples.outer.isel(draw=0, drop=True)
    result["poincare_constant"] = constant
    # A variance by a quadrature of few nodes is too large, and the bound would be none.
    if independent and moments.design.weights is None:
        result |= both.estimate("total_bound", bound)
    if moments.design.stochastic:
        result |= both.estimate("noise_variance", lambda d: d.noise_variance)
        result |= both.estimate("noise_share", share)
    return result | both.active_subspace()


class _Both:
    """The moments over samples and over seeds, put through the same estimator."""

    def __init__(self, moments: DesignMoments):
        self.samples, self.seeds = moments.over_samples(), moments.over_seeds()
        self._n_groups, self._n_blocks = moments.design.n_groups, moments.n_blocks
        # With noise but too few seeds to resample, an interval would forget the noise.
        self._no_interval = moments.design.stochastic and self.seeds is None

    def estimate(self, name: str, function: Callable[[Draws], xr.DataArray]) -> Estimates:
        """The estimate with its interval and, where there are any, its nested subsets."""
        of_samples = function(self.samples)
        over_samples = self.samples.resampled(of_samples)
        if self._no_interval:
            return {name: over_samples.isel(draw=0, drop=True)}
        result: Estimates = {}
        over_seeds = None
        if self.samples.sizes:
            result[f"{name}_by_samples"] = self.samples.nested(of_samples, "n_samples")
        if self.seeds is not None:
            of_seeds = function(self.seeds)
            over_seeds = self.seeds.resampled(of_seeds)
            result[f"{name}_by_seeds"] = self.seeds.nested(of_seeds, "n_seeds")
        return result | with_interval(name, over_samples, self._n_groups, over_seeds, self._n_blocks)

    def active_subspace(self) -> Estimates:
        draws = self.samples.resampled(self.samples.outer)
        if self._no_interval:
            return active_subspace(draws.isel(draw=[0]), self._n_groups)
        over_seeds = None if self.seeds is None else self.seeds.resampled(self.seeds.outer)
        result = active_subspace(draws, self._n_groups, over_seeds, self._n_blocks)
        for part, dim in ((self.samples, "n_samples"), (self.seeds, "n_seeds")):
            if part is None or not part.sizes:
                continue
            subsets = part.nested(part.outer, dim)
            each = [
                active_subspace(subsets.isel({dim: [i]}).rename({dim: "draw"}).drop_vars("draw"), 1)
                for i in range(len(part.sizes))
            ]
            for name in _OF_A_SUBSPACE:
                together = xr.concat([one[name] for one in each], dim)
                result[f"{name}_by_{dim.removeprefix('n_')}"] = together.assign_coords({dim: part.sizes})
        return result
