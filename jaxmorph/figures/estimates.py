"""Which estimates of a parameter's effect on an observable a dataset has, by what it says of them."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from ..distributions import DISCRETE
from ..quantities import Kind, Quantity, described
from .stated import at_stated

_DIMS = {"time", "observable", "parameter"}
_ORDER = list(Kind)
_LEADING = (Kind.TOTAL, Kind.BOUND, Kind.SCORE)

FLAGS = (
    "gradient_unreliable",
    "gradient_exploding",
    "gradient_incomplete",
    "some_gradient_incomplete",
)
"""Variables from which :func:`unreliable` knows."""


def known(data: xr.Dataset, name: str) -> Quantity:
    """What a dataset says of one of its variables."""
    return described(data[name])


def present(data: xr.Dataset, *kinds: Kind) -> list[Quantity]:
    """The estimates that a dataset has for tables and menus, in their order; of these kinds, if any."""
    found = [
        described(variable, str(name))
        for name, variable in data.variables.items()  # a DataArray of each would take most of a report
        if "label" in variable.attrs and "parameter" in variable.dims and set(variable.dims) <= _DIMS
    ]
    # Of two that say the same, the one whose name needs no addition is the better.
    found = sorted(found, key=lambda one: (_ORDER.index(one.kind), not one.ranks, _longer(one, found)))
    return [one for one in found if not kinds or one.kind in kinds]


def _longer(one: Quantity, found: list[Quantity]) -> bool:
    """Whether the name of another of its kind is the beginning of its own."""
    return any(o.kind is one.kind and one.name.startswith(f"{o.name}_") for o in found)


def leading(data: xr.Dataset) -> Quantity | None:
    """The most informative global measure: a total index, else its bound, else the activity score.

    One that has no number at all stands back.
    """
    found = [one for kind in _LEADING for one in present(data, kind) if one.ranks]
    known = (one for one in found if bool(data[one.name].notnull().any()))
    return next(known, next(iter(found), None))


def best(data: xr.Dataset, kind: Kind) -> str | None:
    """Name of the estimate of a kind that parameters are ranked by; None if there is none."""
    return next((one.name for one in present(data, kind) if one.ranks), None)


def has_noise(data: xr.Dataset) -> bool:
    """Whether the study has noise; one that does not say so may have."""
    return bool(int(data.attrs.get("stochastic", 1)))


def has_one_noisy_seed(data: xr.Dataset) -> bool:
    """Whether noise is there, and a single seed cannot say how large it is."""
    return has_noise(data) and data.sizes.get("seed", 1) < 2


def flagged_pairs(flags: xr.DataArray) -> list[tuple[str, str]]:
    """Observables and parameters that are flagged, at any time."""
    found = flags.astype(bool)
    found = found.any("time") if "time" in found.dims else found
    observables, parameters = found["observable"].values, found["parameter"].values
    places = np.argwhere(found.transpose("observable", "parameter").values)
    return [(str(observables[o]), str(parameters[p])) for o, p in places]


def both_signs(values: xr.DataArray, error: xr.DataArray | float = 0.0) -> xr.DataArray:
    """Whether values are below zero at some samples and above it at others, by more than ``error``."""
    return ((values + error).min("sample") < 0) & ((values - error).max("sample") > 0)


def discrete(sensitivity: xr.Dataset) -> xr.DataArray:
    """By which parameters there is no derivative, for they have a few values alone (parameter,)."""
    kinds = [d.get("distribution") for d in json.loads(sensitivity.attrs.get("distributions", "[]"))]
    found = sensitivity["parameter"]
    kinds += [None] * (found.size - len(kinds))
    few = [kind in DISCRETE for kind in kinds[: found.size]]
    return xr.DataArray(few, {"parameter": found.values}, ("parameter",))


def mean_of_both_signs(sensitivity: xr.Dataset) -> xr.DataArray:
    """Whether an observable is below zero at some samples and above it at others (observable,).

    At the stated time, and by two standard errors.
    """
    last = at_stated(sensitivity[[name for name in ("mean", "mean_se") if name in sensitivity]])
    return both_signs(last["mean"], 2 * last.get("mean_se", 0.0)).reset_coords(drop=True)


def unsuited(sensitivity: xr.Dataset) -> xr.DataArray:
    """Observables whose averaged elasticities rank nothing: they or a parameter change sign.

    An elasticity (theta / f) df/dtheta then changes sign, and is unbounded where f is near zero, so that
    its average over the design says neither size nor direction. The same where the observable is not
    told from zero, and there is no average, where gradients were found incomplete, and where every
    parameter is discrete. At the stated time; (observable,).
    """
    names = sensitivity["observable"]
    looked_at = ("mean", "mean_se", "some_gradient_incomplete", "parameter_value", "elasticity_average")
    few = discrete(sensitivity)
    # Of these alone: to cut all of a large run at a time takes longer than anything here.
    sensitivity = sensitivity[[name for name in looked_at if name in sensitivity]]
    last = at_stated(sensitivity)
    none = np.full(names.size, bool(few.all()))
    found = xr.DataArray(none, {"observable": names.values}, ("observable",))
    if "mean" in sensitivity:
        found = found | mean_of_both_signs(sensitivity)
    if "some_gradient_incomplete" in sensitivity:
        flags = last["some_gradient_incomplete"].astype(bool)
        found = found | flags.reset_coords(drop=True)
    if "parameter_value" in sensitivity:
        varies = both_signs(sensitivity["parameter_value"]) & ~few.values
        found = found | bool(varies.any())
    if "elasticity_average" in sensitivity:
        average = last["elasticity_average"]
        found = found | average.isnull().all("parameter").reset_coords(drop=True)
    return found


def unreliable(sensitivity: xr.Dataset) -> xr.DataArray | None:
    """Pairs (observable, parameter) whose gradients cannot be trusted; None if that is not known."""
    flags = next((sensitivity[name].astype(bool) for name in FLAGS[:2] if name in sensitivity), None)
    found = _incomplete(sensitivity)
    if found is None or flags is None:
        return flags if found is None else found
    return flags | found


def _incomplete(sensitivity: xr.Dataset) -> xr.DataArray | None:
    """Pairs whose gradients miss something at any time; all of an observable, if none can be named."""
    if not set(FLAGS[2:]) <= set(map(str, sensitivity.data_vars)):
        return None
    incomplete, somewhere = (sensitivity[name].astype(bool) for name in FLAGS[2:])
    found = incomplete | (somewhere & ~incomplete.any("parameter"))
    found = found.any("time") if "time" in found.dims else found
    return found.drop_vars("time", errors="ignore")


def no_elasticities(sensitivity: xr.Dataset) -> str | None:
    """Why a run has no elasticities to draw; None if it has."""
    if unsuited(sensitivity).all():
        return (
            "needs parameters and observables that keep their sign over the design, and gradients that "
            "miss nothing"
        )
    return None


def one_time(sensitivity: xr.Dataset) -> str | None:
    """Why a run has nothing to draw against time; None if it has."""
    return "needs two or more recorded times" if sensitivity.sizes["time"] < 2 else None
