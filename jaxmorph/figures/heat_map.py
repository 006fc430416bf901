"""Observable x parameter table of elasticities, coloured by sign and size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import FuncNorm, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from . import panels, style
from .entry import Entry
from .estimates import FLAGS, no_elasticities, unsuited
from .numbers import uncertain_parts
from .tables import interval, require, tidy

ENTRY = Entry(
    place=20,
    title="The same numbers as a table",
    reading="Elasticity at {{ when }}"
    "{% if elasticity_average_low %} with half the width of its 95 % interval{% endif %}, "
    "in numbers where fields have room for them. Purple makes the observable larger in size, olive "
    "smaller{% if elasticity_average_low %}, grey fields cannot be told from zero; of many, about one "
    "in twenty intervals misses the truth by chance{% endif %}. Colour grows as the square root, and "
    "saturates where its bar ends in arrows.",
    variables=("elasticity_average",),
)

_NAME = "elasticity_average"
_NOT_TOLD = "#F0F0F0"
_MOST_WRITTEN = 144
"""Fields that have their number in them."""

nothing = no_elasticities


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``elasticity_average`` at the stated time, with half the width of its 95 % interval."""
    require(sensitivity, _NAME, "heat_map")
    found = style.final(sensitivity)
    cancelling = unsuited(sensitivity)
    wanted = [n for n in (*interval(_NAME), *FLAGS) if n in found]
    data = found[wanted].transpose(..., "observable", "parameter")
    many = data[_NAME].size > _MOST_WRITTEN
    longest = data.sizes["parameter"] if many else _cells_in_a_row()
    parts = list(style.blocks(style.names(data, "parameter"), longest))
    n = len(parts[0])
    with style.style():
        row = 0.14 if many else 0.42
        height = len(parts) * (0.55 + row * data.sizes["observable"]) + 0.45
        figure = style.new_figure(height, width=max(2.6 + 0.8 * n, 3.8))
        grid = figure.subplots(len(parts), 1, squeeze=False)[:, 0].tolist()
        ranked = data[_NAME].where(~cancelling)
        norm, clipped = _scale(ranked.transpose("observable", "parameter").values)
        for ax, part in zip(grid, parts, strict=True):
            block = data.sel(parameter=list(part))
            (_coloured if many else _written)(ax, block, norm, cancelling.values)
            _named(ax, block, n)
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


def _written(ax: Axes, data: xr.Dataset, norm: Normalize, cancelling: np.ndarray) -> None:
    """A field with its number for each observable and parameter."""
    for i, j in np.ndindex(data[_NAME].shape):
        _entry(ax, data.isel(observable=i, parameter=j), i, j, norm, cancels=bool(cancelling[i]))


def _coloured(ax: Axes, data: xr.Dataset, norm: Normalize, cancelling: np.ndarray) -> None:
    """Small fields without numbers, of very many."""
    value = data[_NAME].values
    sure = np.isfinite(value) & (value != 0) & ~cancelling[:, None]
    _, low, high = interval(_NAME)
    if low in data:
        sure &= (data[low].values > 0) | (data[high].values < 0)
    faces = style.DIVERGING(norm(np.where(sure, value, 0.0)))
    faces[~sure] = to_rgba(_NOT_TOLD)
    ax.pcolormesh(faces, edgecolor="white", lw=0.6)
    for i in np.flatnonzero(cancelling):
        ax.text(value.shape[1] / 2, i + 0.5, "sign changes", ha="center", va="center", color=style.GREY,
                fontsize=style.size(-0.5))  # fmt: skip


def _named(ax: Axes, data: xr.Dataset, n: int) -> None:
    """Flags, and the names of all observables and of some parameters, in columns for ``n``."""
    observables, parameters = style.names(data, "observable"), style.names(data, "parameter")
    for i in range(len(observables)):
        for flagged in np.flatnonzero(panels.flags(data.isel(observable=i))):
            ax.plot(flagged + 0.91, i + 0.17, **panels.FLAG)
    ax.set_xlim(0, n)
    ax.set_ylim(len(observables), 0)
    upright = n > 8
    few = data[_NAME].size <= _MOST_WRITTEN  # of many, a row and a column are a line wide
    wrap = 18 if upright else style.characters((style.width_mm() - 48) / n - 1, -0.5)
    ax.set_xticks(
        np.arange(len(parameters)) + 0.5,
        [style.short_name(p, wrap if few else None) for p in parameters],
        rotation=90 if upright else 0,
    )
    names = [style.short_name(o, 18 if few else None) for o in observables]
    ax.set_yticks(np.arange(len(observables)) + 0.5, names)
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
    face = style.DIVERGING(norm(value)) if sure else _NOT_TOLD
    ax.add_patch(Rectangle((j, i), 1, 1, facecolor=face, edgecolor="white", linewidth=1.2))
    colour = style.ink(face) if sure else style.GREY
    number, around = ("n/d", "") if not np.isfinite(value) else uncertain_parts(value, half)
    text = f"{number}\n±{around}" if around else number
    if cancels and np.isfinite(value):
        text = "sign\nchanges"
    ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=colour, fontsize=style.size(-0.5),
            linespacing=1.05)  # fmt: skip
