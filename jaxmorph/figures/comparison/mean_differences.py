"""How much the means of other runs differ from the first, against time."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import panels, style
from ..entry import Entry
from ..tables import interval, tidy
from .looks import as_lines, looks

_NAME = "value_average_difference"
ENTRY = Entry(
    place=20,
    title="Differences of the observables",
    reading="The mean of another run minus that of the first, against model time"
    "{% if value_average_difference_low %}; bands are 95 % intervals of the difference. A band that "
    "contains zero says that the difference is not established at that time{% endif %}. The CSV also "
    "holds the differences as shares of the first mean.",
    variables=(_NAME, "value_average_relative_difference"),
    source="comparison.nc",
)


def nothing(comparison: xr.Dataset) -> str | None:
    """There are always means."""
    return None


def draw(comparison: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``value_average_difference`` with its band."""
    others = style.names(comparison, "other")
    styles = {name: look for name, look in looks(comparison).items() if name in others}
    lines = as_lines(comparison, "other", list(interval(_NAME)))

    def panel(ax: Axes, one: xr.Dataset) -> None:
        ax.axhline(0, color="black", lw=0.6)
        panels.curves(ax, one, _NAME, styles)
        unit = style.unit_of(comparison, "observable", str(one["observable"].item()))
        ax.set_ylabel("" if unit in ("", "1") else unit)

    first = style.names(comparison, "run")[0]
    with style.style():
        label = f"difference from {first}"
        figure = panels.over_time(lines, panel, label, panels.legend_height(styles))
        panels.parameter_legend(figure, styles)
    return figure, tidy(comparison, (*interval(_NAME), *interval(ENTRY.variables[1])))
