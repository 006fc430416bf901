"""The jobs that turn trajectories into films."""

from collections.abc import Sequence

from .. import animations, store
from ..configuration.sections import Animation


def animate_cells(batches: Sequence[str], animation: Animation, output: str) -> None:
    """Animate the first stored trajectory of a run."""
    animations.cells_animation(
        store.read_dataset(batches[0], "batch"),
        output,
        colour=animation.colour,
        observable=animation.observable,
    )


def animate_corners(corners: str, animation: Animation, output: str) -> None:
    """Animate the corners of parameter space side by side."""
    dataset = store.read_dataset(corners, "corners")
    animations.corners_animation(dataset, output, colour=animation.colour)


def animate_before_and_after(cells: str, animation: Animation, output: str) -> None:
    """Animate the best start of an optimisation before and after, side by side."""
    dataset = store.read_dataset(cells, "optimisation_cells")
    animations.before_and_after_animation(dataset, output, colour=animation.colour)
