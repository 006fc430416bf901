"""Processes that build programs and call them, each with its share of the machine; timing by turns."""

import dataclasses
import os
import pickle
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from jaxmorph.errors import JaxmorphError

from .task import Case

ROOT = Path(__file__).parents[1]
_TURN_S = 0.5


class Processes:
    """Processes of ``benchmarks.worker`` that share a cache of compiled programs; end with ``with``.

    ``devices`` is the number of the machine's CPUs that may be used, or of its GPUs where JAX has them.
    """

    def __init__(self, folder: Path, devices: int, on_cpu: bool = True):
        self.folder, self.devices, self.on_cpu = folder, devices, on_cpu
        self._log, self._started = folder / "worker.log", dict[str, subprocess.Popen]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for process in self._started.values():
            if kind is not None:
                process.kill()
            process.communicate()

    def ask(self, do: str, case: Case) -> Any:
        """The reply of the process of a case to a request (see ``benchmarks.worker``), or its error."""
        case = dataclasses.replace(case, devices=case.devices or self.devices)
        process = self._process(case)
        try:
            pickle.dump((do, case), process.stdin, protocol=4)
            process.stdin.flush()
            reply = pickle.load(process.stdout)
        except (BrokenPipeError, EOFError):
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            raise JaxmorphError(f"benchmark: ended with {process.wait()}: {' '.join(last)}") from None
        if isinstance(reply, JaxmorphError):
            raise reply
        return reply

    def _process(self, case: Case) -> Any:
        variables = share(case, self.on_cpu)
        key = f"{case.python} {variables}"
        if key not in self._started:
            environment = os.environ | variables | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
            environment.pop("JAX_COMPILATION_CACHE_DIR", None)
            if case.python == sys.executable:  # what is installed for one Python is not for another
                environment["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
            command = [case.python, "-W", "ignore", "-m", "benchmarks.worker"]
            with self._log.open("a") as log:
                pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
                process = subprocess.Popen(
                    command, cwd=self.folder, env=environment, stderr=log, **pipes
                )
            self._started[key] = process
        return self._started[key]

    def by_turns(self, cases: Mapping[str, Case], rounds: int) -> dict[str, list[float]]:
        """Milliseconds of a simulation in each round, in which all cases take turns.

        So other load hits all alike. After two calls to warm up, a turn is as many calls as take about
        :data:`_TURN_S`, and counts by their mean: after the turn of another, the first call of a short
        program finds cold caches, which is no throughput.
        """
        warm = {name: [self.ask("call", case) for _ in range(2)][-1] for name, case in cases.items()}
        turns: dict[str, list[float]] = {name: [] for name in cases}
        for name, case in list(cases.items()) * rounds:
            seconds = [self.ask("call", case) for _ in range(max(1, round(_TURN_S / warm[name])))]
            turns[name].append(1e3 * statistics.fmean(seconds) / case.task.simulations)
        return turns


def share(case: Case, on_cpu: bool) -> dict[str, str]:
    """The environment of its process: on CPUs, jobs have a thread a device, and peers all threads."""
    n = str(case.devices)
    if on_cpu:
        return {"JAX_NUM_CPU_DEVICES": n} | ({"PJRT_NPROC": n} if case.program == "engine" else {})
    known = os.environ.get("CUDA_VISIBLE_DEVICES")
    visible = known.split(",") if known else [str(i) for i in range(int(n))]
    return {"JAX_NUM_CPU_DEVICES": "1", "CUDA_VISIBLE_DEVICES": ",".join(visible[: int(n)])}


def ratio(slow: Sequence[float], fast: Sequence[float]) -> tuple[float, float, float]:
    """How many times faster: the ratio of medians, and the least and largest of single rounds."""
    each = [s / f for s, f in zip(slow, fast, strict=True)]
    return statistics.median(slow) / statistics.median(fast), min(each), max(each)
