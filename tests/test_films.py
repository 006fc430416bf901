"""Films: they play, are the same bytes when made again, and interpolate only what moved."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image
from support import synthetic

from jaxmorph import animations
from jaxmorph.animations import clusters, courses
from jaxmorph.animations.sheet import (
    HEIGHT,
    MOVING_FRAMES,
    RESTING_FRAMES,
    WIDTH,
    Sheet,
    clock,
    film_style,
)
from jaxmorph.animations.trajectories import stored, trajectory_of
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures.save import render
from jaxmorph.visualization import CELL_COLOURS

FILMS = {
    "cells": lambda path: animations.cells_animation(synthetic.batch(), path),
    "cells in 3-D": lambda path: animations.cells_animation(synthetic.batch(space=3), path),
    "corners": lambda path: animations.corners_animation(synthetic.corners(), path),
    "no cells": lambda path: animations.cells_animation(synthetic.batch(cells=False), path),
    "no cells, corners, one time": lambda path: animations.corners_animation(
        synthetic.corners(cells=False, n_times=1), path
    ),
}


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            make,
            id=name,
            marks=[pytest.mark.slow] if name in ("cells in 3-D", "no cells, corners, one time") else [],
        )
        for name, make in FILMS.items()
    ],
)
def test_films_play_and_are_the_same_when_made_again(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "film.mp4"
    make(path)
    first = path.read_bytes()
    assert b"ftyp" in first[:16]
    assert first.index(b"moov") < first.index(b"mdat"), "a browser can start before the end"
    assert len(first) < 1_000_000
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert frames == MOVING_FRAMES + RESTING_FRAMES
    assert 5 <= seconds <= 8
    information = next(imageio_ffmpeg.read_frames(str(path)))
    assert information["codec"] == "h264"
    assert information["pix_fmt"].startswith("yuv420p")
    assert information["size"] == (WIDTH, HEIGHT)
    poster = animations.poster(path)
    assert len(poster) < 600_000
    assert_full(_pixels(poster))
    make(path)
    assert path.read_bytes() == first
    assert animations.poster(path) == poster
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mp4", "film.png"]


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def assert_full(pixels: np.ndarray) -> None:
    """A frame of full HD, whose borders have no strip of the page's white."""
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    drawn = np.asarray((pixels < 250).any(axis=-1))
    for axis, size in ((1, HEIGHT), (0, WIDTH)):
        where = np.flatnonzero(drawn.any(axis))
        assert where[0] < 0.035 * size and size - 1 - where[-1] < 0.035 * size


SHEETS: dict[str, Callable[[], Sheet]] = {
    "one": lambda: _one(synthetic.batch()),
    "one, no gradients": lambda: _one(synthetic.batch().drop_vars("gradient")),
    "two": lambda: _several(2),
    "three": lambda: _several(3),
    "four": lambda: _several(4),
    "courses": lambda: courses.sheet(synthetic.batch(cells=False).isel(sample=0), "seed", "A", "b"),
    "one course": lambda: courses.sheet(
        synthetic.batch(cells=False, n_observables=1).isel(sample=0), "seed", "A", "b"
    ),
}


def _one(batch: xr.Dataset) -> Sheet:
    batch["position"].attrs["units"] = "µm"
    batch["time"] = ("time", 100 * batch["time"].values, {"units": "h"})
    return clusters.one(batch, stored(batch, None, None), "A study", "type", None)


def _several(n: int) -> Sheet:
    return clusters.several(synthetic.corners(n_corners=n).isel(seed=0), "A study", "radius", None)


@pytest.mark.parametrize("make", SHEETS.values(), ids=SHEETS.keys())
def test_texts_of_a_frame_are_within_it_and_apart(make: Callable[[], Sheet]) -> None:
    with film_style():
        sheet = make()
        figure = sheet.still(float(sheet.time.mean()))
        assert_full(_pixels(render(figure, "png", figure.dpi)))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    texts = _drawn(figure)
    boxes = [t.get_window_extent() for t in texts]
    page = figure.bbox.padded(1)
    for text, box in zip(texts, boxes, strict=True):
        inside = page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert inside, f"{text.get_text()} leaves the frame"
    for (a, first), (b, second) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        both = Bbox.intersection(first.padded(-3), second.padded(-3))
        assert both is None or min(both.width, both.height) <= 0, f"{a.get_text()} on {b.get_text()}"


def _drawn(figure: Figure) -> list[Text]:
    """All texts that are seen: a label of a tick beyond the ends of its axis is not."""
    beyond: set[Text] = set()
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        beyond |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
        beyond |= set() if axis.axes.axison else {tick.label1 for tick in axis.get_major_ticks()}
    found = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return [text for text in found if text not in beyond]


def test_the_clock_and_the_scale_have_units() -> None:
    assert clock(7.34, 12.0, "h") == "t = 7.3 h"
    assert clock(37.2, 100.0, "d") == "t = 37 d"
    assert clock(0.05512, 0.1, "1") == "t = 0.055"
    assert clock(3.0, 0.0, "s") == "t = 3.000 s"
    with film_style():
        figure = _one(synthetic.batch()).still(now=7.34)
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert "t = 7.3 h" in texts and "time (h)" in texts
    assert any(re.fullmatch(r"[\d.]+ µm", text) for text in texts)


def test_the_film_of_cells_has_the_first_observable_or_that_asked_for() -> None:
    batch = synthetic.batch()
    for asked, shown in ((None, "mean distance"), ("total_energy", "total energy")):
        with film_style():
            sheet = clusters.one(batch, stored(batch, None, None), "A study", "type", asked)
        assert shown in [ax.get_ylabel() for ax in sheet.figure.axes]


def _lines(chart: Axes) -> tuple[list[str], list[str]]:
    """Names and colours of the lines that a legend has."""
    lines = [line for line in chart.lines if not str(line.get_label()).startswith("_")]
    return [str(line.get_label()) for line in lines], [to_hex(line.get_color()) for line in lines]


def test_letters_of_panels_have_the_colours_of_their_courses() -> None:
    with film_style():
        figure = _several(3).figure
    (chart,) = [ax for ax in figure.axes if ax.get_legend()]
    names, colours = _lines(chart)
    bold = [text for text in figure.findobj(Text) if text.get_fontweight() == "bold"]
    letters = [text for text in bold if text.get_text() in names]
    assert [text.get_text() for text in letters] == names == ["a", "b", "c"]
    assert [to_hex(text.get_color()) for text in letters] == colours


def test_courses_have_no_colour_that_stands_for_a_type_of_cells() -> None:
    shown = synthetic.corners().isel(seed=0)
    with film_style():
        figure = clusters.several(shown, "A study", "type", None).figure
    (chart,) = [ax for ax in figure.axes if ax.get_title() == "" and ax.get_xlabel() == "time"]
    drawn = set(_lines(chart)[1])
    assert len(drawn) == 4 and not drawn & {to_hex(CELL_COLOURS(k)) for k in (0, 1)}


def test_between_recorded_times_cells_are_interpolated_unless_they_jump_or_appear() -> None:
    batch = synthetic.batch(n_times=3, n_cells=4, n_types=1)
    batch["position"][0, 0] = np.array(
        [
            [[0, 0], [1, 1], [0, 5], [9, 9]],
            [[1, 0], [1, 1], [40, 5], [2, 2]],
            [[2, 0], [1, 1], [40, 5], [2, 4]],
        ]
    )
    batch["celltype"][0, 0, 0, 3] = 0
    batch["celltype"][0, 0, 1:, 3] = 1
    cluster = trajectory_of(batch.isel(sample=0, seed=0))
    half = (batch["time"].values[0] + batch["time"].values[1]) / 2
    np.testing.assert_allclose(cluster.at(half).position[:3], [[0.5, 0.0], [1.0, 1.0], [0.0, 5.0]])
    assert cluster.at(half).celltype[3].sum() == 0
    assert cluster.at(batch["time"].values[1]).celltype[3].sum() == 1


def test_a_missing_poster_is_named(tmp_path: Path) -> None:
    with pytest.raises(JaxmorphError, match=r"film\.png of a film cannot be read: remove .*film\.mp4"):
        animations.poster(tmp_path / "film.mp4")


def test_a_missing_trajectory_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        JaxmorphError, match="no trajectory of sample 7, seed None: the batch stores sample 0"
    ):
        animations.cells_animation(synthetic.batch(), tmp_path / "film.mp4", sample=7)
