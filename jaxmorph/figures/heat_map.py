"""Observable x parameter table of elasticities, coloured by sign and size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from . import panels, style
from .entry import Entry
from .estimates import no_elasticities, unsuited
from .numbers import uncertain_parts
from .tables import interval, require, tidy

ENTRY = Entry(
    place=20,
    title="The same numbers as a table",
    reading="Elasticity at {{ when }}"
    "{% if elasticity_average_low %} with half the width of its 95 % interval{% endif %}"
    ". Purple makes the observable larger in size, olive smaller"
    "{% if elasticity_average_low %}, grey fields cannot be told from zero{% endif %}"
    ". Colour grows as the square root; it may saturate (then its bar ends in arrows), the "
    "numbers do not."
    "{% if elasticity_average_low %} With many fields, about one in twenty intervals misses "
    "the truth by chance.{% endif %}",
    variables=("elasticity_average",),
)

_NAME = "elasticity_average"

nothing = no_elasticities


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``elasticity_average`` at the stated time, with half the width of its 95 % interval."""
    require(sensitivity, _NAME, "heat_map")
    data = style.final(sensitivity).transpose(..., "observable", "parameter")
    cancelling = unsuited(sensitivity)
    observables, parameters = style.names(data, "observable"), style.names(data, "parameter")
    with style.style():
        width = min(style.WIDTH, 2.6 + 0.8 * len(parameters))
        figure = style.new_figure(1.0 + 0.42 * len(observables), width=max(width, 3.8))
        ax = figure.subplots()
        ranked = data[_NAME].where(~cancelling)
        norm, clipped = _scale(ranked.transpose("observable", "parameter").values)
        for i in range(len(observables)):
            for j in range(len(parameters)):
                one = data.isel(observable=i, parameter=j)
                _entry(ax, one, i, j, norm, cancels=bool(cancelling[i]))
        for i in range(len(observables)):
            for flagged in np.flatnonzero(panels.flags(data.isel(observable=i))):
                ax.plot(flagged + 0.91, i + 0.17, **panels.FLAG)
        if panels.any_flag(data):
            figure.legend(handles=[panels.flag_handle()], loc="outside lower left", fontsize=7)
        ax.set_xlim(0, len(parameters))
        ax.set_ylim(len(observables), 0)
        upright = len(parameters) > 8
        wrap = 18 if upright else (9 if len(parameters) > 6 else 15)
        ax.set_xticks(
            np.arange(len(parameters)) + 0.5,
            [style.words(p, wrap) for p in parameters],
            rotation=90 if upright else 0,
        )
        ax.set_yticks(np.arange(len(observables)) + 0.5, [style.words(o, 18) for o in observables])
        ax.tick_params(length=0, labeltop=True, labelbottom=False)
        ax.spines[:].set_visible(False)
        bar = figure.colorbar(ScalarMappable(norm, style.DIVERGING), ax=ax, fraction=0.05, pad=0.02,
                              extend="both" if clipped else "neither")  # fmt: skip
        bar.set_label(f"elasticity at {style.time_text(data)}")
        bar.outline.set_visible(False)
    return figure, tidy(data.drop_vars("quantile", errors="ignore"), interval(_NAME))


def _scale(values: np.ndarray) -> tuple[Normalize, bool]:
    """Symmetric around 0, by the signed square root, so that small and large are told apart.

    One huge row saturates all the same, lest it take the colour from all others.
    """
    size = np.where(np.isfinite(values), np.abs(values), 0.0)
    rows = size.max(axis=1)
    largest = float(rows.max())
    limit = min(largest, 30 * float(np.median(rows[rows > 0]))) if largest > 0 else 1.0
    root = (lambda x: np.sign(x) * np.sqrt(np.abs(x)), lambda x: np.sign(x) * x**2)
    return FuncNorm(root, -limit, limit), largest > limit


def _entry(ax: Axes, one: xr.Dataset, i: int, j: int, norm: Normalize, cancels: bool) -> None:
    value = float(one[_NAME])
    _, low, high = interval(_NAME)
    half, sure = None, True
    if low in one:
        ends = float(one[low]), float(one[high])
        half, sure = (ends[1] - ends[0]) / 2, ends[0] > 0 or ends[1] < 0
    if cancels or not np.isfinite(value) or value == 0:
        sure = False
    face = style.DIVERGING(norm(value)) if sure else "#F0F0F0"
    ax.add_patch(Rectangle((j, i), 1, 1, facecolor=face, edgecolor="white", linewidth=1.2))
    colour = style.ink(face) if sure else style.GREY
    number, around = ("n/d", "") if not np.isfinite(value) else uncertain_parts(value, half)
    text = f"{number}\n±{around}" if around else number
    if cancels and np.isfinite(value):
        text = "sign\nchanges"
    ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=colour, fontsize=7,
            linespacing=1.05)  # fmt: skip
