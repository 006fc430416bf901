"""Whether what a report says of one observable is what the columns of its dataset say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from .columns import LEVEL, Columns, Ends
from .sentences import UNKNOWN, Claim, Size, number, share

_BOUND = "upper bound on a total share"
_VERBS = ("grows", "shrinks", "grows in size", "shrinks in size", "goes both ways")
_SIZED = ("measured", "depends on")
_NOTHING = Ends(np.nan, np.nan, np.nan)
_SMALL = 0.05
_SLACK = 0.5001
"""Half a percent, and what rounding to the nearest even does to it."""


def contradictions(claims: list[Claim], columns: Columns) -> Iterator[str]:
    """What is not true of what is said of one observable."""
    kinds = {claim.kind for claim in claims}
    if ("one seed" in kinds) != columns.one_seed:
        yield "one seed is said wrongly, or not"
    for claim in claims:
        for name in (*claim.parameters, *(size.parameter for size in claim.sizes)):
            yield from _bars(name, claim, columns)
        if claim.kind == "measured":
            yield from _sizes(claim, columns)
        elif check := _OTHERS.get(claim.kind):
            yield from check(claim, columns)
    effects = [
        plain(size.parameter, columns)
        for claim in claims if claim.kind in (*_SIZED, *_VERBS) for size in claim.sizes
    ]  # fmt: skip
    effects = list(dict.fromkeys(effects))
    for p in effects:
        if not any(columns.who_sees(p).values()):
            yield f"{p} has no effect that an estimate tells from zero"
    yield from _rest(claims, effects, columns)
    small = [plain(p, columns) for c in claims if c.kind == "negligible" for p in c.parameters]
    for p in {*small} & {*effects}:
        yield f"{p} is an effect with a size and negligible"
    if columns.elasticities() and "no direction" not in kinds:
        yield from _unsaid_direction(effects, claims, columns)


def _rest(claims: list[Claim], effects: list[str], columns: Columns) -> Iterator[str]:
    """So many more are there as are said, and none is larger."""
    label, of = columns.ranges()
    more = next((claim.number for claim in claims if claim.kind == "more"), 0)
    if not effects or not of:
        return
    # Of those that hardly matter another sentence tells.
    small = [p for p in of if columns.is_share(label) and of[p].high < _SMALL]
    rest = [p for p in of if p not in (*effects, *small) and any(columns.who_sees(p).values())]
    if len(rest) != more:
        yield f"{more} more are said, and there are {rest}"
    least = min((of[p].value for p in effects if not np.isnan(of[p].value)), default=np.nan)
    for p in rest:
        if not of[p].value <= least:
            yield f"{p} is said to be smaller: {of[p]} and {least}"


def plain(name: str, columns: Columns) -> str:
    """The name that a parameter has in the dataset."""
    return columns.names[name.strip("|")]


def _bars(name: str, claim: Claim, columns: Columns) -> Iterator[str]:
    """A name in bars is that of a negative parameter's size."""
    if not name:
        return
    negative = bool((columns.whole["parameter_value"].sel(parameter=plain(name, columns)) < 0).all())
    if name.startswith("|") and not negative:
        yield f"{name} is not negative"
    if negative and claim.kind in _VERBS and not name.startswith("|"):
        yield f"{name} is negative, and its elasticity that of its size"


def _unsaid_direction(effects: list[str], claims: list[Claim], columns: Columns) -> Iterator[str]:
    """An effect whose elasticity leaves zero out is said with its direction, or that this changes."""
    said = {plain(s.parameter, columns) for c in claims if c.kind in _VERBS for s in c.sizes}
    said |= {plain(p, columns) for c in claims if c.kind == "mixed" for p in c.parameters}
    for p in effects:
        if columns.sees("elasticity_average", p) and p not in said:
            one = columns.ends("elasticity_average", p)
            if one.bounded:
                yield f"{p} has a direction that is not said: {one}"


def _sizes(claim: Claim, columns: Columns) -> Iterator[str]:
    label, of = columns.ranges()
    sizes = [of.get(plain(s.parameter, columns), _NOTHING) for s in claim.sizes]
    values = [one.value for one in sizes]
    known = [v for v in values if not np.isnan(v)]
    if known != sorted(known, reverse=True) or not all(np.isnan(v) for v in values[len(known) :]):
        yield f"not the largest first: {claim} {values}"
    if claim.kind == "measured" and claim.text and claim.text not in (label, "elasticity"):
        yield f"measured by {label}, not by {claim.text}"
    for size, one in zip(claim.sizes, sizes, strict=True):
        p = plain(size.parameter, columns)
        if size.text == UNKNOWN:
            if not np.isnan(one.value):
                yield f"the size of {p} is {one}"
        elif not columns.is_share(label) or np.isnan(one.value):
            yield from _is_number(size, one, columns)
        else:
            yield from says_share(size, one, label.startswith("the share"))
        yield from _doubt(size, p, columns)


def _is_number(size: Size, one: Ends, columns: Columns) -> Iterator[str]:
    text = size.text.removeprefix("elasticity ")
    if text != size.text or np.isnan(one.value):
        one = columns.ends("elasticity_average", plain(size.parameter, columns))
    one = one.or_value()
    if not number(text).says(one.value, one.low, one.high):
        yield f"{size} is {one}"


def says_share(size: Size, one: Ends, between: bool) -> Iterator[str]:
    told = share(size.text)
    clip = _percent
    if told.under:
        above = one.high if one.bounded else one.value
        if not above < 0.01:
            yield f"{size} is {one}"
        return
    if told.value is not None and not between and abs(told.value - clip(one.value)) > _SLACK:
        yield f"{size} is {one}"
    if (
        told.value is not None
        and between
        and not (
            abs(told.value - clip(one.low)) <= _SLACK and abs(told.value - clip(one.high)) <= _SLACK
        )
    ):
        yield f"{size} is {one}"
    if told.low is not None and told.high is not None:
        if not one.bounded:
            yield f"{size} has no interval"
        # At most: anything below 1 %, said as 0, is at least that.
        elif not (
            -_SLACK <= clip(one.low) - told.low <= 1 and abs(told.high - clip(one.high)) <= _SLACK
        ):
            yield f"{size} is {one}"
    elif one.bounded and not between and one.low != one.high:
        yield f"{size} has an interval that is not said: {one}"


def _percent(x: float) -> float:
    return float(np.clip(100 * x, 0, 100))


def _doubt(size: Size, p: str, columns: Columns) -> Iterator[str]:
    """Doubted if and only if all that sees the effect is made from a gradient that is flagged."""
    seeing = [name for name, seen in columns.who_sees(p).items() if seen]
    rests = bool(seeing) and all(columns.estimates[n].get("from_gradients") for n in seeing)
    if size.doubted != (rests and columns.flagged(p)):
        yield f"{size} is doubted wrongly, or not: {seeing}, flagged {columns.flagged(p)}"


def _direction(claim: Claim, columns: Columns) -> Iterator[str]:
    verb = claim.kind
    if not columns.elasticities():
        yield f"{claim}: elasticities say nothing here"
        return
    below = bool(columns.data["value_average"] < 0) if "value_average" in columns.data else False
    if verb != "goes both ways" and below != verb.endswith("in size"):
        yield f"{verb}: the observable is {'below' if below else 'above'} zero"
    for size in claim.sizes:
        p = plain(size.parameter, columns)
        one = columns.ends("elasticity_average", p).or_value()
        if not number(size.text).says(one.value, one.low, one.high):
            yield f"{size} is {one}"
        if verb == "goes both ways":
            each = columns.data["elasticity"].sel(parameter=p).values
            if not (np.nanmin(each) < 0 < np.nanmax(each)):
                yield f"{size} goes one way"
        elif verb.startswith("grows") and not (one.low > 0):
            yield f"{size} does not grow for sure: {one}"
        elif verb.startswith("shrinks") and not one.high < 0:
            yield f"{size} does not shrink for sure: {one}"
        if verb != "goes both ways" and number(size.text).holds_zero:
            yield f"{size} reads as if it were not told from zero"
        yield from _doubt(size, p, columns)


def _not_ranked(claim: Claim, columns: Columns) -> Iterator[str]:
    if (label := columns.ranges()[0]) != "":
        yield f"ranked by {label}"
    yield from _why_no_elasticity(claim, columns)


def _leads(claim: Claim, columns: Columns) -> Iterator[str]:
    p = plain(claim.sizes[0].parameter, columns)
    if columns.largest() != [p]:
        yield f"{p} is followed most, and these may be: {columns.largest()}"


def _open_order(claim: Claim, columns: Columns) -> Iterator[str]:
    names = [plain(p, columns) for p in claim.parameters]
    if len(columns.largest()) < 2 or not {*names} <= {*columns.largest()}:
        yield f"{names} are not those that may be the largest: {columns.largest()}"


def _doubted(claim: Claim, columns: Columns) -> Iterator[str]:
    for size in claim.sizes:
        yield from _doubt(size, plain(size.parameter, columns), columns)


def _constant(claim: Claim, columns: Columns) -> Iterator[str]:
    del claim
    for p in columns.names.values():
        if not columns.exactly_zero(p):
            yield f"{p} is not 0: {columns.who_sees(p)}"


def _follows_none(claim: Claim, columns: Columns) -> Iterator[str]:
    del claim
    for p in columns.names.values():
        if any(columns.who_sees(p).values()):
            yield f"{p} is seen: {columns.who_sees(p)}"


def _survivors(claim: Claim, columns: Columns) -> Iterator[str]:
    lost = float(columns.data["left_out_share"])
    said = share(claim.text) if claim.text != "all" else None
    if said is None:
        right = lost > 0.99
    elif said.under:
        right = 0 < lost < 0.01
    else:
        right = abs((said.value or 0) - 100 * lost) <= _SLACK
    if not right:
        yield f"{claim.text} are left out: {lost}"


def _mixed(claim: Claim, columns: Columns) -> Iterator[str]:
    for p in (plain(p, columns) for p in claim.parameters):
        each = columns.data["elasticity"].sel(parameter=p).values
        if not np.nanmin(each) < 0 < np.nanmax(each):
            yield f"{p} goes one way"


def _independent(claim: Claim, columns: Columns) -> Iterator[str]:
    for p in (plain(p, columns) for p in claim.parameters):
        for attrs in columns.estimates.values():
            if (test := attrs.get("tested_by")) and not columns.number(test, p) >= LEVEL:
                yield f"{p} has a p-value of {columns.number(test, p)}"
        if any(columns.who_sees(p).values()):
            yield f"{p} is seen: {columns.who_sees(p)}"


def _why_no_elasticity(claim: Claim, columns: Columns) -> Iterator[str]:
    why = claim.text
    if "withheld" in why:
        if not columns.refuted:
            yield f"no gradient misses something: {why}"
    elif why == "elasticities change sign or are not defined":
        seen = [
            p
            for p, who in ((p, columns.who_sees(p)) for p in columns.names.values())
            if any(who.values())
        ]
        if columns.elasticities() and any(
            np.isfinite(columns.number("elasticity_average", p)) for p in seen
        ):
            yield f"elasticities are defined, and none is said to change sign: {why}"
    else:
        yield f"an unknown reason: {why}"


def _unseen(claim: Claim, columns: Columns) -> Iterator[str]:
    for p in (plain(p, columns) for p in claim.parameters):
        yield from _blind(claim.text, p, columns)


def _blind(labels: str, p: str, columns: Columns) -> Iterator[str]:
    who = columns.who_sees(p)
    if not any(who.values()):
        yield f"{p} is said to have an effect, which nothing sees"
    blind = {str(columns.estimates[n]["label"]) for n, seen in who.items() if seen is False}
    rest = labels
    for label in sorted(blind, key=len, reverse=True):
        rest = rest.replace(label, "")
    if rest.replace(" and ", "").replace(", ", "").strip():
        yield f"{p}: {labels} can see an effect, or are unknown: {who}"


def _negligible(claim: Claim, columns: Columns) -> Iterator[str]:
    for p in (plain(p, columns) for p in claim.parameters):
        yield from _small(p, claim.number / 100, columns)


def _many(claim: Claim, columns: Columns) -> Iterator[str]:
    """Of so many parameters, which are not named, it would be true of each."""
    of_one = {"many negligible": _negligible, "many independent": _independent}[claim.kind]
    good = [p for p in columns.names if not list(of_one(replace(claim, parameters=(p,)), columns))]
    if len(good) < int(claim.text):
        yield f"{claim.text} are said to be {claim.kind.removeprefix('many ')}, and only {good} are"


def _small(p: str, small: float, columns: Columns) -> Iterator[str]:
    """No estimate proves that the total index is above; one proves that it is below."""
    upper = [columns.ends(n, p).high for n in columns.of_kind("total share", _BOUND)]
    _, of = columns.ranges()
    if of:
        upper.append(of[p].high)
    if not any(high < small for high in upper):
        yield f"{p} may be involved in more: {upper}"
    for name in columns.of_kind("first-order share", "total share", "lower bound on a total share"):
        if columns.ends(name, p).low > small:
            yield f"{p} is involved in more by {name}: {columns.ends(name, p)}"
    if "noise_elasticity_low" in columns.whole:
        low, high = (columns.number(f"noise_elasticity_{end}", p) for end in ("low", "high"))
        if low > 0 or high < 0:
            yield f"{p} is negligible, and changes the noise"


_OTHERS: dict[str, Callable[[Claim, Columns], Iterator[str]]] = {
    "not ranked": _not_ranked,
    "no direction": _why_no_elasticity,
    "constant": _constant,
    "most": _leads,
    "open order": _open_order,
    "depends on": _doubted,
    "follows none": _follows_none,
    "survivors": _survivors,
    "mixed": _mixed,
    "unseen": _unseen,
    "negligible": _negligible,
    "independent": _independent,
    "many negligible": _many,
    "many independent": _many,
    **dict.fromkeys(_VERBS, _direction),
}
