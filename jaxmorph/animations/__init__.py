"""Films of a run: cells that move and grow, and the corners of parameter space side by side.

A film is an MP4 (H.264, 1920 x 1080) that plays in a browser's page, bit-identical when made again, with
a poster beside it: a PNG of the last moment. Between recorded times positions, radii and what colours
the cells are interpolated linearly, so that the eye can follow. A study without cells has the courses of
its observables drawn instead.
"""

from __future__ import annotations

import os

import xarray as xr

from ..errors import JaxmorphError
from ..integrity import read_listed
from . import clusters, courses
from .sheet import film_style, study_name
from .sheet import poster_of as poster_of
from .trajectories import has_cells, stored

MOST_PANELS = 16


def cells_animation(
    dataset: xr.Dataset,
    path: str | os.PathLike[str],
    sample: int | None = None,
    seed: int | None = None,
    colour: str = "type",
    observable: str | None = None,
) -> None:
    """Write the film of one stored trajectory: cells to scale, up to 50 in the plane with trails.

    Beside them stand the course of an observable over all seeds of the sample, and its sensitivities if
    the dataset has gradients.

    Args:
        dataset: a batch (``docs/data.md``). Without ``position`` and ``radius`` the film shows the
            courses of the observables for the first sample's seeds.
        path: the MP4 to write; the poster is a PNG beside it.
        sample: which of the stored samples; default: the first.
        seed: which of the stored seeds; default: the first.
        colour: by what cells are coloured: ``type``, a state variable (one of several columns as
            ``chemical[0]``; of a vector in space, its length).
        observable: whose course is drawn; default: the first.

    Raises:
        JaxmorphError: there is no such trajectory, state variable or observable.
    """
    name = study_name(dataset)
    with film_style():
        if has_cells(dataset):
            sheet = clusters.one(dataset, stored(dataset, sample, seed), name, colour, observable)
        else:
            first = dataset.isel(sample=0, seed=slice(MOST_PANELS))
            below = f"sample {first['sample'].item()}: one line a seed"
            sheet = courses.sheet(first, "seed", f"{name} over time", below)
        sheet.write(path)


def corners_animation(
    corners: xr.Dataset,
    path: str | os.PathLike[str],
    colour: str = "type",
    observable: str | None = None,
) -> None:
    """Write the film of the corners of parameter space: one panel a corner, the same seed in all.

    Args:
        corners: a ``corners.nc``; at most its first 16 corners are shown. Without cells the film
            shows the courses of the observables, one line a corner.
        path: the MP4 to write; the poster is a PNG beside it.
        colour: see ``cells_animation``.
        observable: whose course is drawn beside the panels; default: the first.
    """
    shown = corners.isel(seed=0, sample=slice(MOST_PANELS))
    _several(shown, path, "corners of parameter space", colour, observable)


def before_and_after_animation(
    cells: xr.Dataset,
    path: str | os.PathLike[str],
    colour: str = "type",
    observable: str | None = None,
) -> None:
    """Write the film of an optimisation: as ``corners_animation``, each panel named before or after.

    Args:
        cells: an ``optimisation_cells.nc``.
        path: the MP4 to write; the poster is a PNG beside it.
        colour: see ``cells_animation``.
        observable: see ``corners_animation``.
    """
    _several(cells.isel(seed=0), path, "before and after optimisation", colour, observable)


def poster(path: str | os.PathLike[str]) -> bytes:
    """The picture that stands for a film, as the bytes of a PNG.

    Raises:
        JaxmorphError: it is not beside the film.
    """
    picture = poster_of(path)
    if not picture.is_file():
        raise JaxmorphError(
            f"the poster {picture} of a film cannot be read: remove {path}, and make it again"
        )
    return read_listed(picture)


def _several(
    shown: xr.Dataset,
    path: str | os.PathLike[str],
    title: str,
    colour: str,
    observable: str | None,
) -> None:
    title = f"{study_name(shown)}: {title}"
    with film_style():
        if has_cells(shown):
            sheet = clusters.several(shown, title, colour, observable)
        else:
            sheet = courses.sheet(shown, "sample", title, "the same seed at each")
        sheet.write(path)
