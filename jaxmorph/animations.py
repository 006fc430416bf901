"""Films of a run: cells that move and grow, and the corners of parameter space side by side.

A film is an MP4 (H.264) that plays in a browser's page, bit-identical when made again. Between
recorded times positions and radii are interpolated linearly, so that the eye can follow. A study
without cells has the courses of its observables drawn instead.
"""

from __future__ import annotations

import os
import subprocess
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import imageio_ffmpeg
import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text

from jaxmorph.atomic import written_aside
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures.numbers import plain
from jaxmorph.figures.style import PALETTE, few_ticks, style, words
from jaxmorph.visualization import CELL_COLOURS, plane, update_circles

FRAMES_PER_SECOND = 20
MOVING_FRAMES, RESTING_FRAMES = 110, 20
MOST_PANELS = 16
_DPI = 120
_TRAIL = 0.3
"""Length of a trail, as a share of the whole time."""
_X264 = [
    "-crf", "23", "-preset", "medium", "-threads", "1", "-fflags", "+bitexact", "-flags:v",
    "+bitexact", "-map_metadata", "-1", "-movflags", "+faststart",
]  # fmt: skip

Update = Callable[[float], None]
"""Shows the state at one model time."""


def cells_animation(
    dataset: xr.Dataset,
    path: str | os.PathLike[str],
    sample: int | None = None,
    seed: int | None = None,
) -> None:
    """Write the film of one stored trajectory: cells to scale, coloured by type, with trails.

    Args:
        dataset: a batch (``docs/data.md``). Without ``position`` and ``radius`` the film shows the
            courses of the observables for the first sample's seeds.
        path: the MP4 to write.
        sample: which of the stored samples; default: the first.
        seed: which of the stored seeds; default: the first.

    Raises:
        JaxmorphError: there is no such trajectory.
    """
    with style():
        if not _has_cells(dataset):
            figure, artists, update = _courses(dataset["value"].isel(sample=0), "seed")
        else:
            figure, artists, update = _one_cluster(_stored(dataset, sample, seed))
        _film(figure, artists, update, dataset["time"].values, Path(path))


def corners_animation(corners: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write the film of the corners of parameter space: same seed, same axes, one panel a corner.

    Args:
        corners: a ``corners.nc``; at most its first 16 corners are shown. Without cells the film
            shows the courses of the observables, one line a corner.
        path: the MP4 to write.
    """
    with style():
        if _has_cells(corners):
            shown = corners.isel(seed=0, sample=slice(MOST_PANELS))
            figure, artists, update = _clusters(shown)
        else:
            value = corners["value"].isel(seed=0).isel(sample=slice(MOST_PANELS))
            figure, artists, update = _courses(value, "sample")
        _film(figure, artists, update, corners["time"].values, Path(path))


def before_and_after_animation(cells: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write the film of an optimisation: as ``corners_animation``, each panel named before or after.

    Args:
        cells: an ``optimisation_cells.nc``.
        path: the MP4 to write.
    """
    with style():
        if _has_cells(cells):
            figure, artists, update = _clusters(
                cells.isel(seed=0), [str(name) for name in cells["corner"].values]
            )
        else:
            figure, artists, update = _courses(cells["value"].isel(seed=0), "sample")
        _film(figure, artists, update, cells["time"].values, Path(path))


def poster(path: str | os.PathLike[str]) -> bytes:
    """The last frame of a film, as the bytes of a PNG."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-sseof", f"{-2 / FRAMES_PER_SECOND}",
        "-i", os.fspath(path), "-frames:v", "1", "-c:v", "png", "-f", "image2pipe", "-",
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True).stdout


def _stored(dataset: xr.Dataset, sample: int | None, seed: int | None) -> xr.Dataset:
    """One stored trajectory; of those that fit, the first."""
    stored = dataset["trajectory_stored"]
    numbers = {"sample": stored["sample"].values, "seed": stored["seed"].values}
    pairs = [(int(numbers["sample"][i]), int(numbers["seed"][j])) for i, j in np.argwhere(stored.values)]
    for s, r in pairs:
        if sample in (None, s) and seed in (None, r):
            return dataset.sel(sample=s, seed=r)
    raise JaxmorphError(
        f"there is no trajectory of sample {sample}, seed {seed}: the batch stores "
        + ", ".join(f"sample {s} seed {r}" for s, r in pairs)
    )


def _has_cells(dataset: xr.Dataset) -> bool:
    return {"position", "radius"} <= set(dataset) and "cell" in dataset["position"].dims


class _Cluster:
    """One trajectory of cells: what is where at any time, recorded or between."""

    def __init__(self, one: xr.Dataset) -> None:
        self.time = one["time"].values
        shape = len(self.time), one.sizes["cell"]
        position = one["position"].transpose("time", "cell", ...).values.reshape(*shape, -1)
        radius = one["radius"].transpose("time", "cell", ...).values.reshape(shape)
        celltype = np.ones((*shape, 1))
        if "celltype" in one:
            celltype = one["celltype"].transpose("time", "cell", ...).values.reshape(*shape, -1)
        usable = np.isfinite(position).all(-1) & np.isfinite(radius)
        self.alive = usable & (celltype.sum(-1) > 0)
        self.position, self.radius = np.nan_to_num(position), np.nan_to_num(radius)
        self.celltype = np.where(self.alive[..., None], celltype, 0.0)
        self.steady = self.alive[1:] & self.alive[:-1] & ~self._jumps()

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower left and upper right end of all that the cells ever cover."""
        if not self.alive.any():
            return np.zeros(2), np.ones(2)
        centre = plane(self.position)[self.alive]
        radius = self.radius[self.alive][:, None]
        return (centre - radius).min(0), (centre + radius).max(0)

    def _jumps(self) -> np.ndarray:
        """(time - 1, cell): moves of more than half the view, as through a periodic boundary."""
        low, high = self.limits()
        step = np.linalg.norm(np.diff(plane(self.position), axis=0), axis=-1)
        return step > 0.5 * float((high - low).max())

    def at(self, now: float) -> SimpleNamespace:
        """The state at a model time; a cell that jumps, appears or dies stays where it was."""
        i = max(int(np.searchsorted(self.time, now, side="right")) - 1, 0)
        state = SimpleNamespace(
            position=self.position[i], radius=self.radius[i], celltype=self.celltype[i]
        )
        if i + 1 < len(self.time):
            share = (now - self.time[i]) / (self.time[i + 1] - self.time[i])
            share = np.where(self.steady[i], share, 0.0)
            step = self.position[i + 1] - self.position[i]
            state.position = self.position[i] + share[:, None] * step
            state.radius = self.radius[i] + share * (self.radius[i + 1] - self.radius[i])
        return state

    def trails(self, now: float) -> tuple[np.ndarray, np.ndarray]:
        """One broken line (x, y) through where every cell was lately, and is."""
        since = now - _TRAIL * (self.time[-1] - self.time[0])
        chosen = (self.time >= since) & (self.time < now)
        goes_on = np.concatenate([self.alive[:1], self.steady])[chosen]
        past = np.where(goes_on[..., None], plane(self.position)[chosen], np.nan)
        state = self.at(now)
        alive = state.celltype.sum(-1) > 0
        here = np.where(alive[:, None], plane(state.position), np.nan)
        gap = np.full((1, len(alive), 2), np.nan)
        line = np.concatenate([past, here[None], gap]).swapaxes(0, 1).reshape(-1, 2)
        return line[:, 0], line[:, 1]


def _draw_cluster(ax: Axes, cluster: _Cluster) -> tuple[list[Artist], Update]:
    none = np.zeros(0)
    cells = EllipseCollection(
        none,
        none,
        none,
        units="xy",
        offsets=np.zeros((0, 2)),
        offset_transform=ax.transData,
        alpha=0.8,
        edgecolor="black",
        linewidth=0.5,
    )
    ax.add_collection(cells)
    trail = ax.plot([], [], color="black", lw=0.6, alpha=0.7)[0]

    def update(now: float) -> None:
        state = cluster.at(now)
        colours = CELL_COLOURS(state.celltype.argmax(-1) % CELL_COLOURS.N)
        update_circles(cells, state, colours)
        trail.set_data(*cluster.trails(now))

    return [cells, trail], update


def _layout() -> ConstrainedLayoutEngine:
    """Room at the lower edge for the controls that a browser lays over a film."""
    return ConstrainedLayoutEngine(rect=(0, 0.08, 1, 0.92))


def _one_cluster(one: xr.Dataset) -> tuple[Figure, list[Artist], Update]:
    figure = Figure(figsize=(4.5, 4.7), layout=_layout())
    ax = figure.subplots()
    cluster = _Cluster(one)
    _frame(ax, [cluster])
    ax.set(xlabel="x", ylabel="y")
    ax.set_title(f"sample {int(one['sample'])}, seed {int(one['seed'])}", loc="right", fontsize=8)
    _type_legend(ax, cluster)
    cells, update = _draw_cluster(ax, cluster)
    clock = ax.text(0, 1.01, "", transform=ax.transAxes, fontsize=9)
    return figure, [*cells, clock], _together([update, _ticking(clock)])


def _clusters(
    corners: xr.Dataset, heads: Sequence[str] | None = None
) -> tuple[Figure, list[Artist], Update]:
    """One panel a corner; a title has its head, if there is one, above the parameters' values."""
    clusters = [_Cluster(corners.isel(sample=i)) for i in range(corners.sizes["sample"])]
    titles = _corner_titles(corners)
    if heads is not None:
        titles = [f"{head}\n{title}" for head, title in zip(heads, titles, strict=True)]
    n_columns = int(np.ceil(np.sqrt(len(clusters))))
    n_rows = -(-len(clusters) // n_columns)
    lines = max(title.count("\n") + 1 for title in titles)
    size = 2.4 if n_columns <= 3 else 2.0
    figure = Figure(figsize=(size * n_columns, (size + 0.14 * lines) * n_rows + 0.3), layout=_layout())
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    artists: list[Artist] = []
    updates: list[Update] = []
    for ax, cluster, title in zip(panels.flat, clusters, titles, strict=False):
        _frame(ax, clusters)
        ax.set(xlabel="x", ylabel="y")
        ax.label_outer()
        ax.set_title(title, fontsize=7.5)
        cells, update = _draw_cluster(ax, cluster)
        artists += cells
        updates.append(update)
    for ax in panels.flat[len(clusters) :]:
        ax.remove()
    clock = figure.text(0.01, 0.995, "", fontsize=9, va="top")
    figure.suptitle(" ", fontsize=9)
    return figure, [*artists, clock], _together([*updates, _ticking(clock)])


def _corner_titles(corners: xr.Dataset) -> list[str]:
    """Values of the parameters that differ between the corners."""
    value = corners["parameter_value"]
    differs = value.max("sample") > value.min("sample")
    names = [str(name) for name in value["parameter"].values[differs.values]]
    titles = []
    for i in range(corners.sizes["sample"]):
        row = value.isel(sample=i)
        parts = [
            f"{words(n)} {plain(float(row.sel(parameter=n)), 2)}".replace(" ", "\xa0") for n in names
        ]
        titles.append(textwrap.fill(", ".join(parts), 30, break_long_words=False))
    return [title.replace("\xa0", " ") for title in titles]


def _frame(ax: Axes, clusters: Sequence[_Cluster]) -> None:
    """A square view that holds all clusters at all times."""
    ends = [cluster.limits() for cluster in clusters]
    low, high = np.min([e[0] for e in ends], axis=0), np.max([e[1] for e in ends], axis=0)
    half = 0.53 * max(float((high - low).max()), 1e-12)
    middle = (low + high) / 2
    ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    ax.set_aspect("equal", "box")
    for which in "xy":
        few_ticks(ax, which, 4)


def _type_legend(ax: Axes, cluster: _Cluster) -> None:
    n_types = cluster.celltype.shape[-1]
    if n_types < 2:
        return
    dot: dict[str, Any] = {"marker": "o", "ls": "", "mec": "black", "mew": 0.5}
    handles = [
        Line2D([], [], color=CELL_COLOURS(k % CELL_COLOURS.N), label=f"type {k}", **dot)
        for k in range(n_types)
    ]
    ax.figure.legend(handles=handles, loc="outside lower center", ncols=min(n_types, 6))


def _courses(value: xr.DataArray, line: str) -> tuple[Figure, list[Artist], Update]:
    """Observables (panels) over time, one line a seed or a corner, drawn as time goes by."""
    value = value.isel({line: slice(MOST_PANELS)}).transpose(line, "time", "observable")
    time, observables = value["time"].values, [str(o) for o in value["observable"].values]
    n_columns = min(3, len(observables))
    n_rows = -(-len(observables) // n_columns)
    figure = Figure(figsize=(2.4 * max(n_columns, 2), 2.0 * n_rows + 0.6), layout=_layout())
    panels = figure.subplots(n_rows, n_columns, squeeze=False)
    lines: list[tuple[Line2D, np.ndarray]] = []
    for ax, observable in zip(panels.flat, observables, strict=False):
        block = value.sel(observable=observable).values
        for k, course in enumerate(block):
            look = {"color": PALETTE[k % len(PALETTE)], "marker": "o" if len(time) == 1 else None}
            drawn = ax.plot(time, course, lw=1, ms=4, **look)[0]
            lines.append((drawn, course))
        ax.set(xlabel="time", title=words(observable))
        few_ticks(ax, "x", 3)
        few_ticks(ax, "y", 4)
    for ax in panels.flat[len(observables) :]:
        ax.remove()
    if "corner" in value.coords:
        first = [drawn for drawn, _ in lines[: value.sizes[line]]]
        names = [words(str(c)) for c in value["corner"].values]
        figure.legend(first, names, loc="outside lower center", ncols=2, fontsize=7)

    def update(now: float) -> None:
        past = time <= now
        for drawn, course in lines:
            here = np.interp(now, time, course)
            drawn.set_data(np.append(time[past], now), np.append(course[past], here))

    return figure, [drawn for drawn, _ in lines], update


def _ticking(clock: Text) -> Update:
    return lambda now: clock.set_text(f"time {plain(now)}")


def _together(updates: Sequence[Update]) -> Update:
    def update(now: float) -> None:
        for one in updates:
            one(now)

    return update


def _film(figure: Figure, artists: list[Artist], update: Update, time: np.ndarray, path: Path) -> None:
    """Draw the still part once, the moving artists a frame, and encode; whole or absent."""
    figure.set_dpi(_DPI)
    width, height = np.ceil(figure.get_size_inches() * _DPI / 2) * 2 / _DPI  # H.264: even sizes
    figure.set_size_inches(width, height)
    canvas = FigureCanvasAgg(figure)
    for artist in artists:
        artist.set_animated(True)
    canvas.draw()
    still = canvas.copy_from_bbox(figure.bbox)
    moments = np.linspace(time[0], time[-1], MOVING_FRAMES).tolist() + [time[-1]] * RESTING_FRAMES
    with written_aside(path) as aside:
        writer = imageio_ffmpeg.write_frames(
            os.fspath(aside), canvas.get_width_height(), pix_fmt_in="rgba", fps=FRAMES_PER_SECOND,
            codec="libx264", quality=None, macro_block_size=2, output_params=_X264,
        )  # fmt: skip
        writer.send(None)
        for now in moments:
            canvas.restore_region(still)
            update(float(now))
            for artist in artists:
                figure.draw_artist(artist)
            writer.send(bytes(canvas.buffer_rgba()))
        writer.close()
