"""Starting workers, each with its share of the machine, and timing programs of several by turns."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from jaxmorph.errors import JaxmorphError

from .task import Task

_ROOT = Path(__file__).parents[1]
_TURN_S = 0.5


@dataclasses.dataclass(frozen=True)
class Share:
    """What a worker computes on.

    Attributes:
        devices: CPU devices.
        cpus: Threads of JAX on the CPU; all if None.
        gpus: GPUs; all that are visible if None.
    """

    devices: int
    cpus: int | None = None
    gpus: int | None = None

    def environment(self) -> dict[str, str]:
        """The variables of the environment that say so."""
        environment = {"JAX_NUM_CPU_DEVICES": str(self.devices)}
        if self.cpus is not None:
            environment["PJRT_NPROC"] = str(self.cpus)
        if self.gpus is not None:
            known = os.environ.get("CUDA_VISIBLE_DEVICES")
            visible = known.split(",") if known else [str(i) for i in range(self.gpus)]
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(visible[: self.gpus])
        return environment


@dataclasses.dataclass(frozen=True)
class Host:
    """This machine.

    Attributes:
        devices: Number of its CPUs that may be used, or of its GPUs where JAX has them.
        on_cpu: Whether they are CPUs.
        folder: Working directory of the workers, with their cache of compiled programs.
    """

    devices: int
    on_cpu: bool
    folder: Path

    def own(self, n: int | None = None, folder: Path | None = None) -> Worker:
        """A process as the jobs of jaxmorph are, on ``n`` devices: on CPUs, each with one thread."""
        n = n or self.devices
        share = Share(n, cpus=n) if self.on_cpu else Share(1, gpus=n)
        return Worker(share, folder or self.folder)

    def peer(self, n: int) -> Worker:
        """A process of a peer, on ``n`` devices and all threads."""
        return Worker(Share(n) if self.on_cpu else Share(1, gpus=n), self.folder)


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds of a call of a program, in each turn.

    Attributes:
        seconds: In the order of the turns.
        simulations: Of one call.
    """

    seconds: tuple[float, ...]
    simulations: int

    @property
    def per_simulation(self) -> float:
        """The median, in seconds."""
        return statistics.median(self.seconds) / self.simulations


class Program:
    """A program in a worker.

    Attributes:
        built: What building it took: seconds by stage, and the memory that it needs.
    """

    def __init__(self, worker: Worker, name: str, task: Task, built: dict[str, float]):
        self._worker, self._name = worker, name
        self.task, self.built = task, built

    def seconds(self) -> float:
        """Of one call."""
        return self._worker.ask("call", name=self._name)["seconds"]

    def floor(self) -> dict[str, Any]:
        """The least seconds of a call of jaxmorph's, its terms, what sets it, the machine's rates."""
        return self._worker.ask("floor", name=self._name)

    def results(self) -> tuple[np.ndarray, np.ndarray]:
        """Values and derivatives."""
        reply = self._worker.ask("results", name=self._name)
        return np.array(reply["value"]), np.array(reply["gradient"])


class Worker:
    """A process with programs of its own; ends with the ``with`` statement.

    Args:
        share: What it computes on.
        folder: Its working directory, with the cache of compiled programs.
    """

    def __init__(self, share: Share, folder: Path):
        environment = os.environ | share.environment() | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        self._log = folder / "worker.log"
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "benchmarks.worker"],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._built: dict[str, Program] = {}
        self.about = self._reply()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        if kind is not None:
            self._process.kill()
        self._process.wait()

    def build(self, competitor: str, task: Task, **setting: Any) -> Program:
        """Compile a program, or take the one that was compiled before."""
        wanted = {"competitor": competitor, "task": dataclasses.asdict(task), "setting": setting}
        name = json.dumps(wanted)
        if name not in self._built:
            self._built[name] = Program(self, name, task, self.ask("build", name=name, **wanted))
        return self._built[name]

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Send a request; its reply."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        reply = json.loads(line)
        if "error" in reply:
            raise JaxmorphError(f"benchmark process: {reply['error']}")
        return reply

    def _died(self) -> JaxmorphError:
        code = self._process.wait()
        last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        return JaxmorphError(f"benchmark process: ended with status {code}: {' '.join(last)}")


def by_turns(programs: Mapping[str, Program], rounds: int) -> dict[str, Timing]:
    """Time each in every round, after some calls to warm up, so that other load hits all alike.

    A turn is as many calls as take about :data:`_TURN_S`, and counts by their mean: after the turn of
    another, the first call of a short program finds cold caches, which is no throughput.
    """
    calls = {name: _calls(program) for name, program in programs.items()}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            turn = [program.seconds() for _ in range(calls[name])]
            seconds[name].append(statistics.fmean(turn))
    return {n: Timing(tuple(seconds[n]), p.task.simulations) for n, p in programs.items()}


def _calls(program: Program) -> int:
    """Calls of one turn; two to warm up."""
    program.seconds()
    return max(1, round(_TURN_S / program.seconds()))


def ratio(slow: Timing, fast: Timing) -> tuple[float, float, float]:
    """How many times faster: the ratio of medians, and the least and largest of single rounds."""
    scale = fast.simulations / slow.simulations
    each = [scale * s / f for s, f in zip(slow.seconds, fast.seconds, strict=True)]
    return slow.per_simulation / fast.per_simulation, min(each), max(each)


def shortest(program: Program, calls: int = 2) -> float:
    """The shortest of a few calls, in seconds for a simulation."""
    return min(program.seconds() for _ in range(calls)) / program.task.simulations


def repeated(program: Program, calls: int) -> Timing:
    """Time it by itself, after some calls to warm up."""
    return by_turns({"": program}, calls)[""]
