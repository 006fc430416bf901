"""Films: the still part of a figure is drawn once, what moves a frame, and frames go to ffmpeg raw."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..atomic import written_aside

# Otherwise imageio_ffmpeg forks, which may hang where JAX has threads, and JAX warns of it.
os.environ.setdefault("IMAGEIO_FFMPEG_NO_PREVENT_SIGINT", "1")

FRAMES_PER_SECOND = 20
_X264 = [
    "-crf", "23", "-preset", "veryfast", "-threads", "1", "-sws_flags", "fast_bilinear", "-fflags",
    "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1", "-movflags", "+faststart",
]  # fmt: skip

Update = Callable[[float], None]
"""Shows the state at one model time."""


def together(updates: Sequence[Update]) -> Update:
    """All of them, one after another."""

    def update(now: float) -> None:
        for one in updates:
            one(now)

    return update


def write_film(
    figure: Figure,
    artists: Iterable[Artist],
    update: Update,
    moments: Iterable[float],
    path: str | os.PathLike[str],
    *,
    fps: float = FRAMES_PER_SECOND,
    dpi: float = 120,
) -> None:
    """Write an MP4 (H.264) that plays in a browser's page, whole or not at all.

    Args:
        figure: What is drawn; all but ``artists`` stands still.
        artists: What moves, from the back to the front.
        update: Brings ``artists`` to a model time.
        moments: The model time of each frame.
        path: The MP4.
        fps: Frames per second.
        dpi: Pixels per inch.
    """
    artists = list(artists)
    figure.set_dpi(dpi)
    width, height = np.ceil(figure.get_size_inches() * dpi / 2) * 2 / dpi  # H.264: even sizes
    figure.set_size_inches(width, height)
    canvas = FigureCanvasAgg(figure)
    for artist in artists:
        artist.set_animated(True)
    canvas.draw()
    still = canvas.copy_from_bbox(figure.bbox)
    with written_aside(Path(path)) as aside:
        writer = imageio_ffmpeg.write_frames(
            os.fspath(aside), canvas.get_width_height(), pix_fmt_in="rgba", fps=fps,
            codec="libx264", quality=None, macro_block_size=2, output_params=_X264,
        )  # fmt: skip
        writer.send(None)
        shown = None
        for now in moments:
            if now != shown:
                canvas.restore_region(still)
                update(float(now))
                for artist in artists:
                    figure.draw_artist(artist)
                picture, shown = bytes(canvas.buffer_rgba()), now
            writer.send(picture)
        writer.close()
    for artist in artists:
        artist.set_animated(False)
