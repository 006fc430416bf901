"""The files of a benchmark: tables, a figure, the machine."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from . import figure

Row = dict[str, Any]

_RATES = ("_per_s", "launch_s")


def write(
    folder: Path, machine: dict[str, Any], compared: list[Row], settings: list[Row], scaled: list[Row]
) -> None:
    """The tables as CSV and in ``README.md``, ``benchmark.svg`` and ``machine.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "machine.json").write_text(json.dumps(machine, indent=2) + "\n", encoding="utf-8")
    _write_csv(folder / "comparisons.csv", compared)
    _write_csv(folder / "settings.csv", settings)
    _write_csv(folder / "scalings.csv", scaled)
    (folder / "README.md").write_text(_page(machine, compared, settings, scaled), encoding="utf-8")
    figure.draw(compared, scaled, folder / "benchmark.svg")


def short(row: Row) -> str:
    """A line of progress about one row of a scaling."""
    shown = {k: v for k, v in row.items() if isinstance(v, float) and not k.endswith(_RATES)}
    numbers = ", ".join(f"{k} {v:.4g}" for k, v in shown.items())
    sizes = ", ".join(f"{k} {v}" for k, v in row.items() if isinstance(v, int))
    return f"{row['measured']}: {row['competitor']}, {row['mode']}, {sizes}: {numbers}"


def rates_in_words(rates: dict[str, float]) -> str:
    """A sentence on what the machine can do, of :attr:`benchmarks.rates.Rates.named`."""
    rate = {name: f"{1e-9 * rates[name]:.3g}" for name in rates if name.endswith("_per_s")}
    return (
        f"Each device, with all of them at work: {rate['plain_per_s']} x 10^9 sums and products "
        f"a second, {rate['divide_per_s']} divisions, {rate['sqrt_per_s']} roots, "
        f"{rate['transcendental_per_s']} exponentials; {rate['memory_bytes_per_s']} GB/s from memory, "
        f"{rate['most_bytes_per_s']} where a cache holds all; "
        f"{1e9 * rates['launch_s']:.3g} ns to launch a kernel."
    )


def _write_csv(path: Path, rows: list[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()})


def _page(machine: dict[str, Any], compared: list[Row], settings: list[Row], scaled: list[Row]) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items() if v)
    cpu = f"{machine['cpu']} {machine['vectors']}".strip()
    lines = [
        f"# {machine['cpus']} CPUs ({cpu}), devices: {machine['devices']}",
        "",
        f"{machine['date']}, commit {machine['commit']}, {machine['system']}, "
        f"Python {machine['python']}, {versions}; {machine['seconds']} s in all, "
        f"load of the machine before: {machine['load_before']}. What is compared: "
        "[docs/benchmarks.md](../../../docs/benchmarks.md).",
        "",
        "![Times, throughput and memory](benchmark.svg)",
        "",
        "## Beside others",
        "",
        *_table(_COMPARED, compared),
        "",
        "Times are of one simulation: medians of rounds in which the two processes take turns; in "
        "brackets the least and the largest ratio of a round.",
        "",
        "## Settings of the others",
        "",
        *_table(_TRIED, settings),
        "",
        "The shortest of two calls; the shortest of these is the setting that is compared.",
        "",
        "## Alone",
        "",
        *_table(_SCALED, scaled),
        *_floors([row for row in scaled if "floor_ms" in row]),
    ]
    return "\n".join(lines) + "\n"


def _number(row: Row, name: str, form: str = ".3g") -> str:
    value = row.get(name)
    return "" if value is None else f"{value:{form}}"


def _stages(row: Row) -> str:
    """Of the start of a process: the time to compile, or to take from the cache, and what was there."""
    return (
        f", {_number(row, 'compile_s')} of it to compile, {row['cache']} cache" if "cache" in row else ""
    )


_COMPARED = {
    "peer": lambda r: f"{r['peer']} ({r['peer_setting']})",
    "its parameters": lambda r: f"{r['peer_parameters']}, {'' if r['peer_growth'] else 'no '}growth",
    "its ms": lambda r: _number(r, "peer_ms_per_simulation"),
    "jaxmorph computes": lambda r: r["computed"],
    "parameters": lambda r: str(r["parameters"]),
    "precision": lambda r: r["precision"],
    "ms": lambda r: _number(r, "ms_per_simulation"),
    "times faster": lambda r: (
        f"**{r['times_faster']:.3g}** ({r['times_faster_least']:.3g} to {r['times_faster_most']:.3g})"
    ),
}
_TRIED = {
    "peer": lambda r: r["peer"],
    "setting": lambda r: r["setting"],
    "ms": lambda r: _number(r, "ms_per_simulation"),
    "memory (MB)": lambda r: _number(r, "memory_mb"),
    "build (s)": lambda r: _number(r, "build_s"),
}
_SCALED = {
    "varied": lambda r: r["measured"],
    "program": lambda r: f"{r['competitor']}, {r['mode']}",
    "cells": lambda r: str(r["cells"]),
    "steps": lambda r: str(r["brownian_steps"]),
    "parameters": lambda r: str(r["parameters"]),
    "simulations": lambda r: str(r["simulations"]),
    "devices": lambda r: str(r.get("devices", "")),
    "ms per simulation": lambda r: _number(r, "ms_per_simulation"),
    "memory (MB)": lambda r: _number(r, "memory_mb"),
    "build (s)": lambda r: _number(r, "build_s") + _stages(r),
}


_FLOORS = {
    "program": lambda r: f"{r['competitor']}, {r['mode']}",
    "simulations": lambda r: str(r["simulations"]),
    "ms": lambda r: _number(r, "ms_per_simulation"),
    "floor, ms": lambda r: _number(r, "floor_ms"),
    "times the floor": lambda r: f"**{r['ms_per_simulation'] / r['floor_ms']:.3g}**",
    "most of it": lambda r: r["bound"],
    "arithmetic, ms": lambda r: _number(r, "arithmetic_ms"),
    "bytes, ms": lambda r: _number(r, "bytes_ms"),
    "launches, ms": lambda r: _number(r, "launches_ms"),
    "kernels launched": lambda r: f"{r['kernels']:,}",
}


def _floors(rows: list[Row]) -> list[str]:
    """The section on what the machine could do at best."""
    if not rows:
        return []
    return [
        "",
        "## Against the floor",
        "",
        rates_in_words(rows[0]),
        "",
        *_table(_FLOORS, rows),
        "",
        "Times are of one simulation. The floor is the least time of the compiled program's kernels, "
        "each the longest of its operations, its bytes and a launch; beside it the sum of each.",
    ]


def _table(columns: dict[str, Any], rows: list[Row]) -> list[str]:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(row) for cell in columns.values()) + " |" for row in rows]
    return lines
