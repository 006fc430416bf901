"""What the run's own numbers say against its gradients, in sentences."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from ..configuration import GRADIENT_ESTIMATORS
from ..figures.estimates import flagged_pairs
from ..figures.style import final, names, words
from ..listing import first_of, joined
from .checked import jumps

_MOST_NAMED = 5


def refuted(sensitivity: xr.Dataset, checks: xr.Dataset | None = None) -> str:
    """Which gradients miss something, where, and what that leaves; empty if none was found to."""
    incomplete = sensitivity.get("gradient_incomplete")
    somewhere = sensitivity.get("some_gradient_incomplete")
    if incomplete is None or somewhere is None or not bool(somewhere.any()):
        return ""
    pairs = flagged_pairs(incomplete)
    told = [f"of {words(o)} with respect to {words(p)}{_share(sensitivity, o, p)}" for o, p in pairs]
    by_name = {o for o, _ in pairs}
    told += [
        f"of {words(o)} with respect to a parameter that cannot be named"
        for o in names(sensitivity, "observable")
        if o not in by_name and bool(somewhere.sel(observable=o).any())
    ]
    which = joined(first_of(told, _MOST_NAMED))
    return (
        f"Gradients are incomplete: those {which} do not explain how the values vary over the "
        "design. The values jump, or climb more steeply than the samples can show. Bounds, averages, "
        "directions and what one experiment could tell, which are made from these gradients, are "
        f"withheld: that they are small would prove nothing.{jumps(checks)} {_where(sensitivity)}"
    )


def _where(sensitivity: xr.Dataset) -> str:
    """The lines of the study that may be at fault, and what to write instead.

    Only of what was found incomplete: every cutoff is a comparison, and most do no harm.
    """
    pairs = set(flagged_pairs(sensitivity["gradient_incomplete"]))
    by_name = {o for o, _ in pairs}
    somewhere = sensitivity["some_gradient_incomplete"]
    unnamed = {
        o
        for o in names(sensitivity, "observable")
        if o not in by_name and bool(somewhere.sel(observable=o).any())
    }
    at = [
        f"{cut['place']}: {cut['text']}"
        for cut in json.loads(sensitivity.attrs.get("derivatives_end", "[]"))
        if any((o, p) in pairs or o in unnamed for o, p in cut["pairs"])
    ]
    remedy = "smooth the threshold, or draw the choice by jaxmorph.simulation.bernoulli"
    smooth = next(d for d in GRADIENT_ESTIMATORS.values() if "smoothing" in d.settings)
    if sensitivity.attrs.get("estimator") != smooth.name:
        remedy += f", or take estimator: {smooth.name}"
    where = f"Derivatives end on the way, at {joined(first_of(at, _MOST_NAMED))}. " if at else ""
    return f"{where}What helps: {remedy}."


def unresolved(sensitivity: xr.Dataset) -> str:
    """Which gradients could miss something without its being noticed; empty if none."""
    flags = sensitivity.get("gradient_unresolved")
    if flags is None or not bool(flags.any()):
        return ""
    last = final(sensitivity)["gradient_unresolved"].astype(bool)
    if bool(last.all()):
        which = "any gradient misses"
    elif pairs := flagged_pairs(last):
        told = [f"of {words(o)} with respect to {words(p)}" for o, p in pairs]
        which = f"the gradients {joined(first_of(told, _MOST_NAMED))} miss"
    else:
        return ""
    return (
        f"Not resolved, for too few samples or too steep slopes: whether {which} a jump "
        "(gradient_missing_error)."
    )


def _share(sensitivity: xr.Dataset, observable: str, parameter: str) -> str:
    share = final(sensitivity).get("gradient_missing_share")
    if share is None:
        return ""
    one = float(share.sel(observable=observable, parameter=parameter))
    return f" ({100 * one:.0f} % is missing)" if np.isfinite(one) else ""
