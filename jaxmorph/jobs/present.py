"""The jobs that turn datasets into figures, animations and the report."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from .. import animations, figures, report, store


def draw_figure(
    name: str, sensitivity: str | None, checks: str | None, optimisation: str | None, stem: str
) -> None:
    """Draw one figure and save it with its data; it needs only the files that it is drawn from."""
    with contextlib.ExitStack() as opened:
        data = None
        if sensitivity:
            data = opened.enter_context(store.open_dataset(sensitivity, "sensitivity"))
        figure, table = figures.draw(
            name, data, _read(checks, "checks"), _read(optimisation, "optimisation")
        )
    figures.save_figure(figure, table, stem)


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


def write_page(
    run_name: str,
    spec: Mapping[str, Any],
    sensitivity: str,
    checks: str | None,
    optimisation: str | None,
    films: Sequence[str],
    output: str,
) -> None:
    """Write the report of a run; its figures lie in ``figures/`` beside it."""
    with store.open_dataset(sensitivity, "sensitivity") as data:
        # The estimates know only what decides them; the page carries all of the run.
        data.attrs["configuration"] = json.dumps(dict(spec))
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
            _read(checks, "checks"),
            _read(optimisation, "optimisation"),
        )


def _read(path: str | None, kind: str) -> xr.Dataset | None:
    return store.read_dataset(path, kind) if path else None
