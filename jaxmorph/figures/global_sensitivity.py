"""What explains the variance: indices, bounds and noise, one panel an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..quantities import Kind
from . import bars, few, panels, style
from .entry import Entry
from .estimates import FLAGS, best, present
from .numbers import NOT_DEFINED
from .ranking import sizes
from .shares import share_axis, share_handles, share_interval, share_limits, share_row
from .tables import column, interval, tidy

ENTRY = Entry(
    place=5,
    title="What explains the variance",
    reading="One panel an observable, at {{ when }}."
    "{% if noise_share %} The grey bar is the share of the whole variance that is noise "
    "between seeds (its axis is above it); the other rows divide what is left.{% endif %}"
    "{% if sobol_total %} The filled bar is the total Sobol index (alone and with "
    "others).{% endif %}"
    "{% if kucherenko_first %} Parameters are correlated: the filled bar is the Shapley effect, which "
    "divides what they share; they add up to 1.{% endif %}"
    "{% if sobol_first or sobol_first_given_data or kucherenko_first %} The outlined bar is the "
    "first-order index ({% if kucherenko_first %}with what the parameter says of the others"
    "{% else %}alone{% endif %}).{% endif %}"
    "{% if expansion_q2 and sobol_total and not expansion_total %} Both are of an expansion in "
    "polynomials.{% endif %}"
    "{% if total_bound %} Where there is no total index, the pale bar is an upper bound on it, from the "
    "gradients; one beyond 1 (cut, with an arrow) says nothing.{% endif %}"
    "{% if total_lower_bound and not sobol_total %} The darker part of it is a lower bound, from the "
    "same gradients: the total index is between the two.{% endif %}"
    "{% if total_bound_low or sobol_total_low or shapley_low %} Whiskers are 95 % intervals "
    "{{ over }}.{% endif %}",
    variables=(
        "noise_share",
        "sobol_total",
        "sobol_first",
        "sobol_first_given_data",
        "shapley",
        "kucherenko_first",
        "total_bound",
        "expansion_q2",
        "total_lower_bound",
    ),
    needs=(
        "sobol_total",
        "sobol_first",
        "kucherenko_first",
        "sobol_first_given_data",
        "total_bound",
    ),
)

_SHARES = (Kind.TOTAL, Kind.FIRST, Kind.BOUND, Kind.LOWER_BOUND)
_OF_CORRELATED = {Kind.TOTAL: "shapley", Kind.FIRST: "kucherenko_first"}
"""What stands for them where parameters are correlated: no index of one is a part of a sum."""


def shown(sensitivity: xr.Dataset) -> list[str]:
    """What parameters are ranked by, of each kind of share, and the noise; with their intervals."""
    ranked = [one.name for one in present(sensitivity, *_SHARES) if one.ranks]
    if _is_correlated(sensitivity):
        ranked += _OF_CORRELATED.values()
    names = [n for one in ("noise_share", *ranked) for n in interval(one)]
    return [n for n in (*names, "expansion_q2") if n in sensitivity]


def _is_correlated(data: xr.Dataset) -> bool:
    return _OF_CORRELATED[Kind.FIRST] in data


def _estimates(data: xr.Dataset) -> tuple[str | None, ...]:
    """Names of a total and a first-order index and, without the first, of both bounds."""
    found = {kind: best(data, kind) for kind in _SHARES}
    if _is_correlated(data):
        found |= _OF_CORRELATED
    if found[Kind.TOTAL] is not None:
        found |= {Kind.BOUND: None, Kind.LOWER_BOUND: None}
    return tuple(found.values())


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """A total index, its bound, a first-order index and ``noise_share`` at the stated time."""
    data = style.final(sensitivity[[*shown(sensitivity), *(n for n in FLAGS if n in sensitivity)]])
    limits = _limits(data)

    def panel(ax: Axes, one: xr.Dataset) -> None:
        ax.set_xlim(limits)
        _panel(ax, one)

    with style.style():
        figure = bars.by_observable(
            data, panel, row=0.2, frame=0.85 if "noise_share" in data else 0.6, further_rows=1
        )
        aside = " without noise" if "noise_share" in data else ""
        style.below(figure, f"share of the variance{aside} at {style.time_text(data)}")
        _legend(figure, data)
    return figure, _table(data)


def _limits(data: xr.Dataset) -> tuple[float, float]:
    kinds = (Kind.TOTAL, Kind.FIRST, Kind.SHAPLEY)
    return share_limits([data[one.name].values for one in present(data, *kinds)])


def _panel(ax: Axes, data: xr.Dataset) -> None:
    # What is withheld of one observable is taken from the next best estimate.
    there = data[[name for name, one in data.data_vars.items() if bool(one.notnull().any())]]
    ranked = _estimates(there)
    order = sizes(data, elasticities=False).order
    if _is_correlated(there):
        order = np.argsort(-data[_OF_CORRELATED[Kind.TOTAL]].values, kind="stable")
    order = few.rows(order)
    names = [style.short_name(data["parameter"].values[i], 18) for i in order]
    has_noise = "noise_share" in data
    if has_noise:
        _noise(ax, data)
        ax.axhline(0.5, color=style.LIGHT_GREY, lw=0.8)
    for place, i in enumerate(order, start=int(has_noise)):
        share_row(ax, data.isel(parameter=int(i)), place, ranked)
    labels = (["noise"] if has_noise else []) + names
    share_axis(ax, labels)
    bad = panels.flags(data)[order] & (ranked[2] is not None)
    panels.flag_labels(ax, np.concatenate([[False], bad]) if has_noise else bad)
    if ranked[0] is None and "expansion_q2" in there:
        why = f"expansion withheld (Q² {float(there['expansion_q2']):.2f})"
        ax.set_xlabel(why, fontsize=style.size(-1), color=style.GREY)


def _noise(ax: Axes, data: xr.Dataset) -> None:
    # It is a share of another whole, which has an axis of its own above its row.
    axis = ax.secondary_xaxis("top")
    axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axis.set_xlabel("of the whole variance", size=style.size(-1), color=style.GREY, labelpad=2)
    axis.tick_params(colors=style.GREY, labelsize=style.size(-1), pad=0.5, length=2)
    axis.spines["top"].set_color(style.GREY)
    share = float(data["noise_share"])
    if not np.isfinite(share):
        ax.text(0.5, 0, NOT_DEFINED, va="center", ha="center", color=style.GREY)
        return
    ax.barh(0, share, height=0.6, color=style.NOISE)
    share_interval(ax, data, "noise_share", 0)


def _legend(figure: Figure, data: xr.Dataset) -> None:
    each = [
        _estimates(one[[name for name, x in one.data_vars.items() if bool(x.notnull().any())]])
        for _, one in data.groupby("observable", squeeze=False)
    ]
    names = [next((n for n in found if n), None) for found in zip(*each, strict=True)]
    handles = share_handles(data, names)
    if "noise_share" in data:
        handles.insert(sum(name is not None for name in names),
                       Patch(color=style.NOISE, label="noise"))  # fmt: skip
    if panels.any_flag(data) and names[2] is not None:
        handles.append(panels.flag_handle())
    panels.key(figure, handles)


def _table(data: xr.Dataset) -> pd.DataFrame:
    shares = interval("noise_share")
    table = tidy(data, [str(n) for n in data.data_vars if str(n) not in shares])
    for name in shares:
        if name in data:
            table[name] = column(table, data[name])
    return table
