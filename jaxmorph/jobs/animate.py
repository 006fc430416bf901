"""The jobs that turn trajectories into films."""

from collections.abc import Mapping, Sequence
from typing import Any

from .. import animations, store


def animate_cells(batches: Sequence[str], animation: Mapping[str, Any], output: str) -> None:
    """Animate the first stored trajectory of a run."""
    animations.cells_animation(store.read_dataset(batches[0], "batch"), output, **animation)


def animate_corners(corners: str, animation: Mapping[str, Any], output: str) -> None:
    """Animate the corners of parameter space side by side."""
    dataset = store.read_dataset(corners, "corners")
    animations.corners_animation(dataset, output, colour=animation["colour"])


def animate_before_and_after(cells: str, animation: Mapping[str, Any], output: str) -> None:
    """Animate the best start of an optimisation before and after, side by side."""
    dataset = store.read_dataset(cells, "corners")
    animations.before_and_after_animation(dataset, output, colour=animation["colour"])
