"""What all figures share: colours, type sizes, names, panels in blocks, ticks."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import matplotlib.style
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from ..quantities import unit_of_entry
from . import stated
from .numbers import short

WIDTH = 7.0
"""Width of a two-column page figure, in inches."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000", "#8C6D1F")
"""Parameters: Okabe and Ito's colours, which colour-blind readers tell apart, without the yellow."""
POSITIVE, NEGATIVE = "#5B2A86", "#889A00"
"""The signs of an effect, purple and olive: no parameter has these. One is dark and one is light, so
that they differ in print without colour, too."""
MIXED: dict[str, Any] = {
    "facecolor": "white",
    "edgecolor": "#767676",
    "hatch": "//////",
    "linewidth": 0.6,
}
"""The look of an effect that has both signs over the design."""
DARK, MIDDLE, PALE = "#37506B", "#B4C3D2", "#DCE4EC"
"""Slate: what is of neither a parameter nor a sign, such as shares of variance, in three depths."""
RANKS = ("#00224E", "#31446B", "#666970", "#958F78", "#CAB969", "#E8D35B")
"""Optima, the best first: from dark to light (the map cividis)."""
NOISE = "#B9BDC1"
"""The share of noise."""
FLAGGED = "#B00020"
"""What cannot be trusted."""
GREY, LIGHT_GREY = "#767676", "#E6E6E6"
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)))
DIVERGING = LinearSegmentedColormap.from_list(
    "signs", [(0.0, NEGATIVE), (0.25, "#C6D080"), (0.5, "#FFFFFF"), (0.75, "#AF97C6"), (1.0, POSITIVE)]
)
"""From one sign by white to the other."""
SEQUENTIAL = "viridis"

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "text.hinting": "none",  # the same widths at every resolution
    "axes.titlesize": 8,
    "axes.titlepad": 4,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "axes.axisbelow": True,
    "lines.linewidth": 1.3,
    "hatch.linewidth": 0.4,
    "savefig.dpi": 200,
    "figure.dpi": 100,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "jaxmorph",
}


def style() -> AbstractContextManager[None]:
    """The look of a figure, for the length of a ``with``; nothing global stays changed."""
    return matplotlib.style.context(["default", _RC])


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, in inches, that arranges its panels so that nothing overlaps."""
    layout = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.03, wspace=0.02, hspace=0.02)
    return Figure(figsize=(width, height), layout=layout)


def footed(figure: Figure, text: str) -> None:
    """Write ``text`` below all that is in the figure, which grows by a line."""
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.17)
    above = figure.get_supxlabel()
    figure.supxlabel(f"{above}\n{text}" if above else text, fontsize=7.5)


def words(name: str, width: int | None = None) -> str:
    """A name as words; broken into lines of at most ``width`` characters if it can be."""
    text = str(name).replace("_", " ")
    return textwrap.fill(text, width, break_long_words=False) if width else text


def with_unit(text: str, unit: str) -> str:
    """``text`` and its unit in brackets; nothing for a dimensionless one."""
    return text if unit in ("", "1") else f"{text} ({unit})"


def unit_of(dataset: xr.Dataset, dim: str, name: str) -> str:
    """Unit of one parameter or observable; ``1`` if the dataset does not say."""
    if f"{dim}_unit" not in dataset.coords:
        return "1"
    return str(dataset[f"{dim}_unit"].sel({dim: name}).item())


def label(dataset: xr.Dataset, dim: str, name: str, width: int | None = None) -> str:
    """Axis label of one parameter or observable."""
    return with_unit(words(name, width), unit_of(dataset, dim, name))


def ink(ground: Any) -> str:
    """Black or white, whichever is read better on a ground of this colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(ground)]
    return "white" if float(np.dot(linear, [0.2126, 0.7152, 0.0722])) < 0.18 else "black"


def line_styles(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and dashes of each parameter, the same in every figure of a run."""
    return {
        name: {
            "color": PALETTE[i % len(PALETTE)],
            "linestyle": _DASHES[i // len(PALETTE) % len(_DASHES)],
        }
        for i, name in enumerate(names)
    }


final, time_text = stated.at_stated, stated.time_text


def time_label(dataset: xr.Dataset) -> str:
    """Axis label of time."""
    return with_unit("time", unit_of_entry(dataset["time"]))


def names(dataset: xr.Dataset, dim: str) -> list[str]:
    """The labels along a dimension."""
    return [str(name) for name in dataset[dim].values]


def logarithmic(dataset: xr.Dataset) -> dict[str, bool]:
    """Whether the natural scale of each parameter is its logarithm."""
    kinds = [d.get("distribution") for d in json.loads(dataset.attrs.get("distributions", "[]"))]
    found = names(dataset, "parameter")
    kinds += [None] * (len(found) - len(kinds))
    return {name: str(kind).startswith("log-") for name, kind in zip(found, kinds, strict=False)}


def columns_for(n_panels: int, longest: int) -> int:
    """Columns of a figure with one panel an observable."""
    if n_panels <= 2 or longest > 14:
        return min(n_panels, 2)
    return 3


def blocks(items: Sequence[str], size: int = 6) -> Iterator[Sequence[str]]:
    """Consecutive slices of nearly equal length, none longer than ``size``."""
    n = -(-len(items) // size)
    for part in np.array_split(np.arange(len(items)), n):
        yield [items[i] for i in part]


def panel_grid(
    rows: Sequence[str], columns: Sequence[str], row_height: float, head: float = 0.5, **share: Any
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Row x column panels on a page; more than six columns go below, as another block of rows.

    Rows are named on the left, columns above each block.
    """
    parts = list(blocks(columns))
    row_height *= {1: 1.5, 2: 1.25, 3: 1.1}.get(len(parts[0]), 1.0)
    figure = new_figure(len(parts) * (row_height * len(rows) + 0.35) + head)
    panels: dict[tuple[str, str], Axes] = {}
    stacked = figure.subfigures(len(parts), 1, squeeze=False)[:, 0]
    for part, block in zip(parts, stacked, strict=True):
        axes = block.subplots(len(rows), len(parts[0]), squeeze=False, **share)
        for j, spare in enumerate(axes.T):
            if j >= len(part):
                for ax in spare:
                    ax.remove()
        for i, row in enumerate(rows):
            for j, column in enumerate(part):
                panels[row, column] = axes[i, j]
            axes[i, 0].set_ylabel(words(row, 13))
        for j, column in enumerate(part):
            axes[0, j].set_title(words(column, 15))
    return figure, panels


def few_ticks(ax: Axes, which: str, n: int = 2) -> None:
    """At most ``n`` + 1 short tick labels, for a small panel."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(MaxNLocator(n, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda x, _: short(0.0 if abs(x) < 1e-14 else x)))


def few_log_ticks(ax: Axes, low: float, high: float) -> None:
    """Two round ticks near the ends of a logarithmic x axis from ``low`` to ``high``."""
    slack = (high / low) ** 0.04
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [m * 10.0**d for d in decades for m in range(1, 10)]
    ticks = [x for x in ticks if low / slack <= x <= high * slack]
    if len(ticks) < 2 or ticks[-1] / ticks[0] < (high / low) ** 0.4:
        ticks = [float(f"{x:.1e}") for x in (low, high)]
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator([ticks[0], ticks[-1]]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short(float(f"{x:.3g}"))))


def say(ax: Axes, text: str) -> None:
    """Write in a panel that has nothing to draw why it has not."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY, size=7)
