"""Horizontal bars, one a parameter: panels that hold them, and bars with a direction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import few, panels, style
from .numbers import NOT_DEFINED

Ends = tuple[float, float]


def by_observable(
    data: xr.Dataset,
    draw_panel: Callable[[Axes, xr.Dataset], None],
    *,
    row: float = 0.19,
    frame: float = 0.55,
    head: float = 0.6,
    further_rows: int = 0,
) -> Figure:
    """One panel an observable, with one row a parameter; ``draw_panel`` gets the observable's part.

    Of very many parameters it draws those rows that :func:`few.rows` says.

    Args:
        data: At one time.
        draw_panel: Draws the bars.
        row: Height of a row in inches, where names of parameters fit on one line.
        frame: Height of a panel without its rows.
        head: Height of the figure without its panels.
        further_rows: Rows that no parameter has.
    """
    observables, parameters = few.observables(data), style.names(data, "parameter")
    longest = max(map(len, parameters))
    n_drawn = len(few.rows(np.arange(len(parameters))))
    rest = len(parameters) - n_drawn
    most = 2 if len(observables) in (2, 4) else 3
    n_columns = style.columns(len(observables), 58 if longest <= 14 else 80, most)
    n_rows = -(-len(observables) // n_columns)
    row = 0.27 if longest > 14 else row
    figure = style.new_figure(n_rows * (frame + row * (n_drawn + (rest > 0) + further_rows)) + head)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for ax, observable in zip(grid.flat, observables, strict=False):
        draw_panel(ax, data.sel(observable=observable))
        if rest and ax.get_yticks().size:
            _more(ax, rest)
        ax.set_title(style.heading(observable, n_columns))
    for ax in grid.flat[len(observables) :]:
        ax.remove()
    style.first_of_many(figure, data)
    return figure


def _more(ax: Axes, rest: int) -> None:
    """Says below the last row how many parameters have none."""
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom + 1, top)
    ax.text(0.5, bottom + 0.4, f"{rest} more", transform=ax.get_yaxis_transform(), va="center",
            ha="center", color=style.GREY, fontsize=style.size(-0.5))  # fmt: skip


def not_defined(ax: Axes, place: float) -> None:
    """What stands in the row of a parameter without a number."""
    ax.text(0.5, place, NOT_DEFINED, transform=ax.get_yaxis_transform(), va="center", ha="center",
            color=style.GREY)  # fmt: skip


def signed(ax: Axes, place: float, value: float, ends: Ends | None, mixed: bool = False) -> None:
    """A bar in the colour of its sign, pale where its interval holds zero; hatched if it has both."""
    if mixed:
        ax.barh(place, value, height=0.52, **style.MIXED)
        return
    pale = ends is not None and not (ends[0] > 0 or ends[1] < 0)
    by_sign = style.POSITIVE if value > 0 else style.NEGATIVE
    ax.barh(place, value, height=0.52, color=by_sign, alpha=0.35 if pale else 1.0)


def interval_over(ax: Axes, place: float, ends: Ends | None) -> None:
    """The interval of a bar, over it."""
    if ends is not None:
        ax.plot(ends, [place, place], color="black", lw=0.9, marker="|", ms=4, mew=0.9)


def name_rows(ax: Axes, data: xr.Dataset, order: np.ndarray) -> None:
    """Parameters beside bars about zero, the first of this order on top; flags stand out."""
    ax.axvline(0, color="black", lw=0.6)
    ax.set_yticks(range(len(order)), [style.short_name(data["parameter"].values[i], 18) for i in order])
    panels.flag_labels(ax, panels.flags(data)[order])
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    style.few_ticks(ax, "x", 4)
