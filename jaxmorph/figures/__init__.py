"""Figures of a run, each drawn from datasets alone and saved with its data.

figure, data = draw("tornado", sensitivity)
save_figure(figure, data, "results/notebook/figures/tornado")
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from jaxmorph.errors import JaxmorphError
from jaxmorph.figures.catalogue import CATALOGUE, figure_names

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["CATALOGUE", "bias", "draw", "figure_names", "module_of", "nothing_because", "save_figure"]


def draw(
    name: str,
    sensitivity: xr.Dataset | None = None,
    checks: xr.Dataset | None = None,
    optimisation: xr.Dataset | None = None,
) -> tuple[Figure, pd.DataFrame]:
    """Draw one figure of ``CATALOGUE``.

    Args:
        name: a key of ``CATALOGUE``.
        sensitivity: a ``sensitivity.nc``; the figures of an optimisation do without.
        checks: a ``checks.nc``; ``numerical_checks`` needs it, ``gradient_trust`` shows more with it.
        optimisation: an ``optimisation.nc``; only the figures of an optimisation need it.

    Returns:
        The figure, and its data as a tidy table.

    Raises:
        JaxmorphError: there is no such figure, or the dataset lacks what it needs.
    """
    if name not in CATALOGUE:
        raise JaxmorphError(f"there is no figure {name!r}: choose one of {', '.join(CATALOGUE)}")
    entry = CATALOGUE[name]
    of_optimisation = entry.source == "optimisation.nc"
    data = _given(
        name,
        *(("optimisation.nc", optimisation) if of_optimisation else ("sensitivity.nc", sensitivity)),
    )
    if (reason := nothing_because(name, data)) is not None:
        from jaxmorph.figures import nothing

        return nothing.draw(entry.title, reason)
    module = importlib.import_module(module_of(name))
    if entry.source == "checks.nc":
        return module.draw(_given(name, "checks.nc", checks))
    more = (checks,) if entry.source == "sensitivity.nc, checks.nc" else ()
    figure, table = module.draw(data, *more)
    if said := bias(name, data):
        from jaxmorph.figures.style import footed

        footed(figure, said)
    return figure, table


def bias(name: str, data: xr.Dataset) -> str:
    """What has to be said of the bias of the gradients that a figure shows; empty if nothing.

    ``data`` is what the figure is drawn from.
    """
    shows = any(variable in data for variable in CATALOGUE[name].of_gradients)
    return str(data.attrs.get("gradient_bias", "")) if shows else ""


def module_of(name: str) -> str:
    """The module that draws a figure of ``CATALOGUE``."""
    return f"jaxmorph.figures.{name.replace('optimisation_', 'optimisation.', 1)}"


def _given(name: str, file: str, dataset: xr.Dataset | None) -> xr.Dataset:
    if dataset is None:
        raise JaxmorphError(f"the figure {name} is drawn from {file}, which was not given")
    return dataset


def nothing_because(name: str, data: xr.Dataset) -> str | None:
    """Why a run has nothing to draw in a figure (no noise, too few seeds); None if it has.

    ``data`` is the ``sensitivity.nc``, for the figures of an optimisation the ``optimisation.nc``.
    """
    entry = CATALOGUE[name]
    if entry.source == "optimisation.nc":
        has = not entry.needs or any(variable in data for variable in entry.needs)
        return None if has and data.sizes.get("optimum", 1) else entry.otherwise or None
    return _nothing_of_sensitivity(name, data)


def _nothing_of_sensitivity(name: str, sensitivity: xr.Dataset) -> str | None:
    from jaxmorph.figures.estimates import unsuited

    entry = CATALOGUE[name]
    if name in ("time_course", "sensitivity_over_time") and sensitivity.sizes["time"] < 2:
        return "needs two or more recorded times"
    if name == "seed_spread" and sensitivity.sizes.get("seed", 1) < 2:
        return "needs two or more seeds"
    if name in ("tornado", "heat_map", "time_course") and unsuited(sensitivity).all():
        return "needs parameters and observables that keep their sign over the design"
    cancels = bool(unsuited(sensitivity).all())
    has = [v for v in entry.needs if not (cancels and v.startswith("elasticity_average"))]
    if not entry.needs or any(variable in sensitivity for variable in has):
        return None
    return entry.otherwise


def save_figure(figure: Figure, data: pd.DataFrame, stem: str | os.PathLike[str]) -> list[Path]:
    """Write ``stem.svg``, ``stem.pdf`` and ``stem.csv``; see ``jaxmorph.figures.save``."""
    from jaxmorph.figures.save import save_figure as save

    return save(figure, data, stem)
