"""Which times and observables tell most of the parameters, were they measured.

A record is one observable at one time, or all observables at one time, of one experiment with the noise
of one simulation. What records tell is averaged over the design, so that noise of gradients averages
out, and is held against what is assumed of the parameters already: their spread in the design.
The choice is :mod:`.greedy_design`, the noise :mod:`.record_noise`.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from .completeness import Completeness, refuted_pairs
from .estimator import Estimates, Estimator, Slab
from .failures import completed
from .greedy_design import RecordSet, a_criterion, d_criterion
from .measurement_quantities import FEWEST_SAMPLES, FEWEST_SEEDS, QUANTITIES
from .measurement_shares import shares_of
from .natural import scaled_inputs
from .record_noise import RecordNoise, noise_of_records, noise_without_blocks
from .rounding import round_off
from .samples import Samples, kept_in

_MOST_SAMPLES, _MOST_BYTES, _MOST_RECORDS = 64, 1.0e8, 600
_MOST_BLOCKS = 8
_USABLE = 0.9


class Measurements(Estimator):
    """Which records to measure first: greedy D- and A-optimal choices."""

    quantities = QUANTITIES
    of_records = True
    after = (Completeness,)

    def __init__(self, samples: Samples):
        super().__init__(samples)
        self._kept: np.ndarray | None = None
        self._times: np.ndarray | None = None
        self._value: xr.DataArray | None = None
        self._slope: xr.DataArray | None = None

    def add(self, slab: Slab) -> Estimates:
        n_seeds, question = slab.value.sizes["seed"], self.samples.question
        if self.samples.stands_for == "none" or not question.stochastic or n_seeds < FEWEST_SEEDS:
            return {}
        if self._kept is None or self._times is None:
            self._times = _some_times(slab.value.sizes["time"], slab.value.sizes["observable"])
            self._kept = self._which(slab)
        here = np.isin(slab.value["sample"].values, self._kept)
        if self._value is not None and not here.any():
            return {}
        value, slope = (
            x.isel(sample=here, time=self._times).astype(float) for x in (slab.value, slab.scaled)
        )
        number = xr.DataArray(np.arange(n_seeds) % min(_MOST_BLOCKS, n_seeds), dims="seed")
        slope = slope.groupby(number.rename("block")).mean() if n_seeds > _MOST_BLOCKS else slope
        self._value = kept_in(self._value, value, self._kept)
        self._slope = kept_in(self._slope, slope.rename({slope.dims[1]: "block"}), self._kept)
        return {}

    def _which(self, slab: Slab) -> np.ndarray:
        """Numbers of the samples that are kept: whole units, at random."""
        assert self._times is not None
        rows = len(self._times) * slab.value.sizes["observable"]
        one = 8 * rows * (slab.value.sizes["seed"] + _MOST_BLOCKS * len(self.samples.parameters))
        if self.samples.stands_for == "quadrature":
            return self.samples.whole_units(self.samples.points.sizes["sample"])
        return self.samples.whole_units(int(min(_MOST_SAMPLES, _MOST_BYTES / one)))

    def finish(self, found: Estimates) -> Estimates:
        if self._value is None or self._slope is None:
            return {}
        data = _usable(self._value, self._slope, self.samples)
        if data is None:
            return {}
        used = np.zeros((self._value.sizes["time"], self._value.sizes["observable"]), bool)
        used[tuple(data.place.T)] = True
        at = self._value.isel(sample=0, seed=0, drop=True).transpose("time", "observable")
        if why := refuted_pairs(self._thinned(found), at.copy(data=used)):
            self.absent = {quantity.name: why for quantity in self.quantities}
            return {}
        noise = noise_of_records(data.value, data.slope, data.place)
        if noise is None:
            return {}
        records = data.records(noise, self._prior())
        without = data.without_blocks(noise, self._prior())
        single = np.arange(len(data.place))[:, None]
        result: Estimates = {
            "record_count": xr.DataArray(len(single)),
            "record_shrinkage": xr.DataArray(noise.shrinkage),
            "record_overdispersion": xr.DataArray(
                noise.overdispersion, {"parameter": self.samples.parameters}, ("parameter",)
            ),
        }
        for name, groups, criterion in (
            ("d_optimal", single, d_criterion),
            ("a_optimal", single, a_criterion),
            ("d_optimal_moment", _by_time(data.place), d_criterion),
        ):
            first = groups[:, 0]
            made = shares_of(records, without, groups, criterion)
            place = data.place[first[made.groups]]
            result[f"{name}_time"] = _ranked(at["time"].values[place[:, 0]])
            if not name.endswith("moment"):
                result[f"{name}_observable"] = _ranked(at["observable"].values[place[:, 1]])
            result |= {f"{name}_share{end}": _ranked(x) for end, x in made.shares.items()}
        return _aligned(result)

    def _thinned(self, found: Estimates) -> Estimates:
        """What is known of the gradients, at the times that are kept."""
        names = ("some_gradient_incomplete", "gradient_incomplete")
        return {name: found[name].isel(time=self._times) for name in names if name in found}

    def _prior(self) -> np.ndarray:
        """The precision of the parameters over the design, in units of their sd."""
        n = len(self.samples.parameters)
        if self.samples.question.independent or self.samples.points.sizes["sample"] < 4 * n:
            return np.eye(n)
        distributions = self.samples.question.distributions
        scaled = scaled_inputs(distributions, self.samples.points["parameter_value"])
        return np.asarray(np.linalg.inv(np.cov(scaled.transpose("parameter", "sample").values)))


@dataclass(frozen=True)
class _UsableRecords:
    """What can be used: all finite.

    Attributes:
        value: (sample, seed, record).
        slope: (sample, block, record, parameter).
        place: Numbers of time and observable of each record.
        weight: Of the samples (sample), 1 in sum.
    """

    value: np.ndarray
    slope: np.ndarray
    place: np.ndarray
    weight: np.ndarray

    def records(self, noise: RecordNoise, prior: np.ndarray) -> RecordSet:
        return self._set(self.slope, noise, prior)

    def without_blocks(self, noise: RecordNoise, prior: np.ndarray) -> list[RecordSet]:
        """Without each block of seeds, of slopes and of noise."""
        each = noise_without_blocks(self.value, self.slope, self.place, noise)
        slopes = (np.delete(self.slope, b, axis=1) for b in range(self.slope.shape[1]))
        return [self._set(slope, one, prior) for slope, one in zip(slopes, each, strict=True)]

    def _set(self, slope: np.ndarray, noise: RecordNoise, prior: np.ndarray) -> RecordSet:
        slope = slope / np.sqrt(noise.overdispersion)
        return RecordSet(noise.covariance, slope.transpose(2, 0, 1, 3), self.weight, prior)


def _usable(value: xr.DataArray, slope: xr.DataArray, samples: Samples) -> _UsableRecords | None:
    """Records with noise, and the samples at which most seeds have all of them."""
    v = value.transpose("sample", "seed", "time", "observable").values
    g = slope.transpose("sample", "block", "time", "observable", "parameter").values
    there = np.isfinite(v)
    n = np.maximum(there.sum(axis=1, keepdims=True), 1)
    apart = np.where(there, v - np.where(there, v, 0.0).sum(axis=1, keepdims=True) / n, 0.0)
    size = np.where(there, np.abs(v), 0.0).max(axis=(0, 1))
    noisy = np.sqrt((apart**2).mean(axis=(0, 1))) > round_off(size, samples.precision)
    place = np.argwhere(noisy & (there.mean(axis=(0, 1)) >= _USABLE))
    if len(place) < 2:
        return None
    v, g = v[..., place[:, 0], place[:, 1]], g[..., place[:, 0], place[:, 1], :]
    whole, known = np.isfinite(v).all(axis=-1), np.isfinite(g).all(axis=(-2, -1))
    good = (whole.mean(axis=1) >= _USABLE) & (known.sum(axis=1) >= 2)
    if good.sum() < FEWEST_SAMPLES:
        return None
    v = np.where(whole[..., None], v, np.nan)[good].swapaxes(1, 2)
    g = np.where(known[..., None, None], g, np.nan)[good].transpose(0, 2, 3, 1)
    filled = [completed(x.reshape(-1, x.shape[-1])).reshape(x.shape) for x in (v, g)]
    rows = np.searchsorted(samples.points["sample"].values, value["sample"].values[good])
    weight = samples.weight.values[rows]
    return _UsableRecords(
        filled[0].swapaxes(1, 2), filled[1].transpose(0, 3, 1, 2), place, weight / weight.sum()
    )


def _some_times(n_times: int, n_observables: int) -> np.ndarray:
    """Numbers of times, evenly among all, the last with them."""
    most = max(_MOST_RECORDS // n_observables, 1)
    return np.unique(np.linspace(n_times - 1, 0, min(n_times, most)).round().astype(int))


def _by_time(place: np.ndarray) -> np.ndarray:
    """Records of each time, (group, member); -1 where there are fewer."""
    rows = [np.flatnonzero(place[:, 0] == t) for t in np.unique(place[:, 0])]
    groups = np.full((len(rows), max(map(len, rows))), -1)
    for group, row in zip(groups, rows, strict=True):
        group[: len(row)] = row
    return groups


def _ranked(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, {"record": np.arange(1, len(values) + 1)}, ("record",))


def _aligned(result: Estimates) -> Estimates:
    """All of as many ranks as the longest choice has: without a number, and without a name, beyond."""
    longest = max(array.sizes.get("record", 0) for array in result.values())
    ranks = np.arange(1, longest + 1)

    def filled(array: xr.DataArray) -> xr.DataArray:
        if "record" not in array.dims:
            return array
        text = array.dtype.kind in "OUT"
        array = array.astype(object) if text else array.astype(float)
        return array.reindex(record=ranks, fill_value="" if text else np.nan)

    return {name: filled(array) for name, array in result.items()}
