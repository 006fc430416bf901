"""Averages over the design whose standard errors know that all samples share their seeds."""

import numpy as np
import xarray as xr

from ..quantities import Interval, Kind, Method, Needs, Quantity
from .estimator import PAIR, PLACE, Estimates, Estimator, Slab
from .local import ELASTICITY, NEAR_ZERO, TRIMMED, Local, bias_of, elasticity_deviation
from .over_seeds import OverSeeds
from .quantiles import quantiles
from .resampling import nested
from .samples import Samples, kept_in
from .shared_seeds import Averaged, SharedSeeds, Summed
from .trimmed import trimmed_mean
from .two_way import Blocks, Spread, spread_of

AVERAGE = Method(
    "Average over the design",
    "E_θ E_r[f]; E_θ E_r[∂f/∂θ_p]",
    "The interval has both sources of error, the choice of samples and the noise of the seeds, which "
    "all samples share. Where the samples are no random choice (grid, Morris, one at a time, a single "
    "one) it is for the seeds alone and the average over these very samples, and there is no part "
    "_se_samples.",
    "Searle, Casella and McCulloch, Variance Components (1992), chapter 4; Johnson, J. Am. Stat. Assoc. "
    "73 (1978) 536-544",
)
QUANTITIES = (
    Quantity(
        "value_average",
        "average over samples of the mean over seeds of the observable",
        "observable",
        PLACE,
        Kind.VALUE,
        AVERAGE,
        formula="E_θ E_r[f]",
        interval=Interval.SAMPLES_AND_SEEDS,
    ),
    Quantity(
        "gradient_average",
        "average over samples of the mean over seeds of the gradient",
        "observable parameter^-1",
        PAIR,
        Kind.DERIVATIVE,
        AVERAGE,
        formula="E_θ E_r[∂f/∂θ_p]",
        label="gradient",
        reading="observable per unit of the parameter",
        interval=Interval.SAMPLES_AND_SEEDS,
        from_gradients=True,
        needs_complete=Needs.OWN,
    ),
    Quantity(
        "gradient_trimmed_average",
        "trimmed mean over seeds of the average over samples of the gradient",
        "observable parameter^-1",
        PAIR,
        Kind.DERIVATIVE,
        TRIMMED,
        label="gradient, trimmed mean",
        reading="observable per unit of the parameter",
        interval=Interval.SAMPLES_AND_SEEDS,
        from_gradients=True,
        needs_complete=Needs.OWN,
        absent="needs two or more seeds",
    ),
    Quantity(
        "elasticity_average",
        "average over samples of the elasticity",
        "1",
        PAIR,
        Kind.ELASTICITY,
        ELASTICITY,
        label="elasticity",
        reading="% change of the observable per % change of the parameter",
        interval=Interval.SAMPLES_AND_SEEDS,
        nested=True,
        within=0.1,
        relative=True,
        from_gradients=True,
        needs_complete=Needs.OWN,
    ),
    Quantity(
        "elasticity_defined_share",
        "share of the samples at which the elasticity is defined",
        "1",
        PAIR,
        method=ELASTICITY,
        formula="share of the samples where |E_r[f]| is above two standard errors",
    ),
    Quantity(
        "elasticity_spread",
        "quantiles over samples of the elasticity",
        "1",
        ("quantile", *PAIR),
        Kind.NUMBER,
        ELASTICITY,
        formula="10, 50 and 90 % quantiles over samples",
        from_gradients=True,
        needs_complete=Needs.OWN,
    ),
    Quantity(
        "semi_elasticity_average",
        "average over samples of the semi-elasticity",
        "observable",
        PAIR,
        Kind.SEMI_ELASTICITY,
        NEAR_ZERO,
        formula="E_θ[θ_p E_r[∂f/∂θ_p]]",
        label="semi-elasticity",
        reading="change of the observable per 100 % change of the parameter",
        interval=Interval.SAMPLES_AND_SEEDS,
        from_gradients=True,
        needs_complete=Needs.OWN,
    ),
)

# Their standard errors over seeds.
_ERRORS = {
    "value": "mean_se",
    "gradient": "gradient_se",
    "elasticity": "elasticity_se",
    "semi_elasticity": "semi_elasticity_se",
}
_SPREAD = (0.1, 0.5, 0.9)
AVERAGED = {
    "value": "mean",
    "gradient": "gradient_mean",
    "elasticity": "elasticity",
    "semi_elasticity": "semi_elasticity",
}
"""What is averaged over samples, for each quantity."""

MOST_UNDEFINED = 0.05
"""An elasticity is undefined where its observable is not told from zero. If that is at a larger share of
the samples, an average over the others would be one over those that noise has moved away from zero."""


class DesignAverage:
    """Accumulates, slab of samples by slab, what the averages over the design need.

    Args:
        trim: Share of the seeds that a trimmed mean leaves out at each end.
        blocks: Into which samples are put; None where they are no random choice.
        stochastic: Whether there is noise; if so, one seed alone gives no interval.
    """

    def __init__(self, trim: float, blocks: Blocks | None = None, stochastic: bool = True) -> None:
        self._trim, self._sums = trim, SharedSeeds(blocks, stochastic)

    def add(
        self,
        value: xr.DataArray,
        gradient: xr.DataArray,
        parameter_value: xr.DataArray,
        local: xr.Dataset,
        weight: xr.DataArray | float = 1.0,
        rows: np.ndarray | None = None,
    ) -> None:
        """Add one slab: all seeds of some samples.

        Args:
            value: (sample, seed, time, observable); NaN where it or its gradient cannot be used.
            gradient: (sample, seed, time, observable, parameter); NaN at the same places.
            parameter_value: (sample, parameter).
            local: Local estimates of the same samples; ``elasticity`` as it is averaged.
            weight: (sample), for samples that do not count alike.
            rows: Numbers of the samples in the design, for ``blocks``.
        """
        self._sums.add(parts_of(value, gradient, parameter_value, local), weight, rows)

    def add_over_seeds(
        self,
        over: OverSeeds,
        parameter_value: xr.DataArray,
        local: xr.Dataset,
        weight: xr.DataArray,
        rows: np.ndarray,
    ) -> None:
        """The same of a slab whose sums over seeds are known."""
        self._sums.add_summed(summed_over(over, parameter_value, local, weight), weight, rows)

    def estimates(self) -> dict[str, xr.DataArray]:
        """``<quantity>_average`` with ``_se``, ``_se_seeds``, ``_se_samples``, ``_low`` and ``_high``.

        The average of the elasticity is NaN where more than 5 % of the samples have none. The trimmed
        average leaves out the seeds whose average over the samples is the smallest and the largest.
        """
        result: dict[str, xr.DataArray] = {"elasticity_defined_share": self._defined_share()}
        for name in AVERAGED:
            average = self._average(name)
            result |= self._sums.estimate(name, f"{name}_average", average)
            if name == "gradient" and (per_seed := self._sums.per_seed(name)).sizes["seed"] > 1:
                around, trimmed_se = trimmed_mean(per_seed, self._trim)
                of_seeds = spread_of(per_seed, "seed")
                left = of_seeds.n - 2 * np.floor(self._trim * of_seeds.n)
                trimmed = Spread(trimmed_se**2, 0 * of_seeds.third, left)
                called = "gradient_trimmed_average"
                result |= self._sums.estimate(name, called, average + around, trimmed)
        return result

    def _defined_share(self) -> xr.DataArray:
        """Share of the samples at which the elasticity is defined."""
        return self._sums.share("elasticity", "value")

    def _average(self, name: str) -> xr.DataArray:
        average = self._sums.average(name)
        if name == "elasticity":
            return average.where(self._defined_share() >= 1 - MOST_UNDEFINED)
        return average

    def elasticity_by_seeds(self) -> xr.DataArray | None:
        """The average elasticity for nested subsets of the seeds (n_seeds, ...), linearised."""
        per_seed = self._sums.per_seed("elasticity")
        sizes = nested(per_seed.sizes["seed"])
        if not sizes:
            return None
        average = self._average("elasticity")
        parts = [average + per_seed.isel(seed=slice(size)).mean("seed") for size in sizes]
        return xr.concat(parts, "n_seeds").assign_coords(n_seeds=sizes)


def parts_of(
    value: xr.DataArray, gradient: xr.DataArray, parameter_value: xr.DataArray, local: xr.Dataset
) -> dict[str, Averaged]:
    """What averages are made of, at the samples of a slab; arguments as of ``DesignAverage.add``."""
    deviation = gradient - local["gradient_mean"]
    deviations = {
        "value": value - local["mean"],
        "gradient": deviation,
        "elasticity": elasticity_deviation(value, gradient, parameter_value, local["elasticity"]),
        "semi_elasticity": parameter_value * deviation,
    }
    return {
        name: Averaged(local[AVERAGED[name]], each, local.get(_ERRORS[name]))
        for name, each in deviations.items()
    }


def summed_over(
    over: OverSeeds, parameter_value: xr.DataArray, local: xr.Dataset, weight: xr.DataArray
) -> dict[str, Summed]:
    """What :func:`parts_of` gives, its deviations summed over the samples with their weights."""
    theta = parameter_value.transpose("parameter", "sample").values[..., None]
    w, mean = weight.values[:, None], over.mean
    elasticity = over.flat(local["elasticity"])
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = w / mean
        of_slope, of_value = theta * scale, elasticity * scale
    defined = np.isfinite(of_slope) & np.isfinite(of_value)
    of_slope, of_value = np.where(defined, of_slope, 0.0), np.where(defined, of_value, 0.0)
    there = np.isfinite(mean)[:, None] & over.used
    of_value_alone = np.einsum("s,srk->rk", weight.values, over.apart)
    shape = (len(theta), *over.apart.shape[1:])
    sums = {name: np.zeros(shape) for name in ("gradient", "semi_elasticity", "elasticity")}
    for s in over.pieces():
        moved = over.moved(s)
        flat = moved.reshape(*moved.shape[:2], -1)
        weights = np.stack([np.broadcast_to(w[s, 0], theta[:, s, 0].shape), w[s, 0] * theta[:, s, 0]], 1)
        two = (weights @ flat).reshape(len(theta), 2, *shape[1:])
        sums["gradient"] += two[:, 0]
        sums["semi_elasticity"] += two[:, 1]
        sums["elasticity"] += np.einsum("psk,psrk->prk", of_slope[:, s], moved)
        sums["elasticity"] -= np.einsum("psk,srk->prk", of_value[:, s], over.apart[s])
    count = np.einsum("s,srk->rk", weight.values, there)
    of_all = np.broadcast_to(count, shape)
    if over.all_used:
        of_defined = np.broadcast_to((w * defined).sum(axis=1)[:, None], shape)
    else:
        of_defined = np.einsum("s,psk,srk->prk", weight.values, defined, there, optimize=True)
    counts = {"gradient": of_all, "semi_elasticity": of_all, "elasticity": of_defined}
    like = local["gradient_mean"]
    deviations = {"value": of_value_alone, **sums}
    return {
        name: Summed(
            local[AVERAGED[name]],
            over.named_seeds(deviation, like),
            over.named_seeds(counts.get(name, count), like),
            local.get(_ERRORS[name]),
        )
        for name, deviation in deviations.items()
    }


class Averages(Estimator):
    """Averages over the samples, with the errors of the samples and of the noise."""

    quantities = QUANTITIES
    after = (Local,)
    _elasticity: xr.DataArray | None = None

    def __init__(self, samples: Samples):
        super().__init__(samples)
        size, n = samples.unit_size, samples.points.sizes["sample"]
        blocks = Blocks(samples.draw) if samples.stands_for == "sample" and n > size else None
        self._average = DesignAverage(samples.question.trim, blocks, samples.question.stochastic)

    def add(self, slab: Slab) -> Estimates:
        numbers = self.samples.points["sample"].values
        rows = np.searchsorted(numbers, slab.value["sample"].values)
        weight = self.samples.weight.isel(sample=rows)
        over, elasticity = slab.over_seeds, slab.local["elasticity"]
        bias = over.named(bias_of(over, slab.parameter_value, over.flat(elasticity)), elasticity)
        local = slab.local.assign(elasticity=elasticity - bias)
        self._average.add_over_seeds(over, slab.parameter_value, local, weight, rows)
        self._elasticity = kept_in(self._elasticity, local["elasticity"], numbers)
        return {}

    def finish(self, found: Estimates) -> Estimates:
        result, samples = self._average.estimates(), self.samples
        assert self._elasticity is not None, "no slab was added"
        unit_size = samples.unit_size if samples.stands_for == "sample" else None
        of_samples = over_samples(self._elasticity, unit_size)
        defined = result["elasticity_average"].notnull()
        result |= {name: array.where(defined) for name, array in of_samples.items()}
        if "elasticity_average_se" in result:
            by_seeds = self._average.elasticity_by_seeds()
            if by_seeds is not None:
                result["elasticity_average_by_seeds"] = by_seeds
        return result


def over_samples(elasticity: xr.DataArray, unit_size: int | None) -> Estimates:
    """Quantiles of the elasticity, and its averages of the first samples.

    It goes time by time, because quantiles copy what they work on. ``unit_size`` is None where the
    samples do not represent the distributions.
    """
    parts = []
    for _, at in elasticity.groupby("time", squeeze=False):
        of_samples = quantiles(at.values, _SPREAD, at.get_axis_num("sample"))
        like = at.isel(sample=0, drop=True)
        coords = {**like.coords, "quantile": list(_SPREAD)}
        part = {"elasticity_spread": xr.DataArray(of_samples, coords, ("quantile", *like.dims))}
        sizes = [] if unit_size is None else nested(at.sizes["sample"], unit_size)
        if sizes:
            subsets = [at.isel(sample=slice(size)).mean("sample") for size in sizes]
            by_samples = xr.concat(subsets, "n_samples").assign_coords(n_samples=sizes)
            part["elasticity_average_by_samples"] = by_samples
        parts.append(xr.Dataset(part))
    return {str(name): array for name, array in xr.concat(parts, "time").items()}
