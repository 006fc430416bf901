"""How much elasticities of other runs differ from those of the first, against time."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import panels, style
from ..entry import Entry
from ..tables import interval, tidy
from ..tornado import CANCELS
from . import elasticities

_NAME = "elasticity_average_difference"
ENTRY = Entry(
    place=50,
    title="Differences of the elasticities",
    reading="The elasticity of another run minus that of the first, against model time, one line a "
    "parameter{% if elasticity_average_difference_low %}; bands are 95 % intervals of the "
    "difference{% endif %}.",
    variables=(_NAME,),
    source="comparison.nc",
)


def nothing(comparison: xr.Dataset) -> str | None:
    """Why there is nothing to draw; None if there is."""
    return elasticities.nothing(comparison)


def draw(comparison: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``elasticity_average_difference``, of each other run in panels of its own."""
    cancelling = elasticities.unsuited(comparison)
    styles = style.line_styles(style.names(comparison, "parameter"))
    first, others = style.names(comparison, "run")[0], style.names(comparison, "other")
    several = len(others) > 1
    parts = [comparison[list(_known(comparison))].sel(other=other, drop=True) for other in others]
    if several:  # a panel an observable and run
        parts = [
            part.assign_coords(observable=[f"{o}: {other}" for o in part["observable"].values])
            for part, other in zip(parts, others, strict=True)
        ]
    data = xr.concat(parts, "observable", data_vars="all", coords="minimal", compat="override")

    def panel(ax: Axes, one: xr.Dataset) -> None:
        name = str(one["observable"].item())
        observable = name.rpartition(": ")[0] if several else name
        if bool(cancelling.sel(observable=observable)):
            style.say(ax, CANCELS)
            ax.set_yticks([])
            return
        ax.axhline(0, color=style.GREY, lw=0.6)
        panels.curves(ax, one, _NAME, styles)

    with style.style():
        label = f"elasticity minus that of {first}"
        named = panels.in_front(data, _NAME, styles)
        figure = panels.over_time(data, panel, label, panels.legend_height(named))
        panels.parameter_legend(figure, named, panels.others(data))
    return figure, tidy(comparison, interval(_NAME))


def _known(comparison: xr.Dataset) -> list[str]:
    return [name for name in interval(_NAME) if name in comparison]
