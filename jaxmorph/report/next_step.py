"""What to do next, what it would settle, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import xarray as xr

from ..designs import DESIGNS
from ..figures.estimates import has_noise, has_one_noisy_seed
from ..figures.style import names, words
from ..listing import joined
from . import one_answer
from .convergence import Judged, all_verdicts, groups
from .methods import other_estimators
from .price import of_simulations
from .summary import Ranking

_AFFORDABLE = 600.0
"""Of what takes at most so many seconds, the step that settles the most is named."""
_ENOUGH_SEEDS = 16
_MOST_NAMED = 2


@dataclass(frozen=True)
class NextStep:
    """One thing to do.

    Attributes:
        keys: What to write into the configuration, key by key; empty if nothing is to be written there.
        action: What to do, where that is not a key.
        gain: What it is good for, as the end of a sentence: ``settles the shares of area``.
        price: What it takes, in words; empty if not known.
    """

    keys: tuple[str, ...] = ()
    action: str = ""
    gain: str = ""
    price: str = ""


def next_step(
    sensitivity: xr.Dataset,
    checks: xr.Dataset | None,
    ranked: Sequence[Ranking],
    judged: Judged | None = None,
) -> NextStep:
    """The one step that helps most: faults come before errors."""
    attrs = sensitivity.attrs
    n_all = int(attrs.get("simulations_wanted", attrs.get("simulations", 0)))
    if int(attrs.get("missing_batch_count", 0)):
        rest = of_simulations(n_all - int(attrs["simulations"]), attrs)
        return NextStep(
            action="Take allow_partial out of the configuration and run it again",
            gain="makes the missing batches",
            price=rest,
        )
    if one_answer.differs(checks):
        return NextStep(action="Mend the study as the warning below says", gain="gives one answer")
    if has_one_noisy_seed(sensitivity):
        price = of_simulations((_ENOUGH_SEEDS - 1) * sensitivity.sizes["sample"], attrs)
        return NextStep((f"seeds: {_ENOUGH_SEEDS}",), gain="tells effects from chance", price=price)
    if _any(sensitivity, "some_gradient_incomplete") or _any(sensitivity, "gradient_unreliable"):
        other = next(iter(other_estimators()), "")
        if other and attrs.get("estimator") != other:
            gain = "estimates the same derivatives in another way"
            return NextStep((f"estimator: {other}",), gain=gain, price=of_simulations(n_all, attrs))
    return _more(sensitivity, ranked, all_verdicts(sensitivity) if judged is None else judged)


def _any(sensitivity: xr.Dataset, flag: str) -> bool:
    return flag in sensitivity and bool(sensitivity[flag].any())


@dataclass(frozen=True)
class _Wanted:
    """What one observable wants: how many samples (in units of the design) and seeds."""

    observable: str
    samples: int
    seeds: int
    simulations: int


def _more(sensitivity: xr.Dataset, ranked: Sequence[Ranking], judged: Judged) -> NextStep:
    """More samples or seeds, where the sizes that rank are not settled."""
    needs = _needs(sensitivity, ranked, judged)
    if not needs:
        return NextStep()
    attrs, made = sensitivity.attrs, sensitivity.sizes["sample"] * sensitivity.sizes.get("seed", 1)
    each = float(attrs.get("batch_wall_time_s", 0.0)) / max(int(attrs.get("simulations", 0)), 1)
    cheap = [need for need in needs if (need.simulations - made) * each <= _AFFORDABLE]
    chosen = max(cheap, key=_settled_by(needs)) if cheap else min(needs, key=lambda n: n.simulations)
    settled = [n for n in needs if n.samples <= chosen.samples and n.seeds <= chosen.seeds]
    now, _ = groups(sensitivity)
    keys = []
    if chosen.samples > now:
        keys.append(f"{_key(sensitivity)}: {chosen.samples}")
    if chosen.seeds > sensitivity.sizes.get("seed", 1):
        keys.append(f"seeds: {chosen.seeds}")
    of = [words(need.observable) for need in settled]
    named = joined(of) if len(of) <= _MOST_NAMED else f"{len(of)} of {len(ranked)} observables"
    share = all(ranking.measure is None or ranking.measure.is_share for ranking in ranked)
    gain = (
        f"tells {'the shares' if share else 'the sizes'} of {named} to {'± 5 %' if share else '± 10 %'}"
    )
    return NextStep(tuple(keys), gain=gain, price=of_simulations(chosen.simulations - made, attrs))


def _settled_by(needs: Sequence[_Wanted]) -> Callable[[_Wanted], tuple[int, int]]:
    def key(one: _Wanted) -> tuple[int, int]:
        settled = sum(n.samples <= one.samples and n.seeds <= one.seeds for n in needs)
        return settled, -one.simulations

    return key


def _needs(sensitivity: xr.Dataset, ranked: Sequence[Ranking], judged: Judged) -> list[_Wanted]:
    now, _ = groups(sensitivity)
    seeds = sensitivity.sizes.get("seed", 1)
    points = sensitivity.sizes["sample"] / max(now, 1)
    grows = _key(sensitivity)
    found = []
    for observable, ranking in zip(names(sensitivity, "observable"), ranked, strict=True):
        for verdict in judged[observable]:
            if ranking.measure is None or verdict.name != ranking.measure.name or not verdict.needed:
                continue
            wanted = dict(verdict.needed)
            if "samples" in wanted and not grows:
                continue
            if "seeds" in wanted and not has_noise(sensitivity):
                continue
            n, m = max(wanted.get("samples", now), now), max(wanted.get("seeds", seeds), seeds)
            found.append(_Wanted(observable, n, m, round(n * points * m)))
    return found


def _key(sensitivity: xr.Dataset) -> str:
    """The key of the design that makes it longer; empty if its points are given otherwise."""
    design = DESIGNS.get(str(sensitivity.attrs.get("design_method", "")))
    fields = {} if design is None else design.model_fields
    return next((key for key in ("samples", "trajectories") if key in fields), "")
