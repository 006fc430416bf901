"""The jobs that turn datasets into figures, animations and the report."""

from collections.abc import Sequence
from pathlib import Path

from .. import animations, figures, report, store


def draw_figure(name: str, sensitivity: str, checks: str | None, stem: str) -> None:
    """Draw one figure and save it with its data."""
    figure, data = figures.draw(
        name,
        store.read_dataset(sensitivity, "sensitivity"),
        store.read_dataset(checks, "checks") if checks else None,
    )
    figures.save_figure(figure, data, stem)


def animate_cells(batches: Sequence[str], output: str) -> None:
    """Animate the first stored trajectory of a run."""
    animations.cells_animation(store.read_dataset(batches[0], "batch"), output)


def animate_corners(corners: str, output: str) -> None:
    """Animate the corners of parameter space side by side."""
    animations.corners_animation(store.read_dataset(corners, "corners"), output)


def write_page(
    run_name: str, sensitivity: str, checks: str | None, films: Sequence[str], output: str
) -> None:
    """Write the report of a run; its figures lie in ``figures/`` beside it."""
    report.write_report(
        output,
        run_name,
        store.read_dataset(sensitivity, "sensitivity"),
        Path(output).parent / "figures",
        {Path(film).stem: film for film in films},
        store.read_dataset(checks, "checks") if checks else None,
    )
