"""What a call of a program spends its time on: a table by kernel, from a trace of JAX's profiler."""

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jax

from jaxmorph.engine.estimators import WantedMode

from ..engine import engine
from ..task import Task
from .throughput import TASK, Row, of_size

_SHOWN = 30
Event = tuple[float, float, str]
"""Start and end in nanoseconds, and a name."""


def profiled(mode: WantedMode, size: int, task: Task = TASK) -> Row:
    """A row of one call with 2^size simulations: its seconds, and what kernels take of them."""
    program = engine(of_size(task, size), mode)
    program()
    with tempfile.TemporaryDirectory(prefix="jaxmorph-trace-") as folder:
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0
        with jax.profiler.trace(folder, profiler_options=options):
            start = time.perf_counter()
            program()
            seconds = time.perf_counter() - start
        traces = [jax.profiler.ProfileData.from_file(str(x)) for x in Path(folder).rglob("*.xplane.pb")]
    lines = [line for trace in traces for line in _device_lines(trace)]
    total, calls = defaultdict[str, float](float), Counter[str]()
    for line in lines:
        for name, nanoseconds in self_times(line):
            total[name] += nanoseconds
            calls[name] += 1
    kernels = [
        {"kernel": name, "calls": calls[name], "ms": 1e-6 * spent}
        for name, spent in sorted(total.items(), key=lambda of: -of[1])[:_SHOWN]
    ]
    return {
        "mode": mode,
        "simulations": 2**size,
        "seconds": seconds,
        "kernel_s": 1e-9 * sum(total.values()),
        "launches": calls.total(),
        "different": len(total),
        "kernels": kernels,
    }


def _device_lines(trace: Any) -> Iterator[list[Event]]:
    """Events of the streams of GPUs, or where there is none, of the threads of the processor."""
    planes = list(trace.planes)
    gpus = [plane for plane in planes if plane.name.startswith("/device:GPU")]
    for plane in gpus or planes:
        for line in plane.lines:
            if line.name.startswith("Stream") or not gpus:
                # What has a colon is of XLA's own, and waits for the others.
                events = (event for event in line.events if gpus or ":" not in event.name)
                yield [(e.start_ns, e.start_ns + e.duration_ns, e.name) for e in events]


def self_times(events: Iterable[Event]) -> Iterator[tuple[str, float]]:
    """The name of each event of a thread, and its nanoseconds without those of events inside."""
    open_: list[list[Any]] = []  # end, name, what is left
    for start, end, name in sorted(events, key=lambda e: (e[0], -e[1])):
        while open_ and open_[-1][0] <= start:
            yield open_[-1][1], open_.pop()[2]
        if open_:
            open_[-1][2] -= min(end, open_[-1][0]) - start
        open_.append([end, name, end - start])
    for _, name, left in open_:
        yield name, left
