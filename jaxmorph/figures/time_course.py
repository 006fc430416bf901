"""Elasticities over time, one panel an observable, one line a parameter."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import panels, style
from .entry import Entry
from .estimates import no_elasticities, one_time, unsuited
from .tables import interval, require, tidy
from .tornado import CANCELS

ENTRY = Entry(
    place=60,
    title="When each parameter matters",
    reading="Elasticity against model time, one line a parameter"
    "{% if elasticity_average_low %}; bands are 95 % intervals"
    "{% if elasticity_average_se_samples %} {{ over }}{% else %}, over seeds, of averages "
    "over these very samples{% endif %}. A band that contains zero says that the effect is not "
    "established at that time{% endif %}"
    ". The CSV also holds the gradients themselves.",
    variables=(
        "elasticity_average",
        "gradient_average",
    ),
    part="depth",
)

_NAME = "elasticity_average"


def nothing(sensitivity: xr.Dataset) -> str | None:
    """Why there is nothing to draw; None if there is."""
    return one_time(sensitivity) or no_elasticities(sensitivity)


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``elasticity_average`` with its 95 % band against time."""
    require(sensitivity, _NAME, "time_course")
    cancelling = unsuited(sensitivity)
    styles = style.line_styles(style.names(sensitivity, "parameter"))

    def panel(ax: Axes, one: xr.Dataset) -> None:
        if bool(cancelling.sel(observable=one["observable"].item())):
            style.say(ax, CANCELS)
            ax.set_yticks([])
            return
        ax.axhline(0, color=style.GREY, lw=0.6)
        panels.curves(ax, one, _NAME, styles, panels.flags(one))

    with style.style():
        named = panels.in_front(sensitivity, _NAME, styles)
        figure = panels.over_time(sensitivity, panel, "elasticity", panels.legend_height(named))
        more = (panels.flag_handle(),) if panels.any_flag(sensitivity) else ()
        panels.parameter_legend(figure, named, (*panels.others(sensitivity), *more))
    return figure, tidy(sensitivity.drop_vars("quantile", errors="ignore"),
                        (*interval(_NAME), *interval("gradient_average")))  # fmt: skip
