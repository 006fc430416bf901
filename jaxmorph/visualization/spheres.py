"""Lit spheres: a camera, and a picture of many spheres that may overlap.

The picture is made pixel by pixel with a depth buffer, so that spheres that overlap meet in a circle,
as they do in space, whatever the order in which they are drawn.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.ndimage import uniform_filter

_LIGHT = np.array([-0.45, 0.55, 0.70], np.float32) / np.float32(np.hypot(np.hypot(0.45, 0.55), 0.70))
_AMBIENT = np.float32(0.42)
_HAZE = np.float32(0.35)
"""How far the most distant sphere fades into the white of the page."""


@dataclasses.dataclass(frozen=True)
class Camera:
    """From where a cluster in three dimensions is seen.

    Attributes:
        azimuth: Angle around the z axis, in degrees; -90 looks along +y.
        elevation: Angle above the x-y plane, in degrees; 90 looks down the z axis.
        perspective: Radius of the scene over its distance from the camera, at least 0 and less than
            1; 0 is the parallel projection, in which lengths in the picture are true.
    """

    azimuth: float = -60.0
    elevation: float = 22.0
    perspective: float = 0.0

    def axes(self) -> np.ndarray:
        """Rows: the directions of right, up and towards the viewer; shape (3, 3)."""
        a, e = np.deg2rad([self.azimuth, self.elevation])
        right = np.array([-np.sin(a), np.cos(a), 0.0])
        toward = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
        return np.stack([right, np.cross(toward, right), toward])


@dataclasses.dataclass(frozen=True)
class View:
    """A camera that is fixed on a scene.

    Attributes:
        camera: From where.
        centre: On what, shape (3,).
        reach: Radius of the scene around it.
    """

    camera: Camera
    centre: np.ndarray
    reach: float

    @classmethod
    def of(cls, camera: Camera, low: np.ndarray, high: np.ndarray) -> View:
        """On the box from ``low`` to ``high``, all of it."""
        return cls(camera, (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, 1e-12))

    def project(self, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places on the picture and depths towards the viewer, (cell, 3), and magnifications (cell,)."""
        seen = (position - self.centre) @ self.camera.axes().T
        scale = 1 / np.maximum(1 - self.camera.perspective * seen[:, 2] / self.reach, 0.05)
        seen[:, :2] *= scale[:, None]
        return seen, scale


def picture(
    place: np.ndarray,
    radius: np.ndarray,
    colours: np.ndarray,
    extent: tuple[float, float, float, float],
    shape: tuple[int, int],
    reach: float,
) -> tuple[np.ndarray, np.ndarray]:
    """A picture of spheres, lit from the upper left.

    A surface that faces the light has the sphere's own colour; others are darker. Clefts between
    spheres are darkened, and what is far away fades.

    Args:
        place: Centres, and depths towards the viewer, (cell, 3).
        radius: (cell,), in the same unit.
        colours: RGB or RGBA (cell, 3 or 4), from 0 to 1.
        extent: Left, right, lower and upper end of the picture.
        shape: Pixels (rows, columns); row 0 is the lowest.
        reach: Depth at which spheres begin (end) to fade: from 0 to minus this.

    Returns:
        RGBA (rows, columns, 4), uint8, transparent where no sphere is; and of each sphere's disc the
        share that is not hidden, (cell,).
    """
    rows, columns = 2 * shape[0], 2 * shape[1]  # four samples a pixel, for smooth edges
    place, radius, colours = (np.asarray(a, np.float32) for a in (place, radius, colours[:, :3]))
    x = extent[0] + (np.arange(columns, dtype=np.float32) + 0.5) / columns * (extent[1] - extent[0])
    y = extent[2] + (np.arange(rows, dtype=np.float32) + 0.5) / rows * (extent[3] - extent[2])
    depth, owner = _nearest(place, radius, x, y)
    at = np.flatnonzero(owner >= 0)
    k = owner.ravel()[at]
    row, column = at // columns, at % columns
    inverse = 1 / np.maximum(radius, np.float32(1e-12))
    away = (x[column] - place[k, 0], y[row] - place[k, 1], depth.ravel()[at] - place[k, 2])
    light = sum(a * (share * inverse)[k] for a, share in zip(away, _LIGHT, strict=True))
    light = _AMBIENT + (1 - _AMBIENT) * np.clip(light, 0, 1)
    light *= np.clip(0.55 + 1.5 * away[2] * inverse[k], 0, 1)  # a dark rim
    light *= _openness(
        depth[::2, ::2], float(np.median(radius)) if len(radius) else 1.0, 2 * (x[1] - x[0])
    )[row // 2, column // 2]
    clear = 1 - _HAZE * np.clip(-place[:, 2] / np.float32(reach), 0, 1)
    paint = (colours * clear[:, None])[k] * light[:, None]
    samples = np.zeros((rows * columns, 4), np.float32)
    samples[at, :3] = paint + (1 - clear)[k, None]
    samples[at, 3] = 1
    grid = samples.reshape(rows, columns, 4)
    across = grid[:, ::2] + grid[:, 1::2]
    small = (across[::2] + across[1::2]) / 4
    covered = small[..., 3:]
    small[..., :3] /= np.where(covered > 0, covered, 1)
    pixel = (x[1] - x[0]) * (y[1] - y[0])
    area = np.bincount(owner[owner >= 0], minlength=len(radius)) * pixel
    seen = area / np.maximum(np.pi * radius**2, 1e-12)
    return (255 * small + 0.5).astype(np.uint8), seen


def _nearest(
    place: np.ndarray, radius: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Depth of the nearest surface at each pixel, and whose it is (-1: nobody's)."""
    depth = np.full((len(y), len(x)), -np.inf, np.float32)
    owner = np.full(depth.shape, -1, np.int32)
    low, high = place[:, :2] - radius[:, None], place[:, :2] + radius[:, None]
    left, right = np.searchsorted(x, low[:, 0]), np.searchsorted(x, high[:, 0])
    lower, upper = np.searchsorted(y, low[:, 1]), np.searchsorted(y, high[:, 1])
    for k in np.argsort(-place[:, 2], kind="stable"):
        i, j = slice(lower[k], upper[k]), slice(left[k], right[k])
        if i.start >= i.stop or j.start >= j.stop:
            continue
        if place[k, 2] + radius[k] <= depth[i, j].min():
            continue  # all behind others
        across, along = x[j] - place[k, 0], y[i] - place[k, 1]
        inside = radius[k] ** 2 - (along**2)[:, None] - (across**2)[None, :]
        surface = np.sqrt(np.maximum(inside, 0)) + place[k, 2]
        nearer = (inside > 0) & (surface > depth[i, j])
        np.copyto(depth[i, j], surface, where=nearer)
        np.copyto(owner[i, j], k, where=nearer)
    return depth, owner


def _openness(depth: np.ndarray, radius: float, pixel: float) -> np.ndarray:
    """From 0.6 in a cleft to 1: how a pixel lies to the mean depth around it.

    Depth darkening after Luft, Colditz and Deussen, Image enhancement by unsharp masking the depth
    buffer, ACM Trans. Graph. 25 (2006) 1206.
    """
    covered = np.isfinite(depth)
    filled = np.where(covered, depth, 0).astype(np.float32)
    window = 2 * max(int(0.5 * radius / pixel), 1) + 1
    share = uniform_filter(covered.astype(np.float32), window)
    mean = uniform_filter(filled, window) / np.maximum(share, 1e-3)
    below = np.clip((mean - filled) / radius, 0, 1)
    return 1 - np.float32(0.4) * below * covered
