"""Estimates from nested subsets of samples and of seeds, one column an observable."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from ..quantities import Kind, described
from . import few, panels, style
from .entry import Entry
from .estimates import known, unsuited
from .tables import interval, tidy

ENTRY = Entry(
    place=150,
    title="Would more samples or seeds change the picture?",
    reading="Estimates at {{ when }}, one row each, from nested halves of the samples (filled "
    "dots) and of the seeds (open dots, dashed). The last point is the estimate of this page"
    "{% if bounded %}, the whisker and band its 95 % interval: lines that rest inside it have "
    "converged{% endif %}. The four largest parameters are in colour.",
    variables=(
        "*_by_samples",
        "*_by_seeds",
    ),
    part="checks",
)

_SHOWN = (Kind.ELASTICITY, Kind.TOTAL, Kind.BOUND, Kind.EFFECT, Kind.NOISE)
_IN_COLOUR = 4
_PARTS = ("samples", "seeds")
_LINES = ("parameter", "group")
_LOOKS: dict[str, dict[str, Any]] = {
    "samples": {"ls": "-", "marker": "o", "ms": 2.4, "mew": 0},
    "seeds": {"ls": (0, (2, 1)), "marker": "o", "ms": 2.6, "mew": 0.6, "mfc": "white"},
}


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``<estimate>_by_samples`` and ``<estimate>_by_seeds`` at the stated time."""
    chosen = _rows(sensitivity)
    data = style.final(sensitivity[shown(sensitivity)])
    observables = few.observables(data)
    lines = [name for dim in _LINES if dim in data.dims for name in style.names(data, dim)]
    styles = style.line_styles(list(dict.fromkeys(lines)) or style.names(sensitivity, "parameter"))
    with style.style():
        rows = list(dict.fromkeys(name for name, _ in chosen))
        named = _named(data, chosen, styles)
        head = max(0.6, 0.2 + panels.legend_height(named))
        figure, grid = style.panel_grid(rows, observables, 1.0, head=head)
        for (name, observable), ax in grid.items():
            parts = [part for one, part in chosen if one == name]
            _panel(ax, data.sel(observable=observable), name, parts, styles)
            if ax.get_ylabel():
                ax.set_ylabel(textwrap.fill(known(sensitivity, name).short, 14))
        style.below(figure, f"share of the samples or seeds that is used, at {style.time_text(data)}")
        by_part = [
            Line2D([], [], color=style.GREY, **_LOOKS[part], label=f"fewer {part}") for part in _PARTS
        ]
        panels.parameter_legend(figure, named, (*by_part, *_others(named, styles)))
        style.first_of_many(figure, data)
    return figure, _table(data, chosen)


def shown(sensitivity: xr.Dataset) -> list[str]:
    """The nested estimates of each row, and the ends of the whole ones' intervals."""
    chosen = _rows(sensitivity)
    ends = (end for name in dict.fromkeys(name for name, _ in chosen) for end in interval(name)[1:])
    return [f"{name}_by_{part}" for name, part in chosen] + [end for end in ends if end in sensitivity]


def nothing(sensitivity: xr.Dataset) -> str | None:
    """Why there is nothing to draw; None if there is."""
    if _rows(sensitivity):
        return None
    return "needs eight or more samples or seeds, to compare with half of them"


def _rows(sensitivity: xr.Dataset) -> list[tuple[str, str]]:
    """Estimate and part of each row; of total index and bound, the better one alone."""
    found = [described(sensitivity[name]) for name in map(str, sensitivity.data_vars)]
    nested = [
        (one, part)
        for kind in _SHOWN
        for one in found
        if one.kind is kind and one.within is not None
        for part in _PARTS
        if f"{one.name}_by_{part}" in sensitivity
    ]
    hidden = set()
    if any(one.kind is Kind.TOTAL for one, _ in nested):
        hidden.add(Kind.BOUND)
    if bool(unsuited(sensitivity).all()):
        hidden.add(Kind.ELASTICITY)
    return [(one.name, part) for one, part in nested if one.kind not in hidden]


def _panel(ax: Axes, one: xr.Dataset, name: str, parts: Sequence[str], styles: dict[str, dict]) -> None:
    paths = {part: one[f"{name}_by_{part}"] for part in parts}
    shares = {part: one[f"n_{part}"].values / one[f"n_{part}"].values[-1] for part in parts}
    least = min(float(share[0]) for share in shares.values())
    if not any(np.isfinite(path.values).any() for path in paths.values()):
        style.empty(ax, "not defined")
        return
    for part, path in paths.items():
        dim = next((dim for dim in _LINES if dim in path.dims), None)
        if dim is None:
            _line(ax, one, name, shares[part], path, part, "black")
            continue
        largest = np.isin(np.arange(one.sizes[dim]), _largest(path))
        panels.background(ax, shares[part], path.values[:, ~largest], ls=_LOOKS[part]["ls"])
        for i in np.flatnonzero(largest):
            colour = styles[str(one[dim].values[i])]["color"]
            at = one.isel({dim: int(i)})
            _line(ax, at, name, shares[part], path.isel({dim: int(i)}), part, colour)
    ax.set_xscale("log", base=2)
    ticks = 2.0 ** -np.arange(0, int(np.ceil(-np.log2(least) - 1e-9)) + 1, 1 if least > 0.1 else 2)
    ax.xaxis.set_major_locator(FixedLocator(ticks.tolist()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(lambda x, _: "all" if x == 1 else str(Fraction(x)))
    ax.set_xlim(least / 1.15, 1.6)
    style.few_ticks(ax, "y", 3)


def _largest(path: xr.DataArray) -> np.ndarray:
    """Places of the parameters, or groups, that are in colour in one panel."""
    last = np.nan_to_num(np.abs(panels.finite(path.values[-1])), nan=-1.0)
    return np.argsort(-last, kind="stable")[:_IN_COLOUR]


def _named(
    data: xr.Dataset, chosen: Sequence[tuple[str, str]], styles: dict[str, dict]
) -> dict[str, dict]:
    """The looks of those that have a colour in any panel; of a few parameters all."""
    if len(styles) <= few.MOST:
        return styles
    paths = [data[f"{name}_by_{part}"].sel(observable=few.observables(data)) for name, part in chosen]
    drawn = {
        str(path[dim].values[i])
        for path in paths
        for dim in _LINES
        if dim in path.dims
        for one in path.transpose("observable", ...)
        for i in _largest(one)
    }
    return {name: look for name, look in styles.items() if name in drawn}


def _others(named: dict[str, dict], styles: dict[str, dict]) -> tuple[Line2D, ...]:
    return () if named == styles else (Line2D([], [], **panels.BACKGROUND, label="others"),)


def _line(
    ax: Axes, one: xr.Dataset, name: str, share: np.ndarray, path: xr.DataArray, part: str, colour: str
) -> None:
    """One path, with the interval of its end."""
    value = panels.finite(path.values)
    _, low, high = interval(name)
    if low in one and np.isfinite([one[low].item(), one[high].item()]).all():
        ends = one[low].item(), one[high].item()
        ax.axhspan(*ends, color=colour, alpha=0.06, lw=0, zorder=0)
        ax.plot([1.25] * 2, ends, color=colour, lw=1.2, zorder=2)
    ax.plot(share, value, color=colour, lw=1.0, zorder=3, **_LOOKS[part])


def _table(data: xr.Dataset, chosen: list[tuple[str, str]]) -> pd.DataFrame:
    """One row an estimate, part, size, observable and parameter (or group)."""
    tables = []
    for name, part in chosen:
        one = tidy(data, [f"{name}_by_{part}"])
        one = one.rename(columns={f"{name}_by_{part}": "value", f"n_{part}": "used"})
        one.insert(0, "estimate", name)
        one.insert(1, "number_of", part)
        tables.append(one)
    return pd.concat(tables, ignore_index=True)
