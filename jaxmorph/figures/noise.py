"""The share of the variance that is noise, over time, one panel an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import panels, style
from .entry import Entry
from .numbers import plain, short
from .tables import interval, tidy

ENTRY = Entry(
    place=50,
    title="How much of the variance is noise",
    reading="The line is the share of the variance that lies between seeds at the same "
    "parameters, at each time; what is above it comes from the parameters. "
    "{% if noise_share_low %} The band is its 95 % interval.{% endif %}"
    " Where nearly all is noise, a single simulation says little about parameters, although"
    " means over seeds may.",
    variables=("noise_share",),
    needs=("noise_share",),
)

_NAME = "noise_share"


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``noise_share`` with its 95 % band; one row an observable where only one time is recorded."""
    data = sensitivity[[name for name in interval(_NAME) if name in sensitivity]]
    with style.style():
        figure = _rows(data) if data.sizes["time"] == 1 else _areas(data)
    return figure, tidy(data, interval(_NAME))


def _areas(data: xr.Dataset) -> Figure:
    return panels.over_time(data, _area, "share of noise\nin the variance", head=0.3)


def _area(ax: Axes, one: xr.Dataset) -> None:
    time, share = one["time"].values, panels.finite(one[_NAME].values)
    _, low, high = interval(_NAME)
    if low in one:
        ends = (np.clip(panels.finite(one[end].values), 0, 1) for end in (low, high))
        ax.fill_between(time, *ends, color=style.NOISE, alpha=0.6, lw=0)
    alone = np.isfinite(share).sum() == 1
    ax.plot(time, share, color="black", marker="o" if alone else "", ms=3.5, clip_on=False)
    ax.set_ylim(0, 1)
    ax.set_xlim(time[0], time[-1])
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    if np.isfinite(share[-1]):
        ax.annotate(f"{100 * share[-1]:.0f} %", (time[-1], share[-1]), (3, 0), va="center",
                    textcoords="offset points", size=style.size(-0.5))  # fmt: skip
    if not np.isfinite(share).any():
        style.say(ax, "its variance is zero")
    style.few_ticks(ax, "x", 4)


def _rows(data: xr.Dataset) -> Figure:
    last = style.final(data)
    observables = style.names(last, "observable")
    figure = style.new_figure(0.6 + 0.24 * len(observables), width=5.0)
    ax = figure.subplots()
    _, low, high = interval(_NAME)
    for place, observable in enumerate(observables):
        one = last.sel(observable=observable)
        share = float(one[_NAME])
        ax.barh(place, share if np.isfinite(share) else 0.0, height=0.55, color=style.NOISE)
        if low in one:
            panels.whisker(ax, (float(one[low]), float(one[high])), place, (0.0, 1.0))
        text = plain(share, 2) if np.isfinite(share) else "its variance is zero"
        ax.text(1.03, place, text, va="center", color=style.GREY)
    ax.set_yticks(range(len(observables)), [style.short_name(o, 22) for o in observables])
    ax.set_ylim(len(observables) - 0.4, -0.6)
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(lambda x, _: short(x))
    ax.set_xlabel(f"share of the variance that is noise, at {style.time_text(last)}")
    return figure
