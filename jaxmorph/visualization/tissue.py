"""Cells in the plane as a tissue: lit, outlined, and flattened where they press on one another.

Cells that overlap meet in the straight line on which spheres of their radii would meet, seen from above
(the radical line of their circles), so that a crowd of circles looks like an epithelium. Every cell is
drawn in a patch of its own: how far a pixel is from the cell's border gives a smooth edge, the outline
and the shade, without samples between pixels.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

_LIGHT = np.array([-0.45, 0.55, 0.70], np.float32) / np.float32(np.hypot(np.hypot(0.45, 0.55), 0.70))
_AMBIENT = np.float32(0.62)
_OUTLINE = 0.38
"""Brightness of an outline, as a share of that of the cell."""
_STEPS = np.float32(8)
"""Steps a pixel of the distance from a border."""


def picture(
    centre: np.ndarray,
    radius: np.ndarray,
    colours: np.ndarray,
    extent: tuple[float, float, float, float],
    shape: tuple[int, int],
    outline: float = 2.0,
) -> np.ndarray:
    """A picture of cells in the plane.

    Args:
        centre: Centres (cell, 2).
        radius: (cell,), in the same unit.
        colours: RGB or RGBA (cell, 3 or 4), from 0 to 1; a point that faces the light has this colour.
        extent: Left, right, lower and upper end of the picture, whose pixels are square.
        shape: Pixels (rows, columns); row 0 is the lowest.
        outline: Width of an outline, in pixels.

    Returns:
        RGBA (rows, columns, 4), uint8, transparent where no cell is.
    """
    pixel = (extent[1] - extent[0]) / shape[1]
    place = (np.asarray(centre, np.float64) - [extent[0], extent[2]]) / pixel - 0.5
    size = np.asarray(radius, np.float64) / pixel
    meets = _meetings(place, size)
    picture = np.zeros((*shape, 4), np.uint8)
    paint = (np.asarray(colours)[:, :3] * 255).astype(np.float32)
    low = np.clip(np.floor(place - size[:, None]), 0, shape[::-1]).astype(int)
    high = np.clip(np.ceil(place + size[:, None]) + 1, 0, shape[::-1]).astype(int)
    for k in np.flatnonzero((high > low).all(1)):
        rows, columns = (slice(low[k, axis], high[k, axis]) for axis in (1, 0))
        x = (np.arange(columns.start, columns.stop) - place[k, 0]).astype(np.float32)[None, :]
        y = (np.arange(rows.start, rows.stop) - place[k, 1]).astype(np.float32)[:, None]
        r = np.float32(size[k])
        squared = x * x + y * y
        inside = r - np.sqrt(squared)
        for across, along, offset in meets[k]:
            np.minimum(inside, (offset - across * x) - along * y, out=inside)
        covered, edge = _edges(float(r), outline)
        inside += np.float32(0.5)
        inside *= _STEPS
        steps = np.clip(inside, 0, len(edge) - 1, out=inside).astype(np.int32)
        np.subtract(r * r, squared, out=squared)
        np.maximum(squared, 0, out=squared)
        light = np.sqrt(squared, out=squared)
        light *= _LIGHT[2]
        light += _LIGHT[0] * x + _LIGHT[1] * y
        light *= (1 - _AMBIENT) / r
        np.maximum(light, 0, out=light)
        light += _AMBIENT
        light *= edge.take(steps)
        patch, cover = picture[rows, columns], covered.take(steps)
        before = patch[..., 3]
        mine = cover > before
        for channel in range(3):
            np.copyto(patch[..., channel], light * paint[k, channel], where=mine, casting="unsafe")
        before += np.minimum(cover, 255 - before)
    return picture


def _edges(radius: float, outline: float) -> tuple[np.ndarray, np.ndarray]:
    """Cover (to 255) and brightness, by steps of the distance from half a pixel outside the border."""
    inside = np.arange(int(_STEPS * (outline + 0.12 * radius + 3))) / _STEPS - 0.5
    covered = np.clip(inside + 0.5, 0, 1)
    within = np.clip(inside - outline + 0.5, 0, 1)
    rim = np.clip((inside - outline + 0.5) / max(0.12 * radius, 1.0), 0, 1)
    bright = (_OUTLINE + (1 - _OUTLINE) * within) * (0.86 + 0.14 * rim)
    return (255 * covered + 0.5).astype(np.uint8), bright.astype(np.float32)


def _meetings(place: np.ndarray, size: np.ndarray) -> list[list[tuple[np.float32, ...]]]:
    """Of each cell the lines on which it meets others: a unit vector to the other, and how far it is."""
    meets: list[list[tuple[np.float32, ...]]] = [[] for _ in size]
    if len(size) < 2:
        return meets
    pairs = cKDTree(place).query_pairs(2 * float(size.max()), output_type="ndarray")
    i, j = pairs[np.lexsort(pairs.T)].T
    away = place[j] - place[i]
    distance = np.maximum(np.hypot(*away.T), 1e-9)
    unit = away / distance[:, None]
    offset = (distance + (size[i] ** 2 - size[j] ** 2) / distance) / 2
    for k in np.flatnonzero(distance < size[i] + size[j]):
        (across, along), here = unit[k].astype(np.float32), np.float32(offset[k])
        meets[i[k]].append((across, along, here))
        meets[j[k]].append((-across, -along, np.float32(distance[k] - offset[k])))
    return meets
