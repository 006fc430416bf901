"""The figure of a benchmark: jaxmorph beside others, and how its cost grows."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from jaxmorph.figures.numbers import short
from jaxmorph.figures.style import GREY, PALETTE, new_figure, say, style

Row = dict[str, Any]
_BLUE, _ORANGE, _GREEN, _YELLOW, _PINK, _SKY = PALETTE[:6]
# Label, colour and marker of each competitor and mode.
_STYLE = {
    ("jaxmorph", "reverse"): ("jaxmorph, reverse", _BLUE, "o"),
    ("jaxmorph", "forward"): ("jaxmorph, forward", _GREEN, "s"),
    ("jaxmorph", "none"): ("jaxmorph, values alone", GREY, "D"),
    ("jax-morph 0.4.0", "reverse"): ("jax-morph 0.4.0", _ORANGE, "^"),
    ("jax-md", "reverse"): ("jax-md, no checkpoints", _PINK, "v"),
}


def draw(compared: list[Row], scaled: list[Row], path: Path) -> None:
    """Write it."""
    with style():
        figure = new_figure(4.8)
        axes = figure.subplots(2, 3, width_ratios=(1.15, 1, 1))
        (beside, batch, cells), (parameters, memory, devices) = axes
        _beside(beside, compared)
        floors = [
            row | {"ms_per_simulation": row["floor_ms"], "drawn": "floor"}
            for row in scaled
            if "floor_ms" in row
        ]
        _lines(batch, scaled + floors, "batch", "simulations", _throughput)
        batch.set(
            title="throughput", xlabel="simulations at once (dashed: floor)", ylabel="simulations / s"
        )
        large = [
            row | {"measured": "cells", "drawn": "hollow"}
            for row in scaled
            if row["measured"] == "clusters"
        ]
        _lines(cells, scaled + large, "cells", "cells", _step_us)
        cells.set(title="a Brownian step", xlabel="cells (hollow: finite range)", ylabel="µs")
        _lines(parameters, scaled, "parameters", "parameters", _ms, log=False)
        parameters.set(title="a simulation", xlabel="varied parameters", ylabel="ms")
        _lines(memory, scaled, "memory", "brownian_steps", lambda r: r["memory_mb"])
        memory.set(title="memory of 64 simulations", xlabel="Brownian steps", ylabel="MB")
        _lines(devices, scaled, "devices", "devices", _throughput, log=False)
        devices.set(title="throughput", xlabel="devices", ylabel="simulations / s")
        handles: dict[str, Artist] = {}
        for ax in axes.flat:
            lines, names = ax.get_legend_handles_labels()
            handles |= dict(zip(names, lines, strict=True))
        order = [label for label, *_ in _STYLE.values() if label in handles]
        figure.legend([handles[n] for n in order], order, loc="outside lower center", ncols=3)
        figure.savefig(path, metadata={"Date": None})


def _throughput(row: Row) -> float:
    return 1e3 / row["ms_per_simulation"]


def _ms(row: Row) -> float:
    return row["ms_per_simulation"]


def _step_us(row: Row) -> float:
    return 1e3 * row["ms_per_simulation"] / row["brownian_steps"]


def _beside(ax: Axes, compared: list[Row]) -> None:
    """Bars: time of a simulation with its derivatives, of each peer and of jaxmorph."""
    bars: dict[str, tuple[float, str]] = {}
    for row in compared:
        colour = _SKY if row["peer"].startswith("jaxmorph") else _ORANGE
        bars[f"{row['peer']}, {_bits(row)}"] = row["peer_ms_per_simulation"], colour
    for row in compared:
        final = row["computed"].startswith("value and gradient")
        if final or row["computed"].startswith("6 observables"):
            what = row["mode"] if final else "over time"
            colour = _GREEN if row["mode"] == "forward" else _BLUE
            bars.setdefault(f"jaxmorph {what}, {_bits(row)}", (row["ms_per_simulation"], colour))
    ax.set(title="a simulation and its gradient", xlabel="ms", xscale="log")
    if not bars:
        say(ax, "nothing was compared")
        return
    order = sorted(bars, key=lambda name: bars[name][0])
    times = [bars[name][0] for name in order]
    ax.barh(order, times, color=[bars[name][1] for name in order], height=0.7)
    for i, t in enumerate(times):
        ax.text(t * 1.15, i, short(float(f"{t:.2g}")), va="center", size=6)
    ax.set_xlim(min(times) / 3, max(times) * 4)
    ax.tick_params(axis="y", labelsize=6, length=0)


def _bits(row: Row) -> str:
    return row["precision"].replace("float", "f")


def _lines(
    ax: Axes, scaled: list[Row], measured: str, x: str, y: Callable[[Row], float], log: bool = True
) -> None:
    rows = [row for row in scaled if row["measured"] == measured]
    if not rows:
        say(ax, "not measured")
        ax.set(xticks=[], yticks=[])
        return
    for key, (label, colour, marker) in _STYLE.items():
        chosen = [row for row in rows if (row["competitor"], row["mode"]) == key]
        for drawn in ("full", "hollow", "floor"):
            part = [row for row in chosen if row.get("drawn", "full") == drawn]
            if part and drawn == "floor":
                ax.plot([row[x] for row in part], [y(row) for row in part], "--", color=colour)
            elif part:
                xs, ys = [row[x] for row in part], [y(row) for row in part]
                (line,) = ax.plot(
                    xs, ys, color=colour, marker=marker, markersize=3.5, clip_on=False, label=label
                )
                line.set_markerfacecolor("white" if drawn == "hollow" else colour)
    ticks = sorted({row[x] for row in rows})
    if not log:
        ax.set_ylim(bottom=0)
        ax.set_xticks(ticks)
        return
    ax.set(xscale="log", yscale="log")
    powers = measured == "batch"
    if ticks[-1] > 1000 * ticks[0] and not powers:
        ticks = [ticks[0] * 10**i for i in range(math.ceil(math.log10(ticks[-1] / ticks[0])))]
    names = [f"$2^{{{round(math.log2(t))}}}$" if powers else short(t) for t in ticks]
    ax.set_xticks(ticks, names)
    ax.xaxis.set_minor_locator(NullLocator())
    values = [y(row) for row in rows]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    ax.set_ylim(10.0**low, 10.0**high)
    ax.yaxis.set_major_locator(FixedLocator([10.0**i for i in range(low, high + 1)]))
    ax.yaxis.set_minor_formatter(NullFormatter())
