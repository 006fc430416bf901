"""The parts of the trial, each for a process of its own: rows on standard output as they come."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from jaxmorph.engine import describe_devices

from .. import rates
from ..task import Task
from . import answers
from .profile import profiled
from .throughput import SIZES, Row, in_one_line, throughput

_FULL = {"gpu": 16, "cpu": 8}
"""Powers of two: where the throughput of a GPU counts, and what a processor has time for."""


def about() -> Iterator[Row]:
    """The devices, and what runs on them."""
    devices = jax.local_devices()
    statistics = devices[0].memory_stats() or {}
    yield {
        "devices": describe_devices(),
        "n_devices": len(devices),
        "memory_gb": statistics.get("bytes_limit", 0) / 1e9,
        "cpus": os.cpu_count(),
        "versions": f"jax {jax.__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        "driver": _driver(),
    }


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()


def answer(*studies: str) -> Iterator[Row]:
    """How far the answers of studies are from those on file; of each that fails, why."""
    stored = answers.on_file()
    for study in studies:
        try:
            if study not in stored:
                yield {"study": study, "left_out": f"{answers.FILE.name} has no answers of it"}
                continue
            found = answers.evaluate(study, np.array(stored[study]["points"]))
            yield answers.compare(study, found["answer"], stored[study]) | {"seconds": found["seconds"]}
        except Exception as error:
            yield {"study": study, "left_out": in_one_line(error)}


def what_it_can() -> Iterator[Row]:
    """Operations and bytes a second of each device."""
    yield rates.measure(Task().precision)


def speed(mode: Any) -> Iterator[Row]:
    """:func:`throughput` of a mode; on a CPU from few simulations to as many as there is time for."""
    return throughput(mode, sorted(SIZES) if jax.default_backend() == "cpu" else SIZES)


def ways(*modes: Any) -> Iterator[Row]:
    """What the sums of pairs by operations of JAX take, both ways and each once."""
    for mode in modes:
        for forces in ("all", "once"):
            yield from throughput(mode, [_full()], forces=forces)


def _full() -> int:
    return _FULL["cpu" if jax.default_backend() == "cpu" else "gpu"]


def profile(*modes: Any) -> Iterator[Row]:
    """A profile of each mode; of one that fails, why."""
    for mode in modes:
        try:
            yield profiled(mode, _full())
        except Exception as error:
            yield {"mode": mode, "left_out": in_one_line(error)}


PARTS: dict[str, Callable[..., Iterator[Row]]] = {
    "about": about,
    "answers": answer,
    "rates": what_it_can,
    "throughput": speed,
    "profile": profile,
    "ways": ways,
}


def main(arguments: Sequence[str]) -> None:
    """Write the rows of the part that the first argument names; all that others print goes to stderr."""
    rows = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for row in PARTS[arguments[0]](*arguments[1:]):
        print(json.dumps(row), file=rows, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
