"""The folder of compiled programs that jobs share: whose it is, and whether a program is what was kept.

A compiled program is code that runs with all rights of the user. So none is taken from a folder that
somebody else can write. The name of each has a digest of its bytes: JAX would not notice all damage (it
leaves out the checksum of zstd), nor replace what it cannot read. What is damaged is removed, and made
again.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import stat
from pathlib import Path

from ..atomic import written_aside
from ..errors import JaxmorphError

logger = logging.getLogger(__name__)

_SIGN = "~"
"""Between the name that JAX gives to a program and the digest."""
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class SharedPrograms:
    """A folder of programs for one kind of machine.

    Args:
        place: The folder of all kinds.
        machine: The name of this kind.
    """

    def __init__(self, place: Path, machine: str):
        self._place, self._folder = place, place / machine

    def obstacle(self) -> str | None:
        """Why it cannot be used, or None if it can; folders that are absent are made."""
        for folder in (self._place, self._folder):
            try:
                if folder is self._place:
                    folder.parent.mkdir(parents=True, exist_ok=True)
                folder.mkdir(mode=0o700, exist_ok=True)
                if reason := _not_private(folder):
                    return f"{folder} {reason}"
            except OSError as error:
                return f"{folder} cannot be written ({error.strerror})"
        return None

    def link_into(self, own: Path) -> set[str]:
        """Link what is there and whole into the folder of one job; gives the names. Damage goes."""
        known = set()
        for entry in sorted(self._folder.iterdir()):
            name, sign, digest = entry.name.rpartition(_SIGN)
            if not sign or name in known or not _is_private_file(entry):
                continue
            with contextlib.suppress(OSError):  # another job has removed it
                if _digest(entry) == digest:
                    (own / name).symlink_to(entry.absolute())
                    known.add(name)
                else:
                    logger.warning("%s is damaged; it is removed, and compiled again", entry)
                    entry.unlink()
        return known

    def add_from(self, own: Path, known: set[str]) -> None:
        """Keep what a job has compiled that was not ``known``; a disk that is full costs time alone."""
        try:
            for entry in own.iterdir():
                if entry.is_file() and entry.name not in known:
                    kept = self._folder / f"{entry.name}{_SIGN}{_digest(entry)}"
                    with written_aside(kept) as aside:
                        shutil.copyfile(entry, aside)
                        aside.chmod(0o600)
        except (OSError, JaxmorphError) as error:  # the job has done its work
            logger.warning("compiled programs cannot be kept in %s: %s", self._folder, error)


def _not_private(folder: Path) -> str:
    """Why somebody else could have put programs there; empty if nobody could."""
    link, about = folder.lstat(), folder.stat()
    for owner in (link.st_uid, about.st_uid):
        if owner != os.geteuid():
            return f"belongs to another user (number {owner})"
    if about.st_mode & _OTHERS_WRITE:
        return f"can be written by others (mode {stat.S_IMODE(about.st_mode):o})"
    return ""


def _is_private_file(entry: Path) -> bool:
    with contextlib.suppress(OSError):
        about = entry.lstat()
        mine = about.st_uid == os.geteuid() and not about.st_mode & _OTHERS_WRITE
        return mine and stat.S_ISREG(about.st_mode)
    return False


def _digest(entry: Path) -> str:
    """128 bits: a name has room for no more beside that of JAX."""
    with open(entry, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
