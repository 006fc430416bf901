"""Figures of several runs, drawn from a comparison alone: ``draw("means", comparison)``.

Each is a module with an ``ENTRY`` and ``draw``, as those of a run; ``nothing`` says why there is nothing
to draw.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ...errors import JaxmorphError
from ..entry import Entry

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

FIGURES = ("means", "mean_differences", "total_indices", "elasticities", "elasticity_differences")
"""Their names, in the order of the page."""


def entry(name: str) -> Entry:
    """What a figure says of itself."""
    found: Entry = _module(name).ENTRY
    return found


def nothing_because(name: str, comparison: xr.Dataset) -> str | None:
    """Why a comparison has nothing to draw in a figure; None if it has."""
    reason: str | None = _module(name).nothing(comparison)
    return reason


def draw(name: str, comparison: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Draw one of ``FIGURES``.

    Args:
        name: Of the figure.
        comparison: What several runs have in common, and their differences.

    Returns:
        The figure, and its data as a tidy table.

    Raises:
        JaxmorphError: There is no such figure, or there is nothing to draw.
    """
    if name not in FIGURES:
        raise JaxmorphError(f"there is no figure {name!r}: choose one of {', '.join(FIGURES)}")
    if (reason := nothing_because(name, comparison)) is not None:
        raise JaxmorphError(f"the figure {name} has nothing to show: it {reason}")
    drawn: tuple[Figure, pd.DataFrame] = _module(name).draw(comparison)
    return drawn


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}")
