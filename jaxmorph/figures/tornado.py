"""Elasticities, one panel an observable, the parameter with the largest total effect on top."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import panels, style
from .entry import Entry
from .estimates import no_elasticities, unsuited
from .numbers import NOT_DEFINED
from .ranking import changes_sign, sizes
from .tables import column, interval, require, tidy

ENTRY = Entry(
    place=10,
    title="Direction and size of each effect",
    reading="One panel an observable; the parameter with the largest effect is on top"
    "{% if sobol_total or total_bound or sobol_first or sobol_first_given_data %}, judged by the "
    "variance that it is"
    " involved in: where the sign of an effect changes, its average may be small, and the effect is not"
    "{% endif %}. A bar is the"
    " elasticity at the last time, averaged over the samples of the design and over the "
    "seeds: an elasticity of 0.5 means that the observable grows by 0.5 % when the "
    "parameter grows by 1 % (a negative observable becomes more negative). "
    "{% if elasticity_average_low %} The black whisker is its 95 % interval"
    "{% if elasticity_average_se_samples %} over samples and seeds{% else %}, over seeds, of the "
    "average over these very samples{% endif %}; where it contains zero the bar is pale, for its "
    "sign is not established.{% endif %}"
    " A grey bar is the average of effects of both signs, and says neither direction nor size."
    " A red name with a cross says that this gradient cannot be trusted. The grey line "
    "spans the middle 80 % of the samples: it is not an uncertainty but says how much the "
    "elasticity varies over parameter space.",
    variables=(
        "elasticity_average",
        "elasticity_spread",
    ),
)

_NAME = "elasticity_average"
_MIXED = "#B9BDC1"

nothing = no_elasticities
CANCELS = "changes sign over the design:\nelasticities rank nothing"


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Bars of ``elasticity_average`` at the last time, the largest total effect on top."""
    require(sensitivity, _NAME, "tornado")
    data = style.final(sensitivity)
    cancelling = unsuited(sensitivity)
    observables, parameters = style.names(data, "observable"), style.names(data, "parameter")
    with style.style():
        n_columns = style.columns_for(len(observables), max(map(len, parameters)))
        n_rows = -(-len(observables) // n_columns)
        row = 0.27 if max(map(len, parameters)) > 14 else 0.19
        figure = style.new_figure(n_rows * (0.55 + row * len(parameters)) + 0.6)
        grid = figure.subplots(n_rows, n_columns, squeeze=False)
        for ax, observable in zip(grid.flat, observables, strict=False):
            if bool(cancelling.sel(observable=observable)):
                style.say(ax, CANCELS)
                ax.set_xticks([])
                ax.set_yticks([])
                ax.spines[:].set_visible(False)
            else:
                _panel(ax, data.sel(observable=observable))
            ax.set_title(style.words(observable))
        for ax in grid.flat[len(observables) :]:
            ax.remove()
        figure.supxlabel(
            f"elasticity at {style.time_text(data)} (% change of the observable per % change of "
            "the parameter)",
            fontsize=7.5,
        )
        _legend(figure, data)
    return figure, _table(data)


def _panel(ax: Axes, data: xr.Dataset) -> None:
    value = data[_NAME].values
    order, mixed = sizes(data, elasticities=True).order, changes_sign(data)
    for place, i in enumerate(order):
        one = data.isel(parameter=int(i))
        if not np.isfinite(value[i]):
            ax.text(0.5, place, NOT_DEFINED, transform=ax.get_yaxis_transform(), va="center",
                    ha="center", color=style.GREY)  # fmt: skip
            continue
        if value[i] == 0:
            ax.text(0, place, " exactly 0", va="center", color=style.GREY, fontsize=6.5)
            continue
        sure, ends = _evidence(one)
        colour = style.POSITIVE if value[i] > 0 else style.NEGATIVE
        if mixed[i]:
            colour, sure = _MIXED, True
        ax.barh(place, value[i], height=0.52, color=colour, alpha=1.0 if sure else 0.35)
        if "elasticity_spread" in one:
            low, high = one["elasticity_spread"].values[[0, -1]]
            ax.plot([low, high], [place + 0.36] * 2, color="#9A9A9A", lw=2, solid_capstyle="butt")
        if ends is not None:
            ax.plot(ends, [place, place], color="black", lw=0.9, marker="|", ms=4, mew=0.9)
    panels.name_bars(ax, data, order)


def _evidence(one: xr.Dataset) -> tuple[bool, tuple[float, float] | None]:
    """Whether the interval leaves zero out, and its ends (None without an interval)."""
    _, low, high = interval(_NAME)
    if low not in one:
        return True, None
    ends = float(one[low]), float(one[high])
    return ends[0] > 0 or ends[1] < 0, ends


def _legend(figure: Figure, data: xr.Dataset) -> None:
    handles: list[Patch | Line2D] = [
        Patch(color=style.POSITIVE, label="observable grows in size"),
        Patch(color=style.NEGATIVE, label="it shrinks"),
    ]
    if any(changes_sign(data.sel(observable=name)).any() for name in style.names(data, "observable")):
        handles.append(Patch(color=_MIXED, label="both, over the design"))
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
