"""The films of an analysis, made when they are asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..configuration.specify import Specifications
from ..integrity import read_listed
from ..jobs.animate import animate_before_and_after, animate_cells, animate_corners
from .making import Making


@dataclass(frozen=True)
class Film:
    """A film, which a notebook plays.

    Attributes:
        path: The MP4, in the folder of its run.
    """

    path: Path

    def save(self, path: str | Path) -> Path:
        """Write it to a file of its own."""
        path = Path(path)
        path.write_bytes(read_listed(self.path))
        return path

    def _repr_html_(self) -> str:
        content = base64.b64encode(read_listed(self.path)).decode()
        return f'<video controls loop muted width="640" src="data:video/mp4;base64,{content}"></video>'


class Films:
    """The films of an analysis, each a function of its name.

    ``cells`` is of the simulation that ``trajectories`` stores, ``corners`` of those at the ``corners``,
    ``optimisation`` of the best start before and after. They are made once.
    """

    def __init__(self, name: str, specs: Specifications, folder: Path):
        self._name, self._specs, self._run, self._folder = name, specs, specs.run, folder
        self._made_by: dict[str, Callable[[Path], None]] = {"corners": self._corners}
        if self._run.trajectory_batches:
            self._made_by = {"cells": self._cells, **self._made_by}
        if (folder / "optimisation_cells.nc").is_file():
            self._made_by["optimisation"] = self._optimisation
        self.names = list(self._made_by)

    @property
    def there(self) -> list[Path]:
        """Those that have been made."""
        return [path for name in self.names if (path := self._path(name)).is_file()]

    def __getattr__(self, name: str) -> Callable[[], Film]:
        if name.startswith("_") or name not in self.names:
            raise AttributeError(f"there is no film {name}: choose one of {', '.join(self.names)}")
        return lambda: self._film(name)

    def __dir__(self) -> list[str]:
        return [*self.names, "there"]

    def __repr__(self) -> str:
        return f"films: {', '.join(f'{name}()' for name in self.names)}"

    def _film(self, name: str) -> Film:
        path = self._path(name)
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            self._made_by[name](path)
        return Film(path)

    def _path(self, name: str) -> Path:
        return self._folder / "animations" / f"{name}.mp4"

    def _cells(self, output: Path) -> None:
        first = self._folder / "batches" / f"{self._run.trajectory_batches[0]}.nc"
        animate_cells(first, self._run.animation, output, self._specs)

    def _corners(self, output: Path) -> None:
        path, made_of = self._folder / "corners.nc", self._specs.corners.identity
        if not path.is_file():
            making = Making(self._name, self._run, self._folder)
            path, made_of = making.corners(), making.specs.corners.identity
        animate_corners(path, self._run.animation, output, made_of)

    def _optimisation(self, output: Path) -> None:
        cells = self._folder / "optimisation_cells.nc"
        animate_before_and_after(cells, self._run.animation, output)
