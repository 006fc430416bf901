"""The time of a simulation of the reference study, for 2^8 to 2^18 at once, in each mode; and memory."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax

from jaxmorph.engine.estimators import WantedMode

from ..engine import engine
from ..task import Task

TASK = Task()
SIZES = (12, 16, 8, 18, 14, 10)
"""Powers of two, what is wanted most first: each has a program of its own, and time may end."""
_CALLS, _ABOUT_S = 5, 3.0
_LONGEST_S = 8.0
Row = dict[str, Any]


def of_size(task: Task, size: int) -> Task:
    """2^size simulations, of as many samples as seeds or twice as many."""
    return task.but(samples=2 ** (size - size // 2), seeds=2 ** (size // 2))


def throughput(
    mode: WantedMode, sizes: Sequence[int] = SIZES, task: Task = TASK, forces: str = "kernels"
) -> Iterator[Row]:
    """A row for each size: seconds of the shortest of some calls, and memory; or why there are none."""
    known: dict[int, float] = {}
    for size in sizes:
        row: Row = {"mode": mode, "forces": forces, "simulations": 2**size}
        nearest = min(known, key=lambda other: abs(other - size), default=None)
        if nearest is not None and (about := known[nearest] * 2.0 ** (size - nearest)) > _LONGEST_S:
            yield row | {"left_out": f"a call would take about {about:.0f} s"}
            continue
        try:
            found = _measured(of_size(task, size), mode, forces)
        except Exception as error:  # memory that is not there, or what this machine cannot compile
            yield row | {"left_out": in_one_line(error)}
            continue
        known[size] = found["seconds"]
        yield row | found


def _measured(task: Task, mode: WantedMode, forces: str) -> Row:
    start = time.perf_counter()
    program = engine(task, mode, forces)
    built = time.perf_counter()
    program()
    times = [_seconds(program)]
    while len(times) < _CALLS and sum(times) + min(times) < _ABOUT_S:
        times.append(_seconds(program))
    statistics = jax.local_devices()[0].memory_stats() or {}
    return {
        "seconds": min(times),
        "build_s": built - start,
        "pieces": len(program.pieces),
        "program_mb": program.memory / 1e6,
        "peak_mb": statistics.get("peak_bytes_in_use", 0) / 1e6,
        "samples": task.samples,
        "seeds": task.seeds,
    }


def _seconds(call: Any) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_one_line(error: BaseException) -> str:
    """What an error is called and says, cut if it is long."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
