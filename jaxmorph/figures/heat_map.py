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
    parts = list(style.blocks(style.names(data, "parameter"), _cells_in_a_row()))
    n = len(parts[0])
    with style.style():
        height = len(parts) * (0.55 + 0.42 * data.sizes["observable"]) + 0.45
        figure = style.new_figure(height, width=max(2.6 + 0.8 * n, 3.8))
        grid = figure.subplots(len(parts), 1, squeeze=False)[:, 0].tolist()
        ranked = data[_NAME].where(~cancelling)
        norm, clipped = _scale(ranked.transpose("observable", "parameter").values)
        for ax, part in zip(grid, parts, strict=True):
            _block(ax, data.sel(parameter=list(part)), norm, cancelling.values, n)
        if panels.any_flag(data):
            figure.legend(
                handles=[panels.flag_handle()], loc="outside lower left", fontsize=style.size(-0.5)
            )
        bar = figure.colorbar(ScalarMappable(norm, style.DIVERGING), ax=grid, fraction=0.05, pad=0.02,
                              extend="both" if clipped else "neither")  # fmt: skip
        bar.set_label(f"elasticity at {style.time_text(data)}")
        bar.outline.set_visible(False)
    return figure, tidy(data.drop_vars("quantile", errors="ignore"), interval(_NAME))


def _cells_in_a_row() -> int:
    """Beside names of observables and the bar of colours."""
    return style.columns(100, 9.5, most=100, beside=48)


def _block(ax: Axes, data: xr.Dataset, norm: Normalize, cancelling: np.ndarray, n: int) -> None:
    """The rows of all observables for some parameters, in columns for ``n``."""
    observables, parameters = style.names(data, "observable"), style.names(data, "parameter")
    for i in range(len(observables)):
        for j in range(len(parameters)):
            one = data.isel(observable=i, parameter=j)
            _entry(ax, one, i, j, norm, cancels=bool(cancelling[i]))
    for i in range(len(observables)):
        for flagged in np.flatnonzero(panels.flags(data.isel(observable=i))):
            ax.plot(flagged + 0.91, i + 0.17, **panels.FLAG)
    ax.set_xlim(0, n)
    ax.set_ylim(len(observables), 0)
    upright = n > 8
    wrap = 18 if upright else style.characters((style.width_mm() - 48) / n - 1, -0.5)
    ax.set_xticks(
        np.arange(len(parameters)) + 0.5,
        [style.short_name(p, wrap) for p in parameters],
        rotation=90 if upright else 0,
    )
    ax.set_yticks(np.arange(len(observables)) + 0.5, [style.short_name(o, 18) for o in observables])
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)


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
    ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=colour, fontsize=style.size(-0.5),
            linespacing=1.05)  # fmt: skip
