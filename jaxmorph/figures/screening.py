"""Morris screening: the size of elementary effects against their spread, one panel an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import few, panels, style
from .entry import Entry
from .tables import interval, tidy

ENTRY = Entry(
    place=40,
    title="Morris screening: how large, how linear",
    reading="A dot is one parameter at {{ when }}. To the right: it matters (the mean size of "
    "its elementary effects). Upwards: its effect depends on the point of parameter space, "
    "so it is curved or works together with other parameters. Below the lower line (a "
    "tenth) an effect is nearly the same everywhere, above the upper one (equality) it "
    "often changes sign or size. "
    "{% if morris_mu_star_low %} Whiskers are 95 % intervals over trajectories"
    "{% if morris_mu_star_se_seeds %} and seeds{% endif %}.{% endif %}",
    variables=(
        "morris_mu_star",
        "morris_sigma",
        "morris_mu",
    ),
    needs=("morris_mu_star",),
    design="morris",
)

_X, _Y = "morris_mu_star", "morris_sigma"
_MARKERS = "osD^v<>Phdp*"


def shown(sensitivity: xr.Dataset) -> list[str]:
    """Both axes with their intervals; the table has the mean effect, too."""
    return [n for n in (*interval(_X), *interval(_Y), "morris_mu") if n in sensitivity]


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``morris_sigma`` against ``morris_mu_star`` at the stated time."""
    names = shown(sensitivity)
    data = style.final(sensitivity[names])
    observables, parameters = few.observables(data), style.names(data, "parameter")
    looks = {
        name: {"color": style.PALETTE[i % len(style.PALETTE)], "marker": _MARKERS[i % len(_MARKERS)]}
        for i, name in enumerate(parameters)
    }
    with style.style():
        n_columns = style.columns(len(observables), 55)
        n_rows = -(-len(observables) // n_columns)
        figure = style.new_figure(
            2.2 * n_rows + 0.5 + 0.17 * (len(parameters) // 5),
            width=max(3.6, 2.4 * n_columns),
        )
        grid = figure.subplots(n_rows, n_columns, squeeze=False)
        for ax, observable in zip(grid.flat, observables, strict=False):
            _panel(ax, data.sel(observable=observable), looks)
            ax.set_title(style.label(sensitivity, "observable", observable, 26))
        for ax in grid.flat[len(observables) :]:
            ax.remove()
        style.below(
            figure,
            f"mean size of the effect (\N{GREEK SMALL LETTER MU}*) at {style.time_text(data)}",
        )
        style.first_of_many(figure, data)
        figure.supylabel("spread of the effect over parameter space (\N{GREEK SMALL LETTER SIGMA})")
        handles: list[Patch | Line2D] = [
            Line2D([], [], ls="", ms=4.5, mew=0, label=style.short_name(p), **look)  # type: ignore[arg-type]
            for p, look in looks.items()
        ]
        panels.key(figure, handles)
    return figure, tidy(data, names)


def _panel(ax: Axes, one: xr.Dataset, looks: dict[str, dict[str, str]]) -> None:
    wide, high = _largest(one, _X), _largest(one, _Y)
    if wide <= 0:
        style.empty(ax, "no parameter has an effect")
        return
    limits = 1.12 * wide, 1.12 * max(high, 0.25 * wide)
    for slope in (0.1, 1.0):
        ax.plot([0, limits[0]], [0, slope * limits[0]], color=style.LIGHT_GREY, lw=1, zorder=0)
    for parameter, look in looks.items():
        at = one.sel(parameter=parameter)
        x, y = float(at[_X]), float(at[_Y]) if _Y in at else np.nan
        for name, limit, along_x in ((_X, limits[0], True), (_Y, limits[1], False)):
            _, lower, upper = interval(name)
            if lower in at:
                ends = [float(np.clip(at[end], 0, limit)) for end in (lower, upper)]
                path = (ends, [y, y]) if along_x else ([x, x], ends)
                ax.plot(*path, color=look["color"], lw=0.8, alpha=0.7)
        ax.plot(x, y, ms=5, mew=0, ls="", zorder=3, clip_on=False, **look)  # type: ignore[arg-type]
    ax.set(xlim=(-0.02 * limits[0], limits[0]), ylim=(-0.02 * limits[1], limits[1]))
    for axis in "xy":
        style.few_ticks(ax, axis, 3)


def _largest(one: xr.Dataset, name: str) -> float:
    """Largest finite end of an interval, or value where there is no interval; 0 if there is none."""
    found = [one[n].values for n in (name, f"{name}_high") if n in one]
    return max((float(v[np.isfinite(v)].max(initial=0.0)) for v in found), default=0.0)
