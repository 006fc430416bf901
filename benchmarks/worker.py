"""A process that builds programs and times them as pickled requests on standard input tell it to."""

import os
import pickle
import sys
import time
from platform import python_version
from typing import Any

import jax
import numpy as np

from jaxmorph.engine import describe_devices
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs import devices as jobs

from . import peers, rates
from .engine import engine
from .task import Case

_COMPILED = "/jax/core/compile/backend_compile_duration"


class Requests:
    """What can be asked for, by the name of a method. A case is built when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Any, dict[str, float]]] = {}
        self._compile_s = 0.0
        jax.monitoring.register_event_duration_secs_listener(self._count)

    def _count(self, event: str, duration_secs: float, **_: Any) -> None:
        self._compile_s += duration_secs * (event == _COMPILED)

    def about(self, _: Case) -> dict[str, Any]:
        """What the process computes on, and with."""
        devices = {"platform": jax.default_backend(), "devices": len(jax.local_devices())}
        versions = f"{jax.__version__}, Python {python_version()}"
        return {**devices, "kind": describe_devices(), "jax": versions}

    def build(self, case: Case) -> dict[str, float]:
        """Seconds that it took to build, of them XLA's, and the memory that it needs."""
        if repr(case) not in self._made:
            self._compile_s, start = 0.0, time.perf_counter()
            built_by = engine if case.program == "engine" else getattr(peers, case.program)
            program = built_by(case.task, **case.setting)
            built = {"memory_mb": program.memory / 1e6, "build_s": time.perf_counter() - start}
            self._made[repr(case)] = program, built | {"compile_s": self._compile_s}
        return self._made[repr(case)][1]

    def results(self, case: Case) -> tuple[np.ndarray, np.ndarray]:
        """Evaluate it once; values and derivatives."""
        self.build(case)
        return self._made[repr(case)][0]()

    def call(self, case: Case) -> float:
        """Evaluate it once; seconds."""
        self.build(case)
        start = time.perf_counter()
        results = self.results(case)
        seconds = time.perf_counter() - start
        if not all(np.isfinite(x).all() for x in results):
            raise JaxmorphError(f"a result is not finite: {case}")
        return seconds

    def rates(self, case: Case) -> dict[str, float]:
        """What each device can do, in the precision of the case."""
        return rates.measure(case.task.precision)


def main() -> None:
    """Answer until standard input ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = Requests()
    with jobs.devices(0):  # the cache of compiled programs that jobs have, in the working directory
        while sys.stdin.buffer.peek(1):  # type: ignore[union-attr]
            do, case = pickle.load(sys.stdin.buffer)
            try:
                reply = getattr(requests, do)(case)
            except (JaxmorphError, ImportError, MemoryError, jax.errors.JaxRuntimeError) as error:
                reply = JaxmorphError(f"benchmark: {type(error).__name__}: {str(error).splitlines()[0]}")
            pickle.dump(reply, replies, protocol=4)
            replies.flush()


if __name__ == "__main__":
    main()
