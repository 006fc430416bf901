"""Bars of one estimate, those of all runs beside each other, one panel an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import bars, few, panels, style
from ..numbers import NOT_DEFINED
from ..tables import ends_of, interval, tidy
from ..tornado import CANCELS
from .looks import handles, looks

_GROUP = 0.8
"""Height of the bars of a parameter, of which a row is 1."""


def beside(
    comparison: xr.Dataset, name: str, unsuited: xr.DataArray | None = None
) -> tuple[Figure, pd.DataFrame]:
    """The estimate ``name`` at the last time.

    Args:
        comparison: Of several runs.
        name: Of the estimate.
        unsuited: Observables of which it says nothing (observable).
    """
    data, look = style.final(comparison), looks(comparison)
    runs = style.names(data, "run")

    def nothing(ax: Axes, why: str) -> None:
        style.say(ax, why)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)

    def panel(ax: Axes, one: xr.Dataset) -> None:
        observable = str(one["observable"].item())
        if unsuited is not None and bool(unsuited.sel(observable=observable)):
            nothing(ax, CANCELS)
            return
        if bool(one[name].isnull().all()):
            nothing(ax, NOT_DEFINED)
            return
        largest = abs(one[name]).max("run").fillna(-1).values
        order = few.rows(np.argsort(-largest, kind="stable"))
        height = _GROUP / len(runs)
        for place, i in enumerate(order):
            for j, run in enumerate(runs):
                at = one.isel(parameter=int(i)).sel(run=run)
                middle = place + (j - (len(runs) - 1) / 2) * height
                value = float(at[name])
                if not np.isfinite(value):
                    continue
                ax.barh(middle, value, height=0.9 * height, color=look[run]["color"])
                ends = ends_of(at, name)
                if ends is not None and np.isfinite(ends).all():
                    ax.plot(ends, [middle, middle], color="black", lw=0.8, marker="|", ms=3, mew=0.8)
        bars.name_rows(ax, one, order)

    with style.style():
        row = 0.1 + 0.11 * len(runs)
        figure = bars.by_observable(data, panel, row=row)
        panels.key(figure, [*handles(comparison)])
    return figure, tidy(data, interval(name))
