"""The estimates of one parameter's effect on one observable, as figures and report name them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class Estimate:
    """One estimate (time, observable, parameter).

    ``share``: a share of variance, between 0 and 1. ``signed``: has a direction. ``gradient``: made from
    gradients, and so no better than these.
    """

    name: str
    label: str
    meaning: str
    share: bool = False
    signed: bool = False
    gradient: bool = True


ESTIMATES: tuple[Estimate, ...] = (
    Estimate(
        "elasticity_average", "elasticity",
        "% change of the observable per % change of the parameter", signed=True,
    ),
    Estimate(
        "sobol_total", "total Sobol index",
        "share of the noise-free variance, alone and with others", share=True, gradient=False,
    ),
    Estimate(
        "sobol_first", "first-order Sobol index",
        "share of the noise-free variance, alone", share=True, gradient=False,
    ),
    Estimate(
        "sobol_total_with_noise", "total Sobol index, noise as an input",
        "share of the whole variance, noise included", share=True, gradient=False,
    ),
    Estimate(
        "sobol_first_with_noise", "first-order Sobol index, noise as an input",
        "share of the whole variance, noise included", share=True, gradient=False,
    ),
    Estimate(
        "sobol_first_given_data", "first-order Sobol index from given data",
        "share of the noise-free variance, alone", share=True, gradient=False,
    ),
    Estimate(
        "total_bound", "upper bound on the total Sobol index",
        "the total index is at most this; beyond 1 it says nothing", share=True,
    ),
    Estimate("activity_score", "activity score", "observable squared"),
    Estimate("dgsm", "mean squared derivative", "observable squared per natural unit squared"),
    Estimate(
        "morris_mu_star", "Morris \N{GREEK SMALL LETTER MU}*",
        "mean size of elementary effects, per unit of probability", gradient=False,
    ),
    Estimate(
        "morris_sigma", "Morris \N{GREEK SMALL LETTER SIGMA}",
        "spread of elementary effects, per unit of probability", gradient=False,
    ),
    Estimate("pawn", "PAWN index", "distance between distributions, 0 to 1", gradient=False),
    Estimate(
        "scaled_sensitivity_average", "scaled sensitivity",
        "standard deviations of the observable per standard deviation of the parameter", signed=True,
    ),
    Estimate(
        "semi_elasticity_average", "semi-elasticity",
        "change of the observable per 100 % change of the parameter", signed=True,
    ),
    Estimate("gradient_average", "gradient", "observable per unit of the parameter", signed=True),
    Estimate(
        "gradient_trimmed_average", "gradient, trimmed mean",
        "observable per unit of the parameter", signed=True,
    ),
)  # fmt: skip

_BY_NAME = {estimate.name: estimate for estimate in ESTIMATES}
_LEADING = ("sobol_total", "total_bound", "activity_score")
_SIZES = (
    "sobol_total", "sobol_first", "sobol_first_given_data", "total_bound", "activity_score",
    "morris_mu_star",
)  # fmt: skip


def known(name: str) -> Estimate:
    """The estimate of this name."""
    return _BY_NAME[name]


def present(sensitivity: xr.Dataset) -> list[Estimate]:
    """The estimates that a dataset has."""
    return [estimate for estimate in ESTIMATES if estimate.name in sensitivity]


def leading(sensitivity: xr.Dataset) -> Estimate | None:
    """The most informative global measure: a total index, else its bound, else the activity score."""
    return next((_BY_NAME[name] for name in _LEADING if name in sensitivity), None)


def size_measure(one: xr.Dataset) -> Estimate | None:
    """What parameters of one observable are ranked by where elasticities cannot; the best one first."""
    usable = (name for name in _SIZES if name in one and bool(one[name].notnull().any()))
    return next((_BY_NAME[name] for name in usable), None)


def both_signs(values: xr.DataArray, error: xr.DataArray | float = 0.0) -> xr.DataArray:
    """Whether values are below zero at some samples and above it at others, by more than ``error``."""
    return ((values + error).min("sample") < 0) & ((values - error).max("sample") > 0)


def mean_of_both_signs(sensitivity: xr.Dataset) -> xr.DataArray:
    """Whether an observable is below zero at some samples and above it at others (observable,).

    At the last time, and by two standard errors.
    """
    last = sensitivity.isel(time=-1) if "time" in sensitivity.dims else sensitivity
    return both_signs(last["mean"], 2 * last.get("mean_se", 0.0)).reset_coords(drop=True)


def unsuited(sensitivity: xr.Dataset) -> xr.DataArray:
    """Observables whose averaged elasticities rank nothing: they or a parameter change sign.

    An elasticity (theta / f) df/dtheta then changes sign, and is unbounded where f is near zero, so that
    its average over the design says neither size nor direction. The same where the observable is not
    told from zero, and there is no average. At the last time; (observable,).
    """
    names = sensitivity["observable"]
    found = xr.DataArray(np.zeros(names.size, bool), {"observable": names.values}, ("observable",))
    if "mean" in sensitivity:
        found = found | mean_of_both_signs(sensitivity)
    if "parameter_value" in sensitivity:
        found = found | bool(both_signs(sensitivity["parameter_value"]).any())
    if "elasticity_average" in sensitivity:
        average = sensitivity["elasticity_average"]
        last = average.isel(time=-1) if "time" in average.dims else average
        found = found | last.isnull().all("parameter").reset_coords(drop=True)
    return found


def unreliable(sensitivity: xr.Dataset) -> xr.DataArray | None:
    """Pairs (observable, parameter) whose gradients cannot be trusted; None if that is not known."""
    for name in ("gradient_unreliable", "gradient_exploding"):
        if name in sensitivity:
            return sensitivity[name].astype(bool)
    return None
