"""One (time, observable) after the other, for estimators that work on one at a time.

Nothing but the input and the estimates is ever held for all of them at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .failures import usable_rows
from .resampling import FEWEST, DeviationScale, nested, sample_weights, seed_weights, with_interval
from .rounding import round_off

SEEDS_AT_ONCE = 32
"""So many resamples of seeds are evaluated at once."""
Arrays = dict[str, np.ndarray]
"""(draw, parameter), or (draw) for what has no parameter."""


def entries(value: xr.DataArray, stochastic: bool) -> Iterator[tuple[int, int, np.ndarray]]:
    """Number of the time, number of the observable, and values (sample, seed).

    Args:
        value: (sample, seed, time, observable), in any order.
        stochastic: False averages seeds, which then do not differ, into one.
    """
    array = value.transpose("sample", "seed", "time", "observable").values
    for time, observable in np.ndindex(array.shape[2:]):
        x = array[:, :, time, observable].astype(float)
        yield time, observable, x if stochastic else _mean(x)


def _mean(x: np.ndarray) -> np.ndarray:
    """Over the seeds that did not fail, (sample, 1)."""
    there = np.isfinite(x)
    n = there.sum(axis=1, keepdims=True)
    total = np.where(there, x, 0.0).sum(axis=1, keepdims=True)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


@dataclass(frozen=True)
class Groups:
    """What is resampled of a design in groups of consecutive samples, and its nested subsets.

    Attributes:
        usable: Which groups have enough seeds at every sample (``usable_rows``), (group).
        n: How many these are.
        n_seeds: Number of seeds; 1 without noise.
        weights: How often each usable group counts in each resample (draw, group).
        counts: The same of seeds (draw, seed); None with one seed.
        sizes: Of the nested subsets, ``n_samples`` (rows of the whole design) and ``n_seeds``.
    """

    usable: np.ndarray
    n: int
    n_seeds: int
    weights: np.ndarray
    counts: np.ndarray | None
    sizes: dict[str, list[int]]


def groups_of(value: xr.DataArray, size: int, stochastic: bool) -> Groups | None:
    """The groups of ``size`` consecutive samples; None if fewer than two of them can be used."""
    usable: np.ndarray = np.all(usable_rows(value, stochastic).reshape(-1, size), axis=1)
    n, n_seeds = int(usable.sum()), value.sizes["seed"] if stochastic else 1
    if n < 2:
        return None
    rows = nested(value.sizes["sample"], size)
    sizes = {
        "n_samples": [s for s in rows if usable[: s // size].sum() >= FEWEST],
        "n_seeds": nested(n_seeds),
    }
    counts = seed_weights(n_seeds).values.astype(float) if n_seeds > 1 else None
    return Groups(usable, n, n_seeds, sample_weights(n).values.astype(float), counts, sizes)


@dataclass(frozen=True)
class Standardised:
    """Values in units of their standard deviation over samples and seeds.

    Attributes:
        centred: (sample, seed), with mean 0 over samples for each seed, exactly 0 if constant.
        level: The means that were taken off (seed), with mean 0.
        floor: A variance that is not larger is round-off.
        unit: What they were divided by.
    """

    centred: np.ndarray
    level: np.ndarray
    floor: float
    unit: float


def standardise(x: np.ndarray) -> Standardised:
    """Values (sample, seed) of any size and unit as ``Standardised``; all 0 if they never vary."""
    # Of order 1 before anything is squared.
    size = float(np.abs(x).max()) or 1.0
    x = x / size
    centred = x - x[0]
    mean = centred.mean(axis=0)
    level = x[0] + mean
    level = level - level.mean()
    centred = centred - mean
    scale = float(np.sqrt(np.mean(centred**2) + np.mean(level**2))) or 1.0
    least = round_off(float(np.abs(x).max())) / scale
    return Standardised(centred / scale, level / scale, least**2, size * scale)


def estimate_entries(
    value: xr.DataArray,
    of_entry: Callable[[np.ndarray], dict[str, Arrays]],
    stochastic: bool,
    parameters: Sequence[str],
    n_samples: int | None,
    sizes: dict[str, list[int]],
    scales: Mapping[str, DeviationScale] | None = None,
) -> dict[str, xr.DataArray]:
    """Arrays of every (time, observable), with their intervals and their convergence.

    Args:
        value: (sample, seed, time, observable).
        of_entry: Takes values (sample, seed) of one of them. Gives ``samples``: estimates for resampled
            samples, draw 0 the estimate; ``seeds``: for resampled seeds, if there is noise;
            ``n_samples`` and ``n_seeds``: for nested subsets, where there are any.
        stochastic: As for ``entries``.
        parameters: Names.
        n_samples: Number of what was resampled as samples; None if nothing was.
        sizes: Of the nested subsets, ``n_samples`` and ``n_seeds``.
        scales: On which deviations are taken, by name, if not the linear one.

    Returns:
        See ``with_interval``; where an estimate is NaN, so is its interval. And ``<name>_by_samples``,
        ``<name>_by_seeds``.
    """
    shape = (value.sizes["time"], value.sizes["observable"])
    collected: dict[str, Arrays] = {}
    for time, observable, x in entries(value, stochastic):
        for kind, estimates in of_entry(x).items():
            arrays = collected.setdefault(kind, {})
            for name, e in estimates.items():
                if name not in arrays:
                    arrays[name] = np.empty((len(e), *shape, *e.shape[1:]))
                arrays[name][:, time, observable] = e
    result: dict[str, xr.DataArray] = {}
    for name, draws in collected["samples"].items():
        over_samples = _labelled(draws, value, "draw", parameters)
        over_seeds = None
        if "seeds" in collected:
            over_seeds = _labelled(collected["seeds"][name], value, "draw", parameters)
        scale = (scales or {}).get(name, DeviationScale.LINEAR)
        estimate = with_interval(name, over_samples, n_samples, over_seeds, value.sizes["seed"], scale)
        result |= {k: v.where(estimate[name].notnull()) for k, v in estimate.items()}
    for dim in ("n_samples", "n_seeds"):
        for name, subsets in collected.get(dim, {}).items():
            by = _labelled(subsets, value, dim, parameters).assign_coords({dim: sizes[dim]})
            result[f"{name}_by_{dim[2:]}"] = by
    return result


def chained(parts: Sequence[Arrays], names: Sequence[str]) -> Arrays:
    """The named estimates of consecutive draws as one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def first_seeds(sizes: Sequence[int], n_seeds: int) -> np.ndarray:
    """Counts of the first seeds, (size, seed): 1 or 0."""
    return (np.arange(n_seeds) < np.array(sizes, dtype=int)[:, None]).astype(float)


def _labelled(
    array: np.ndarray, value: xr.DataArray, leading: str, parameters: Sequence[str]
) -> xr.DataArray:
    """Arrays (leading, time, observable[, parameter]) with the coordinates they belong to."""
    result = xr.DataArray(array, dims=(leading, "time", "observable", "parameter")[: array.ndim])
    known = {name: value[name] for name in ("time", "observable") if name in value.coords}
    return result.assign_coords(known | ({"parameter": list(parameters)} if array.ndim == 4 else {}))
