"""How each parameter changes the noise, one panel an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import bars, few, style
from .entry import Entry
from .estimates import FLAGS, known
from .tables import ends_of, interval, tidy

ENTRY = Entry(
    place=55,
    title="Which parameters change the noise",
    reading="One panel an observable, at {{ when }}. A bar is the elasticity of the noise: at 0.5 the "
    "standard deviation between seeds grows by 0.5 % when the parameter grows by 1 %. A parameter may "
    "act on the noise alone and move no mean."
    "{% if noise_elasticity_low %} The whisker is the 95 % interval {{ over }}; where "
    "it holds zero, the bar is pale.{% else %} There is no interval, so that bars are pale.{% endif %}"
    " A red name with a cross: this gradient cannot be trusted.",
    variables=("noise_elasticity",),
    needs=("noise_elasticity",),
)

_NAME = "noise_elasticity"


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Bars of ``noise_elasticity`` at the stated time, the largest on top."""
    data = style.final(sensitivity[[n for n in (*interval(_NAME), *FLAGS) if n in sensitivity]])
    with style.style():
        figure = bars.by_observable(data, _panel, head=0.5)
        label = f"{known(data, _NAME).reading}, at {style.time_text(data)}"
        style.below(figure, label)
    return figure, tidy(data, interval(_NAME))


def _panel(ax: Axes, data: xr.Dataset) -> None:
    value = data[_NAME].values
    if not np.isfinite(value).any():
        style.empty(ax, "not defined:\nno spread between seeds")
        return
    order = few.rows(np.argsort(-np.nan_to_num(np.abs(value), nan=-1.0), kind="stable"))
    for place, i in enumerate(order):
        if not np.isfinite(value[i]):
            bars.not_defined(ax, place)
            continue
        ends = ends_of(data.isel(parameter=int(i)), _NAME)
        # Pale without an interval, too: then nothing tells it from zero.
        bars.signed(ax, place, value[i], ends or (0.0, 0.0))
        bars.interval_over(ax, place, ends)
    bars.name_rows(ax, data, order)
