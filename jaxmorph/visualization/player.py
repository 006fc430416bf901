"""An animation that a notebook plays, and that is saved quickly."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from .film import Update, write_film


class NotebookAnimation(FuncAnimation):
    """A matplotlib animation that a notebook shows as a player, without further ado."""

    def __init__(
        self, figure: Figure, artists: Sequence[Artist], update: Update, moments: Sequence[float]
    ) -> None:
        self._moving, self._update, self._moments = list(artists), update, list(moments)
        self._of = figure

        def show(i: int) -> Sequence[Artist]:
            update(self._moments[i])
            return self._moving

        show(0)  # the first frame is there before the axes are arranged
        super().__init__(figure, show, frames=len(self._moments), interval=100)

    def _repr_html_(self) -> str:
        return self.to_jshtml()

    def save(self, filename: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        """Write the animation to a file.

        An ``.mp4`` without other arguments than ``fps`` (default 20) and ``dpi`` (120) is written by
        the ffmpeg that jaxmorph brings along, and only what moves is drawn again; anything else is
        matplotlib's ``Animation.save``.
        """
        quick = os.fspath(filename).endswith(".mp4") and not args and set(kwargs) <= {"fps", "dpi"}
        if not quick:
            super().save(os.fspath(filename), *args, **kwargs)
            return
        self._draw_was_started = True  # matplotlib would warn that it drew nothing
        write_film(self._of, self._moving, self._update, self._moments, filename, **kwargs)
