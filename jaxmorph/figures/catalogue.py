"""Which figures and films there are. Importing this does not import matplotlib.

A figure is a module of this folder that declares an ``ENTRY`` and has ``draw``; it is found there.
"""

from __future__ import annotations

import pkgutil
from pathlib import Path

from .. import figures
from .entry import Entry, read_entry

_OPTIMISATION = "optimisation"
OF_OPTIMISATION = "optimisation.nc"


def _found() -> dict[str, Entry]:
    """Entries by the names of their files, in the order of the report."""
    entries: dict[str, Entry] = {}
    for folder in map(Path, figures.__path__):
        for prefix, place in (("", folder), (f"{_OPTIMISATION}_", folder / _OPTIMISATION)):
            for module in pkgutil.iter_modules([str(place)]):
                path = place / f"{module.name}.py"
                if not module.ispkg and (entry := read_entry(path)) is not None:
                    entries[f"{prefix}{module.name}"] = entry
    return dict(sorted(entries.items(), key=lambda item: item[1].place))


CATALOGUE: dict[str, Entry] = _found()
"""The figures, in the order of the report."""

ANIMATIONS: dict[str, Entry] = {
    "cells": Entry(
        place=10,
        title="One simulation over time",
        reading="Cells to scale, coloured by type or as configured, up to 50 in the plane with a line "
        "through where each was lately; between recorded times they are interpolated. Beside them: an "
        "observable of these cells and of all seeds of the sample, and its mean derivatives with 95 % "
        "intervals. A study without cells shows its observables instead, one line a seed.",
        variables=("position", "radius", "celltype", "value"),
        source="batches/",
    ),
    "corners": Entry(
        place=20,
        title="The corners of parameter space",
        reading="The same seed at the corners of parameter space: what differs is due to the "
        "parameters, whose values are in the titles. The course beside them is that of the panel with "
        "the same letter. A study without cells shows its observables, one line a corner.",
        variables=("position", "radius", "celltype", "value", "parameter_value"),
        source="corners.nc",
    ),
    "optimisation": Entry(
        place=30,
        title="Before and after",
        reading="The best start, with the parameters that it began with and those that it ended with: "
        "the same seed, scale and times. Titles give the parameters' values; the course beside them is "
        "that of the panel with the same letter. A study without cells shows its observables, one line "
        "each.",
        variables=("position", "radius", "celltype", "value", "parameter_value"),
        source="optimisation_cells.nc",
        part=_OPTIMISATION,
    ),
}
"""The films of a run, in the order of the report."""


def figure_names(
    design_method: str, n_parameters: int, checks: bool = True, optimise: bool = False
) -> list[str]:
    """The figures that a run can have, in the order of the report.

    This is known from the configuration alone. What only the data can tell (no noise, too few seeds)
    leaves a figure that says why it is empty.

    Args:
        design_method: Some figures belong to one method.
        n_parameters: number of varied parameters.
        checks: whether the run compares its gradients with finite differences.
        optimise: whether the run optimises its parameters.
    """
    files = {"checks.nc": checks, OF_OPTIMISATION: optimise}
    return [
        name
        for name, entry in CATALOGUE.items()
        if files.get(entry.source, True)
        and entry.design in ("", design_method)
        and entry.n_parameters in (0, n_parameters)
    ]
