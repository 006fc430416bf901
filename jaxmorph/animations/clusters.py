"""Films of cells: one cluster, or several side by side, with the course of an observable beside them."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.gridspec import GridSpec

from ..errors import JaxmorphError
from ..figures.numbers import plain
from ..figures.style import PALETTE, unit_of, with_unit, words
from ..quantities import unit_of_entry
from ..visualization.colours import Colouring
from ..visualization.course import Course, draw_course, draw_lines
from ..visualization.scene import draw_scene, stage
from ..visualization.trajectory import Trajectory
from .sheet import HEAD, HEIGHT, WIDTH, Sheet
from .trajectories import coloured

MOST_TRAILS = 50
"""Of more cells the trails would hide the cells."""
_MOST_PARAMETERS = 8
_SPHERE_PIXELS = 640
"""Columns of all pictures of spheres side by side: in full HD these films would take minutes."""
_EDGE, _GAP = 0.014, 0.008
_STAGE = 0.545
"""Share of the width that is for cells."""
_TITLE_LINE = 0.035


def one(dataset: xr.Dataset, shown: xr.Dataset, name: str, colour: str, observable: str | None) -> Sheet:
    """One cluster, and the course of an observable over the seeds of its sample."""
    course = _course(dataset, shown, observable)
    place = f"sample {int(shown['sample'])}, seed {int(shown['seed'])}"
    point = ", ".join(_values(shown["parameter_value"], shown.attrs))
    below = textwrap.shorten(f"{place}: {point}", 100, placeholder=" ...").replace("\xa0", " ")
    sheet = Sheet(name, below, shown["time"])
    (cells,), colouring = coloured([shown], colour)
    _draw(sheet, [cells], colouring, _unit(shown), [""])
    panels = 2 if course.gradient else 1
    grid, key = _charts(sheet, panels, colouring)
    sheet.add(draw_course([sheet.figure.add_subplot(grid[i]) for i in range(panels)], course))
    if key is not None:
        colouring.add_key_on(key)
    return sheet


def several(shown: xr.Dataset, title: str, colour: str, observable: str | None) -> Sheet:
    """One panel a sample; beside them the course of an observable in the colours of their letters."""
    ones = [shown.isel(sample=i) for i in range(shown.sizes["sample"])]
    clusters, colouring = coloured(ones, colour)
    sheet = Sheet(title, f"the same noise in all panels (seed {shown['seed'].item()})", shown["time"])
    letters = [chr(ord("a") + i) for i in range(len(ones))]
    free = [look for look in PALETTE if look.lower() not in colouring.hues] or PALETTE
    looks = [free[k % len(free)] for k in range(len(letters))]
    marks = dict(zip(letters, looks, strict=True))
    _draw(sheet, clusters, colouring, _unit(shown), titles(shown), marks)
    grid, key = _charts(sheet, 1, colouring)
    ax = sheet.figure.add_subplot(grid[0])
    observable = _chosen(shown, observable)
    value = shown["value"].sel(observable=observable).transpose("sample", "time").values
    rows = dict(zip(letters, value, strict=True))
    sheet.add(draw_lines(ax, shown["time"].values, rows, looks, unit_of_entry(shown["time"])))
    ax.set_ylabel(with_unit(words(observable, 26), unit_of(shown, "observable", observable)))
    ax.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=8, handlelength=1.0, columnspacing=0.9,
        handletextpad=0.4, borderpad=0.1,
    )  # fmt: skip
    if key is not None:
        colouring.add_key_on(key)
    return sheet


def titles(shown: xr.Dataset) -> list[str]:
    """Values of the parameters that differ between the panels, and before them the name of a stage."""
    value = shown["parameter_value"]
    differs = (value.max("sample") > value.min("sample")).values
    parts = [
        ", ".join(_values(value.isel(sample=i, parameter=differs), shown.attrs))
        for i in range(shown.sizes["sample"])
    ]
    if "stage" in shown.coords:
        return [f"{stage}: {part}" for stage, part in zip(shown["stage"].values, parts, strict=True)]
    return parts


def _values(values: xr.DataArray, attrs: dict[str, str]) -> list[str]:
    """Parameters with their values, which break over lines as one word."""
    levels = json.loads(attrs.get("levels", "{}"))
    told = []
    for name in map(str, values["parameter"].values):
        x = float(values.sel(parameter=name))
        unit = unit_of(values.to_dataset(name="value"), "parameter", name)
        number = levels[name][int(x)] if name in levels else plain(x, 2)
        measured = f" {unit}" if unit not in ("", "1") else ""
        told.append(f"{words(name)} {number}{measured}".replace(" ", "\xa0"))
    return told


def _unit(shown: xr.Dataset) -> str:
    return unit_of_entry(shown["position"])


def _draw(
    sheet: Sheet,
    clusters: list[Trajectory],
    colouring: Colouring,
    unit: str,
    heads: list[str],
    letters: dict[str, str] | None = None,
) -> None:
    """Panels on the left part of the sheet, as large as they can be; each with its letter and head."""
    columns = _columns(len(clusters))
    rows = -(-len(clusters) // columns)
    width = (_STAGE - _EDGE - (columns - 1) * _GAP) / columns
    across = int(width * 115)
    lines = [textwrap.wrap(head, across - 4, break_long_words=False)[:3] for head in heads]
    head = _TITLE_LINE * max(map(len, lines))
    height = (HEAD - 2 * _EDGE - (rows - 1) * _GAP) / rows - head
    for k, cells in enumerate(clusters):
        row, column = divmod(k, columns)
        left = _EDGE + column * (width + _GAP)
        top = HEAD - row * (height + head + _GAP) - head
        ax = sheet.figure.add_axes((left, top - height, width, height))
        if letters:
            letter, look = list(letters.items())[k]
            above: dict[str, Any] = {"va": "top", "transform": sheet.figure.transFigure}
            ax.text(left, top + head, letter, weight="bold", color=look, size=10, **above)
            told = "\n".join(lines[k]).replace("\xa0", " ")
            ax.text(left + 0.018, top + head - 0.004, told, size=8, **above)
        view = stage(ax, clusters, unit)
        n_cells, n_dim = cells.position.shape[1:]
        trails = n_dim < 3 and n_cells <= MOST_TRAILS
        pixels = min(round(ax.bbox.width), _SPHERE_PIXELS // columns)
        sheet.add(draw_scene(ax, cells, colouring, view, trails=trails, pixels=pixels, tissue=True))


def _columns(n_panels: int) -> int:
    """So that panels, which are as wide as they are high at best, are as large as can be."""
    wide, high = (_STAGE - _EDGE) * WIDTH, (HEAD - _EDGE) * HEIGHT

    def side(columns: int) -> float:
        return min(wide / columns, high / -(-n_panels // columns))

    return max(range(1, n_panels + 1), key=side)


def _charts(sheet: Sheet, n: int, colouring: Colouring) -> tuple[GridSpec, Axes | None]:
    """Places for charts on the right, and below them for the key of the colours if they need one."""
    if not colouring.needs_key:
        return sheet.beside(_STAGE + 0.01, n), None
    grid = sheet.beside(_STAGE + 0.01, n + 1, height_ratios=[1.0] * n + [0.07 * n])
    return grid, sheet.figure.add_subplot(grid[n])


def _chosen(dataset: xr.Dataset, observable: str | None) -> str:
    known = [str(name) for name in dataset["observable"].values]
    if observable is not None and observable not in known:
        raise JaxmorphError(f"there is no observable {observable}; known: {', '.join(known)}")
    return observable or known[0]


def _course(dataset: xr.Dataset, shown: xr.Dataset, observable: str | None) -> Course:
    """The seeds of the sample that is shown."""
    observable = _chosen(dataset, observable)
    seeds = dataset.sel(sample=shown["sample"].item(), observable=observable)
    name = words(observable)
    gradient, label = _gradient(dataset, shown, seeds, name) if "gradient" in dataset else ({}, "")
    return Course(
        time=seeds["time"].values,
        value=seeds["value"].transpose("seed", "time").values,
        gradient=gradient,
        name=name,
        unit=unit_of(dataset, "observable", observable),
        time_unit=unit_of_entry(dataset["time"]),
        shown=int(np.flatnonzero(seeds["seed"].values == shown["seed"].item())[0]),
        gradient_label=label,
    )


def _gradient(
    dataset: xr.Dataset, shown: xr.Dataset, seeds: xr.Dataset, name: str
) -> tuple[dict[str, np.ndarray], str]:
    """The largest derivatives (seed, time) by parameter, and what they are."""
    gradient = seeds["gradient"].transpose("parameter", "seed", "time")
    # There is none by a discrete parameter.
    gradient = gradient[gradient.notnull().any(("seed", "time")).values]
    parameters = [str(p) for p in gradient["parameter"].values]
    value = shown["parameter_value"].sel(parameter=parameters).values
    # Parameters have different units: times their values, derivatives are in that of the observable.
    factor = np.ones(1) if len(parameters) == 1 else value
    scaled = factor[:, None, None] * gradient.values
    largest = np.argsort(-np.nanmax(np.abs(np.nanmean(scaled, axis=1)), axis=-1, initial=0))
    chosen = sorted(largest[:_MOST_PARAMETERS])
    aside = f"\n({dataset.attrs['estimator']}, biased)" if "gradient_bias" in dataset.attrs else ""
    text = "parameter × derivative"
    if len(parameters) == 1:
        text = textwrap.fill(f"d {name} / d {words(parameters[0])}", 30)
    return {parameters[i]: scaled[i] for i in chosen}, text + aside
