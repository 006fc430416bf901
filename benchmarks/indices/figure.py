"""The figure: error of indices against cost, a panel for each case."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from jaxmorph.figures.style import GREY, PALETTE, new_figure, style

from .plan import METHODS, title

_BLUE, _ORANGE, _GREEN, _, _PINK = PALETTE[:5]
_STYLE = {
    "gradients": (_BLUE, "o", "-"),
    "values": (GREY, "D", "-"),
    "salib": (_ORANGE, "^", "-"),
    "openturns": (_GREEN, "s", "--"),
    "jaxgsa": (_PINK, "v", "--"),
}
MARKED = 64
"""Samples, of which the point with gradients is filled with white: what a default run has."""


def draw(errors: pd.DataFrame, path: Path) -> None:
    """Medians of repetitions, and the half of them around (shaded)."""
    cases = list(dict.fromkeys(errors["case"]))
    columns = min(5, len(cases))
    rows = -(-len(cases) // columns)
    with style():
        figure = new_figure(0.5 + 1.85 * rows, width=2.1 * max(columns, 2))
        axes = figure.subplots(rows, columns, squeeze=False)
        for ax, case in zip(axes.flat, cases, strict=False):
            _panel(ax, errors[errors["case"] == case])
        for ax in axes.flat[len(cases) :]:
            ax.set_axis_off()
        for ax in axes[:, 0]:
            ax.set_ylabel("error of first and total indices")
        for ax in axes[-1]:
            ax.set_xlabel("cost, simulations")
        handles = {h.get_label(): h for ax in axes.flat for h in ax.lines if h.get_label()[0] != "_"}
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
        figure.savefig(path, metadata={"Date": None})


def _panel(ax: Axes, errors: pd.DataFrame) -> None:
    first = errors.iloc[0]
    ax.set_title(title(str(first["case"]), int(first["parameters"])), size=7)
    for method, (colour, marker, line) in _STYLE.items():
        part = errors[errors["method"] == method].groupby("samples")
        if not part.ngroups:
            continue
        cost = part["cost"].mean().values
        low, middle, high = (
            part["error"].quantile(q, interpolation="higher").values for q in (0.25, 0.5, 0.75)
        )
        ax.fill_between(cost, low, high, color=colour, alpha=0.15, linewidth=0)
        label = METHODS[method]
        ax.plot(cost, middle, line, color=colour, marker=marker, markersize=3, label=label)
        if method == "gradients":
            at = np.flatnonzero(np.array(list(part.groups)) == MARKED)
            white: dict[str, Any] = {
                "markersize": 5,
                "markerfacecolor": "white",
                "label": f"... at {MARKED} samples",
            }
            ax.plot(cost[at], middle[at], "o", color=colour, **white)
    ax.set(xscale="log", yscale="log")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_locator(NullLocator())
