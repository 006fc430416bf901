"""Elasticities of all runs beside each other."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from ..entry import Entry
from .beside import beside

_NAME = "elasticity_average"
ENTRY = Entry(
    place=40,
    title="What each parameter does in each run",
    reading="Elasticities at the last time: the percentage by which an observable changes when a "
    "parameter grows by 1 %{% if elasticity_average_low %}; whiskers are 95 % intervals of each run by "
    "itself{% endif %}.",
    variables=(_NAME,),
    source="comparison.nc",
)


def unsuited(comparison: xr.Dataset) -> xr.DataArray:
    """Observables whose elasticities say nothing in one of the runs (observable)."""
    return comparison["elasticity_unsuited"].any("run")


def nothing(comparison: xr.Dataset) -> str | None:
    """Why there is nothing to draw; None if there is."""
    if _NAME not in comparison or bool(unsuited(comparison).all()):
        return (
            "needs parameters and observables that keep their sign over the design of every run, and "
            "gradients that miss nothing"
        )
    return None


def draw(comparison: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``elasticity_average`` at the last time."""
    return beside(comparison, _NAME, unsuited(comparison))
