"""A view of a cluster of cells: what is in it, how it is framed, and how it moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..figures.numbers import short
from ..figures.style import few_ticks
from . import artists
from .artists import Background, Show
from .colours import Colouring
from .film import Update
from .spheres import Camera, View
from .trajectory import Trajectory, plane

STAGE = "#F3F5F7"
"""What is behind the cells of a film."""
_ROOM = np.array([[0.05, 0.95], [0.11, 0.95]])
"""The part of a stage, in x and y, that cells ever cover; the scale is below."""


def frame(ax: Axes, trajectories: Sequence[Trajectory], camera: Camera | None = None) -> View | None:
    """A square view that holds all clusters and their arrows at all times; in 3-D, of a camera."""
    view, low, high = _seen(trajectories, camera)
    middle, half = (low + high) / 2, 0.53 * float((high - low).max())
    ax.set_aspect("equal", "box")
    if view is not None:
        half *= 0.56 / 0.53
        middle = middle - [0, 0.06 * half]  # room for the scale
    ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    if view is None:
        for which in "xy":
            few_ticks(ax, which, 4)
        ax.set(xlabel="x", ylabel="y")
        return None
    ax.set_axis_off()
    _scale_bar(ax)
    _triad(ax, view)
    return view


def stage(
    ax: Axes, trajectories: Sequence[Trajectory], unit: str = "1", camera: Camera | None = None
) -> View | None:
    """A view that fills its axes, whatever their shape, with a scale instead of axes: that of a film."""
    view, low, high = _seen(trajectories, camera)
    box = np.array([ax.bbox.width, ax.bbox.height])
    room = _ROOM[:, 1] - _ROOM[:, 0]
    pixel = float(((high - low) / (room * box)).max())
    start = (low + high) / 2 - _ROOM.mean(1) * box * pixel
    end = start + box * pixel
    ax.set(xlim=(start[0], end[0]), ylim=(start[1], end[1]), xticks=[], yticks=[], facecolor=STAGE)
    ax.spines[:].set_visible(False)
    _scale_bar(ax, unit)
    if view is not None:
        _triad(ax, view)
    return view


def _seen(
    trajectories: Sequence[Trajectory], camera: Camera | None
) -> tuple[View | None, np.ndarray, np.ndarray]:
    """The view of a space of three dimensions, and the ends of all that is ever seen in the picture."""
    ends = [trajectory.limits() for trajectory in trajectories]
    low, high = np.min([e[0] for e in ends], axis=0), np.max([e[1] for e in ends], axis=0)
    view = None if len(low) < 3 else View.of(camera or Camera(), low, high)
    if view is None:
        shown = [low[None], high[None], *(plane(t.tips()) for t in trajectories)]
    else:
        shown = [view.project(trajectory.tips())[0][:, :2] for trajectory in trajectories]
        for trajectory in trajectories:
            place, scale = view.project(trajectory.position[trajectory.alive])
            radius = (trajectory.radius[trajectory.alive] * scale)[:, None]
            shown += [place[:, :2] - radius, place[:, :2] + radius]
    points = np.concatenate(shown)
    if not len(points):
        return view, -np.ones(2), np.ones(2)
    low, high = points.min(0), points.max(0)
    return view, low, np.where(high > low, high, low + 1e-12)


def _scale_bar(ax: Axes, unit: str = "1") -> None:
    """A bar of a round length with its unit, at the lower right."""
    (left, right), (lower, upper) = ax.get_xlim(), ax.get_ylim()
    half = min(right - left, upper - lower) / 2
    ticks = MaxNLocator(1, steps=[1, 2, 5, 10]).tick_values(0, 0.55 * half)
    length = float(min((t for t in ticks if t > 0.1 * half), default=0.5 * half))
    end, below = right - 0.05 * half, lower + 0.06 * half
    ax.plot([end - length, end], [below, below], color="black", lw=1.5, solid_capstyle="butt", zorder=5)
    text = short(length) if unit in ("", "1") else f"{short(length)} {unit}"
    ax.text(
        end - length / 2, below + 0.03 * half, text, ha="center", va="bottom", size="small", zorder=5
    )  # fmt: skip


def _triad(ax: Axes, view: View) -> None:
    """The directions of the three axes, at the lower left."""
    (left, right), (lower, upper) = ax.get_xlim(), ax.get_ylim()
    half = min(right - left, upper - lower) / 2
    x, y = left + 0.17 * half, lower + 0.14 * half
    arrow = {"arrowstyle": "-|>,head_width=0.15,head_length=0.3", "lw": 0.7, "shrinkA": 0, "shrinkB": 0}
    for (dx, dy, _), name in zip(view.camera.axes().T, "xyz", strict=True):
        if np.hypot(dx, dy) < 0.15:
            continue
        tip, end = 0.15 * half, 0.21 * half
        ax.annotate("", (x + tip * dx, y + tip * dy), (x, y), arrowprops={**arrow, "color": "black"})
        ax.text(x + end * dx, y + end * dy, name, ha="center", va="center", size="small")


def draw_scene(
    ax: Axes,
    trajectory: Trajectory,
    colouring: Colouring,
    view: View | None,
    *,
    trails: bool = False,
    background: Background | None = None,
    pixels: int | None = None,
    tissue: bool = False,
) -> tuple[list[Artist], Update]:
    """Draw a cluster on axes that :func:`frame` has framed, and say how to bring it to another time.

    Args:
        ax: The axes.
        trajectory: The cells; their arrows are drawn if it has vectors.
        colouring: The colours of its values.
        view: What :func:`frame` returned.
        trails: Whether to draw where the cells were lately; in the plane only.
        background: A field behind the cells.
        pixels: Columns of the picture of spheres; default: those of the axes.
        tissue: Whether cells in the plane are lit and flattened, instead of circles.
    """
    parts: list[tuple[Artist, Show]] = []
    # A colour that is read off a bar must not mix with what is behind it.
    alpha = 0.8 if colouring.categorical and background is None else 1.0
    if background is not None:
        parts.append(artists.background(ax, trajectory, background))
    if view is None:
        parts.append(artists.tissue(ax, colouring) if tissue else artists.circles(ax, colouring, alpha))
        if trails:
            parts.append(artists.trails(ax, trajectory))
    else:
        parts.append(artists.spheres(ax, colouring, view, pixels))
    if trajectory.vector is not None:
        parts.append(artists.arrows(ax, trajectory, view))

    def update(now: float) -> None:
        state = trajectory.at(now)
        for _, show in parts:
            show(state, now)

    return [artist for artist, _ in parts], update
