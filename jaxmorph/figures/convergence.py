"""Estimates from nested subsets of samples and of seeds, one column an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from jaxmorph.figures import panels, style
from jaxmorph.figures.estimates import known, unsuited
from jaxmorph.figures.tables import interval, tidy

_SHOWN = ("elasticity_average", "sobol_total", "total_bound", "morris_mu_star", "noise_share")
_IN_COLOUR = 4
_PARTS = ("samples", "seeds")


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``<estimate>_by_samples`` and ``<estimate>_by_seeds`` at the last time."""
    chosen = _rows(sensitivity)
    wanted = [f"{name}_by_{part}" for name, part in chosen]
    wanted += [n for name in dict.fromkeys(name for name, _ in chosen) for n in interval(name)]
    data = style.final(sensitivity[[name for name in wanted if name in sensitivity]])
    observables = style.names(data, "observable")
    styles = style.line_styles(style.names(data, "parameter"))
    with style.style():
        labels = {f"{name}_by_{part}": (name, part) for name, part in chosen}
        figure, grid = style.panel_grid(list(labels), observables, 0.92, head=0.6)
        for (row, observable), ax in grid.items():
            name, part = labels[row]
            _panel(ax, data.sel(observable=observable), name, part, styles)
            if ax.get_ylabel():
                ax.set_ylabel(f"{_short(name)}\nby {part}")
        figure.supxlabel(f"number of samples or seeds used (last time: {style.time_text(data)})",
                         fontsize=7.5)  # fmt: skip
        panels.parameter_legend(figure, styles)
    return figure, _table(data, chosen)


def _rows(sensitivity: xr.Dataset) -> list[tuple[str, str]]:
    """Estimate and part of each row; of total index and bound, the better one alone."""
    hidden = []
    if any(f"sobol_total_by_{part}" in sensitivity for part in _PARTS):
        hidden.append("total_bound")
    if bool(unsuited(sensitivity).all()):
        hidden.append("elasticity_average")
    names = [name for name in _SHOWN if name not in hidden]
    return [(name, part) for name in names for part in _PARTS if f"{name}_by_{part}" in sensitivity]


def _short(name: str) -> str:
    short = {"noise_share": "noise share", "total_bound": "upper bound", "sobol_total": "total index"}
    return short.get(name) or known(name).label


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
    if "parameter" not in path.dims:
        _line(ax, one, name, path, {"color": "black"}, in_colour=True)
    else:
        last = np.nan_to_num(np.abs(panels.finite(path.values[-1])), nan=-1.0)
        largest = set(np.argsort(-last, kind="stable")[:_IN_COLOUR])
        for i, look in enumerate(styles.values()):
            at = one.isel(parameter=i)
            _line(ax, at, name, path.isel(parameter=i), look, in_colour=i in largest)
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
    """One row an estimate, part, size, observable and parameter."""
    tables = []
    for name, part in chosen:
        one = tidy(data, [f"{name}_by_{part}"])
        one = one.rename(columns={f"{name}_by_{part}": "value", f"n_{part}": "used"})
        one.insert(0, "estimate", name)
        one.insert(1, "number_of", part)
        tables.append(one)
    return pd.concat(tables, ignore_index=True)
