"""Some outputs (an observable at a time) after the others, for estimators that work on values.

Nothing but the input and the estimates is ever held for all of them at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .failures import usable_rows
from .resampling import (
    FEWEST,
    RESAMPLES,
    DeviationScale,
    nested,
    sample_weights,
    seed_weights,
    with_interval,
)
from .rounding import round_off

SEEDS_AT_ONCE = 32
"""So many resamples of seeds are evaluated at once."""
Arrays = dict[str, np.ndarray]
"""(draw, [output,] parameter), without a parameter for what has none."""
_BLOCK_BYTES, _COPIES = 1e8, 16
"""So much of outputs and their draws is in memory at once; of draws, so many copies and names."""


def _blocks(value: xr.DataArray, stochastic: bool, at_once: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Outputs, the time being slower than the observable, and their values (output, sample, seed).

    Args:
        value: (sample, seed, time, observable), in any order.
        stochastic: False averages seeds, which then do not differ, into one.
        at_once: Number of outputs in a block.
    """
    array = value.transpose("time", "observable", "sample", "seed").values
    n_times, n_observables = array.shape[:2]
    for first in range(0, n_times * n_observables, at_once):
        block = slice(first, min(first + at_once, n_times * n_observables))
        places = np.unravel_index(np.arange(block.start, block.stop), (n_times, n_observables))
        x = array[places].astype(float)
        yield block, x if stochastic else _mean(x)


def _mean(x: np.ndarray) -> np.ndarray:
    """Over the seeds that did not fail, (..., 1)."""
    there = np.isfinite(x)
    if x.shape[-1] == 1:
        return x if there.all() else np.where(there, x, np.nan)
    n = there.sum(axis=-1, keepdims=True)
    total = np.where(there, x, 0.0).sum(axis=-1, keepdims=True)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


@dataclass(frozen=True)
class Groups:
    """What is resampled of a design in groups of consecutive samples, and its nested subsets.

    Attributes:
        usable: Which groups have enough seeds at every sample (``usable_rows``), (group).
        n: How many these are.
        draws: How many of them, or of their replicates, are independent.
        n_seeds: Number of seeds; 1 without noise.
        weights: How often each usable group counts in each resample (draw, group).
        counts: The same of seeds (draw, seed); None with one seed.
        sizes: Of the nested subsets, ``n_samples`` (rows of the whole design) and ``n_seeds``.
    """

    usable: np.ndarray
    n: int
    draws: int
    n_seeds: int
    weights: np.ndarray
    counts: np.ndarray | None
    sizes: dict[str, list[int]]


def groups_of(
    value: xr.DataArray, size: int, stochastic: bool, draw: np.ndarray | None = None
) -> Groups | None:
    """The groups of ``size`` consecutive samples; None if fewer than two of them can be used.

    ``draw``: to which independent draw each sample belongs (sample), if not each group is one.
    """
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
    _, of_group = np.unique(
        (np.arange(len(usable)) if draw is None else draw[::size])[usable], return_inverse=True
    )
    draws = int(of_group.max()) + 1
    weights = sample_weights(draws)[:, of_group]
    return Groups(usable, n, draws, n_seeds, weights.values.astype(float), counts, sizes)


@dataclass(frozen=True)
class Standardised:
    """Values in units of their standard deviation over samples and seeds.

    Attributes:
        centred: (..., sample, seed), with mean 0 over samples for each seed, exactly 0 if constant.
        level: The means that were taken off (..., seed), with mean 0.
        floor: A variance that is not larger is round-off (...).
        unit: What they were divided by (...).
    """

    centred: np.ndarray
    level: np.ndarray
    floor: np.ndarray
    unit: np.ndarray


def standardise(x: np.ndarray) -> Standardised:
    """Values (..., sample, seed) of any size and unit, each by itself; all 0 if they never vary."""
    both = (-2, -1)
    # Of order 1 before anything is squared.
    size = np.abs(x).max(axis=both, keepdims=True)
    size = np.where(size > 0, size, 1.0)
    x = x / size
    centred = x - x[..., :1, :]
    mean = centred.mean(axis=-2, keepdims=True)
    level = x[..., :1, :] + mean
    level = level - level.mean(axis=-1, keepdims=True)
    centred = centred - mean
    scale = np.sqrt(np.mean(centred**2, both, keepdims=True) + np.mean(level**2, both, keepdims=True))
    scale = np.where(scale > 0, scale, 1.0)
    floor = (round_off(np.abs(x).max(axis=both)) / scale.max(axis=both)) ** 2
    unit = np.asarray((size * scale).max(axis=both))
    return Standardised(centred / scale, (level / scale)[..., 0, :], np.asarray(floor), unit)


def estimate_entries(
    value: xr.DataArray,
    of_entry: Callable[[np.ndarray], dict[str, Arrays]],
    stochastic: bool,
    parameters: Sequence[str],
    n_samples: int | None,
    sizes: dict[str, list[int]],
    scales: Mapping[str, DeviationScale] | None = None,
) -> dict[str, xr.DataArray]:
    """As :func:`estimate_blocks`, output by output: ``of_entry`` takes values (sample, seed) of one."""

    def of_block(x: np.ndarray) -> dict[str, Arrays]:
        each = (of_entry(one) for one in x)
        return side_by_side(
            [
                {kind: {n: e[:, None] for n, e in arrays.items()} for kind, arrays in one.items()}
                for one in each
            ]
        )

    n = len(parameters)
    return estimate_blocks(value, of_block, stochastic, parameters, n_samples, sizes, n, scales)


def estimate_blocks(
    value: xr.DataArray,
    of_block: Callable[[np.ndarray], dict[str, Arrays]],
    stochastic: bool,
    parameters: Sequence[str],
    n_samples: int | None,
    sizes: dict[str, list[int]],
    n_indices: int,
    scales: Mapping[str, DeviationScale] | None = None,
) -> dict[str, xr.DataArray]:
    """Arrays of every output (time and observable), with their intervals and their convergence.

    Args:
        value: (sample, seed, time, observable).
        of_block: Takes values (output, sample, seed) of some. Gives ``samples``: estimates (draw,
            output, ...) for resampled samples, draw 0 the estimate; ``seeds``: for resampled seeds, if
            there is noise; ``n_samples`` and ``n_seeds``: for nested subsets, where there are any.
        stochastic: Whether seeds differ.
        parameters: Names.
        n_samples: Number of what was resampled as samples; None if nothing was.
        sizes: Of the nested subsets, ``n_samples`` and ``n_seeds``.
        n_indices: So many an output has, of each name: nothing but the input and the estimates is ever
            held for more outputs than fit the memory.
        scales: On which deviations are taken, by name, if not the linear one.

    Returns:
        See ``with_interval``; where an estimate is NaN, so is its interval. And ``<name>_by_samples``,
        ``<name>_by_seeds``.
    """
    shape = (value.sizes["time"], value.sizes["observable"])
    found: dict[str, np.ndarray] = {}
    leading: dict[str, str] = {}

    def keep(name: str, block: slice, part: np.ndarray, dim: str = "") -> None:
        """``part``: ([dim,] output, ...)."""
        before = part.shape[: bool(dim)]
        if name not in found:
            leading[name] = dim
            found[name] = np.empty((*before, np.prod(shape), *part.shape[len(before) + 1 :]))
        found[name][(slice(None),) * len(before) + (block,)] = part

    one = 8 * (value.sizes["sample"] * value.sizes["seed"] + _COPIES * (1 + RESAMPLES) * n_indices)
    for block, x in _blocks(value, stochastic, max(1, int(_BLOCK_BYTES / one))):
        estimates = of_block(x)
        for name, draws in estimates["samples"].items():
            over_seeds = _draws(estimates["seeds"][name]) if "seeds" in estimates else None
            scale = (scales or {}).get(name, DeviationScale.LINEAR)
            of_samples, n_seeds = _draws(draws), value.sizes["seed"]
            made = with_interval(name, of_samples, n_samples, over_seeds, n_seeds, scale)
            for part, array in made.items():
                keep(part, block, array.where(made[name].notnull()).values)
        for dim in ("n_samples", "n_seeds"):
            for name, subsets in estimates.get(dim, {}).items():
                keep(f"{name}_by_{dim[2:]}", block, subsets, dim)
    result: dict[str, xr.DataArray] = {}
    for name, flat in found.items():
        dim = leading[name]
        k = int(bool(dim))
        whole = flat.reshape(*flat.shape[:k], *shape, *flat.shape[k + 1 :])
        labelled = _labelled(whole, value, dim, parameters)
        result[name] = labelled.assign_coords({dim: sizes[dim]}) if dim else labelled
    return result


def _draws(array: np.ndarray) -> xr.DataArray:
    return xr.DataArray(array, dims=("draw", "output", "parameter", "parameter_2")[: array.ndim])


def side_by_side(parts: Sequence[dict[str, Arrays]]) -> dict[str, Arrays]:
    """Estimates of consecutive outputs as one."""
    return {
        kind: {name: np.concatenate([part[kind][name] for part in parts], axis=1) for name in arrays}
        for kind, arrays in parts[0].items()
    }


def chained(parts: Sequence[Arrays], names: Sequence[str]) -> Arrays:
    """The named estimates of consecutive draws as one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def first_seeds(sizes: Sequence[int], n_seeds: int) -> np.ndarray:
    """Counts of the first seeds, (size, seed): 1 or 0."""
    return (np.arange(n_seeds) < np.array(sizes, dtype=int)[:, None]).astype(float)


def _labelled(
    array: np.ndarray, value: xr.DataArray, leading: str, parameters: Sequence[str]
) -> xr.DataArray:
    """Arrays ([leading,] time, observable[, parameter[, ...]]) with the coordinates they belong to."""
    dims = (*[leading] * bool(leading), "time", "observable", "parameter", "parameter_2")[: array.ndim]
    result = xr.DataArray(array, dims=dims)
    known = {name: value[name] for name in ("time", "observable") if name in value.coords}
    return result.assign_coords(known | {d: list(parameters) for d in dims if d.startswith("parameter")})
