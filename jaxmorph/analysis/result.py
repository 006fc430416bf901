"""What came of a run: its datasets, figures and report, from its files."""

from __future__ import annotations

import functools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from .. import figures, report, store
from ..configuration import Run
from ..configuration.load import changed_figures
from ..configuration.look import Figures as Look
from ..configuration.optimise import Optimise
from ..configuration.specify import HOW_SHOWN, Specifications
from ..errors import JaxmorphError
from ..figures.stated import stated
from ..jobs.draw import draw_figures
from ..jobs.page import write_page
from .films import Films
from .making import RECORD
from .tables import Format, tables_of, write_tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_CHARTS = ("tornado", "global_sensitivity", "sensitivity_over_time")
"""Figures of which a notebook shows the first that has something to show."""


class Analysis:
    """A finished run. In a notebook it shows its findings, and what its parameters do.

    Attributes:
        folder: Where its files are.
        run: What was asked for.
        name: Of the run.
    """

    def __init__(
        self,
        folder: Path,
        run: Run,
        name: str,
        kept: tempfile.TemporaryDirectory[str] | None = None,
    ):
        self.folder, self.run, self.name, self._kept = folder, run, name, kept

    @functools.cached_property
    def specs(self) -> Specifications:
        """What its files must have been made of: the run, by the code that its estimates are from."""
        attributes = store.read_attributes(self.folder / "sensitivity.nc")
        names = ("code_digest", "estimators_digest", "data_digests")
        if missing := [name for name in names if name not in attributes]:
            raise JaxmorphError(
                f"{self.folder / 'sensitivity.nc'}: does not say of which code it is ({missing[0]}); "
                "was it made by an earlier version? Make the run again"
            )
        code = {name: attributes[name] for name in names}
        code["data_digests"] = json.loads(str(code["data_digests"]))
        return Specifications(self.run, code)

    @functools.cached_property
    def dataset(self) -> xr.Dataset:
        """The estimates: ``sensitivity.nc``."""
        file, made_of = self.folder / "sensitivity.nc", self.specs.of_estimates
        data = store.read_dataset(file, "sensitivity", made_of)
        return stated(data, self.run.findings.time)

    @functools.cached_property
    def batches(self) -> xr.Dataset:
        """Values and gradients of all samples and seeds; stored trajectories are in the files."""
        parts = [
            store.read_dataset(path, "batch", self.specs.batch(path.stem).identity)
            for path in self._batch_files()
        ]
        shared = set.intersection(*(set(map(str, part.data_vars)) for part in parts))
        together = xr.combine_by_coords(
            [part[sorted(shared)] for part in parts],
            data_vars="minimal",  # parameters are those of a sample, whatever the seeds
            coords="minimal",
            compat="equals",
            join="outer",
            combine_attrs="drop_conflicts",
        )
        assert isinstance(together, xr.Dataset)
        return together

    @functools.cached_property
    def checks(self) -> xr.Dataset | None:
        """The numerical checks, if the run has them."""
        held = store.read_given(self._checks_file(), "checks", self.specs.checks.identity)
        return stated(held, self.run.findings.time)

    @functools.cached_property
    def optimisation(self) -> xr.Dataset | None:
        """What came of the optimisation, if the run has one: ``optimisation.nc``."""
        return store.read_given(self._optimisation_file(), "optimisation")

    @functools.cached_property
    def findings(self) -> list[str]:
        """What a report finds, a sentence or two each."""
        found = report.findings_of(self.dataset)
        if self.optimisation is not None:
            found.append(f"Optimisation: {report.gained(self.optimisation)}")
        return found

    @functools.cached_property
    def tree(self) -> xr.DataTree:
        """All files of the run: ``design``, ``batches/<batch>``, ``sensitivity``, ...

        Batches are read from their files when their values are used; the others are in memory.
        """
        held = {
            "design": store.read_dataset(self.folder / "design.nc", "design", self.specs.of_design),
            "sensitivity": self.dataset,
            "checks": self.checks,
            "optimisation": self.optimisation,
        }
        batches = {
            f"batches/{path.stem}": store.lazy_dataset(
                path, "batch", self.specs.batch(path.stem).identity
            )
            for path in self._batch_files()
        }
        there = {name: data for name, data in held.items() if data is not None}
        return xr.DataTree.from_dict(there | batches, name=self.name)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Estimates as tables, one for each set of dimensions: ``tables["time-observable"]``."""
        return tables_of(self.dataset)

    def export(self, folder: str | Path, format: Format = "csv") -> list[Path]:
        """Write :attr:`tables`, one file each.

        Args:
            folder: Where to; it is made if need be.
            format: ``csv`` or ``parquet``, for which pyarrow must be installed.

        Returns:
            The files.

        Raises:
            JaxmorphError: The format is none, pyarrow is missing, or the folder cannot be written.
        """
        return write_tables(self.tables, Path(folder), format)

    def to_arviz(self) -> xr.DataTree:
        """The draws of the run as ArviZ reads them (``arviz.convert_to_inference_data``).

        Returns:
            ``prior``, the values of parameters, and ``prior_predictive``, the observables; chains are
            seeds, draws are samples.
        """
        batches = self.batches.rename(seed="chain", sample="draw")
        of = batches["value"].to_dataset("observable")
        parameters = batches["parameter_value"].to_dataset("parameter")
        prior = parameters.expand_dims(chain=batches["chain"])
        parts = {"prior": prior, "prior_predictive": of}
        return xr.DataTree.from_dict(
            {
                name: part.drop_vars([n for n in part.coords if n not in part.dims])
                .drop_attrs()
                .transpose("chain", "draw", ...)
                for name, part in parts.items()
            }
        )

    @property
    def plot(self) -> Plots:
        """Every figure of the run: ``analysis.plot.tornado()``."""
        return Plots(self)

    @property
    def films(self) -> Films:
        """The films of the run, made when they are asked for: ``analysis.films.corners()``."""
        return Films(self.name, self.specs, self.folder)

    def report(self, path: str | Path) -> Path:
        """Write the report: one file that needs no other, with the films that have been made.

        Args:
            path: The HTML file.
        """
        path = Path(path)
        files = str(self.folder / "sensitivity.nc"), self._checks_file(), self._optimisation_file()
        films = [str(film) for film in self.films.there]
        with tempfile.TemporaryDirectory(prefix="jaxmorph-") as pictures:
            made = Path(pictures)
            names, look = self.plot.names, self.run.figures
            draw_figures(names, *files, self.run.findings, made, look, self.specs)
            page = self.name, self.run, *files, films, str(path), made
            write_page(*page, alone=True, specs=self.specs)
        return path

    def _repr_html_(self) -> str:
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.findings)
        chart = next((name for name in _CHARTS if self.plot.shows(name)), None)
        picture = "" if chart is None else figures.as_svg(getattr(self.plot, chart)())
        return f"<div><ul>{lines}</ul>{picture}</div>"

    def __repr__(self) -> str:
        return "\n".join(self.findings)

    def _batch_files(self) -> list[Path]:
        named = (self.folder / "batches" / f"{batch}.nc" for batch in self.run.batches)
        return [path for path in named if path.is_file()]

    def _checks_file(self) -> str | None:
        path = self.folder / "checks.nc"
        return str(path) if self.run.checks.samples and path.is_file() else None

    def _optimisation_file(self) -> str | None:
        path = self.folder / "optimisation.nc"
        return str(path) if self.run.optimise is not None and path.is_file() else None


class Plots:
    """The figures of an analysis, each a function of its name that gives a Matplotlib figure.

    Its arguments are the keys of ``figures`` in a configuration: ``plot.tornado(width=89,
    names={"kT": {"symbol": "k_B T"}})``.
    """

    def __init__(self, analysis: Analysis):
        self._analysis = analysis
        run = analysis.run
        self.names = figures.figure_names(
            run.design.method,
            len(run.parameters),
            checks=analysis.checks is not None,
            optimise=analysis.optimisation is not None,
        )
        show_figures()

    def __getattr__(self, name: str) -> Callable[..., Figure]:
        if name.startswith("_") or name not in self.names:
            raise AttributeError(f"there is no figure {name}: choose one of {', '.join(self.names)}")
        of = self._analysis

        def plot(**how: Any) -> Figure:
            """The figure; ``how``: other values of the run's ``figures``, such as ``width=89``."""
            look = (
                of.run.figures
                if not how
                else looks_of(of.run, list(map(str, of.dataset["observable"].values)), how)
            )
            return figures.draw(name, of.dataset, of.checks, of.optimisation, look=look)[0]

        return plot

    def __dir__(self) -> list[str]:
        return [*self.names]

    def __repr__(self) -> str:
        return f"figures: {', '.join(f'{name}()' for name in self.names)}"

    def shows(self, name: str) -> bool:
        """Whether a figure has something to show."""
        return name in self.names and figures.nothing_because(name, self._analysis.dataset) is None


def looks_of(run: Run, observables: Sequence[str], how: Mapping[str, Any]) -> Look:
    """The look of a run's figures with other values for some of its keys.

    Raises:
        JaxmorphError: A key or a value is wrong.
    """
    look = changed_figures(run.figures, how)
    try:
        look.check_names(run.parameters, observables)
    except ValueError as error:
        raise JaxmorphError(str(error)) from None
    return look


def show_figures() -> None:
    """Have a notebook show the figures, which pyplot does not know of, as pictures."""
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()) is not None:
        svg = shell.display_formatter.formatters["image/svg+xml"]
        svg.for_type_by_name("matplotlib.figure", "Figure", figures.as_svg)


def open(folder: str | Path) -> Analysis:
    """The analysis of a run whose files are there, made by the workflow or by :func:`analyse`.

    Args:
        folder: ``results/<run>``.

    Raises:
        JaxmorphError: If there is no finished run.
    """
    check_folder(folder)
    folder = Path(folder)
    for name in ("design.json", "sensitivity.nc"):
        if not (folder / name).is_file():
            raise JaxmorphError(f"{folder}: has no {name}; name the folder of a run that has finished")
    return Analysis(folder, _run_of(folder), folder.absolute().name)


def check_folder(folder: object) -> None:
    """Raises JaxmorphError if this cannot be the folder of a run: no path, or below a file."""
    if not isinstance(folder, str | os.PathLike):
        raise JaxmorphError(
            f"folder = {folder!r}: must be a path, such as results/NAME".replace("\n", " ")
        )
    try:
        path = Path(folder).absolute()
        file = next((one for one in (path, *path.parents) if one.is_file()), None)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise JaxmorphError(f"folder = {str(folder)!r}: cannot be one: {why}") from None
    if file is not None:
        raise JaxmorphError(f"folder = {folder}: {file.name} is a file; name a folder")


def _run_of(folder: Path) -> Run:
    """The run, of the files that know its parts: no file of the workflow is made again for all of it."""
    if (folder / RECORD).is_file():
        return Run.from_plain(store.read_json(folder / RECORD))
    estimated = store.read_attributes(folder / "sensitivity.nc")
    plain = json.loads(str(estimated["configuration"]))
    if (folder / "provenance.json").is_file():
        whole = store.read_json(folder / "provenance.json")["configuration"]
        plain |= {name: whole[name] for name in HOW_SHOWN if name in whole}
    if (folder / "optimisation.nc").is_file():
        attributes = store.read_attributes(folder / "optimisation.nc")
        asked = json.loads(str(attributes["configuration"]))
        plain["optimise"] = {name: asked[name] for name in Optimise.model_fields if name in asked}
    return Run.from_plain(plain)
