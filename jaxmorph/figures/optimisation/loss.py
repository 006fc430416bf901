"""Loss and gradient norm of every start, step by step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import panels, style
from ..entry import Entry
from ..tables import require, tidy
from . import starts

ENTRY = Entry(
    place=170,
    title="The loss on its way down",
    reading="Top: the loss that the optimiser saw at each step, one line a start, the best start "
    "thick and in front. Bottom: the norm of its gradient on the unconstrained scale. Lines"
    " of one colour ended in the same optimum."
    "{% if refined %} The last step is the refinement, on more seeds of its own.{% endif %}"
    "{% if loss_se %} The band is the 95 % interval over the seeds of that step.{% endif %}"
    " A red cross ends a start that was stopped, because its loss or gradient was no longer"
    " finite.",
    variables=(
        "loss",
        "loss_se",
        "gradient_norm",
        "stop_reason",
        "optimum_of_start",
    ),
    source="optimisation.nc",
    part="optimisation",
)

_MANY = 16
"""From so many starts on their lines are paler."""


def draw(optimisation: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``loss`` with its 95 % band, and ``gradient_norm``, against the step."""
    require(optimisation, "loss", "optimisation_loss", "optimisation.nc")
    shown = optimisation.isel(step=starts.shown_steps(optimisation))
    with style.style():
        figure = style.new_figure(3.9)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1.6, 1])
        _curves(top, shown, "loss")
        starts.loss_axis(top, "y", shown["loss"].values)
        top.set_ylabel(starts.loss_label(shown))
        _curves(bottom, shown, "gradient_norm")
        norm = shown["gradient_norm"].values
        if (norm[np.isfinite(norm)] > 0).any():
            bottom.set_yscale("log", nonpositive="mask")
        bottom.set(xlabel="step", ylabel="gradient norm")
        style.few_ticks(bottom, "x", 6)
        bottom.set_xlim(left=0)
        panels.key(figure, starts.legend_handles(shown))
    return figure, tidy(shown, ["loss", "loss_se", "gradient_norm"])


def _curves(ax: Axes, data: xr.Dataset, name: str) -> None:
    """One line a start, the worst first, so that the best lies in front."""
    best, bad = starts.best_start(data), starts.stopped(data)
    seeds = int(starts.block(data).get("seeds_per_step", 1000))
    ends, colours = starts.last_step(data), starts.colours(data)
    order = [start for start in starts.ranked(data)[::-1] if start != best]
    for start in [*order, best]:
        one = data.isel(start=start)
        step, value = one["step"].values, panels.finite(one[name].values)
        front = start == best
        look = {"color": colours[start], "zorder": 3 if front else 2}
        if name == "loss" and "loss_se" in one:
            half = starts.half_width(one["loss_se"].values, seeds)
            ax.fill_between(step, value - half, value + half, color=colours[start], lw=0,
                            alpha=0.3 if front else 0.12, zorder=look["zorder"])  # fmt: skip
        if front:
            ax.plot(step, value, lw=1.6, **look, path_effects=starts.outlined(1.6))
        else:
            ax.plot(step, value, lw=0.7, alpha=0.75 if len(order) < _MANY else 0.4, **look)
        if bad[start]:
            ax.plot(step[ends[start]], value[ends[start]], **panels.FLAG, zorder=4)
