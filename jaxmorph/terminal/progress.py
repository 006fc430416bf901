"""How far the simulations of a workflow are, and how long the others take."""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..configuration.cost import Cost, read_cost
from .events import event_of

_PROGRAMS = 5
"""So many programs are compiled for a run, most of them by its checks, beside the simulations."""

_EVERY_S = 15.0
_REMARK = re.compile(r" \([a-z]+\)$")  # Snakemake's, behind a file: "(update)"
_DONE_OF_BATCH = re.compile(r"(\d+)/\d+ \[")


class Simulations(logging.Handler):
    """Says what a simulation costs once that is known, then how many are done, and how long it takes.

    Jobs are known by the files that they make: their rules have any name where the workflow is a module.

    Args:
        at_once: How many jobs run at once, and the seconds that a run takes besides its simulations and
            their programs.
        planned: All files that this command makes; asked when its first job starts, and again once it is
            known how another run is cut.
        say: Shows a line.
    """

    def __init__(
        self,
        at_once: Callable[[], tuple[int, float]],
        planned: Callable[[], Iterable[str]],
        say: Callable[[str], None],
    ):
        super().__init__()
        self._at_once, self._planned, self._say = at_once, planned, say
        self._names: dict[str, str] = {}  # of each run, by the file of its cost
        self._cuts: dict[str, str] = {}  # the file of its cost, by that of its cut
        self._sizes: dict[str, tuple[str, Callable[[str], int]]] = {}  # by the folder of its batches
        self._measuring: dict[int, str] = {}  # of each job that measures a cost, or cuts by it, the file
        self._measured: list[str] = []  # files of costs that are not said yet
        self._unmeasured: set[str] = set()  # files of costs that are not known yet, or not cut by
        self._costs: dict[str, tuple[Cost, list[int]]] = {}  # and the sizes of batches, by the file
        self._logs: dict[int, list[str]] = {}  # of each job of a batch that runs
        self._running: dict[int, int] = {}  # its simulations
        self._plan: list[tuple[str, int]] | None = None  # for each batch, the cost and the simulations
        self._total = self._done = 0
        self._start = self._said = 0.0

    def follow(
        self,
        runs: Iterable[str],
        located: Callable[[str], str],
        simulations_of: Callable[[str, str], int],
    ) -> None:
        """Follow some runs, too.

        Args:
            runs: Their names.
            located: Where a file of the workflow is.
            simulations_of: How many simulations a batch has, by the names of run and batch.
        """
        for name in runs:
            cost = located(f"results/{name}/cost.json")
            self._names[cost] = name
            self._cuts[located(f"results/{name}/cut.json")] = cost
            batches = located(f"results/{name}/batches/")
            self._sizes[batches] = cost, functools.partial(simulations_of, name)

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a job that starts or ends."""
        event = event_of(record)
        if event == "job_info":
            self._starts(record)
        elif event == "job_finished":
            number: int = record.job_id  # type: ignore[attr-defined]
            if cost := self._measuring.pop(number, ""):
                self._measured.append(cost)
            elif self._logs.pop(number, None) is not None:
                self._done += self._running.pop(number)
                self._say_progress()

    def _starts(self, record: logging.LogRecord) -> None:
        if self._plan is None or self._measured:
            files = list(self._planned())
            if self._plan is None:
                self._unmeasured = self._names.keys() & files
                self._cuts = {cut: cost for cut, cost in self._cuts.items() if cut in files}
            batches = map(self._batch, files)
            self._plan = [batch for batch in batches if batch is not None]
            self._total = sum(size for _, size in self._plan)
        self._unmeasured.difference_update(self._measured)
        while self._measured:  # by now, what comes after a study is known
            self._say_cost(self._measured.pop(0))
        number: int = record.jobid  # type: ignore[attr-defined]
        for shown in record.output or ():  # type: ignore[attr-defined]
            file = _REMARK.sub("", shown)
            # A run that is not cut yet has no batches that could be counted before it is.
            if (file in self._names and file not in self._cuts.values()) or file in self._cuts:
                self._measuring[number] = self._cuts.get(file, file)
            elif batch := self._batch(file):
                self._logs[number] = list(record.log or ())  # type: ignore[attr-defined]
                if not self._start:
                    self._start = self._said = time.monotonic()
                    threading.Thread(target=self._look_again, daemon=True).start()
                self._running[number] = batch[1]

    def _batch(self, file: str) -> tuple[str, int] | None:
        """The file of the cost and the simulations of a batch, by its file; None of any other file."""
        folder, slash, name = file.rpartition("/")
        cost, simulations_of = self._sizes.get(folder + slash, ("", None))
        return (cost, simulations_of(name.removesuffix(".nc"))) if simulations_of else None

    def _say_cost(self, file: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            cost = read_cost(file)
            sizes = [size for of, size in self._plan or () if of == file]
            if sizes:
                line = f"{self._names[file]}: {sum(sizes):,} simulations of "
                self._say(f"{line}{1e3 * cost.seconds_per_simulation:.3g} ms")
                self._costs[file] = cost, sizes
        if not self._unmeasured and self._costs:
            self._say(how_long(self._costs.values(), *self._at_once()))
            self._costs.clear()

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
        for log in self._logs.get(number, ()):
            with contextlib.suppress(OSError):
                return simulations_done(Path(log).read_text(encoding="utf-8"))
        return 0


def how_long(costs: Iterable[tuple[Cost, Sequence[int]]], at_once: int, besides_s: float) -> str:
    """How long some runs take together: no less than the longest one, nor than all work on all cores.

    Args:
        costs: For each run what a simulation costs, and the simulations of its batches.
        at_once: How many jobs run at once.
        besides_s: Seconds that a run takes besides its simulations and their programs.
    """
    alone, work = [], 0.0
    for cost, sizes in costs:
        simulating = sum(sizes) * cost.seconds_per_simulation
        programs = _PROGRAMS * cost.compile_s
        beside = max(simulating / min(at_once, len(sizes)), programs)  # checks run beside batches
        alone.append(besides_s + beside)
        work += besides_s + programs + simulating
    total = max(*alone, work / at_once)
    where = "1 core" if at_once == 1 else f"{at_once} cores"
    line = f"all of it in about {duration(total)} on {where}"
    first = max(min(alone), work / len(alone))
    return line if first > 0.8 * total else f"{line}; the first report in about {duration(first)}"


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
