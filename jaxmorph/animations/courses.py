"""Films of a study without cells: its observables over time, one line a seed or a corner."""

from __future__ import annotations

import xarray as xr

from ..figures.style import label, line_styles, words
from ..quantities import unit_of_entry
from ..visualization.course import draw_lines
from .sheet import Sheet

MOST_COURSES = 12
"""Panels of more would be too small to read."""


def sheet(dataset: xr.Dataset, line: str, title: str, below: str) -> Sheet:
    """Panels of the first observables; lines along ``line``, which is ``seed`` or ``sample``."""
    observables = [str(o) for o in dataset["observable"].values]
    if len(observables) > MOST_COURSES:
        below = f"{below}; the first {MOST_COURSES} of {len(observables)} observables"
    page = Sheet(title, below, dataset["time"])
    n = min(len(observables), MOST_COURSES)
    n_columns = {1: 1, 2: 2, 4: 2}.get(n, 3 if n <= 9 else 4)
    rows = -(-n // n_columns)
    called = [dataset[c].values for c in ("corner", "stage") if c in dataset.coords]
    names = [words(str(name)) for some in called for name in some]
    lines = names or [f"{line} {number}" for number in dataset[line].values]
    looks = [look["color"] for look in line_styles(lines).values()]
    grid = page.beside(0.012, rows, n_columns)
    for k, observable in enumerate(observables[:n]):
        ax = page.figure.add_subplot(grid[k // n_columns, k % n_columns])
        value = dataset["value"].sel(observable=observable).transpose(line, "time").values
        rows_of = dict(zip(lines, value, strict=True))
        page.add(draw_lines(ax, dataset["time"].values, rows_of, looks, unit_of_entry(dataset["time"])))
        ax.set_title(label(dataset, "observable", observable))
        if k // n_columns < rows - 1 and k + n_columns < n:
            ax.set_xlabel("")
    if names:
        handles, _ = page.figure.axes[0].get_legend_handles_labels()
        page.figure.legend(handles, lines, loc="outside lower center", ncols=min(len(lines), 4))
    return page
