"""What two runs have in common, so that their estimates can be compared."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr

from ..errors import JaxmorphError
from ..quantities import unit_of_entry

_SAME_TIME = 1e-9
"""Times that differ by no more than this, as a share of the longest, are one."""


@dataclass(frozen=True)
class Shared:
    """Observables and parameters that two runs have with the same unit, and times of both.

    Attributes:
        observables: Names, in the order of the first run.
        parameters: The same.
        times: Places of the shared times, in the first run and in the second.
        left_out: What else there is, in words.
    """

    observables: tuple[str, ...]
    parameters: tuple[str, ...]
    times: tuple[tuple[int, ...], tuple[int, ...]]
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, names: tuple[str, str], first: xr.Dataset, second: xr.Dataset) -> Self:
        """What is shared by two runs.

        Args:
            names: Of the runs.
            first: Estimates of the first run.
            second: Those of the second.

        Raises:
            JaxmorphError: They share no observable, or no time.
        """
        observables, others = _in_both("observable", names, first, second)
        if not observables:
            told = [f"{n} has {', '.join(_all(d))}" for n, d in zip(names, (first, second), strict=True)]
            raise JaxmorphError(
                f"{names[0]} and {names[1]} cannot be compared: they share no observable of the same "
                f"name and unit ({'; '.join(told)})"
            )
        parameters, more = _in_both("parameter", names, first, second)
        times = _times(names, first, second)
        n = [data.sizes["time"] - len(times[0]) for data in (first, second)]
        only = [f"{k} recorded times of {name} alone" for k, name in zip(n, names, strict=True) if k]
        return cls(observables, parameters, times, (*others, *more, *only))

    def part(self, side: int, data: xr.Dataset) -> xr.Dataset:
        """Of the first (0) or the second (1) run, what both have, at the times of the first."""
        kept = {
            "time": list(self.times[side]),
            "observable": _places(data, "observable", self.observables),
        }
        if "parameter" in data.dims:
            kept["parameter"] = _places(data, "parameter", self.parameters)
        return data.isel(kept)


def _all(data: xr.Dataset) -> list[str]:
    return [str(name) for name in data["observable"].values]


def _places(data: xr.Dataset, dim: str, names: tuple[str, ...]) -> list[int]:
    there = [str(name) for name in data[dim].values]
    return [there.index(name) for name in names]


def _in_both(
    dim: str, names: tuple[str, str], first: xr.Dataset, second: xr.Dataset
) -> tuple[tuple[str, ...], list[str]]:
    """Names along ``dim`` in both runs with one unit; and what is not, in words."""
    units = [
        {str(n): _unit(data, dim, i) for i, n in enumerate(data[dim].values)} for data in (first, second)
    ]
    both = tuple(n for n, unit in units[0].items() if units[1].get(n) == unit)
    out = []
    for name, own, other in zip(names, units, units[::-1], strict=True):
        if alone := [n for n in own if n not in other]:
            out.append(f"{', '.join(alone)} ({dim}{'s' * (len(alone) > 1)} of {name} alone)")
    for n in units[0]:
        if n in units[1] and n not in both:
            out.append(f"{n} (measured in {units[0][n]} in {names[0]}, in {units[1][n]} in {names[1]})")
    return both, out


def _unit(data: xr.Dataset, dim: str, place: int) -> str:
    name = f"{dim}_unit"
    return str(data[name].values[place]) if name in data.coords else "1"


def _times(
    names: tuple[str, str], first: xr.Dataset, second: xr.Dataset
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    units = [unit_of_entry(data["time"]) for data in (first, second)]
    if units[0] != units[1]:
        raise JaxmorphError(
            f"{names[0]} and {names[1]} cannot be compared: the unit of time is {units[0]} in "
            f"{names[0]} and {units[1]} in {names[1]}"
        )
    one, other = (np.atleast_1d(data["time"].values) for data in (first, second))
    near = _SAME_TIME * max(abs(one).max(), abs(other).max())
    same = abs(one[:, None] - other) <= near
    here, there = np.nonzero(same)
    if not here.size:
        told = [f"{n} records {t[0]:g} to {t[-1]:g}" for n, t in zip(names, (one, other), strict=True)]
        raise JaxmorphError(
            f"{names[0]} and {names[1]} cannot be compared: they share no recorded time "
            f"({'; '.join(told)})"
        )
    return tuple(map(int, here)), tuple(map(int, there))
