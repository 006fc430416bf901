"""What moves in a picture of cells: circles, spheres, arrows, trails, the field behind them.

Each is one matplotlib artist for all cells, updated in place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke

from ..errors import JaxmorphError
from ..figures.numbers import plain
from ..figures.style import with_unit
from .colours import Colouring, colour_bar
from .spheres import View, picture
from .tissue import picture as cells_picture
from .trajectory import Trajectory, plane

_SEEN = 0.4
"""Share of a sphere's disc that is not hidden by others from which on its arrow is drawn."""

_OUTLINE = 0.6
"""Width of a cell's outline, in points."""

Show = Callable[[SimpleNamespace, float], None]
"""Shows one state of a trajectory, at its time."""


def circles(ax: Axes, colouring: Colouring, alpha: float) -> tuple[Artist, Show]:
    """Cells in the plane, to scale."""
    none = np.zeros(0)
    cells = EllipseCollection(
        none, none, none, units="xy", offsets=np.zeros((0, 2)), offset_transform=ax.transData,
        edgecolor="black", linewidth=0.5, alpha=alpha, zorder=2,
    )  # fmt: skip
    ax.add_collection(cells, autolim=False)

    def show(state: SimpleNamespace, now: float) -> None:
        move_circles(cells, state, colouring.rgba(state.value))

    return cells, show


def drawing_order(position: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """Indices of the living cells, from the back to the front."""
    chosen = np.flatnonzero(alive)
    if position.shape[-1] < 3:
        return chosen
    return chosen[np.argsort(position[chosen, 2], kind="stable")]


def move_circles(cells: EllipseCollection, state: Any, colours: np.ndarray) -> None:
    """Move a collection of circles to another state; ``colours`` is (cell, 4) RGBA."""
    order = drawing_order(state.position, state.alive)
    size = 2 * state.radius.reshape(-1)[order]
    cells.set(widths=size, heights=size, angles=np.zeros_like(size))
    cells.set_offsets(plane(state.position)[order])
    cells.set_facecolor(colours[order])


def tissue(ax: Axes, colouring: Colouring) -> tuple[Artist, Show]:
    """Cells in the plane that are lit and flattened on one another, one picture of all."""
    image, extent, shape = _picture_on(ax)
    figure = ax.get_figure(root=True)
    assert figure is not None
    outline = _OUTLINE * figure.dpi / 72

    def show(state: SimpleNamespace, now: float) -> None:
        place, radius = plane(state.position)[state.alive], state.radius[state.alive]
        colours = colouring.rgba(state.value)[state.alive]
        image.set_data(cells_picture(place, radius, colours, extent, shape, outline))

    return image, show


def spheres(ax: Axes, colouring: Colouring, view: View, pixels: int | None) -> tuple[Artist, Show]:
    """Lit spheres, one picture of all; ``pixels`` across, by default those of the axes."""
    image, extent, shape = _picture_on(ax, pixels)

    def show(state: SimpleNamespace, now: float) -> None:
        place, scale = view.project(state.position[state.alive])
        colours = colouring.rgba(state.value)[state.alive]
        radius = state.radius[state.alive] * scale
        image_now, seen = picture(place, radius, colours, extent, shape, view.reach)
        image.set_data(image_now)
        state.seen = np.zeros(len(state.alive), bool)
        state.seen[state.alive] = seen > _SEEN

    return image, show


def _picture_on(
    ax: Axes, pixels: int | None = None
) -> tuple[_Raster, tuple[float, float, float, float], tuple[int, int]]:
    """An empty picture that covers axes, its ends in their coordinates, and its rows and columns."""
    (left, right), (lower, upper) = ax.get_xlim(), ax.get_ylim()
    columns = pixels or max(round(ax.bbox.width), 50)
    rows = round(columns * (upper - lower) / (right - left))
    extent = left, right, lower, upper
    image = _Raster(ax, extent=extent, origin="lower", interpolation="bilinear", zorder=2)
    image.set_data(np.zeros((1, 1, 4), np.uint8))
    ax.add_image(image)
    return image, extent, (rows, columns)


class _Raster(AxesImage):
    """RGBA of axes, put as it is on a canvas of the same pixels: resampling is slower than drawing."""

    def set_data(self, A: Any) -> None:
        self._A = A
        self.stale = True

    def draw(self, renderer: RendererBase) -> None:
        box = self.axes.bbox
        same = (round(box.height), round(box.width)) == self._A.shape[:2]
        if not (same and isinstance(renderer, RendererAgg)):
            super().draw(renderer)
            return
        gc = renderer.new_gc()
        renderer.draw_image(gc, round(box.x0), round(box.y0), self._A)
        gc.restore()


def trails(ax: Axes, trajectory: Trajectory) -> tuple[Artist, Show]:
    """A line through where each cell was lately."""
    line = ax.plot([], [], color="black", lw=0.5, zorder=3, scalex=False, scaley=False)[0]
    line.set_path_effects([withStroke(linewidth=1.3, foreground="white", alpha=0.6)])  # on any colour
    return line, lambda state, now: line.set_data(*trajectory.trails(now))


def arrows(ax: Axes, trajectory: Trajectory, view: View | None) -> tuple[Artist, Show]:
    """An arrow a cell; the length of the longest at any time is told."""
    longest, drawn = trajectory.arrows()
    none = np.full((trajectory.alive.shape[1], 2), np.nan)
    quiver = ax.quiver(
        *none.T, *none.T, angles="xy", scale_units="xy", scale=1 / drawn, color="black", width=0.004,
        headwidth=4, headlength=4.5, headaxislength=4, minlength=0.5, zorder=4, edgecolor="white",
        linewidth=0.4,
    )  # fmt: skip
    ax.text(
        0.99, 0.99, f"longest arrow: {plain(longest)}", transform=ax.transAxes, ha="right", va="top",
        fontsize=7,
    )  # fmt: skip

    def show(state: SimpleNamespace, now: float) -> None:
        if view is None:
            place, vector = plane(state.position), plane(state.vector)
        else:
            place = view.project(state.position)[0][:, :2]
            vector = state.vector @ view.camera.axes()[:2].T
        quiver.set_offsets(place)
        quiver.XY = place
        shown = state.alive if view is None else state.seen
        quiver.set_UVC(*np.where(shown[:, None], vector, np.nan).T)

    return quiver, show


@dataclasses.dataclass(frozen=True)
class Background:
    """A field in the plane that is drawn behind the cells, such as of a chemical.

    Attributes:
        field: The field at points (point, 2), of sources at positions (cell, 2) of strengths (cell,):
            ``field(points, positions, strengths)`` has shape (point,). Dead slots have strength 0.
        strength: Strength of each cell, (cell,) for a state and (time, cell) for a trajectory.
        label: What is written at its colour bar.
        unit: Of the field, ``"1"`` if dimensionless.
        cmap: Colour map; white where the field is low by default.
        norm: From values to the colour map; default: linear, from 0 to the largest value at any time.
        resolution: Points along a side.
    """

    field: Callable[[np.ndarray, np.ndarray, np.ndarray], Any]
    strength: Any
    label: str = "concentration"
    unit: str = "1"
    cmap: str | Colormap = "YlGnBu"
    norm: Normalize | None = None
    resolution: int = 96


def background(ax: Axes, trajectory: Trajectory, look: Background) -> tuple[Artist, Show]:
    """The field behind the cells, with its colour bar; between records it is interpolated."""
    if trajectory.position.shape[-1] != 2:
        raise JaxmorphError("background: a field is drawn behind cells in 2 dimensions, not in others")
    shape = trajectory.alive.shape
    strength = np.asarray(look.strength, float)
    if strength.shape not in (shape, shape[1:]):
        raise JaxmorphError(
            f"background: strength has shape {strength.shape}; it must be {shape} or {shape[1:]}"
        )
    strength = np.where(trajectory.alive, np.broadcast_to(strength, shape), 0.0)
    (left, right), (lower, upper), n = ax.get_xlim(), ax.get_ylim(), look.resolution
    middles = (np.arange(n) + 0.5) / n
    points = np.stack(
        np.meshgrid(left + middles * (right - left), lower + middles * (upper - lower)), axis=-1
    ).reshape(-1, 2)
    values = np.stack(
        [
            np.asarray(look.field(points, position, amount), float).reshape(n, n)
            for position, amount in zip(trajectory.position, strength, strict=True)
        ]
    )
    norm = look.norm or Normalize(min(0.0, float(np.nanmin(values))), float(np.nanmax(values)) or 1.0)
    cmap = colormaps[look.cmap] if isinstance(look.cmap, str) else look.cmap
    image = ax.imshow(
        values[0], extent=(left, right, lower, upper), origin="lower", interpolation="bicubic",
        norm=norm, cmap=cmap, zorder=1,
    )  # fmt: skip
    colour_bar(ScalarMappable(norm, cmap), with_unit(look.label, look.unit), ax)

    def show(state: SimpleNamespace, now: float) -> None:
        i, share = trajectory.before(now)
        image.set_data(values[i] if share == 0 else (1 - share) * values[i] + share * values[i + 1])

    return image, show
