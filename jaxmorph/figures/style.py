"""What all figures share: colours, type sizes, names, panels in blocks, ticks."""

from __future__ import annotations

import json
import string
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

from ..configuration.look import Figures
from ..quantities import unit_of_entry
from . import few, stated
from .look import (
    characters,
    label,
    look,
    place_of,
    short_name,
    size,
    unit_of,
    width_mm,
    with_unit,
    words,
)
from .numbers import short

__all__ = [
    "characters",
    "label",
    "short_name",
    "size",
    "unit_of",
    "width_mm",
    "with_unit",
    "words",
]

INCH = 25.4
"""Millimetres."""

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
RANKS = ("#1B2B47", "#5E88B0", "#B5A06A", "#7A6A4F", "#A9C0D6", "#D8CBA5")
"""Optima, the best first: navy, steel, sand, and their neighbours."""
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
SHARES = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", MIDDLE, DARK])
"""Shares of variance, from 0 to 1."""
SEQUENTIAL = "viridis"

_RC: dict[str, Any] = {
    # It comes with Matplotlib, so that figures are the same on every machine.
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "text.hinting": "none",  # the same widths at every resolution
    "axes.titlepad": 4,
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
    "pdf.fonttype": 42,  # text is text, and the type is in the file
    "svg.fonttype": "none",
    "svg.hashsalt": "jaxmorph",
}
_SIZES = {
    **dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize", "figure.labelsize"), 0.0),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), -0.5),
}
"""Sizes of type, in points above that of the figures."""


def style() -> AbstractContextManager[None]:
    """The look of a figure, for the length of a ``with``; nothing global stays changed."""
    sizes = {key: size(step) for key, step in _SIZES.items()}
    return matplotlib.style.context(["default", _RC | sizes])


def new_figure(height: float, width: float | None = None) -> Figure:
    """An empty figure that arranges its panels so that nothing overlaps.

    Args:
        height: In inches, with type of the usual size.
        width: In inches, of a figure that needs no whole page, unless a width was asked for.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.03, wspace=0.02, hspace=0.02)
    mm = width_mm(None if width is None else width * INCH)
    grown = max(look().font_size / Figures().font_size, 1.0)
    return Figure(figsize=(mm / INCH, height * grown), layout=layout)


def columns(n: int, mm: float, most: int = 3, beside: float = 0.0) -> int:
    """Columns of ``n`` panels that need so many mm each with type of the usual size.

    So many mm ``beside`` them are not theirs.
    """
    room = (width_mm() - beside) * Figures().font_size / look().font_size
    return max(min(n, most, int(room // mm)), 1)


def heading(name: str, n_columns: int) -> str:
    """The title of a panel of one observable or parameter, in a figure of so many columns."""
    return short_name(name, characters(width_mm() / n_columns - 8))


def is_narrow() -> bool:
    """Whether two panels with names at their sides do not fit beside each other."""
    return width_mm() * Figures().font_size / look().font_size < 130


def below(figure: Figure, text: str) -> None:
    """What stands below all panels, above what is there; lines make the figure taller, but for one."""
    there, lines = figure.get_supxlabel(), _lines(figure, text)
    figure.supxlabel("\n".join([*lines, there] if there else lines))
    _grow(figure, len(lines) - 1)


def footed(figure: Figure, text: str) -> None:
    """Write ``text`` below all that is in the figure, which grows by as much."""
    above, lines = figure.get_supxlabel(), _lines(figure, text)
    figure.supxlabel("\n".join([above, *lines] if above else lines))
    _grow(figure, len(lines))


def first_of_many(figure: Figure, data: xr.Dataset) -> None:
    """Say below a figure that it does not draw every observable, if so."""
    if said := few.said(data):
        footed(figure, said)


def _lines(figure: Figure, text: str) -> list[str]:
    return textwrap.wrap(text, characters(INCH * figure.get_figwidth() - 4))


def _grow(figure: Figure, lines: int) -> None:
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + lines * 1.35 / 72 * size())


def lettered(figure: Figure) -> None:
    """Give panels bold letters, in the order of reading; of many, the first of each row alone."""
    axes = [ax for ax in figure.axes if ax.get_subplotspec() is not None and ax.axison]
    if len(axes) > _MOST_LETTERS:
        axes = [ax for ax in axes if ax.get_subplotspec().is_first_col()]  # type: ignore[union-attr]
    for ax, letter in zip(axes if len(axes) > 1 else [], string.ascii_lowercase, strict=False):
        ax.annotate(letter, (0, 1), (-3, 4), xycoords="axes fraction", textcoords="offset points",
                    ha="right", va="baseline", weight="bold", size=size(1))  # fmt: skip


_MOST_LETTERS = 12


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
        for name, i in ((name, place_of(name, k)) for k, name in enumerate(names))
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


def blocks(items: Sequence[str], longest: int) -> Iterator[Sequence[str]]:
    """Consecutive slices of nearly equal length, none longer than ``longest``."""
    n = -(-len(items) // longest)
    for part in np.array_split(np.arange(len(items)), n):
        yield [items[i] for i in part]


def panel_grid(
    rows: Sequence[str],
    names_of_columns: Sequence[str],
    row_height: float,
    head: float = 0.5,
    **share: Any,
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Row x column panels on a page; columns that do not fit go below, as another block of rows.

    Rows are named on the left, columns above each block.
    """
    parts = list(blocks(names_of_columns, columns(6, 26, most=6)))
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
            axes[i, 0].set_ylabel(short_name(row, characters(25.4 * row_height - 12)))
        for j, column in enumerate(part):
            axes[0, j].set_title(heading(column, len(parts[0])))
    return figure, panels


def few_ticks(ax: Axes, which: str, n: int = 2) -> None:
    """At most ``n`` + 1 short tick labels, for a small panel."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    n = min(n, 3) if which == "x" and is_narrow() else n
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


def empty(ax: Axes, text: str) -> None:
    """Leave a panel without axes, and write in it why nothing is drawn."""
    say(ax, text)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def say(ax: Axes, text: str) -> None:
    """Write in a panel that has nothing to draw why it has not."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY,
            size=size(-0.5))  # fmt: skip
