"""Total Sobol indices of all runs beside each other."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from ..entry import Entry
from .beside import beside

_NAME = "sobol_total"
ENTRY = Entry(
    place=30,
    title="Which parameters matter in each run",
    reading="Total Sobol indices at the last time: the share of an observable's variance over the "
    "design, without noise, in which a parameter is involved{% if sobol_total_low %}; whiskers are 95 % "
    "intervals of each run by itself{% endif %}. It is a share of the variance of that run: where "
    "ranges or settings differ, the variance does, too.",
    variables=(_NAME,),
    source="comparison.nc",
)


def nothing(comparison: xr.Dataset) -> str | None:
    """Why there is nothing to draw; None if there is."""
    if _NAME not in comparison or bool(comparison[_NAME].isnull().all()):
        return "needs total Sobol indices of every run"
    return None


def draw(comparison: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``sobol_total`` at the last time."""
    return beside(comparison, _NAME)
