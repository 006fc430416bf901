"""Observables of the objective over time, before and after, against their targets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy import stats

from .. import panels, style
from ..entry import Entry
from ..tables import require, tidy
from . import starts

ENTRY = Entry(
    place=190,
    title="Target against achieved",
    reading="The observables of the objective over time, from fresh seeds, for the best start: "
    "grey (dashed) with the parameters before, dark after. A line is the mean over seeds,"
    " the narrow band its 95 % interval, the wide pale band holds the middle 80 % of the "
    "seeds."
    "{% if target_value %} Black dots are the target, their whiskers plus and minus its "
    "stated error.{% endif %}",
    variables=(
        "course_before",
        "course_after",
        "target_value",
        "target_error",
    ),
    source="optimisation.nc",
    part="optimisation",
)

_MIDDLE = (0.1, 0.9)
_STATES = (("before", style.GREY, (0, (4, 1.5))), ("after", style.DARK, "-"))


def draw(optimisation: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Courses of the best start on fresh seeds; ``target_value`` with ``target_error``."""
    require(optimisation, "course_after", "optimisation_courses", "optimisation.nc")
    data = statistics(optimisation)
    with style.style():
        figure = panels.over_time(data, _panel, "", 0.5)
        handles: list[Patch | Line2D] = [
            Line2D([], [], color=c, ls=dash, label=state) for state, c, dash in _STATES
        ]
        if "target_value" in data and np.isfinite(data["target_value"]).any():
            handles.append(Line2D([], [], color="black", marker="o", ms=3, ls="", label="target"))
        panels.key(figure, handles)
    return figure, tidy(data, [str(name) for name in data.data_vars])


def statistics(optimisation: xr.Dataset) -> xr.Dataset:
    """Mean over fresh seeds with its 95 % interval, and the middle 80 %, of the best start."""
    best = optimisation.isel(start=starts.best_start(optimisation))
    found = xr.Dataset()
    for state, _, _ in _STATES:
        course = best[f"course_{state}"]
        n = course.sizes["evaluation_seed"]
        mean = found[f"{state}_mean"] = course.mean("evaluation_seed")
        if n < 2:
            continue
        half = stats.t.ppf(0.975, n - 1) * course.std("evaluation_seed", ddof=1) / np.sqrt(n)
        found[f"{state}_mean_low"], found[f"{state}_mean_high"] = mean - half, mean + half
        for quantile in _MIDDLE:
            name = f"{state}_quantile_{100 * quantile:.0f}"
            found[name] = course.quantile(quantile, "evaluation_seed").drop_vars("quantile")
    for name in ("target_value", "target_error"):
        if name in optimisation:
            found[name] = optimisation[name]
    kept = [name for name in ("goal", "observable_unit") if name in optimisation]
    return found.assign_coords({name: optimisation[name] for name in kept}).drop_vars(
        "start", errors="ignore"
    )


def _panel(ax: Axes, one: xr.Dataset) -> None:
    time = one["time"].values
    single = len(time) == 1
    for place, (state, colour, dash) in enumerate(_STATES):
        x = np.array([place]) if single else time
        for ends, alpha in ((_quantiles(state), 0.15), (_interval(state), 0.35)):
            if ends[0] in one:
                low, high = (panels.finite(one[end].values) for end in ends)
                if single:
                    ax.plot([place, place], [low[0], high[0]], color=colour, lw=5, alpha=alpha,
                            solid_capstyle="butt")  # fmt: skip
                else:
                    ax.fill_between(x, low, high, color=colour, alpha=alpha, lw=0)
        look = {"marker": "o", "ms": 4} if single else {"ls": dash}
        ax.plot(x, panels.finite(one[f"{state}_mean"].values), color=colour, **look)
    _target(ax, one, np.array([0.5]) if single else time)
    if single:
        ax.set_xticks([0.5], [style.time_text(one.isel(time=0)).removeprefix("time ")])
        ax.set_xlim(-1, 2)
    else:
        style.few_ticks(ax, "x", 4)
    style.few_ticks(ax, "y", 5)
    unit = str(one["observable_unit"].item()) if "observable_unit" in one.coords else "1"
    goal = str(one["goal"].item()) if "goal" in one.coords else ""
    aside = {"minimise": "to be small", "maximise": "to be large"}.get(goal, "")
    ax.set_ylabel(", ".join(text for text in (aside, "" if unit == "1" else f"in {unit}") if text))


def _quantiles(state: str) -> tuple[str, str]:
    return f"{state}_quantile_10", f"{state}_quantile_90"


def _interval(state: str) -> tuple[str, str]:
    return f"{state}_mean_low", f"{state}_mean_high"


def _target(ax: Axes, one: xr.Dataset, x: np.ndarray) -> None:
    if "target_value" not in one:
        return
    value = one["target_value"].values
    known = np.isfinite(value)
    if not known.any():
        return
    if "target_error" in one:
        error = np.where(np.isfinite(one["target_error"].values), one["target_error"].values, 0.0)
        ax.vlines(
            x[known], (value - error)[known], (value + error)[known], color="black", lw=0.9, zorder=4
        )
    ax.plot(x[known], value[known], "o", color="black", ms=3, mew=0, zorder=5)
