"""The observables themselves against time: their mean, and how far samples and seeds spread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import panels, stated, style
from .entry import Entry
from .tables import require

ENTRY = Entry(
    place=7,
    title="The observables over time",
    reading="The line is the mean over the design. The band holds the middle two thirds of the samples, "
    "each averaged over its seeds: it is as wide as the parameters make it"
    "{% if mean_se %}. Dashed lines are one standard deviation between seeds above and below the mean "
    "(root mean square over the samples): so far single simulations of the same parameters lie apart"
    "{% endif %}"
    ". A dotted line marks the time at which findings are stated, {{ when }}.",
    variables=("value_average", "mean", "mean_se", "seeds_used"),
)

_NAME = "value_average"
_MIDDLE = (1 / 6, 5 / 6)
_MOST = 4096
"""Samples of which quantiles are taken, evenly spaced, if there are more."""
_BAND, _MEAN, _SEEDS = "#C3CAD1", "black", "#5A5A5A"
_MANY = 12
_DASHES = (0, (3, 2))


def shown(sensitivity: xr.Dataset) -> list[str]:
    """Its variables, without the ends of intervals."""
    return [name for name in ENTRY.variables if name in sensitivity]


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``value_average``, the middle two thirds of ``mean`` over samples, the spread between seeds."""
    require(sensitivity, _NAME, "values_over_time")
    observables = style.names(sensitivity, "observable")
    courses = {name: _course(sensitivity, name) for name in observables}
    time = sensitivity["time"].values
    at = time[stated.place(sensitivity)]
    with style.style():
        n_columns = _columns(observables)
        n_rows = -(-len(observables) // n_columns)
        height = 1.75 if len(observables) <= _MANY else 1.3
        height = (2.2 if n_rows == 1 else height * n_rows) + 0.35
        figure = style.new_figure(height, width=5.0 if n_columns == 1 else None)
        axes = figure.subplots(n_rows, n_columns, squeeze=False)
        for place, ax in enumerate(axes.flat):
            if place >= len(observables):
                ax.remove()
                continue
            name = observables[place]
            _panel(ax, time, courses[name], at)
            step = -0.5 if n_columns > 3 else 0.0
            width = style.characters(style.width_mm() / n_columns - 8, step)
            label = style.label(sensitivity, "observable", name, width)
            ax.set_title(label, fontsize=style.size(step))
            if place + n_columns >= len(observables):
                ax.set_xlabel(style.time_label(sensitivity))
            elif len(time) > 1:
                ax.tick_params(labelbottom=False)
            if len(time) == 1:
                ax.set_xticks([0], [style.time_text(sensitivity.isel(time=0)).removeprefix("time ")])
        when = stated.when(sensitivity) if len(time) > 1 else ""
        panels.key(figure, _handles(courses.values(), when))
    return figure, pd.concat([_table(name, time, course) for name, course in courses.items()])


def _columns(observables: Sequence[str]) -> int:
    n = len(observables)
    if n > _MANY:
        return style.columns(n, 33, most=5)
    return style.columns(n, 42, most=2 if n == 4 else 3)


def _course(sensitivity: xr.Dataset, observable: str) -> dict[str, np.ndarray]:
    """Of one observable, over time, by the names of the table's columns; without what is not known."""
    step = -(-sensitivity.sizes["sample"] // _MOST)
    one = sensitivity.sel(observable=observable).isel(sample=slice(None, None, step))
    course = {_NAME: panels.finite(one[_NAME].values)}
    means = panels.finite(one["mean"].transpose("sample", "time").values)
    if len(means) > 1:
        ends = np.full((2, means.shape[1]), np.nan)
        known = np.isfinite(means).any(axis=0)
        ends[:, known] = np.nanquantile(means[:, known], _MIDDLE, axis=0)
        course |= {"samples_low": ends[0], "samples_high": ends[1]}
    if "mean_se" in one:
        variance = (one["mean_se"] ** 2 * one["seeds_used"]).mean("sample").values
        if np.nanmax(variance, initial=0.0) > 0:
            course["seeds_sd"] = np.sqrt(variance)
    return course


def _panel(ax: Axes, time: np.ndarray, course: dict[str, np.ndarray], at: float) -> None:
    mean = course[_NAME]
    if not np.isfinite(mean).any():
        style.say(ax, "no finite value")
        ax.set_yticks([])
        return
    if len(time) == 1:
        _single(ax, {name: float(values[0]) for name, values in course.items()})
        style.few_ticks(ax, "y", 4)
        return
    if "samples_low" in course:
        ax.fill_between(time, course["samples_low"], course["samples_high"], color=_BAND, lw=0)
    for side in (-1, 1) if "seeds_sd" in course else ():
        ax.plot(time, mean + side * course["seeds_sd"], color=_SEEDS, lw=0.9, ls=_DASHES)
    ax.plot(time, mean, color=_MEAN)
    ax.axvline(at, color=style.GREY, lw=0.9, ls=":", zorder=1)
    style.few_ticks(ax, "x", 4)
    style.few_ticks(ax, "y", 4)


def _single(ax: Axes, course: dict[str, float]) -> None:
    """A study that records one time has bars where others have bands."""
    mean = course[_NAME]
    if "samples_low" in course:
        ends = [course["samples_low"], course["samples_high"]]
        ax.plot([0, 0], ends, color=_BAND, lw=9, solid_capstyle="butt")
    if "seeds_sd" in course:
        ends = [mean - course["seeds_sd"], mean + course["seeds_sd"]]
        ax.plot([0, 0], ends, color=_SEEDS, lw=0.9, ls=_DASHES, marker="_", ms=7)
    ax.plot(0, mean, "o", color=_MEAN, ms=4)
    ax.set_xlim(-1, 1)


def _handles(courses: Iterable[dict[str, np.ndarray]], when: str) -> list[Patch | Line2D]:
    """What explains lines and bands, of what is drawn anywhere."""
    drawn = {name for course in courses for name in course}
    handles: list[Patch | Line2D] = [Line2D([], [], color=_MEAN, label="mean over the design")]
    if "samples_low" in drawn:
        handles.append(Patch(color=_BAND, label="middle two thirds of the samples"))
    if "seeds_sd" in drawn:
        label = "± standard deviation between seeds"
        handles.append(Line2D([], [], color=_SEEDS, lw=0.9, ls=_DASHES, label=label))
    if when:
        label = f"findings are of {when}"
        handles.append(Line2D([], [], color=style.GREY, lw=0.9, ls=":", label=label))
    return handles


def _table(name: str, time: np.ndarray, course: dict[str, np.ndarray]) -> pd.DataFrame:
    return pd.DataFrame({"observable": name, "time": time, **course})
