"""Automatic gradients against finite differences under common random numbers."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from ..quantities import absent
from . import style
from .entry import Entry
from .numbers import plain
from .tables import column, require, tidy

ENTRY = Entry(
    place=120,
    title="Automatic gradients against finite differences",
    reading="Both under the same seeds. Left: magnitudes at {{ when }}, one point a (sample, seed, "
    "observable, parameter), on the line if they agree. Right: the largest disagreement over time as a "
    "share of the largest gradient; open circles are the estimated error of the finite difference "
    "itself. Exact agreement is left of the dotted line; what cannot be compared is counted above. "
    "{% if mode_difference %} Diamonds compare forward and reverse mode, for a random combination of "
    "all outputs.{% endif %}",
    variables=(
        "gradient",
        "finite_difference",
        "finite_difference_error",
        "relative_difference",
        "mode_difference",
    ),
    source="checks.nc",
    part="checks",
    needs=("relative_difference",),
)


_MOST_DOTS = 600
"""In a panel; those with the largest disagreement are always among them."""


def draw(checks: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Magnitudes against each other, and the relative difference of every parameter."""
    require(checks, "relative_difference", "numerical_checks")
    parameters = style.names(checks, "parameter")
    with style.style():
        height = max(2.7, 1.0 + 0.3 * len(parameters))
        if style.is_narrow():
            figure = style.new_figure(2.7 + height)
            left, right = figure.subplots(2, 1, height_ratios=[2.7, height])
        else:
            figure = style.new_figure(height)
            left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
        styles = style.line_styles(parameters)
        _magnitudes(left, style.final(checks), styles)
        _differences(right, checks)
    return figure, _table(checks)


def _magnitudes(ax: Axes, data: xr.Dataset, styles: dict[str, dict]) -> None:
    everything = np.abs(data[["gradient", "finite_difference"]].to_array().values)
    shown = everything[np.isfinite(everything) & (everything > 0)]
    if shown.size == 0:
        style.say(ax, "every gradient\nis zero")
        return
    for name, look in styles.items():
        pair = [
            np.abs(data[variable].sel(parameter=name).values.ravel())
            for variable in ("gradient", "finite_difference")
        ]
        kept = np.linspace(0, pair[0].size - 1, min(pair[0].size, _most(len(styles)))).astype(int)
        pair = [values[kept] for values in pair]
        ax.plot(*pair, "o", ms=2.8, mew=0, alpha=0.7, color=look["color"])
    limits = shown.min() / 2, shown.max() * 2
    ax.plot(limits, limits, color="black", lw=0.6, zorder=0)
    ax.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(numticks=6))
        axis.set_minor_locator(NullLocator())
    ax.set_box_aspect(1)
    ax.set_xlabel(f"|automatic gradient| at {style.time_text(data)}")
    ax.set_ylabel("|finite difference|")


def _most(n_parameters: int) -> int:
    """Dots of one parameter in a panel; more only make the file heavy."""
    return max(_MOST_DOTS // n_parameters, 16)


def _differences(ax: Axes, checks: xr.Dataset) -> None:
    difference, error = largest_over_time(checks)
    parameters = style.names(checks, "parameter")
    colours = style.line_styles(parameters)
    modes = _mode_differences(checks)
    both = np.concatenate([difference.values.ravel(), error.values.ravel(), modes])
    positive = both[np.isfinite(both) & (both > 0)]
    exact = positive.min() / 10 if positive.size else 1e-17  # a logarithmic axis has no zero
    for place, name in enumerate(parameters):
        for values, shift, look in (
            (error, 0.2, {"mfc": "none", "mec": "#9A9A9A", "mew": 0.6}),
            (difference, -0.12, {"color": colours[name]["color"], "mew": 0, "alpha": 0.75}),
        ):
            found = values.sel(parameter=name).values.ravel()
            found = np.maximum(found[np.isfinite(found)], exact)
            if found.size > (most := _most(len(parameters))):
                found = np.sort(found)[-most:]
            jitter = 0.08 * np.sin(np.arange(found.size) * 2.4)
            ax.plot(found, place + shift + jitter, "o", ms=2.8, **look)
    labels = [style.short_name(p, 15) for p in parameters]
    if modes.size:
        place = len(labels)
        ax.plot(np.maximum(modes, exact), np.full(modes.size, place), "D", ms=2.8, mew=0, color="black")
        ax.axhline(place - 0.5, color=style.LIGHT_GREY, lw=0.8)
        labels.append("forward against\nreverse mode")
    elif (reason := absent(checks).get("mode_difference")) is not None:
        place = len(labels)
        ax.axhline(place - 0.5, color=style.LIGHT_GREY, lw=0.8)
        text = "\n".join(textwrap.wrap(f"not compared: {reason}", 42))
        ax.text(
            0.02, place, text, transform=ax.get_yaxis_transform(), va="center", fontsize=style.size(-0.5)
        )
        labels.append("forward against\nreverse mode")
    if (both == 0).any():
        ax.axvline(exact * 3, color=style.GREY, lw=0.6, ls=":")
        ax.text(
            exact, len(labels) - 0.45, "exact", ha="center", fontsize=style.size(-0.5), color=style.GREY
        )
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(numticks=7))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.set_xlabel("difference / largest |gradient| over time")
    worst = float(np.nanmax(difference.values)) if difference.notnull().any() else np.nan
    lost = int(difference.isnull().sum())
    aside = f"; {lost} of {difference.size} not comparable" if lost else ""
    ax.set_title(f"worst disagreement: {plain(worst, 2)}{aside}")
    handles = [
        Line2D([], [], marker="o", ls="", ms=3, mew=0, color="black", label="disagreement"),
        Line2D([], [], marker="o", ls="", ms=3, mfc="none", mec="#9A9A9A",
               label="finite difference's own error"),
    ]  # fmt: skip
    ax.figure.legend(handles=handles, loc="outside upper right", ncols=2, fontsize=style.size(-0.5))


def _mode_differences(checks: xr.Dataset) -> np.ndarray:
    """Differences between forward and reverse mode, one a checked simulation, as far as known."""
    found = checks["mode_difference"].values.ravel() if "mode_difference" in checks else np.array([])
    return found[np.isfinite(found)]


def largest_over_time(checks: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Relative disagreement, and the finite difference's error on the same scale.

    NaN where the automatic gradient is zero at all times and the finite difference is not (usually
    its round-off): there is no scale to compare on.
    """
    scale = abs(checks["gradient"]).max("time")
    relative = checks["relative_difference"].max("time")
    error = checks["finite_difference_error"].max("time") / scale.where(scale > 0)
    return relative.where((scale > 0) | (relative == 0)), error


def _table(checks: xr.Dataset) -> pd.DataFrame:
    """Magnitudes at the stated time beside the largest differences over all times."""
    table = tidy(style.final(checks), ["gradient", "finite_difference"])
    difference, error = largest_over_time(checks)
    table["largest_relative_difference"] = column(table, difference)
    table["largest_relative_finite_difference_error"] = column(table, error)
    return table
