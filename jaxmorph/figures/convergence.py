"""Estimates from nested subsets of samples and of seeds, one column an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from ..quantities import Kind, described
from . import panels, style
from .entry import Entry
from .estimates import known, unsuited
from .tables import interval, tidy

ENTRY = Entry(
    place=150,
    title="Would more samples or seeds change the picture?",
    reading="Estimates at {{ when }}, from nested halves of the samples (upper row of each "
    "estimate) and of the seeds (lower row). The last point is the estimate of this page"
    "{% if bounded %}, the whisker its 95 % interval, drawn on as a band. Lines that have come to rest "
    "inside their band have converged{% endif %}. The four largest parameters are in colour, the others "
    "grey.",
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


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``<estimate>_by_samples`` and ``<estimate>_by_seeds`` at the stated time."""
    chosen = _rows(sensitivity)
    data = style.final(sensitivity[shown(sensitivity)])
    observables = style.names(data, "observable")
    lines = [name for dim in _LINES if dim in data.dims for name in style.names(data, dim)]
    styles = style.line_styles(list(dict.fromkeys(lines)) or style.names(sensitivity, "parameter"))
    with style.style():
        labels = {f"{name}_by_{part}": (name, part) for name, part in chosen}
        figure, grid = style.panel_grid(list(labels), observables, 0.92, head=0.6)
        for (row, observable), ax in grid.items():
            name, part = labels[row]
            _panel(ax, data.sel(observable=observable), name, part, styles)
            if ax.get_ylabel():
                ax.set_ylabel(f"{known(sensitivity, name).short}\nby {part}")
        figure.supxlabel(f"number of samples or seeds used ({style.time_text(data)})",
                         fontsize=7.5)  # fmt: skip
        panels.parameter_legend(figure, styles)
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


def _panel(ax: Axes, one: xr.Dataset, name: str, part: str, styles: dict[str, dict]) -> None:
    path = one[f"{name}_by_{part}"]
    size = one[f"n_{part}"].values
    ax.set_xscale("log", base=2)
    ax.xaxis.set_minor_locator(NullLocator())
    ticks = size if len(size) <= 3 else size[[0, len(size) // 2, -1]]
    ax.xaxis.set_major_locator(FixedLocator(ticks.tolist()))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:.0f}")
    ax.set_xlim(size[0] / 1.15, size[-1] * 1.4)
    if not np.isfinite(path.values).any():
        style.say(ax, "not defined")
        ax.set_yticks([])
        return
    dim = next((dim for dim in _LINES if dim in path.dims), None)
    if dim is None:
        _line(ax, one, name, path, {"color": "black"}, in_colour=True)
    else:
        last = np.nan_to_num(np.abs(panels.finite(path.values[-1])), nan=-1.0)
        largest = set(np.argsort(-last, kind="stable")[:_IN_COLOUR])
        for i, line in enumerate(style.names(one, dim)):
            at, look = one.isel({dim: i}), styles[line]
            _line(ax, at, name, path.isel({dim: i}), look, in_colour=i in largest)
    style.few_ticks(ax, "y", 3)


def _line(ax: Axes, one: xr.Dataset, name: str, path: xr.DataArray, look: dict, in_colour: bool) -> None:
    size, value = path[path.dims[0]].values, panels.finite(path.values)
    if not in_colour:
        ax.plot(size, value, color="#BDBDBD", lw=0.8, zorder=1)
        return
    _, low, high = interval(name)
    if low in one and np.isfinite([one[low].item(), one[high].item()]).all():
        ends = one[low].item(), one[high].item()
        ax.axhspan(*ends, color=look["color"], alpha=0.1, lw=0, zorder=0)
        ax.plot([size[-1] * 1.18] * 2, ends, color=look["color"], lw=1.2, zorder=2)
    ax.plot(size, value, **look, marker="o", ms=2.2, mew=0, zorder=3)


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
