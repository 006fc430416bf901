"""The job that turns trajectories into films."""

import logging
from collections.abc import Sequence
from pathlib import Path

from .. import animations, store
from ..configuration.sections import Animation

logger = logging.getLogger("jaxmorph")


def make_films(
    animation: Animation,
    batches: Sequence[str],
    corners: str,
    optimisation_cells: str | None,
    folder: Path,
) -> None:
    """Make the films of a run: of one simulation, of the corners, of the best start before and after.

    Args:
        animation: How cells are shown.
        batches: Those that hold stored trajectories; the first one is shown.
        corners: The corners of parameter space.
        optimisation_cells: Of a run that has an optimisation.
        folder: Where the films go.
    """
    colour = animation.colour
    if batches:
        animations.cells_animation(
            store.read_dataset(batches[0], "batch"),
            folder / "cells.mp4",
            colour=colour,
            observable=animation.observable,
        )
        logger.info("cells: made")
    animations.corners_animation(
        store.read_dataset(corners, "corners"), folder / "corners.mp4", colour=colour
    )
    logger.info("corners: made")
    if optimisation_cells:
        animations.before_and_after_animation(
            store.read_dataset(optimisation_cells, "optimisation_cells"),
            folder / "optimisation.mp4",
            colour=colour,
        )
        logger.info("optimisation: made")
