"""Summaries over time as observables: the maximum, the minimum, the integral, the time of the maximum.

Each is made from the recorded values and gradients of every simulation, and is the same at all times,
so that every estimate is of summaries as of other observables, and no simulation is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from ..configuration.fits import check_summaries
from ..configuration.sections import TimeSummary
from ..errors import JaxmorphError
from ..quantities import composed, unit_of_entry

_WHOLE = ("sample", "seed", "time", "parameter")


def with_summaries(slab: xr.Dataset, summaries: Mapping[str, TimeSummary]) -> xr.Dataset:
    """A slab with summaries of its observables as further observables, the same at all times.

    Args:
        slab: ``value`` (sample, seed, time, observable) and ``gradient`` (..., parameter), each that of
            its simulation; units and descriptions of observables may be coordinates.
        summaries: What is asked for, by the name that each gets.

    Raises:
        JaxmorphError: There is no such observable, one of that name, or too few times are recorded.
    """
    if not summaries:
        return slab
    _check(slab, summaries)
    recorded = slab[["value", "gradient"]]
    made = [_summary(recorded, name, asked) for name, asked in summaries.items()]
    together = xr.concat(
        [recorded, *made],
        "observable",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )
    together = together.transpose(*slab["gradient"].dims).drop_encoding()  # texts have grown longer
    return slab.drop_dims("observable").merge(together, join="exact")


def refuted_of(refuted: xr.DataArray, summaries: Mapping[str, TimeSummary]) -> xr.DataArray:
    """Which gradients miss something (time, observable, parameter), of summaries too.

    A summary takes its gradient from any time: it misses something where that of its observable does at
    any time.
    """
    parts = [refuted]
    for name, asked in summaries.items():
        ever = refuted.sel(observable=asked.of).any("time")
        part = ever.expand_dims(time=refuted["time"]).assign_coords(observable=name)
        parts.append(part.drop_vars(set(part.coords) - {"time", "observable", "parameter"}))
    bare = parts[0].drop_vars(set(refuted.coords) - {"time", "observable", "parameter"})
    return xr.concat([bare, *parts[1:]], "observable")


def _check(slab: xr.Dataset, summaries: Mapping[str, TimeSummary]) -> None:
    known = [str(name) for name in slab["observable"].values]
    try:
        check_summaries(summaries, known, n_times=slab.sizes["time"])
    except ValueError as error:
        raise JaxmorphError(f"summaries.{error}") from None


def _summary(recorded: xr.Dataset, name: str, asked: TimeSummary) -> xr.Dataset:
    one = recorded.sel(observable=[asked.of])
    value = one["value"].isel(observable=0).transpose(*_WHOLE[:-1]).values
    gradient = one["gradient"].isel(observable=0).transpose(*_WHOLE).values
    time = recorded["time"].values.astype(float)
    found, slope = SUMMARIES[asked.take](value, gradient, time)
    whole = np.isfinite(value).all(axis=-1)
    found, slope = np.where(whole, found, np.nan), np.where(whole[..., None], slope, np.nan)
    made = one.copy()
    for variable, array in (("value", found), ("gradient", slope)):
        like = one[variable]
        made[variable] = like.copy(data=_at_all_times(array, like))
    texts = {"observable": [name]}
    if "observable_unit" in one.coords:
        unit = str(one["observable_unit"].item())
        texts["observable_unit"] = [_unit(asked.take, unit, unit_of_entry(recorded["time"]))]
    if "observable_description" in one.coords:
        texts["observable_description"] = [f"{asked.take} over time of {asked.of}"]
    return made.assign_coords({key: ("observable", text) for key, text in texts.items()})


def _at_all_times(array: np.ndarray, like: xr.DataArray) -> np.ndarray:
    """(sample, seed, [parameter]) repeated over time, in the order and precision of ``like``."""
    dims = [dim for dim in _WHOLE if dim in like.dims and dim != "time"]
    repeated = xr.DataArray(array.astype(like.dtype), dims=dims)
    repeated = repeated.expand_dims(time=like.sizes["time"], observable=1)
    return np.asarray(repeated.transpose(*like.dims).values)


def _unit(take: str, unit: str, of_time: str) -> str:
    if take == "time of maximum":
        return of_time
    if take == "integral":
        return composed("observable time", {"observable": [unit], "time": [of_time]})[0]
    return unit


_Made = tuple[np.ndarray, np.ndarray]


def _maximum(value: np.ndarray, gradient: np.ndarray, time: np.ndarray) -> _Made:
    """The largest recorded value, and the gradient at its time (Danskin's theorem)."""
    place = value.argmax(axis=-1)[..., None]
    at_place = np.take_along_axis(gradient, place[..., None], axis=-2)[..., 0, :]
    return np.take_along_axis(value, place, axis=-1)[..., 0], at_place


def _minimum(value: np.ndarray, gradient: np.ndarray, time: np.ndarray) -> _Made:
    found, slope = _maximum(-value, -gradient, time)
    return np.asarray(-found), -slope


def _integral(value: np.ndarray, gradient: np.ndarray, time: np.ndarray) -> _Made:
    """By the trapezoidal rule, exact of what is straight between the records."""
    weight = np.zeros(time.size)
    weight[1:] += np.diff(time) / 2
    weight[:-1] += np.diff(time) / 2
    return np.asarray(value @ weight), np.einsum("...tp,t->...p", gradient, weight)


def _time_of_maximum(value: np.ndarray, gradient: np.ndarray, time: np.ndarray) -> _Made:
    """Where the parabola through the largest record and its neighbours is highest.

    It moves smoothly with the three values, from which its gradient follows; at the first and the last
    time, where it would lie outside, it stays, with gradient 0. That the maximum jumps from one peak to
    another is in the values alone.
    """
    place = value.argmax(axis=-1)
    first = place.clip(1, time.size - 2) - 1
    t = time[first[..., None] + np.arange(3)]
    around = first[..., None] + np.arange(3)
    f = np.take_along_axis(value, around, axis=-1)
    g = np.take_along_axis(gradient, around[..., None], axis=-2)
    # Newton's form: f0 + rise (t - t0) + bend (t - t0) (t - t1).
    rise, bend = _divided(f[..., None], t)
    rise_, bend_ = _divided(g, t)
    with np.errstate(divide="ignore", invalid="ignore"):
        highest = (t[..., 0] + t[..., 1]) / 2 - (rise / (2 * bend))[..., 0]
        slope = -(rise_ * bend - rise * bend_) / (2 * bend**2)
    inside = (bend[..., 0] < 0) & (highest > time[0]) & (highest < time[-1])
    return np.where(inside, highest, time[place]), np.where(inside[..., None], slope, 0.0)


def _divided(f: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second divided differences of three values (..., 3, n) at times (..., 3)."""
    step = np.diff(t, axis=-1)[..., None]
    rise = np.diff(f, axis=-2) / step
    return rise[..., 0, :], (rise[..., 1, :] - rise[..., 0, :]) / step.sum(axis=-2)


SUMMARIES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], _Made]] = {
    "maximum": _maximum,
    "minimum": _minimum,
    "integral": _integral,
    "time of maximum": _time_of_maximum,
}
"""From values (..., time), gradients (..., time, parameter) and times to a summary and its gradient."""
