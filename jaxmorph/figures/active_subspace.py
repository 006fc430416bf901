"""Eigenvalues, first direction and summary plot of the active subspace, one row an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from . import few, panels, style
from .entry import Entry
from .tables import interval, tidy

ENTRY = Entry(
    place=100,
    title="Which combination of parameters matters",
    reading="At {{ when }}. Left: eigenvalues of the mean outer product of the gradient, "
    "parameters in units of their standard deviation"
    "{% if eigenvalue_low %}, with 95 % intervals{% endif %}"
    "; a wide gap after the first says that one combination of parameters carries the "
    "effect. What noise leaves negative is drawn at the foot. Middle: the weights of the "
    "parameters in the first direction (purple and olive have opposite signs). Right: each "
    "sample's observable{% if mean_se %}, averaged over seeds,{% endif %} against that "
    "combination: the narrower the cloud, the more this one number tells.",
    variables=(
        "eigenvalue",
        "active_direction",
        "active_variable",
        "mean",
        "mean_se",
    ),
    part="depth",
    needs=("eigenvalue",),
)

_NAME = "eigenvalue"
_DECADES = 8
_MOST_WEIGHTS = 7


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``eigenvalue``, ``active_direction`` and ``mean`` against ``active_variable``, at that time."""
    names = [*interval(_NAME), "active_direction", "active_variable", "mean", "mean_se"]
    data = style.final(sensitivity[[name for name in names if name in sensitivity]])
    observables = few.observables(data)
    n = data.sizes["sample"]
    with style.style():
        shown = min(data.sizes["parameter"], _MOST_WEIGHTS)
        figure, grid = _panels(len(observables), max(1.35, 0.55 + 0.15 * shown))
        for row, observable in zip(grid, observables, strict=True):
            one = data.sel(observable=observable)
            _spectrum(row[0], one)
            _direction(row[1], one)
            _summary(row[2], one)
            row[0].set_ylabel(style.short_name(observable, 18))
            row[2].set_ylabel(style.with_unit("mean", style.unit_of(data, "observable", observable)))
        heads = ("eigenvalues", "weights of the first direction", "observable")
        for ax, text in zip(grid[0], heads, strict=True):
            ax.set_title(text)
        feet = ("component", "weight", "active variable")
        for ax, text in zip(grid[-1], feet, strict=True):
            ax.set_xlabel(text)
        style.below(figure, f"at {style.time_text(data)}{panels.shown_of(n)}")
        style.first_of_many(figure, data)
    return figure, _table(data)


def _panels(n: int, height: float) -> tuple[Figure, list[list[Axes]]]:
    """Three panels an observable: in one row where there is room, else the one with names below."""
    if not style.is_narrow():
        figure = style.new_figure(n * height + 0.6)
        return figure, figure.subplots(n, 3, squeeze=False, width_ratios=[1, 1, 1.15]).tolist()
    figure = style.new_figure(2 * n * height + 0.6)
    grid = figure.add_gridspec(2 * n, 2)
    places = [(grid[2 * i, 0], grid[2 * i + 1, :], grid[2 * i, 1]) for i in range(n)]
    return figure, [[figure.add_subplot(place) for place in row] for row in places]


def _table(data: xr.Dataset) -> pd.DataFrame:
    """Rows of the spectrum and the weights, then rows of the dots."""
    weights = tidy(data, [*interval(_NAME), "active_direction"])
    drawn = data.isel(sample=panels.thinned(data.sizes["sample"]))
    dots = tidy(drawn, ["active_variable", "mean", "mean_se"])
    return pd.concat([weights, dots], ignore_index=True)


def spectrum(
    ax: Axes,
    value: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray] | None,
    below: str = "below noise",
) -> None:
    """Eigenvalues on a logarithmic axis; what is not above zero lies at its foot.

    The foot is below the smallest positive number drawn, at most eight decades below the largest;
    ``below`` says what lies there.
    """
    positive = value[np.isfinite(value) & (value > 0)]
    if positive.size == 0:
        style.empty(ax, "no eigenvalue\nis above zero")
        return
    top = float(max(positive.max(), np.nanmax(panels.finite(ends[1])) if ends else 0.0))
    floor = max(float(positive.min()), top * 10.0**-_DECADES) / 6
    place = np.arange(1, len(value) + 1)
    for i, one in zip(place, value, strict=True):
        if ends is not None and np.isfinite(ends[1][i - 1]):
            low, high = (max(float(end[i - 1]), floor) for end in ends)
            ax.plot([i, i], [low, high], color="black", lw=0.9, zorder=1)
        above = one > floor
        ax.plot(i, max(one, floor), "o" if above else "v", ms=4, mew=0.8, zorder=2,
                color=style.DARK if above else style.GREY,
                mfc=style.DARK if above else "white")  # fmt: skip
    ax.set_yscale("log")
    ax.set_ylim(floor / 2, top * 3)
    ax.yaxis.set_major_locator(LogLocator(numticks=4))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xlim(0.4, len(value) + 0.6)
    ax.set_xticks(place if len(value) <= 8 else place[:: -(-len(value) // 6)])
    if (value <= floor).any():
        ax.text(0.98, 0.98, f"▽ {below}", transform=ax.transAxes, ha="right", va="top",
                fontsize=style.size(-0.5), color=style.GREY)  # fmt: skip


def _spectrum(ax: Axes, one: xr.Dataset) -> None:
    _, low, high = interval(_NAME)
    ends = (one[low].values, one[high].values) if low in one else None
    spectrum(ax, one[_NAME].values, ends)


def _direction(ax: Axes, one: xr.Dataset) -> None:
    weight = one["active_direction"].isel(component=0).values
    if not np.isfinite(weight).all() or not one[_NAME].isel(component=0).item() > 0:
        style.empty(ax, "no direction\nabove noise")
        return
    order = np.argsort(-np.abs(weight), kind="stable")[:_MOST_WEIGHTS]
    colours = [style.POSITIVE if weight[i] > 0 else style.NEGATIVE for i in order]
    ax.barh(range(len(order)), weight[order], height=0.6, color=colours)
    ax.axvline(0, color="black", lw=0.6)
    ax.set_yticks(
        range(len(order)), [style.short_name(str(one["parameter"].values[i]), 26) for i in order]
    )
    rest = len(weight) - len(order)
    if rest:
        text = f"{rest} more, none is larger"
        ax.text(
            0, len(order), text, fontsize=style.size(-0.5), ha="center", va="center", color=style.GREY
        )
    ax.set_ylim(len(order) + (0.4 if rest else -0.3), -0.7)
    ax.set_xlim(-1.05, 1.05)
    ax.set_xticks([-1, 0, 1])
    ax.tick_params(axis="y", length=0)


def _summary(ax: Axes, one: xr.Dataset) -> None:
    chosen = panels.thinned(one.sizes["sample"])
    x, y = one["active_variable"].values[chosen], one["mean"].values[chosen]
    usable = np.isfinite(x) & np.isfinite(y)
    if not usable.any():
        style.empty(ax, "no direction\nabove noise")
        return
    if "mean_se" in one:
        se = one["mean_se"].values[chosen][usable]
        bars = np.where(np.isfinite(se), se, 0.0)
        ax.vlines(x[usable], y[usable] - bars, y[usable] + bars, color="#9A9A9A", lw=0.6)
    ax.plot(x[usable], y[usable], "o", ms=2.2, mew=0, color="black")
    style.few_ticks(ax, "x", 3)
    style.few_ticks(ax, "y", 3)
