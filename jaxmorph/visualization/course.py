"""Time courses with a marker that moves: an observable and its sensitivity, or many lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, TransformedBbox
from scipy import stats

from ..figures.style import GREY, LIGHT_GREY, PALETTE, few_ticks, with_unit, words
from .film import Update, together

_LEGEND = 48
"""Characters in a row of a legend, with its marks."""


@dataclasses.dataclass(frozen=True)
class Course:
    """One observable of several seeds over time, and its derivatives.

    Attributes:
        time: (time,).
        value: (seed, time).
        gradient: d observable / d parameter, (seed, time), by the parameter's name.
        name: Of the observable.
        unit: Of the observable, ``"1"`` if dimensionless.
        time_unit: Of time.
        shown: Which row of ``value`` is the simulation whose cells are shown.
        gradient_label: What is written at the axis of the derivatives.
    """

    time: np.ndarray
    value: np.ndarray
    gradient: Mapping[str, np.ndarray]
    name: str
    unit: str = "1"
    time_unit: str = "1"
    shown: int = 0
    gradient_label: str = ""


def draw_course(axes: Sequence[Axes], course: Course) -> tuple[list[Artist], Update]:
    """Draw both panels; the lines of what was so far move with time, the rest stands faintly.

    Bands: over seeds, from the 10 to the 90 % quantile of the value, and the 95 % interval (Student's t)
    of the mean derivative. Without derivatives there is one panel.
    """
    upper, *others = axes
    time, n_seeds = course.time, len(course.value)
    if n_seeds > 1:
        low, high = np.nanquantile(course.value, [0.1, 0.9], axis=0)
        upper.fill_between(time, low, high, color=LIGHT_GREY, lw=0, label=f"80 % of {n_seeds} seeds")
        upper.plot(time, np.nanmean(course.value, axis=0), color=GREY, lw=1, ls="--", label="mean")
    shown = {"these cells": course.value[course.shown]}
    parts = [draw_lines(upper, time, shown, ["#000000"], course.time_unit)]
    upper.set(ylabel=with_unit(words(course.name, 26), course.unit))
    for lower in others:
        lower.axhline(0, color=GREY, lw=0.6)
        colours = [PALETTE[k % len(PALETTE)] for k in range(len(course.gradient))]
        means = {words(name): np.nanmean(rows, axis=0) for name, rows in course.gradient.items()}
        for rows, mean, colour in zip(course.gradient.values(), means.values(), colours, strict=True):
            if len(rows) > 1:
                error = np.nanstd(rows, axis=0, ddof=1) / len(rows) ** 0.5
                half = stats.t.ppf(0.975, len(rows) - 1) * error
                lower.fill_between(time, mean - half, mean + half, color=colour, alpha=0.18, lw=0)
        parts.append(draw_lines(lower, time, means, colours, course.time_unit))
        lower.set(ylabel=course.gradient_label)
        upper.tick_params(labelbottom=False)
        upper.set(xlabel="")
    for ax in axes:
        ax.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=_columns(ax), borderpad=0.1,
            handlelength=1.1, columnspacing=0.8, handletextpad=0.4,
        )  # fmt: skip
    return [artist for artists, _ in parts for artist in artists], together([u for _, u in parts])


def _columns(ax: Axes) -> int:
    """Of a legend, three at most, that is no wider than the axes."""
    names = ax.get_legend_handles_labels()[1]
    for columns in (3, 2):
        rows = -(-len(names) // columns)
        widths = [max(map(len, names[i : i + rows])) for i in range(0, len(names), rows)]
        if sum(widths) + 5 * len(widths) <= _LEGEND:
            return columns
    return 1


def draw_lines(
    ax: Axes, time: np.ndarray, rows: Mapping[str, np.ndarray], colours: Sequence[str], time_unit: str
) -> tuple[list[Artist], Update]:
    """Lines that go as far as a marker, faint beyond, each with a point where it is.

    Args:
        ax: The axes.
        time: (time,).
        rows: The lines, (time,) each, by their names in a legend.
        colours: One a line.
        time_unit: Of time.
    """
    lines = list(rows.values())
    start, end = float(time[0]), float(time[-1])
    room = 0.0 if end > start else 0.5 * (abs(start) or 1.0)
    for (name, line), colour in zip(rows.items(), colours, strict=True):
        ax.plot(time, line, color=colour, lw=0.9, alpha=0.3)
        ax.add_line(Line2D([], [], color=colour, lw=1.6, label=name))  # for a legend
    ax.set(xlim=(start - room, end + room), xlabel=with_unit("time", time_unit))
    ax.set_ylim(ax.get_ylim())
    few_ticks(ax, "x", 4)
    few_ticks(ax, "y", 4)
    marker = ax.axvline(start, color=GREY, lw=0.8, ls=":")
    so_far = LineCollection([np.column_stack([time, line]) for line in lines], colors=colours, lw=1.6)
    ax.add_collection(so_far, autolim=False)
    past = Bbox([[start, ax.get_ylim()[0]], [start, ax.get_ylim()[1]]])
    so_far.set_clip_path(None)
    so_far.set_clip_box(TransformedBbox(past, ax.transData))
    points = ax.scatter(
        [start] * len(lines), [line[0] for line in lines], s=24, c=list(colours), ec="white", lw=0.7,
        zorder=3, clip_on=False,
    )  # fmt: skip

    def update(now: float) -> None:
        marker.set_xdata([now, now])
        past.x1 = now
        points.set_offsets([(now, np.interp(now, time, line)) for line in lines])

    return [marker, so_far, points], update
