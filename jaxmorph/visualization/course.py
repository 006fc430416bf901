"""The time course of an observable over seeds, its sensitivity below, and a marker that moves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from scipy import stats

from ..figures.style import GREY, LIGHT_GREY, PALETTE, few_ticks, with_unit, words
from .film import Update


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
    of the mean derivative.
    """
    upper, lower = axes
    time, n_seeds = course.time, len(course.value)
    artists: list[Artist] = []
    updates: list[Update] = []

    def line(ax: Axes, y: np.ndarray, colour: str, name: str) -> None:
        """A line that goes as far as the marker, faint beyond, with a point where it is."""
        ax.plot(time, y, color=colour, lw=0.9, alpha=0.3)
        so_far = ax.plot([], [], color=colour, lw=1.5, label=name)[0]
        point = ax.plot([], [], "o", color=colour, ms=4, mec="white", mew=0.6)[0]

        def update(now: float) -> None:
            past, here = time <= now, np.interp(now, time, y)
            so_far.set_data(np.append(time[past], now), np.append(y[past], here))
            point.set_data([now], [here])

        artists.extend([so_far, point])
        updates.append(update)

    if n_seeds > 1:
        low, high = np.nanquantile(course.value, [0.1, 0.9], axis=0)
        upper.fill_between(
            time, low, high, color=LIGHT_GREY, lw=0, label=f"10 to 90 % of {n_seeds} seeds"
        )
        upper.plot(time, np.nanmean(course.value, axis=0), color=GREY, lw=1, ls="--", label="their mean")
    line(upper, course.value[course.shown], "#000000", "these cells")
    lower.axhline(0, color=GREY, lw=0.6)
    for k, (name, rows) in enumerate(course.gradient.items()):
        colour, mean = PALETTE[k % len(PALETTE)], np.nanmean(rows, axis=0)
        if len(rows) > 1:
            half = stats.t.ppf(0.975, len(rows) - 1) * np.nanstd(rows, axis=0, ddof=1) / len(rows) ** 0.5
            lower.fill_between(time, mean - half, mean + half, color=colour, alpha=0.18, lw=0)
        line(lower, mean, colour, words(name))
    for ax in axes:
        few_ticks(ax, "x", 4)
        few_ticks(ax, "y", 4)
        ax.set_xlim(time[0], time[-1] if time[-1] > time[0] else time[0] + 1)
        marker = ax.axvline(time[0], color=GREY, lw=0.6, ls=":")
        artists.insert(0, marker)
        updates.append(lambda now, marker=marker: marker.set_xdata([now, now]))  # type: ignore[misc]
    upper.set(ylabel=with_unit(words(course.name, 26), course.unit))
    upper.tick_params(labelbottom=False)
    lower.set(xlabel=with_unit("time", course.time_unit), ylabel=course.gradient_label)
    for ax, columns in ((upper, 3), (lower, 4)):
        ax.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, fontsize=7, borderpad=0.1,
            handlelength=1.3, columnspacing=1.0, handletextpad=0.5,
        )  # fmt: skip

    def update(now: float) -> None:
        for one in updates:
            one(now)

    return artists, update
