"""The notebook's four functions: cells as circles to scale, by type or by a chemical.

A state is anything with ``position`` (cell, dim), ``celltype`` (cell, type), ``radius`` (cell, 1)
and, to draw a chemical, ``chemical`` (cell, chem). A trajectory has the same fields with a leading
axis of time. Slots without a type (their row of ``celltype`` sums to 0) are not drawn. Of
three-dimensional positions the first two axes are shown, cells with a larger third one in front.
Lengths are in the units of the model.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure

from ..errors import JaxmorphError
from .artists import drawing_order, move_circles
from .colours import CELL_COLOURS
from .player import NotebookAnimation
from .trajectory import plane, shapes_of

Limits = tuple[float, float]


class State(Protocol):
    """What can be drawn: positions, types and radii of cells."""

    position: Any
    celltype: Any
    radius: Any


def draw_circles_ctype(
    state: State,
    ax: Axes | None = None,
    cm: Colormap = CELL_COLOURS,
    grid: bool = False,
    **kwargs: Any,
) -> Axes:
    """Draw cells as circles to scale, coloured by type.

    Args:
        state: fields ``position`` (cell, dim), ``celltype`` (cell, type), ``radius`` (cell, 1).
        ax: axes to draw on; the current ones of pyplot if not given.
        cm: colours of the types; a listed colour map gives its colours in order, a continuous one
            is sampled evenly.
        grid: draw grid lines.
        **kwargs: passed to ``matplotlib.collections.EllipseCollection`` (``alpha``, ``edgecolor``).

    Returns:
        The axes.

    Raises:
        JaxmorphError: the shapes of the fields do not belong together.
    """
    celltype = np.asarray(state.celltype)
    cells = _circles(state, _type_colours(celltype, cm), **kwargs)
    return _place(cells, state, ax, grid)


def draw_circles_chem(
    state: Any,
    chem: int = 0,
    colorbar: bool = True,
    ax: Axes | None = None,
    cm: Colormap = colormaps["YlGn"],
    grid: bool = False,
    **kwargs: Any,
) -> Axes:
    """Draw cells as circles to scale, coloured by the concentration of one chemical.

    Args:
        state: as for ``draw_circles_ctype``, with ``chemical`` (cell, chem).
        chem: which chemical.
        colorbar: draw a scale of colours; it runs from 0 (or the lowest value, if negative) to the
            highest value.
        ax: axes to draw on; the current ones of pyplot if not given.
        cm: colour map.
        grid: draw grid lines.
        **kwargs: passed to ``matplotlib.collections.EllipseCollection``.

    Returns:
        The axes.

    Raises:
        JaxmorphError: there is no such chemical, or the shapes do not belong together.
    """
    amount = _chemical(state, chem)
    scale = ScalarMappable(_range(amount, _alive(state.celltype)), cm)
    cells = _circles(state, scale.to_rgba(amount), **kwargs)
    ax = _place(cells, state, ax, grid)
    if colorbar:
        _colour_bar(ax, scale, chem)
    return ax


def animate_traj_ctype(
    trajectory: State, xlim: Limits = (-25, 25), ylim: Limits = (-25, 25)
) -> NotebookAnimation:
    """Animate a trajectory, cells coloured by type.

    Args:
        trajectory: as for ``draw_circles_ctype``, with a leading axis of time in every field.
        xlim: left and right end of the view.
        ylim: lower and upper end of the view.

    Returns:
        A matplotlib animation. As the last value of a notebook's cell it shows as a player;
        ``.save("cells.mp4")`` writes a film.
    """
    colours = np.stack([_type_colours(frame, CELL_COLOURS) for frame in np.asarray(trajectory.celltype)])
    return _animate(trajectory, colours, xlim, ylim, None)


def animate_traj_chem(
    trajectory: Any,
    chem: int = 0,
    xlim: Limits = (-25, 25),
    ylim: Limits = (-25, 25),
    colorbar: bool = False,
) -> NotebookAnimation:
    """Animate a trajectory, cells coloured by the concentration of one chemical.

    The colours mean the same in every frame. Arguments and result are those of
    ``animate_traj_ctype``; ``trajectory`` also has ``chemical`` (time, cell, chem).
    """
    amount = _chemical(trajectory, chem)
    scale = ScalarMappable(_range(amount, _alive(trajectory.celltype)), colormaps["YlGn"])
    colours = np.stack([scale.to_rgba(frame) for frame in amount])
    return _animate(trajectory, colours, xlim, ylim, (scale, chem) if colorbar else None)


def _alive(celltype: Any) -> np.ndarray:
    return np.asarray(celltype).sum(axis=-1) > 0


def _type_colours(celltype: np.ndarray, cm: Colormap) -> np.ndarray:
    """RGBA (cell, 4) of each cell's type."""
    n_types = celltype.shape[-1]
    listed = isinstance(cm, ListedColormap) and cm.N < 64
    picks = np.arange(n_types) % cm.N if listed else np.linspace(0, 1, max(n_types, 2))[:n_types]
    return np.asarray(cm(picks))[celltype.argmax(axis=-1)]


def _chemical(state: Any, chem: int) -> np.ndarray:
    chemical = np.asarray(state.chemical)
    if not 0 <= chem < chemical.shape[-1]:
        raise JaxmorphError(
            f"there is no chemical {chem}: the state has {chemical.shape[-1]}, counted from 0"
        )
    return chemical[..., chem]


def _range(amount: np.ndarray, alive: np.ndarray) -> Normalize:
    shown = amount[alive & np.isfinite(amount)]
    if shown.size == 0:
        return Normalize(0.0, 1.0)
    low, high = min(float(shown.min()), 0.0), float(shown.max())
    return Normalize(low, high if high > low else low + 1.0)


def _circles(state: Any, colours: np.ndarray, **kwargs: Any) -> EllipseCollection:
    position, radius = np.asarray(state.position), np.asarray(state.radius)
    celltype = np.asarray(state.celltype)
    if position.ndim != 2 or radius.size != len(position) or len(celltype) != len(position):
        raise JaxmorphError(f"{shapes_of(state)}: pass one state, not a trajectory")
    order = drawing_order(position, _alive(celltype))
    size = 2 * radius.reshape(-1)[order]
    look = {"alpha": 0.75, "edgecolor": "black", "linewidth": 0.6} | kwargs
    return EllipseCollection(
        size,
        size,
        np.zeros_like(size),
        units="xy",
        offsets=plane(position)[order],
        facecolor=colours[order],
        **look,
    )


def _place(cells: EllipseCollection, state: Any, ax: Axes | None, grid: bool) -> Axes:
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.gca()
    cells.set_offset_transform(ax.transData)
    ax.add_collection(cells)
    centre, radius = plane(np.asarray(state.position)), np.asarray(state.radius).reshape(-1, 1)
    alive = _alive(state.celltype)
    if alive.any():
        ax.update_datalim((centre - radius)[alive])
        ax.update_datalim((centre + radius)[alive])
        ax.autoscale_view()
    ax.set_aspect("equal", "box")
    ax.grid(grid)
    return ax


def _colour_bar(ax: Axes, scale: ScalarMappable, chem: int) -> None:
    figure = ax.figure
    figure.colorbar(scale, ax=ax, fraction=0.05, alpha=0.75, label=f"concentration of chemical {chem}")


class _Frame:
    """One time of a trajectory, as a state."""

    def __init__(self, trajectory: Any, i: int) -> None:
        self.position = np.asarray(trajectory.position[i])
        self.celltype = np.asarray(trajectory.celltype[i])
        self.radius = np.asarray(trajectory.radius[i])
        self.alive = _alive(self.celltype)


def _animate(
    trajectory: Any,
    colours: np.ndarray,
    xlim: Limits,
    ylim: Limits,
    bar: tuple[ScalarMappable, int] | None,
) -> NotebookAnimation:
    """One collection that moves: nothing is cleared or made again between frames."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    ax = figure.subplots()
    ax.set(xlim=xlim, ylim=ylim, xticks=[], yticks=[], aspect="equal")
    cells = _circles(_Frame(trajectory, 0), colours[0])
    cells.set_offset_transform(ax.transData)
    ax.add_collection(cells)
    if bar is not None:
        _colour_bar(ax, *bar)

    def show(i: float) -> None:
        move_circles(cells, _Frame(trajectory, int(i)), colours[int(i)])

    return NotebookAnimation(figure, [cells], show, range(len(colours)))
