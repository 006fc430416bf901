"""What one seed would have said: single-seed gradients at one sample of the design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import few, panels, style
from .entry import Entry
from .estimates import unsuited
from .ranking import sizes
from .tables import require, tidy

ENTRY = Entry(
    place=140,
    title="What a single seed would have said",
    reading="Gradients at {{ when }} for one sample near the middle of the design: one dot is "
    "one noise seed (a histogram where there are many), in the colour of its sign; the fraction counts "
    "the seeds whose sign is not that of the mean. The diamond is the mean with its "
    "standard error, the dashed line is zero.",
    variables=("central_gradient",),
    part="checks",
)

_MANY_SEEDS = 64
_MOST_COLUMNS = 6
"""Parameters, where not all are drawn."""


def nothing(sensitivity: xr.Dataset) -> str | None:
    """Why there is nothing to draw; None if there is."""
    return "needs two or more seeds" if sensitivity.sizes.get("seed", 1) < 2 else None


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``central_gradient`` at the stated time, seed by seed, with its mean and standard error."""
    require(sensitivity, "central_gradient", "seed_spread")
    data = style.final(sensitivity)
    observables, parameters = few.observables(data), _parameters(data)
    with style.style():
        figure, axes = style.panel_grid(observables, parameters, row_height=0.82)
        for (observable, parameter), ax in axes.items():
            gradient = data["central_gradient"].sel(observable=observable, parameter=parameter)
            _panel(ax, gradient.values)
        seeds = data.sizes["seed"]
        style.below(
            figure,
            f"gradient (unit of the row per unit of the column) at {style.time_text(data)}, sample "
            f"{int(data['central_sample'])}, "
            + ("one dot a seed" if seeds > 1 else "of the only seed: its spread is not known"),
        )
        style.first_of_many(figure, data)
        _legend(figure)
    return figure, tidy(data, ["central_gradient"])


def _parameters(data: xr.Dataset) -> list[str]:
    """Those that have a column: of very many the largest of each observable, then the next ones."""
    every = style.names(data, "parameter")
    if len(few.rows(np.arange(len(every)))) == len(every):
        return every
    suited = ~unsuited(data)
    each = ((data.sel(observable=o), bool(suited.sel(observable=o))) for o in few.observables(data))
    orders = [sizes(one, elasticities).order for one, elasticities in each]
    best = list(dict.fromkeys(int(i) for row in zip(*orders, strict=True) for i in row))[:_MOST_COLUMNS]
    return [every[i] for i in sorted(best)]


def _panel(ax: Axes, values: np.ndarray) -> None:
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-1.15, 1.75)
    gradient = values[np.isfinite(values)]
    if gradient.size == 0:
        style.say(ax, "no finite\ngradient")
        ax.set_xticks([])
        return
    if not gradient.any():
        style.say(ax, "zero for\nevery seed")
        ax.set_xticks([])
        return
    mean = float(gradient.mean())
    wrong = np.sign(gradient) * np.sign(mean) < 0
    ax.axvline(0, color=style.GREY, lw=0.7, ls=(0, (3, 2)))
    if gradient.size > _MANY_SEEDS:
        _histogram(ax, gradient)
    else:
        height = _swarm(gradient)
        for chosen, colour in ((gradient > 0, style.POSITIVE), (gradient <= 0, style.NEGATIVE)):
            ax.plot(gradient[chosen], height[chosen], "o", ms=2.6, mew=0, color=colour, alpha=0.75)
    if gradient.size > 1:
        se = float(gradient.std(ddof=1) / np.sqrt(gradient.size))
        ax.plot([mean - se, mean + se], [-0.75] * 2, color="black", lw=1.2)
        ax.text(0.98, 0.99, f"{wrong.sum()}/{gradient.size}", transform=ax.transAxes, ha="right",
                va="top", fontsize=style.size(-0.5), color="black" if wrong.any() else style.GREY,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # fmt: skip
    ax.plot(mean, -0.75, "D", ms=3.4, color="black", mew=0)
    _limits(ax, gradient)


def _limits(ax: Axes, gradient: np.ndarray) -> None:
    """Zero is always in view, and there is room for the marks at the ends."""
    low, high = min(gradient.min(), 0.0), max(gradient.max(), 0.0)
    ax.set_xlim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    style.few_ticks(ax, "x", 2)


def _swarm(values: np.ndarray) -> np.ndarray:
    """Heights in [-0.35, 1] that keep dots of nearly equal value apart, the same every time."""
    spread = np.ptp(np.append(values, 0.0)) or 1.0
    height = np.zeros(len(values))
    lanes = np.array([0.35, 0.65, 0.05, 0.95, -0.25])
    last = np.full(len(lanes), -np.inf)
    for i in np.argsort(values, kind="stable"):
        free = np.flatnonzero(values[i] - last > 0.06 * spread)
        lane = int(free[0]) if free.size else int(np.argmin(last))
        height[i], last[lane] = lanes[lane], values[i]
    return height


def _histogram(ax: Axes, gradient: np.ndarray) -> None:
    edges = np.histogram_bin_edges(gradient, bins=24)
    counts = np.histogram(gradient, edges)[0]
    for chosen, colour in ((gradient > 0, style.POSITIVE), (gradient <= 0, style.NEGATIVE)):
        part = np.histogram(gradient[chosen], edges)[0] / counts.max() * 1.3
        ax.stairs(part - 0.35, edges, baseline=-0.35, fill=True, color=colour, alpha=0.75)


def _legend(figure: Figure) -> None:
    def dot(colour: str, text: str) -> Line2D:
        return Line2D([], [], marker="o", ms=3.5, mew=0, ls="", color=colour, label=text)

    handles: list[Patch | Line2D] = [
        dot(style.POSITIVE, "a seed with a positive gradient"),
        dot(style.NEGATIVE, "with a negative one (top right: those against the mean)"),
        Line2D([], [], color="black", marker="D", ms=3.4, label="mean ± standard error"),
    ]
    panels.key(figure, handles)
