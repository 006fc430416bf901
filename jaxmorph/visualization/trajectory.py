"""A trajectory of cells as arrays: what is where at any time, recorded or between."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np

_TRAIL = 0.3
"""Length of a trail, as a share of the whole time."""


def plane(position: np.ndarray) -> np.ndarray:
    """The first two coordinates; a one-dimensional space lies on the x axis."""
    if position.shape[-1] == 1:
        return np.concatenate([position, np.zeros_like(position)], axis=-1)
    return position[..., :2]


@dataclasses.dataclass
class Trajectory:
    """Cells over time; slots that are dead or not finite are not alive.

    Attributes:
        time: Recorded times, (time,).
        position: (time, cell, dim).
        radius: (time, cell).
        celltype: (time, cell, type); rows that sum to 0 are dead.
        value: What the cells are coloured by, (time, cell).
        vector: An arrow a cell, (time, cell, dim), or None.
        blend: Whether values between two times are in between, too.
    """

    time: np.ndarray
    position: np.ndarray
    radius: np.ndarray
    celltype: np.ndarray
    value: np.ndarray
    vector: np.ndarray | None = None
    blend: bool = True

    def __post_init__(self) -> None:
        usable = np.isfinite(self.position).all(-1) & np.isfinite(self.radius)
        self.alive = usable & (self.celltype.sum(-1) > 0)
        self.position, self.radius = np.nan_to_num(self.position), np.nan_to_num(self.radius)
        self.steady = self.alive[1:] & self.alive[:-1] & ~self._jumps()

    @classmethod
    def of_state(cls, state: Any, value: np.ndarray, vector: np.ndarray | None = None) -> Trajectory:
        """Of a state, or of a trajectory of states, numbered from 0."""
        position = np.asarray(state.position, float)
        if position.ndim == 2:
            return cls.of_state(
                SimpleNamespace(
                    **{
                        f: np.asarray(getattr(state, f))[None]
                        for f in ("position", "radius", "celltype")
                    }
                ),
                value[None],
                None if vector is None else vector[None],
            )
        n_times, n_cells = position.shape[:2]
        radius = np.asarray(state.radius, float).reshape(n_times, n_cells)
        return cls(np.arange(n_times), position, radius, np.asarray(state.celltype), value, vector)

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end, in each dimension, of all that the cells ever cover."""
        n_dim = max(self.position.shape[-1], 2)
        if not self.alive.any():
            return np.zeros(n_dim), np.ones(n_dim)
        position = self.position if n_dim == self.position.shape[-1] else plane(self.position)
        centre, radius = position[self.alive], self.radius[self.alive][:, None]
        return (centre - radius).min(0), (centre + radius).max(0)

    def arrows(self) -> tuple[float, float]:
        """The longest vector of a living cell, and how long a vector of length 1 is drawn.

        The longest arrow is 2.5 typical radii long.
        """
        assert self.vector is not None
        length = np.linalg.norm(self.vector, axis=-1)[self.alive]
        longest = float(np.nanmax(length, initial=0.0))
        typical = float(np.median(self.radius[self.alive])) if length.size else 1.0
        return longest, 2.5 * typical / longest if longest > 0 and typical > 0 else 1.0

    def tips(self) -> np.ndarray:
        """Where the arrows of living cells end, (tip, dim); no tips without arrows."""
        if self.vector is None:
            return np.zeros((0, self.position.shape[-1]))
        tips = (self.position + self.arrows()[1] * self.vector)[self.alive]
        return tips[np.isfinite(tips).all(-1)]

    def _jumps(self) -> np.ndarray:
        """(time - 1, cell): moves of more than half the view, as through a periodic boundary."""
        low, high = self.limits()
        step = np.linalg.norm(np.diff(self.position, axis=0), axis=-1)
        return step > 0.5 * float((high - low).max())

    def before(self, now: float) -> tuple[int, float]:
        """The last record at or before a time, and the share of the way to the next one."""
        i = max(int(np.searchsorted(self.time, now, side="right")) - 1, 0)
        if i + 1 >= len(self.time):
            return i, 0.0
        return i, float((now - self.time[i]) / (self.time[i + 1] - self.time[i]))

    def at(self, now: float) -> SimpleNamespace:
        """The state at a model time; a cell that jumps, appears or dies stays where it was."""
        i, share = self.before(now)
        names = ("position", "radius", "celltype", "alive", "value", "vector")
        arrays = {name: getattr(self, name) for name in names}
        state = SimpleNamespace(**{n: None if a is None else a[i] for n, a in arrays.items()})
        if share > 0:
            part = np.where(self.steady[i], share, 0.0)
            moving = ["position", "radius", "vector"] + ["value"] * self.blend
            for name in moving:
                if (array := arrays[name]) is not None:
                    weight = part.reshape(-1, *[1] * (array.ndim - 2))
                    between = np.where(weight > 0, weight * (array[i + 1] - array[i]), 0)
                    setattr(state, name, array[i] + between)
        return state

    def trails(self, now: float) -> tuple[np.ndarray, np.ndarray]:
        """One broken line (x, y) through where every cell was lately, and is."""
        since = now - _TRAIL * (self.time[-1] - self.time[0])
        chosen = (self.time >= since) & (self.time < now)
        goes_on = np.concatenate([self.alive[:1], self.steady])[chosen]
        past = np.where(goes_on[..., None], plane(self.position)[chosen], np.nan)
        state = self.at(now)
        here = np.where(state.alive[:, None], plane(state.position), np.nan)
        gap = np.full((1, len(state.alive), 2), np.nan)
        line = np.concatenate([past, here[None], gap]).swapaxes(0, 1).reshape(-1, 2)
        return line[:, 0], line[:, 1]


def shapes_of(state: Any) -> str:
    """What the fields of a state to draw are shaped like, and what those of this one are."""
    position, celltype, radius = (np.shape(x) for x in (state.position, state.celltype, state.radius))
    return (
        "a state to draw has position (cell, dim), celltype (cell, type) and radius (cell, 1), "
        f"got {position}, {celltype} and {radius}"
    )
