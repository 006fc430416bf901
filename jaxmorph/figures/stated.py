"""The recorded time at which findings, rankings and figures of a single time are stated."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np
import xarray as xr

from ..errors import JaxmorphError
from ..quantities import unit_of_entry
from .numbers import short

_ATTRIBUTE = "findings_time"
LAST = "last"


@overload
def stated(dataset: xr.Dataset, time: float | Literal["last"]) -> xr.Dataset: ...
@overload
def stated(dataset: None, time: float | Literal["last"]) -> None: ...
def stated(dataset: xr.Dataset | None, time: float | Literal["last"]) -> xr.Dataset | None:
    """A dataset that knows the time at which its findings are stated: the nearest recorded one.

    Args:
        dataset: Estimates or checks; what has no dimension ``time``, or is None, stays as it is.
        time: In the unit of the dataset; ``last`` for the last recorded one.

    Raises:
        JaxmorphError: ``time`` lies outside of the recorded times.
    """
    if dataset is None or "time" not in dataset.dims or time == LAST:
        return dataset
    recorded = dataset["time"].values
    if not recorded.min() <= time <= recorded.max():
        first, last = (_number(float(end)) for end in (recorded.min(), recorded.max()))
        raise JaxmorphError(
            f"findings.time = {time:g}: the recorded times are {first} to {last}"
            f"{_unit(dataset)}; choose one of them, or {LAST}"
        )
    nearest = recorded[np.abs(recorded - time).argmin()]
    return dataset.assign_attrs({_ATTRIBUTE: float(nearest)})


def place(dataset: xr.Dataset) -> int:
    """Place of that time among the recorded ones; the last, unless :func:`stated` was told another."""
    if _ATTRIBUTE not in dataset.attrs:
        return dataset.sizes["time"] - 1
    return int(np.abs(dataset["time"].values - dataset.attrs[_ATTRIBUTE]).argmin())


def at_stated(dataset: xr.Dataset) -> xr.Dataset:
    """A dataset at that time; one that has a single time as it is."""
    return dataset.isel(time=place(dataset)) if "time" in dataset.dims else dataset


def time_text(dataset: xr.Dataset) -> str:
    """``time 0.1`` for a dataset at one time, with the unit if there is one."""
    return f"time {_number(dataset['time'].item())}{_unit(dataset)}"


def when(dataset: xr.Dataset) -> str:
    """The stated time in words: ``time 40 day``, or ``the last time (120 day)``."""
    text = time_text(at_stated(dataset))
    is_last = place(dataset) == dataset.sizes["time"] - 1
    return f"the last time ({text.removeprefix('time ')})" if is_last else text


def _number(time: float) -> str:
    return short(float(f"{time:.6g}"))


def _unit(dataset: xr.Dataset) -> str:
    unit = unit_of_entry(dataset["time"])
    return "" if unit in ("", "1") else f" {unit}"
