"""What a command makes, said before it starts: Snakemake's table has jobs, not what they are for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from .events import event_of

_KINDS = (("checks.nc", "checks"), ("figures/*.svg", "figure"), ("animations/*.mp4", "film"))


class Plan(logging.Handler):
    """Says what is made of each run, when Snakemake shows its table of jobs for the first time.

    Args:
        planned: All files that this command makes.
        say: Shows a line.
    """

    def __init__(self, planned: Callable[[], Iterable[str]], say: Callable[[str], None]):
        super().__init__()
        self._planned, self._say = planned, say
        self._again: list[Callable[[], Iterable[str]]] = []
        self._runs: dict[str, tuple[str, int, Callable[[str, str], int]]] = {}  # by folder
        self._more: dict[str, tuple[Callable[[str], Iterable[str]], Callable[[str], str]]] = {}
        self._is_said = False

    def follow(
        self,
        runs: Mapping[str, int],
        located: Callable[[str], str],
        simulations_of: Callable[[str, str], int],
    ) -> None:
        """Tell of some runs, too.

        Args:
            runs: By name, how many simulations they have.
            located: Where a file of the workflow is.
            simulations_of: How many simulations a batch has, by the names of run and batch.
        """
        for name, total in runs.items():
            self._runs[located(f"results/{name}/")] = name, total, simulations_of

    def know(
        self,
        runs: Iterable[str],
        located: Callable[[str], str],
        all_of: Callable[[str], Iterable[str]],
        takes: Callable[[str], str],
    ) -> None:
        """Tell what runs take, and of those that are planned once their first jobs are done, too.

        Args:
            runs: Their names.
            located: Where a file of the workflow is.
            all_of: The files of a run besides its batches, by its name; none if not all are asked for.
            takes: What a run takes, in words.
        """
        self._more |= {located(f"results/{name}/"): (all_of, takes) for name in runs}

    def also_say(self, again: Callable[[], Iterable[str]]) -> None:
        """Then lines on what is made again, and why."""
        self._again.append(again)

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a table of jobs."""
        event = event_of(record)
        if event == "run_info" and not self._is_said:
            self._is_said = True
            made: dict[str, list[str]] = {folder: [] for folder in self._runs}
            for file in self._planned():
                if folder := self._folder_of(file):
                    made[folder].append(file.removeprefix(folder))
            for folder, files in made.items():
                if line := self._of_run(folder, files):
                    self._say(line)
            # Each use of a module gives the same lines for the same runs.
            for line in dict.fromkeys(line for again in self._again for line in again()):
                self._say(line)

    def _folder_of(self, file: str) -> str:
        """The folder of the run that has a file; empty if none has."""
        above = file
        while "/" in above:
            above = above.rpartition("/")[0]
            if f"{above}/" in self._runs:
                return f"{above}/"
        return ""

    def _of_run(self, folder: str, made: Sequence[str]) -> str:
        name, total, simulations_of = self._runs[folder]
        all_of, takes = self._more.get(folder, (lambda _: (), lambda _: ""))
        if "cut.json" in made:
            made = [*made, *(file.removeprefix(folder) for file in all_of(name))]
        batches = [file.removeprefix("batches/") for file in made if file.startswith("batches/")]
        # Of a run that its first job cuts, no batch is known yet.
        is_cut = batches or "study.json" not in made or "sensitivity.nc" not in made
        sizes = (simulations_of(name, batch.removesuffix(".nc")) for batch in batches)
        parts = [f"{n:,} simulations"] if (n := sum(sizes) if is_cut else total) else []
        for kind, word in _KINDS:
            start, star, ending = kind.partition("*")
            found = [file for file in made if file.startswith(start) and file.endswith(ending)]
            if found:
                parts.append(f"{len(found)} {word}{'s' * (len(found) > 1)}" if star else word)
        parts += ["report.html"] if "report.html" in made else []
        line = f"{name}: {', '.join(parts)}" if parts else ""
        return f"{line}; {said}" if "report.html" in made and (said := takes(name)) else line
