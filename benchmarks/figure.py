"""The figure of a benchmark: six panels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from jaxmorph.figures.numbers import short
from jaxmorph.figures.style import GREY, PALETTE, new_figure, style

Row = dict[str, Any]
_BLUE, _ORANGE, _GREEN, _YELLOW, _PINK, *_ = PALETTE
_STYLE = {
    ("jaxmorph", "reverse"): ("jaxmorph, reverse", _BLUE, "o"),
    ("jaxmorph", "forward"): ("jaxmorph, forward", _GREEN, "s"),
    ("jaxmorph", "none"): ("jaxmorph, values", GREY, "."),
    ("jax-morph 0.4.0", "reverse"): ("jax-morph 0.4.0", _ORANGE, "^"),
    ("jax-md", "reverse"): ("jax-md", _PINK, "v"),
}


def draw(compared: list[Row], scaled: list[Row], path: Path) -> None:
    """Write it."""
    with style():
        figure = new_figure(4.6)
        axes = figure.subplots(2, 3)
        _beside(axes[0, 0], compared)
        by_batch: Callable[[Row], float] = lambda r: 1e3 / r["ms_per_simulation"]  # noqa: E731
        _lines(axes[0, 1], scaled, "batch", "simulations", by_batch)
        axes[0, 1].set(title="throughput", xlabel="simulations at once", ylabel="simulations / s")
        _lines(
            axes[0, 2],
            scaled,
            "cells",
            "cells",
            lambda r: 1e3 * r["ms_per_simulation"] / r["brownian_steps"],
        )
        axes[0, 2].set(title="cost of a step", xlabel="cells", ylabel="µs / Brownian step")
        _lines(
            axes[1, 0], scaled, "parameters", "parameters", lambda r: r["ms_per_simulation"], log=False
        )
        axes[1, 0].set(title="cost of a simulation", xlabel="varied parameters", ylabel="ms")
        _lines(axes[1, 1], scaled, "memory", "brownian_steps", lambda r: r["memory_mb"])
        axes[1, 1].set(title="memory", xlabel="Brownian steps", ylabel="MB")
        _lines(axes[1, 2], scaled, "devices", "devices", by_batch, log=False)
        axes[1, 2].set(title="devices", xlabel="devices", ylabel="simulations / s")
        handles: dict[str, Artist] = {}
        for ax in axes.flat[1:]:
            lines, names = ax.get_legend_handles_labels()
            handles |= dict(zip(names, lines, strict=True))
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=5)
        figure.savefig(path, metadata={"Date": None})


def _beside(ax: Axes, compared: list[Row]) -> None:
    """Bars: time of a simulation with its gradient, of each peer and of jaxmorph."""
    bars: dict[str, tuple[float, str]] = {}
    for row in compared:
        bars[f"{row['peer']}\n({row['precision']})"] = row["peer_ms_per_simulation"], _ORANGE
    for row in compared:
        if row["parameters"] == 6:
            what = row["computed"].removeprefix("value and gradient, ").replace("6 observables at ", "")
            bars[f"jaxmorph, {what.split(',')[0]}\n({row['precision']})"] = (
                row["ms_per_simulation"],
                _BLUE,
            )
    order = sorted(bars, key=lambda name: bars[name][0])
    times = [bars[name][0] for name in order]
    ax.barh(order, times, color=[bars[name][1] for name in order], height=0.7)
    for i, t in enumerate(times):
        ax.text(t * 1.1, i, short(float(f"{t:.2g}")), va="center", size=6)
    ax.set(title="value and gradient", xlabel="ms / simulation", xscale="log")
    ax.set_xlim(min(times) / 3, max(times) * 3)
    ax.tick_params(axis="y", labelsize=5.5)


def _lines(
    ax: Axes, scaled: list[Row], measured: str, x: str, y: Callable[[Row], float], log: bool = True
) -> None:
    rows = [row for row in scaled if row["measured"] == measured]
    for key, (label, colour, marker) in _STYLE.items():
        chosen = [row for row in rows if (row["competitor"], row["mode"]) == key]
        if chosen:
            ax.plot(
                [r[x] for r in chosen],
                [y(r) for r in chosen],
                color=colour,
                marker=marker,
                ms=3.5,
                label=label,
            )
    if log:
        ax.set(xscale="log", yscale="log")
        ticks = sorted({row[x] for row in rows})
        ax.set_xticks(ticks, [short(t) for t in ticks])
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.set_ylim(bottom=0)
        ax.set_xticks(sorted({row[x] for row in rows}))
