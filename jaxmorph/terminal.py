"""What a workflow says in the terminal while it runs: how far its simulations are, and how it stopped.

Handlers of Snakemake's logger: they know its events by their attributes alone (``snakemake.logging``).
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from .configuration.cost import read_cost

_STOPPING = "Terminating processes on user request"
_STOPPED = """\
Stopped.
Kept: what is finished below results/, and the finished pieces of batches below unfinished/.
To go on: the same command."""

_FIXED_S = 20.0
"""What a run takes besides its simulations: it compiles, estimates and draws; of a small study."""

_EVERY_S = 15.0
_DONE_OF_BATCH = re.compile(r"(\d+)/\d+ \[")


class Stopped(logging.Filter):
    """After Ctrl-C: what is kept and how to go on, instead of how each process died."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be shown."""
        if not self.stopped and record.getMessage().startswith(_STOPPING):
            self.stopped = True
            atexit.register(print, _STOPPED, file=sys.stderr, flush=True)
        return not self.stopped


class Simulations(logging.Handler):
    """Says what a simulation costs once that is known, then how many are done, and how long it takes.

    Args:
        cores: CPUs of the workflow.
        planned: For each batch job of this command the names of run and batch, and its simulations;
            asked when its first job starts, and again once it is known how another run is cut.
        say: Shows a line.
    """

    def __init__(
        self,
        cores: int,
        planned: Callable[[], Iterable[tuple[str, str, int]]],
        say: Callable[[str], None],
    ):
        super().__init__()
        self._cores, self._planned, self._say = cores, planned, say
        self._jobs: dict[int, tuple[str, str, list[str]]] = {}  # rule, run, logs
        self._running: dict[int, int] = {}  # simulations of each batch that runs
        self._plan: dict[tuple[str, str], int] | None = None
        self._measured: list[str] = []  # runs whose cost is known, but not said yet
        self._total = self._done = 0
        self._start = self._said = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a job that starts or ends."""
        event = str(getattr(getattr(record, "event", None), "value", ""))
        if event == "job_info":
            self._starts(record)
        elif event == "job_finished" and (job := self._jobs.pop(record.job_id, None)):  # type: ignore[attr-defined]
            rule, run, _ = job
            if rule == "study":
                self._measured.append(run)
            else:
                self._done += self._running.pop(record.job_id)  # type: ignore[attr-defined]
                self._say_progress()

    def _starts(self, record: logging.LogRecord) -> None:
        if self._plan is None or self._measured:
            self._plan = {(run, batch): size for run, batch, size in self._planned()}
            self._total = sum(self._plan.values())
        while self._measured:  # by now, what comes after a study is known
            self._say_cost(self._measured.pop(0))
        rule, where = record.rule_name, record.wildcards or {}  # type: ignore[attr-defined]
        if rule not in ("study", "batch"):
            return
        number = record.jobid  # type: ignore[attr-defined]
        self._jobs[number] = rule, where["run"], list(record.log or ())  # type: ignore[attr-defined]
        if rule == "batch":
            if not self._start:
                self._start = self._said = time.monotonic()
                threading.Thread(target=self._look_again, daemon=True).start()
            self._running[number] = self._plan.get((where["run"], where["batch"]), 0)

    def _say_cost(self, run: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            cost = read_cost(Path("results", run, "cost.json"))
            sizes = [size for (of_run, _), size in (self._plan or {}).items() if of_run == run]
            if sizes:
                n, of_one = sum(sizes), cost.seconds_per_simulation
                seconds = _FIXED_S + n * of_one / min(self._cores, len(sizes))
                self._say(
                    f"{run}: {n:,} simulations of {1e3 * of_one:.3g} ms; its report in about "
                    f"{duration(seconds)}"
                )

    def _look_again(self) -> None:
        while self._done < self._total:
            time.sleep(_EVERY_S)
            self._say_progress()

    def _say_progress(self) -> None:
        now = time.monotonic()
        done = self._done + sum(map(self._of_running, [*self._running]))
        if now - self._said < _EVERY_S or not 0 < done < self._total:
            return
        self._said, rate = now, done / (now - self._start)
        self._say(
            f"{done:,} of {self._total:,} simulations done, {rate:.3g} a second; the others take about "
            f"{duration((self._total - done) / rate)}"
        )

    def _of_running(self, number: int) -> int:
        """How many simulations a batch that runs has finished, by its log."""
        for log in self._jobs[number][2] if number in self._jobs else ():
            with contextlib.suppress(OSError):
                return simulations_done(Path(log).read_text(encoding="utf-8"))
        return 0


def simulations_done(log: str) -> int:
    """How many simulations of a batch are done, by the last line of its log that says so; else 0."""
    found = _DONE_OF_BATCH.findall(log)
    return int(found[-1]) if found else 0


def duration(seconds: float) -> str:
    """In words: ``40 s``, ``12 min``, ``2 h 5 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
