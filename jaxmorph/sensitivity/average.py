"""Averages over the design whose standard errors know that all samples share their seeds."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy import stats

from ..quantities import Interval, Kind, Needs, Quantity
from .estimator import Estimates, Estimator, Slab
from .local import ELASTICITY, MEAN, NEAR_ZERO, TRIMMED, Local, elasticity_deviation
from .resampling import nested
from .samples import Samples, kept_in
from .trimmed import trimmed_mean

_OBSERVABLE = ("time", "observable")
_PAIR = (*_OBSERVABLE, "parameter")
QUANTITIES = (
    Quantity(
        "value_average",
        "average over samples of the mean over seeds of the observable",
        "observable",
        _OBSERVABLE,
        Kind.VALUE,
        MEAN,
        formula="E_θ E_r[f]",
        interval=Interval.SEEDS,
    ),
    Quantity(
        "gradient_average",
        "average over samples of the mean over seeds of the gradient",
        "observable parameter^-1",
        _PAIR,
        Kind.DERIVATIVE,
        MEAN,
        formula="E_θ E_r[∂f/∂θ_p]",
        label="gradient",
        reading="observable per unit of the parameter",
        interval=Interval.SEEDS,
        from_gradients=True,
        needs_complete=Needs.OWN,
    ),
    Quantity(
        "gradient_trimmed_average",
        "trimmed mean over seeds of the average over samples of the gradient",
        "observable parameter^-1",
        _PAIR,
        Kind.DERIVATIVE,
        TRIMMED,
        label="gradient, trimmed mean",
        reading="observable per unit of the parameter",
        interval=Interval.SEEDS,
        from_gradients=True,
        needs_complete=Needs.OWN,
        absent="needs two or more seeds",
    ),
    Quantity(
        "elasticity_average",
        "average over samples of the elasticity",
        "1",
        _PAIR,
        Kind.ELASTICITY,
        ELASTICITY,
        label="elasticity",
        reading="% change of the observable per % change of the parameter",
        interval=Interval.SEEDS,
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
        _PAIR,
        method=ELASTICITY,
        formula="share of the samples where |E_r[f]| is above two standard errors",
    ),
    Quantity(
        "elasticity_spread",
        "quantiles over samples of the elasticity",
        "1",
        ("quantile", *_PAIR),
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
        _PAIR,
        Kind.SEMI_ELASTICITY,
        NEAR_ZERO,
        formula="E_θ[θ_p E_r[∂f/∂θ_p]]",
        label="semi-elasticity",
        reading="change of the observable per 100 % change of the parameter",
        interval=Interval.SEEDS,
        from_gradients=True,
        needs_complete=Needs.OWN,
    ),
)

_SPREAD = (0.1, 0.5, 0.9)
# What is averaged over samples, for each quantity.
_AVERAGED = {
    "value": "mean",
    "gradient": "gradient_mean",
    "elasticity": "elasticity",
    "semi_elasticity": "semi_elasticity",
}

# An elasticity is undefined where its observable is not told from zero. If that is at more samples than
# these, an average over the others would be one over the samples that noise has moved away from zero.
_MOST_UNDEFINED = 0.05


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

    def __init__(self, trim: float) -> None:
        self._trim = trim
        self._sum: dict[str, xr.DataArray] = {}
        self._count: dict[str, xr.DataArray] = {}
        self._total: dict[str, xr.DataArray] = {}
        self._number: dict[str, xr.DataArray] = {}

    def add(
        self,
        value: xr.DataArray,
        gradient: xr.DataArray,
        parameter_value: xr.DataArray,
        local: xr.Dataset,
        weight: xr.DataArray | float = 1.0,
    ) -> None:
        """Add one slab: all seeds of some samples.

        Args:
            value: (sample, seed, time, observable); NaN where it or its gradient cannot be used.
            gradient: (sample, seed, time, observable, parameter); NaN at the same places.
            parameter_value: (sample, parameter).
            local: Local estimates of the same samples.
            weight: (sample), for samples that do not count alike.
        """
        deviation = gradient - local["gradient_mean"]
        deviations = {
            "value": value - local["mean"],
            "gradient": deviation,
            "elasticity": elasticity_deviation(value, gradient, parameter_value, local["elasticity"]),
            "semi_elasticity": parameter_value * deviation,
        }
        means = {name: local[mean] for name, mean in _AVERAGED.items()}
        add_up(self._sum, {name: (weight * d).sum("sample") for name, d in deviations.items()})
        add_up(self._count, {name: _weights_of(d, weight) for name, d in deviations.items()})
        add_up(self._total, {name: (weight * m).sum("sample") for name, m in means.items()})
        add_up(self._number, {name: _weights_of(m, weight) for name, m in means.items()})

    def estimates(self) -> dict[str, xr.DataArray]:
        """``<quantity>_average`` with ``_se``, ``_low`` and ``_high``.

        The interval is Student's, 95 %, for the noise of the seeds at the given samples. The average of
        the elasticity is NaN where more than 5 % of the samples have none. The trimmed
        average leaves out the seeds whose average over the samples is the smallest and the largest.
        """
        result: dict[str, xr.DataArray] = {"elasticity_defined_share": self._defined_share()}
        for name in _AVERAGED:
            average = self._average(name)
            result[f"{name}_average"] = average
            per_seed = self._per_seed(name)
            if per_seed.sizes["seed"] < 2:
                continue
            n = per_seed.count("seed")
            se = per_seed.std("seed", ddof=1) / np.sqrt(n)
            result |= _with_student_interval(f"{name}_average", average, se, n)
            if name == "gradient":
                around, trimmed_se = trimmed_mean(per_seed, self._trim)
                left = n - 2 * np.floor(self._trim * n)
                result |= _with_student_interval(
                    "gradient_trimmed_average", average + around, trimmed_se, left
                )
        return result

    def _defined_share(self) -> xr.DataArray:
        """Share of the samples at which the elasticity is defined."""
        n = self._number["value"]
        return self._number["elasticity"] / n.where(n > 0)

    def _per_seed(self, name: str) -> xr.DataArray:
        """Deviation of each seed from the seed mean, averaged over the samples."""
        return self._sum[name] / self._count[name].where(self._count[name] > 0)

    def _average(self, name: str) -> xr.DataArray:
        average = self._total[name] / self._number[name].where(self._number[name] > 0)
        if name == "elasticity":
            return average.where(self._defined_share() >= 1 - _MOST_UNDEFINED)
        return average

    def elasticity_by_seeds(self) -> xr.DataArray | None:
        """The average elasticity for nested subsets of the seeds (n_seeds, ...), linearised."""
        per_seed = self._per_seed("elasticity")
        sizes = nested(per_seed.sizes["seed"])
        if not sizes:
            return None
        average = self._average("elasticity")
        parts = [average + per_seed.isel(seed=slice(size)).mean("seed") for size in sizes]
        return xr.concat(parts, "n_seeds").assign_coords(n_seeds=sizes)


def _weights_of(x: xr.DataArray, weight: xr.DataArray | float) -> xr.DataArray:
    return (weight * x.notnull()).sum("sample")


def _with_student_interval(
    name: str, average: xr.DataArray, se: xr.DataArray, n: xr.DataArray
) -> dict[str, xr.DataArray]:
    half = se * stats.t.ppf(0.975, np.maximum(n - 1, 1))
    return {
        name: average,
        f"{name}_se": se,
        f"{name}_low": average - half,
        f"{name}_high": average + half,
    }


class Averages(Estimator):
    """Averages over the samples, with the error of the noise; of the elasticity also of the samples."""

    quantities = QUANTITIES
    after = (Local,)
    _elasticity: xr.DataArray | None = None

    def __init__(self, samples: Samples):
        super().__init__(samples)
        self._average = DesignAverage(samples.question.trim)

    def add(self, slab: Slab) -> Estimates:
        numbers = self.samples.points["sample"].values
        rows = np.searchsorted(numbers, slab.value["sample"].values)
        weight = self.samples.weight.isel(sample=rows)
        self._average.add(slab.value, slab.gradient, slab.parameter_value, slab.local, weight)
        self._elasticity = kept_in(self._elasticity, slab.local["elasticity"], numbers)
        return {}

    def finish(self, found: Estimates) -> Estimates:
        result, samples = self._average.estimates(), self.samples
        assert self._elasticity is not None, "no slab was added"
        group_size = samples.group_size if samples.stands_for == "sample" else None
        of_samples = over_samples(self._elasticity, group_size)
        defined = result["elasticity_average"].notnull()
        result |= {name: array.where(defined) for name, array in of_samples.items()}
        if "elasticity_average_se" in result:
            result["elasticity_average_se_seeds"] = result["elasticity_average_se"]
            by_seeds = self._average.elasticity_by_seeds()
            if by_seeds is not None:
                result["elasticity_average_by_seeds"] = by_seeds
        return result


def over_samples(elasticity: xr.DataArray, group_size: int | None) -> Estimates:
    """Quantiles of the elasticity, the error of its average and averages of the first samples.

    Time by time: quantiles and deviations copy what they work on. ``group_size`` is None where the
    samples do not represent the distributions, and an error of sampling means nothing.
    """
    parts = []
    for _, at in elasticity.groupby("time", squeeze=False):
        defined = at.notnull().any("sample")
        # Undefined at every sample stays undefined, without numpy's warning about it.
        spread = at.where(defined, 0.0).quantile(list(_SPREAD), "sample").where(defined)
        part = {"elasticity_spread": spread}
        if group_size is not None and at.sizes["sample"] > group_size:
            n = at.sizes["sample"] // group_size
            groups = at if group_size == 1 else at.coarsen(sample=group_size).mean()
            part["elasticity_average_se_samples"] = groups.std("sample", ddof=1) / n**0.5
            if sizes := nested(at.sizes["sample"], group_size):
                subsets = [at.isel(sample=slice(size)).mean("sample") for size in sizes]
                by_samples = xr.concat(subsets, "n_samples").assign_coords(n_samples=sizes)
                part["elasticity_average_by_samples"] = by_samples
        parts.append(xr.Dataset(part))
    return {str(name): array for name, array in xr.concat(parts, "time").items()}
