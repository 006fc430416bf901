"""Write a figure and its data so that making it again gives the same bytes."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ..atomic import written_aside
from .style import style

_METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": "jaxmorph"},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": "jaxmorph", "Producer": None},
    "png": {"Software": None},
}

# Not by way of `savefig`, which draws everything twice, once to lay it out.
_VECTORS: dict[str, Callable[[Figure], Callable[..., None]]] = {
    "svg": lambda figure: FigureCanvasSVG(figure).print_svg,
    "pdf": lambda figure: FigureCanvasPdf(figure).print_pdf,
}


def render(figure: Figure, extension: str, dpi: float = 200) -> bytes:
    """The figure as the bytes of an ``svg``, ``pdf`` or ``png`` file, without dates."""
    stream, metadata, before = io.BytesIO(), _METADATA[extension], figure.dpi
    with style():
        if extension not in _VECTORS:
            figure.savefig(stream, format=extension, dpi=dpi, metadata=metadata)
            return stream.getvalue()
        figure.dpi = dpi  # of what is in pixels even so
        _VECTORS[extension](figure)(stream, metadata=metadata)
        figure.dpi = before
    return stream.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content``: the file is whole or absent, and left alone if it is that already."""
    if path.is_file() and path.read_bytes() == content:
        return
    with written_aside(path) as aside:
        aside.write_bytes(content)


def save_figure(figure: Figure, data: pd.DataFrame, stem: str | os.PathLike[str]) -> list[Path]:
    """Write ``stem.svg``, ``stem.pdf`` and ``stem.csv``; bit-identical when made again.

    Numbers in the CSV keep every digit. Returns the three paths.
    """
    with style():
        if figure.axes and (engine := figure.get_layout_engine()):
            engine.execute(figure)
    figure.set_layout_engine("none")  # laid out once: both files show the same arrangement
    written = []
    for extension in ("svg", "pdf"):
        path = Path(f"{os.fspath(stem)}.{extension}")
        write_whole(path, render(figure, extension))
        written.append(path)
    path = Path(f"{os.fspath(stem)}.csv")
    write_whole(path, data.to_csv(index=False, lineterminator="\n").encode())
    return [*written, path]
