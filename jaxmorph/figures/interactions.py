"""What parameters explain alone and in pairs, one matrix an observable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import few, panels, style
from .entry import Entry
from .tables import column, interval, tidy

ENTRY = Entry(
    place=35,
    title="Which parameters act together",
    reading="One panel an observable, at {{ when }}: shares of its variance over the design, noise "
    "removed. On the diagonal what each parameter explains alone (first-order index); beside it what "
    "two explain together and neither alone (second-order index). What is left to 1 is of three and "
    "more. Shares below 0.005 are not written.",
    variables=("sobol_second", "sobol_first", "expansion_second", "expansion_first"),
    needs=("sobol_second",),
)

_OF_ROWS = "sobol_closed_of_pair"
"""Where a design has it, its second-order indices are its own."""
_MANY = 4
"""Matrices of more parameters stand in two columns."""
_SHOWN = 0.005
"""Smaller shares are not written: most are 0."""


def shown(sensitivity: xr.Dataset) -> list[str]:
    """Second-order indices, and first-order ones of the same estimate."""
    return [n for one in _pair(sensitivity) for n in interval(one) if n in sensitivity]


def _pair(sensitivity: xr.Dataset) -> tuple[str, str]:
    """Those of an expansion where it holds: those of a design, by rows, have far wider intervals."""
    if "expansion_second" in sensitivity:
        return "expansion_second", "expansion_first"
    alone = "expansion_first" if "expansion_first" in sensitivity else "sobol_first"
    return "sobol_second", "sobol_first" if _OF_ROWS in sensitivity else alone


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """Second-order indices, and first-order ones on the diagonal, at the stated time."""
    data = style.final(sensitivity[shown(sensitivity)])
    second, alone = _pair(sensitivity)
    observables, n = few.observables(data), len(few.rows(data["parameter"].values))
    n_columns = style.columns(len(observables), 90 if n > _MANY else 60)
    n_rows = -(-len(observables) // n_columns)
    with style.style():
        figure = style.new_figure(n_rows * max(1.6, 1.1 + 0.2 * n) + 0.2)
        grid = figure.subplots(n_rows, n_columns, squeeze=False)
        for ax, observable in zip(grid.flat, observables, strict=False):
            _panel(ax, data.sel(observable=observable), second, alone)
            ax.set_title(style.heading(observable, n_columns))
        for ax in grid.flat[len(observables) :]:
            ax.remove()
        style.first_of_many(figure, data)
    return figure, _table(data, second, alone)


def _panel(ax: Axes, data: xr.Dataset, second: str, alone: str) -> None:
    values = data[second].transpose("parameter", "parameter_2").values.copy()
    np.fill_diagonal(values, data[alone].values)
    if not np.isfinite(values).any():
        style.empty(ax, "polynomials do not predict\nsamples that were left out")
        return
    size = np.nan_to_num(values).sum(axis=1)
    drawn = np.sort(few.rows(np.argsort(-size, kind="stable")))
    names = [style.names(data, "parameter")[i] for i in drawn]
    values = values[np.ix_(drawn, drawn)]
    rest = data.sizes["parameter"] - len(drawn)
    if rest:
        ax.set_xlabel(f"{rest} more, none has larger shares", color=style.GREY)
    panels.matrix(ax, values, names, names, shares=_SHOWN)


def _table(data: xr.Dataset, second: str, alone: str) -> pd.DataFrame:
    """One row an observable and parameter; what it does with each other one as columns."""
    table = tidy(data, [name for name in interval(alone) if name in data])
    for name in interval(second):
        if name in data:
            for other in style.names(data, "parameter"):
                one = data[name].sel(parameter_2=other, drop=True)
                table[f"{name}_with_{other}"] = column(table, one)
    return table
