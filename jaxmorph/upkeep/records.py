"""What Snakemake keeps of files on disk: which are incomplete, and when they were made.

In ``.snakemake``, in its own format, the same for years: a file for each output, named by its path in
base 64.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ..integrity import damage_at_the_end

_PLACE = "jaxmorph-place"


class SnakemakeRecords:
    """Those of one folder.

    Args:
        folder: Snakemake's.

    Attributes:
        folder: The same.
    """

    def __init__(self, folder: Path = Path(".snakemake")):
        self.folder = folder

    @property
    def is_there(self) -> bool:
        """Whether Snakemake has been here."""
        return self.folder.is_dir()

    def mark(self, file: Path) -> None:
        """Have Snakemake make an output again, as if the job that made it had been cut off.

        Where nothing can be written, it says so by itself.
        """
        path = self._path("incomplete", str(file))
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"external_jobid": None}), encoding="utf-8")

    def made_at(self, file: Path) -> float | None:
        """When a job finished an output, as its time of modification then was; None if none did."""
        try:
            record = json.loads(self._path("metadata", str(file)).read_text(encoding="utf-8"))
            return float(record["endtime"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self) -> None:
        """Make their folder, if it can be: it tells a copy from the folder that it is of."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(exist_ok=True)

    def settle(self, files: Callable[[], Iterable[Path]]) -> int:
        """In a copy of a folder, give files that are whole the times that they had; once for each copy.

        A plain ``cp -r`` gives the files of a chain times in any order, so that Snakemake would make
        large ones again. Gives the number of files.
        """
        place = self.folder / _PLACE
        with contextlib.suppress(OSError):
            here = str(self.folder.stat().st_ino)
            if place.is_file() and place.read_text(encoding="utf-8") == here:
                return 0
            restored = sum(self._restore(file) for file in files())
            place.write_text(here, encoding="utf-8")
            return restored
        return 0  # there is no such folder yet, or it cannot be written

    def _restore(self, file: Path) -> bool:
        made = self.made_at(file)
        if made is None or file.stat().st_mtime == made:
            return False
        if file.suffix in (".nc", ".json", ".html") and damage_at_the_end(file) is not None:
            return False
        os.utime(file, (made, made))
        return True

    def _path(self, kind: str, file: str) -> Path:
        """Names that are too long for the file system are cut into folders."""
        name = base64.urlsafe_b64encode(file.encode()).decode()
        longest = os.pathconf(self.folder, "PC_NAME_MAX") - 1
        parts = [name[i : i + longest] for i in range(0, len(name), longest)]
        return Path(self.folder, kind, *(f"@{part}" for part in parts[:-1]), parts[-1])
