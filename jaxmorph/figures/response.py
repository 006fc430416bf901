"""Observables against parameters, with the gradient at every sample drawn as a tangent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import panels, style
from .entry import Entry
from .tables import require, tidy

ENTRY = Entry(
    place=80,
    title="Observables over parameter space, with tangents",
    reading="A dot is one sample of the design: an observable at the last time, averaged over "
    "seeds, against one parameter's value. The short line through it has the slope of the "
    "gradient there, so it says which way the observable would go if this parameter alone "
    "changed; all lines are equally long on the page. In a grid, lines join samples that "
    "differ in this parameter alone; for two parameters their colour is the other "
    "parameter's value (dark is low).",
    variables=(
        "parameter_value",
        "mean",
        "mean_se",
        "gradient_mean",
        "gradient_se",
    ),
    part="depth",
)

_HALF_LENGTH = {True: 0.03, False: 0.055}
"""Half of a tangent's length, as a share of the panel; shorter in a grid, whose lines it lies on."""


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``mean`` at the last time against ``parameter_value``, slopes from ``gradient_mean``."""
    require(sensitivity, "gradient_mean", "response")
    data = style.final(sensitivity)
    observables, parameters = style.names(data, "observable"), style.names(data, "parameter")
    logarithmic = style.logarithmic(data)
    grid = data.attrs.get("design_method") == "grid"
    with style.style():
        figure, axes = style.panel_grid(observables, parameters, 0.95, sharex="col", sharey="row")
        n = data.sizes["sample"]
        drawn = data if grid else data.isel(sample=panels.thinned(n))
        for (observable, parameter), ax in axes.items():
            one = drawn.sel(observable=observable)
            if grid:
                _levels(ax, one, parameter)
            _panel(ax, one, parameter, logarithmic[parameter], _HALF_LENGTH[grid])
        aside = "" if grid else panels.shown_of(n)
        figure.supxlabel(f"value of the parameter{aside}", fontsize=7.5)
        figure.supylabel(f"observable at {style.time_text(data)}", fontsize=7.5)
    return figure, tidy(drawn, ["parameter_value", "mean", "mean_se", "gradient_mean", "gradient_se"])


def _panel(ax: Axes, one: xr.Dataset, parameter: str, logarithmic: bool, half_length: float) -> None:
    x = one["parameter_value"].sel(parameter=parameter).values
    y = one["mean"].values
    slope = one["gradient_mean"].sel(parameter=parameter).values
    usable = np.isfinite(x) & np.isfinite(y) & np.isfinite(slope)
    if not usable.any():
        style.say(ax, "no finite\ngradient")
        return
    x, y, slope = x[usable], y[usable], slope[usable]
    x_tangent, y_tangent = _tangents(x, y, slope, logarithmic, half_length)
    fine = 1.0 if len(x) <= 100 else 0.7
    ax.plot(x_tangent, y_tangent, color=style.POSITIVE, lw=0.9 * fine, solid_capstyle="round")
    ax.plot(x, y, "o", ms=1.5 * fine, mew=0, color="black")
    style.few_ticks(ax, "y", 3)
    if logarithmic and x.min() < x.max():
        style.few_log_ticks(ax, x.min(), x.max())
    else:
        style.few_ticks(ax, "x", 2)


def _tangents(
    x: np.ndarray, y: np.ndarray, slope: np.ndarray, logarithmic: bool, half_length: float
) -> tuple[np.ndarray, np.ndarray]:
    """One broken line of equally long pieces, each with the true slope in data coordinates."""
    u = np.log(x) if logarithmic else x
    slope = slope * x if logarithmic else slope
    width = np.ptp(u) or max(abs(float(u[0])), 1.0)
    height = np.ptp(y) or max(abs(float(y[0])), 1.0)
    run = half_length / np.hypot(1 / width, slope / height)
    gap = np.full_like(u, np.nan)
    u_line = np.column_stack([u - run, u + run, gap]).ravel()
    y_line = np.column_stack([y - slope * run, y + slope * run, gap]).ravel()
    return (np.exp(u_line) if logarithmic else u_line), y_line


def _levels(ax: Axes, one: xr.Dataset, parameter: str) -> None:
    """For a grid: a line through the samples that differ in this parameter alone.

    With two parameters the colour of a line tells the other one's value, dark is low.
    """
    x = one["parameter_value"].sel(parameter=parameter).values
    others = one["parameter_value"].drop_sel(parameter=parameter).values
    levels, member = np.unique(others, axis=0, return_inverse=True)
    colours = colormaps[style.SEQUENTIAL](np.linspace(0, 0.9, len(levels)))
    for k in range(len(levels)):
        chosen = np.flatnonzero(member.ravel() == k)
        chosen = chosen[np.argsort(x[chosen])]
        colour = colours[k] if others.shape[1] == 1 else style.GREY
        ax.plot(x[chosen], one["mean"].values[chosen], color=colour, lw=0.7, alpha=0.8)
