"""What every start gained, on seeds that were never optimised on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import panels, style
from ..entry import Entry
from ..tables import interval, require, tidy
from . import starts

ENTRY = Entry(
    place=160,
    title="What was gained, on fresh seeds",
    reading="One row a start, the smallest loss on top. Left: the loss at the starting point (open "
    "circle) and at the end (filled), each the mean over seeds that were never optimised "
    "on. Right: the mean of the differences, seed by seed, with its 95 % interval; to the "
    "right of zero is better, grey cannot be told from zero. Rows of one colour ended in "
    "the same optimum.",
    variables=(
        "evaluation_loss_before",
        "evaluation_loss_after",
        "improvement",
        "optimum_of_start",
    ),
    source="optimisation.nc",
    part="optimisation",
)

_NAME = "improvement"


def draw(optimisation: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Means of ``evaluation_loss_before`` and ``_after``, and ``improvement`` with its interval."""
    require(optimisation, _NAME, "optimisation_improvement", "optimisation.nc")
    data = optimisation.assign(
        evaluation_loss_before=optimisation["evaluation_loss_before"].mean("evaluation_seed"),
        evaluation_loss_after=optimisation["evaluation_loss_after"].mean(
            "evaluation_seed", skipna=False
        ),
    )
    order = starts.ranked(optimisation)[: starts.MOST_ROWS]
    colours = [starts.colours(optimisation)[start] for start in order]
    rows = data.isel(start=order)
    with style.style():
        figure = style.new_figure(0.95 + 0.2 * max(len(order), 3))
        left, right = figure.subplots(1, 2, sharey=True)
        _before_and_after(left, rows, colours)
        _gains(right, rows, colours)
        starts.start_rows(left, optimisation, order)
        left.set(xlabel=f"{starts.loss_label(optimisation)}, mean over fresh seeds")
        right.set(xlabel="improvement (95 % interval)")
        left.set_title("before (open) and after (filled)")
        right.set_title("difference, seed by seed")
        panels.key(figure, starts.legend_handles(optimisation))
    return figure, tidy(data, ["evaluation_loss_before", "evaluation_loss_after", *interval(_NAME)])


def _before_and_after(ax: Axes, rows: xr.Dataset, colours: list[str]) -> None:
    before, after = rows["evaluation_loss_before"].values, rows["evaluation_loss_after"].values
    for place, colour in enumerate(colours):
        if np.isfinite(after[place]):
            ax.plot([before[place], after[place]], [place, place], color=colour, lw=0.9, zorder=2)
            ax.plot(after[place], place, "o", color=colour, ms=4.5, mew=0, zorder=3)
        ax.plot(before[place], place, "o", mfc="white", mec=colour, ms=4.5, mew=1.0, zorder=3)
    starts.loss_axis(ax, "x", panels.finite(np.concatenate([before, after])))


def _gains(ax: Axes, rows: xr.Dataset, colours: list[str]) -> None:
    ax.axvline(0, color="black", lw=0.6)
    for place, colour in enumerate(colours):
        one = rows.isel(start=place)
        value, low, high = (float(one[name]) for name in interval(_NAME))
        if not np.isfinite(value):
            ax.text(0.5, place, starts.STOPPED, transform=ax.get_yaxis_transform(),
                    fontsize=style.size(-0.5), ha="center", va="center", color=style.GREY)  # fmt: skip
            continue
        sure = low > 0 or high < 0
        if np.isfinite(high - low):
            ax.plot([low, high], [place, place], color="black", lw=0.9, zorder=2)
            ax.plot([low, high], [place, place], "|", color="black", ms=5, mew=0.9, zorder=2)
        ax.plot(value, place, "o", color=colour if sure else style.GREY, ms=4.5, mew=0, zorder=3)
    style.few_ticks(ax, "x", 4)
