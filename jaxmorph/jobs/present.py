"""The jobs that turn datasets into figures, animations and the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from .. import animations, figures, report, store


def draw_figure(name: str, sensitivity: str, checks: str | None, stem: str) -> None:
    """Draw one figure and save it with its data."""
    with store.open_dataset(sensitivity, "sensitivity") as data:
        figure, table = figures.draw(name, data, _read_checks(checks))
    figures.save_figure(figure, table, stem)


def animate_cells(batches: Sequence[str], animation: Mapping[str, Any], output: str) -> None:
    """Animate the first stored trajectory of a run."""
    animations.cells_animation(store.read_dataset(batches[0], "batch"), output, **animation)


def animate_corners(corners: str, animation: Mapping[str, Any], output: str) -> None:
    """Animate the corners of parameter space side by side."""
    dataset = store.read_dataset(corners, "corners")
    animations.corners_animation(dataset, output, colour=animation["colour"])


def write_page(
    run_name: str, sensitivity: str, checks: str | None, films: Sequence[str], output: str
) -> None:
    """Write the report of a run; its figures lie in ``figures/`` beside it."""
    with store.open_dataset(sensitivity, "sensitivity") as data:
        # Only what is large, per sample and time, stays on disk: little of it is on the page.
        for variable in data.variables.values():
            if not {"sample", "time"} <= set(variable.dims):
                variable.load()
        report.write_report(
            output,
            run_name,
            data,
            Path(output).parent / "figures",
            {Path(film).stem: film for film in films},
            _read_checks(checks),
        )


def _read_checks(checks: str | None) -> xr.Dataset | None:
    return store.read_dataset(checks, "checks") if checks else None
