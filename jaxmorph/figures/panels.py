"""Pieces that several figures share: a panel an observable, curves with bands, whiskers, legends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import few, style
from .estimates import unreliable
from .tables import interval

FLAG: dict[str, Any] = {"color": style.FLAGGED, "marker": "x", "ms": 4.5, "mew": 1.4, "ls": ""}
"""The mark of a gradient that cannot be trusted."""

BACKGROUND: dict[str, Any] = {"color": "#BDBDBD", "lw": 0.7, "zorder": 1}
"""The look of parameters that have no colour."""

MOST_DRAWN = 256
"""Dots drawn in one panel; more only make the file heavy."""


def over_time(
    data: xr.Dataset, draw_panel: Callable[[Axes, xr.Dataset], None], label: str, head: float
) -> Figure:
    """One panel an observable, all against time; ``draw_panel`` gets the observable's part."""
    observables = few.observables(data)
    n_columns = style.columns(len(observables), 42, most=2 if len(observables) == 4 else 3)
    n_rows = -(-len(observables) // n_columns)
    figure = style.new_figure(1.75 * n_rows + head)
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True)
    for ax, observable in zip(panels.flat, observables, strict=False):
        draw_panel(ax, data.sel(observable=observable))
        ax.set_title(style.heading(observable, n_columns))
    for place, ax in enumerate(panels.flat):
        if place + n_columns >= len(observables):
            ax.tick_params(labelbottom=True)
            ax.set_xlabel(style.time_label(data))
        if place >= len(observables):
            ax.remove()
    figure.supylabel(label)
    style.first_of_many(figure, data)
    return figure


def flags(one: xr.Dataset) -> np.ndarray:
    """Which parameters' gradients of one observable are flagged; none where that is not known."""
    found = unreliable(one)
    return np.zeros(one.sizes["parameter"], bool) if found is None else found.values


def any_flag(data: xr.Dataset) -> bool:
    """Whether a figure has a flag to explain."""
    found = unreliable(data)
    return found is not None and bool(found.any())


def flag_handle() -> Line2D:
    """What explains the flag in a legend."""
    return Line2D([], [], label="gradient not to be trusted", **FLAG)


def flag_labels(ax: Axes, flagged: np.ndarray) -> None:
    """Colour the names of flagged rows; a cross says it without colour, too."""
    names = [label.get_text() for label in ax.get_yticklabels()]
    marked = [f"{name} ×" if bad else name for name, bad in zip(names, flagged, strict=True)]
    ax.set_yticks(ax.get_yticks(), marked)
    for label, bad in zip(ax.get_yticklabels(), flagged, strict=True):
        if bad:
            label.set_color(style.FLAGGED)


def key(figure: Figure, handles: list[Patch | Line2D]) -> None:
    """A legend in small type above all panels, in two rows where one would be too long."""
    room = style.characters(style.INCH * figure.get_figwidth(), -0.5)
    labels = [len(str(handle.get_label())) + 6 for handle in handles]
    # Columns are as wide as their longest entry.
    n_rows = next(n for n in range(1, len(labels) + 1) if _length(labels, n) <= room or n == len(labels))
    figure.legend(handles=handles, loc="outside upper center", ncols=-(-len(handles) // n_rows),
                  fontsize=style.size(-0.5), handlelength=1.2, columnspacing=1.2)  # fmt: skip


def _length(labels: list[int], n_rows: int) -> int:
    """Characters of a legend in so many rows, which is filled column by column."""
    return sum(max(labels[i : i + n_rows]) for i in range(0, len(labels), n_rows))


def curves(
    ax: Axes, data: xr.Dataset, name: str, styles: dict[str, dict], flagged: np.ndarray | None = None
) -> None:
    """An estimate against time, one line a parameter, with its interval as a band.

    A red cross ends the line of a parameter that is ``flagged``. Of very many parameters the largest
    ones are in colour, the others grey and without bands.
    """
    time, data = data["time"].values, data[[n for n in interval(name) if n in data]]
    every = data[name].transpose("time", "parameter").values
    front = few.in_front(every)
    if len(time) > 1:
        background(ax, time, every[:, ~front])
    flagged = np.zeros(len(styles), bool) if flagged is None else flagged
    _, low, high = interval(name)
    for place, (parameter, look) in enumerate(styles.items()):
        one = data.sel(parameter=parameter)
        value = finite(one[name].values)
        if low in one:
            # What has no bounds would look certain without a band.
            bounded = np.isfinite(one[low].values) & np.isfinite(one[high].values)
            value = np.where(bounded, value, np.nan)
        if len(time) == 1:
            ends = (one[low].item(), one[high].item()) if low in one else None
            _dot(ax, value[0], ends, place, look["color"])
            if flagged[place]:
                ax.plot(place, value[0], **FLAG, zorder=4)
            continue
        if front[place] and low in one:
            ends = finite(one[low].values), finite(one[high].values)
            ax.fill_between(time, *ends, color=look["color"], alpha=0.22, lw=0)
        if front[place]:
            ax.plot(time, value, **look)
        if flagged[place] and np.isfinite(value).any():
            last = np.flatnonzero(np.isfinite(value))[-1]
            ax.plot(time[last], value[last], **FLAG, zorder=4)
    if len(time) == 1:
        only = style.time_text(data.isel(time=0)).removeprefix("time ")
        ax.set_xticks([(len(styles) - 1) / 2], [only])
        ax.set_xlim(-1, len(styles))
    else:
        style.few_ticks(ax, "x", 4)
    style.few_ticks(ax, "y", 5)


def _dot(ax: Axes, value: float, ends: tuple[float, float] | None, place: int, colour: str) -> None:
    """A study that records one time has points, side by side, where others have lines."""
    ax.plot(place, value, "o", color=colour, ms=4)
    if ends is not None:
        ax.plot([place, place], finite(np.array(ends)), color=colour)


def background(ax: Axes, x: np.ndarray, lines: np.ndarray, **look: Any) -> None:
    """Grey lines (x, line) behind those in colour, as one drawing, however many they are."""
    if not lines.size:
        return
    gaps = np.full((1, lines.shape[1]), np.nan)
    y = np.concatenate([finite(lines), gaps]).T.ravel()
    ax.plot(np.tile([*x, np.nan], lines.shape[1]), y, **{**BACKGROUND, **look})


def finite(values: np.ndarray) -> np.ndarray:
    """``values`` with NaN for what is infinite, which leaves a gap where it cannot be drawn."""
    return np.where(np.isfinite(values), values, np.nan)


def in_front(data: xr.Dataset, name: str, styles: dict[str, dict]) -> dict[str, dict]:
    """The looks of the parameters that :func:`curves` has in colour in any panel."""
    dims = [dim for dim in data[name].dims if dim not in ("observable", "parameter")]
    each = (
        data[name].sel(observable=o).transpose(*dims, "parameter").values for o in few.observables(data)
    )
    drawn = np.any([few.in_front(values) for values in each], axis=0)
    return {p: look for (p, look), colour in zip(styles.items(), drawn, strict=True) if colour}


def others(data: xr.Dataset) -> tuple[Line2D, ...]:
    """What explains the grey lines in a legend, if not every parameter has a colour."""
    every = few.in_front(np.zeros(data.sizes["parameter"])).all()
    return () if every else (Line2D([], [], **BACKGROUND, label="others"),)


def parameter_legend(figure: Figure, styles: dict[str, dict], more: tuple[Any, ...] = ()) -> None:
    """Names of the lines above all panels."""
    handles = [Line2D([], [], **look, label=style.short_name(p)) for p, look in styles.items()]
    figure.legend(handles=[*handles, *more], loc="outside upper center",
                  ncols=_in_a_row(styles, len(handles) + len(more)))  # fmt: skip


def _in_a_row(styles: dict[str, dict], n: int) -> int:
    """How many of ``n`` entries of a legend stand in each row."""
    room = style.characters(style.width_mm(), -0.5)
    fit = max(room // (max((len(style.words(name)) for name in styles), default=1) + 7), 1)
    return -(-max(n, 1) // -(-max(n, 1) // fit))


def legend_height(styles: dict[str, dict]) -> float:
    """Height in inches that the head of a figure needs for ``parameter_legend``."""
    return 0.33 + 0.16 * -(-(len(styles) + 1) // _in_a_row(styles, len(styles)))


def whisker(
    ax: Axes, ends: tuple[float, float], place: float, limits: tuple[float, float], **look: Any
) -> None:
    """A horizontal interval; where it leaves the panel, an arrow at the edge points to the rest."""
    low, high = (float(np.clip(end, *limits)) for end in ends)
    if not (np.isfinite(low) and np.isfinite(high)):
        return
    colour, width = look.get("color", "black"), look.get("lw", 0.9)
    ax.plot([low, high], [place, place], solid_capstyle="butt", color=colour, lw=width)
    caps = [
        x
        for x, end in ((low, ends[0]), (high, ends[1]))
        if abs(x - end) <= 0.02 * (limits[1] - limits[0])
    ]
    ax.plot(caps, [place] * len(caps), "|", ms=4, mew=width, color=colour)
    for x, end, arrow in ((low, ends[0], "<"), (high, ends[1], ">")):
        if abs(x - end) > 0.02 * (limits[1] - limits[0]):
            ax.plot(x, place, arrow, ms=3, mew=0, color=colour, clip_on=False)


def matrix(
    ax: Axes, values: np.ndarray, rows: list[str], columns: list[str], shares: float | None = None
) -> None:
    """Numbers between -1 and 1 as coloured squares, in the colours of their signs.

    Of ``shares``, which have none, only those of at least so much are written.
    """
    shown, least = np.ma.masked_invalid(values), shares or 0.0
    cmap = style.DIVERGING if shares is None else style.SHARES
    drawn = ax.pcolormesh(shown, cmap=cmap, vmin=-1 if shares is None else 0, vmax=1,
                          edgecolor=style.LIGHT_GREY, lw=0.6)  # fmt: skip
    large = len(columns) > 8  # numbers would touch each other
    if large:
        bar = ax.figure.colorbar(
            drawn, ax=ax, fraction=0.04, pad=0.02, ticks=[-1, 0, 1] if shares is None else [0, 1]
        )
        bar.outline.set_visible(False)
    for i, j in np.ndindex(*values.shape):
        value = values[i, j]
        if large or not abs(value) >= least:
            continue
        text = f"{value:.2f}"
        text = text.replace("-0.0", "0.0") if float(text) == 0 else text
        ax.text(j + 0.5, i + 0.5, text.replace("-", "\N{MINUS SIGN}"), ha="center", va="center",
                fontsize=style.size(-0.5), color=style.ink(drawn.to_rgba(value)))  # fmt: skip
    upright = len(columns) > 4
    wrap = 18 if upright else 10
    ax.set_xticks(np.arange(len(columns)) + 0.5, [style.short_name(c, wrap) for c in columns],
                  rotation=90 if upright else 0)  # fmt: skip
    ax.set_yticks(np.arange(len(rows)) + 0.5, [style.short_name(r, 18) for r in rows])
    ax.set_ylim(len(rows), 0)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def thinned(n: int) -> np.ndarray:
    """Indices of at most ``MOST_DRAWN`` samples out of ``n``, evenly spaced."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_DRAWN)).round().astype(int))


def shown_of(n: int) -> str:
    """Says how many samples are drawn when not all are."""
    return f"; {MOST_DRAWN} of {n} samples are drawn" if n > MOST_DRAWN else ""
