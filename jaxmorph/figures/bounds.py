"""Upper bounds on total indices, beside these: what gradients prove, and whether it fits the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..quantities import Kind
from . import bars, panels, style
from .entry import Entry
from .estimates import FLAGS, best, known
from .ranking import sizes
from .tables import interval, tidy

ENTRY = Entry(
    place=125,
    title="Do the bounds from gradients hold?",
    reading="One panel an observable, at the last time. The pale bar is an upper bound on the total "
    "index, from gradients alone: a small one proves that the parameter hardly matters, one beyond 1 "
    "(cut, with an arrow) says nothing.{% if sobol_total %} The dot is the total index by another way: "
    "a bound clearly below it would say that gradients miss something.{% endif %}"
    "{% if total_bound_low or sobol_total_low %} Whiskers are 95 % intervals over samples and seeds."
    "{% endif %}",
    variables=("total_bound", "sobol_total"),
    part="checks",
    needs=("total_bound",),
)

_MOST = 1.1
_BOUND, _EDGE = "#CFE3F1", "#5B87A6"


def shown(sensitivity: xr.Dataset) -> list[str]:
    """The bound and, where there is one, the total index, with their intervals."""
    ranked = [best(sensitivity, kind) for kind in (Kind.BOUND, Kind.TOTAL)]
    return [n for one in ranked if one for n in interval(one) if n in sensitivity]


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Bounds as bars and total indices as dots, at the last time."""
    names = shown(sensitivity)
    data = style.final(sensitivity[[*names, *(n for n in FLAGS if n in sensitivity)]])
    with style.style():
        figure = bars.by_observable(data, _panel, row=0.2, frame=0.6)
        figure.supxlabel(f"share of variance at {style.time_text(data)}", fontsize=7.5)
        total = best(data, Kind.TOTAL)
        handles: list[Patch | Line2D] = [Patch(color=_BOUND, label="upper bound on the total index")]
        if total is not None:
            label = known(data, total).short
            handles.append(Line2D([], [], marker="o", ls="", ms=3.5, mew=0, color="black", label=label))
        if any(str(name).endswith("_low") for name in data.data_vars):
            line = Line2D([], [], color="black", lw=0.9, marker="|", ms=5, label="95 % interval")
            handles.append(line)
        if panels.any_flag(data):
            handles.append(panels.flag_handle())
        panels.key(figure, handles)
    return figure, tidy(data, names)


def _panel(ax: Axes, data: xr.Dataset) -> None:
    ax.set_xlim(0, _MOST)
    order = sizes(data, elasticities=False).order
    bound, total = (best(data, kind) for kind in (Kind.BOUND, Kind.TOTAL))
    for place, i in enumerate(order):
        one = data.isel(parameter=int(i))
        _bound(ax, one, str(bound), place)
        if total is not None and np.isfinite(one[total].item()):
            ax.plot(float(one[total]), place - 0.12, "o", ms=3.2, color="black", mew=0, clip_on=False)
            _interval(ax, one, total, place - 0.12, "black")
    ax.set_yticks(range(len(order)), [style.words(data["parameter"].values[i], 18) for i in order])
    panels.flag_labels(ax, panels.flags(data)[order])
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.axvline(0, color="black", lw=0.6)
    ax.axvline(1, color=style.GREY, lw=0.5, ls=":", zorder=0)


def _bound(ax: Axes, one: xr.Dataset, name: str, place: float) -> None:
    value = float(one[name])
    if np.isnan(value):
        bars.not_defined(ax, place)
        return
    ax.barh(place, min(value, _MOST), height=0.66, color=_BOUND)
    _interval(ax, one, name, place + 0.16, _EDGE)
    if value > _MOST:
        ax.plot(_MOST - 0.02, place + 0.16, ">", ms=3.5, color=_EDGE, mew=0)


def _interval(ax: Axes, one: xr.Dataset, name: str, place: float, colour: str) -> None:
    _, low, high = interval(name)
    if low in one:
        panels.whisker(ax, (float(one[low]), float(one[high])), place, ax.get_xlim(), color=colour)
