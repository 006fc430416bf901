"""Write a figure and its data so that making it again gives the same bytes."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from ..atomic import written_aside
from .style import style

_METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": "jaxmorph"},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": "jaxmorph", "Producer": None},
    "png": {"Software": None},
}
_PLACES = 6
"""Digits of places in a figure, of which it is 1 wide and high."""
_DOTS = 600
"""Dots per inch of pictures beside the vectors, as journals want drawings with text."""
_TYPE = re.compile(rb"(<text style=\"[^\"]*)'DejaVu Sans'")
_FAMILIES = rb"\1Arial, Helvetica, 'DejaVu Sans', sans-serif"
"""Text of an SVG has the type of journals, where there is one: it is a little narrower than what the
figure was arranged for. Mathematics keeps its own, by whose widths each sign is placed."""

# Not by way of `savefig`, which draws everything twice, once to lay it out.
_VECTORS: dict[str, Callable[[Figure], Callable[..., None]]] = {
    "svg": lambda figure: FigureCanvasSVG(figure).print_svg,
    "pdf": lambda figure: FigureCanvasPdf(figure).print_pdf,
}


@contextmanager
def arranged(figure: Figure) -> Iterator[None]:
    """The panels of a figure have their places, the same whenever it is drawn.

    The solver behind the layout takes its variables by their addresses in memory, so its places differ
    in the last digits, which may decide to which pixel a line goes.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    engine.execute(figure)
    for ax in figure.axes:
        arranges = ax.get_in_layout()  # a place that is set takes panels out of later layouts
        bounds = np.round(ax.get_position(original=True).bounds, _PLACES)
        ax.set_position(Bbox.from_bounds(*bounds), "original")
        ax.set_in_layout(arranges)
    figure.set_layout_engine("none")
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def lay_out(figure: Figure) -> None:
    """Give all panels their places for good: whatever is rendered next has the same arrangement."""
    with style():
        if figure.axes and (engine := figure.get_layout_engine()):
            engine.execute(figure)
    figure.set_layout_engine("none")


def render(figure: Figure, extension: str, dpi: float = 200) -> bytes:
    """The figure as the bytes of an ``svg``, ``pdf``, ``png`` or ``tiff`` file, without dates."""
    stream, metadata, before = io.BytesIO(), _METADATA.get(extension), figure.dpi
    figure.dpi = dpi  # of what is in pixels even so
    with style(), arranged(figure):
        if extension in _VECTORS:
            _VECTORS[extension](figure)(stream, metadata=metadata)
        else:
            how = {"compression": "tiff_lzw"} if extension == "tiff" else {}
            figure.savefig(stream, format=extension, dpi=dpi, metadata=metadata, pil_kwargs=how)
    figure.dpi = before
    return _TYPE.sub(_FAMILIES, stream.getvalue()) if extension == "svg" else stream.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content``: the file is whole or absent, and left alone if it is that already."""
    if path.is_file() and path.read_bytes() == content:
        return
    with written_aside(path) as aside:
        aside.write_bytes(content)


def save_figure(
    figure: Figure,
    data: pd.DataFrame,
    stem: str | os.PathLike[str],
    endings: Sequence[str] = ("svg", "pdf", "csv"),
) -> list[Path]:
    """Write ``stem.svg``, ``stem.pdf``, ``stem.csv``, ...; bit-identical when made again.

    Numbers in the CSV keep every digit. Returns the paths.
    """
    lay_out(figure)
    written = []
    for ending in endings:
        path = Path(f"{os.fspath(stem)}.{ending}")
        if ending == "csv":
            write_whole(path, data.to_csv(index=False, lineterminator="\n").encode())
        else:
            write_whole(path, render(figure, ending, _DOTS if ending in ("png", "tiff") else 200))
        written.append(path)
    return written
