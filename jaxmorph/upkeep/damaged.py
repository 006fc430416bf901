"""The files of a run that are not as they were written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ..integrity import LIST, damage, damage_at_the_end, damaged_of_list

_SEALED = (
    *("study.json", "cost.json", "cut.json", "design.nc", "design.json", "corners.nc", "checks.nc"),
    *("sensitivity.nc", "optimisation.nc", "optimisation_cells.nc", "optimisation/objective.json"),
    *("provenance.json", "comparison.nc", "report.html", "run.json"),
)
_MOST_NAMED = 4
_LISTED = ("figures", "animations")
_BATCH, _STARTS = re.compile(r"\d+-\d+\.nc"), re.compile(r"starts-\d+\.nc")


def files_of(folder: Path) -> Iterator[Path]:
    """The files of a run or comparison that are there, but for figures and films."""
    yield from (path for name in _SEALED if (path := folder / name).is_file())
    for below, pattern in (("batches", _BATCH), ("optimisation", _STARTS)):
        if (folder / below).is_dir():
            names = sorted(path.name for path in (folder / below).iterdir())
            yield from (folder / below / name for name in names if pattern.fullmatch(name))


def is_no_run(folder: Path) -> bool:
    """Whether a folder has no file that a run or a comparison has."""
    return not any(files_of(folder)) and not any((folder / name / LIST).is_file() for name in _LISTED)


def in_words(found: Mapping[Path, str]) -> list[str]:
    """Damaged files, one line for all of a folder with the same damage."""
    lines: dict[tuple[Path, str], list[Path]] = {}
    for path, what in found.items():
        lines.setdefault((path.parent, what), []).append(path)
    return [f"{_named(paths)}: damaged: {what}" for (_, what), paths in lines.items()]


def _named(paths: list[Path]) -> str:
    first, *others = paths
    names = ", ".join([str(first), *(path.name for path in others[: _MOST_NAMED - 1])])
    rest = len(paths) - _MOST_NAMED
    return f"{names} and {rest} more" if rest > 0 else names


def damaged_files(
    folder: Path, batches: Collection[str] | None = None, *, thoroughly: bool = False
) -> dict[Path, str]:
    """What is wrong with files of a run, in words; nothing of those that are absent.

    Args:
        folder: Where the run is.
        batches: Names of its batches, if others do not count.
        thoroughly: Whether every byte is read; else, but for small files (JSON), what is cut off,
            emptied or edited is found from sizes and ends of files.
    """
    found = {}
    for path in files_of(folder):
        is_other = path.parent.name == "batches" and batches is not None and path.stem not in batches
        look = damage if thoroughly or path.suffix == ".json" else damage_at_the_end
        if not is_other and (what := look(path)) is not None:
            found[path] = what
    for below in _LISTED:
        if (folder / below / LIST).exists():
            found |= damaged_of_list(folder / below, thoroughly=thoroughly)
    return found
