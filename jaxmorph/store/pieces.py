"""Finished pieces of a batch on disk, while the batch is not."""

import contextlib
import re
import shutil
import zipfile
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import numpy as np

from ..atomic import written_aside
from ..integrity import damage, seal

Place = tuple[int, int, int, int]


class SavedPieces(MutableMapping[Place, list[np.ndarray]]):
    """Lists of arrays by place (four integers), each in a file that is whole or absent.

    Args:
        folder: Where the files are; made when the first is saved.
        key: What else decides the arrays: pieces under another key are not found.
    """

    def __init__(self, folder: Path, key: str):
        self._folder, self._key = folder, key

    def __getitem__(self, place: Place) -> list[np.ndarray]:
        if damage(self._path(place)) is not None:
            raise KeyError(place)
        try:
            with open(self._path(place), "rb") as file, np.load(file) as arrays:
                return [arrays[name] for name in arrays.files]
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise KeyError(place) from error

    def __setitem__(self, place: Place, arrays: list[np.ndarray]) -> None:
        with written_aside(self._path(place)) as file:
            np.savez(file, *arrays)
            seal(file)

    def __delitem__(self, place: Place) -> None:
        self._path(place).unlink()

    def __iter__(self) -> Iterator[Place]:
        name = re.compile(rf"{re.escape(self._key)}\.(\d+)-(\d+)-(\d+)-(\d+)\.npz")
        with contextlib.suppress(FileNotFoundError):
            for path in sorted(self._folder.iterdir()):
                if match := name.fullmatch(path.name):
                    i, i_stop, j, j_stop = map(int, match.groups())
                    yield i, i_stop, j, j_stop

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def remove(self) -> None:
        """Remove the folder, with pieces under any key."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, place: Place) -> Path:
        return self._folder / f"{self._key}.{'-'.join(map(str, place))}.npz"
