"""The leading global measure over time, one panel an observable, one line a parameter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import panels, style
from .entry import Entry
from .estimates import leading, one_time
from .tables import interval, tidy

ENTRY = Entry(
    place=70,
    title="When each parameter explains variance",
    reading="The most informative global measure that the design allows, against time, one line a "
    "parameter: the total Sobol index if there is one, else its upper bound from the gradients "
    "(above 1, outside the panel, it says nothing), else the activity score."
    "{% if bounded %} Bands are 95 % intervals.{% endif %}"
    " Grey: where the variance cannot be told from zero"
    "{% if expansion_q2 and not expansion_total %}, or polynomials do not predict samples that were "
    "left out{% endif %}.",
    variables=(
        "sobol_total",
        "total_bound",
        "activity_score",
    ),
    part="depth",
    needs=(
        "sobol_total",
        "total_bound",
        "activity_score",
    ),
)

nothing = one_time
_NO_VARIANCE = "its variance cannot\nbe told from zero"
_WITHHELD = "its variance cannot be told from\nzero, or polynomials do not predict it"


def _shade(ax: Axes, time: np.ndarray, told: np.ndarray) -> None:
    """Grey from the last time before a gap to the first one after it."""
    first = int(np.argmax(told))
    if time[first] - time[0] > 0.3 * (time[-1] - time[0]):
        ax.text((time[0] + time[first]) / 2, 0.5, "not told", ha="center", va="center", color=style.GREY)
    for i in map(int, np.flatnonzero(~told)):
        ax.axvspan(time[max(i - 1, 0)], time[min(i + 1, len(time) - 1)], color=style.LIGHT_GREY, lw=0,
                   zorder=0)  # fmt: skip


def shown(sensitivity: xr.Dataset) -> list[str]:
    """The leading measure, with the ends of its interval."""
    estimate = leading(sensitivity)
    return [n for n in interval(estimate.name) if n in sensitivity] if estimate else []


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Total Sobol index, or its bound, or the activity score, with its 95 % band against time."""
    estimate = leading(sensitivity)
    assert estimate is not None, "the catalogue says what this figure needs"
    styles = style.line_styles(style.names(sensitivity, "parameter"))

    def panel(ax: Axes, one: xr.Dataset) -> None:
        value = one[estimate.name].values
        if not np.isfinite(value).any():
            style.empty(ax, _WITHHELD if "expansion_q2" in one else _NO_VARIANCE)
            return
        ax.axhline(0, color=style.GREY, lw=0.6)
        _shade(ax, one["time"].values, np.isfinite(value).any(-1))
        flagged = panels.flags(one) if estimate.from_gradients else None
        panels.curves(ax, one, estimate.name, styles, flagged)
        if estimate.is_share:
            ax.axhline(1, color=style.GREY, lw=0.6, ls=":")
            ax.set_ylim(-0.04, 1.12)
            if np.isfinite(value[-1]).all() and value[-1].min() > 1.12:
                style.say(ax, "every bound is above 1:\nthey say nothing")

    with style.style():
        named = panels.in_front(sensitivity, estimate.name, styles)
        head = panels.legend_height(named)
        figure = panels.over_time(sensitivity, panel, style.words(estimate.label, 24), head)
        flagged = estimate.from_gradients and panels.any_flag(sensitivity)
        more = (panels.flag_handle(),) if flagged else ()
        panels.parameter_legend(figure, named, (*panels.others(sensitivity), *more))
    return figure, tidy(sensitivity, interval(estimate.name))
