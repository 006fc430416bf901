"""Elasticities over time, one panel an observable, one line a parameter."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxmorph.figures import style
from jaxmorph.figures.tables import interval, require, tidy

_NAME = "elasticity_average"


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``elasticity_average`` with its 95 % band against time."""
    require(sensitivity, _NAME, "time_course")
    data = sensitivity
    observables, parameters = style.names(data, "observable"), style.names(data, "parameter")
    with style.style():
        n_columns = 1 if len(observables) == 1 else (2 if len(observables) in (2, 4) else 3)
        n_rows = -(-len(observables) // n_columns)
        figure = style.new_figure(1.75 * n_rows + 0.5 + 0.17 * (len(parameters) // 5))
        panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True)
        styles = style.line_styles(parameters)
        for ax, observable in zip(panels.flat, observables, strict=False):
            _panel(ax, data.sel(observable=observable), styles)
            ax.set_title(style.words(observable))
        for place, ax in enumerate(panels.flat):
            if place + n_columns >= len(observables):
                ax.tick_params(labelbottom=True)
                ax.set_xlabel(style.time_label(data))
            if place >= len(observables):
                ax.remove()
        figure.supylabel("elasticity", fontsize=7.5)
        handles = [Line2D([], [], **look, label=style.words(p)) for p, look in styles.items()]
        long = max(map(len, parameters)) > 14
        figure.legend(handles=handles, loc="outside upper center",
                      ncols=min(len(parameters), 4 if long else 6))  # fmt: skip
    return figure, tidy(data.drop_vars("quantile", errors="ignore"),
                        (*interval(_NAME), *interval("gradient_average")))  # fmt: skip


def _panel(ax: Axes, data: xr.Dataset, styles: dict[str, dict]) -> None:
    time = data["time"].values
    _, low, high = interval(_NAME)
    ax.axhline(0, color=style.GREY, lw=0.6)
    for place, (name, look) in enumerate(styles.items()):
        one = data.sel(parameter=name)
        if len(time) == 1:
            _dot(ax, one, place, look["color"])
            continue
        if low in one:
            ax.fill_between(time, one[low], one[high], color=look["color"], alpha=0.22, lw=0)
        ax.plot(time, one[_NAME], **look)
    if len(time) == 1:
        ax.set_xticks(
            [(len(styles) - 1) / 2], [style.time_text(data.isel(time=0)).removeprefix("time ")]
        )
        ax.set_xlim(-1, len(styles))
    else:
        style.few_ticks(ax, "x", 4)
    style.few_ticks(ax, "y", 5)


def _dot(ax: Axes, one: xr.Dataset, place: int, colour: str) -> None:
    """A study that records one time has points, side by side, where others have lines."""
    _, low, high = interval(_NAME)
    ax.plot(place, one[_NAME].item(), "o", color=colour, ms=4)
    if low in one:
        ax.plot([place, place], [one[low].item(), one[high].item()], color=colour)
