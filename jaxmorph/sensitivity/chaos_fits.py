"""Expansions of the observables of a run: what is known of its gradients, and whether each holds."""

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import stats

from ..expansion import (
    Candidates,
    Decomposition,
    PartsOfVariance,
    decompose,
)
from .chaos_inputs import Inputs
from .chaos_quantities import (
    EXPANSION_CLOSED,
    EXPANSION_FIRST,
    EXPANSION_SECOND,
    EXPANSION_TOTAL,
    EXPANSION_TOTAL_OF_GROUP,
    FEWEST_SAMPLES,
    KUCHERENKO_FIRST,
    KUCHERENKO_TOTAL,
    LEAST_NOISE_Q2,
    LEAST_Q2,
)
from .estimator import PAIR, PLACE, Estimates, Slab
from .failures import completed
from .groups import CLOSED, OF_GROUP, TOTAL_OF_GROUP
from .moments import usable_seeds
from .prediction import TERM
from .resampling import FEWEST
from .samples import Samples
from .sobol_indices import FIRST, SECOND, TOTAL

_MOST_SAMPLES = 2048
_MOST_GROUPS = 64
"""The jackknife leaves out so many groups of samples, one after another, at most."""
_LEAST_USABLE = 0.5
"""Where fewer of the samples can be used, there is no expansion."""
PROBABILITIES = (0.01, *(np.arange(1, 20) / 20).round(2), 0.99)
"""Of the quantiles at which a main effect is given."""
_SURE = 0.5
"""Relative standard error of a variance above which it is not told from 0."""


_Full = Callable[[np.ndarray], np.ndarray]


class _Names(NamedTuple):
    """What parts of the variance are called.

    Attributes:
        of_parameters: First, total and Shapley parts.
        second: Second-order parts.
        of_groups: Closed and total parts of groups.
    """

    of_parameters: tuple[str, str, str]
    second: str
    of_groups: tuple[str, str]


def _names(has_own: Collection[str], correlated: bool) -> _Names:
    """Plain ones, but for what the design ``has_own`` estimates of."""
    first, total, second, closed, total_of_group = FIRST, TOTAL, SECOND, CLOSED, TOTAL_OF_GROUP
    if correlated:
        first, total = KUCHERENKO_FIRST, KUCHERENKO_TOTAL
    elif TOTAL.name in has_own:
        first, total = EXPANSION_FIRST, EXPANSION_TOTAL
    if SECOND.name in has_own:
        second = EXPANSION_SECOND
    if CLOSED.name in has_own:
        closed, total_of_group = EXPANSION_CLOSED, EXPANSION_TOTAL_OF_GROUP
    return _Names((first.name, total.name, "shapley"), second.name, (closed.name, total_of_group.name))


def scaled_by_all(samples: Samples, slab: Slab) -> xr.DataArray:
    """``slab.scaled`` by all parameters: 0, which is not used, by discrete ones."""
    if not samples.discrete or not samples.any_continuous:
        return slab.scaled
    names = [n for n in samples.parameters if n not in samples.discrete]
    named = slab.scaled.assign_coords(parameter=names)
    return named.reindex(parameter=samples.parameters, fill_value=0.0)


def kept_samples(samples: Samples, slab: Slab, n_seeds: int, most_bytes: float) -> np.ndarray:
    """Numbers of the samples that are kept: whole units, as many as the memory has room for.

    Args:
        samples: Of the run.
        slab: The first.
        n_seeds: So many numbers are kept of each value and derivative.
        most_bytes: How much room there is.
    """
    rows = slab.value.sizes["time"] * slab.value.sizes["observable"] * (1 + len(samples.parameters))
    return samples.whole_units(int(min(_MOST_SAMPLES, most_bytes / (8 * rows * n_seeds))))


class Fits:
    """Expansions of one observable after another, with the equations that they share."""

    def __init__(self, samples: Samples, inputs: Inputs, data: xr.DataArray, of_noise: bool = False):
        """Of the samples of ``data``.

        Args:
            samples: Of the run.
            inputs: What the expansion is in.
            data: (sample, ...).
            of_noise: Whether data are variances between seeds. With common random numbers a few large
                draws make these large everywhere: the size of all of it is then known badly, the shares
                are not. So Q^2 is without that error, and the variance need only be told from nothing:
                larger than noise alone makes it, or the same pattern in all blocks.
        """
        self._samples, self._inputs, self._of_noise = samples, inputs, of_noise
        parameter = samples.points["parameter_value"].sel(sample=data["sample"])
        self._parameter = parameter.transpose("sample", "parameter").values
        self._parts = PartsOfVariance(len(samples.parameters), len(samples.parts))
        self._linear = np.eye(1, len(inputs.degrees))
        if not of_noise:
            effects = inputs.main_effects(np.array(PROBABILITIES))
            self._linear = np.concatenate([self._linear, *effects])
        self._of_rows: dict[bytes, Candidates] = {}

    def of_all(
        self, data: xr.DataArray, found: Estimates, has_own: Collection[str], gradients: bool = True
    ) -> Estimates:
        """Of all observables.

        Args:
            data: (sample, row, time, observable, seed): values and derivatives by parameters in units of
                their sd.
            found: Estimates, those of :class:`Completeness` among them.
            has_own: Names of what the design estimates itself.
            gradients: Whether derivatives may count, where they are not found incomplete.
        """
        together: dict[str, list[xr.DataArray]] = {}
        refuted = found.get("some_gradient_incomplete")
        for o in range(data.sizes["observable"]):
            one = data.isel(observable=[o])
            complete = refuted is None or not bool(refuted.isel(observable=o).any())
            for name, array in self.estimates(one, complete and gradients, has_own).items():
                together.setdefault(name, []).append(array)
        return {name: xr.concat(arrays, "observable") for name, arrays in together.items()}

    def estimates(self, data: xr.DataArray, complete: bool, has_own: Collection[str]) -> Estimates:
        """Of one observable, from (sample, row, time, observable, seed)."""
        question, size = self._samples.question, self._samples.unit_size
        order = ("sample", "row", "time", "seed")
        x = data.isel(observable=0).transpose(*order).values
        finite = np.isfinite(x).all(axis=1)  # (sample, time, seed)
        x = x[..., usable_seeds(finite.swapaxes(1, 2)[..., None])]
        least = 2 if question.stochastic and x.shape[-1] > 1 else 1
        usable = np.isfinite(x).all(axis=1).sum(axis=-1) >= least  # (sample, time)
        usable = usable.reshape(-1, size, usable.shape[-1]).all(axis=1)
        times = usable.mean(axis=0) >= _LEAST_USABLE
        rows = usable[:, times].all(axis=1).repeat(size) & times.any()
        names = _names(has_own, self._inputs.correlated)
        if rows.sum() < max(FEWEST_SAMPLES, 4 * size):
            return {"expansion_q2": self._at(data, np.full(len(times), np.nan), PLACE[:1])}
        filled = completed(x[rows][:, :, times].reshape(-1, x.shape[-1]))
        filled = filled.reshape(int(rows.sum()), x.shape[1], -1, x.shape[-1])
        if not question.stochastic:
            filled = filled[..., :1]
        groups = -(-int(rows.sum()) // size // _MOST_GROUPS) * size
        filled = self._inputs.data(filled, self._parameter[rows])
        shared, inputs = self._equations(rows), self._inputs
        given = shared, inputs.degrees, filled, groups, complete, self._linear, inputs.forms
        found = decompose(*given, of_variances=self._of_noise)
        return self._named(data, found, times, names)

    def _equations(self, rows: np.ndarray) -> Candidates:
        key = rows.tobytes()
        if key not in self._of_rows:
            terms = self._inputs.equations(self._parameter[rows])
            self._of_rows = {key: Candidates.of(terms, self._samples.unit_size)}
        return self._of_rows[key]

    def _named(
        self, data: xr.DataArray, found: Decomposition, times: np.ndarray, names: _Names
    ) -> Estimates:
        q2, holds = self._judged(found)

        def full(array: np.ndarray) -> np.ndarray:
            """With all times, NaN where nothing holds; the times first."""
            everything = np.full((len(times), *array.shape[:-1]), np.nan)
            everything[times] = np.moveaxis(np.where(holds, array, np.nan), -1, 0)
            return everything

        def at_times(array: np.ndarray) -> xr.DataArray:
            of_all = np.full(len(times), np.nan)
            of_all[times] = array
            return self._at(data, of_all, PLACE[:1])

        ends = {"": found.share}
        if found.n_seeds == 1 or found.n_seeds >= FEWEST:
            low, high = found.interval()
            ends |= {"_low": low, "_high": high, "_se_samples": found.se_samples}
            ends |= {"_se_seeds": found.se_seeds} if found.n_seeds > 1 else {}
        result = self._shares(data, ends, names, full)
        result["expansion_q2"] = at_times(q2)
        result["expansion_with_gradients"] = self._at(data, times & found.with_gradients, PLACE[:1])
        if self._of_noise:  # whose shares alone are wanted
            return result
        result |= self._functions(data, found, ends, full)
        result["expansion_missed"] = self._at(data, full(found.missed_rms), PLACE[:1])
        result["expansion_q2_values"] = at_times(1 - found.error_by_values)
        return result

    def _judged(self, found: Decomposition) -> tuple[np.ndarray, np.ndarray]:
        """Q^2, and where the expansion holds (output)."""
        if self._of_noise:
            q2 = 1 - found.missed
            sure = ((found.se_hidden[0] < _SURE) | found.agreed) & (found.se_samples[0] < _SURE)
            return q2, (q2 >= LEAST_NOISE_Q2) & sure
        q2 = 1 - found.error
        return q2, (q2 >= LEAST_Q2) & (np.hypot(found.se_terms[0], found.se_noise[0]) < _SURE)

    def _shares(
        self, data: xr.DataArray, ends: dict[str, np.ndarray], names: _Names, full: _Full
    ) -> Estimates:
        """The parts of the variance, with their intervals."""
        parts = self._parts
        result: Estimates = {}
        for end, array in ends.items():
            of_parameters = (parts.first, parts.total, parts.shapley)
            for name, part in zip(names.of_parameters, of_parameters, strict=True):
                result[name + end] = self._at(data, full(array[part]), PAIR[::2])
            if self._inputs.correlated:
                continue
            second = parts.matrix(full(array[parts.second]))
            result[names.second + end] = self._at(data, second, (*PAIR[::2], "parameter_2"))
            of_groups = (parts.closed, parts.total_of_group) if self._samples.parts else ()
            for name, part in zip(names.of_groups, of_groups, strict=False):
                result[name + end] = self._at(data, full(array[part]), OF_GROUP[::2])
        return result

    def _functions(
        self, data: xr.DataArray, found: Decomposition, ends: dict[str, np.ndarray], full: _Full
    ) -> Estimates:
        """Mean, variance, main effects and coefficients."""
        result: Estimates = {}
        half = np.zeros_like(found.linear)
        linear = {"": half}
        if "_low" in ends:
            half = found.linear_half()
            linear |= {"_low": -half, "_high": half}
        for end, added in linear.items():
            mean, curves = np.split(found.linear + added, [1])
            variance = found.variance * ends[end][0]
            result["expansion_variance" + end] = self._at(data, full(variance), PLACE[:1])
            result["expansion_mean" + end] = self._at(data, full(mean[0]), PLACE[:1])
            curves = curves.reshape(len(self._samples.parameters), len(PROBABILITIES), -1)
            result["main_effect" + end] = self._at(data, full(curves), (*PAIR[::2], "probability"))
        if not self._inputs.correlated:
            result |= self._coefficients(data, found, full)
        return result

    def _coefficients(self, data: xr.DataArray, found: Decomposition, full: _Full) -> Estimates:
        half = np.zeros_like(found.coefficient)
        ends = {"": half}
        if found.n_seeds >= FEWEST:
            half = stats.t.ppf(0.975, found.n_seeds - 1) * found.coefficient_se
            ends |= {"_low": -half, "_high": half}
        return {
            "expansion_coefficient" + end: self._at(
                data, full(found.coefficient + added), (*PLACE[:1], TERM)
            )
            for end, added in ends.items()
        }

    def _at(self, data: xr.DataArray, array: np.ndarray, dims: tuple[str, ...]) -> xr.DataArray:
        """With coordinates, and the dimension of the observable."""
        names = self._samples.parameters
        coordinates = {"time": data["time"]} | {d: names for d in dims if d.startswith("parameter")}
        if "group" in dims:
            coordinates["group"] = list(self._samples.parts)
        if "probability" in dims:
            coordinates["probability"] = list(PROBABILITIES)
        one = xr.DataArray(array, coordinates, dims)
        return one.expand_dims(observable=data["observable"], axis=1)
