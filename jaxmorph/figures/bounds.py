"""Upper bounds on total indices, beside these: what gradients prove, and whether it fits the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..quantities import Kind
from . import bars, few, panels, style
from .entry import Entry
from .estimates import FLAGS, best, known
from .ranking import sizes
from .shares import LIMITS, share_axis, share_bound, share_handles, share_interval
from .tables import interval, tidy

ENTRY = Entry(
    place=125,
    title="Do the bounds from gradients hold?",
    reading="One panel an observable, at {{ when }}. The pale bar is an upper bound on the total "
    "index, from gradients alone: a small one proves that the parameter hardly matters, one beyond 1 "
    "(cut, with an arrow) says nothing.{% if sobol_total %} The dot is the total index by another way: "
    "a bound clearly below it would say that gradients miss something.{% endif %}"
    "{% if total_bound_low or sobol_total_low %} Whiskers are 95 % intervals {{ over }}."
    "{% endif %}",
    variables=("total_bound", "sobol_total"),
    part="checks",
    needs=("total_bound",),
)


def shown(sensitivity: xr.Dataset) -> list[str]:
    """The bound and, where there is one, the total index, with their intervals."""
    ranked = [best(sensitivity, kind) for kind in (Kind.BOUND, Kind.TOTAL)]
    return [n for one in ranked if one for n in interval(one) if n in sensitivity]


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Bounds as bars and total indices as dots, at the stated time."""
    names = shown(sensitivity)
    data = style.final(sensitivity[[*names, *(n for n in FLAGS if n in sensitivity)]])
    with style.style():
        figure = bars.by_observable(data, _panel, row=0.2, frame=0.6)
        style.below(figure, f"share of variance at {style.time_text(data)}")
        total = best(data, Kind.TOTAL)
        handles = share_handles(data, (None, None, best(data, Kind.BOUND)))
        if total is not None:
            label = known(data, total).short
            dot = Line2D([], [], marker="o", ls="", ms=3.5, mew=0, color="black", label=label)
            handles.insert(1, dot)
        if panels.any_flag(data):
            handles.append(panels.flag_handle())
        panels.key(figure, handles)
    return figure, tidy(data, names)


def _panel(ax: Axes, data: xr.Dataset) -> None:
    ax.set_xlim(LIMITS)
    order = few.rows(sizes(data, elasticities=False).order)
    bound, total = (best(data, kind) for kind in (Kind.BOUND, Kind.TOTAL))
    for place, i in enumerate(order):
        one = data.isel(parameter=int(i))
        if np.isnan(one[bound].item()):
            bars.not_defined(ax, place)
        else:
            share_bound(ax, one, str(bound), place)
        if total is not None and np.isfinite(one[total].item()):
            ax.plot(float(one[total]), place - 0.12, "o", ms=3.2, color="black", mew=0, clip_on=False)
            share_interval(ax, one, total, place - 0.12, color="black")
    share_axis(ax, [style.short_name(data["parameter"].values[i], 18) for i in order])
    panels.flag_labels(ax, panels.flags(data)[order])
