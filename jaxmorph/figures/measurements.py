"""Which records to measure: what the best ones tell together, and where they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..quantities import unit_of_entry
from . import panels, style
from .entry import Entry
from .numbers import short
from .tables import interval

ENTRY = Entry(
    place=115,
    title="What to measure, and when",
    reading="Records of one experiment with the noise of one simulation, the one that adds most first. "
    "A bar is the share of what all records would tell that the records down to this row tell together. "
    "D-optimal: the volume in which the parameters may be is small; A-optimal: the sum of their "
    "variances is; both beside what the ranges of the design say already. Whiskers are 95 % intervals "
    "{{ over }}; the diamond is what records that one half of the samples chose tell at the other half. "
    "Below: where they are, by their ranks in these colours; in the last row times at which all "
    "observables are measured (D-optimal).",
    variables=(
        "d_optimal_time",
        "d_optimal_observable",
        "d_optimal_share",
        "d_optimal_share_left_out",
        "a_optimal_time",
        "a_optimal_observable",
        "a_optimal_share",
        "a_optimal_share_left_out",
        "d_optimal_moment_time",
        "d_optimal_moment_share",
        "d_optimal_moment_share_left_out",
    ),
    part="depth",
    needs=("d_optimal_share",),
)

_CHOICES = {"d_optimal": "D-optimal", "a_optimal": "A-optimal"}
_MOMENT = "d_optimal_moment"
_COLOURS = {"d_optimal": style.DARK, "a_optimal": style.GREY, _MOMENT: style.DARK}
_LIMITS = (0.0, 1.05)


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Shares by rank, and the places of the records."""
    names = [n for name in ENTRY.variables for n in interval(name) if n in sensitivity]
    data = sensitivity[[*names, "time"]]
    # Records are chosen among those of all observables, whichever are shown.
    chosen = [
        str(one)
        for kind in _CHOICES
        for one in data[f"{kind}_observable"].values[np.isfinite(data[f"{kind}_time"].values)]
    ]
    observables = list(dict.fromkeys([*style.names(sensitivity, "observable"), *chosen]))
    ranks = max(int(np.isfinite(data[f"{name}_share"]).sum()) for name in _CHOICES)
    with style.style():
        shares, below = 0.65 + 0.165 * ranks, 0.75 + 0.2 * (len(observables) + 1)
        stack = (2, 1) if style.is_narrow() else (1, 2)
        shares *= stack[0]
        figure = style.new_figure(shares + below)
        stacked = figure.subfigures(2, 1, squeeze=False, height_ratios=[shares, below])
        top, bottom = stacked[:, 0]
        for ax, (name, title) in zip(top.subplots(*stack), _CHOICES.items(), strict=True):
            _shares(ax, data, name)
            ax.set_title(title, color=_COLOURS[name])
        top.supxlabel("share of what all records tell, with those above")
        _places(bottom.subplots(), data, observables)
    return figure, _table(data)


def _label(data: xr.Dataset, name: str, i: int) -> str:
    one = data.isel(record=i)
    time = short(float(f"{float(one[f'{name}_time']):.4g}"))
    unit = unit_of_entry(data["time"])
    at = time if unit in ("", "1") else f"{time} {unit}"
    return f"{i + 1}  {style.short_name(str(one[f'{name}_observable'].item()))}, {at}"


def _shares(ax: Axes, data: xr.Dataset, name: str) -> None:
    value, low, high = (data[end].values for end in interval(f"{name}_share"))
    other = data[f"{name}_share_left_out"].values
    n = int(np.isfinite(value).sum())
    ax.barh(range(n), value[:n], height=0.6, color=_COLOURS[name], alpha=0.75)
    for i in range(n):
        panels.whisker(ax, (float(low[i]), float(high[i])), i, _LIMITS)
    ax.plot(other[:n], range(n), "D", ms=3, mfc="white", mec="black", mew=0.6, ls="none")
    ax.set_yticks(range(n), [_label(data, name, i) for i in range(n)])
    ax.set_ylim(n - 0.4, -0.6)
    ax.set_xlim(_LIMITS)
    ax.set_xticks([0, 0.5, 0.9, 1], ["0", "0.5", "0.9", "1"])
    ax.axvline(0.9, color=style.GREY, lw=0.5, ls=":")
    ax.tick_params(axis="y", length=0)


def _places(ax: Axes, data: xr.Dataset, observables: list[str]) -> None:
    """Ranks at their times and observables: D above, A below the line of an observable."""
    time = data["time"].values
    rows = [*map(style.short_name, observables), "all at once"]
    for row in range(len(rows)):
        ax.axhline(row, color=style.LIGHT_GREY, lw=0.8, zorder=0)
    for name, shift in (("d_optimal", -0.22), ("a_optimal", 0.22), (_MOMENT, 0.0)):
        at = data[f"{name}_time"].values
        for i in np.flatnonzero(np.isfinite(at)):
            row = len(observables)
            if name != _MOMENT:
                row = observables.index(str(data[f"{name}_observable"].values[i]))
            ax.text(at[i], row + shift, str(i + 1), ha="center", va="center", fontsize=style.size(-0.5),
                    color=_COLOURS[name])  # fmt: skip
    margin = 0.03 * (time[-1] - time[0]) or 1.0
    ax.set_xlim(time[0] - margin, time[-1] + margin)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(style.time_label(data))


def _table(data: xr.Dataset) -> pd.DataFrame:
    """One row a rank."""
    names = [str(n) for n in data.data_vars]
    return (
        data[names].drop_vars("time", errors="ignore").to_dataframe().reset_index()[["record", *names]]
    )
