"""The columns of one observable as a reader of a file takes them: what they say of each parameter.

Nothing here calls the code that writes sentences, nor what that code ranks by: columns are read by the
names and attributes that a file gives them, and rules of :mod:`jaxmorph.figures.ranking` that a reader
has to know are written down a second time, from their words.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .sentences import spoken

_PAIR = ("time", "observable", "parameter")
_SIZES = ("score", "effect of a finite step")
LEVEL = 0.05
"""A test finds an effect where its p-value is below this."""


@dataclass(frozen=True)
class Ends:
    """An estimate and its interval; ``nan`` for ends that are not known."""

    value: float
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        """Whether it has an interval."""
        return not (np.isnan(self.low) or np.isnan(self.high))

    def or_value(self) -> Ends:
        """The value itself for ends that are not there."""
        return self if self.bounded else Ends(self.value, self.value, self.value)


class Columns:
    """The columns of one observable at the last time."""

    def __init__(self, whole: xr.Dataset, observable: str):
        self.whole, self.observable = whole, observable
        self.data = whole.isel(time=-1).sel(observable=observable)
        self._row = list(whole["observable"].values).index(observable)
        self._places = {str(p): i for i, p in enumerate(whole["parameter"].values)}
        self.names = {spoken(p): str(p) for p in whole["parameter"].values}
        self.estimates = {
            name: whole[name].attrs
            for name in map(str, whole.data_vars)
            if whole[name].dims == _PAIR and "label" in whole[name].attrs
        }
        stochastic = bool(int(whole.attrs.get("stochastic", 1)))
        self.one_seed = stochastic and whole.sizes.get("seed", 1) < 2
        self.noisy = stochastic and whole.sizes.get("seed", 1) > 1
        kinds = json.loads(whole.attrs.get("distributions", "[]"))
        few = ("discrete", "categorical")
        self.discrete = {
            str(p)
            for p, d in zip(whole["parameter"].values, kinds, strict=False)
            if d["distribution"] in few
        }

    def ends(self, name: str, parameter: str) -> Ends:
        """Of one estimate for one parameter."""
        low, high = (
            self.number(f"{name}_{end}", parameter) if f"{name}_{end}" in self.whole else np.nan
            for end in ("low", "high")
        )
        return Ends(self.number(name, parameter), low, high)

    def number(self, name: str, parameter: str) -> float:
        """One number (time, observable, parameter) at the last time."""
        return float(self.whole.variables[name].values[-1, self._row, self._places[parameter]])

    def of_kind(self, *kinds: str, ranking: bool = True) -> list[str]:
        """Names of estimates; those that may rank, that are there for some parameter.

        Of two of a kind the one with the plainer name is first.
        """
        return [
            name
            for kind in kinds
            for name, attrs in sorted(self.estimates.items(), key=lambda one: len(one[0]))
            if attrs.get("kind") == kind
            and (attrs.get("ranks") or not ranking)
            and not np.isnan(self.whole.variables[name].values[-1, self._row]).all()
        ]

    def by_label(self, label: str) -> str | None:
        """The estimate with a label."""
        return next((n for n, attrs in self.estimates.items() if attrs["label"] == label), None)

    # What the numbers say.

    @functools.cache  # noqa: B019
    def crosses(self) -> bool:
        """Whether the mean, or a parameter that has derivatives, has both signs over the design."""
        if "mean" in self.data:
            error = 2 * self.data["mean_se"] if "mean_se" in self.data else 0.0
            if bool(((self.data["mean"] + error).min() < 0) & ((self.data["mean"] - error).max() > 0)):
                return True
        values = self.whole["parameter_value"]
        return any(
            str(p) not in self.discrete
            and float(values.sel(parameter=p).min()) < 0 < float(values.sel(parameter=p).max())
            for p in values["parameter"].values
        )

    @property
    def refuted(self) -> bool:
        """Whether some gradient of the observable misses something."""
        return bool(self.data.get("some_gradient_incomplete", False))

    @functools.cache  # noqa: B019
    def elasticities(self) -> bool:
        """Whether averaged elasticities say a direction here."""
        if "elasticity_average" not in self.data or self.refuted or self.crosses():
            return False
        return bool(self.data["elasticity_average"].notnull().any())

    @functools.cache  # noqa: B019
    def flagged(self, parameter: str) -> bool:
        """Whether the gradient is not to be trusted."""
        whole = self.whole.sel(observable=self.observable)
        bad = False
        for name in ("gradient_unreliable", "gradient_exploding"):
            if name in whole:
                bad = bool(whole[name].sel(parameter=parameter))
                break
        if "gradient_incomplete" in whole:
            missing = whole["gradient_incomplete"].astype(bool)
            nameless = whole["some_gradient_incomplete"].astype(bool) & ~missing.any("parameter")
            bad |= bool((missing.sel(parameter=parameter) | nameless).any())
        return bad

    def sees(self, name: str, parameter: str) -> bool | None:
        """Whether an estimate tells an effect from zero; None: it says nothing."""
        one, attrs = self.ends(name, parameter), self.estimates[name]
        if np.isnan(one.value):
            return None
        if tested := attrs.get("tested_by"):
            small = self.number(tested, parameter) < LEVEL
            holds = f"{tested}_holds" not in self.data or bool(self.data[f"{tested}_holds"])
            return None if small and not holds else small
        signed = attrs["kind"] in ("elasticity", "scaled derivative", "semi-elasticity")
        if one.bounded:
            return one.low > 0 or (signed and one.high < 0)
        error = float(attrs.get("error_without_interval") or (np.inf if self.noisy else 0.0))
        return abs(one.value) > error

    @functools.cache  # noqa: B019
    def who_sees(self, parameter: str) -> dict[str, bool | None]:
        """Of every estimate that could see an effect of a parameter on the mean."""
        kinds = ["total share", "first-order share", *_SIZES, "upper bound on a total share"]
        found = {name: self.sees(name, parameter) for name in self.of_kind(*kinds)}
        tested = (n for n, attrs in self.estimates.items() if attrs.get("tested_by"))
        found |= {name: self.sees(name, parameter) for name in tested}
        if self.elasticities():
            found["elasticity_average"] = self.sees("elasticity_average", parameter)
        return found

    def exactly_zero(self, parameter: str) -> bool:
        """Whether every estimate that says a number says 0, without an error."""
        exact = False
        for name, seen in self.who_sees(parameter).items():
            if seen is None or (not seen and self.estimates[name].get("tested_by")):
                continue
            one = self.ends(name, parameter)
            error = 0.0 if one.bounded else float(self.estimates[name].get("error_without_interval", 0))
            if not one.value == one.or_value().low == one.or_value().high == error == 0:
                return False
            exact = True
        return exact

    @functools.cache  # noqa: B019
    def ranges(self) -> tuple[str, dict[str, Ends]]:
        """How large effects are by the best estimate, and the label of that; "" if there is none.

        A total index with its interval, NaN ends where it has none; else what the total index lies
        between; else an effect, a score or an elasticity.
        """
        for name in self.of_kind("total share"):
            return self._label(name), {p: self.ends(name, p) for p in self._all()}
        if (between := self._between()) is not None:
            return between
        for name in self.of_kind("effect of a finite step", "score"):
            return self._label(name), {p: self.ends(name, p).or_value() for p in self._all()}
        if self.elasticities():
            found = {}
            for p in self._all():
                one = self.ends("elasticity_average", p).or_value()
                half = (one.high - one.low) / 2
                found[p] = Ends(abs(one.value), abs(one.value) - half, abs(one.value) + half)
            return "elasticity", found
        return "", {}

    def _all(self) -> list[str]:
        return [str(p) for p in self.whole["parameter"].values]

    def _label(self, name: str) -> str:
        return str(self.estimates[name]["label"])

    def is_share(self, label: str) -> bool:
        """Whether what has this label is a share of the variance."""
        kinds = {attrs["kind"] for attrs in self.estimates.values() if attrs["label"] == label}
        return label.startswith("the share") or "total share" in kinds

    def _between(self) -> tuple[str, dict[str, Ends]] | None:
        """What a total index lies between: see the head of :mod:`jaxmorph.figures.ranking`."""
        first = next(iter(self.of_kind("first-order share")), None)
        bound = next(iter(self.of_kind("upper bound on a total share")), None)
        if first is None and bound is None:
            return None
        low, high = dict.fromkeys(self._all(), 0.0), dict.fromkeys(self._all(), 1.0)
        alone = {p: self.ends(first, p).or_value() for p in self._all()} if first else {}
        for p, own in alone.items():
            low[p] = min(max(np.nan_to_num(own.low), 0.0), 1.0)
            others = [one for q, one in alone.items() if q != p and not np.isnan(one.value)]
            halves = [min((one.high - one.low) / 2, 1e300) for one in others]
            error = np.sqrt(sum(1.0 if np.isinf(h) or h > 1e3 else h**2 for h in halves))
            left = 1 - (sum(one.value for one in others) - error)
            high[p] = max(min(left, 1.0), low[p])
        unknown = {p for p in self._all() if not alone or np.isnan(alone[p].value)}
        if bound:
            bounds = {p: self.ends(bound, p).or_value() for p in self._all()}
            unknown = {p for p in unknown if np.isnan(bounds[p].value)}
            if not any(one.high < low[p] - 1e-9 for p, one in bounds.items()):
                for p, one in bounds.items():
                    if not np.isnan(one.value):
                        high[p] = min(high[p], max(one.high, low[p]))
                for name in self.of_kind("lower bound on a total share"):
                    for p in self._all():
                        at_least = np.nan_to_num(self.ends(name, p).or_value().low)
                        low[p] = max(low[p], min(at_least, high[p]))
        label = "the share of the variance involved"
        return label, {
            p: Ends(np.nan, np.nan, np.nan)
            if p in unknown
            else Ends((low[p] + high[p]) / 2, low[p], high[p])
            for p in self._all()
        }

    def told_larger(self, p: str, q: str) -> bool:
        """Whether parameter p is told to matter more than q."""
        label, of = self.ranges()
        if np.isnan(of[q].value):
            return False
        if label.startswith("the share"):
            return of[p].low > of[q].high
        if not (of[p].bounded and of[q].bounded):
            # A total index without an interval may be off by as much as is documented.
            error = (
                next(
                    (
                        a.get("error_without_interval")
                        for a in self.estimates.values()
                        if a["label"] == label
                    ),
                    None,
                )
                or np.inf
            )
            return of[p].value - of[q].value > 2**0.5 * float(error)
        below, above = of[p].value - of[p].low, of[q].high - of[q].value
        return of[p].value - of[q].value > np.hypot(below, above)

    def largest(self) -> list[str]:
        """Parameters that may have the largest effect; the first is that of the largest estimate.

        The others are told to have one or may have one, and are not told to be smaller.
        """
        _, of = self.ranges()
        told = [p for p in self.names.values() if any(self.who_sees(p).values())]
        if not told or not of:
            return told
        top = max(told, key=lambda p: np.nan_to_num(of[p].value, nan=-np.inf))
        seen = [p for p in of if any(one is not None for one in self.who_sees(p).values())]
        rivals = [p for p in seen if p != top and not self.exactly_zero(p)]
        return [top, *(p for p in rivals if not self.told_larger(top, p))]
