"""What differs between runs, in sentences that follow from the numbers, the largest first."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ...figures.numbers import plain, uncertain_parts
from ...figures.style import names, time_text, unit_of, words
from ...figures.tables import ends_of
from ...listing import first_of, joined

_MEAN, _RELATIVE = "value_average_difference", "value_average_relative_difference"
_EFFECTS = (
    ("sobol_total", "total index"),
    ("elasticity_average", "elasticity"),
)
_MOST_MEANS, _MOST_EFFECTS = 8, 5
_SMALL = 0.01
"""A difference that is surely a smaller share than this is only named."""
_TIMES = 2.0
"""A mean so many times as large is told as a multiple, not in percent."""


@dataclass
class Told:
    """What is found of one run beside the first.

    Attributes:
        other: The run.
        lead: How much differs, in one sentence.
        means: What differs between means.
        effects: What differs between effects of parameters.
        nothing: Where no difference is found, or none can be.
        looked_at: How many intervals were looked at.
    """

    other: str
    lead: str = ""
    means: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    nothing: list[str] = field(default_factory=list)
    looked_at: int = 0

    @property
    def lines(self) -> list[str]:
        """All of it, the answer first."""
        return [self.lead, *self.means, *self.effects, *self.nothing]


def findings(comparison: xr.Dataset) -> list[Told]:
    """Of each other run, at the last time that it shares with the first."""
    return [_of(comparison, other) for other in names(comparison, "other")]


def findings_of_comparison(comparison: xr.Dataset) -> list[str]:
    """All of it, a sentence or two a line."""
    return [line for one in findings(comparison) for line in one.lines]


def at_last(comparison: xr.Dataset, other: str) -> xr.Dataset:
    """The last time that a run shares with the first, and the observables of both."""
    one = comparison.sel(other=other)
    there = one[_MEAN].notnull()
    places = np.flatnonzero(there.any("observable").values)
    return one.isel(
        time=int(places[-1]) if places.size else -1,
        observable=np.flatnonzero(there.any("time").values),
    )


def _of(comparison: xr.Dataset, other: str) -> Told:
    data, found = at_last(comparison, other), Told(other)
    first = names(comparison, "run")[0]
    _add_means(found, data, first)
    for name, label in _EFFECTS:
        if f"{name}_difference_low" in data:
            _add_effects(found, data, first, name, label)
    return found


def _add_means(found: Told, data: xr.Dataset, first: str) -> None:
    sizes: list[tuple[float, str]] = []
    small, alike, unsure = [], [], []
    observables = names(data, "observable")
    for observable in observables:
        at, name = data.sel(observable=observable), words(observable)
        told = _told(at, _MEAN)
        if told is None:
            unsure.append(name)
        elif not told:
            alike.append(name)
        elif _is_small(at):
            small.append(name)
        else:
            text = _mean(at, first, found.other, name, unit_of(data, "observable", observable))
            sizes.append((-_in_errors(at), text))
    differ = len(sizes) + len(small)
    found.looked_at += differ + len(alike)
    found.lead = _lead(f"{found.other} differs from {first} at {time_text(data)}", observables, differ)
    if not differ:
        between = f"between {found.other} and {first} at {time_text(data)}"
        found.lead = f"On average no difference is found {between}."
        if not alike:
            found.lead = f"Whether there is a difference {between} cannot be said: no interval."
    more = "{} more observables differ: see the table."
    found.means = first_of([text for _, text in sorted(sizes)], _MOST_MEANS, more)
    if small:
        found.means.append(f"By less than {100 * _SMALL:.0f} %, but told from zero: {joined(small)}.")
    if differ and alike:
        found.nothing.append(f"No difference is found in {joined(alike)}.")
    if unsure and (differ or alike):
        found.nothing.append(f"Whether {joined(unsure)} {_verb(unsure)} cannot be said.")


def _lead(start: str, observables: list[str], differ: int) -> str:
    if len(observables) == 1:
        return f"{start} in {words(observables[0])}, on average."
    if differ == len(observables):
        return f"{start} in every observable, on average."
    return f"{start} in {differ} of the {len(observables)} observables, on average."


def _verb(which: list[str]) -> str:
    return "differs" if len(which) == 1 else "differ"


def _told(at: xr.Dataset, name: str) -> bool | None:
    """Whether a difference is told from zero; None if that is not known."""
    ends, value = ends_of(at, name), float(at[name])
    if ends is None or not np.isfinite([value, *ends]).all():
        return None
    return ends[0] > 0 or ends[1] < 0


def _is_small(at: xr.Dataset) -> bool:
    """Whether a difference of means is less than a hundredth, whatever it is."""
    ends = ends_of(at, _RELATIVE)
    return ends is not None and max(map(abs, ends)) < _SMALL


def _in_errors(at: xr.Dataset) -> float:
    """The size of a difference as a share of the first mean, else of its own interval."""
    relative = abs(float(at[_RELATIVE]))
    if np.isfinite(relative):
        return relative
    low, high = ends_of(at, _MEAN) or (0.0, np.inf)
    return abs(float(at[_MEAN])) / max(high - low, np.finfo(float).tiny)


def _mean(at: xr.Dataset, first: str, other: str, name: str, unit: str) -> str:
    """``mutant's mean distance is 12 % (10 to 14 %) larger than control's``."""
    value, ends = float(at[_RELATIVE]), ends_of(at, _RELATIVE)
    if ends is not None and np.isfinite([value, *ends]).all() and (ends[0] > 0 or ends[1] < 0):
        if value > _TIMES - 1:
            times, least, most = (_cut(1 + x, ends, 1) for x in (value, *ends))
            return f"{other}'s {name} is {times} times ({least} to {most}) {first}'s."
        if value > -1:
            below = float(at["value_average"].sel(run=first)) < 0
            which = f"{'larger' if value > 0 else 'smaller'}{' in size' if below else ''}"
            sizes = (abs(value), *sorted(map(abs, ends)))
            percent, least, most = (_cut(x, ends, 100) for x in sizes)
            return f"{other}'s {name} is {percent} % ({least} to {most} %) {which} than {first}'s."
    found = ends_of(at, _MEAN) or (0.0, 0.0)
    size, least, most = (plain(x) for x in (abs(float(at[_MEAN])), *sorted(map(abs, found))))
    where = "above" if float(at[_MEAN]) > 0 else "below"
    unit = "" if unit in ("", "1") else f" {unit}"
    return f"{other}'s {name} is {size}{unit} ({least} to {most}{unit}) {where} {first}'s."


def _cut(x: float, ends: tuple[float, float], scale: float) -> str:
    """``x`` in units of 1 / ``scale``, to the digits that the interval leaves."""
    return uncertain_parts(scale * x, scale * (ends[1] - ends[0]) / 2)[0]


def _add_effects(found: Told, data: xr.Dataset, first: str, name: str, label: str) -> None:
    difference = f"{name}_difference"
    sizes: list[tuple[float, str]] = []
    alike: dict[str, int] = {}
    judged = 0
    for observable in names(data, "observable"):
        if name == "elasticity_average" and bool(
            data["elasticity_unsuited"].sel(observable=observable, run=[first, found.other]).any()
        ):
            continue
        for parameter in names(data, "parameter"):
            at = data.sel(observable=observable, parameter=parameter)
            told = None if _distrusted(at, first, found.other) else _told(at, difference)
            if told is None:
                continue
            judged += 1
            alike.setdefault(words(observable), 0)
            if told:
                alike[words(observable)] += 1
                text = _effect(at, first, found.other, name, label)
                sizes.append((-abs(float(at[difference])), text))
    found.looked_at += judged
    more = (
        f"{{}} more {'indices' if label == 'total index' else 'elasticities'} differ: see the figures."
    )
    found.effects += first_of([text for _, text in sorted(sizes)], _MOST_EFFECTS, more)
    if none := [observable for observable, n in alike.items() if not n]:
        every = len(none) == len(alike) > 1
        where = "any observable" if every else joined(none)
        found.nothing.append(f"No {label} is found to differ for {where}.")


def _distrusted(at: xr.Dataset, first: str, other: str) -> bool:
    """Whether gradients behind it are flagged in one of both."""
    flags = at.get("gradient_flagged")
    return flags is not None and bool(flags.sel(run=[first, other]).any())


def _effect(at: xr.Dataset, first: str, other: str, name: str, label: str) -> str:
    """``growth rate matters more for n cells in mutant: total index 62 % against 41 %``."""
    observable, parameter = words(str(at["observable"].item())), words(str(at["parameter"].item()))
    one, two = (float(at[name].sel(run=run)) for run in (first, other))
    ends = ends_of(at, f"{name}_difference") or (0.0, 0.0)
    share = label == "total index"
    texts = [_cut(x, ends, 100 if share else 1) + (" %" if share else "") for x in (two, one)]
    if share:
        how = f"matters {'more' if two > one else 'less'} for {observable}"
    elif one * two > 0:
        how = f"acts {'more' if abs(two) > abs(one) else 'less'} strongly on {observable}"
    else:
        how = f"acts differently on {observable}"
    return f"{parameter} {how} in {other}: {label} {texts[0]} against {texts[1]}."
