"""Whether an estimate has converged and, if not, how many more samples or seeds it would take.

The rule: at the stated time, half the width of the 95 % interval (of the noise and of the choice of
samples) is at most 0.05 for a share of variance,
and at most 10 % of the largest value over parameters for anything else. The error of n independent
draws falls as 1 / sqrt(n), so a part of the half-width h_part shrinks to what the target leaves to it,
sqrt(target^2 - h_other^2), with n h_part^2 / (target^2 - h_other^2) draws; where the other part is too
large for that, both have to grow by (h / target)^2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from pydantic import TypeAdapter

from ..designs import DESIGNS, Design
from ..figures.estimates import has_one_noisy_seed, unreliable, unsuited
from ..figures.numbers import plain
from ..figures.style import final, names, words
from ..listing import joined
from ..quantities import Kind, Method, Quantity, described

METHOD = Method(
    "Convergence",
    "half-width ≤ 0.05 (shares of variance) or ≤ 10 % of the largest value; needed: "
    "n h^2 / (target^2 - h'^2)",
    "At the stated time, for the widest interval over parameters. The half-width has a part h for the "
    "source of error that dominates (samples or seeds) and h' for the other; where that alone "
    "is too large, both numbers have to grow. Besides, half of the samples must give a value inside "
    "the interval of all.",
    "The 1/√n law of independent draws",
)
_DESIGN: TypeAdapter[Design] = TypeAdapter(Design)  # made once: it takes longer than to read one
_MOST = 10_000_000
_EXACT = 1e-9


@dataclass(frozen=True)
class Verdict:
    """What can be said about the convergence of one estimate of one observable.

    ``half_width`` is the widest over parameters, that of the parameter ``at`` (in words; empty if it is
    of none), ``target`` what it should be at most; ``exact``: but for rounding; ``dominant`` is
    ``samples`` or ``seeds`` and ``needed`` how many of each would be needed. ``distrusted``: made from
    gradients that cannot be trusted, so that neither is said.
    """

    name: str
    label: str
    converged: bool
    sentence: str
    half_width: float
    target: float
    dominant: str = ""
    needed: tuple[tuple[str, int], ...] = ()
    distrusted: bool = False
    at: str = ""
    exact: bool = False

    @property
    def unsettled(self) -> bool:
        """Whether the interval is narrow enough, and half of the samples are outside of it."""
        return not self.converged and not self.distrusted and self.half_width <= self.target


Judged = Mapping[str, Sequence[Verdict]]
"""The verdicts on each observable, by its name."""


def verdicts(sensitivity: xr.Dataset, observable: str) -> list[Verdict]:
    """One for each estimate of the observable whose error is known, in the order of the page.

    None of a study with noise and one seed: its part of the error is not known.
    """
    return list(all_verdicts(sensitivity, [observable])[observable])


def all_verdicts(sensitivity: xr.Dataset, observables: Sequence[str] | None = None) -> Judged:
    """The verdicts on these observables, on all if not given."""
    every = names(sensitivity, "observable") if observables is None else observables
    if has_one_noisy_seed(sensitivity):
        return {observable: [] for observable in every}
    ends = ("", "_low", "_high", "_se_samples", "_se_seeds", "_by_samples")
    judged = _judged(sensitivity)
    wanted = [f"{one.name}{end}" for one in judged for end in ends if f"{one.name}{end}" in sensitivity]
    data = final(sensitivity[wanted])
    # What describes parameters and observables is not needed, and would be cut with each of them.
    data = data.drop_vars(set(data.coords) - set(data.dims))
    cancelling, flags = unsuited(sensitivity), unreliable(sensitivity)
    found = {}
    for observable in every:
        cancels = bool(cancelling.sel(observable=observable))
        bad = flags is not None and bool(flags.sel(observable=observable).any())
        one = data.sel(observable=observable) if wanted else data
        told = [
            (quantity, _verdict(one, quantity, sensitivity))
            for quantity in judged
            if not (cancels and quantity.kind is Kind.ELASTICITY)
        ]
        found[observable] = [
            _doubted(verdict) if bad and quantity.from_gradients else verdict
            for quantity, verdict in told
            if verdict is not None
        ]
    return found


def _judged(sensitivity: xr.Dataset) -> list[Quantity]:
    """The estimates for which converging is defined and whose error is known."""
    found = [
        described(variable, str(name))
        for name, variable in sensitivity.variables.items()
        if "wanted_half_width" in variable.attrs
    ]
    kinds = list(Kind)
    return sorted(
        (
            one
            for one in found
            if one.within is not None
            and (f"{one.name}_low" in sensitivity or f"{one.name}_se_samples" in sensitivity)
        ),
        key=lambda one: kinds.index(one.kind),
    )


def _doubted(verdict: Verdict) -> Verdict:
    """A narrow interval of numbers that cannot be trusted proves nothing, nor does a wide one."""
    text = (
        f"the interval is ± {plain(verdict.half_width, 2)} at most, but gradients that are not to be "
        "trusted do not allow to say whether it has converged, or how many more samples or seeds it "
        "would take."
    )
    return replace(verdict, converged=False, sentence=text, dominant="", needed=(), distrusted=True)


def groups(sensitivity: xr.Dataset) -> tuple[int, str]:
    """Number of independent samples of the design and what they are called."""
    n, attrs = sensitivity.sizes["sample"], sensitivity.attrs
    if "design" not in attrs:
        return n, "samples"
    design = _DESIGN.validate_json(attrs["design"])
    moved = sensitivity["parameter_group"] if "parameter_group" in sensitivity.coords else None
    n_parts = sensitivity.sizes["parameter"]
    if design.moves_groups and moved is not None:
        n_parts = len(np.unique(moved.values))
    return n // design.points_of_unit(n_parts), design.unit


@dataclass(frozen=True)
class _Error:
    """Value and half-widths over parameters (one for the share of noise), whole and by source."""

    value: np.ndarray
    whole: np.ndarray
    parts: dict[str, np.ndarray]
    low: np.ndarray
    high: np.ndarray


def _error(data: xr.Dataset, quantity: Quantity) -> _Error:
    """The half-width of the interval, and what samples and seeds account for of it."""
    name = quantity.name
    value = np.atleast_1d(data[name].values)
    se = {
        part: np.atleast_1d(data[f"{name}_se_{part}"].values)
        for part in ("samples", "seeds")
        if f"{name}_se_{part}" in data
    }
    low = np.atleast_1d(data[f"{name}_low"].values) if f"{name}_low" in data else value
    high = np.atleast_1d(data[f"{name}_high"].values) if f"{name}_high" in data else value
    half = (high - low) / 2
    total = np.sqrt(sum((part**2 for part in se.values()), start=np.zeros(len(value))))
    share = {part: _ratio(error, total) for part, error in se.items()} or {"seeds": np.ones(len(value))}
    return _Error(value, half, {part: half * of for part, of in share.items()}, low, high)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    usable = np.isfinite(whole) & (whole > 0)
    ratio: np.ndarray = np.divide(part, whole, out=np.ones_like(whole), where=usable)
    return ratio


def _verdict(data: xr.Dataset, quantity: Quantity, sensitivity: xr.Dataset) -> Verdict | None:
    name, label, error = quantity.name, quantity.label, _error(data, quantity)
    judged = ~np.isnan(error.value)
    if quantity.kind is Kind.BOUND:
        judged &= ~(error.low > 1)  # says nothing, however well it is known
    if not judged.any():
        return None
    half = np.where(judged, error.whole, -1.0)
    worst = int(np.argmax(np.where(np.isnan(half), np.inf, half)))
    width, target = float(half[worst]), _target(quantity, error.value[judged])
    widest = words(str(data["parameter"].values[worst])) if "parameter" in data[name].dims else ""
    at = f" for {widest}" if widest else ""
    if not math.isfinite(width):
        text = f"not converged: the interval is unbounded{at}."
        return Verdict(name, label, False, text, width, target, at=widest)
    if width <= _EXACT * (1.0 if quantity.is_share else target):
        return Verdict(
            name, label, True, "exact: the error is that of rounding.", width, target,
            at=widest, exact=True,
        )  # fmt: skip
    if width <= target:
        text = f"converged: ± {plain(width, 2)} at most, ± {plain(target, 2)} is enough"
        outside = _outside(data, name, error)
        if outside:
            text = f"not settled: half of the samples give a value outside the interval{outside}"
        return Verdict(name, label, not outside, f"{text}.", width, target, at=widest)
    parts = {part: float(of[worst]) for part, of in error.parts.items()}
    dominant = max(parts, key=lambda part: parts[part])
    needed = _needed(parts, width, target, sensitivity)
    text = f"not converged: ± {plain(width, 2)}{at}, ± {plain(target, 2)} is wanted"
    text += f". Most of the error is that of the {dominant}; " if len(parts) > 1 else "; "
    text += _in_words(needed, sensitivity)
    return Verdict(name, label, False, f"{text}.", width, target, dominant, needed, at=widest)


def _target(quantity: Quantity, value: np.ndarray) -> float:
    assert quantity.within is not None
    return quantity.within * (float(np.max(np.abs(value))) if quantity.relative else 1.0)


def _needed(
    parts: dict[str, float], width: float, target: float, sensitivity: xr.Dataset
) -> tuple[tuple[str, int], ...]:
    dominant = max(parts, key=lambda part: parts[part])
    other = math.sqrt(max(width**2 - parts[dominant] ** 2, 0.0))
    if other**2 <= target**2 / 2:
        factor = parts[dominant] ** 2 / (target**2 - other**2)
        grown = {dominant: factor}
    else:
        grown = dict.fromkeys(parts, (width / target) ** 2)
    now = {"samples": groups(sensitivity)[0], "seeds": sensitivity.sizes.get("seed", 1)}
    design = DESIGNS.get(sensitivity.attrs.get("design_method", ""))
    power = design is not None and design.is_power_of_two
    return tuple(
        (part, _rounded_up(now[part] * factor, power and part == "samples"))
        for part, factor in grown.items()
    )


def _rounded_up(n: float, power_of_two: bool) -> int:
    # A factor that is whole but for round-off does not ask for one more.
    n *= 1 - 1e-12
    if power_of_two:
        return 1 << math.ceil(math.log2(n))
    step = 10 ** max(math.floor(math.log10(n)) - 1, 0)
    return int(math.ceil(n / step) * step)


def _in_words(needed: tuple[tuple[str, int], ...], sensitivity: xr.Dataset) -> str:
    return f"it would take {counted(needed, sensitivity)}"


def counted(needed: tuple[tuple[str, int], ...], sensitivity: xr.Dataset) -> str:
    """``about 360 seeds (now 16)``: numbers of samples, in the units of the design, and of seeds."""
    n, what = groups(sensitivity)
    texts = []
    for part, count in needed:
        now, name = (n, what) if part == "samples" else (sensitivity.sizes.get("seed", 1), "seeds")
        about = f"about {count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
        texts.append(f"{about if count <= _MOST else 'more than ten million'} {name} (now {now})")
    return joined(texts)


def _outside(data: xr.Dataset, name: str, error: _Error) -> str:
    """For which parameters half of the samples give a value outside the interval of all."""
    path = data.get(f"{name}_by_samples")
    if path is None or path.sizes["n_samples"] < 2:
        return ""
    half = np.atleast_1d(path.isel(n_samples=-2).values)
    outside = np.isfinite(half) & ((half < error.low) | (half > error.high))
    if not outside.any():
        return ""
    if "parameter" not in path.dims:
        return " of all"
    return " for " + ", ".join(words(str(p)) for p in path["parameter"].values[outside])
