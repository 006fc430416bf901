"""What the checks of a run say of its gradients, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from ..configuration import GRADIENT_ESTIMATORS
from ..figures.estimates import flagged_pairs
from ..figures.numbers import plain
from ..figures.numerical_checks import largest_over_time
from ..figures.style import words
from ..listing import first_of, joined
from ..quantities import absent

DISAGREEMENT = 0.01
"""Finite differences and automatic gradients that differ by more do not agree."""
_MOST_NAMED = 3
_ALSO_CHECKED = {
    "mode_difference": "Forward and reverse mode were not compared",
    "lyapunov_exponent": "Whether paths that differ a little drift apart was not looked at",
}


def worst_difference(checks: xr.Dataset | None) -> str | None:
    """The largest difference of automatic gradients from finite ones, and how many were compared."""
    if checks is None:
        return None
    if "relative_difference" not in checks:
        reason = absent(checks).get("relative_difference", "the file has none")
        return f"Gradients were not compared with finite differences, nor in two modes: {reason}."
    difference, still = _compared(checks)
    compared = difference.where(~still)
    n_still, n = int(still.sum()), int(compared.notnull().sum())
    n_lost = difference.size - n_still - n
    if n == 0:
        nothing = "all are 0 both ways, as beside a jump" if n_still else "none is a number"
        return f"No finite difference could be compared with a gradient: {nothing}."
    place = compared.fillna(-1.0).argmax(...)
    worst = compared.isel(place)
    size, where = plain(float(worst), 2), _pair(worst)
    if float(worst) > DISAGREEMENT:
        return (
            f"Automatic gradients and finite differences do not agree: they differ by {size} of the "
            f"largest gradient over time ({where}). Where a simulation is chaotic or jumps, neither "
            "says how its mean changes."
        )
    simulations = checks.sizes["sample"] * checks.sizes["seed"]
    if not n_still and not n_lost:
        return (
            f"Automatic gradients agree with finite differences to {size} of the largest gradient over "
            f"time or better, in {simulations} simulations (worst: {where})."
        )
    others = []
    if n_still:
        others.append(f"{n_still} are 0 both ways, as beside a jump")
    if n_lost:
        others.append(f"{n_lost} have no gradient, or no number, to compare")
    return (
        f"Of {difference.size} gradients (sample, seed, observable, parameter) in {simulations} "
        f"simulations {n} could be compared with finite differences: they differ by {size} of the "
        f"largest over time or less (worst: {where}). Of the others, {joined(others)}."
    )


def disagree(checks: xr.Dataset | None) -> bool:
    """Whether automatic gradients differ from finite differences by more than one per cent."""
    if checks is None or "relative_difference" not in checks:
        return False
    difference, still = _compared(checks)
    return bool((difference.where(~still) > DISAGREEMENT).any())


def _compared(checks: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """The largest difference over time of each gradient, and which gradients are 0 both ways."""
    difference, _ = largest_over_time(checks)
    return difference, (abs(checks["gradient"]).max("time") == 0) & (difference == 0)


def not_compared(checks: xr.Dataset | None) -> str:
    """What else could not be checked of a study that JAX differentiates in part; empty if nothing."""
    reasons = {} if checks is None else absent(checks)
    told = reasons.get("relative_difference")
    also = {name: words for name, words in _ALSO_CHECKED.items() if reasons.get(name, told) != told}
    return " ".join(f"{words}: {reasons[name]}." for name, words in also.items())


def along_lines(checks: xr.Dataset | None) -> str:
    """Whether gradients explain how means change along the lines; empty if there are none."""
    if checks is None or "line_incomplete" not in checks:
        return ""
    n_points, n = checks.sizes["point"], int(checks.attrs["line_simulations"])
    begin = f"Along one line a parameter ({n_points} points and what halving adds, {n} simulations)"
    bad = checks["line_incomplete"].astype(bool)
    wild = checks["line_unresolved"].astype(bool)
    unknown = checks["line_missing"].isnull().all("time") & ~bad.any("time")
    told = []
    if bool(bad.any()):
        told.append("gradients miss what is named above")
    if bool(wild.any()):
        told.append(f"slopes are too steep or wild to tell a jump from for {_listed(wild)}")
    if bool(unknown.any()):
        told.append(f"simulations failed that would tell of {_listed(unknown)}")
    if told:
        return f"{begin}, {'; '.join(told)}."
    if GRADIENT_ESTIMATORS[str(checks.attrs["line_estimator"])].is_complete:
        return f"{begin}, gradients explain how means change, to 2 % of the range of these."
    return f"{begin}, gradients miss nothing that could be told from their noise."


def jumps(checks: xr.Dataset | None) -> str:
    """A sentence, after a space, that says what gradients miss on the lines, and where."""
    if checks is None or "line_incomplete" not in checks:
        return ""
    told = [_jump(one) for one in _flagged(checks)]
    if not told:
        return ""
    told = first_of(told, _MOST_NAMED, "{} more pairs")
    return f" Along lines through the central sample, {', and '.join(told)}."


def _flagged(checks: xr.Dataset) -> Iterator[xr.Dataset]:
    """Each flagged pair, at the last time at which it is."""
    for observable, parameter in flagged_pairs(checks["line_incomplete"]):
        one = checks.sel(observable=observable, parameter=parameter)
        yield one.isel(time=int(np.flatnonzero(one["line_incomplete"].values)[-1]))


def _jump(one: xr.Dataset) -> str:
    observable, parameter = (words(str(one[dim].item())) for dim in ("observable", "parameter"))
    change = float(one["line_mean"].isel(point=-1) - one["line_mean"].isel(point=0))
    missing, error = float(one["line_missing"]), float(one["line_missing_error"])
    part = plain(missing, 2) if error < abs(missing) / 4 else "a part"
    text = (
        f"the gradient leaves out {part} of the change of {observable} by {plain(change, 2)} with "
        f"{parameter}"
    )
    low, high = float(one["jump_from"]), float(one["jump_to"])
    if np.isfinite([low, high]).all():
        unit = str(one["parameter_unit"].item()) if "parameter_unit" in one.coords else "1"
        at = plain((low + high) / 2, 4) + ("" if unit == "1" else f" {unit}")
        text += f" (a jump by {plain(float(one['jump_size']), 2)} lies at {at})"
    return text


def _pair(one: xr.DataArray) -> str:
    observable, parameter = (words(str(one[dim].item())) for dim in ("observable", "parameter"))
    return f"{observable} with respect to {parameter}"


def _listed(flags: xr.DataArray) -> str:
    pairs = flags.stack(pair=("observable", "parameter"))
    found = (_pair(one) for one in pairs.transpose("pair", ...) if bool(one))
    return joined(first_of(found, _MOST_NAMED))
