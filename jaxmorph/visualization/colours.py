"""What the colours of cells mean: one map from values to colours, the same at all times."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, ListedColormap, Normalize, to_hex, to_rgba
from matplotlib.lines import Line2D

from ..configuration.fields import hint
from ..errors import JaxmorphError
from ..figures.style import DIVERGING, SEQUENTIAL, few_ticks, with_unit, words

CELL_COLOURS = ListedColormap(
    ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"],
    name="okabe_ito",
)
"""Okabe and Ito's colours, which colour-blind readers tell apart; one a category, in order."""
UNKNOWN = "#BBBBBB"
"""Of living cells whose value is not finite."""
_GOLDEN = (5**0.5 - 1) / 2


@dataclasses.dataclass(frozen=True)
class Colour:
    """By what cells are coloured, and how.

    Attributes:
        by: ``type``, or the name of a field (cell,), (cell, 1), or, as ``chemical[0]``, one column of
            a field (cell, k); or the values themselves, (cell,) for a state and (time, cell) for a
            trajectory.
        label: What is written at the colour bar or legend; default: the name.
        unit: Of the values, ``"1"`` if dimensionless.
        cmap: Colour map; default: viridis, for values of both signs a diverging one around 0, and
            Okabe and Ito's colours for categories.
        norm: From values to the colour map (``Normalize(0, 2)``, ``LogNorm()``); default: linear over
            the values of all living cells at all times.
        categorical: Whether the values are names, such as of clones, instead of amounts; default:
            those of types, whole numbers (by their dtype) and booleans are.
    """

    by: str | Any = "type"
    label: str | None = None
    unit: str = "1"
    cmap: str | Colormap | None = None
    norm: Normalize | None = None
    categorical: bool | None = None


class Colouring:
    """From values to colours, and the key to them."""

    def __init__(self, values: np.ndarray, alive: np.ndarray, colour: Colour, label: str) -> None:
        """Fix the colours for all times; ``values`` and ``alive`` are (..., cell)."""
        self.label = with_unit(label, colour.unit)
        shown = values[alive & np.isfinite(values)].astype(float)
        self.categorical = (
            values.dtype.kind in "iub" if colour.categorical is None else colour.categorical
        )
        if self.categorical:
            self.categories = np.unique(shown)
            self._palette = _palette(len(self.categories), colour.cmap)
        else:
            norm = colour.norm or _limits(shown)
            norm.autoscale_None(shown if shown.size else np.array([0.0, 1.0]))
            default = DIVERGING if _both_signs(norm) else SEQUENTIAL
            cmap = colour.cmap or default
            cmap = (colormaps[cmap] if isinstance(cmap, str) else cmap).with_extremes(bad=UNKNOWN)
            self.scale = ScalarMappable(norm, cmap)

    @classmethod
    def of_types(cls, n_types: int, cmap: str | Colormap | None = None) -> Colouring:
        """One colour a column of ``celltype``, whether or not a cell has it."""
        types = np.arange(n_types)
        return cls(types, np.ones(n_types, bool), Colour(cmap=cmap), "type")

    def rgba(self, values: np.ndarray) -> np.ndarray:
        """Colours (cell, 4) of values (cell,)."""
        if not self.categorical:
            return np.asarray(self.scale.to_rgba(np.ma.masked_invalid(values)))
        colours = np.tile(to_rgba(UNKNOWN), (len(values), 1))
        if len(self.categories):
            nearest = np.searchsorted(self.categories, values).clip(max=len(self.categories) - 1)
            known = self.categories[nearest] == values
            colours[known] = self._palette[nearest[known]]
        return colours

    @property
    def hues(self) -> set[str]:
        """Colours that stand for a category each, as ``#rrggbb``."""
        return {to_hex(rgba) for rgba in self._palette} if self.categorical else set()

    @property
    def needs_key(self) -> bool:
        """Whether colours differ by something that a reader is to be told."""
        return not self.categorical or len(self.categories) > 1

    def add_key_on(self, ax: Axes) -> None:
        """The colour bar, lying, or the legend, on axes of its own."""
        if not self.categorical:
            bar = ax.figure.colorbar(self.scale, cax=ax, orientation="horizontal")
            bar.set_label(self.label)
            bar.outline.set_linewidth(0.5)
            few_ticks(bar.ax, "x", 5)
            return
        ax.set_axis_off()
        handles, labels = self._legend()
        ax.legend(
            handles, labels, loc="center", ncols=4, handletextpad=0.1, columnspacing=1.2, borderpad=0
        )  # fmt: skip

    def _legend(self) -> tuple[list[Line2D], list[str]]:
        """A dot for each of up to 8 categories, or a sentence about more."""
        if len(self.categories) > CELL_COLOURS.N:
            text = f"one colour for each of {len(self.categories)} values of {self.label}"
            return [Line2D([], [], ls="")], [text]
        dot: dict[str, Any] = {"marker": "o", "ls": "", "mec": "black", "mew": 0.5}
        handles = [Line2D([], [], color=rgba, **dot) for rgba in self._palette]
        return handles, [f"{self.label} {value:g}" for value in self.categories]

    def add_key(self, *axes: Axes) -> Colorbar | None:
        """A colour bar to the right of the axes, or below the figure a legend of up to 8 categories."""
        figure = axes[0].figure
        if not self.categorical:
            return colour_bar(self.scale, self.label, *axes)
        if self.needs_key:
            handles, labels = self._legend()
            figure.legend(
                handles, labels, loc="outside lower center", ncols=min(len(handles), 5),
                handletextpad=0.1, columnspacing=1.2,
            )  # fmt: skip
        return None


def colour_bar(scale: ScalarMappable, label: str, *axes: Axes) -> Colorbar:
    """A colour bar, as tall as the axes if they are one, and beside those that are there already."""
    figure = axes[0].figure
    if len(axes) > 1:
        bar = figure.colorbar(scale, ax=axes, fraction=0.046, pad=0.03, aspect=24)
    else:
        place = 1.03 + 0.22 * len(axes[0].child_axes)
        bar = figure.colorbar(scale, cax=axes[0].inset_axes((place, 0.0, 0.04, 1.0)))
    bar.set_label(label)
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(width=0.5)
    return bar


def _limits(shown: np.ndarray) -> Normalize:
    """The ends of the values; even around 0 where they have both signs."""
    if shown.size == 0:
        return Normalize(0.0, 1.0)
    low, high = float(shown.min()), float(shown.max())
    if low < 0 < high:
        return Normalize(-max(-low, high), max(-low, high))
    return Normalize(low, high) if high > low else Normalize(low - 0.5, high + 0.5)


def _both_signs(norm: Normalize) -> bool:
    return norm.vmin is not None and norm.vmax is not None and norm.vmin < 0 < norm.vmax


def _palette(n: int, cmap: str | Colormap | None) -> np.ndarray:
    """RGBA (n, 4) of n categories; many are spread over a map so that neighbours differ."""
    cmap = colormaps[cmap] if isinstance(cmap, str) else cmap
    if cmap is None:
        cmap = CELL_COLOURS if n <= CELL_COLOURS.N else colormaps["plasma"]
    if isinstance(cmap, ListedColormap) and cmap.N < 64:
        return np.asarray(cmap(np.arange(n) % cmap.N)).reshape(n, 4)
    if n <= CELL_COLOURS.N:
        return np.asarray(cmap(np.linspace(0, 1, max(n, 2))[:n])).reshape(n, 4)
    return np.asarray(cmap(0.04 + 0.92 * (np.arange(n) * _GOLDEN % 1))).reshape(n, 4)


def colour_values(colour: str | Colour | Any, state: Any) -> tuple[np.ndarray, Colour, str]:
    """Values (..., cell) by which a state, or a trajectory, is coloured; the colour; its label.

    Raises:
        JaxmorphError: the state has no such field, or one that is not a number a cell.
    """
    colour = colour if isinstance(colour, Colour) else Colour(colour)
    celltype = np.asarray(state.celltype)
    if not isinstance(colour.by, str):
        values = np.asarray(colour.by)
        if values.shape != celltype.shape[:-1]:
            raise JaxmorphError(
                f"colour: the values have shape {values.shape}; it must be one a cell, "
                f"{celltype.shape[:-1]}"
            )
        return values, colour, colour.label or "value"
    if colour.by in ("type", "celltype"):
        return celltype.argmax(-1), colour, colour.label or "type"
    values = column(colour.by, cell_fields(state))
    return values, colour, colour.label or words(colour.by)


def cell_fields(state: Any) -> dict[str, np.ndarray]:
    """The fields and properties of a state that have the axis of cells."""
    shape = np.shape(state.celltype)[:-1]
    names = [name for name in dir(state) if not name.startswith("_")]
    found = {}
    for name in names:
        if callable(getattr(type(state), name, None)):
            continue
        value = getattr(state, name)
        if hasattr(value, "shape") and tuple(value.shape[: len(shape)]) == shape:
            found[name] = np.asarray(value)
    return found


def column(name: str, fields: Mapping[str, np.ndarray]) -> np.ndarray:
    """One number a cell: the field ``name``, or ``name[k]``, its column k.

    Args:
        name: See ``Colour.by``.
        fields: Arrays (..., cell), (..., cell, k), by name; ``celltype`` is one of them.

    Raises:
        JaxmorphError: there is no such field or column.
    """
    field, index = name_and_column(name)
    if field not in fields:
        meant = hint(field, ["type", *fields])
        raise JaxmorphError(f"colour = {name}: the state has no such field; {meant}")
    values, n_axes = fields[field], fields["celltype"].ndim - 1
    if values.ndim == n_axes and index is None:
        return values
    if values.ndim != n_axes + 1:
        raise JaxmorphError(f"colour = {name}: {field} has shape {values.shape}, not one number a cell")
    n = values.shape[-1]
    if index is None and n != 1:
        raise JaxmorphError(
            f"colour = {name}: {field} has {n} columns; write {field}[0] to {field}[{n - 1}]"
        )
    if index is not None and index >= n:
        raise JaxmorphError(f"colour = {name}: {field} has columns 0 to {n - 1}")
    return values[..., index or 0]


def name_and_column(name: str) -> tuple[str, int | None]:
    """``("chemical", 1)`` for ``chemical[1]``; None without a column."""
    match = re.fullmatch(r"(.*)\[(\d+)\]", name)
    return (match[1], int(match[2])) if match else (name, None)
