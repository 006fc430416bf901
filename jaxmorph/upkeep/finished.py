"""The finished files of a workflow: which are damaged, and which are not what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ..configuration.identity import Identity
from ..configuration.specify import Specifications
from ..errors import JaxmorphError
from .again import Made, told
from .damaged import damaged_files, files_of
from .records import SnakemakeRecords

_RECORDS = {"study.json": "study", "objective.json": "objective"}


class Finished:
    """The finished files of all runs and comparisons.

    Args:
        folders: Of runs and comparisons, by name.
        specifications: Of the runs, by name; looked up when they are needed, as some runs are cut
            later.
        writes: Whether the command may note anything in the folder.
    """

    def __init__(
        self, folders: Mapping[str, Path], specifications: Mapping[str, Specifications], *, writes: bool
    ):
        self._folders, self._specifications = folders, specifications
        self._names = {folder: name for name, folder in folders.items()}
        self._writes, self.records = writes, SnakemakeRecords()

    @cached_property
    def damaged(self) -> dict[Path, str]:
        """What is wrong with files, by path; in a copy of a folder they get the times they had."""
        if self._writes:
            self.records.begin()
        if not self.records.is_there:
            return {}
        self.records.settle(self._files)
        found: dict[Path, str] = {}
        for name, folder in self._folders.items():
            specs = self._specifications.get(name)
            found |= damaged_files(folder, None if specs is None else specs.run.batches)
        return found

    def again(self, jobs: Iterable[tuple[Any, Any]]) -> list[str]:
        """Lines on what is made again of what is finished, and why.

        Args:
            jobs: Snakemake's jobs with its reasons.
        """
        found: dict[str, list[Made]] = {}
        known: dict[tuple[str, str], str | None] = {}
        for job, reason in jobs:
            file = next((str(file) for file in job.output if Path(file).exists()), None)
            name = file and self._place(file)[0]
            if file is None or not name:
                continue

            def why(path: str, kind: tuple[str, str] = (name, str(job.rule.name))) -> str | None:
                """Looked up once for jobs of a kind, as to read each file would take long."""
                if Path(path) in self.damaged:
                    return self.differs(path)
                if kind not in known:
                    known[kind] = self.differs(path)
                return known[kind]

            found.setdefault(name, []).append(Made.of(job, reason, file, why))
        return [line for name, made in found.items() for line in told(name, made)]

    def differs(self, file: str) -> str | None:
        """What a file was made of that is not what is asked for, or what damaged it; in words."""
        if what := self.damaged.get(Path(file)):
            return f"damaged ({what})"
        name, path = self._place(file)
        if name not in self._specifications or path.suffix not in (".nc", ".json"):
            return None
        from .. import store  # imports xarray: only where something is made again

        try:
            made_of = _made_of(self._specifications[name], path)
            if path.suffix == ".json":
                return made_of.other_than(store.read_json(file).get(store.MADE_OF))
            return made_of.refusal(store.read_attributes(file))
        except (JaxmorphError, KeyError):
            return None

    def _files(self) -> Iterator[Path]:
        for folder in self._folders.values():
            yield from files_of(folder)
            for below in ("figures", "animations"):
                yield from sorted((folder / below).glob("*"))

    def _place(self, file: str) -> tuple[str, Path]:
        """The name of the run or comparison that has a file, empty if none has, and its path there."""
        for folder in Path(file).parents:
            if folder in self._names:
                return self._names[folder], Path(file).relative_to(folder)
        return "", Path(file)


def _made_of(specs: Specifications, path: Path) -> Identity:
    """What a file of a run is made of.

    Raises:
        KeyError: It is none that says so.
    """
    if path.suffix == ".json":
        specification: Identity = getattr(specs, _RECORDS[path.name]).identity
        return specification
    if path.parent.name == "batches":
        return specs.batch(path.stem).identity
    if path.parent.name == "optimisation":
        return specs.starts(path.stem.removeprefix("starts-")).identity
    return specs.identities[path.stem]
