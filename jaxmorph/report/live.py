"""The expansion as a small model in the page: what its chart needs to evaluate and to describe it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from pydantic import TypeAdapter

from ..distributions import Distribution
from ..figures.estimates import discrete
from ..figures.numbers import plain
from ..figures.style import names, unit_of, words
from ..listing import joined
from ..quantities import unit_of_entry
from .point import entry

_MOST_TIMES, _MOST_NUMBERS = 60, 6_000
_COEFFICIENT = "expansion_coefficient"
_OF_EXPANSION = ("expansion_", "polynomial_")
_DIGITS, _DIGITS_OF_ERRORS = 11, 4
"""Of numbers on the page, below the largest coefficient."""


@dataclass(frozen=True)
class Live:
    """What the page shows of an expansion.

    Attributes:
        document: The numbers, as JSON (``templates/expansion.js`` reads them).
        not_offered: Which observables or times are not there, and why; empty if all are.
        left_out: So many recorded times are not on the page.
        noisy: Whether the band has a part of the seeds.
    """

    document: dict[str, Any]
    not_offered: str
    left_out: int
    noisy: bool


def live(run: str, sensitivity: xr.Dataset) -> Live | None:
    """The live model of a run; None without an expansion, or if parameters are correlated or discrete.

    To move one of the correlated alone leaves the design, and between the numbers of a discrete one
    there is nothing. Numbers have 11 digits below the largest coefficient
    of their observable. Of more recorded times than the page has room for, evenly spaced ones are kept.
    """
    correlated = json.loads(sensitivity.attrs.get("correlations", "[]"))
    if _COEFFICIENT not in sensitivity or correlated or discrete(sensitivity).any():
        return None
    # Of these alone: each is cut for every observable and parameter.
    sensitivity = sensitivity[[n for n in sensitivity.data_vars if str(n).startswith(_OF_EXPANSION)]]
    coefficient = sensitivity[_COEFFICIENT]
    ends = [f"{_COEFFICIENT}_{end}" for end in ("low", "high")]
    noisy = all(end in sensitivity for end in ends)
    half = (sensitivity[ends[1]] - sensitivity[ends[0]]) / 2 if noisy else 0 * coefficient
    there = (coefficient.notnull() & half.notnull()).all("term")
    times = _kept(there, coefficient)
    shown = sensitivity.assign(half=half).isel(time=times)
    on_page = there.isel(time=times).any("time")
    found = [name for name in names(sensitivity, "observable") if on_page.sel(observable=name)]
    parameters = _parameters(sensitivity)
    document = {
        "parameters": parameters,
        "times": [float(f"{t:.6g}") for t in shown["time"].values],
        "time_unit": unit_of_entry(sensitivity["time"]),
        "observables": [
            {
                "name": words(name),
                "unit": unit_of(sensitivity, "observable", name),
                **_course(shown.sel(observable=name)),
            }
            for name in found
        ],
        "entry": entry(run, sensitivity, [one["name"] for one in parameters]),
    }
    left_out = int(there.any("observable").sum()) - len(times)
    return Live(document, _not_offered(sensitivity, there), left_out, noisy)


def _kept(there: xr.DataArray, coefficient: xr.DataArray) -> np.ndarray:
    """Places of the recorded times that are on the page: of those at which there is an expansion."""
    usable = np.flatnonzero(there.any("observable").values)
    terms = int((coefficient.fillna(0) != 0).any("time").sum())
    most = min(len(usable), _MOST_TIMES, max(2, _MOST_NUMBERS // max(terms, 1)))
    kept: np.ndarray = usable[np.unique(np.linspace(0, len(usable) - 1, most).round().astype(int))]
    return kept


def _parameters(sensitivity: xr.Dataset) -> list[dict[str, Any]]:
    """Name, range and polynomials of each parameter."""
    kinds = TypeAdapter(list[Distribution]).validate_json(sensitivity.attrs["distributions"])
    highest = sensitivity["expansion_degree"].max("term")
    found = []
    for name, kind in zip(names(sensitivity, "parameter"), kinds, strict=True):
        one = sensitivity.sel(parameter=name)
        degrees = slice(0, int(highest.sel(parameter=name)))
        low, high = kind.ends
        found.append(
            {
                "name": name,
                "label": words(name),
                "unit": unit_of(sensitivity, "parameter", name),
                "low": low,
                "high": high,
                "centre": kind.centre,
                "log": bool(one["polynomial_logarithmic"]),
                "origin": float(one["polynomial_centre"]),
                "length": float(one["polynomial_scale"]),
                "shift": one["polynomial_shift"].values[degrees].tolist(),
                "norm": one["polynomial_norm"].values[degrees].tolist(),
            }
        )
    return found


def _course(shown: xr.Dataset) -> dict[str, Any]:
    """Terms and coefficients of one observable at the times at which it has an expansion."""
    coefficient, half = (shown[name].transpose("time", "term").values for name in (_COEFFICIENT, "half"))
    there = np.isfinite(coefficient + half).all(axis=1)
    used = (np.nan_to_num(coefficient) != 0).any(axis=0)
    degrees = shown["expansion_degree"].transpose("term", "parameter").values[used].astype(int)
    values, halves = coefficient[there][:, used], half[there][:, used]
    unit = _unit_of_last_digit(values, _DIGITS)
    unit_of_half = _unit_of_last_digit(halves, _DIGITS_OF_ERRORS)
    return {
        "times": np.flatnonzero(there).tolist(),
        "terms": [[[int(p), int(k)] for p, k in enumerate(row) if k] for row in degrees],
        "digit": unit,
        "coefficients": _whole(values, unit),
        "digit_of_half": unit_of_half,
        "halves": _whole(halves, unit_of_half),
        "missed": [float(f"{x:.4g}") for x in shown["expansion_missed"].values[there]],
    }


def _unit_of_last_digit(values: np.ndarray, digits: int) -> float:
    largest = np.abs(values[:, 1:]).max(initial=0.0) or np.abs(values).max(initial=0.0)
    return float(f"1e{math.floor(math.log10(largest)) - digits}") if largest > 0 else 1.0


def _whole(values: np.ndarray, unit: float) -> list[int]:
    return [round(float(x) / unit) for x in values.ravel()]


def _not_offered(sensitivity: xr.Dataset, there: xr.DataArray) -> str:
    """What is not there, and why, as a sentence; empty if all is."""
    found = []
    for name in names(sensitivity, "observable"):
        lacking = ~there.sel(observable=name)
        count, n = int(lacking.sum()), lacking.sizes["time"]
        if count:
            q2 = float(sensitivity["expansion_q2"].sel(observable=name).where(lacking).max())
            share = f" (Q² at most {plain(max(q2, 0.0), 2)})" if math.isfinite(q2) else ""
            when = "" if count == n else f" at {count} of {n} times"
            found.append(f"{words(name)}{when}{share}")
    if not found:
        return ""
    return (
        f"Not offered: {joined(found)}. There the expansion predicts too small a share Q² of the "
        "variance at samples that were left out, or no variance can be told from 0."
    )
