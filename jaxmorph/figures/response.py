"""Observables along one line a parameter, with the gradient at every point drawn as a tangent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import panels, style
from .entry import Entry
from .tables import column, require, tidy

ENTRY = Entry(
    place=80,
    title="Observables along lines through the centre, with tangents",
    reading="One parameter varies over its distribution, all others stay at the central sample of the "
    "design. A dot is an observable at {{ when }}, averaged over seeds (grey: two standard "
    "errors); all dots have the same seeds. The coloured line through it has the slope of the gradient"
    " there. Where gradients see everything, tangents lead from dot to dot. A red cross: the curve"
    " changes where the gradient says that it does not, and not because dots are far apart: a "
    "dotted line shows one such jump, in an interval a thousand times as short as between dots. A "
    "question mark: slopes are too steep or too wild to tell.",
    variables=(
        "line_parameter",
        "line_mean",
        "line_mean_se",
        "line_gradient",
        "line_gradient_se",
        "line_missing",
        "line_missing_error",
        "line_incomplete",
        "line_unresolved",
        "jump_size",
        "jump_from",
        "jump_to",
    ),
    source="checks.nc",
    part="depth",
)

_HALF_LENGTH = 0.07
"""Half of a tangent's length, as a share of the panel."""


def draw(checks: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``line_mean`` at the stated time against ``line_parameter``, slopes from ``line_gradient``."""
    require(checks, "line_mean", "response", "checks.nc")
    data = style.final(checks)
    observables, parameters = style.names(data, "observable"), style.names(data, "parameter")
    logarithmic, styles = style.logarithmic(data), style.line_styles(parameters)
    with style.style():
        figure, axes = style.panel_grid(observables, parameters, 0.95, sharex="col", sharey="row")
        for (observable, parameter), ax in axes.items():
            one = data.sel(observable=observable, parameter=parameter)
            _panel(ax, one, logarithmic[parameter], styles[parameter]["color"])
        figure.supxlabel(f"{style.time_text(data)}; value of the parameter", fontsize=7.5)
        if bool(data["line_incomplete"].any()):
            handles: list[Patch | Line2D] = [
                Line2D([], [], color=style.GREY, label="gradient"),
                Line2D([], [], label="what it misses", **panels.FLAG),
            ]
            panels.key(figure, handles)
    return figure, _table(data)


def _panel(ax: Axes, one: xr.Dataset, logarithmic: bool, colour: str) -> None:
    x, y = one["line_parameter"].values, one["line_mean"].values
    slope, error = one["line_gradient"].values, one["line_mean_se"].values
    usable = np.isfinite(x) & np.isfinite(y) & np.isfinite(slope)
    if not usable.any():
        style.say(ax, "no finite value")
        return
    x, y, slope, error = x[usable], y[usable], slope[usable], error[usable]
    around = 2 * np.nan_to_num(error)
    ax.fill_between(x, y - around, y + around, color=style.LIGHT_GREY, lw=0)
    ax.plot(x, y, color=style.GREY, lw=0.5)
    ax.plot(*_tangents(x, y, slope, logarithmic), color=colour, lw=0.9, solid_capstyle="round")
    ax.plot(x, y, "o", ms=2, mew=0, color="black")
    _flags(ax, one, x, y)
    style.few_ticks(ax, "y", 3)
    if logarithmic and x.min() < x.max():
        style.few_log_ticks(ax, x.min(), x.max())
    else:
        style.few_ticks(ax, "x", 2)


def _flags(ax: Axes, one: xr.Dataset, x: np.ndarray, y: np.ndarray) -> None:
    corner: dict[str, Any] = {
        "transform": ax.transAxes,
        "color": style.FLAGGED,
        "ha": "right",
        "va": "top",
    }
    if bool(one["line_incomplete"]):
        at = float(one["jump_from"] + one["jump_to"]) / 2
        if np.isfinite(at):
            ax.axvline(at, color=style.FLAGGED, lw=0.7, ls=":")
            place = np.searchsorted(x, at).clip(1, len(x) - 1)
            ax.plot(at, y[place - 1 : place + 1].mean(), **panels.FLAG)
        else:
            ax.text(0.98, 0.98, "×", fontsize=11, **corner)
    elif bool(one["line_unresolved"]):
        ax.text(0.98, 0.98, "?", fontsize=9, **corner)


def _tangents(
    x: np.ndarray, y: np.ndarray, slope: np.ndarray, logarithmic: bool
) -> tuple[np.ndarray, np.ndarray]:
    """One broken line of equally long pieces, each with the true slope in data coordinates."""
    u = np.log(x) if logarithmic else x
    slope = slope * x if logarithmic else slope
    width = np.ptp(u) or max(abs(float(u[0])), 1.0)
    height = np.ptp(y) or max(abs(float(y[0])), 1.0)
    run = _HALF_LENGTH / np.hypot(1 / width, slope / height)
    gap = np.full_like(u, np.nan)
    u_line = np.column_stack([u - run, u + run, gap]).ravel()
    y_line = np.column_stack([y - slope * run, y + slope * run, gap]).ravel()
    return (np.exp(u_line) if logarithmic else u_line), y_line


def _table(data: xr.Dataset) -> pd.DataFrame:
    """One row a dot, with what is known of its whole line."""
    table = tidy(data, ["line_mean", "line_mean_se", "line_gradient", "line_gradient_se"])
    table.insert(len(table.columns) - 4, "line_parameter", column(table, data["line_parameter"]))
    for name in ENTRY.variables[5:]:
        table[name] = column(table, data[name])
    return table
