"""What explains the spread between seeds, one panel an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import bars, few, panels, style
from .entry import Entry
from .shares import LIMITS, share_axis, share_handles, share_row
from .tables import interval, tidy

ENTRY = Entry(
    place=56,
    title="What explains the spread between seeds",
    reading="One panel an observable, at {{ when }}: shares of how the variance between seeds varies "
    "over the design. The filled bar is the total Sobol index of a parameter (alone and with others), "
    "the outlined one the first-order index (alone)."
    "{% if noise_sobol_total_low %} Whiskers are 95 % intervals {{ over }}.{% endif %} An "
    "empty panel says why.",
    variables=("noise_sobol_total", "noise_sobol_first", "noise_expansion_q2"),
    needs=("noise_sobol_total",),
)

_TOTAL, _FIRST, _Q2 = "noise_sobol_total", "noise_sobol_first", "noise_expansion_q2"


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Total and first-order indices of the variance between seeds, at the stated time."""
    names = [n for one in (_TOTAL, _FIRST) for n in interval(one) if n in sensitivity]
    data = style.final(sensitivity[[*names, _Q2]])
    with style.style():
        figure = bars.by_observable(data, _panel, row=0.2, frame=0.6)
        label = (
            f"share of how the variance between seeds varies over the design, at {style.time_text(data)}"
        )
        style.below(figure, label)
        panels.key(figure, share_handles(data, (_TOTAL, _FIRST, None)))
    return figure, tidy(data, [*names])


def _panel(ax: Axes, data: xr.Dataset) -> None:
    total = data[_TOTAL].values
    if not np.isfinite(total).any():
        style.empty(ax, _why(float(data[_Q2])))
        return
    ax.set_xlim(LIMITS)
    order = few.rows(np.argsort(-total, kind="stable"))
    for place, i in enumerate(order):
        share_row(ax, data.isel(parameter=int(i)), place, (_TOTAL, _FIRST, None))
    share_axis(ax, [style.short_name(data["parameter"].values[i], 18) for i in order])


def _why(q2: float) -> str:
    if not np.isfinite(q2):
        return "the spread between seeds is\nthe same everywhere, as far\nas these seeds can tell"
    return "not told from noise, or not\npredicted by polynomials:\nmore seeds or samples"
