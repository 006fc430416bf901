"""The page of a film in full HD: title, clock, and the poster that stands for it on paper."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ..figures.save import arranged, render, write_whole
from ..figures.style import GREY, style, words
from ..quantities import unit_of_entry
from ..visualization.film import Update, together, write_film

WIDTH, HEIGHT = 1920, 1080
_DPI = 240
"""So that text of 9 points is read in a report, and that of the clock on a phone."""
MOVING_FRAMES, RESTING_FRAMES = 68, 12
_FRAMES_PER_SECOND = 16
HEAD = 0.885
"""Below this share of the height is what the film is of."""
_TYPE_SIZES: dict[str, Any] = {
    "font.size": 9.0,
    **{f"{name}.labelsize": 9.0 for name in ("axes", "xtick", "ytick")},
    **{"axes.titlesize": 9.0, "legend.fontsize": 8.0},
}


class Sheet:
    """A figure of the size of a film, with its heading.

    Args:
        title: Of the film.
        below: A second line, smaller.
        time: Model time of each record, with its unit.
    """

    def __init__(self, title: str, below: str, time: xr.DataArray) -> None:
        self.figure = Figure(figsize=(WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI)
        self.time, self.unit = time.values, unit_of_entry(time)
        self.figure.text(0.014, 0.975, title, size=13, weight="bold", va="top")
        self.figure.text(0.014, 0.917, below, size=8.5, color=GREY, va="top")
        self._clock = self.figure.text(0.986, 0.975, "", size=15, va="top", ha="right")
        self._artists: list[Artist] = [self._clock]
        self._updates: list[Update] = [self._tick]

    def beside(self, left: float, rows: int, columns: int = 1, **grid: Sequence[float]) -> GridSpec:
        """Places for charts to the right of ``left``, which arrange themselves around their labels."""
        self.figure.set_layout_engine(
            ConstrainedLayoutEngine(rect=(left, 0.012, 0.988 - left, HEAD - 0.012), h_pad=0.05)
        )
        return self.figure.add_gridspec(rows, columns, **grid)

    def add(self, moving: tuple[Sequence[Artist], Update]) -> None:
        """Something that moves, and how."""
        artists, update = moving
        self._artists[-1:-1] = artists
        self._updates.append(update)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the film, and beside it as a PNG its last moment, drawn as a figure."""
        start, end = self.time[0], self.time[-1]
        moments = [*np.linspace(start, end, MOVING_FRAMES).tolist(), *[end] * RESTING_FRAMES]
        update = together(self._updates)
        with arranged(self.figure):
            write_film(
                self.figure, self._artists, update, moments, path, fps=_FRAMES_PER_SECOND, dpi=_DPI
            )
        write_whole(poster_of(path), render(self.figure, "png", _DPI))

    def still(self, now: float) -> Figure:
        """The figure at a model time."""
        together(self._updates)(now)
        return self.figure

    def _tick(self, now: float) -> None:
        self._clock.set_text(clock(now, self.time[-1] - self.time[0], self.unit))


def poster_of(film: str | os.PathLike[str]) -> Path:
    """Where the poster of a film is."""
    return Path(film).with_suffix(".png")


def clock(now: float, span: float, unit: str) -> str:
    """``t = 7.3 h``: as many decimals as a film of this length needs, the same in every frame."""
    decimals = max(1 - math.floor(math.log10(span / 2)), 0) if span > 0 else 3
    text = f"t = {now:.{decimals}f}".replace("-", "\N{MINUS SIGN}")
    return text if unit in ("", "1") else f"{text} {unit}"


def study_name(dataset: xr.Dataset) -> str:
    """The study of a run in words, to begin a title with: ``Growing disc``."""
    asked = json.loads(dataset.attrs.get("configuration", "{}"))
    study = str(asked.get("study", dataset.attrs.get("study", dataset.attrs.get("run", "simulation"))))
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", study.rpartition(":")[2])
    return words(name.replace("-", " ")).capitalize()


@contextmanager
def film_style() -> Iterator[None]:
    """The look of figures, in the type sizes of a film."""
    with style(), matplotlib.style.context(_TYPE_SIZES):
        yield
