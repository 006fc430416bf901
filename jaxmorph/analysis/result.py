"""What came of a run: its datasets, figures and report, from its files."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from .. import figures, report, store
from ..configuration import Run
from ..errors import JaxmorphError
from ..jobs.draw import draw_figures
from ..jobs.page import write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CHARTS = ("tornado", "global_sensitivity", "sensitivity_over_time")
"""Figures of which a notebook shows the first that has something to show."""


class Analysis:
    """A finished run. In a notebook it shows its findings, and what its parameters do.

    Attributes:
        folder: Where its files are.
        run: What was asked for.
    """

    def __init__(self, folder: Path, run: Run, kept: tempfile.TemporaryDirectory[str] | None = None):
        self.folder, self.run, self._kept = folder, run, kept

    @functools.cached_property
    def dataset(self) -> xr.Dataset:
        """The estimates: ``sensitivity.nc``."""
        return store.read_dataset(self.folder / "sensitivity.nc", "sensitivity")

    @functools.cached_property
    def batches(self) -> xr.Dataset:
        """Values and gradients of all samples and seeds; stored trajectories are in the files."""
        parts = [store.read_dataset(path, "batch") for path in self._batch_files()]
        shared = set.intersection(*(set(map(str, part.data_vars)) for part in parts))
        together = xr.combine_by_coords(
            [part[sorted(shared)] for part in parts], combine_attrs="drop_conflicts"
        )
        assert isinstance(together, xr.Dataset)
        return together

    @functools.cached_property
    def checks(self) -> xr.Dataset | None:
        """The numerical checks, if the run has them."""
        return store.read_given(self._checks_file(), "checks")

    @functools.cached_property
    def findings(self) -> list[str]:
        """What a report finds, a sentence or two each."""
        return report.findings_of(self.dataset)

    @property
    def plot(self) -> Plots:
        """Every figure of the run: ``analysis.plot.tornado()``."""
        return Plots(self)

    def report(self, path: str | Path) -> Path:
        """Write the report; the files of its figures go to a folder beside it.

        Args:
            path: The HTML file.
        """
        path = Path(path)
        pictures = path.with_name(f"{path.stem}-figures")
        sensitivity, checks = str(self.folder / "sensitivity.nc"), self._checks_file()
        draw_figures(self.plot.names, sensitivity, checks, None, pictures)
        write_page(path.stem, self.run, sensitivity, checks, None, [], str(path), pictures)
        return path

    def _repr_html_(self) -> str:
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.findings)
        chart = next(
            (name for name in ("tornado", "global_sensitivity") if name in self.plot.names), None
        )
        picture = "" if chart is None else figures.as_svg(getattr(self.plot, chart)())
        return f"<div><ul>{lines}</ul>{picture}</div>"

    def __repr__(self) -> str:
        return "\n".join(self.findings)

    def _batch_files(self) -> list[Path]:
        return sorted((self.folder / "batches").glob("*.nc"))

    def _checks_file(self) -> str | None:
        path = self.folder / "checks.nc"
        return str(path) if path.is_file() else None


class Plots:
    """The figures of an analysis, each a function of its name that gives a Matplotlib figure."""

    def __init__(self, analysis: Analysis):
        self._analysis = analysis
        run = analysis.run
        self.names = figures.figure_names(
            run.design.method, len(run.parameters), checks=run.checks.samples > 0, optimise=False
        )

    def __getattr__(self, name: str) -> Callable[[], Figure]:
        if name.startswith("_") or name not in self.names:
            raise AttributeError(f"there is no figure {name}: choose one of {', '.join(self.names)}")
        of = self._analysis
        return lambda: figures.draw(name, of.dataset, of.checks)[0]

    def __dir__(self) -> list[str]:
        return [*self.names]


def open(folder: str | Path) -> Analysis:
    """The analysis of a run whose files are there, made by the workflow or by :func:`analyse`.

    Args:
        folder: ``results/<run>``.

    Raises:
        JaxmorphError: If there is no finished run.
    """
    folder = Path(folder)
    for name in ("design.json", "sensitivity.nc"):
        if not (folder / name).is_file():
            raise JaxmorphError(f"{folder}: has no {name}; name the folder of a run that has finished")
    return Analysis(folder, Run.from_plain(store.read_json(folder / "design.json")))
