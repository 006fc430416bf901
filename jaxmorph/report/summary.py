"""What the numbers say of each observable and of the run: rankings, doubts, health."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ..figures.estimates import (
    both_signs,
    known,
    mean_of_both_signs,
    size_measure,
    unreliable,
    unsuited,
)
from ..figures.numbers import plain, uncertain_between
from ..figures.numerical_checks import largest_over_time
from ..figures.style import final, names, words
from ..quantities import Kind, Quantity

_NAME = "elasticity_average"
_MOST_LISTED = 40
_FEW = 2
# Finite differences that are off by more than this share of the gradient do not confirm it.
_DISAGREEMENT = 0.01


@dataclass(frozen=True)
class Effect:
    """One parameter's effect on one observable; ``mixed``: its sign differs over the design."""

    parameter: str
    text: str
    sign: int
    flagged: bool = False
    mixed: bool = False


@dataclass
class Ranking:
    """What matters for one observable, the largest effect first.

    ``measure`` is what it is ranked by; None if nothing ranks the parameters of this observable.
    """

    observable: str
    measure: Quantity | None = None
    negative: bool = False
    effects: list[Effect] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    zero: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)


def rankings(sensitivity: xr.Dataset) -> list[Ranking]:
    """Parameters of every observable at the last time, sorted by the size of their elasticity."""
    data = final(sensitivity)
    cancelling = unsuited(sensitivity)
    return [
        _sizes(data.sel(observable=name), name)
        if bool(cancelling.sel(observable=name))
        else _ranking(data.sel(observable=name), name)
        for name in names(data, "observable")
    ]


def _sizes(data: xr.Dataset, observable: str) -> Ranking:
    """Ranked by the best measure of size, for elasticities of changing sign cancel."""
    measure = size_measure(data)
    ranking = Ranking(words(observable), measure)
    if measure is None:
        return ranking
    value, flags = data[measure.name].values, unreliable(data)
    for i in np.argsort(-np.nan_to_num(value, nan=-1.0, posinf=1e300), kind="stable"):
        one, name = data.isel(parameter=int(i)), words(str(data["parameter"].values[i]))
        low, high = _ends(one, measure.name)
        if np.isnan(value[i]):
            ranking.undefined.append(name)
        elif value[i] == 0 and low == high:
            ranking.zero.append(name)
        elif low <= 0:
            ranking.unsure.append(name)
        else:
            flagged = measure.from_gradients and flags is not None and bool(flags[int(i)])
            ranking.effects.append(Effect(name, _size_text(one, measure), 0, flagged))
    return ranking


def _size_text(one: xr.Dataset, measure: Quantity) -> str:
    value = float(one[measure.name])
    if measure.kind is Kind.BOUND:
        return f"at most {percent(one, measure.name)}" if value < 1 else "no bound below 100 %"
    if measure.is_share:
        return percent(one, measure.name)
    low, high = _ends(one, measure.name)
    return uncertain_between(value, low, high)


def percent(one: xr.Dataset, name: str) -> str:
    """``54 % (44 to 64 %)`` for a share with an interval, cut to what a share can be."""
    value = float(np.clip(one[name], 0, 1))
    if f"{name}_low" not in one:
        return f"{100 * value:.0f} %" if value >= 0.005 else "less than 1 %"
    low, high = (float(np.clip(one[f"{name}_{end}"], 0, 1)) for end in ("low", "high"))
    if high < 0.005:
        return "less than 1 %"
    return f"{100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f} %)"


def _ranking(data: xr.Dataset, observable: str) -> Ranking:
    average = data.get("value_average")
    ranking = Ranking(words(observable), known(data, _NAME), average is not None and bool(average < 0))
    value = data[_NAME].values
    flags = unreliable(data)
    for i in np.argsort(-np.nan_to_num(np.abs(value), nan=-1.0), kind="stable"):
        one = data.isel(parameter=int(i))
        name = words(str(one["parameter"].item()))
        if "parameter_value" in one and bool((one["parameter_value"] < 0).all()):
            name = f"|{name}|"  # the elasticity is that of its size
        low, high = _ends(one, _NAME)
        if not np.isfinite(value[i]):
            ranking.undefined.append(name)
        elif value[i] == 0 and low == high:
            ranking.zero.append(name)
        elif low <= 0 <= high:
            ranking.unsure.append(name)
        else:
            text = uncertain_between(float(value[i]), low, high)
            flagged = flags is not None and bool(flags[int(i)])
            sign = int(np.sign(value[i]))
            ranking.effects.append(Effect(name, text, sign, flagged, _mixed(one)))
    return ranking


def _mixed(one: xr.Dataset) -> bool:
    """Whether the effect has one sign at a tenth of the samples and the other at another tenth."""
    spread = one.get("elasticity_spread")
    return spread is not None and bool(spread.min() < 0 < spread.max())


def _ends(one: xr.Dataset, name: str) -> tuple[float, float]:
    """Ends of the interval; the value itself where there is no interval (a single seed)."""
    if f"{name}_low" not in one:
        return float(one[name]), float(one[name])
    return float(one[f"{name}_low"]), float(one[f"{name}_high"])


def leading_sentence(found: list[Ranking], sensitivity: xr.Dataset) -> str:
    """One sentence on the parameter that comes first most often."""
    noisy = int(sensitivity.attrs.get("stochastic", 1)) == 1
    if noisy and sensitivity.sizes.get("seed", 1) < 2:
        return "One seed has no uncertainty: which effects are real cannot be said."
    if all(ranking.measure is None for ranking in found):
        return (
            "Nothing is ranked: elasticities change sign or are not defined, and this design gives no "
            "other measure of size."
        )
    first = [ranking.effects[0].parameter for ranking in found if ranking.effects]
    if not first:
        return "No parameter has an effect that can be told from zero."
    return _largest(found, first)


def _largest(found: list[Ranking], first: list[str]) -> str:
    """Which parameters come first, ``first`` being that of each observable that has one."""
    name = max(dict.fromkeys(first), key=first.count)
    measures = dict.fromkeys(r.measure.label for r in found if r.measure is not None)
    by = f", judged by its {next(iter(measures))}" if len(measures) == 1 else ""
    by = "" if by.endswith(" elasticity") else by
    doubted = any(r.effects[0].flagged for r in found if r.effects)
    doubt = " The gradients behind this are not to be trusted." if doubted else ""
    if len(found) == 1:
        return f"The parameter with the largest effect is {name}{by}.{doubt}"
    if first.count(name) == 1 and len(first) == len(found) <= _FEW:
        each = [f"{r.effects[0].parameter} on {r.observable}" for r in found]
        return f"The largest effects are those of {' and '.join(each)}{by}.{doubt}"
    if first.count(name) == len(found):
        return f"The parameter {name} has the largest effect on every observable{by}.{doubt}"
    return (
        f"The parameter {name} has the largest effect on {first.count(name)} of the {len(found)} "
        f"observables{by}.{doubt}"
    )


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
        both = both_signs(sensitivity["parameter_value"])
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
    n = gradient.sizes["seed"]
    mean, se = gradient.mean("seed"), gradient.std("seed", ddof=1) / np.sqrt(n)
    wrong = (gradient * mean < 0).sum("seed").where(abs(mean) > 3 * se)
    if not wrong.notnull().any():
        return None
    if wrong.max() == 0:
        return (
            f"At the central sample every one of {n} seeds has the sign of the mean, wherever the "
            "mean is clear."
        )
    where = wrong.stack(pair=("observable", "parameter")).fillna(-1)
    observable, parameter = where["pair"].values[int(np.argmax(where.values))]
    return (
        f"One seed is not enough: at the central sample {int(wrong.max())} of {n} seeds give the "
        f"gradient of {words(observable)} with respect to {words(parameter)} the wrong sign, "
        "although the mean over seeds is clear."
    )


def worst_check(checks: xr.Dataset | None) -> str | None:
    """The largest disagreement of automatic gradients with finite differences, and where it is."""
    if checks is None:
        return None
    difference, _ = largest_over_time(checks)
    if not difference.notnull().any():
        return "No finite difference could be compared."
    place = difference.fillna(-1.0).argmax(...)
    worst = difference.isel(place)
    where = (
        f"{words(str(worst['observable'].item()))} with respect to "
        f"{words(str(worst['parameter'].item()))}"
    )
    if float(worst) > _DISAGREEMENT:
        return (
            "Automatic gradients and finite differences do not agree: they differ by "
            f"{plain(float(worst), 2)} of the largest gradient over time ({where}). Where a "
            "simulation is chaotic or jumps, neither says how its mean changes."
        )
    return (
        f"Automatic gradients agree with finite differences to {plain(float(worst), 2)} of the "
        "largest gradient over time or better, in "
        f"{checks.sizes['sample'] * checks.sizes['seed']} simulations (worst: {where})."
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
        undefined = data[_NAME].isnull() & ~unsuited(sensitivity)
        found.undefined = [(words(o), words(p)) for o, p in _where(undefined)]
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
        for o, p in _where(sensitivity[flag].astype(bool))
    ]


def _where(mask: xr.DataArray) -> list[tuple[str, str]]:
    return [
        (o, p)
        for o in names(mask.to_dataset(name="mask"), "observable")
        for p in names(mask.to_dataset(name="mask"), "parameter")
        if bool(mask.sel(observable=o, parameter=p))
    ]
