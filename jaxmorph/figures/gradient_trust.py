"""Whether gradients can be trusted: growth of their variance, heavy tails, Lyapunov exponents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from . import few, panels, style
from .entry import Entry
from .estimates import FLAGS, unreliable
from .tables import column, tidy

ENTRY = Entry(
    place=130,
    title="Can the gradients be trusted?",
    reading="Top: the variance of the gradient between seeds against time, on a logarithmic scale; "
    "a red cross marks a gradient that is flagged, because it grows exponentially, has heavy "
    "tails, or misses a jump. Straight lines that climb many decades are the mark of chaos. Bottom "
    "left: the tail index of each pair; below 2 the variance itself is infinite. "
    "{% if lyapunov_exponent %} Bottom right: the finite-time Lyapunov exponent of the checked "
    "simulations, median and range; positive: neighbouring states part exponentially.{% endif %}",
    variables=(
        "gradient_variance",
        "gradient_tail_index",
        "gradient_unreliable",
        "gradient_growth_rate",
        "gradient_incomplete",
        "lyapunov_exponent",
    ),
    source="sensitivity.nc, checks.nc",
    part="checks",
    needs=(
        "gradient_tail_index",
        "gradient_variance",
    ),
)

_VARIANCE, _TAIL, _LYAPUNOV = "gradient_variance", "gradient_tail_index", "lyapunov_exponent"
_INFINITE_VARIANCE = 2.0


def draw(sensitivity: xr.Dataset, checks: xr.Dataset | None) -> tuple[Figure, pd.DataFrame]:
    """``gradient_variance`` over time; ``gradient_tail_index``; ``lyapunov_exponent`` of the checks."""
    names = [_VARIANCE, _TAIL, *FLAGS, "gradient_growth_rate"]
    data = sensitivity[[name for name in names if name in sensitivity]]
    lyapunov = None if checks is None else checks.get(_LYAPUNOV)
    styles = style.line_styles(style.names(data, "parameter"))
    flags = unreliable(data)
    observables = few.observables(data)
    named = panels.in_front(data, _VARIANCE, styles) if _VARIANCE in data else styles
    with style.style():
        n_columns = style.columns(len(observables), 42)
        n_rows = -(-len(observables) // n_columns) if _VARIANCE in data else 0
        row = 0.27 if max(map(len, styles)) > 14 else 0.19
        below = max(1.7, 0.6 + row * len(styles)) if _has_tails(data) else 1.7
        below *= 2 if style.is_narrow() else 1
        figure = style.new_figure(1.6 * n_rows + below + panels.legend_height(named))
        heights = [1.6 * n_rows, below] if n_rows else [below]
        parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        if n_rows:
            _variances(parts[0], data, styles, flags, (n_rows, n_columns))
        left, right = parts[-1].subplots(*((2, 1) if style.is_narrow() else (1, 2)))
        _tails(left, data, flags)
        _exponents(right, lyapunov)
        more = (panels.flag_handle(),) if panels.any_flag(data) else ()
        panels.parameter_legend(figure, named, (*(panels.others(data) if n_rows else ()), *more))
        if n_rows:
            style.first_of_many(figure, data)
    return figure, _table(data)


def _variances(
    part: Any, data: xr.Dataset, styles: dict[str, dict], flags: xr.DataArray | None,
    shape: tuple[int, int],
) -> None:  # fmt: skip
    observables = few.observables(data)
    grid = part.subplots(*shape, squeeze=False)
    for ax, observable in zip(grid.flat, observables, strict=False):
        bad = None if flags is None else flags.sel(observable=observable)
        _variance(ax, data[_VARIANCE].sel(observable=observable), styles, bad)
        ax.set_title(style.heading(observable, shape[1]))
    for ax in grid.flat[len(observables) :]:
        ax.remove()
    part.supylabel("gradient variance")
    part.supxlabel(style.time_label(data))


def _variance(
    ax: Axes, variance: xr.DataArray, styles: dict[str, dict], flags: xr.DataArray | None
) -> None:
    time = variance["time"].values
    every = variance.transpose("time", "parameter").values
    every = np.where(np.isfinite(every) & (every > 0), every, np.nan)
    front = few.in_front(every)
    panels.background(ax, time, every[:, ~front])
    marker = "o" if len(time) == 1 else ""
    for i, (name, look) in enumerate(styles.items()):
        value = every[:, i]
        if not np.isfinite(value).any():
            continue
        if front[i]:
            ax.plot(time, value, **look, marker=marker, ms=3.5)
        if flags is not None and bool(flags.sel(parameter=name)):
            last = np.flatnonzero(np.isfinite(value))[-1]
            ax.plot(time[last], value[last], **panels.FLAG, clip_on=False, zorder=4)
    if not np.isfinite(every).any():
        style.empty(ax, "no spread between seeds")
        return
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(numticks=5))
    ax.yaxis.set_minor_locator(NullLocator())
    style.few_ticks(ax, "x", 3)


def _has_tails(data: xr.Dataset) -> bool:
    return _TAIL in data and bool(np.isfinite(data[_TAIL]).any())


def _tails(ax: Axes, data: xr.Dataset, flags: xr.DataArray | None) -> None:
    ax.set_title("tail index (one dot an observable)")
    if not _has_tails(data):
        style.empty(ax, "too few numbers\nto look at tails")
        return
    parameters = style.names(data, "parameter")
    for place, name in enumerate(parameters):
        index = data[_TAIL].sel(parameter=name).values
        bad = np.zeros(len(index), bool) if flags is None else flags.sel(parameter=name).values
        shift = np.linspace(-0.22, 0.22, len(index)) if len(index) > 1 else np.zeros(1)
        for chosen, colour in ((~bad, "#4A4A4A"), (bad, style.FLAGGED)):
            ax.plot(index[chosen], place + shift[chosen], "o", ms=3, mew=0, color=colour)
    ax.axvline(_INFINITE_VARIANCE, color=style.GREY, lw=0.7, ls="--")
    ax.set_xscale("log", base=2)
    shown = data[_TAIL].values[np.isfinite(data[_TAIL].values)]
    ax.set_xlim(min(float(shown.min()), 1.4) / 1.3, max(float(shown.max()), 8.0) * 1.3)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.set_yticks(range(len(parameters)), [style.short_name(p, 18) for p in parameters])
    ax.set_ylim(len(parameters) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("left of the line the variance is infinite")


def _exponents(ax: Axes, exponent: xr.DataArray | None) -> None:
    ax.set_title("finite-time Lyapunov exponent")
    if exponent is None or not exponent.notnull().any():
        style.empty(ax, "not computed: it is one\nof the numerical checks")
        return
    known = exponent.notnull().any(("sample", "seed")).values
    exponent = exponent.isel(time=np.flatnonzero(known))
    time = exponent["time"].values
    middle = exponent.median(("sample", "seed")).values
    low, high = exponent.min(("sample", "seed")).values, exponent.max(("sample", "seed")).values
    colour = style.FLAGGED if middle[-1] > 0 and low[-1] > 0 else "black"
    ax.axhline(0, color=style.GREY, lw=0.7, ls="--")
    if len(time) == 1:
        ax.plot([time[0]] * 2, [low[0], high[0]], color=colour, alpha=0.4, lw=3)
        ax.plot(time, middle, "o", ms=4, color=colour)
        ax.set_xticks([time[0]])
    else:
        ax.fill_between(time, low, high, color=colour, alpha=0.18, lw=0)
        ax.plot(time, middle, color=colour)
        style.few_ticks(ax, "x", 4)
    style.few_ticks(ax, "y", 4)
    ax.set_xlabel(style.time_label(exponent.to_dataset(name=_LYAPUNOV)))
    ax.set_ylabel("per unit of time")


def _table(data: xr.Dataset) -> pd.DataFrame:
    first = _VARIANCE if _VARIANCE in data else _TAIL
    table = tidy(data, [first])
    for name in data.data_vars:
        if str(name) != first:
            table[str(name)] = column(table, data[name])
    return table
