"""Put several runs on one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ...figures.comparison import FIGURES, draw, entry, nothing_because
from ...figures.numbers import plain, uncertain_between
from ...figures.save import render, write_whole
from ...figures.style import names, time_text, unit_of, words
from ...figures.tables import ends_of
from ...integrity import sealed
from ...quantities import described
from ..page import embedded_svg, rendered, width
from . import configurations
from .findings import at_last, findings

_MEAN = "value_average"
_GAIN = 1.1
"""By so much intervals must be shorter before it is told."""
_PERCENT = "value_average_relative_difference"


def write_comparison(path: str | os.PathLike[str], name: str, comparison: xr.Dataset) -> None:
    """Write the page.

    Args:
        path: The HTML file to write; whole or absent.
        name: Of the comparison.
        comparison: What the runs have in common, and their differences.
    """
    page = rendered(_context(name, comparison), "comparison.html").encode()
    write_whole(Path(path), sealed(page, ".html"))


def _context(name: str, comparison: xr.Dataset) -> dict[str, Any]:
    """Everything that the page says."""
    about = json.loads(comparison.attrs["about"])
    runs = names(comparison, "run")
    means = _means(comparison)
    told = {str(about[run].get("gradient_bias", "")) for run in runs}
    method = described(comparison[f"{_MEAN}_difference"]).method
    return {
        "name": name,
        "runs": runs,
        "first": runs[0],
        "shared": _extent(comparison),
        "pairs": _pairs(comparison),
        "biases": sorted(filter(None, told)),
        "configurations": configurations.rows(about),
        "means": means,
        "units": any(row["unit"] for row in means),
        "figures": [
            _figure(each, comparison) for each in FIGURES if nothing_because(each, comparison) is None
        ],
        "absent": [
            (entry(each).title, reason)
            for each in FIGURES
            if (reason := nothing_because(each, comparison)) is not None
        ],
        "method": method,
        "when": _when(comparison),
    }


def _extent(comparison: xr.Dataset) -> str:
    counted = [("observable", "observable"), ("parameter", "parameter"), ("recorded time", "time")]
    sizes = comparison.sizes
    return ", ".join(f"{sizes[d]} {what}{'s' * (sizes[d] != 1)}" for what, d in counted)


def _pairs(comparison: xr.Dataset) -> list[dict[str, Any]]:
    """Each other run: what is found, how its differences were taken, what is left out."""
    told = json.loads(comparison.attrs["pairs"])
    return [
        {
            "findings": found,
            "not_paired": told[found.other]["not_paired"],
            "left_out": told[found.other]["left_out"],
            "gain": _gain(comparison, found.other),
        }
        for found in findings(comparison)
    ]


def _gain(comparison: xr.Dataset, other: str) -> str:
    """How many times longer intervals of means are of independent runs; empty if not."""
    if f"{_MEAN}_difference_low" not in comparison or f"{_MEAN}_low" not in comparison:
        return ""
    data = at_last(comparison, other)
    first = names(comparison, "run")[0]
    alone = [(data[f"{_MEAN}_high"] - data[f"{_MEAN}_low"]).sel(run=run) for run in (first, other)]
    paired = data[f"{_MEAN}_difference_high"] - data[f"{_MEAN}_difference_low"]
    ratio = (np.hypot(*(one.values for one in alone)) / paired.where(paired > 0)).values
    known = ratio[np.isfinite(ratio)]
    median = float(np.median(known)) if known.size else 0.0
    return plain(median, 2) if median > _GAIN else ""


def _means(comparison: xr.Dataset) -> list[dict[str, Any]]:
    """The table of means: a row an observable, with each run and the difference of each other."""
    rows = []
    runs = names(comparison, "run")
    last = {other: at_last(comparison, other) for other in runs[1:]}
    for observable in names(comparison, "observable"):
        there = [o for o in runs[1:] if observable in last[o]["observable"].values]
        if not there:
            continue
        at = last[there[0]].sel(observable=observable)
        unit = unit_of(comparison, "observable", observable)
        values = [_value(at, runs[0])]
        for other in runs[1:]:
            if other not in there:
                values += ["\N{EN DASH}"] * 3
                continue
            at = last[other].sel(observable=observable)
            values += [_value(at, other), _told(at, f"{_MEAN}_difference"), _told(at, _PERCENT, 100)]
        rows.append({"name": words(observable), "unit": "" if unit == "1" else unit, "values": values})
    return rows


def _value(at: xr.Dataset, run: str) -> str:
    return _told(at.sel(run=run), _MEAN)


def _told(at: xr.Dataset, name: str, scale: float = 1.0) -> str:
    value, ends = float(at[name]), ends_of(at, name)
    after = " %" if scale == 100 else ""
    if not np.isfinite(value):
        return "\N{EN DASH}"
    if ends is None or not np.isfinite(ends).all():
        return plain(scale * value) + after
    return uncertain_between(scale * value, *(scale * end for end in ends)) + after


def _figure(name: str, comparison: xr.Dataset) -> dict[str, Any]:
    """A figure as the page shows it, with its data."""
    figure, table = draw(name, comparison)
    svg = render(figure, "svg")
    about = entry(name)
    csv = base64.b64encode(table.to_csv(index=False, lineterminator="\n").encode()).decode()
    return {
        "name": name,
        "title": about.title,
        "reading": about.told(set(map(str, comparison.variables))),
        "source": embedded_svg(svg),
        "points": width(svg),
        "alt": f"{about.title}; the caption says how to read it, {name}.csv has the data.",
        "csv": f"data:text/csv;base64,{csv}",
        "variables": about.sources(map(str, comparison.variables)),
    }


def _when(comparison: xr.Dataset) -> str:
    """The last time that runs share with the first; of several, that of each."""
    last = {other: time_text(at_last(comparison, other)) for other in names(comparison, "other")}
    if len(set(last.values())) == 1:
        return next(iter(last.values()))
    return ", ".join(f"{text} ({other})" for other, text in last.items())
