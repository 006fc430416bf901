"""Films: they play, are the same bytes when made again, and interpolate only what moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from support import synthetic

from jaxmorph import animations
from jaxmorph.errors import JaxmorphError

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
    assert frames == animations.MOVING_FRAMES + animations.RESTING_FRAMES
    assert 5 <= seconds <= 8
    information = next(imageio_ffmpeg.read_frames(str(path)))
    assert information["codec"] == "h264"
    assert information["pix_fmt"].startswith("yuv420p")
    assert animations.poster(path)[:8] == b"\x89PNG\r\n\x1a\n"
    make(path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


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
    cluster = animations.trajectory_of(batch.isel(sample=0, seed=0))
    half = (batch["time"].values[0] + batch["time"].values[1]) / 2
    np.testing.assert_allclose(cluster.at(half).position[:3], [[0.5, 0.0], [1.0, 1.0], [0.0, 5.0]])
    assert cluster.at(half).celltype[3].sum() == 0
    assert cluster.at(batch["time"].values[1]).celltype[3].sum() == 1


def test_a_missing_trajectory_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        JaxmorphError, match="no trajectory of sample 7, seed None: the batch stores sample 0"
    ):
        animations.cells_animation(synthetic.batch(), tmp_path / "film.mp4", sample=7)
