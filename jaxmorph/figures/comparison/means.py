"""Means of the observables against time, one line a run."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import panels, style
from ..entry import Entry
from ..tables import interval, tidy
from .looks import as_lines, looks

_NAME = "value_average"
ENTRY = Entry(
    place=10,
    title="The observables of each run",
    reading="Averages over the design and the noise, one line a run"
    "{% if value_average_low %}; bands are 95 % intervals of each run by itself, which may overlap "
    "where the difference is told from zero{% endif %}.",
    variables=(_NAME,),
    source="comparison.nc",
)


def nothing(comparison: xr.Dataset) -> str | None:
    """There are always means."""
    return None


def draw(comparison: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``value_average`` with its band."""
    styles = looks(comparison)
    lines = as_lines(comparison, "run", list(interval(_NAME)))

    def panel(ax: Axes, one: xr.Dataset) -> None:
        panels.curves(ax, one, _NAME, styles)
        unit = style.unit_of(comparison, "observable", str(one["observable"].item()))
        ax.set_ylabel("" if unit in ("", "1") else unit)

    with style.style():
        figure = panels.over_time(lines, panel, "mean", panels.legend_height(styles))
        panels.parameter_legend(figure, styles)
    return figure, tidy(comparison, interval(_NAME))
