"""Files that are whole or absent: written aside, then renamed into place."""

import contextlib
import contextvars
import errno
import fnmatch
import hashlib
import os
import platform
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import JaxmorphError

UNFINISHED = Path("unfinished")
"""Where the jobs of a workflow keep what is not finished, in its working directory."""

# A disk with less is full.
_FULL_BYTES = 2**20
# A file system's clock and a node's differ by less; a job that writes for longer is not heard of.
_ABANDONED_AFTER_S = 3600.0

_folder: contextvars.ContextVar[Path | None] = contextvars.ContextVar("_folder", default=None)


@contextlib.contextmanager
def asides_in(folder: Path) -> Iterator[None]:
    """Write aside in ``folder``: what a killed process leaves lies there, not beside finished files.

    A folder on another file system is not used, because nothing can be renamed out of it.
    """
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A name to write to, with the ending of ``path``; it takes the place of ``path`` at the end.

    It is beside ``path``, or where :func:`asides_in` says. If anything goes wrong inside, what was
    written is removed and ``path`` stays as it was.

    Raises:
        JaxmorphError: If the file system refuses; with the remedy.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = _aside(path)
        try:
            yield aside
            with open(aside, "rb+") as file:
                os.fsync(file.fileno())
            _rename(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # netCDF4 reports a full disk as the latter
        raise JaxmorphError(f"{path}: cannot be written: {_refusal(path, error)}") from error


def _refusal(path: Path, error: OSError | RuntimeError) -> str:
    """What the file system refused, and what to do about it."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and shutil.disk_usage(path.parent).free < _FULL_BYTES:
        number = errno.ENOSPC
    if number in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"{os.strerror(number)}; free some, and run the same command again: what is finished is kept"
        )
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{os.strerror(number)}; make its folder writable, or work in a copy (cp -r) of your own"
    return str(error)


def _rename(aside: Path, path: Path) -> None:
    try:
        os.replace(aside, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # Two mounts of one file system, as in a container.
        beside = _beside(path)
        try:
            shutil.copyfile(aside, beside)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{_writer()}.tmp{path.suffix}")


def _writer() -> str:
    """This process, among those of all nodes."""
    return f"{platform.node()}-{os.getpid()}"


def _aside(path: Path) -> Path:
    """A name that no other process uses."""
    folder = _folder.get()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_dev == path.parent.stat().st_dev:
            # Files of the same name in different folders are told apart by a digest of the whole path.
            digest = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]
            return folder / f"{path.stem}.{digest}.{_writer()}.tmp{path.suffix}"
    return _beside(path)


def sweep(folder: Path = UNFINISHED) -> None:
    """Remove what killed processes left in ``folder`` an hour ago or earlier, and empty folders."""
    for directory, _, names in os.walk(folder, topdown=False):
        for name in fnmatch.filter(names, "*.tmp.*"):
            file = Path(directory, name)
            with contextlib.suppress(OSError):
                if time.time() - file.stat().st_mtime > _ABANDONED_AFTER_S:
                    file.unlink()
        with contextlib.suppress(OSError):
            os.rmdir(directory)
