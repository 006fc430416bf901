"""What the numbers say of each observable and of the run: rankings, doubts, health."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ..figures.estimates import (
    both_signs,
    discrete,
    flagged_pairs,
    has_one_noisy_seed,
    mean_of_both_signs,
    unreliable,
    unsuited,
)
from ..figures.numbers import plain, uncertain_between
from ..figures.ranking import EffectSizes, changes_sign, evidence, sizes
from ..figures.ranking import ends_of as all_ends_of
from ..figures.style import final, names, words
from ..figures.tables import ends_of
from ..listing import first_of, joined
from ..quantities import Kind, Quantity

_NAME = "elasticity_average"
NEGLIGIBLE = 0.05
"""A parameter whose total index is below this at the upper end of its interval hardly matters."""
_MOST_LISTED = 40
_MOST_TIED = 3
_FEW = 2


@dataclass(frozen=True)
class Effect:
    """One parameter's effect on one observable.

    Attributes:
        parameter: In words.
        text: Its size, by the measure of the ranking.
        sign: Direction, where the elasticity has one that does not change over the design; else 0.
        elasticity: That elasticity as text; empty without a direction.
        flagged: Whether it rests on gradients that cannot be trusted.
        mixed: Whether its direction changes over the design.
        unseen: Labels of estimates that could have seen the effect, and cannot tell it from zero.
        value: The size as a number; NaN if the ranking has no measure.
        low: Lower end of its interval, or the lower of two estimates; NaN where there is none.
        high: Upper end.
    """

    parameter: str
    text: str
    sign: int
    elasticity: str = ""
    flagged: bool = False
    mixed: bool = False
    unseen: tuple[str, ...] = ()
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass
class Ranking:
    """What matters for one observable, the largest effect first.

    Attributes:
        observable: In words.
        measure: What it is ranked by; None if nothing ranks the parameters of this observable.
        between: Whether sizes are ranges between two estimates.
        negative: Whether the observable is below zero.
        effects: Told from zero by some estimate.
        first: The parameters of which one has the largest effect: the first of the effects, and whatever
            may be as large, told from zero or not.
        unsure: Told from zero by no estimate.
        zero: Exactly zero by every estimate.
        undefined: Nothing is known.
        refuted: Whether its gradients miss something, so that elasticities are withheld.
        directed: Whether elasticities of the effects are defined and keep their sign.
    """

    observable: str
    measure: Quantity | None = None
    between: bool = False
    negative: bool = False
    effects: list[Effect] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    zero: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)
    refuted: bool = False
    directed: bool = False

    @property
    def tied(self) -> int:
        """How many may each have the largest effect."""
        return len(self.first)

    @property
    def no_direction(self) -> str:
        """Why elasticities say nothing, where they do not."""
        if self.refuted:
            return "elasticities are withheld, for gradients miss something"
        return "elasticities change sign or are not defined"


def rankings(sensitivity: xr.Dataset) -> list[Ranking]:
    """Parameters of every observable at the stated time, sorted by their total effect."""
    data = final(sensitivity)
    cancelling = unsuited(sensitivity)
    return [
        _ranking(data.sel(observable=name), name, not bool(cancelling.sel(observable=name)))
        for name in names(data, "observable")
    ]


def _ranking(data: xr.Dataset, observable: str, elasticities: bool) -> Ranking:
    by, average = sizes(data, elasticities), data.get("value_average")
    below = average is not None and bool(average < 0)
    refuted = bool(data.get("some_gradient_incomplete", False))
    ranking = Ranking(words(observable), by.measure, by.between, below, refuted=refuted)
    flags, changing = unreliable(data), changes_sign(data)
    called, seen_of = _names(data), evidence(data, elasticities)
    elasticity_of = _elasticities(data) if elasticities else None
    order: list[int] = []
    unsure: list[int] = []
    for i in map(int, by.order):
        seen, name = seen_of[i], called[i]
        if not seen.found and not seen.not_found:
            ranking.undefined.append(name)
        elif seen.exactly_zero:
            ranking.zero.append(name)
        elif not seen.found:
            ranking.unsure.append(name)
            unsure.append(i)
        else:
            order.append(i)
            rests = all(one.from_gradients for one in seen.found)
            flagged = rests and flags is not None and bool(flags[i])
            mixed = bool(changing[i]) and _NAME in data and elasticities
            sign, elasticity = (0, "") if elasticity_of is None or mixed else _sign(*elasticity_of[i])
            unseen = tuple(one.label for one in seen.not_found if not one.tested_by)
            average_ = "" if elasticity_of is None else _average(*elasticity_of[i])
            text = _size(by, i, elasticity or average_)
            size = (float(by.value[i]), float(by.low[i]), float(by.high[i]))
            ranking.effects.append(Effect(name, text, sign, elasticity, flagged, mixed, unseen, *size))
    ranking.first = [called[i] for i in _first(by, order, unsure)]
    if elasticities and _NAME in data:
        ranking.directed = bool(np.isfinite(data[_NAME].values[order]).any())
    return ranking


def _first(by: EffectSizes, order: list[int], unsure: list[int]) -> list[int]:
    """Which may each be the largest; what is not told from zero may be large all the same."""
    if by.measure is None or not order:
        return order
    may = [i for i in unsure if not (by.measure.is_share and by.high[i] < NEGLIGIBLE)]
    return [*order[:1], *(i for i in [*order[1:], *may] if by.as_large(order[0], i))]


def _names(data: xr.Dataset) -> list[str]:
    """Names of the parameters in words; the elasticity of a negative one is that of its size."""
    every = [words(name) for name in names(data, "parameter")]
    if "parameter_value" not in data:
        return every
    value = data["parameter_value"].transpose("parameter", ...).values.reshape(len(every), -1)
    below = [bool((one < 0).all()) for one in value]
    return [f"|{name}|" if negative_ else name for name, negative_ in zip(every, below, strict=True)]


def _elasticities(data: xr.Dataset) -> list[tuple[float, float, float]] | None:
    """Each parameter's elasticity and its ends, the value itself without an interval; None: no such."""
    if _NAME not in data:
        return None
    value, low, high = (ends.tolist() for ends in all_ends_of(data, _NAME))
    return list(zip(value, low, high, strict=True))


def _sign(value: float, low: float, high: float) -> tuple[int, str]:
    """Sign and text of an elasticity whose interval leaves zero out."""
    if not np.isfinite(value) or value == 0 or low <= 0 <= high:
        return 0, ""
    return int(np.sign(value)), uncertain_between(value, low, high)


def _average(value: float, low: float, high: float) -> str:
    """Text of an elasticity, whatever its interval says; empty where there is none."""
    return uncertain_between(value, low, high) if np.isfinite(value) else ""


def _size(by: EffectSizes, i: int, elasticity: str) -> str:
    value, low, high = float(by.value[i]), float(by.low[i]), float(by.high[i])
    if by.measure is None or np.isnan(value):
        return elasticity and f"elasticity {elasticity}"
    if by.between:
        return between(low, high)
    if by.measure.is_share:
        return in_percent(value) if low == high or np.isnan(low) else in_percent(value, low, high)
    if by.measure.kind is Kind.ELASTICITY:
        return elasticity  # with its sign
    return uncertain_between(value, low, high)


def between(low: float, high: float) -> str:
    """``12 to 40 %`` for a share that lies between two estimates."""
    below, above = round(100 * np.clip(low, 0, 1)), round(100 * np.clip(high, 0, 1))
    if above < 1:
        return "less than 1 %"
    if below == above:
        return f"{above:.0f} %"
    if below < 1:
        return f"at most {above:.0f} %" if above < 100 else "anything up to 100 %"
    return f"{below:.0f} to {above:.0f} %" if above < 100 else f"at least {below:.0f} %"


def percent(one: xr.Dataset, name: str) -> str:
    """``54 % (44 to 64 %)`` for a share with an interval, cut to what a share can be."""
    return in_percent(float(one[name]), *(ends_of(one, name) or (None, None)))


def in_percent(value: float, low: float | None = None, high: float | None = None) -> str:
    """A share in percent, with its interval where there is one."""
    value = float(np.clip(value, 0, 1))
    if low is None or high is None:
        return f"{100 * value:.0f} %" if value >= 0.005 else "less than 1 %"
    low, high = (float(np.clip(x, 0, 1)) for x in (low, high))
    if high < 0.005:
        return "less than 1 %"
    return f"{100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f} %)"


def leading_sentence(found: list[Ranking], sensitivity: xr.Dataset) -> str:
    """One sentence on the parameter that comes first most often."""
    if has_one_noisy_seed(sensitivity):
        return "One seed has no uncertainty: which effects are real cannot be said."
    if not any(ranking.effects for ranking in found):
        if all(ranking.measure is None for ranking in found):
            why = joined(dict.fromkeys(ranking.no_direction for ranking in found), "or")
            return f"Nothing is ranked: {why}, and this design gives no other measure of size."
        return "No parameter has an effect that can be told from zero."
    doubted = any(r.effects[0].flagged for r in found if r.effects)
    doubt = " The gradients behind this are not to be trusted." if doubted else ""
    return f"{_largest(found)}.{doubt}"


def _largest(found: list[Ranking]) -> str:
    """Which parameters matter most, and for which observables."""
    leads: dict[str, list[str]] = {}
    for ranking in found:
        if ranking.tied == 1:
            leads.setdefault(ranking.first[0], []).append(ranking.observable)
    if not leads:
        tied = dict.fromkeys(name for r in found for name in r.first)
        where = found[0].observable if len(found) == 1 else "each observable"
        return f"Which of {_named(tied)} matters most for {where} is open"
    most = sorted(leads, key=lambda name: -len(leads[name]))
    told = [
        f"{name} {'matters most ' if i == 0 else ''}for {_observables(leads[name], len(found))}"
        for i, name in enumerate(most[:_MOST_TIED])
    ]
    return joined(told)


def _observables(named: list[str], of: int) -> str:
    """``area``, ``area and speed``, ``3 of 6 observables``, ``every observable``."""
    if len(named) == of > 1:
        return "every observable"
    return joined(named) if len(named) <= _FEW else f"{len(named)} of {of} observables"


def open_sentence(found: list[Ranking]) -> str:
    """Where the order of the first is not told, while it is elsewhere; empty if nowhere."""
    tied = [ranking for ranking in found if ranking.tied > 1]
    if not tied or len(tied) == sum(bool(ranking.effects) for ranking in found):
        return ""
    which = dict.fromkeys(name for ranking in tied for name in ranking.first)
    where = _observables([ranking.observable for ranking in tied], len(found))
    return f"What matters most for {where} is still open: {_or(which)}."


def _or(tied: Iterable[str]) -> str:
    return joined(first_of(tied, _MOST_TIED), "or")


def _named(tied: Iterable[str]) -> str:
    return joined(first_of(tied, _MOST_TIED))


def negative(sensitivity: xr.Dataset) -> list[str]:
    """Observables below zero, for which a positive elasticity means a fall."""
    average = final(sensitivity).get("value_average")
    if average is None:
        return []
    return [words(str(name)) for name in average["observable"].values[(average < 0).values]]


def sign_changes(sensitivity: xr.Dataset) -> list[str]:
    """Parameters and observables that change sign over the design: elasticities suit them badly."""
    changing: list[str] = []
    if "parameter_value" in sensitivity:
        both = both_signs(sensitivity["parameter_value"]) & ~discrete(sensitivity).values
        changing += [words(str(label)) for label in both["parameter"].values[both.values]]
    if "mean" in sensitivity:
        both = mean_of_both_signs(sensitivity)
        changing += [words(str(label)) for label in both["observable"].values[both.values]]
    return changing


def single_seed(sensitivity: xr.Dataset) -> str | None:
    """How wrong one seed could be, where the mean over seeds is clear (three standard errors)."""
    gradient = final(sensitivity).get("central_gradient")
    if gradient is None or gradient.sizes["seed"] < 3:
        return None
    n, mean = gradient.notnull().sum("seed"), gradient.mean("seed")
    clear = (n > _FEW) & (abs(mean) > 3 * gradient.std("seed", ddof=1) / np.sqrt(n))
    wrong = (gradient * mean < 0).sum("seed").where(clear)
    if not wrong.notnull().any():
        return None
    if wrong.max() == 0:
        if ((gradient == 0).any("seed") & clear).any():  # of no sign
            return None
        counts = np.unique(n.values[clear.values])
        which = f"one of {counts[0]} seeds" if len(counts) == 1 else "seed that is there"
        return (
            f"At the central sample every {which} has the sign of the mean, wherever the mean is clear."
        )
    where = wrong.stack(pair=("observable", "parameter")).fillna(-1)
    observable, parameter = where["pair"].values[int(np.argmax(where.values))]
    of = int(n.sel(observable=observable, parameter=parameter))
    return (
        f"One seed is not enough: at the central sample {int(wrong.max())} of {of} seeds give the "
        f"gradient of {words(observable)} with respect to {words(parameter)} the wrong sign, "
        "although the mean over seeds is clear."
    )


@dataclass
class HealthSummary:
    """What a reader must be warned of."""

    non_finite: int = 0
    excluded: list[str] = field(default_factory=list)
    more_excluded: int = 0
    exploding: list[tuple[str, str, str]] = field(default_factory=list)
    heavy_tailed: list[tuple[str, str, str]] = field(default_factory=list)
    undefined: list[tuple[str, str]] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether there is nothing to warn of."""
        return not (
            self.non_finite or self.excluded or self.exploding or self.heavy_tailed or self.undefined
        )


def health(sensitivity: xr.Dataset) -> HealthSummary:
    """Non-finite numbers, exploding gradients and elasticities that are not defined."""
    found = HealthSummary()
    if "non_finite_count" in sensitivity:
        found.non_finite = int(sensitivity["non_finite_count"].sum())
    if "excluded_sample" in sensitivity:
        pairs = list(
            zip(
                sensitivity["excluded_sample"].values,
                sensitivity["excluded_seed"].values,
                strict=True,
            )
        )
        found.excluded = [f"sample {int(a)}, seed {int(b)}" for a, b in pairs[:_MOST_LISTED]]
        found.more_excluded = max(len(pairs) - _MOST_LISTED, 0)
    found.exploding = _flagged(sensitivity, "gradient_exploding", "gradient_growth_rate")
    found.heavy_tailed = _flagged(sensitivity, "gradient_heavy_tailed", "gradient_tail_index")
    data = final(sensitivity)
    if _NAME in data:
        undefined = data[_NAME].isnull() & ~unsuited(sensitivity) & ~discrete(sensitivity)
        found.undefined = [(words(o), words(p)) for o, p in flagged_pairs(undefined)]
    return found


def _flagged(sensitivity: xr.Dataset, flag: str, number: str) -> list[tuple[str, str, str]]:
    """Flagged pairs with the number that flagged them."""
    if flag not in sensitivity:
        return []
    numbers = sensitivity.get(number)
    return [
        (
            words(o),
            words(p),
            "not estimated" if numbers is None else plain(float(numbers.sel(observable=o, parameter=p))),
        )
        for o, p in flagged_pairs(sensitivity[flag])
    ]
