"""The job that turns trajectories into films."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import animations, store
from ..configuration.identity import Identity
from ..configuration.sections import Animation
from ..configuration.specify import Specifications
from ..integrity import list_files

logger = logging.getLogger("jaxmorph")


def make_films(
    animation: Animation,
    batches: Sequence[str],
    corners: str,
    optimisation_cells: str | None,
    folder: Path,
    specs: Specifications | None = None,
) -> None:
    """Make the films of a run: of one simulation, of the corners, of the best start before and after.

    Args:
        animation: How cells are shown.
        batches: Those that hold stored trajectories; the first one is shown.
        corners: The corners of parameter space.
        optimisation_cells: Of a run that has an optimisation.
        folder: Where the films go.
        specs: What the files must have been made of; None: whatever they were.
    """
    of: Mapping[str, Identity] = {} if specs is None else specs.identities
    if batches:
        animate_cells(batches[0], animation, folder / "cells.mp4", specs)
    animate_corners(corners, animation, folder / "corners.mp4", of.get("corners"))
    if optimisation_cells:
        made_of = of.get("optimisation_cells")
        animate_before_and_after(optimisation_cells, animation, folder / "optimisation.mp4", made_of)


def animate_cells(
    batch: str | Path, animation: Animation, output: Path, specs: Specifications | None = None
) -> None:
    """Animate the first stored trajectory of a batch."""
    made_of = None if specs is None else specs.batch(Path(batch).stem).identity
    stored = store.read_dataset(batch, "batch", made_of)
    animations.cells_animation(stored, output, colour=animation.colour, observable=animation.observable)
    _made(output)


def animate_corners(
    corners: str | Path, animation: Animation, output: Path, made_of: Identity | None = None
) -> None:
    """Animate the corners of parameter space side by side."""
    dataset = store.read_dataset(corners, "corners", made_of)
    animations.corners_animation(dataset, output, animation.colour, animation.observable)
    _made(output)


def animate_before_and_after(
    cells: str | Path, animation: Animation, output: Path, made_of: Identity | None = None
) -> None:
    """Animate the best start of an optimisation before and after, side by side."""
    dataset = store.read_dataset(cells, "optimisation_cells", made_of)
    animations.before_and_after_animation(dataset, output, animation.colour, animation.observable)
    _made(output)


def _made(film: Path) -> None:
    """A film and its poster have been written."""
    list_files(film.parent, [film, animations.poster_of(film)])
    logger.info("%s: made", film.stem)
