"""What groups of parameters explain, one panel an observable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import bars, few, panels, style
from .entry import Entry
from .shares import share_axis, share_handles, share_limits, share_row
from .tables import interval, tidy

ENTRY = Entry(
    place=32,
    title="What groups of parameters explain",
    reading="One panel an observable, at {{ when }}; parameters that no group names stand alone."
    "{% if sobol_total_of_group %} A filled bar is the total Sobol index: what parameters of a group "
    "explain, alone and with all others. The outlined bar is the closed index: what they explain "
    "without the others. Where both agree, a group acts by itself.{% endif %}"
    "{% if total_bound_of_group %} The pale bar is an upper bound on the total index, the sum of those "
    "of the parameters.{% endif %}"
    "{% if morris_mu_star_of_group %} A bar is the mean size of what a step of all parameters of the "
    "group at once does, each up or down.{% endif %}",
    variables=(
        "sobol_total_of_group",
        "sobol_closed",
        "total_bound_of_group",
        "morris_mu_star_of_group",
    ),
    needs=(
        "sobol_total_of_group",
        "total_bound_of_group",
        "morris_mu_star_of_group",
        "sobol_closed",
    ),
)

_SHARES = ("sobol_total_of_group", "sobol_closed", "total_bound_of_group")
_EFFECT = "morris_mu_star_of_group"


def shown(sensitivity: xr.Dataset) -> list[str]:
    """Shares of variance with their intervals; where there are none, sizes of effects."""
    shares = [name for name in _SHARES if name in sensitivity]
    return [n for one in shares or [_EFFECT] for n in interval(one) if n in sensitivity]


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Indices of groups, or effects, at the stated time."""
    data = style.final(sensitivity[shown(sensitivity)])
    # Rows are groups where those of other figures are parameters.
    rows = data.drop_vars("parameter_group", errors="ignore").rename(group="parameter")
    names = [name if name in data else None for name in _SHARES]
    shares = any(name is not None for name in names)
    limits = share_limits([data[name].values for name in names[:2] if name is not None])

    def panel(ax: Axes, one: xr.Dataset) -> None:
        there = [n if n is not None and bool(one[n].notnull().any()) else None for n in names]
        order = few.rows(_order(one, [n for n in there if n is not None] if shares else [_EFFECT]))
        labels = [style.short_name(one["parameter"].values[i], 18) for i in order]
        if shares:
            ax.set_xlim(limits)
        for place, i in enumerate(order):
            row = one.isel(parameter=int(i))
            if shares:
                share_row(ax, row, place, there)
            else:
                _effect(ax, row, place)
        if shares:
            share_axis(ax, labels)
        else:
            bars.name_rows(ax, one, order)

    with style.style():
        figure = bars.by_observable(rows, panel, row=0.2, frame=0.6)
        time = style.time_text(data)
        what = "share of variance" if shares else "mean size of the effect (\N{GREEK SMALL LETTER MU}*)"
        style.below(figure, f"{what} at {time}")
        panels.key(figure, share_handles(data, names))
    return figure, tidy(data, shown(sensitivity))


def _order(one: xr.Dataset, names: Sequence[str]) -> np.ndarray:
    """Numbers of the groups, the largest first, by the first of these."""
    if not names:
        return np.arange(one.sizes["parameter"])
    return np.argsort(-np.nan_to_num(one[names[0]].values), kind="stable")


def _effect(ax: Axes, one: xr.Dataset, place: int) -> None:
    value = float(one[_EFFECT])
    if not np.isfinite(value):
        bars.not_defined(ax, place)
        return
    _, low, high = interval(_EFFECT)
    ends = (float(one[low]), float(one[high])) if low in one else None
    bars.signed(ax, place, value, ends)
    bars.interval_over(ax, place, ends)
