"""The files of a benchmark: tables, a figure, the machine."""

import datetime
import json
import os
import platform
import re
from pathlib import Path
from typing import Any

import pandas as pd

from jaxmorph.store import provenance

from . import figure

Row = dict[str, Any]

_WIDEST_FIRST = {"AVX-512": "avx512f", "AVX2": "avx2", "AVX": "avx"}
# Title; what was measured, and the columns; what is said below.
_SECTIONS = (
    (
        "Beside others",
        "beside: program devices setting computes parameters growth precision ms times_faster from to",
        "Milliseconds of a simulation: medians of rounds in which the two processes take turns. "
        "Jaxmorph is so many times faster; of single rounds, from the least to the largest ratio.",
    ),
    (
        "Settings of the others",
        "setting: program devices setting ms memory_mb build_s",
        "The shorter of two calls; the setting with the shortest is compared.",
    ),
    (
        "The other JAX of the lock file",
        "jax: jax mode ms memory_mb build_s times_faster from to",
        "By turns, too. There is no row if no Python was found for it (`make other`).",
    ),
    (
        "Alone",
        "batch parameters cells clusters memory devices start: measured program mode cells "
        "brownian_steps parameters simulations devices ms memory_mb build_s compile_s cache",
        "Compiling is XLA's part of building, or to take a program from the cache.",
    ),
    (
        "Against the floor",
        "batch: program mode simulations ms floor_ms times_floor bound arithmetic_ms bytes_ms",
        "The longer of what the operations of the physics take, and moving the bytes that it keeps "
        "(`benchmarks/floor.py`).",
    ),
)
_RATES = (
    "Each device, with all of them at work: {sums_per_s:.3g} sums and products a second, "
    "{divisions_per_s:.3g} divisions, {roots_per_s:.3g} roots; {memory_bytes_per_s:.3g} bytes from "
    "memory, {most_bytes_per_s:.3g} where a cache holds all."
)


def usable_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe(devices: str) -> dict[str, Any]:
    """The machine, versions, date and commit; what a simulation takes depends on its vectors most."""
    info, known = Path("/proc/cpuinfo"), provenance("benchmark", {})
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []  # of Linux
    cpu = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    flags = cpu.get("flags", "").split()
    return {
        "devices": devices,
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "cpus": usable_cpus(),
        "vectors": next((name for name, flag in _WIDEST_FIRST.items() if flag in flags), ""),
        "load_before": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"jaxmorph": known["code_version"], **json.loads(str(known["library_versions"]))},
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "commit": str(known["git_commit"])[:12] + ("+" if known["git_dirty"] == "yes" else ""),
    }


def kind(machine: dict[str, Any]) -> str:
    """A name for its folder: ``cpu-2-amd-epyc-avx2``, ``gpu-nvidia-h100-80gb-hbm3``."""
    on_cpu = machine["devices"].startswith("cpu")
    text = "cpu {cpus} {cpu} {vectors}".format_map(machine) if on_cpu else machine["devices"]
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def write(folder: Path, machine: dict[str, Any], rows: list[Row]) -> None:
    """The rows as CSV and in ``README.md``, ``benchmark.svg`` and ``machine.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "machine.json").write_text(json.dumps(machine, indent=2) + "\n", encoding="utf-8")
    table = pd.DataFrame(rows)
    table.to_csv(folder / "measurements.csv", index=False, float_format="%.4g")
    parts = [
        "# {cpus} CPUs ({cpu} {vectors}), devices: {devices}".format_map(machine),
        "{date}, commit {commit}, {system}; {seconds} s in all, load before: {load_before}. "
        "What is compared: [docs/benchmarks.md](../../../docs/benchmarks.md).".format_map(machine),
        "![Times, throughput and memory](benchmark.svg)",
    ]
    for title, what, note in _SECTIONS:
        measured, _, columns = what.partition(": ")
        some = table[table.measured.isin(measured.split())].reindex(columns=columns.split())
        shown = some.to_markdown(index=False, floatfmt=".3g").replace(" nan ", "     ")
        parts += [f"## {title}", shown, note]
    parts += [_RATES.format_map(row) for row in [r for r in rows if "sums_per_s" in r][:1]]
    parts.append(", ".join(f"{k} {v}" for k, v in machine["versions"].items()))
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    figure.draw(rows, folder / "benchmark.svg")
