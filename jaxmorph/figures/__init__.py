"""Figures of a run, each drawn from datasets alone and saved with its data.

figure, data = draw("tornado", sensitivity)
save_figure(figure, data, "results/notebook/figures/tornado")
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..configuration.look import Figures as Look
from ..errors import JaxmorphError
from .catalogue import CATALOGUE, OF_OPTIMISATION, figure_names
from .chosen import chosen
from .look import look as current
from .look import looking

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = [
    "CATALOGUE",
    "Caption",
    "as_svg",
    "bias",
    "caption",
    "draw",
    "figure_names",
    "looking",
    "module_of",
    "nothing_because",
    "save_figure",
    "sources",
]


def draw(
    name: str,
    sensitivity: xr.Dataset | None = None,
    checks: xr.Dataset | None = None,
    optimisation: xr.Dataset | None = None,
    *,
    look: Look | None = None,
) -> tuple[Figure, pd.DataFrame]:
    """Draw one figure of ``CATALOGUE``.

    Args:
        name: a key of ``CATALOGUE``.
        sensitivity: a ``sensitivity.nc``; the figures of an optimisation do without.
        checks: a ``checks.nc``; ``numerical_checks`` needs it, ``gradient_trust`` shows more with it.
        optimisation: an ``optimisation.nc``; only the figures of an optimisation need it.
        look: width, type, names, and what of the data is shown; default: what :func:`looking` says.

    Returns:
        The figure, and its data as a tidy table.

    Raises:
        JaxmorphError: there is no such figure, or the dataset lacks what it needs.
    """
    if name not in CATALOGUE:
        raise JaxmorphError(f"there is no figure {name!r}: choose one of {', '.join(CATALOGUE)}")
    entry = CATALOGUE[name]
    file = entry.source.split(", ")[0]
    given = {"sensitivity.nc": sensitivity, "checks.nc": checks, OF_OPTIMISATION: optimisation}
    data = _given(name, file, given[file])
    with looking(look, [str(p) for p in data["parameter"].values]):
        if file != OF_OPTIMISATION:
            data = chosen(data, current(), all_parameters=entry.n_parameters > 0)
        if (reason := nothing_because(name, data)) is not None:
            from . import nothing

            return nothing.draw(entry.title, reason)
        module = importlib.import_module(module_of(name))
        more = (checks,) if entry.source == "sensitivity.nc, checks.nc" else ()
        figure, table = module.draw(data, *more)
        _finish(figure, bias(name, data))
    return figure, table


def _finish(figure: Figure, said: str) -> None:
    """What all figures have in common, once their panels are drawn."""
    from . import style

    if said:
        style.footed(figure, said)
    with style.style():
        if current().panel_letters:
            style.lettered(figure)
    for ax in figure.axes:
        # Ticks that are made later, when the figure is rendered, have the type of this figure, too.
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_tick_params(labelsize=style.size(-0.5))


def bias(name: str, data: xr.Dataset) -> str:
    """What has to be said of the bias of the gradients that a figure shows; empty if nothing.

    ``data`` is what the figure is drawn from. Of the checks, only lines have the run's own gradients.
    """
    entry = CATALOGUE[name]
    if entry.source == "checks.nc":
        told = (data[v].attrs.get("gradient_bias", "") for v in entry.variables if v in data)
        return next((str(said) for said in told if said), "")
    shown = _sources(name, [data])
    made = any(data[variable].attrs.get("from_gradients") for variable in shown)
    return str(data.attrs.get("gradient_bias", "")) if made else ""


@dataclass(frozen=True)
class Caption:
    """What is said of a figure beside it.

    Attributes:
        title: Its heading.
        reading: How to read it.
        bias: What has to be said of the bias of its gradients, a sentence; empty if nothing.
    """

    title: str
    reading: str
    bias: str


def caption(
    name: str,
    sensitivity: xr.Dataset | None = None,
    checks: xr.Dataset | None = None,
    optimisation: xr.Dataset | None = None,
) -> Caption:
    """The caption of a figure of a run that has these files."""
    from .stated import when

    entry, files = CATALOGUE[name], _by_file(sensitivity, checks, optimisation)
    has = {
        str(name)
        for data in files.values()
        for name in data.variables
        if str(name) not in entry.reading or _has_numbers(data[name])
    }
    drawn = files.get(entry.source.split(", ")[0])
    said = bias(name, drawn) if drawn is not None else ""
    timed = next((data for data in files.values() if "time" in data.dims), None)
    told = entry.told(has) if timed is None else entry.told(has, when(timed))
    return Caption(entry.title, told, f"{said}." if said else "")


def sources(
    name: str,
    sensitivity: xr.Dataset | None = None,
    checks: xr.Dataset | None = None,
    optimisation: xr.Dataset | None = None,
) -> list[str]:
    """The variables that a figure shows of the files that it is drawn from.

    They are those that its entry names, as far as the files have them. A figure that chooses among
    these has a function ``shown``, which tells what it draws of a dataset.
    """
    files = _by_file(sensitivity, checks, optimisation)
    return _sources(name, [files[file] for file in CATALOGUE[name].source.split(", ") if file in files])


def _by_file(
    sensitivity: xr.Dataset | None, checks: xr.Dataset | None, optimisation: xr.Dataset | None
) -> dict[str, xr.Dataset]:
    """What is there, by the names that ``Entry.source`` has for it."""
    files = {"sensitivity.nc": sensitivity, "checks.nc": checks, OF_OPTIMISATION: optimisation}
    return {name: dataset for name, dataset in files.items() if dataset is not None}


def _sources(name: str, given: list[xr.Dataset]) -> list[str]:
    shown = getattr(importlib.import_module(module_of(name)), "shown", None)
    if shown is not None:
        return list(map(str, shown(given[0])))
    return CATALOGUE[name].sources(str(variable) for data in given for variable in data.variables)


def module_of(name: str) -> str:
    """The module that draws a figure of ``CATALOGUE``."""
    return f"jaxmorph.figures.{name.replace('optimisation_', 'optimisation.', 1)}"


def _given(name: str, file: str, dataset: xr.Dataset | None) -> xr.Dataset:
    if dataset is None:
        raise JaxmorphError(f"the figure {name} is drawn from {file}, which was not given")
    return dataset


def nothing_because(name: str, data: xr.Dataset) -> str | None:
    """Why a run has nothing to draw in a figure (no noise, too few seeds); None if it has.

    What the figure's entry ``needs`` may be absent, and its module may have a function ``nothing`` that
    looks further. ``data`` is the file that the figure is drawn from, the first if these are several.
    """
    entry = CATALOGUE[name]
    if entry.source == OF_OPTIMISATION and not data.sizes.get("optimum", 1):
        return entry.otherwise or None
    from ..quantities import absent

    if not any(variable in data for variable in entry.variables):
        why = absent(data)
        named = (*reversed(entry.needs), *entry.variables)
        if reason := next((why[variable] for variable in named if variable in why), None):
            return reason
    nothing = getattr(importlib.import_module(module_of(name)), "nothing", None)
    if nothing is not None and (reason := nothing(data)):
        return reason
    there = [str(name) for name in data.variables if not entry.lacks([str(name)])]
    if not entry.needs or any(_has_numbers(data[name]) for name in there):
        return None
    missing = "needs a finite number, and here is none" if there else entry.otherwise
    return missing or absent(data).get(entry.needs[-1], "the data do not give it")


def _has_numbers(variable: xr.DataArray) -> bool:
    return variable.dtype.kind != "f" or not bool(variable.isnull().all())


def as_svg(figure: Figure) -> str:
    """The figure as the text of an SVG, to be shown in a page."""
    from .save import render

    text = render(figure, "svg").decode()
    return text[text.index("<svg") :]


def save_figure(figure: Figure, data: pd.DataFrame, stem: str | os.PathLike[str]) -> list[Path]:
    """Write ``stem.svg``, ``stem.pdf``, ``stem.csv`` and other formats that were asked for."""
    from .save import save_figure as save

    return save(figure, data, stem, current().endings)
