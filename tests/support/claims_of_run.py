"""Whether what a report says of a whole run is what the columns of its dataset say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .claims import plain, says_share
from .columns import Columns, Ends
from .sentences import Claim, Judged, number, share, spoken

ALIKE = 0.95


def leading_contradictions(claims: list[Claim], data: xr.Dataset) -> Iterator[str]:
    """What is not true of the first sentence."""
    each = {str(o): Columns(data, str(o)) for o in data["observable"].values}
    first = next(iter(each.values()))
    found = {o: _largest(columns) for o, columns in each.items()}
    claim = claims[0]
    names = [plain(p, first) for p in claim.parameters]
    if (claim.kind == "one seed") != first.one_seed:
        yield "one seed is said wrongly, or not"
        return
    if claim.text.startswith(", judged by "):
        yield from _judged_by(claim.text, list(each.values()))
    check = _LEADING.get(claim.kind)
    if check is not None:
        yield from check(_Leading(claim, names, found, each))


@dataclass(frozen=True)
class _Leading:
    """What is claimed of which parameters; those that may be the largest, by observable."""

    claim: Claim
    names: list[str]
    found: dict[str, list[str]]
    each: dict[str, Columns]

    @property
    def sole(self) -> list[str]:
        return [one[0] for one in self.found.values() if len(one) == 1]


def _nothing_ranked(said: _Leading) -> Iterator[str]:
    for o, columns in said.each.items():
        if columns.ranges()[0]:
            yield f"{o} is ranked by {columns.ranges()[0]}"


def _no_effect(said: _Leading) -> Iterator[str]:
    for o, one in said.found.items():
        if one:
            yield f"{one} have an effect on {o}"


def _of_one(said: _Leading) -> Iterator[str]:
    (one,) = said.found.values()
    if not {*said.names} <= {*one} or (said.claim.kind == "largest") != (len(one) == 1):
        yield f"{said.names} are not those that may be the largest, {one}"


def _one_each(said: _Leading) -> Iterator[str]:
    for o, name in zip(said.claim.observables, said.names, strict=True):
        one = next(found for of, found in said.found.items() if spoken(of) == o)
        if one != [name]:
            yield f"{name} is not the largest on {o}: {one}"


def _untold(said: _Leading) -> Iterator[str]:
    if said.sole:
        yield f"{said.sole} are the largest for sure"
    if not {*said.names} <= {name for one in said.found.values() for name in one}:
        yield f"{said.names} are not those that may be the largest: {said.found}"


def _every(said: _Leading) -> Iterator[str]:
    if said.sole != said.names * len(said.each):
        yield f"{said.names} is not the largest everywhere: {said.found}"


def _most(said: _Leading) -> Iterator[str]:
    if said.sole.count(said.names[0]) != said.claim.number:
        yield f"{said.names} is not the largest on {said.claim.number}: {said.found}"


_LEADING: dict[str, Callable[[_Leading], Iterator[str]]] = {
    "nothing ranked": _nothing_ranked,
    "no effect": _no_effect,
    "largest": _of_one,
    "tied": _of_one,
    "one each": _one_each,
    "untold": _untold,
    "every": _every,
    "most": _most,
}


def _largest(columns: Columns) -> list[str]:
    """Parameters that may have the largest effect, of those that are told to have one."""
    _, of = columns.ranges()
    told = [p for p in columns.names.values() if any(columns.who_sees(p).values())]
    if not told or not of:
        return told
    top = max(told, key=lambda p: np.nan_to_num(of[p].value, nan=-np.inf))
    seen = {
        p for p in columns.names.values() if any(s is not None for s in columns.who_sees(p).values())
    }
    may = [p for p in of if p != top and (p in told or p in seen) and not columns.told_larger(top, p)]
    return [top, *(p for p in may if not columns.exactly_zero(p))]


def _judged_by(text: str, each: list[Columns]) -> Iterator[str]:
    label = text.removeprefix(", judged by ")
    for columns in each:
        by, _ = columns.ranges()
        if by and label not in (by, f"the {by}"):
            yield f"{columns.observable} is judged by {by}"


def run_contradictions(claims: list[Claim], data: xr.Dataset) -> Iterator[str]:
    """What is not true of what is said of the whole run."""
    spoken_of = {spoken(o): str(o) for o in data["observable"].values}
    parameter = {spoken(p): str(p) for p in data["parameter"].values}
    for claim in claims:
        where = [spoken_of[o] for o in claim.observables]
        names = [*claim.parameters, *(s.parameter for s in claim.sizes if s.parameter)]
        said = _Said(claim, where, [parameter[p.strip("|")] for p in names], data)
        if (check := _OF_RUN.get(claim.kind)) is not None:
            yield from check(said)


@dataclass(frozen=True)
class _Said:
    """A claim with the names that it has in the dataset."""

    claim: Claim
    where: list[str]
    names: list[str]
    data: xr.Dataset

    @property
    def last(self) -> xr.Dataset:
        return self.data.isel(time=-1)


def _no_noise(said: _Said) -> Iterator[str]:
    if int(said.data.attrs.get("stochastic", 1)):
        yield "there is noise"


def _quiet(said: _Said) -> Iterator[str]:
    for o in said.where or said.data["observable"].values:
        if float(said.last["noise_share"].sel(observable=o)) > 1e-6:
            yield f"{o} has noise"


def _noise(said: _Said) -> Iterator[str]:
    one = said.last.sel(observable=said.where[0])
    value = float(one["noise_share"])
    low, high = (
        float(one[name]) if name in one else np.nan for name in ("noise_share_low", "noise_share_high")
    )
    yield from says_share(said.claim.sizes[0], Ends(value, low, high), between=False)
    every = said.last["noise_share"]
    loud = every.where(every > 1e-9)
    if said.claim.kind == "least noise" and value > float(loud.min()):
        yield f"{said.where} is not that with the least noise"
    if said.claim.kind == "most noise" and value < float(loud.max()):
        yield f"{said.where} is not that with the most noise"


def _changes_noise(said: _Said) -> Iterator[str]:
    columns, p = Columns(said.data, said.where[0]), said.names[0]
    one = columns.ends("noise_elasticity", p)
    if not (one.low > 0 or one.high < 0):
        yield f"{p} does not change the noise for sure: {one}"
    if not number(said.claim.sizes[0].text).says(one.value, one.low, one.high):
        yield f"{said.claim.sizes[0]} is {one}"
    if said.claim.kind == "changes noise alone" and any(columns.who_sees(p).values()):
        yield f"{p} is said to change no mean: {columns.who_sees(p)}"


def _distrusted(said: _Said) -> Iterator[str]:
    for o in said.where:
        for p in said.names:
            if not Columns(said.data, o).flagged(p):
                yield f"the gradient of {o} with respect to {p} is not flagged"


def _unresolved(said: _Said) -> Iterator[str]:
    flags = said.last["gradient_unresolved"]
    if not bool(flags.sel(observable=said.where[0], parameter=said.names[0])):
        yield f"the gradient of {said.where} with respect to {said.names} is resolved"


def _alike(said: _Said) -> Iterator[str]:
    p, q = said.names[:2]
    value = float(said.data["parameter_correlation"].sel(parameter=p, parameter_2=q))
    if not abs(value) > ALIKE or not number(said.claim.sizes[0].text).says(value, np.nan, np.nan):
        yield f"{p} and {q} are correlated by {value}"


def _vague(said: _Said) -> Iterator[str]:
    name = {"vague": "cramer_rao_sd", "vague mean": "sd_from_mean", "vague path": "cramer_rao_sd_path"}[
        said.claim.kind
    ]
    least = f"{name}_low" if f"{name}_low" in said.data else name
    for p in said.names:
        at_least = float(said.data[least].sel(parameter=p))
        if not at_least >= 1:
            yield f"{p} could be narrowed down: {name} is {at_least} or more"


def _measured_best(said: _Said) -> Iterator[str]:
    told = share(said.claim.sizes[0].text)
    if told.value is None or told.low is None or told.high is None:
        yield f"{said.claim} has no interval"
    elif not told.low <= told.value <= told.high:
        yield f"the interval does not hold what is told: {told}"
    if said.claim.number != int(said.data["record_count"]):
        yield f"there are {int(said.data['record_count'])} records"


_OF_RUN: dict[str, Callable[[_Said], Iterator[str]]] = {
    "no noise": _no_noise,
    "none of any": _quiet,
    "quiet": _quiet,
    "least noise": _noise,
    "most noise": _noise,
    "only noise": _noise,
    "changes noise": _changes_noise,
    "changes noise alone": _changes_noise,
    "distrusted": _distrusted,
    "unresolved": _unresolved,
    "alike": _alike,
    "vague": _vague,
    "vague mean": _vague,
    "vague path": _vague,
    "measured best": _measured_best,
}


def convergence_contradictions(
    said: Judged, name: str, observable: str, data: xr.Dataset
) -> Iterator[str]:
    """What is not true of what is said of the convergence of one estimate of one observable."""
    last = data.isel(time=-1).sel(observable=observable)
    value = np.atleast_1d(last[name].values)
    low, high = (
        np.atleast_1d(last[f"{name}_{end}"].values) if f"{name}_{end}" in last else value
        for end in ("low", "high")
    )
    known = ~np.isnan(value)
    if last[name].attrs["kind"] == "upper bound on a total share":
        known &= ~(low > 1)
    attrs = last[name].attrs
    half = (high - low)[known] / 2
    target = attrs["wanted_half_width"]
    if attrs["wanted_half_width_relative"]:
        target *= np.max(np.abs(value[known]))
    widest = np.inf if np.isnan(half).any() else half.max()
    if said.kind in ("converged", "exact", "unsettled") and not widest <= target + 1e-9:
        yield f"{said}: ± {widest} and {target}"
    if said.kind == "open" and not widest > target:
        yield f"{said}: ± {widest} and {target}"
    if said.kind == "unbounded" and np.isfinite(widest):
        yield f"{said}: ± {widest}"
    if said.kind in ("converged", "open"):
        for told, true in ((said.half, widest), (said.target, target)):
            if abs(told - true) > 0.051 * true:
                yield f"{said}: ± {widest} and {target}"
        if said.kind == "open" and said.half <= said.target and said.half != said.target:
            yield f"{said} reads as converged"
    if said.kind == "open":
        yield from _needed(said, name, last, widest, target)


def _needed(said: Judged, name: str, last: xr.Dataset, widest: float, target: float) -> Iterator[str]:
    """With so many, and errors that fall as 1 / sqrt(n), the half-width is what is wanted."""
    parts = {
        part: np.atleast_1d(last[f"{name}_se_{part}"].values)
        for part in ("samples", "seeds")
        if f"{name}_se_{part}" in last
    }
    half = np.atleast_1d((last[f"{name}_high"] - last[f"{name}_low"]).values) / 2
    at = int(np.nanargmax(np.where(np.isnan(last[name].values), -1, half)))
    if said.parameter and spoken(last["parameter"].values[at]) != said.parameter:
        yield f"{said}: the widest is that of {last['parameter'].values[at]}"
    total = float(np.sqrt(sum(se[at] ** 2 for se in parts.values())))
    if not np.isfinite(total) or total == 0 or not said.needed:
        return
    squares = {part: (widest * float(se[at]) / total) ** 2 for part, se in parts.items()}
    grown = {"seeds" if what == "seeds" else "samples": count / now for count, what, now in said.needed}
    if any(factor <= 1 for factor in grown.values()):
        yield f"{said}: no more than now"
    then = np.sqrt(sum(square / grown.get(part, 1.0) for part, square in squares.items()))
    if not then <= target * 1.02:
        yield f"{said}: then ± {then}, and {target} is wanted"
    if said.dominant and squares[said.dominant] < max(squares.values()) * (1 - 1e-9):
        yield f"{said}: the error of the other is larger"


def holds(data: xr.Dataset) -> Iterator[str]:
    """Estimates that are outside of their own intervals."""
    for name in map(str, data.data_vars):
        stem = name.removesuffix("_low")
        if stem == name or stem not in data or f"{stem}_high" not in data:
            continue
        value, low, high = (data[n].values.astype(float) for n in (stem, name, f"{stem}_high"))
        with np.errstate(invalid="ignore"):
            slack = 1e-9 * np.where(np.isfinite(value), np.abs(value), 0.0)
            outside = (value < low - slack) | (value > high + slack)
        if outside.any():
            i = np.flatnonzero(outside.ravel())[0]
            yield f"{stem}: {value.ravel()[i]} is not in {low.ravel()[i]} to {high.ravel()[i]}"
