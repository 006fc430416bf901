"""Where every start began and ended, parameter by parameter, with the interval of each optimum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import panels, style
from ..entry import Entry
from ..tables import column, ends_of, require, tidy
from . import starts

ENTRY = Entry(
    place=200,
    title="Do the starts agree?",
    reading="One panel a free parameter, as wide as its bounds; one row a start, the smallest loss "
    "on top. Open circle: where it began; filled: where it ended."
    "{% if parameter_low %} The bar behind the rows of one optimum is the 95 % interval of "
    "the parameter there: narrow bars say that the objective determines the parameter, bars"
    " across the panel that it does not.{% endif %}"
    " A red cross ends a start that was stopped, because its loss or gradient was no longer"
    " finite.",
    variables=(
        "parameter_value",
        "parameter_low",
        "parameter_high",
        "lower_bound",
        "upper_bound",
        "optimum_of_start",
    ),
    source="optimisation.nc",
    part="optimisation",
)

_COLUMNS = 4


def draw(optimisation: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """First and last ``parameter_value``, with ``parameter_low`` and ``parameter_high``."""
    require(optimisation, "parameter_value", "optimisation_parameters", "optimisation.nc")
    names = style.names(optimisation, "parameter")
    order = starts.ranked(optimisation)[: starts.MOST_ROWS]
    n_columns = style.columns(len(names), 42, _COLUMNS)
    n_rows = -(-len(names) // n_columns)
    with style.style():
        figure = style.new_figure(n_rows * (0.6 + 0.19 * max(len(order), 3)) + 0.35)
        axes = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True)
        for ax, name in zip(axes.flat, names, strict=False):
            _panel(ax, optimisation, name, order)
        for ax in axes.flat[len(names) :]:
            ax.remove()
        for ax in axes[:, 0]:
            starts.start_rows(ax, optimisation, order)
        panels.key(figure, starts.legend_handles(optimisation))
    return figure, _table(optimisation)


def last_values(data: xr.Dataset) -> xr.DataArray:
    """The last finite value of every parameter (start, parameter)."""
    last = xr.DataArray(starts.last_step(data), dims="start")
    return data["parameter_value"].isel(step=last).drop_vars("step", errors="ignore")


def _panel(ax: Axes, data: xr.Dataset, name: str, order: np.ndarray) -> None:
    starts.parameter_axis(ax, data, name, "x")
    for bound in starts.bounds(data, name):
        ax.axvline(bound, color=style.LIGHT_GREY, lw=1.2, zorder=0)
    colours, bad = starts.colours(data), starts.stopped(data)
    first = data["parameter_value"].isel(step=0).sel(parameter=name).values
    last = last_values(data).sel(parameter=name).values
    _intervals(ax, data, name, order)
    for place, start in enumerate(order):
        look = {"color": colours[start]}
        ax.plot([first[start], last[start]], [place, place], lw=0.8, **look)
        ax.plot(first[start], place, "o", ms=4, mfc="white", mec=colours[start], mew=1.0)
        if bad[start]:
            ax.plot(last[start], place, **panels.FLAG, zorder=4)
        else:
            ax.plot(last[start], place, "o", ms=4.5, mew=0, **look)
    ax.set_xlabel(style.label(data, "parameter", name, 20))


def _intervals(ax: Axes, data: xr.Dataset, name: str, order: np.ndarray) -> None:
    """A bar behind each row: the interval of the parameter at the optimum of its start."""
    for optimum, colour in starts.optimum_colours(data).items():
        one = data.isel(optimum=optimum).sel(parameter=name)
        ends = ends_of(one, "parameter")
        if ends is None or not np.isfinite(ends[1] - ends[0]):
            continue
        for place in np.flatnonzero(starts.in_optimum(data, optimum)[order]):
            ax.fill_betweenx([place - 0.42, place + 0.42], *ends, color=colour, alpha=0.22, lw=0)


def _table(data: xr.Dataset) -> pd.DataFrame:
    """One row a start and parameter."""
    table = tidy(
        xr.Dataset({
            "parameter_value_before": data["parameter_value"].isel(step=0, drop=True),
            "parameter_value_after": last_values(data),
        }),
        ["parameter_value_before", "parameter_value_after"],
    )  # fmt: skip
    table["optimum_of_start"] = column(table, data["optimum_of_start"])
    for name in ("parameter_low", "parameter_high"):
        if name in data:
            of_start = data[name].reindex(optimum=data["optimum_of_start"].values)
            values = of_start.rename(optimum="start").assign_coords(start=data["start"].values)
            table[name] = column(table, values)
    for name in ("lower_bound", "upper_bound") if "lower_bound" in data else ():
        table[name] = column(table, data[name])
    return table
