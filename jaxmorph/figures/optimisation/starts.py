"""What figures and report read of the starts of an optimisation: order, optima, colours, bounds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from scipy import stats

from ...quantities import unit_of_entry
from .. import panels, style
from ..numbers import plain, short

MOST_STEPS = 500
"""Steps drawn of one start; more only make the file heavy."""
MOST_ROWS = 32
"""Starts that have a row of their own."""
NOT_FINITE = "not finite"
STOPPED = f"stopped: {NOT_FINITE}"


def block(data: xr.Dataset) -> dict[str, Any]:
    """The keys of the ``optimise`` block of the run; empty if the file does not say.

    The attribute ``configuration`` is the run with its block, or the keys of both side by side.
    """
    found = json.loads(data.attrs.get("configuration", "{}"))
    return found.get("optimise") or (found if "objective" in found else {})


def half_width(se: np.ndarray, n: float) -> np.ndarray:
    """Half of Student's 95 % interval of a mean over ``n`` seeds, from its standard error."""
    return panels.finite(se) * float(stats.t.ppf(0.975, max(n - 1, 1)))


def stopped(data: xr.Dataset) -> np.ndarray:
    """Which starts (start,) were stopped because they were no longer finite."""
    return np.array([str(reason).startswith(NOT_FINITE) for reason in data["stop_reason"].values])


def steps_done(data: xr.Dataset) -> np.ndarray:
    """Steps of the optimiser (start,), without the refinement."""
    done = data["steps_done"].values
    return done - data["refined"].values if "refined" in data else done


def after(data: xr.Dataset) -> np.ndarray:
    """Mean loss (start,) on fresh seeds at the end; NaN for what is not finite on any of them."""
    return data["evaluation_loss_after"].mean("evaluation_seed", skipna=False).values


def ranked(data: xr.Dataset) -> np.ndarray:
    """Positions of the starts, the smallest loss on fresh seeds first, stopped ones last."""
    loss = np.where(stopped(data) | ~np.isfinite(after(data)), np.inf, after(data))
    return np.argsort(loss, kind="stable")


def optima(data: xr.Dataset) -> np.ndarray:
    """Positions of the optima, the best first: in the order of the file.

    Which is best was said by other seeds than those of ``optimum_loss``.
    """
    return np.arange(data.sizes.get("optimum", 0))


def best_start(data: xr.Dataset) -> int:
    """Position of the best start: that of the best optimum; without any, the smallest loss."""
    found = optima(data)
    if found.size:
        label = data["optimum_start"].values[found[0]]
        return int(np.flatnonzero(data["start"].values == label)[0])
    return int(ranked(data)[0])


def in_optimum(data: xr.Dataset, optimum: int) -> np.ndarray:
    """Which starts (start,) ended in the optimum at a position."""
    return data["optimum_of_start"].values == data["optimum"].values[optimum]


def optimum_colours(data: xr.Dataset) -> dict[int, str]:
    """Colour of each optimum by its position, the best first; grey where the palette ends."""
    palette = [*style.RANKS, *[style.GREY] * data.sizes.get("optimum", 0)]
    return {int(k): palette[rank] for rank, k in enumerate(optima(data))}


def colours(data: xr.Dataset) -> list[str]:
    """Colour of each start: that of its optimum, grey without one."""
    found = [style.GREY] * data.sizes["start"]
    for optimum, colour in optimum_colours(data).items():
        for start in np.flatnonzero(in_optimum(data, optimum)):
            found[start] = colour
    return found


def last_step(data: xr.Dataset) -> np.ndarray:
    """Index (start,) of the last step at which a start's loss and parameters are finite."""
    finite = np.isfinite(data["loss"].transpose("start", "step").values)
    finite &= np.isfinite(data["parameter_value"].transpose("start", "step", ...).values).all(-1)
    return np.where(finite.any(1), finite.shape[1] - 1 - np.argmax(finite[:, ::-1], axis=1), 0)


def shown_steps(data: xr.Dataset) -> np.ndarray:
    """Indices of at most ``MOST_STEPS`` steps, evenly spaced, and of where each start ends."""
    n = data.sizes["step"]
    even = np.linspace(0, n - 1, min(n, MOST_STEPS)).round().astype(int)
    return np.union1d(even, last_step(data))


def hard_bounds(data: xr.Dataset, parameter: str) -> tuple[float, float]:
    """The bounds of a parameter; infinite where it has none."""
    if "lower_bound" not in data:
        return -np.inf, np.inf
    low, high = (float(data[f"{end}_bound"].sel(parameter=parameter)) for end in ("lower", "upper"))
    return low, high


def bounds(data: xr.Dataset, parameter: str) -> tuple[float, float]:
    """The bounds of a parameter; where there is none, a little beyond all that the starts visit."""
    value = panels.finite(data["parameter_value"].sel(parameter=parameter).values)
    least, most = float(np.nanmin(value)), float(np.nanmax(value))
    slack = 0.05 * ((most - least) or abs(most) or 1.0)
    low, high = hard_bounds(data, parameter)
    if style.logarithmic(data)[parameter] and least > 0:
        ratio = max(most / least, 1.1) ** 0.05
        ends = least / ratio, most * ratio
    else:
        ends = least - slack, most + slack
    return (low if np.isfinite(low) else ends[0], high if np.isfinite(high) else ends[1])


def parameter_axis(
    ax: Axes, data: xr.Dataset, parameter: str, which: str, ends: tuple[float, float] | None = None
) -> None:
    """An axis that spans the bounds of a parameter, or ``ends``; logarithmic if its natural scale is."""
    low, high = ends or bounds(data, parameter)
    beyond = 0.0 if ends else 0.03
    axis = ax.xaxis if which == "x" else ax.yaxis
    if style.logarithmic(data)[parameter] and low > 0:
        getattr(ax, f"set_{which}scale")("log")
        slack = (high / low) ** beyond
        limits = low / slack, high * slack
        ticks = [float(f"{low * (high / low) ** share:.2g}") for share in (0.1, 0.5, 0.9)]
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda x, _: short(float(f"{x:.2g}"))))
    else:
        slack = beyond * (high - low)
        limits = low - slack, high + slack
        style.few_ticks(ax, which, 4)
    getattr(ax, f"set_{which}lim")(*limits)


def is_steep(values: np.ndarray) -> bool:
    """Whether values are positive and span more than a factor of five, so that a logarithm helps."""
    found = values[np.isfinite(values)]
    return bool(found.size and found.min() > 0 and found.max() > 5 * found.min())


def loss_axis(ax: Axes, which: str, values: np.ndarray) -> None:
    """An axis of losses, logarithmic where they are steep."""
    if not is_steep(values):
        style.few_ticks(ax, which, 4)
        return
    getattr(ax, f"set_{which}scale")("log")
    plain_log_ticks(ax.xaxis if which == "x" else ax.yaxis, values)


def plain_log_ticks(axis: Axis, values: np.ndarray) -> None:
    """Ticks of a logarithmic axis at round numbers, which are written out."""
    decades = np.log10(np.nanmax(values) / np.nanmin(values))
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.5 else (1,), numticks=9))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: short(float(f"{x:.6g}"))))


def loss_label(data: xr.Dataset) -> str:
    """Axis label of the loss."""
    return style.with_unit("loss", unit_of_entry(data["loss"]))


def outlined(width: float) -> list[Any]:
    """A white rim, so that a line is seen on any ground."""
    return [Stroke(linewidth=width + 1.4, foreground="white"), Normal()]


def legend_handles(data: xr.Dataset) -> list[Patch | Line2D]:
    """What the colours mean: each optimum with its number of starts, and the stopped ones."""
    handles: list[Patch | Line2D] = []
    for optimum, colour in optimum_colours(data).items():
        n = int(in_optimum(data, optimum).sum())
        one = data.isel(optimum=optimum)
        text = f"optimum {one['optimum'].item()} ({n} start{'s' if n != 1 else ''}, loss "
        handles.append(Line2D([], [], color=colour, label=f"{text}{plain(float(one['optimum_loss']))})"))
    unknown = ~stopped(data) & (data["optimum_of_start"].values < 0)
    if unknown.any():
        handles.append(Line2D([], [], color=style.GREY, label="in no optimum"))
    if stopped(data).any():
        handles.append(Line2D([], [], label=STOPPED, **panels.FLAG))
    return handles[:7]


def start_rows(ax: Axes, data: xr.Dataset, order: np.ndarray) -> None:
    """Names of the starts as labels of the rows, from the top; says how many have no row."""
    labels = [str(data["start"].values[start]) for start in order]
    ax.set_yticks(range(len(order)), labels)
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    rest = data.sizes["start"] - len(order)
    ax.set_ylabel("start" + (f" (the best {len(order)}; {rest} more are in the CSV)" if rest else ""))
