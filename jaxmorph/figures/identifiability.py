"""What one experiment could tell (Fisher information): how well, what it mixes up, in combinations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from . import panels, style
from .active_subspace import spectrum
from .entry import Entry
from .numbers import plain
from .tables import column, interval, tidy

ENTRY = Entry(
    place=110,
    title="What one experiment could tell",
    reading="One experiment measures all recorded times and observables once, with the noise of one "
    "simulation, at the central sample. Top left: how uncertain each parameter would stay at least, in "
    "standard deviations of the design; at the dashed line it would be as uncertain as is assumed "
    "already. Dark: surely less uncertain than that; pale: surely not; between: not told, for its 95 % "
    "interval reaches across. Top right: correlations of the estimates; of "
    "two parameters near 1 or -1, one can stand in for the other. Below: combinations of parameters, "
    "the one that is told best (stiff) first, those that are hardly told (sloppy) last, and what they "
    "are made of, purple and olive for opposite signs. Diamonds: from the mean of the records alone, "
    "without what the parameters do to the noise; if gradients are not those of paths, or the noise is "
    "not Gaussian, everything is."
    "{% if cramer_rao_sd_path %} Triangles: if every step of the path were seen, not only the "
    "records.{% endif %}",
    variables=(
        "fisher_eigenvalue",
        "fisher_direction",
        "cramer_rao_sd",
        "sd_from_mean",
        "cramer_rao_sd_path",
        "parameter_correlation",
    ),
    part="depth",
    needs=("fisher_eigenvalue",),
)

_SD, _FROM_MEAN, _OF_PATH = "cramer_rao_sd", "sd_from_mean", "cramer_rao_sd_path"


def draw(sensitivity: xr.Dataset) -> tuple[Figure, pd.DataFrame]:
    """What ``ENTRY`` lists; without ``cramer_rao_sd``, ``sd_from_mean`` in its place."""
    names = [
        *interval("fisher_eigenvalue"), "fisher_direction", *interval(_SD), *interval(_FROM_MEAN),
        *interval(_OF_PATH), "parameter_correlation",
    ]  # fmt: skip
    data = sensitivity[[name for name in names if name in sensitivity]]
    n = data.sizes["parameter"]
    with style.style():
        row = max(2.0, 0.75 + 0.24 * n)
        if style.is_narrow():
            figure = style.new_figure(4 * row + 0.6)
            left, right, lower_left, lower_right = figure.subplots(4, 1)
        else:
            figure = style.new_figure(2 * row + 0.6)
            (left, right), (lower_left, lower_right) = figure.subplots(2, 2, width_ratios=[1, 1.25])
        ends = None
        if "fisher_eigenvalue_low" in data:
            ends = data["fisher_eigenvalue_low"].values, data["fisher_eigenvalue_high"].values
        _deviations(left, data)
        _correlations(right, data)
        spectrum(lower_left, data["fisher_eigenvalue"].values, ends)
        told = "how well combinations are told\n(spectrum of the Fisher information)"
        lower_left.set(title=told, xlabel="combination, stiff to sloppy")
        _directions(lower_right, data)
    return figure, _table(data)


def _directions(ax: Axes, data: xr.Dataset) -> None:
    parameters = style.names(data, "parameter")
    rows = [str(i + 1) for i in range(data.sizes["component"])]
    values = data["fisher_direction"].transpose("component", "parameter").values
    panels.matrix(ax, values, rows, parameters)
    ax.set(title="what combinations are made of (weights)", ylabel="combination, sloppy below")


def _correlations(ax: Axes, data: xr.Dataset) -> None:
    if "parameter_correlation" not in data:
        ax.axis("off")
        style.say(ax, "the information is singular:\nno correlations")
        return
    parameters = style.names(data, "parameter")
    values = data["parameter_correlation"].transpose("parameter", "parameter_2").values
    panels.matrix(ax, values, parameters, parameters)
    ax.set_title("what it mixes up (correlation of the estimates)")


def _deviations(ax: Axes, data: xr.Dataset) -> None:
    shown = _SD if _SD in data else _FROM_MEAN
    ax.set_title("how uncertain each stays at least" + ("" if shown == _SD else "\n(from the mean)"))
    if shown not in data or not (np.isfinite(data[shown]) & (data[shown] > 0)).any():
        style.empty(ax, "the information is singular:\nno parameter has a bound of its own")
        return
    _, low, high = interval(shown)
    sd = data[shown].values
    usable = np.isfinite(sd) & (sd > 0)
    of_path = data[_OF_PATH].values if _OF_PATH in data else sd
    least = min(float(sd[usable].min()), float(np.nanmin(of_path, initial=1.0))) / 3
    most = max(float(sd[usable].max()), 1.0) * 3
    for place in range(len(sd)):
        if not usable[place]:
            ax.text(np.sqrt(least * most), place, "not bounded", va="center", ha="center",
                    color=style.GREY)  # fmt: skip
            continue
        one = data.isel(parameter=place)
        # The draws of a bound may all lie on one side of it: its interval holds it all the same.
        ends = (
            np.fmin(sd[place], one.get(low, sd[place])),
            np.fmax(sd[place], one.get(high, sd[place])),
        )
        colour = style.DARK if ends[1] < 1 else style.MIDDLE if ends[0] < 1 else style.PALE
        ax.barh(place, sd[place] - least, left=least, height=0.55, color=colour)
        if low in one:
            panels.whisker(ax, (float(ends[0]), float(ends[1])), place, (least, most))
    for name, marker in ((_FROM_MEAN, "D"), (_OF_PATH, "^")):
        if name in data and name != shown:
            other = data[name].values
            inside = (other > least) & (other < most)
            ax.plot(
                other[inside], np.flatnonzero(inside), marker, ms=4, mfc="white", mec="black", ls="none"
            )
    ax.set_xscale("log")
    ax.set_xlim(least, most)
    wide = most / least > 300
    ax.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 3), numticks=5))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(lambda x, _: plain(x, 1))
    ax.axvline(1, color="black", lw=0.7, ls="--")
    ax.set_yticks(range(len(sd)), [style.short_name(p, 18) for p in style.names(data, "parameter")])
    ax.set_ylim(len(sd) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("standard deviations of the design")


def _table(data: xr.Dataset) -> pd.DataFrame:
    """One row a component and parameter; the correlations of each parameter as columns."""
    table = tidy(data, ["fisher_direction"])
    of_bounds = (name for bound in (_SD, _FROM_MEAN, _OF_PATH) for name in interval(bound))
    for name in (*interval("fisher_eigenvalue"), *of_bounds):
        if name in data:
            table[name] = column(table, data[name])
    if "parameter_correlation" in data:
        for other in style.names(data, "parameter"):
            one = data["parameter_correlation"].sel(parameter_2=other, drop=True)
            table[f"parameter_correlation_with_{other}"] = column(table, one)
    return table
