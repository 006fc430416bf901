"""Findings over time: when an effect is largest, when it changes its direction, when it is gone.

The effect of a parameter at a time is the mean gradient over the design, in units of the observable.
The interval of a pair is widened so that it holds for all its recorded times together (Bonferroni; the
ratio of two quantiles of Student's t). A direction is told where that interval leaves zero out, and no
elasticity whose interval does says the opposite; of two times one is said to have the larger effect
only where their widened intervals do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from scipy import stats

from ..figures.estimates import has_noise, unreliable, unsuited
from ..figures.stated import time_text
from ..figures.style import names, words
from ..listing import first_of, joined
from ..quantities import Method, unit_of_entry

METHOD = Method(
    "Findings over time",
    "E_θ E_r[∂f/∂θ_p](t), with an interval for all recorded times of a pair together",
    "Each 95 % interval is widened by the ratio of the quantiles of Student's t at 1 - 0.025 / T, with "
    "T recorded times, and at 1 - 0.025. A direction is told where it leaves zero out, a change of "
    "direction where both sides do. An effect is said to be largest at the times whose intervals reach "
    "into that of the largest one, if these are neither the first nor the last.",
    "Dunn, J. Am. Stat. Assoc. 56 (1961) 52-64",
)
SMALL = 0.1
"""An effect that is surely below this share of the largest one hardly matters at that time."""
_NAME = "gradient_average"
_PAIR = ("observable", "parameter", "time")
_MOST_SPANS, _FEWEST_TIMES = 3, 3


@dataclass(frozen=True)
class EffectOverTime:
    """The effect of one parameter on one observable over time, as arrays over the recorded times.

    Attributes:
        value: The effect; NaN where it is not known.
        low: Lower end of the interval that holds for all times together.
        high: Its upper end.
        opposed: The direction that the elasticity contradicts, where it tells one; else 0.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    opposed: np.ndarray

    @property
    def sign(self) -> np.ndarray:
        """Direction where it is told, else 0."""
        told = (self.low > 0).astype(int) - (self.high < 0)
        return np.asarray(np.where(told == self.opposed, 0, told))

    @property
    def least(self) -> np.ndarray:
        """How large the effect is at least."""
        return np.asarray(np.maximum(np.maximum(self.low, -self.high), 0.0))

    @property
    def most(self) -> np.ndarray:
        """How large it is at most."""
        return np.asarray(np.maximum(np.abs(self.low), np.abs(self.high)))


@dataclass(frozen=True)
class Finding:
    """What is found over time of one parameter and one observable.

    Attributes:
        observable: Its name.
        turns: Whether the direction changes.
        sentence: The finding.
    """

    observable: str
    turns: bool
    sentence: str


def over_time(sensitivity: xr.Dataset) -> list[Finding]:
    """What is found of each pair that there is something to say of; changes of direction first.

    Gradients that are not to be trusted, of which there is no interval, or by discrete parameters say
    nothing here.
    """
    if _NAME not in sensitivity or sensitivity.sizes.get("time", 1) < _FEWEST_TIMES:
        return []
    if f"{_NAME}_low" not in sensitivity and has_noise(sensitivity):
        return []
    time = sensitivity[["time"]]
    when = [_clock(time.isel(time=i)) for i in range(time.sizes["time"])]
    found = [
        Finding(observable, turns, sentence)
        for observable, parameter, course in _courses(sensitivity)
        for turns, sentence in _told(course, words(parameter), words(observable), when)
    ]
    return sorted(found, key=lambda finding: not finding.turns)


def told_over_time(
    sensitivity: xr.Dataset, found: Sequence[Finding] | None = None, most: int = 4
) -> list[str]:
    """The first sentences, and how many more there are; ``found``: :func:`over_time`, if it is known."""
    sentences = [one.sentence for one in (over_time(sensitivity) if found is None else found)]
    return first_of(sentences, most, "{} more such findings are in the sections of the observables.")


def _clock(at: xr.Dataset) -> str:
    """``day 40``, ``7.34 h``, or ``time 0.1`` without a unit."""
    unit = unit_of_entry(at["time"])
    if unit in ("", "1"):
        return time_text(at)
    number = time_text(at).removeprefix("time ").removesuffix(f" {unit}")
    return f"day {number}" if unit in ("d", "day", "days") else f"{number} {unit}"


def _courses(sensitivity: xr.Dataset) -> Iterator[tuple[str, str, EffectOverTime]]:
    """The pairs whose gradients can be trusted, each with its course."""
    ends = [sensitivity.get(f"{_NAME}_{end}", sensitivity[_NAME]) for end in ("low", "high")]
    value, low, high = (x.transpose(*_PAIR).values for x in (sensitivity[_NAME], *ends))
    known = np.isfinite(value) & np.isfinite(low) & np.isfinite(high)
    value, low, high = (np.where(known, x, np.nan) for x in (value, low, high))
    factor = _widening(sensitivity, known.sum(axis=-1, keepdims=True))
    low, high = value - factor * (value - low), value + factor * (high - value)
    opposed, flags = _opposed(sensitivity), unreliable(sensitivity)
    if flags is not None:
        flags = flags.transpose(*_PAIR[:2])
    for i, observable in enumerate(names(sensitivity, "observable")):
        for j, parameter in enumerate(names(sensitivity, "parameter")):
            if flags is None or not bool(flags.values[i, j]):
                arrays = (x[i, j] for x in (value, low, high, opposed))
                yield observable, parameter, EffectOverTime(*arrays)


def _widening(sensitivity: xr.Dataset, n_times: np.ndarray) -> np.ndarray:
    """By which the intervals of single times become those of all times together."""
    sources = []
    if has_noise(sensitivity):
        sources.append(sensitivity.sizes.get("seed", 2))
    if f"{_NAME}_se_samples" in sensitivity:
        sources.append(sensitivity.sizes["sample"])
    degrees = max(min(sources, default=2) - 1, 1)
    level = 0.025 / np.maximum(n_times, 1)
    return np.asarray(stats.t.isf(level, degrees) / stats.t.isf(0.025, degrees))


def _opposed(sensitivity: xr.Dataset) -> np.ndarray:
    """The direction of the gradient that the elasticity contradicts; 0 where it contradicts none."""
    needed = ("elasticity_average_low", "value_average", "parameter_value")
    if any(name not in sensitivity for name in needed):
        return np.zeros([sensitivity.sizes[dim] for dim in _PAIR], int)
    told = (sensitivity["elasticity_average_low"] > 0).astype(int)
    told = told - (sensitivity["elasticity_average_high"] < 0)
    of_ratio = np.sign(sensitivity["value_average"]) * np.sign(
        sensitivity["parameter_value"].mean("sample")
    )
    contradicts = (-told * of_ratio).where(~unsuited(sensitivity), 0).fillna(0)
    return np.asarray(contradicts.transpose(*_PAIR).values.astype(int))


def _told(
    course: EffectOverTime, parameter: str, observable: str, when: Sequence[str]
) -> list[tuple[bool, str]]:
    """The sentence on one pair, if there is one, and whether it tells a change of direction."""
    known = np.flatnonzero(np.isfinite(course.value))
    if len(known) < _FEWEST_TIMES:
        return []
    directions = _directions(_spans(course), parameter, observable, when)
    size = _size(course, known, when)
    if directions:
        return [(True, f"{directions}; its effect {size}." if size else f"{directions}.")]
    return [(False, f"The effect of {parameter} on {observable} {size}.")] if size else []


def _spans(course: EffectOverTime) -> list[tuple[int, int, int]]:
    """Direction, first and last place of each stretch of time in which a direction is told.

    Places at which it is not told, but where the effect has the direction of both neighbours, break
    no stretch.
    """
    spans: list[tuple[int, int, int]] = []
    for place in np.flatnonzero(course.sign):
        sign = int(course.sign[place])
        if spans and spans[-1][0] == sign:
            between = course.value[spans[-1][2] : place]
            if (np.sign(between) == sign).all():
                spans[-1] = (sign, spans[-1][1], int(place))
                continue
        spans.append((sign, int(place), int(place)))
    return spans


def _directions(
    spans: list[tuple[int, int, int]], parameter: str, observable: str, when: Sequence[str]
) -> str:
    """``beta raises infected until day 39 and lowers it from day 45 on``; empty without a change."""
    if len({sign for sign, _, _ in spans}) < 2:
        return ""
    if len(spans) > _MOST_SPANS:
        changes = sum(a[0] != b[0] for a, b in pairwise(spans))
        times = "once" if changes == 1 else f"{changes} times"
        return f"{parameter} changes the direction in which it moves {observable} {times}"
    parts = []
    for i, (sign, first, last) in enumerate(spans):
        verb = f"{'raises' if sign > 0 else 'lowers'} {'it' if i else observable}"
        parts.append(f"{verb} {_span(first, last, i == 0, i == len(spans) - 1, when)}")
    return f"{parameter} {joined(parts)}"


def _span(first: int, last: int, is_first: bool, is_last: bool, when: Sequence[str]) -> str:
    if is_first and first != last:
        return f"until {when[last]}" if first <= 1 else f"from {when[first]} to {when[last]}"
    if is_last and last == len(when) - 1:
        return f"from {when[first]} on" if first != last else f"at {when[last]}"
    return f"at {when[first]}" if first == last else f"from {when[first]} to {when[last]}"


def _size(course: EffectOverTime, known: np.ndarray, when: Sequence[str]) -> str:
    """When the effect is largest, and since or until when it hardly matters; empty if not told."""
    peak = int(known[np.argmax(np.abs(course.value[known]))])
    if course.least[peak] <= 0:
        return ""
    alike = known[course.most[known] >= course.least[peak]]
    first, last = int(alike[0]), int(alike[-1])
    if (np.sign(course.value[alike]) != np.sign(course.value[peak])).any():
        return ""
    small = course.most[known] < SMALL * course.least[peak]
    gone = _from_the_end(small, known)
    inside = first > known[0] and last < known[-1]
    if inside and last - first <= len(when) // 2:
        text = f"is largest {_around(first, last, when)}"
        return text if gone is None else f"{text}, and less than a tenth of that from {when[gone]} on"
    if gone is not None and first == known[0]:
        return f"is largest at the beginning, and less than a tenth of that from {when[gone]} on"
    late = _from_the_start(small, known)
    if late is not None and last == known[-1] and first > late >= len(when) // 2:
        return f"comes late: until {when[late]} it is less than a tenth of what it becomes"
    return ""


def _around(first: int, last: int, when: Sequence[str]) -> str:
    return f"at {when[first]}" if first == last else f"between {when[first]} and {when[last]}"


def _from_the_end(small: np.ndarray, known: np.ndarray) -> int | None:
    """The first place from which on it is small at all known times; None if it is not at the last."""
    large = np.flatnonzero(~small)
    return int(known[large[-1] + 1]) if large[-1] + 1 < len(known) else None


def _from_the_start(small: np.ndarray, known: np.ndarray) -> int | None:
    """The last place until which it is small at all known times; None if it is not at the first."""
    large = np.flatnonzero(~small)
    return int(known[large[0] - 1]) if large[0] > 0 else None
