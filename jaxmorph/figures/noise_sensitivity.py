"""How each parameter changes the noise, one panel an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import panels, style
from .entry import Entry
from .numbers import NOT_DEFINED
from .tables import interval, tidy

ENTRY = Entry(
    place=55,
    title="Which parameters change the noise",
    reading="One panel an observable, at the last time. A bar is the elasticity of the noise: 0.5 means "
    "that the standard deviation between seeds grows by 0.5 % when the parameter grows by 1 %. It "
    "follows from "
    "how values and gradients vary together from seed to seed. A parameter may act on the noise "
    "alone: it "
    "moves no mean, and still is not negligible."
    "{% if noise_elasticity_low %} The whisker is the 95 % interval over samples and seeds; where "
    "it holds zero, "
    "the bar is pale.{% endif %} A red name with a cross says that this gradient cannot be trusted.",
    variables=("noise_elasticity",),
    needs=("noise_elasticity",),
)

_NAME = "noise_elasticity"


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Bars of ``noise_elasticity`` at the last time, the largest on top."""
    flag = ("gradient_unreliable", "gradient_exploding")
    data = style.final(sensitivity[[n for n in (*interval(_NAME), *flag) if n in sensitivity]])
    observables, parameters = style.names(data, "observable"), style.names(data, "parameter")
    with style.style():
        n_columns = style.columns_for(len(observables), max(map(len, parameters)))
        n_rows = -(-len(observables) // n_columns)
        row = 0.27 if max(map(len, parameters)) > 14 else 0.19
        figure = style.new_figure(n_rows * (0.55 + row * len(parameters)) + 0.5)
        grid = figure.subplots(n_rows, n_columns, squeeze=False)
        for ax, observable in zip(grid.flat, observables, strict=False):
            _panel(ax, data.sel(observable=observable))
            ax.set_title(style.words(observable))
        for ax in grid.flat[len(observables) :]:
            ax.remove()
        label = "% change of the standard deviation between seeds per % change of the parameter"
        figure.supxlabel(f"{label}, at {style.time_text(data)}", fontsize=7.5)
    return figure, tidy(data, interval(_NAME))


def _panel(ax: Axes, data: xr.Dataset) -> None:
    value = data[_NAME].values
    order = np.argsort(-np.nan_to_num(np.abs(value), nan=-1.0), kind="stable")
    _, low, high = interval(_NAME)
    for place, i in enumerate(order):
        one = data.isel(parameter=int(i))
        if not np.isfinite(value[i]):
            ax.text(0.5, place, NOT_DEFINED, transform=ax.get_yaxis_transform(), va="center",
                    ha="center", color=style.GREY)  # fmt: skip
            continue
        ends = (float(one[low]), float(one[high])) if low in one else None
        sure = ends is None or ends[0] > 0 or ends[1] < 0
        colour = style.POSITIVE if value[i] > 0 else style.NEGATIVE
        ax.barh(place, value[i], height=0.52, color=colour, alpha=1.0 if sure else 0.35)
        if ends is not None:
            ax.plot(ends, [place, place], color="black", lw=0.9, marker="|", ms=4, mew=0.9)
    panels.name_bars(ax, data, order)
