"""Elasticities over time, one panel an observable, one line a parameter."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxmorph.figures import panels, style
from jaxmorph.figures.estimates import unsuited
from jaxmorph.figures.tables import interval, require, tidy
from jaxmorph.figures.tornado import CANCELS

_NAME = "elasticity_average"


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
        figure = panels.over_time(sensitivity, panel, "elasticity", panels.legend_height(styles))
        more = (panels.flag_handle(),) if panels.any_flag(sensitivity) else ()
        panels.parameter_legend(figure, styles, more)
    return figure, tidy(sensitivity.drop_vars("quantile", errors="ignore"),
                        (*interval(_NAME), *interval("gradient_average")))  # fmt: skip
