"""Rows of shares of variance: bars of indices, bounds beside them, whiskers, and one axis for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import panels, style
from .estimates import known
from .numbers import NOT_DEFINED
from .tables import interval

_MOST, _LEAST = 1.1, -0.15
LIMITS = (0.0, _MOST)
"""The x axis, where nothing is below 0."""
_BOUND, _EDGE, _LOWER = style.PALE, "#5F7488", style.MIDDLE
_TOTAL: dict[str, Any] = {"facecolor": style.DARK, "edgecolor": style.DARK, "linewidth": 0.7}
_FIRST = {**_TOTAL, "facecolor": "white"}


def share_limits(found: Sequence[np.ndarray]) -> tuple[float, float]:
    """The x axis: estimates of what is zero may lie a little below it."""
    least = min((float(np.nanmin(v)) for v in found if np.isfinite(v).any()), default=0.0)
    return (max(least - 0.02, _LEAST), _MOST) if least < -0.005 else LIMITS


def share_axis(ax: Axes, labels: Sequence[str]) -> None:
    """The axis of shares, from 0 to a little beyond 1, and what each row is of."""
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.axvline(0, color="black", lw=0.6)
    ax.axvline(1, color=style.GREY, lw=0.5, ls=":", zorder=0)


def share_interval(ax: Axes, one: xr.Dataset, name: str, place: float, **look: float | str) -> None:
    """The whisker of an estimate, if it has an interval."""
    _, low, high = interval(name)
    if low in one:
        panels.whisker(ax, (float(one[low]), float(one[high])), place, ax.get_xlim(), **look)


def share_bound(ax: Axes, one: xr.Dataset, name: str, place: float, whisker: bool = True) -> None:
    """A pale bar, cut with an arrow where it says nothing."""
    value = float(one[name])
    ax.barh(place, min(value, _MOST), height=0.66, color=_BOUND)
    if whisker:
        share_interval(ax, one, name, place + 0.16, color=_EDGE)
    if value > _MOST and not (whisker and interval(name)[2] in one):
        ax.plot(_MOST - 0.02, place + 0.16, ">", ms=3.5, color=_EDGE, mew=0)


def share_row(ax: Axes, one: xr.Dataset, place: float, names: Sequence[str | None]) -> None:
    """The total index, what is explained alone, and bounds, of one parameter or group; by name."""
    total, first, bound, lower = (*names, None)[:4]
    drawn = False
    if bound is not None and not np.isnan(one[bound].item()):
        share_bound(ax, one, bound, place, whisker=total is None)
        if total is None and lower is not None and one[lower].item() > 0:
            least = min(float(one[lower]), float(one[bound]), _MOST)
            ax.barh(place, least, height=0.66, color=_LOWER)
            share_interval(ax, one, lower, place + 0.02, color=_EDGE, lw=0.6)
        drawn = True
    for name, at, look in ((total, -0.17, _TOTAL), (first, 0.17, _FIRST)):
        if name is not None and np.isfinite(one[name].item()):
            ax.barh(place + at, max(float(one[name]), _LEAST), height=0.3, **look)
            share_interval(ax, one, name, place + at, color=style.GREY if name == total else "black")
            drawn = True
    if not drawn:
        ax.text(0.5, place, NOT_DEFINED, va="center", ha="center", color=style.GREY)


def share_handles(data: xr.Dataset, names: Sequence[str | None]) -> list[Patch | Line2D]:
    """What explains the rows in a legend; the interval is the last."""
    total, first, bound, lower = (*names, None)[:4]
    handles: list[Patch | Line2D] = []
    if total is not None:
        handles.append(Patch(**_TOTAL, label=known(data, total).short))
    if first is not None:
        handles.append(Patch(**_FIRST, label=known(data, first).short))
    if bound is not None:
        handles.append(Patch(color=_BOUND, label="upper bound on the total index"))
        if lower is not None:
            handles.append(Patch(color=_LOWER, label="lower bound"))
    if any(str(name).endswith("_low") for name in data.data_vars):
        handles.append(Line2D([], [], color="black", lw=0.9, marker="|", ms=5, label="95 % interval"))
    return handles
