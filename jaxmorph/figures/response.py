"""Observables along one line a parameter, with the gradient at every point drawn as a tangent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import few, panels, style
from .entry import Entry
from .numbers import short
from .tables import column, require, tidy

ENTRY = Entry(
    place=80,
    title="Observables along lines through the centre, with tangents",
    reading="One panel an observable at {{ when }}, averaged over seeds; one line a parameter, over its "
    "distribution (the legend has its ends), while all others stay at the central sample. All dots have "
    "the same seeds (pale: two standard errors). The short line through a dot has the slope of the "
    "gradient there: tangents lead from dot to dot unless the gradient misses something. A red cross "
    "marks such a change; a dotted line shows one jump, found in an interval a thousand times as short "
    "as between dots. A question mark: slopes are too steep or too wild to tell.",
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
    observables, parameters = few.observables(data), style.names(data, "parameter")
    lines = {name: _AlongX.of(data, name, alone=len(parameters) == 1) for name in parameters}
    with style.style():
        n_columns = style.columns(len(observables), 42)
        n_rows = -(-len(observables) // n_columns)
        named = _named(data, lines)
        figure = style.new_figure(1.75 * n_rows + 0.5 + 0.12 * len(named) / n_columns)
        grid = figure.subplots(n_rows, n_columns, squeeze=False)
        for ax, observable in zip(grid.flat, observables, strict=False):
            _panel(ax, data.sel(observable=observable), lines)
            width = style.characters(style.width_mm() / n_columns - 8)
            ax.set_title(style.label(data, "observable", observable, width))
        for ax in grid.flat[len(observables) :]:
            ax.remove()
        style.below(figure, f"{_of_x(data, parameters)}, at {style.time_text(data)}")
        panels.key(figure, [*_handles(data, named), *panels.others(data)])
        style.first_of_many(figure, data)
    return figure, _table(data)


@dataclass(frozen=True)
class _AlongX:
    """Where the points of a parameter's line are on the x axis, which it may share with others."""

    colour: str
    low: float
    high: float
    logarithmic: bool
    alone: bool

    @classmethod
    def of(cls, data: xr.Dataset, name: str, alone: bool) -> _AlongX:
        x = data["line_parameter"].sel(parameter=name).values
        x = x[np.isfinite(x)]
        ends = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
        colour = style.line_styles(style.names(data, "parameter"))[name]["color"]
        return cls(colour, *ends, style.logarithmic(data)[name], alone)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The value itself, or its place between the ends of the line."""
        if self.alone or self.low == self.high:
            return x if self.alone else 0.5 + 0 * x
        u, low, high = (np.log(v) if self.logarithmic else v for v in (x, self.low, self.high))
        return np.asarray((u - low) / (high - low))


def _of_x(data: xr.Dataset, parameters: list[str]) -> str:
    if len(parameters) == 1:
        return style.label(data, "parameter", parameters[0])
    return "value of the parameter, between the ends of its range"


def _handles(data: xr.Dataset, lines: dict[str, _AlongX]) -> list[Patch | Line2D]:
    handles: list[Patch | Line2D] = []
    for name, line in lines.items():
        low, high = (short(float(f"{end:.2g}")) for end in (line.low, line.high))
        unit = style.unit_of(data, "parameter", name)
        values = f"{low} to {high}" if unit in ("", "1") else f"{low} to {high} {unit}"
        text = f"{style.short_name(name)} ({values})"
        handles.append(Line2D([], [], color=line.colour, marker="o", ms=2.5, mew=0, label=text))
    if bool(data["line_incomplete"].any()):
        handles.append(Line2D([], [], label="what gradients miss", **panels.FLAG))
    return handles


def _panel(ax: Axes, data: xr.Dataset, lines: dict[str, _AlongX]) -> None:
    front = few.in_front(_moves(data))
    drawn = [
        _draw_line(ax, data.sel(parameter=name), name, line, bool(colour))
        for (name, line), colour in zip(lines.items(), front, strict=True)
    ]
    if not any(drawn):
        style.empty(ax, "no finite value")
        return
    style.few_ticks(ax, "y", 4)
    line = next(iter(lines.values()))
    if not line.alone:
        ax.set_xticks([0, 1], ["low", "high"])
    elif line.logarithmic and line.low < line.high:
        style.few_log_ticks(ax, line.low, line.high)
    else:
        style.few_ticks(ax, "x", 4)


def _moves(data: xr.Dataset) -> np.ndarray:
    """How far one observable moves along each line; (parameter,), -1 where that is not known."""
    place = [dim for dim in data["line_mean"].dims if dim != "parameter"]
    value = data["line_mean"].where(np.isfinite(data["line_mean"]))
    return (value.max(place) - value.min(place)).fillna(-1.0).values


def _named(data: xr.Dataset, lines: dict[str, _AlongX]) -> dict[str, _AlongX]:
    """Those that are in colour in any panel."""
    moves = (_moves(data.sel(observable=observable)) for observable in few.observables(data))
    drawn = np.any([few.in_front(one) for one in moves], axis=0)
    return {name: line for (name, line), colour in zip(lines.items(), drawn, strict=True) if colour}


def _draw_line(ax: Axes, one: xr.Dataset, name: str, line: _AlongX, colour: bool) -> bool:
    """Dots, tangents and what is flagged of one parameter; whether there is a dot."""
    x, y = one["line_parameter"].values, one["line_mean"].values
    slope, error = one["line_gradient"].values, one["line_mean_se"].values
    usable = np.isfinite(x) & np.isfinite(y) & np.isfinite(slope)
    if not usable.any():
        return False
    x, y, slope, error = x[usable], y[usable], slope[usable], error[usable]
    if not colour:
        ax.plot(line(x), y, **panels.BACKGROUND)
        _flags(ax, one, name, line, x, y)
        return True
    around = 2 * np.nan_to_num(error)
    ax.fill_between(line(x), y - around, y + around, color=line.colour, alpha=0.07, lw=0)
    ax.plot(line(x), y, color=line.colour, lw=0.4, alpha=0.6)
    u, v = _tangents(x, y, slope, line.logarithmic)
    ax.plot(line(u), v, color=line.colour, lw=0.9, solid_capstyle="round")
    ax.plot(line(x), y, "o", ms=2, mew=0, color=line.colour)
    _flags(ax, one, name, line, x, y)
    return True


def _flags(ax: Axes, one: xr.Dataset, name: str, line: _AlongX, x: np.ndarray, y: np.ndarray) -> None:
    """A cross at a jump; at the end of a line what is known of no place on it."""
    mark = "?" if bool(one["line_unresolved"]) else ""
    if bool(one["line_incomplete"]):
        at, mark = float(one["jump_from"] + one["jump_to"]) / 2, "×"
        if np.isfinite(at):
            i = np.searchsorted(x, at).clip(1, len(x) - 1)
            place = float(line(np.array(at)))
            ax.plot([place, place], y[i - 1 : i + 1], color=style.FLAGGED, lw=0.7, ls=":")
            ax.plot(place, y[i - 1 : i + 1].mean(), **panels.FLAG)
            return
    if mark:
        ax.annotate(f"{mark} {style.short_name(name)}", (float(line(x[-1:])[0]), y[-1]), (2, 0),
                    textcoords="offset points", va="center", color=style.FLAGGED,
                    size=style.size(-0.5))  # fmt: skip


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
