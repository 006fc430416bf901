"""Films of a run: cells that move and grow, and the corners of parameter space side by side.

A film is an MP4 (H.264) that plays in a browser's page, bit-identical when made again. Between
recorded times positions, radii and what colours the cells are interpolated linearly, so that the eye can
follow. A study without cells has the courses of its observables drawn instead.
"""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Sequence

import imageio_ffmpeg
import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text

from .errors import JaxmorphError
from .figures.numbers import plain
from .figures.style import PALETTE, few_ticks, label, style, unit_of, with_unit, words
from .quantities import unit_of_entry
from .visualization.cells import make_figure
from .visualization.colours import Colour, Colouring, column, name_and_column
from .visualization.course import Course, draw_course
from .visualization.film import FRAMES_PER_SECOND, Update, write_film
from .visualization.scene import draw_scene, frame, together
from .visualization.trajectory import Trajectory

MOVING_FRAMES, RESTING_FRAMES = 110, 20
MOST_PANELS = 16
MOST_TRAILS = 50
"""Of more cells the trails would hide the cells."""
_MOST_PARAMETERS = 8
_CONTROLS = 0.08
"""Share of the height that a browser lays its controls over."""


def cells_animation(
    dataset: xr.Dataset,
    path: str | os.PathLike[str],
    sample: int | None = None,
    seed: int | None = None,
    colour: str = "type",
    observable: str | None = None,
) -> None:
    """Write the film of one stored trajectory: cells to scale, up to 50 in the plane with trails.

    Args:
        dataset: a batch (``docs/data.md``). Without ``position`` and ``radius`` the film shows the
            courses of the observables for the first sample's seeds.
        path: the MP4 to write.
        sample: which of the stored samples; default: the first.
        seed: which of the stored seeds; default: the first.
        colour: by what cells are coloured: ``type``, a state variable (one of several columns as
            ``chemical[0]``; of a vector in space, its length).
        observable: draw its course and its sensitivities beside the cells.

    Raises:
        JaxmorphError: there is no such trajectory, state variable or observable.
    """
    with style():
        if not _has_cells(dataset):
            figure, artists, update = _courses(dataset["value"].isel(sample=0), "seed")
        else:
            one = _stored(dataset, sample, seed)
            course = None if observable is None else _course(dataset, one, observable)
            figure, artists, update = _one_cluster(one, colour, course)
        _film(figure, artists, update, dataset["time"].values, path)


def corners_animation(corners: xr.Dataset, path: str | os.PathLike[str], colour: str = "type") -> None:
    """Write the film of the corners of parameter space: same seed, axes and colours, one panel a corner.

    Args:
        corners: a ``corners.nc``; at most its first 16 corners are shown. Without cells the film
            shows the courses of the observables, one line a corner.
        path: the MP4 to write.
        colour: see ``cells_animation``.
    """
    with style():
        if _has_cells(corners):
            shown = corners.isel(seed=0, sample=slice(MOST_PANELS))
            figure, artists, update = _clusters(shown, colour)
        else:
            value = corners["value"].isel(seed=0).isel(sample=slice(MOST_PANELS))
            figure, artists, update = _courses(value, "sample")
        _film(figure, artists, update, corners["time"].values, path)


def before_and_after_animation(
    cells: xr.Dataset, path: str | os.PathLike[str], colour: str = "type"
) -> None:
    """Write the film of an optimisation: as ``corners_animation``, each panel named before or after.

    Args:
        cells: an ``optimisation_cells.nc``.
        path: the MP4 to write.
        colour: see ``cells_animation``.
    """
    with style():
        if _has_cells(cells):
            figure, artists, update = _clusters(
                cells.isel(seed=0), colour, [str(name) for name in cells["stage"].values]
            )
        else:
            figure, artists, update = _courses(cells["value"].isel(seed=0), "sample")
        _film(figure, artists, update, cells["time"].values, path)


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


def _has_trails(cells: Trajectory) -> bool:
    n_cells, n_dim = cells.position.shape[1:]
    return bool(n_dim < 3 and n_cells <= MOST_TRAILS)


def _prepare(ones: Sequence[xr.Dataset], colour: str) -> tuple[list[Trajectory], Colouring]:
    """Trajectories with what colours their cells, and the colours, the same for all of them."""
    about = _colour(ones[0], colour)
    by_type = name_and_column(colour)[0] in ("type", "celltype")
    cells = [trajectory_of(one, None if by_type else colour) for one in ones]
    if by_type:
        colouring = Colouring.of_types(cells[0].celltype.shape[-1])
    else:
        values, alive = (np.stack([getattr(c, n) for c in cells]) for n in ("value", "alive"))
        colouring = Colouring(values, alive, about, about.label or colour)
    for one in cells:
        one.blend = not colouring.categorical
    return cells, colouring


def _colour(one: xr.Dataset, colour: str) -> Colour:
    """What the file says of a state variable."""
    name = name_and_column(colour)[0]
    attrs = one[name].attrs if name in one else {}
    return Colour(
        colour,
        label=words(colour) + (" (length)" if name in one and "space" in one[name].dims else ""),
        unit=unit_of_entry(one[name]) if name in one else "1",
        categorical=bool(attrs.get("categorical", False)),
    )


def trajectory_of(one: xr.Dataset, colour: str | None = None) -> Trajectory:
    """One trajectory of a batch, its cells with the values of a state variable, or with their types."""
    time = one["time"].values
    shape = len(time), one.sizes["cell"]

    def array(name: str, *more: int) -> np.ndarray:
        return one[name].transpose("time", "cell", ...).values.reshape(*shape, *more)

    celltype = array("celltype", -1) if "celltype" in one else np.ones((*shape, 1))
    if colour is None:
        value = celltype.argmax(-1)
    else:
        name, index = name_and_column(colour)
        if name in one and "space" in one[name].dims and index is None:
            value = np.linalg.norm(array(name, -1), axis=-1)
        else:
            fields = {n: one[n].transpose("time", "cell", ...).values for n in _cell_variables(one)}
            value = column(colour, {**fields, "celltype": celltype})
    return Trajectory(time, array("position", -1), array("radius"), celltype, value)


def _cell_variables(one: xr.Dataset) -> list[str]:
    return [str(n) for n, v in one.data_vars.items() if {"time", "cell"} <= set(v.dims)]


def _course(dataset: xr.Dataset, one: xr.Dataset, observable: str) -> Course:
    """The seeds of the sample that is shown."""
    known = [str(name) for name in dataset["observable"].values]
    if observable not in known:
        raise JaxmorphError(f"there is no observable {observable}; known: {', '.join(known)}")
    seeds = dataset.sel(sample=one["sample"].item(), observable=observable)
    gradient = seeds["gradient"].transpose("parameter", "seed", "time")
    # There is none by a discrete parameter.
    gradient = gradient[gradient.notnull().any(("seed", "time")).values]
    parameters = [str(name) for name in gradient["parameter"].values]
    value = one["parameter_value"].sel(parameter=parameters).values
    # Parameters have different units: times their values, derivatives are in that of the observable.
    factor = np.ones(1) if len(parameters) == 1 else value
    scaled = factor[:, None, None] * gradient.values
    largest = np.argsort(-np.nanmax(np.abs(np.nanmean(scaled, axis=1)), axis=-1, initial=0))
    chosen = sorted(largest[:_MOST_PARAMETERS])
    name = words(observable)
    aside = f"\n({dataset.attrs['estimator']}, biased)" if "gradient_bias" in dataset.attrs else ""
    return Course(
        time=seeds["time"].values,
        value=seeds["value"].transpose("seed", "time").values,
        gradient={parameters[i]: scaled[i] for i in chosen},
        name=name,
        unit=unit_of(dataset, "observable", observable),
        time_unit=unit_of_entry(dataset["time"]),
        shown=int(np.flatnonzero(seeds["seed"].values == one["seed"].item())[0]),
        gradient_label=textwrap.fill(
            f"d {name} / d {words(parameters[0])}"
            if len(parameters) == 1
            else f"parameter × d {name} / d parameter",
            30,
        )
        + aside,
    )


def _one_cluster(
    one: xr.Dataset, colour: str, course: Course | None
) -> tuple[Figure, list[Artist], Update]:
    figure, ax, axes = make_figure(beside=course is not None, room_below=_CONTROLS)
    (cells,), colouring = _prepare([one], colour)
    view = frame(ax, [cells])
    ax.set_title(f"sample {int(one['sample'])}, seed {int(one['seed'])}", loc="right", fontsize=8)
    artists, update = draw_scene(ax, cells, colouring, view, trails=_has_trails(cells))
    colouring.add_key(ax)
    updates = [update]
    if course is not None:
        more, follow = draw_course(axes, course)
        artists += more
        updates.append(follow)
    clock = ax.text(0, 1.01, "", transform=ax.transAxes, fontsize=9)
    return figure, [*artists, clock], together([*updates, _ticking(clock)])


def _clusters(
    corners: xr.Dataset, colour: str, heads: Sequence[str] | None = None
) -> tuple[Figure, list[Artist], Update]:
    """One panel a corner; a title has its head, if there is one, above the parameters' values."""
    ones = [corners.isel(sample=i) for i in range(corners.sizes["sample"])]
    clusters, colouring = _prepare(ones, colour)
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
        view = frame(ax, clusters)
        if view is None:
            ax.label_outer()
        ax.set_title(title, fontsize=7.5)
        cells, update = draw_scene(ax, cluster, colouring, view, trails=_has_trails(cluster))
        artists += cells
        updates.append(update)
    for ax in panels.flat[len(clusters) :]:
        ax.remove()
    if not colouring.categorical:
        colouring.add_key(*panels[:, -1])
    clock = figure.text(0.01, 0.995, "", fontsize=9, va="top")
    figure.suptitle(" ", fontsize=9)
    return figure, [*artists, clock], together([*updates, _ticking(clock)])


def _corner_titles(corners: xr.Dataset) -> list[str]:
    """Values of the parameters that differ between the corners."""
    value = corners["parameter_value"]
    differs = value.max("sample") > value.min("sample")
    names = [str(name) for name in value["parameter"].values[differs.values]]
    levels = json.loads(corners.attrs.get("levels", "{}"))
    titles = []
    for i in range(corners.sizes["sample"]):
        row = {n: float(value.isel(sample=i).sel(parameter=n)) for n in names}
        called = {n: levels[n][int(x)] if n in levels else plain(x, 2) for n, x in row.items()}
        parts = [f"{words(n)} {called[n]}".replace(" ", "\xa0") for n in names]
        titles.append(textwrap.fill(", ".join(parts), 30, break_long_words=False))
    return [title.replace("\xa0", " ") for title in titles]


def _layout() -> ConstrainedLayoutEngine:
    """Room for titles between rows, and at the lower edge for what a browser lays over a film."""
    return ConstrainedLayoutEngine(rect=(0, _CONTROLS, 1, 1 - _CONTROLS), h_pad=0.09)


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
        title = label(value.to_dataset(name="value"), "observable", observable)
        ax.set(xlabel=with_unit("time", unit_of_entry(value["time"])), title=title)
        few_ticks(ax, "x", 3)
        few_ticks(ax, "y", 4)
    for ax in panels.flat[len(observables) :]:
        ax.remove()
    if names := [
        words(str(v)) for n in ("corner", "stage") if n in value.coords for v in value[n].values
    ]:
        first = [drawn for drawn, _ in lines[: value.sizes[line]]]
        figure.legend(first, names, loc="outside upper center", ncols=2, fontsize=7)

    def update(now: float) -> None:
        past = time <= now
        for drawn, course in lines:
            here = np.interp(now, time, course)
            drawn.set_data(np.append(time[past], now), np.append(course[past], here))

    return figure, [drawn for drawn, _ in lines], update


def _ticking(clock: Text) -> Update:
    return lambda now: clock.set_text(f"time {plain(now)}")


def _film(
    figure: Figure, artists: list[Artist], update: Update, time: np.ndarray, path: str | os.PathLike[str]
) -> None:
    moments = np.linspace(time[0], time[-1], MOVING_FRAMES).tolist() + [time[-1]] * RESTING_FRAMES
    write_film(figure, artists, update, moments, path)
