"""Whether what a report says of a whole run is what the columns of its dataset say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .claims import plain, says_share
from .columns import Columns, Ends
from .sentences import Claim, Judged, number, share, spoken

ALIKE = 0.95


def answer_contradictions(claims: list[Claim], data: xr.Dataset) -> Iterator[str]:
    """What is not true of the first sentences of the page."""
    each = [Columns(data, str(o)) for o in data["observable"].values]
    if any(claim.kind == "one seed" for claim in claims) and not each[0].one_seed:
        yield "there are several seeds, or no noise"
    leads = [claim for claim in claims if claim.kind == "leads"]
    told = [p for claim in leads for p in claim.parameters]
    if len({*told}) != len(told):
        yield f"{told} are named twice"
    for claim in claims:
        if (check := _ANSWERS.get(claim.kind)) is not None:
            yield from check(claim, [plain(p, each[0]) for p in claim.parameters], each)


def _nothing_ranked(claim: Claim, names: list[str], each: list[Columns]) -> Iterator[str]:
    del claim, names
    for columns in each:
        if columns.ranges()[0]:
            yield f"{columns.observable} is ranked by {columns.ranges()[0]}"


def _no_effect(claim: Claim, names: list[str], each: list[Columns]) -> Iterator[str]:
    del claim, names
    for columns in each:
        if columns.largest():
            yield f"{columns.largest()} have an effect on {columns.observable}"


def _leading(claim: Claim, names: list[str], each: list[Columns]) -> Iterator[str]:
    of = [columns for columns in each if columns.largest() == names]
    if claim.number and len(of) != claim.number:
        yield f"{names} matters most for {[one.observable for one in of]}"
    for observable in claim.observables:
        if observable not in [spoken(one.observable) for one in of]:
            yield f"{names} does not matter most for {observable}"


def _untold(claim: Claim, names: list[str], each: list[Columns]) -> Iterator[str]:
    """Nowhere is it told, and those that are named are those that may be."""
    may = {p for columns in each for p in columns.largest()}
    if not {*names} <= may:
        yield f"{names} are not those that may be the largest: {may}"
    del claim
    for columns in each:
        if len(columns.largest()) == 1:
            yield f"{columns.largest()} matters most for {columns.observable}"


def _still_open(claim: Claim, names: list[str], each: list[Columns]) -> Iterator[str]:
    where = [c for c in each if len(c.largest()) > 1]
    if claim.observables and {*claim.observables} != {spoken(c.observable) for c in where}:
        yield f"it is open for {[c.observable for c in where]}"
    if (found := re.match(r"\d+", claim.text)) and int(found[0]) != len(where):
        yield f"it is open for {[c.observable for c in where]}"
    if not {*names} <= {p for c in where for p in c.largest()}:
        yield f"{names} are not those that may be the largest"


def _inert(claim: Claim, names: list[str], each: list[Columns]) -> Iterator[str]:
    del claim
    for columns in each:
        for p in names:
            if any(columns.who_sees(p).values()):
                yield f"{p} is seen on {columns.observable}: {columns.who_sees(p)}"


def _chance(claim: Claim, names: list[str], each: list[Columns]) -> Iterator[str]:
    del names
    shares = {spoken(c.observable): float(c.data["noise_share"]) for c in each}
    known = {o: x for o, x in shares.items() if np.isfinite(x)}
    of = claim.observables[0] if claim.observables else next(iter(known))
    value = known[of]
    told = claim.sizes[0].text
    if told == "nothing":
        right = value < 1e-6
    elif told == "less than 1 %":
        right = value < 0.01
    else:
        right = abs(float(told[:-2]) - 100 * min(max(value, 0.0), 1.0)) <= 0.5001
    if not right:
        yield f"{told} of {of}: {value}"
    if claim.kind == "most chance" and value < max(known.values()):
        yield f"{of} is not where chance is largest: {known}"
    if claim.kind == "least chance" and value > min(known.values()):
        yield f"{of} is not where chance is smallest: {known}"


def _no_noise_of(claim: Claim, names: list[str], each: list[Columns]) -> Iterator[str]:
    del names
    if claim.kind == "no noise" and int(each[0].whole.attrs.get("stochastic", 1)):
        yield "there is noise"
    for columns in each if claim.kind == "none of any" else ():
        if float(columns.data["noise_share"]) > 1e-6:
            yield f"{columns.observable} has noise"


_ANSWERS: dict[str, Callable[[Claim, list[str], list[Columns]], Iterator[str]]] = {
    "nothing ranked": _nothing_ranked,
    "no effect": _no_effect,
    "leads": _leading,
    "untold": _untold,
    "still open": _still_open,
    "inert": _inert,
    "chance": _chance,
    "most chance": _chance,
    "least chance": _chance,
    "no noise": _no_noise_of,
    "none of any": _no_noise_of,
}


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
    if (said.claim.text == "widens") != (one.value > 0):
        yield f"{said.claim.text}: {one}"
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
            slack = 1e-9 * np.abs(value[np.isfinite(value)]).max(initial=0.0)
            outside = (value < low - slack) | (value > high + slack)
        if outside.any():
            i = np.flatnonzero(outside.ravel())[0]
            yield f"{stem}: {value.ravel()[i]} is not in {low.ravel()[i]} to {high.ravel()[i]}"
