"""The numbers behind the interactive part of the page, as one small JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..figures.estimates import present, unreliable, unsuited
from ..figures.stated import place
from ..figures.style import line_styles, names, unit_of, words
from ..quantities import Quantity, unit_of_entry
from .summary import Ranking, rankings

_MOST_TIMES, _MOST_NUMBERS = 60, 200_000
_DIGITS = 4
_DASHES = ("", "6 3", "2 2")


def document(sensitivity: xr.Dataset, ranked: Sequence[Ranking] | None = None) -> dict[str, Any]:
    """Every estimate with its interval, (time, observable, parameter) flattened; None if not finite.

    Numbers have four digits. Of more than 60 recorded times, or fewer where 200 000 numbers are
    reached, evenly spaced ones are kept, among them the first, the last, and that at which findings
    are stated.
    ``ranked`` is what matters for each observable, where it is known already.
    """
    found = present(sensitivity)
    ends = [f"{e.name}_{end}" for e in found for end in ("low", "high")]
    wanted = [*[e.name for e in found], *[name for name in ends if name in sensitivity]]
    n, at = sensitivity.sizes["time"], place(sensitivity)
    at_a_time = len(wanted) * sensitivity.sizes["observable"] * sensitivity.sizes["parameter"]
    most = min(n, _MOST_TIMES, max(2, _MOST_NUMBERS // max(at_a_time, 1)))
    kept = np.unique([*np.linspace(0, n - 1, most).round().astype(int), at])
    data = sensitivity[wanted].isel(time=kept)
    flags = unreliable(sensitivity)
    parameters = names(sensitivity, "parameter")
    colours = [look["color"] for look in line_styles(parameters).values()]
    return {
        "parameters": [
            {"name": words(name), "color": colours[i], "dash": _DASHES[i // 8 % len(_DASHES)]}
            for i, name in enumerate(parameters)
        ],
        "observables": [words(name) for name in names(sensitivity, "observable")],
        "observable_units": [
            unit_of(sensitivity, "observable", name) for name in names(sensitivity, "observable")
        ],
        "times": [float(f"{t:.6g}") for t in data["time"].values],
        "time_unit": unit_of_entry(sensitivity["time"]),
        "times_left_out": int(n - len(kept)),
        "stated": int(np.flatnonzero(kept == at)[0]),
        "flagged": [] if flags is None else flags.transpose("observable", "parameter").values.tolist(),
        "unsuited": unsuited(sensitivity).values.tolist(),
        "first": _first(rankings(sensitivity) if ranked is None else ranked, found),
        "estimates": [_estimate(data, estimate) for estimate in found],
    }


def _first(ranked: Sequence[Ranking], found: list[Quantity]) -> list[int]:
    """For each observable, the estimate that the page ranks its parameters by."""
    places = {estimate.name: i for i, estimate in enumerate(found)}
    measures = [ranking.measure for ranking in ranked]
    return [0 if measure is None else places[measure.name] for measure in measures]


def _estimate(data: xr.Dataset, estimate: Quantity) -> dict[str, Any]:
    one: dict[str, Any] = {
        "name": estimate.name,
        "label": estimate.label,
        "meaning": estimate.reading,
        "share": estimate.is_share,
        "gradient": estimate.from_gradients,
        "value": _numbers(data[estimate.name]),
    }
    if f"{estimate.name}_low" in data:
        one["low"] = _numbers(data[f"{estimate.name}_low"])
        one["high"] = _numbers(data[f"{estimate.name}_high"])
    return one


def _numbers(values: xr.DataArray) -> list[float | None]:
    flat = values.transpose("time", "observable", "parameter").values.ravel()
    return [float(f"{x:.{_DIGITS}g}") if np.isfinite(x) else None for x in flat]
