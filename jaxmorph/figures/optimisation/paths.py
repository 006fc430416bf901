"""The paths of the starts through parameter space, over the loss where it was mapped."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from scipy.stats import chi2

from .. import panels, style
from ..entry import Entry
from ..tables import require, tidy
from . import starts

ENTRY = Entry(
    place=180,
    title="The paths of the starts",
    reading="Each line leads from a starting point (open circle) to the end (dot), the best start "
    "thick. A diamond is an optimum"
    "{% if covariance %}, the ellipse its 95 % region{% endif %}"
    "."
    "{% if map_loss %} Where exactly two parameters are free, colour is the loss, and lines"
    " join equal losses.{% endif %}"
    " Where more are free, the panels show pairs of the three that the loss depends on "
    "most, between their bounds. A red cross ends a start that was stopped, because its "
    "loss or gradient was no longer finite.",
    variables=(
        "parameter_value",
        "map_loss",
        "map_value_0",
        "map_value_1",
        "optimum_parameter_value",
        "covariance",
    ),
    source="optimisation.nc",
    part="optimisation",
)

_PAIRED = 3
"""Parameters of whose pairs there are panels when more than two are free."""


def draw(optimisation: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``parameter_value`` of every step, ``map_loss``, and the region of ``covariance``."""
    require(optimisation, "parameter_value", "optimisation_paths", "optimisation.nc")
    shown = optimisation.isel(step=starts.shown_steps(optimisation))
    parameters = style.names(shown, "parameter")
    chosen = parameters if len(parameters) < _PAIRED else stiffest(shown)[:_PAIRED]
    with style.style():
        if len(chosen) == 1:
            figure = style.new_figure(2.6)
            _over_steps(figure.subplots(), shown, chosen[0])
        else:
            pairs = list(itertools.combinations(chosen, 2))
            n_columns = style.columns(len(pairs), 58)
            n_rows = -(-len(pairs) // n_columns)
            side = min(style.width_mm() / style.INCH / n_columns, 4.0) + 0.4
            figure = style.new_figure(n_rows * side, width=5.6 if len(pairs) == 1 else None)
            grid = figure.subplots(n_rows, n_columns, squeeze=False)
            for ax, pair in zip(grid.flat, pairs, strict=False):
                _pair(figure, ax, shown, *pair)
            for ax in grid.flat[len(pairs) :]:
                ax.remove()
        panels.key(figure, starts.legend_handles(shown))
    return figure, _table(shown)


def stiffest(data: xr.Dataset) -> list[str]:
    """The parameters, those first along which the loss is most curved at the best optimum."""
    names = style.names(data, "parameter")
    found = starts.optima(data)
    if not found.size or "hessian_eigenvalue" not in data:
        return names
    best = data.isel(optimum=found[0])
    curved = abs(best["hessian_eigenvalue"]) * best["hessian_eigenvector"] ** 2
    return [names[i] for i in np.argsort(-curved.sum("direction").values, kind="stable")]


def _table(shown: xr.Dataset) -> pd.DataFrame:
    """Rows of the paths, then rows of the map."""
    paths = tidy(shown, ["parameter_value"])
    if "map_loss" not in shown:
        return paths
    return pd.concat([paths, tidy(shown, ["map_value_0", "map_value_1", "map_loss"])], ignore_index=True)


def _pair(figure: Figure, ax: Axes, data: xr.Dataset, x: str, y: str) -> None:
    for i, (name, which) in enumerate(((x, "x"), (y, "y"))):
        mapped = None
        if "map_loss" in data:
            value = data[f"map_value_{i}"].values
            mapped = float(value.min()), float(value.max())
        starts.parameter_axis(ax, data, name, which, mapped)
    ax.set_xlabel(style.label(data, "parameter", x))
    ax.set_ylabel(style.label(data, "parameter", y))
    if "map_loss" in data:
        _map(figure, ax, data)
    ax.set_box_aspect(1)
    paths = data["parameter_value"].transpose("start", "step", "parameter")
    _lines(ax, data, paths.sel(parameter=x).values, paths.sel(parameter=y).values)
    for optimum, colour in reversed(starts.optimum_colours(data).items()):
        one = data.isel(optimum=optimum)
        middle = one["optimum_parameter_value"].sel(parameter=[x, y]).values
        if "covariance" in one:
            part = one["covariance"].sel(parameter=[x, y], parameter_2=[x, y])
            region = ellipse(middle, part.transpose("parameter", "parameter_2").values)
            ax.plot(*region.T, color=colour, lw=1.0, ls=(0, (4, 1.5)), zorder=4,
                    path_effects=starts.outlined(1.0))  # fmt: skip
        ax.plot(*middle, "D", color=colour, ms=5, mec="white", mew=0.8, zorder=6)


def _lines(ax: Axes, data: xr.Dataset, x: np.ndarray, y: np.ndarray) -> None:
    """One line a start from (x, y) to (x, y), both (start, step); the best in front."""
    best, bad = starts.best_start(data), starts.stopped(data)
    ends, colours = starts.last_step(data), starts.colours(data)
    for start in starts.ranked(data)[::-1]:
        front, end = start == best, ends[start]
        width = 1.8 if front else 0.8
        look = {"color": colours[start], "zorder": 5 if front else 3}
        ax.plot(x[start, : end + 1], y[start, : end + 1], lw=width, **look,
                path_effects=starts.outlined(width))  # fmt: skip
        ax.plot(x[start, 0], y[start, 0], "o", ms=4, mfc="white", mew=1.0, mec=colours[start],
                zorder=6)  # fmt: skip
        if bad[start]:
            ax.plot(x[start, end], y[start, end], **panels.FLAG, zorder=6)
        else:
            ax.plot(x[start, end], y[start, end], "o", ms=3, mew=0, **look)


def ellipse(middle: np.ndarray, covariance: np.ndarray, n: int = 90) -> np.ndarray:
    """Points (n, 2) around the region that holds 95 % of a normal distribution; none without one."""
    value, vector = np.linalg.eigh(covariance) if np.isfinite(covariance).all() else (-np.ones(2), None)
    if vector is None or (value < 0).any():
        return np.zeros((0, 2))
    angle = np.linspace(0, 2 * np.pi, n)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return middle + np.sqrt(chi2.ppf(0.95, 2)) * (circle * np.sqrt(value)) @ vector.T


def _map(figure: Figure, ax: Axes, data: xr.Dataset) -> None:
    """The loss as colours with contours; what is not finite stays white."""
    x, y = data["map_value_0"].values, data["map_value_1"].values
    loss = np.ma.masked_invalid(data["map_loss"].transpose("map_1", "map_0").values)
    if loss.count() == 0:
        return
    low, high = float(loss.min()), float(loss.max())
    steep = starts.is_steep(loss.compressed())
    norm = LogNorm(low, high) if steep else Normalize(low, high)
    drawn = ax.pcolormesh(x, y, loss, norm=norm, cmap=style.SEQUENTIAL, shading="nearest",
                          rasterized=True, zorder=1)  # fmt: skip
    levels = np.geomspace(low, high, 12) if steep else np.linspace(low, high, 12)
    if high > low:
        ax.contour(x, y, loss, levels=levels[1:-1], colors="white", linewidths=0.4, alpha=0.6, zorder=2)
    bar = figure.colorbar(drawn, ax=ax, fraction=0.046, pad=0.03, label=starts.loss_label(data))
    if steep:
        starts.plain_log_ticks(bar.ax.yaxis, loss.compressed())
    else:
        style.few_ticks(bar.ax, "y", 5)
    bar.outline.set_visible(False)


def _over_steps(ax: Axes, data: xr.Dataset, parameter: str) -> None:
    """The path of a single parameter, against the step."""
    path = data["parameter_value"].sel(parameter=parameter).transpose("start", "step").values
    starts.parameter_axis(ax, data, parameter, "y")
    _lines(ax, data, np.broadcast_to(data["step"].values, path.shape), path)
    ax.set(xlabel="step", ylabel=style.label(data, "parameter", parameter))
    style.few_ticks(ax, "x", 6)
