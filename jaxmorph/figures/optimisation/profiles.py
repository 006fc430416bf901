"""The loss along the stiffest and the sloppiest direction; spectrum and directions of the Hessian."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import panels, style
from ..active_subspace import spectrum
from ..entry import Entry
from ..tables import column, require, tidy
from . import starts

ENTRY = Entry(
    place=210,
    title="Stiff and sloppy directions",
    reading="Top: the loss along a straight line through an optimum, in the stiffest direction "
    "(left) and in the sloppiest (right), parameters on their unconstrained scale; both "
    "panels have the same height, so that flat means sloppy. Dots are evaluations on fresh "
    "seeds with 95 % intervals, the dashed line is the parabola of the Hessian. Bottom "
    "left: the eigenvalues of the Hessian at the best optimum; a hollow triangle is not "
    "above zero. Bottom right: the directions, one row each, purple and olive for opposite "
    "signs.",
    variables=(
        "profile_position",
        "profile_loss",
        "profile_loss_se",
        "hessian_eigenvalue",
        "hessian_eigenvector",
    ),
    source="optimisation.nc",
    part="optimisation",
    needs=("profile_loss",),
    otherwise="needs a start that ended in an optimum",
)

_MOST_OPTIMA = 3


def draw(optimisation: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """``profile_loss`` along the first and last direction; the Hessian's spectrum."""
    require(optimisation, "profile_loss", "optimisation_profiles", "optimisation.nc")
    data = optimisation
    n = data.sizes["parameter"]
    best = data.isel(optimum=starts.optima(data)[0])
    shown = [(0, "stiffest direction"), (data.sizes["direction"] - 1, "sloppiest direction")]
    with style.style():
        stack = (2, 1) if style.is_narrow() else (1, 2)
        below = max(1.7, 0.6 + 0.24 * n) * stack[0]
        figure = style.new_figure(2.2 + below + 0.3)
        top, bottom = figure.subfigures(2, 1, height_ratios=[2.2, below], squeeze=False)[:, 0]
        axes = top.subplots(1, min(n, 2), sharey=True, squeeze=False)[0]
        for ax, (direction, title) in zip(axes, shown, strict=False):
            _profile(ax, data, direction)
            ax.set(title=title if n > 1 else "the only direction", xlabel="distance from the optimum")
        axes[0].set_ylabel(starts.loss_label(data))
        left, right = bottom.subplots(*stack, width_ratios=[1, 1.25][: stack[1]])
        spectrum(left, best["hessian_eigenvalue"].values, None, below="not above zero")
        left.set(title="eigenvalues of the Hessian", xlabel="direction, stiff to sloppy")
        weights = best["hessian_eigenvector"].transpose("direction", "parameter").values
        panels.matrix(right, weights, [str(i + 1) for i in range(n)], style.names(data, "parameter"))
        right.set(
            title="directions (weights of the parameters)",
            ylabel="direction, sloppy below" if n > 3 else "direction",
        )
        panels.key(figure, starts.legend_handles(data)[:_MOST_OPTIMA])
    return figure, _table(data)


def _profile(ax: Axes, data: xr.Dataset, direction: int) -> None:
    """One direction at the best optima, each through its own optimum."""
    for optimum, colour in [*starts.optimum_colours(data).items()][:_MOST_OPTIMA][::-1]:
        one = data.isel(optimum=optimum, direction=direction)
        x, loss = one["profile_position"].values, panels.finite(one["profile_loss"].values)
        if "profile_loss_se" in one:
            half = starts.half_width(one["profile_loss_se"].values, data.sizes["evaluation_seed"])
            ax.vlines(x, loss - half, loss + half, color=colour, lw=0.8)
        ax.plot(x, loss, "o", color=colour, ms=3, mew=0)
        if not np.isfinite(loss).any():
            continue
        fine = np.linspace(x.min(), x.max(), 61)
        middle = float(np.interp(0.0, x[np.argsort(x)], loss[np.argsort(x)]))
        curve = middle + 0.5 * float(one["hessian_eigenvalue"]) * fine**2
        ax.plot(fine, curve, color=colour, lw=0.9, ls=(0, (4, 1.5)))
    style.few_ticks(ax, "x", 4)
    style.few_ticks(ax, "y", 4)


def _table(data: xr.Dataset) -> pd.DataFrame:
    """Rows of the profiles, with the eigenvalue of each; then rows of the directions."""
    profiles = tidy(data, ["profile_position", "profile_loss", "profile_loss_se"])
    profiles["hessian_eigenvalue"] = column(profiles, data["hessian_eigenvalue"])
    return pd.concat([profiles, tidy(data, ["hessian_eigenvector"])], ignore_index=True)
