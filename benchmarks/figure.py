"""The figure of a benchmark: jaxmorph beside others, and how its cost grows."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from jaxmorph.figures.numbers import short
from jaxmorph.figures.style import GREY, PALETTE, new_figure, say, style

Row = dict[str, Any]
_BLUE, _ORANGE, _GREEN, _, _PINK, _SKY = PALETTE[:6]
# Of each program and mode: label, colour, marker.
_STYLE = {
    ("jaxmorph", "reverse"): ("jaxmorph, reverse", _BLUE, "o"),
    ("jaxmorph", "forward"): ("jaxmorph, forward", _GREEN, "s"),
    ("jaxmorph", "none"): ("jaxmorph, values alone", GREY, "D"),
    ("jax-morph 0.4.0", "reverse"): ("jax-morph 0.4.0", _ORANGE, "^"),
    ("jax-md", "reverse"): ("jax-md, no checkpoints", _PINK, "v"),
}


# Of what is measured: title, what grows, its label, what is drawn, its label.
_PANELS = {
    "batch": ("throughput", "simulations", "simulations (dashed: floor)", "per_s", "simulations / s"),
    "cells": ("1,000 Brownian steps", "cells", "cells (hollow: finite range)", "of_1000", "ms"),
    "parameters": ("a simulation", "parameters", "varied parameters", "ms", "ms"),
    "memory": ("memory of 64 simulations", "brownian_steps", "Brownian steps", "memory_mb", "MB"),
    "devices": ("throughput", "devices", "devices", "per_s", "simulations / s"),
}


def draw(rows: list[Row], path: Path) -> None:
    """Write it."""
    drawn = [row | {"look": "full"} for row in rows if row["measured"] in _PANELS]
    drawn += [row | {"look": "floor", "ms": row["floor_ms"]} for row in rows if "floor_ms" in row]
    clusters = [row for row in rows if row["measured"] == "clusters"]
    drawn += [row | {"look": "hollow", "measured": "cells"} for row in clusters]
    for row in [row for row in drawn if "ms" in row]:
        row |= {"per_s": 1e3 / row["ms"], "of_1000": 1e3 * row["ms"] / row["brownian_steps"]}
    with style():
        figure = new_figure(4.8)
        beside, *others = figure.subplots(2, 3, width_ratios=(1.15, 1, 1)).flat
        _beside(beside, [row for row in rows if row["measured"] == "beside"])
        handles: dict[str, Any] = {}
        for ax, measured in zip(others, _PANELS, strict=True):
            _lines(ax, [row for row in drawn if row["measured"] == measured], measured)
            handles |= {line.get_label(): line for line in ax.lines if line.get_label()[0] != "_"}
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
        figure.savefig(path, metadata={"Date": None})


def _beside(ax: Axes, rows: list[Row]) -> None:
    """Bars: time of a simulation with its derivatives, of each peer and of jaxmorph."""
    ax.set(title="a simulation and its gradient", xlabel="ms", xscale="log")
    bars: dict[str, tuple[float, str]] = {}
    for row in rows:
        what, peer = row.get("computes", ""), _SKY if "plain" in row["program"] else _ORANGE
        how = "over time" if what.startswith("6 observables") else row["mode"]
        name = f"{row['program']} {how}, {row['precision'].replace('float', 'f')}"
        colours = {"forward": _GREEN, "reverse": _BLUE}
        if not what.startswith("what the peer"):
            bars.setdefault(name, (row["ms"], colours[row["mode"]] if what else peer))
    order = sorted(bars, key=lambda name: bars[name][0])
    if not bars:
        say(ax, "nothing was compared")
        return
    ax.barh(order, [bars[n][0] for n in order], color=[bars[n][1] for n in order], height=0.7)
    for i, name in enumerate(order):
        ax.text(bars[name][0] * 1.15, i, short(float(f"{bars[name][0]:.2g}")), va="center", size=6)
    ax.set_xlim(bars[order[0]][0] / 3, bars[order[-1]][0] * 4)
    ax.tick_params(axis="y", labelsize=6, length=0)


def _lines(ax: Axes, rows: list[Row], measured: str) -> None:
    title, x, xlabel, y, ylabel = _PANELS[measured]
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    if not rows:
        say(ax, "not measured")
    for key, (label, colour, marker) in _STYLE.items():
        for look, face in (("full", colour), ("hollow", "white"), ("floor", None)):
            part = [r for r in rows if (r["program"], r["mode"]) == key and r["look"] == look]
            marks = {"marker": marker, "markersize": 3.5, "markerfacecolor": face, "label": label}
            kind: dict[str, Any] = marks if face else {"linestyle": "--"}
            if part:
                ax.plot([r[x] for r in part], [r[y] for r in part], color=colour, clip_on=False, **kind)
    if measured in ("parameters", "devices"):
        ax.set_ylim(bottom=0)
        ax.set_xticks(sorted({row[x] for row in rows}))
    elif rows:
        ax.set(xscale="log", yscale="log")
        ax.xaxis.set_minor_locator(NullLocator())
