"""A process that builds programs and times them when it is told to: ``python -m benchmarks.worker``.

Requests and replies are lines of JSON, on standard input and output; what anything prints goes to
standard error. The first reply is what the process computes on.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

_START = time.perf_counter()

import jax  # noqa: E402
import numpy as np  # noqa: E402

from jaxmorph.engine import describe_devices  # noqa: E402
from jaxmorph.errors import JaxmorphError  # noqa: E402
from jaxmorph.jobs import devices as jobs  # noqa: E402

from . import competitors, rates  # noqa: E402
from .competitors.engine import Engine  # noqa: E402
from .floor import floor  # noqa: E402
from .kernels import Module  # noqa: E402
from .task import Task  # noqa: E402

_STAGES = {
    "/jax/core/compile/jaxpr_trace_duration": "trace_s",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "lower_s",
    "/jax/core/compile/backend_compile_duration": "compile_s",
}


class _Programs:
    """The programs of this process, by name."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[competitors.Program, Task]] = {}
        self._stages = dict.fromkeys(_STAGES.values(), 0.0)
        self._rates: dict[str, rates.Rates] = {}
        jax.monitoring.register_event_duration_secs_listener(self._count)

    def _count(self, event: str, duration_secs: float, **_: Any) -> None:
        if event in _STAGES:
            self._stages[_STAGES[event]] += duration_secs

    def build(self, name: str, competitor: str, task: dict, setting: dict) -> dict[str, float]:
        """Compile it; seconds of that, by stage, and the memory that it will need."""
        self._stages = dict.fromkeys(_STAGES.values(), 0.0)
        start = time.perf_counter()
        program = competitors.build(competitor, Task.of(task), **setting)
        stages = {"build_s": time.perf_counter() - start, **self._stages}
        self._made[name] = program, Task.of(task)
        return {"memory": float(program.memory), **stages}

    def call(self, name: str) -> dict[str, float]:
        """Evaluate it once; seconds."""
        start = time.perf_counter()
        value, gradient = self._made[name][0]()
        seconds = time.perf_counter() - start
        if not (np.isfinite(value).all() and np.isfinite(gradient).all()):
            raise JaxmorphError(f"a result is not finite: {name}")
        return {"seconds": seconds}

    def floor(self, name: str) -> dict[str, Any]:
        """The least time that a call of it can take, and why: see ``floor.py``; seconds."""
        program, task = self._made[name]
        assert isinstance(program, Engine)
        if task.precision not in self._rates:
            self._rates[task.precision] = rates.measure(task.precision)
        measured = self._rates[task.precision]
        least = floor(Module(program.text).kernels(), measured)
        n = len(program.pieces)
        terms = {str(name): n * seconds for name, seconds in least.terms.items()}
        return {
            "seconds": {"floor": n * least.seconds, **terms},
            "bound": least.bound,
            "kernels": n * least.launches,
            "rates": measured.named,
        }

    def results(self, name: str) -> dict[str, list]:
        """Evaluate it once; values and derivatives."""
        value, gradient = self._made[name][0]()
        return {"value": value.tolist(), "gradient": gradient.tolist()}


def main() -> None:
    """Answer until standard input ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    programs = _Programs()
    devices = jax.local_devices()
    with jobs.devices(0):  # the cache of compiled programs that jobs have, in the working directory
        reply(
            {
                "platform": devices[0].platform,
                "devices": len(devices),
                "description": describe_devices(),
                "import_s": time.perf_counter() - _START,
            }
        )
        for line in sys.stdin:
            request = json.loads(line)
            try:
                reply(getattr(programs, request.pop("do"))(**request))
            except (JaxmorphError, ImportError, MemoryError, jax.errors.JaxRuntimeError) as error:
                reply({"error": f"{type(error).__name__}: {str(error).splitlines()[0]}"})


if __name__ == "__main__":
    main()
