"""On what, with what and when a benchmark ran."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

_WIDEST_FIRST = {"AVX-512": "avx512f", "AVX2": "avx2", "AVX": "avx"}
_PACKAGES = ("jaxmorph", "jax", "jaxlib", "equinox", "jax-md", "jax-morph", "diffrax", "numpy")


def usable_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe(about: dict[str, Any]) -> dict[str, Any]:
    """The machine, versions, date and commit.

    Args:
        about: What a worker said of its devices.
    """
    return {
        "devices": about["description"],
        "cpu": _cpu(),
        "cpus": usable_cpus(),
        "vectors": _vectors(),
        "load_before": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "commit": _commit(),
    }


def kind(machine: dict[str, Any]) -> str:
    """A name for its folder: ``cpu-2-amd-epyc-avx2``, ``gpu-nvidia-h100-80gb-hbm3``."""
    on_cpu = machine["devices"].startswith("cpu")
    cpu = f"cpu {machine['cpus']} {machine['cpu']} {machine['vectors']}"
    text = cpu if on_cpu else machine["devices"]
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _cpu() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _vectors() -> str:
    """The widest vectors of the processor; what a simulation takes depends on them before all else."""
    flags = _cpuinfo("flags").split()
    return next((name for name, flag in _WIDEST_FIRST.items() if flag in flags), "")


def _cpuinfo(field: str) -> str:
    """What Linux says of the first CPU; empty elsewhere."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout, with ``+`` if files differ from it."""
    root = Path(__file__).parents[1]
    git = ["git", "-C", str(root)]
    try:
        commit = subprocess.run(
            [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed else "")
