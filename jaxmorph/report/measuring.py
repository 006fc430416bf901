"""Which records to measure, in a sentence or two."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..figures.numbers import short
from ..figures.style import words
from ..listing import first_of, joined
from ..quantities import unit_of_entry

_ENOUGH = 0.9
_NOTHING = 0.005
_MOST_NAMED = 5


def measuring(sensitivity: xr.Dataset) -> str:
    """The fewest of the best records that tell nine tenths of what all do; empty if not known."""
    if "d_optimal_share" not in sensitivity:
        return ""
    n, reached = _fewest(sensitivity["d_optimal_share"])
    if n == 0 or not reached > _NOTHING:
        return ""
    unit = unit_of_entry(sensitivity["time"])
    times = [_time(t, unit) for t in sensitivity["d_optimal_time"].values[:n]]
    names = [words(str(o)) for o in sensitivity["d_optimal_observable"].values[:n]]
    told = [f"{name} at {time}" for name, time in zip(names, times, strict=True)]
    which = f"these {n} records tell" if n > 1 else "this record tells"
    low, high = (float(sensitivity[f"d_optimal_share_{end}"][n - 1]) for end in ("low", "high"))
    text = (
        f"Best measured: {joined(first_of(told, _MOST_NAMED))}; {which} {_percent(reached)} "
        f"({_percent(low)[:-2]} to {_percent(high)}) of what all {int(sensitivity['record_count'])} do"
    )
    moments, of_moments = _fewest(sensitivity["d_optimal_moment_share"])
    if moments and len(np.unique(names)) > 1:
        at = [_time(t, unit) for t in sensitivity["d_optimal_moment_time"].values[:moments]]
        text += (
            f". All observables at {'time' if moments == 1 else f'{moments} times'} "
            f"({joined(first_of(at, _MOST_NAMED))}) tell {_percent(of_moments)}"
        )
    return f"{text}."


def _fewest(share: xr.DataArray) -> tuple[int, float]:
    """How many of the best tell enough, or all that were chosen; and what they tell."""
    value = share.values[np.isfinite(share.values)]
    if not len(value):
        return 0, 0.0
    enough = np.flatnonzero(value >= _ENOUGH)
    n = int(enough[0]) + 1 if len(enough) else len(value)
    return n, float(value[n - 1])


def _time(time: float, unit: str) -> str:
    number = short(float(f"{time:.4g}"))
    return number if unit in ("", "1") else f"{number} {unit}"


def _percent(share: float) -> str:
    return f"{100 * min(max(0.0, share), 1.0):.0f} %"
