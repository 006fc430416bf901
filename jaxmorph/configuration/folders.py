"""Whether the folders that the workflow writes can be written: said before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_OF_A_RUN = ("results/{}", "logs/{}")
_UNFINISHED = "unfinished/{}"
_LEAST_BYTES = 20 * 10**6
_OF_SNAKEMAKE = ("locks", "metadata", "incomplete", "scripts")


def unwritable(runs: Iterable[str], located: Callable[[str], str] = str) -> list[str]:
    """A line for each folder below the working directory that jobs of ``runs`` could not write.

    A read-only file system counts for root, too.

    Args:
        runs: Their names.
        located: Where a file of the workflow is.
    """
    folders = [Path(".snakemake", name) for name in _OF_SNAKEMAKE]
    for run in runs:
        folders += [Path(located(pattern.format(run))) for pattern in _OF_A_RUN]
        folders.append(Path(_UNFINISHED.format(run)))
    return _closed(folders)


def unwritable_to_look() -> list[str]:
    """The same of what Snakemake writes even in a dry run."""
    return _closed([Path(".snakemake", "log")])


def _closed(folders: Iterable[Path]) -> list[str]:
    there = {path for folder in folders for path in _existing(folder)}
    if lines := _full(there):
        return lines
    closed = {path for path in there if not _is_open(path)}
    return [
        f"{path.resolve()}: cannot be written (read-only, or another user's); make it writable, or work "
        "in another folder: snakemake --directory FOLDER"
        for path in sorted(closed)
    ]


def _full(folders: Iterable[Path]) -> list[str]:
    """A line for each file system on which nothing more can be written."""
    lines: dict[int, str] = {}
    for folder in sorted(folders):
        disk = os.statvfs(folder)
        if disk.f_files and not disk.f_ffree:
            why = "no inode is left on its file system: remove files there (many small ones)"
        elif disk.f_bavail * disk.f_frsize < _LEAST_BYTES:
            why = f"its disk has less than {_LEAST_BYTES // 10**6} MB left: make room"
        else:
            continue
        lines.setdefault(os.stat(folder).st_dev, f"{folder.resolve()}: {why}, or work in another folder")
    return [f"{line}: snakemake --directory FOLDER" for line in lines.values()]


def _existing(folder: Path) -> Iterator[Path]:
    """Of ``folder`` and what is above it, all that is there; the working directory if nothing is."""
    there = [path for path in (folder, *folder.parents[:-1]) if path.exists()]
    yield from there or [Path()]


def _is_open(path: Path) -> bool:
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)
