"""Draw one state, or animate a trajectory, with cells coloured by any of their fields.

A state is anything with ``position`` (cell, dim), ``celltype`` (cell, type), ``radius`` (cell, 1), and
the field that colours its cells. A trajectory has the same fields with a leading axis of time. Slots
without a type (their row of ``celltype`` sums to 0) are not drawn. Cells are circles in two dimensions,
lit spheres in three. Lengths are in the units of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ..errors import JaxmorphError
from ..figures.numbers import plain
from ..figures.style import style
from .artists import Background
from .colours import Colour, Colouring, cell_fields, colour_values, column
from .course import Course, draw_course
from .film import together
from .player import NotebookAnimation
from .scene import draw_scene, frame
from .spheres import Camera
from .trajectory import Trajectory, shapes_of

_STILL_PIXELS = 1000


def draw_cells(
    state: Any,
    colour: str | Colour = "type",
    ax: Axes | None = None,
    *,
    arrows: str | Any | None = None,
    background: Background | None = None,
    camera: Camera | None = None,
    key: bool = True,
) -> Axes:
    """Draw one state.

    Args:
        state: see the module; a field is any array whose first axis is the cell.
        colour: ``type``, a field's name, or a ``Colour``, which also sets unit, limits and map.
        ax: axes to draw on; the current ones of pyplot if not given.
        arrows: name of a field (cell, dim), or an array, that is drawn as an arrow a cell.
        background: a field behind the cells, in two dimensions.
        camera: from where a cluster in three dimensions is seen.
        key: draw a colour bar, or a legend.

    Returns:
        The axes.

    Raises:
        JaxmorphError: there is no such field, or shapes do not belong together.
    """
    if np.ndim(state.position) != 2:
        raise JaxmorphError(
            f"a state to draw has position (cell, dim), got {np.shape(state.position)}: pass one state, "
            "not a trajectory"
        )
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.gca()
    trajectory, colouring = _prepare(state, colour, arrows)
    view = frame(ax, [trajectory], camera)
    _, update = draw_scene(
        ax, trajectory, colouring, view, background=background, pixels=_STILL_PIXELS
    )  # fmt: skip
    update(0.0)
    if key:
        colouring.add_key(ax)
    return ax


def animate_cells(
    trajectory: Any,
    colour: str | Colour = "type",
    *,
    time: Sequence[float] | np.ndarray | None = None,
    arrows: str | Any | None = None,
    background: Background | None = None,
    camera: Camera | None = None,
    course: Course | None = None,
    trails: bool = False,
    key: bool = True,
) -> NotebookAnimation:
    """Animate a trajectory, a frame a record. Colours and view mean the same in every frame.

    Args:
        trajectory: as the ``state`` of ``draw_cells``, with a leading axis of time in every field.
        colour: see ``draw_cells``.
        time: model time of each record; default: 0, 1, 2, ...
        arrows: see ``draw_cells``.
        background: see ``draw_cells``.
        camera: see ``draw_cells``.
        course: an observable, and its sensitivity, to draw beside the cells as time goes by.
        trails: draw a line through where each cell was lately, in two dimensions.
        key: draw a colour bar, or a legend.

    Returns:
        A matplotlib animation. As the last value of a notebook's cell it shows as a player;
        ``.save("cells.mp4")`` writes a film.

    Raises:
        JaxmorphError: there is no such field, or shapes do not belong together.
    """
    if np.ndim(trajectory.position) != 3:
        raise JaxmorphError(
            "a trajectory to animate has position (time, cell, dim), "
            f"got {np.shape(trajectory.position)}"
        )
    cells, colouring = _prepare(trajectory, colour, arrows)
    if time is not None:
        cells.time = np.asarray(time, float)
        if cells.time.shape != cells.alive.shape[:1]:
            raise JaxmorphError(
                f"time has shape {cells.time.shape}; must be one for each of {len(cells.alive)} records"
            )
    with style():
        figure, ax, axes = make_figure(beside=course is not None)
        view = frame(ax, [cells], camera)
        artists, update = draw_scene(
            ax, cells, colouring, view, trails=trails and view is None, background=background
        )
        updates = [update]
        if key:
            colouring.add_key(ax)
        if course is not None:
            more, follow = draw_course(axes, course)
            artists += more
            updates.append(follow)
        clock = ax.text(0, 1.01, "", transform=ax.transAxes, fontsize=9, va="bottom")
        updates.append(lambda now: clock.set_text(f"time {plain(now)}"))
        return NotebookAnimation(figure, [*artists, clock], together(updates), cells.time.tolist())


def make_figure(beside: bool, room_below: float = 0.0) -> tuple[Figure, Axes, list[Axes]]:
    """A figure with axes for cells, and with ``beside`` two more, one above the other, to their right.

    ``room_below`` is the share of the height that stays free, for the controls that a browser lays over
    a film.
    """
    size = (8.6, 4.4) if beside else (4.9, 4.6)
    layout = ConstrainedLayoutEngine(rect=(0, room_below, 1, 1 - room_below), wspace=0.06)
    figure = Figure(figsize=size, layout=layout)
    if not beside:
        return figure, figure.subplots(), []
    grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1])
    return (
        figure,
        figure.add_subplot(grid[:, 0]),
        [figure.add_subplot(grid[i, 1]) for i in range(2)],
    )


def _prepare(state: Any, colour: str | Colour, arrows: str | Any | None) -> tuple[Trajectory, Colouring]:
    """A state or trajectory with what colours it, and the colours."""
    celltype, position = np.asarray(state.celltype), np.asarray(state.position)
    n_radii = np.size(state.radius)
    if celltype.shape[:-1] != position.shape[:-1] or n_radii != np.prod(position.shape[:-1]):
        raise JaxmorphError(shapes_of(state))
    values, chosen, label = colour_values(colour, state)
    vector = _vectors(state, arrows, position.shape)
    cells = Trajectory.of_state(state, values, vector)
    by_type = isinstance(chosen.by, str) and chosen.by in ("type", "celltype")
    if by_type:
        colouring = Colouring.of_types(celltype.shape[-1], chosen.cmap)
    else:
        colouring = Colouring(values.reshape(cells.alive.shape), cells.alive, chosen, label)
    cells.blend = not colouring.categorical
    return cells, colouring


def _vectors(state: Any, arrows: str | Any | None, shape: tuple[int, ...]) -> np.ndarray | None:
    if arrows is None:
        return None
    if isinstance(arrows, str):
        fields = cell_fields(state)
        if arrows not in fields:
            column(arrows, fields)  # says so
        arrows = fields[arrows]
    vector = np.asarray(arrows, float)
    if vector.shape != shape:
        raise JaxmorphError(f"arrows: shape {vector.shape}; must be that of position, {shape}")
    return vector
