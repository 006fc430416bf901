"""A view of a cluster of cells: what is in it, how it is framed, and how it moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def frame(ax: Axes, trajectories: Sequence[Trajectory], camera: Camera | None = None) -> View | None:
    """A square view that holds all clusters and their arrows at all times; in 3-D, of a camera."""
    ends = [trajectory.limits() for trajectory in trajectories]
    low, high = np.min([e[0] for e in ends], axis=0), np.max([e[1] for e in ends], axis=0)
    ax.set_aspect("equal", "box")
    if len(low) < 3:
        shown = np.concatenate([low[None], high[None], *(plane(t.tips()) for t in trajectories)])
        low, high = shown.min(0), shown.max(0)
        half = 0.53 * max(float((high - low).max()), 1e-12)
        middle = (low + high) / 2
        ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
        for which in "xy":
            few_ticks(ax, which, 4)
        ax.set(xlabel="x", ylabel="y")
        return None
    view = View.of(camera or Camera(), low, high)
    middle, half = _seen(view, trajectories)
    ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    ax.set_axis_off()
    _scale_bar(ax, half)
    _triad(ax, view)
    return view


def _seen(view: View, trajectories: Sequence[Trajectory]) -> tuple[np.ndarray, float]:
    """Middle and half the side of the square that holds all spheres, with room for the scale below."""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for trajectory in trajectories:
        place, scale = view.project(trajectory.position[trajectory.alive])
        radius = (trajectory.radius[trajectory.alive] * scale)[:, None]
        tips = view.project(trajectory.tips())[0][:, :2]
        for shown in (place[:, :2] - radius, place[:, :2] + radius, tips):
            low = np.minimum(low, shown.min(0, initial=np.inf))
            high = np.maximum(high, shown.max(0, initial=-np.inf))
    if not np.isfinite(low).all():
        return np.zeros(2), 1.0
    half = 0.56 * max(float((high - low).max()), 1e-12)
    return (low + high) / 2 - [0, 0.06 * half], half


def _scale_bar(ax: Axes, half: float) -> None:
    """A bar of a round length, at the lower right."""
    ticks = MaxNLocator(1, steps=[1, 2, 5, 10]).tick_values(0, 0.55 * half)
    length = float(min((t for t in ticks if t > 0.1 * half), default=0.5 * half))
    right, lower = ax.get_xlim()[1] - 0.04 * half, ax.get_ylim()[0] + 0.06 * half
    ax.plot([right - length, right], [lower, lower], color="black", lw=1.5, solid_capstyle="butt")
    ax.text(right - length / 2, lower + 0.03 * half, short(length), ha="center", va="bottom", fontsize=7)


def _triad(ax: Axes, view: View) -> None:
    """The directions of the three axes, at the lower left."""
    (left, right), (lower, _) = ax.get_xlim(), ax.get_ylim()
    half = (right - left) / 2
    x, y = left + 0.17 * half, lower + 0.14 * half
    arrow = {"arrowstyle": "-|>,head_width=0.15,head_length=0.3", "lw": 0.7, "shrinkA": 0, "shrinkB": 0}
    for (dx, dy, _), name in zip(view.camera.axes().T, "xyz", strict=True):
        if np.hypot(dx, dy) < 0.15:
            continue
        tip, end = 0.15 * half, 0.21 * half
        ax.annotate("", (x + tip * dx, y + tip * dy), (x, y), arrowprops={**arrow, "color": "black"})
        ax.text(x + end * dx, y + end * dy, name, ha="center", va="center", fontsize=7)


def draw_scene(
    ax: Axes,
    trajectory: Trajectory,
    colouring: Colouring,
    view: View | None,
    *,
    trails: bool = False,
    background: Background | None = None,
    pixels: int | None = None,
) -> tuple[list[Artist], Update]:
    """Draw a cluster on axes that :func:`frame` has framed, and say how to bring it to another time.

    Args:
        ax: The axes.
        trajectory: The cells; their arrows are drawn if it has vectors.
        colouring: The colours of its values.
        view: What :func:`frame` returned.
        trails: Whether to draw where the cells were lately; in the plane only.
        background: A field behind the cells.
        pixels: Side of the picture of spheres; default: that of the axes.
    """
    parts: list[tuple[Artist, Show]] = []
    # A colour that is read off a bar must not mix with what is behind it.
    alpha = 0.8 if colouring.categorical and background is None else 1.0
    if background is not None:
        parts.append(artists.background(ax, trajectory, background))
    if view is None:
        parts.append(artists.circles(ax, colouring, alpha))
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


def together(updates: Sequence[Callable[[float], None]]) -> Update:
    """All of them, one after another."""

    def update(now: float) -> None:
        for one in updates:
            one(now)

    return update
