"""How parameters change the noise: the derivative of the variance between seeds, without simulations.

Var_Z f = E f^2 - (E f)^2, and where the derivative of a mean is the mean of the gradient g along the
path, that of E f^2 is the mean of 2 f g (Glasserman, Monte Carlo Methods in Financial Engineering
(Springer, 2003), section 7.2). So d Var_Z f / d theta = 2 E[f g] - 2 E[f] E[g] = 2 Cov_Z(f, g).

Where a gradient is right on average alone, d E f^2 is not E[2 f g], and its estimator gives the noise
terms q of each seed besides: with ``score``, which sees f^2 as one more observable, d E f^2 =
E[2 f g + q], and the derivative of the variance is 2 Cov_Z(f, g) + E[q]; with ``smoothed`` it is E[q].
"""

import dataclasses

import numpy as np
import xarray as xr

from ..quantities import Interval, Kind, Method, Quantity
from .estimator import Estimates, Estimator, Slab
from .over_seeds import OverSeeds
from .resampling import FEWEST
from .rounding import round_off
from .samples import Samples, kept_in
from .sums import add_up
from .two_way import (
    Spread,
    factors_of_variance,
    jackknifed,
    spread_of,
    times_variance,
    with_ends,
    with_skewed_ends,
)

_FEWEST_BY_SCORE = 128
"""Seeds: products of squared values and scores of fewer have seldom shown their tail."""
_PAIR = ("time", "observable", "parameter")
_ABSENT = "needs noise, two or more seeds, and an estimator of gradients that tells how noise changes"
NOISE = Method(
    "Derivative of the noise",
    "d Var_r f / dθ_p = 2 Cov_r(f, ∂f/∂θ_p)",
    "The variance is that between seeds; its derivative is unbiased over seeds if gradients are "
    "complete. With estimator: score the mean of noise_difference times noise_slope (batches) is "
    "added; with smoothed that mean alone is the derivative, of the smoothed variance. The error "
    "has a part of the samples and one of the seeds; with score, from 128 seeds on.",
    "Glasserman, Monte Carlo Methods in Financial Engineering (Springer, 2003), section 7.2",
)
QUANTITIES = (
    Quantity(
        "noise_gradient",
        "derivative of the variance between seeds with respect to the parameter",
        "observable^2 parameter^-1",
        ("sample", *_PAIR),
        Kind.NUMBER,
        NOISE,
        from_gradients=True,
        absent=_ABSENT,
    ),
    Quantity(
        "noise_gradient_average",
        "average over samples of the derivative of the variance between seeds",
        "observable^2 parameter^-1",
        _PAIR,
        Kind.NUMBER,
        NOISE,
        formula="E_θ[2 Cov_r(f, ∂f/∂θ_p)]",
        interval=Interval.SAMPLES_AND_SEEDS,
        from_gradients=True,
        absent=_ABSENT,
    ),
    Quantity(
        "noise_elasticity",
        "elasticity of the standard deviation between seeds, of its root mean square over samples",
        "1",
        _PAIR,
        Kind.NUMBER,
        NOISE,
        formula="E_θ[θ_p Cov_r(f, ∂f/∂θ_p)] / E_θ[Var_r f]",
        label="elasticity of the noise",
        reading="% change of the standard deviation between seeds per % change of the parameter",
        interval=Interval.SAMPLES_AND_SEEDS,
        from_gradients=True,
        absent=_ABSENT,
    ),
)


class NoiseGradient(Estimator):
    """The derivative of the variance between seeds, at each sample and on average."""

    quantities = QUANTITIES

    def __init__(self, samples: Samples):
        super().__init__(samples)
        self._has_terms = False
        # Of each seed its part in the sums over samples; of each sample its sums over seeds.
        self._of_seeds: dict[str, xr.DataArray] = {}
        self._of_samples: dict[str, xr.DataArray | None] = {}

    def add(self, slab: Slab) -> Estimates:
        question = self.samples.question
        terms = self._terms(slab)
        known = question.complete or terms is not None
        if not (known and question.stochastic and slab.value.sizes["seed"] > 1):
            return {}
        self._has_terms = terms is not None
        over, of_terms = slab.over_seeds, None
        if terms is not None:
            over = OverSeeds.of(slab.value.where(terms.notnull().all("parameter")), slab.gradient)
            of_terms = OverSeeds.of(slab.value.where(over.known), terms).gradient
        numbers = self.samples.points["sample"].values
        weight = self._weight(slab.value["sample"].values).values
        parts = self._parts(over, of_terms, slab.parameter_value, weight)
        like = slab.gradient.isel(seed=0, drop=True)
        add_up(self._of_seeds, {n: over.named_seeds(x, like) for n, x in parts.of_seeds.items()})
        sums = {name: over.named(x, like) for name, x in parts.of_samples.items()}
        for name, of_sample in sums.items():
            self._of_samples[name] = kept_in(self._of_samples.get(name), of_sample, numbers)
        return {"noise_gradient": sums["gradient"], "noise_gradient_se": over.named(parts.error, like)}

    def _parts(
        self, over: OverSeeds, terms: np.ndarray | None, theta: xr.DataArray, weight: np.ndarray
    ) -> "_NoiseSums":
        """Parts of each seed in the derivative of the variance, summed over samples and over seeds.

        Args:
            over: Values and gradients.
            terms: Noise terms (parameter, sample, seed, place), 0 where they are not used.
            theta: (sample, parameter).
            weight: (sample).
        """
        largest = np.abs(over.value).max(axis=1)
        equal = np.abs(over.apart).max(axis=1) <= round_off(largest, self.samples.precision)
        apart = np.where(equal[:, None], 0.0, over.apart)
        n, several = over.n, over.several
        f = np.where(n[:, None] > 1, apart / (several[:, None] - 1), 0.0)
        half = theta.transpose("parameter", "sample").values / 2
        scale = np.stack([np.broadcast_to(weight, half.shape), weight * half], axis=1)
        shape = over.gradient.shape
        of_seeds = np.zeros((shape[0], 2, *shape[2:]))
        total, error = np.empty_like(over.slope), np.empty_like(over.slope)
        for s in over.pieces():
            part = over.moved(s)
            part *= 2 * f[s]
            if terms is not None:
                there = np.where(equal[s, None], 0.0, terms[:, s])
                of_mean = _as_covariance(there, n[s]) * over.used[s]
                part = part + of_mean if self.samples.question.noise_covaries else of_mean
            flat = part.reshape(*part.shape[:2], -1)
            of_seeds += (scale[:, :, s] @ flat).reshape(of_seeds.shape)
            total[:, s] = part.sum(axis=2)
            part -= (total[:, s] / np.maximum(n[s], 1))[:, :, None]
            if not over.all_used:
                part *= over.used[s]
            # The spread of the values without one seed each, which are linear in these parts.
            error[:, s] = np.einsum("psrk,psrk->psk", part, part)
        sums = {
            "gradient": np.where(n > 1, total, np.nan),
            "scaled": np.where(n > 1, half[..., None] * total, np.nan),
            "variance": np.where(n > 1, (f * apart).sum(axis=1), np.nan),
        }
        with np.errstate(invalid="ignore", divide="ignore"):
            error = (n * (n - 1) * error) ** 0.5 / np.where(n > 2, n - 2, np.nan)
        return _NoiseSums(
            {
                "gradient": of_seeds[:, 0],
                "scaled": of_seeds[:, 1],
                "variance": np.einsum("s,srk->rk", weight, f * apart),
            },
            sums,
            error,
        )

    def _terms(self, slab: Slab) -> xr.DataArray | None:
        """The noise terms of each seed (..., parameter), NaN where they are no numbers."""
        if "noise_slope" not in slab.given or self.samples.scale is None:
            return None
        difference, slope = (
            self.samples.scale.divided(slab.given[f"noise_{name}"]) for name in ("difference", "slope")
        )
        terms = difference * slope
        finite: xr.DataArray = xr.apply_ufunc(np.isfinite, terms)
        return terms.where(finite & slab.used)

    def _weight(self, samples: np.ndarray) -> xr.DataArray:
        rows = np.searchsorted(self.samples.points["sample"].values, samples)
        return self.samples.weight.isel(sample=rows)

    def finish(self, found: Estimates) -> Estimates:
        samples = {name: array for name, array in self._of_samples.items() if array is not None}
        if not samples or self.samples.stands_for == "none":
            return {}
        weight = self.samples.weight.assign_coords(sample=samples["gradient"]["sample"])
        count = (weight * samples["variance"].notnull()).sum("sample")
        count = count.where(count > 0)
        average = {name: (weight * array).sum("sample") / count for name, array in samples.items()}
        left_out = {name: self._without_each(array / count) for name, array in self._of_seeds.items()}
        variance = average["variance"].where(average["variance"] > 0)
        left = left_out["variance"].where(left_out["variance"] > 0)
        elasticity = self._relative(average["scaled"], variance, samples["scaled"], samples["variance"])
        slope = self._relative(average["gradient"], variance, samples["gradient"], samples["variance"])
        if not self._has_interval(left.sizes["seed"]):
            return {"noise_gradient_average": average["gradient"], "noise_elasticity": elasticity[0]}
        if self._has_terms:
            of_average = spread_of(self._groups(samples["gradient"]), "sample")
            return with_skewed_ends(
                "noise_gradient_average", average["gradient"], of_average, left_out["gradient"]
            ) | with_skewed_ends("noise_elasticity", *elasticity, left_out["scaled"] / left)
        of_seeds = {name: jackknifed(left_out[name] / left) for name in ("scaled", "gradient")}
        size = self._groups(samples["variance"] / variance)
        factors = factors_of_variance(spread_of(size, "sample"), left)
        of_slope = (slope[1], of_seeds["gradient"])
        return times_variance(
            "noise_gradient_average", average["gradient"], slope[0], of_slope, variance, factors
        ) | with_ends("noise_elasticity", elasticity[0], (elasticity[1], of_seeds["scaled"]))

    def _relative(
        self, whole: xr.DataArray, variance: xr.DataArray, of_samples: xr.DataArray, sizes: xr.DataArray
    ) -> tuple[xr.DataArray, Spread]:
        """A ratio of averages over samples, and what it owes to the choice of samples."""
        ratio = whole / variance
        return ratio, spread_of(self._groups((of_samples - ratio * sizes) / variance), "sample")

    def _groups(self, of_samples: xr.DataArray) -> xr.DataArray:
        """Means over what was drawn independently."""
        draw = self.samples.draw
        if draw[-1] == len(draw) - 1:
            return of_samples
        of_draw = of_samples.assign_coords(sample=draw).groupby("sample").mean()
        return of_draw.transpose(*of_samples.dims)

    def _has_interval(self, n_seeds: int) -> bool:
        groups = self.samples.points.sizes["sample"] // self.samples.unit_size
        by_score = self._has_terms and self.samples.question.noise_covaries
        enough = groups >= FEWEST and n_seeds >= (_FEWEST_BY_SCORE if by_score else FEWEST)
        return self.samples.stands_for == "sample" and enough

    def _without_each(self, part: xr.DataArray) -> xr.DataArray:
        """The sum over seeds without each of them, from parts d_r / (n - 1)."""
        n = part.sizes["seed"]
        return ((n - 1) * part.sum("seed") - n * part) / max(n - 2, 1)


@dataclasses.dataclass(frozen=True)
class _NoiseSums:
    """Sums by name, and the standard error of the derivative at each sample.

    Attributes:
        of_seeds: Weighted, over samples ([parameter,] seed, place).
        of_samples: Over seeds ([parameter,] sample, place).
        error: (parameter, sample, place).
    """

    of_seeds: dict[str, np.ndarray]
    of_samples: dict[str, np.ndarray]
    error: np.ndarray


def _as_covariance(terms: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Parts of each seed whose sum is the mean of the terms over n seeds.

    Without a seed they are what is left of a covariance, d_r / (n - 1), without it: both then have one
    rule, by which sum - n / (n - 2) (part - sum / n) is the mean of the other seeds.
    """
    mean = (terms.sum(axis=2) / np.maximum(n, 1))[:, :, None]
    n = n[:, None]
    return np.asarray((mean + (n - 2) * terms) / np.maximum(n * (n - 1), 1) * (n > 1))
