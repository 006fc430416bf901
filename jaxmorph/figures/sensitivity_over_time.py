"""The leading global measure over time, one panel an observable, one line a parameter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxmorph.figures import panels, style
from jaxmorph.figures.estimates import leading
from jaxmorph.figures.tables import interval, tidy


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Total Sobol index, or its bound, or the activity score, with its 95 % band against time."""
    estimate = leading(sensitivity)
    assert estimate is not None, "the catalogue says what this figure needs"
    styles = style.line_styles(style.names(sensitivity, "parameter"))

    def panel(ax: Axes, one: xr.Dataset) -> None:
        value = one[estimate.name].values
        if not np.isfinite(value).any():
            style.say(ax, "its variance cannot\nbe told from zero")
            ax.set_yticks([])
            return
        ax.axhline(0, color=style.GREY, lw=0.6)
        flagged = panels.flags(one) if estimate.gradient else None
        panels.curves(ax, one, estimate.name, styles, flagged)
        if estimate.share:
            ax.axhline(1, color=style.GREY, lw=0.6, ls=":")
            ax.set_ylim(-0.04, 1.12)
            if np.isfinite(value[-1]).all() and value[-1].min() > 1.12:
                style.say(ax, "every bound is above 1:\nthey say nothing")

    with style.style():
        head = panels.legend_height(styles)
        figure = panels.over_time(sensitivity, panel, style.words(estimate.label, 24), head)
        flagged = estimate.gradient and panels.any_flag(sensitivity)
        panels.parameter_legend(figure, styles, (panels.flag_handle(),) if flagged else ())
    return figure, tidy(sensitivity, interval(estimate.name))
