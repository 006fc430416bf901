"""For a grid of two parameters: a map of each observable with its gradient as arrows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import JaxmorphError
from . import few, style
from .entry import Entry
from .tables import require, tidy

ENTRY = Entry(
    place=90,
    title="Map of parameter space with the gradient as arrows",
    reading="Colour is the observable at {{ when }}"
    "{% if mean_se %}, averaged over seeds{% endif %}. An arrow points to "
    "where the observable rises fastest. Its components are the gradient times the range of"
    " each parameter, so a step of the same share of either range counts alike. Its length "
    "grows as the square root of the gradient's size (so that weak gradients keep a visible"
    " direction); the longest of a panel is about one mesh of the grid. Arrows should cross"
    " the contours at right angles: they are computed independently of the colours.",
    variables=(
        "parameter_value",
        "mean",
        "mean_se",
        "gradient_mean",
        "gradient_se",
    ),
    part="depth",
    design="grid",
    n_parameters=2,
)


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Map of ``mean`` at the stated time; arrows of ``gradient_mean`` times the ranges."""
    require(sensitivity, "gradient_mean", "gradient_field")
    data = style.final(sensitivity)
    parameters = style.names(data, "parameter")
    if len(parameters) != 2:
        raise JaxmorphError(
            f"the figure gradient_field needs a grid of 2 parameters, got {len(parameters)}: "
            "leave it out for this run"
        )
    observables = few.observables(data)
    with style.style():
        n_columns = style.columns(len(observables), 58)
        n_rows = -(-len(observables) // n_columns)
        side = min(style.width_mm() / style.INCH / n_columns - 0.4, 2.05)
        figure = style.new_figure(side * n_rows + 0.25, width=max(3.2, 2.4 * n_columns))
        panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
        for ax, observable in zip(panels.flat, observables, strict=False):
            _panel(figure, ax, data.sel(observable=observable))
            ax.set_title(style.label(data, "observable", observable))
        for place, ax in enumerate(panels.flat):
            if place + n_columns >= len(observables):
                ax.tick_params(labelbottom=True)
                ax.set_xlabel(style.label(data, "parameter", parameters[0]))
            if place % n_columns == 0:
                ax.set_ylabel(style.label(data, "parameter", parameters[1]))
            if place >= len(observables):
                ax.remove()
        style.first_of_many(figure, data)
    return figure, tidy(data, ["parameter_value", "mean", "mean_se", "gradient_mean", "gradient_se"])


def _panel(figure: Figure, ax: Axes, data: xr.Dataset) -> None:
    logarithmic = style.logarithmic(data)
    names = style.names(data, "parameter")
    for name, which in zip(names, "xy", strict=True):
        if logarithmic[name]:
            getattr(ax, f"set_{which}scale")("log")
        else:
            style.few_ticks(ax, which, 3)
    x, y = data["parameter_value"].transpose("parameter", "sample").values
    value = data["mean"].values
    x_levels, y_levels = np.unique(x), np.unique(y)
    table = np.full((len(y_levels), len(x_levels)), np.nan)
    table[np.searchsorted(y_levels, y), np.searchsorted(x_levels, x)] = value
    flat = not np.nanmax(table) - np.nanmin(table) > 1e-9 * np.nanmax(np.abs(table))
    if flat or min(table.shape) < 2:
        ax.set_facecolor(style.LIGHT_GREY)
        ax.plot(x, y, ".", color="white")
        small = min(table.shape) < 2
        style.say(ax, "needs 2 x 2 samples" if small else "does not depend on\neither parameter")
    else:
        edges = (_edges(x_levels, logarithmic[names[0]]), _edges(y_levels, logarithmic[names[1]]))
        table = np.ma.masked_invalid(table)
        drawn = ax.pcolormesh(*edges, table, cmap=style.SEQUENTIAL, edgecolor="face", lw=0.1)
        ax.contour(
            x_levels,
            y_levels,
            table,
            levels=10,
            colors="white",
            linewidths=0.5,
            alpha=0.7,
            linestyles="solid",
        )
        bar = figure.colorbar(drawn, cax=ax.inset_axes((1.04, 0, 0.05, 1)))
        style.few_ticks(bar.ax, "y", 4)
        bar.outline.set_visible(False)
        _arrows(ax, data, x, y, list(logarithmic.values()))
    ax.set_box_aspect(1)


def _edges(levels: np.ndarray, logarithmic: bool) -> np.ndarray:
    """Limits of the rectangles around a grid's levels, half a mesh beyond the first and the last."""
    u = np.log(levels) if logarithmic else levels
    middle = (u[1:] + u[:-1]) / 2
    edges = np.concatenate([[2 * u[0] - middle[0]], middle, [2 * u[-1] - middle[-1]]])
    return np.exp(edges) if logarithmic else edges


def _arrows(ax: Axes, data: xr.Dataset, x: np.ndarray, y: np.ndarray, log: list[bool]) -> None:
    """Arrows in the square of scaled parameters; the longest is one mesh of the grid long."""
    slope = data["gradient_mean"].transpose("parameter", "sample").values
    scaled = []
    for values, gradient, logarithmic in zip((x, y), slope, log, strict=True):
        # on a logarithmic axis the scaled parameter is ln(value), hence the factor `values`
        span = np.log(values.max() / values.min()) if logarithmic else np.ptp(values)
        scaled.append(gradient * (values if logarithmic else 1.0) * span)
    size = np.hypot(*scaled)
    longest = np.nanmax(size)
    if not longest > 0:
        return
    # Lengths as the square root of the gradient, so that a weak one still shows its direction.
    shrink = np.sqrt(size * longest)
    u, v = (np.divide(s, shrink, out=0.0 * s, where=shrink > 0) for s in scaled)
    mesh = max(len(np.unique(x)), len(np.unique(y)))
    ax.quiver(
        x,
        y,
        u,
        v,
        angles="uv",
        pivot="mid",
        scale=mesh,
        scale_units="width",
        units="width",
        width=0.009,
        headwidth=4,
        headlength=4.5,
        headaxislength=4,
        color="white",
        edgecolor="black",
        linewidth=0.35,
        zorder=3,
    )
