"""Elasticities, one panel an observable, the parameter with the largest total effect on top."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import bars, few, panels, style
from .entry import Entry
from .estimates import known, no_elasticities, unsuited
from .ranking import changes_sign, sizes
from .tables import column, ends_of, interval, require, tidy

ENTRY = Entry(
    place=10,
    title="Direction and size of each effect",
    reading="One panel an observable; the parameter with the largest effect is on top"
    "{% if sobol_total or total_bound or sobol_first or sobol_first_given_data %}, judged by the "
    "variance that it is involved in{% endif %}. A bar is the elasticity at {{ when }}, averaged over "
    "the samples of the design{% if mean_se %} and over the seeds{% endif %}: at 0.5 the observable "
    "grows by 0.5 % when the parameter grows by 1 % (a negative observable becomes more negative). "
    "{% if elasticity_average_low %} The whisker is its 95 % interval"
    "{% if elasticity_average_se_samples %} {{ over }}{% else %}, over seeds, of the "
    "average over these very samples{% endif %}; where it contains zero the bar is pale."
    "{% endif %} A hatched bar is the average of effects of both signs, and says neither direction nor "
    "size. A red name with a cross: this gradient cannot be trusted. The grey line spans the middle "
    "80 % of the samples: how much the elasticity varies over parameter space, not an uncertainty.",
    variables=(
        "elasticity_average",
        "elasticity_spread",
    ),
)

_NAME = "elasticity_average"

nothing = no_elasticities
CANCELS = "changes sign over the design:\nelasticities rank nothing"


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Bars of ``elasticity_average`` at the stated time, the largest total effect on top."""
    require(sensitivity, _NAME, "tornado")
    data = style.final(sensitivity)
    cancelling = unsuited(sensitivity)

    def panel(ax: Axes, one: xr.Dataset) -> None:
        if bool(cancelling.sel(observable=one["observable"].item())):
            style.empty(ax, CANCELS)
        else:
            _panel(ax, one)

    with style.style():
        figure = bars.by_observable(data, panel)
        label = f"elasticity at {style.time_text(data)} ({known(data, _NAME).reading})"
        style.below(figure, label)
        _legend(figure, data)
    return figure, _table(data)


def _panel(ax: Axes, data: xr.Dataset) -> None:
    value = data[_NAME].values
    order, mixed = few.rows(sizes(data, elasticities=True).order), changes_sign(data)
    for place, i in enumerate(order):
        one = data.isel(parameter=int(i))
        if not np.isfinite(value[i]):
            bars.not_defined(ax, place)
            continue
        if value[i] == 0:
            ax.text(0, place, " exactly 0", va="center", color=style.GREY, fontsize=style.size(-1))
            continue
        ends = ends_of(one, _NAME)
        bars.signed(ax, place, value[i], ends, mixed=bool(mixed[i]))
        if "elasticity_spread" in one:
            low, high = one["elasticity_spread"].values[[0, -1]]
            ax.plot([low, high], [place + 0.36] * 2, color="#9A9A9A", lw=2, solid_capstyle="butt")
        bars.interval_over(ax, place, ends)
    bars.name_rows(ax, data, order)


def _legend(figure: Figure, data: xr.Dataset) -> None:
    handles: list[Patch | Line2D] = [
        Patch(color=style.POSITIVE, label="observable grows in size"),
        Patch(color=style.NEGATIVE, label="it shrinks"),
    ]
    if any(changes_sign(data.sel(observable=name)).any() for name in style.names(data, "observable")):
        handles.append(Patch(**style.MIXED, label="both, over the design"))
    if f"{_NAME}_low" in data:
        handles += [
            Patch(color=style.GREY, alpha=0.35, label="pale: sign not established"),
            Line2D([], [], color="black", lw=0.9, marker="|", ms=5, label="95 % interval"),
        ]
    if "elasticity_spread" in data:
        handles.append(Line2D([], [], color="#9A9A9A", lw=2, label="10 to 90 % of samples"))
    if panels.any_flag(data):
        handles.append(panels.flag_handle())
    panels.key(figure, handles)


def _table(data: xr.Dataset) -> pd.DataFrame:
    table = tidy(data.drop_vars("quantile", errors="ignore"), interval(_NAME))
    if "elasticity_spread" in data:
        for name, place in (("elasticity_spread_10", 0), ("elasticity_spread_90", -1)):
            one = data["elasticity_spread"].isel(quantile=place, drop=True)
            table[name] = column(table, one)
    return table
