"""How much each parameter matters for one observable: what the estimates say of its total effect.

The total effect of a parameter is its total Sobol index T: the share of the variance in which it is
involved, alone or with others. A design that gives T ranks by T. Otherwise T lies between two estimates,
for independent parameters:

- not below the first-order index S_p, what it explains alone, nor below its lower bound from gradients;
- not above its upper bound from gradients, and not above 1 minus the first-order indices of all others:
  what these explain alone does not involve p. Where first-order indices add up to 1 there are no
  interactions, and S = T.

A bound below what the same parameter explains alone is refuted, and with it the gradients of this
observable: none of its bounds is used. Where a dataset has none of these, it is the effect of a finite
step, the activity score or, last, the elasticity that ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..quantities import Kind, Quantity
from .estimates import known, present

_NO_SHARES = (Kind.EFFECT, Kind.SCORE)
# What sees an effect of a parameter, if its interval leaves zero out.
_EVIDENCE = (
    *(Kind.ELASTICITY, Kind.TOTAL, Kind.FIRST, Kind.BOUND, Kind.SCORE, Kind.EFFECT),
    Kind.DISTANCE,
)
LEVEL = 0.05
"""A test finds an effect where its p-value, adjusted for the whole run, is below this."""
_SAME = 1e-9


@dataclass(frozen=True)
class EffectSizes:
    """How large the effect of every parameter is, by the best that there is.

    Attributes:
        measure: What it is judged by; None if nothing ranks them. Where T lies between two
            estimates, the upper one of them.
        between: Whether ``low`` and ``high`` are those two, and not the ends of an interval.
        value: (parameter), NaN where nothing is known.
        low: Lower ends (parameter), NaN where the error of a total index is not known.
        high: Upper ends (parameter).
    """

    measure: Quantity | None
    between: bool
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def order(self) -> np.ndarray:
        """Numbers of the parameters, the largest first, what is not known last."""
        known_ = ~np.isnan(self.value)
        return np.lexsort((-np.nan_to_num(self.high), -np.nan_to_num(self.value), ~known_))

    def as_large(self, i: int, j: int) -> bool:
        """Whether parameter j may matter as much as i, which comes before it."""
        below, above = self.value[i] - self.low[i], self.high[j] - self.value[j]
        error = below + above if self.between else np.hypot(below, above)
        if np.isnan(error) and self.measure is not None and self.measure.error:
            error = np.hypot(self.measure.error, self.measure.error)
        return not self.value[i] - self.value[j] > error  # an unknown error says nothing of the order


def sizes(data: xr.Dataset, elasticities: bool) -> EffectSizes:
    """The effects on one observable at one time.

    Args:
        data: Without the dimensions ``time`` and ``observable``.
        elasticities: Whether averaged elasticities rank (``unsuited``).
    """
    for total in _ranking(data, Kind.TOTAL):
        value, low, high = ends_of(data, total.name)
        if f"{total.name}_low" not in data:
            low, high = np.full((2, len(value)), np.nan)
        return EffectSizes(total, False, value, low, high)
    between = _between(data)
    if between is not None:
        return between
    for kind in _NO_SHARES:
        for one in _ranking(data, kind):
            return EffectSizes(one, False, *ends_of(data, one.name))
    if elasticities and "elasticity_average" in data:
        value, low, high = ends_of(data, "elasticity_average")
        size, half = np.abs(value), (high - low) / 2
        return EffectSizes(known(data, "elasticity_average"), False, size, size - half, size + half)
    nothing = np.full(data.sizes["parameter"], np.nan)
    return EffectSizes(None, False, nothing, nothing, nothing)


def _ranking(data: xr.Dataset, kind: Kind) -> list[Quantity]:
    """Estimates of a kind that rank parameters, and are there for some."""
    return [one for one in present(data, kind) if one.ranks and bool(data[one.name].notnull().any())]


def _between(data: xr.Dataset) -> EffectSizes | None:
    """T between what a parameter explains alone, and its bound or what the others leave."""
    first, bound = _ranking(data, Kind.FIRST), _ranking(data, Kind.BOUND)
    if not first and not bound:
        return None
    n = data.sizes["parameter"]
    at_least, at_most = np.zeros(n), np.ones(n)
    seen = np.zeros(n, bool)
    if first:
        alone, low, high = ends_of(data, first[0].name)
        seen |= ~np.isnan(alone)
        at_least = np.clip(np.nan_to_num(low), 0, 1)
        share, half = np.nan_to_num(alone), np.nan_to_num(high - low, posinf=2.0) / 2
        others = share.sum() - share - np.sqrt((half**2).sum() - half**2)
        at_most = np.clip(1 - others, at_least, 1)
    if bound:
        value, _, high = ends_of(data, bound[0].name)
        seen |= ~np.isnan(value)
        refuted = bool((high < at_least - _SAME).any())
        holds = ~np.isnan(value) & (not refuted)
        at_most = np.where(holds, np.minimum(at_most, np.maximum(high, at_least)), at_most)
        for lower in _ranking(data, Kind.LOWER_BOUND) if not refuted else []:
            _, low, _ = ends_of(data, lower.name)
            at_least = np.maximum(at_least, np.minimum(np.nan_to_num(low), at_most))
    value = np.where(seen, (at_least + at_most) / 2, np.nan)
    measure = (bound or first)[0]
    return EffectSizes(measure, True, value, at_least, at_most)


def ends_of(data: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value and ends of the interval, the value itself where there is none; (parameter)."""
    value = data[name].values.astype(float)
    if f"{name}_low" not in data:
        return value, value, value
    return value, data[f"{name}_low"].values.astype(float), data[f"{name}_high"].values.astype(float)


@dataclass(frozen=True)
class Evidence:
    """What the estimates say of whether a parameter has an effect at all.

    Attributes:
        found: Those that leave zero out of their interval or, without one, of their largest known error;
            those whose test says so, on a design on which that proves something.
        not_found: The others.
        exactly_zero: Whether all are 0, without an error.
    """

    found: list[Quantity]
    not_found: list[Quantity]
    exactly_zero: bool


def evidence(data: xr.Dataset, elasticities: bool) -> list[Evidence]:
    """Of each parameter on one observable at one time, by every estimate that could see an effect."""
    # What several seeds give without an interval, noise may have made; of a single one all is said so.
    noisy = int(data.attrs.get("stochastic", 1)) == 1 and data.sizes.get("seed", 1) > 1
    columns = [
        _Column.of(data, quantity)
        for quantity in present(data, *_EVIDENCE)
        if (elasticities if quantity.kind is Kind.ELASTICITY else quantity.ranks or quantity.tested_by)
    ]
    every = range(data.sizes["parameter"])
    return [_evidence(columns, i, np.inf if noisy else 0.0) for i in every]


@dataclass(frozen=True)
class _Column:
    """An estimate of all parameters, with the p-values of its test, if it has one."""

    quantity: Quantity
    ends: tuple[np.ndarray, np.ndarray, np.ndarray]
    has_interval: bool
    p: np.ndarray | None
    proves: bool

    @classmethod
    def of(cls, data: xr.Dataset, quantity: Quantity) -> _Column:
        test = quantity.tested_by
        return cls(
            quantity, ends_of(data, quantity.name), f"{quantity.name}_low" in data,
            data[test].values if test else None, bool(data.get(f"{test}_holds", True)),
        )  # fmt: skip


def _evidence(columns: list[_Column], i: int, unknown: float) -> Evidence:
    """Of parameter i; an estimate without an interval may be off by ``unknown``."""
    found: list[Quantity] = []
    not_found: list[Quantity] = []
    zero, exact = True, False
    for column in columns:
        quantity, (value, low, high) = column.quantity, (float(end[i]) for end in column.ends)
        if np.isnan(value):
            continue
        if column.p is not None:
            seen = float(column.p[i]) < LEVEL
            if seen and not column.proves:
                continue
            (found if seen else not_found).append(quantity)
            zero &= not seen
            continue
        if not column.has_interval and (value != 0 or quantity.error):
            error = quantity.error or unknown
            low, high = value - error, value + error
        if value == 0 and low == high:
            not_found.append(quantity)
            exact = True
            continue
        zero = False
        signed = quantity.kind is Kind.ELASTICITY
        (found if low > 0 or (signed and high < 0) else not_found).append(quantity)
    return Evidence(found, not_found, zero and exact)


def changes_sign(data: xr.Dataset) -> np.ndarray:
    """Whether an elasticity is below zero at some samples and above at others; (parameter).

    By four standard errors; without these, at a tenth of the samples each.
    """
    n = data.sizes["parameter"]
    if "elasticity" in data and "sample" in data["elasticity"].dims:
        each = data["elasticity"].transpose("sample", "parameter").values
        error = (
            data["elasticity_se"].transpose("sample", "parameter").values
            if "elasticity_se" in data
            else 0.0
        )
        error = 4 * np.nan_to_num(error)
        below, above = each + error < 0, each - error > 0
        return np.asarray(below.any(axis=0) & above.any(axis=0))
    spread = data.get("elasticity_spread")
    if spread is None:
        return np.zeros(n, bool)
    return np.asarray((spread.min("quantile") < 0) & (spread.max("quantile") > 0))
