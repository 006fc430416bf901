"""Whether to trust a run: one light for the page, decided here alone, with its reasons."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..figures.estimates import has_one_noisy_seed, unreliable
from ..figures.style import final, names, words
from ..listing import first_of, joined
from . import checked, one_answer
from .convergence import Judged, all_verdicts
from .methods import caution
from .summary import Ranking

_MANY_LOST = 0.2
"""Where more of the simulations are left out, what is left may say nothing of all."""
_MOST_NAMED = 2


class Level(enum.IntEnum):
    """What a reader may do with the numbers."""

    GOOD = 0
    CARE = 1
    DO_NOT_USE = 2

    @property
    def word(self) -> str:
        """In words."""
        return ("Good", "With care", "Do not use")[self]

    @property
    def symbol(self) -> str:
        """A sign that needs no colour."""
        return ("\N{HEAVY CHECK MARK}", "!", "\N{MULTIPLICATION X}")[self]


@dataclass(frozen=True)
class Caveat:
    """One reason against the numbers; ``place`` is where the page says more."""

    level: Level
    text: str
    place: str = "warnings"


@dataclass(frozen=True)
class Light:
    """The level of a run, and the doubts that it has, the gravest first."""

    level: Level
    doubts: tuple[Caveat, ...] = ()

    @property
    def reason(self) -> str:
        """The gravest doubt; without one, what speaks for the numbers."""
        if self.doubts:
            return self.doubts[0].text
        return "No check of this run found a fault, and its sizes are known well enough to be compared."


def light(
    sensitivity: xr.Dataset,
    checks: xr.Dataset | None,
    ranked: Sequence[Ranking],
    judged: Judged | None = None,
) -> Light:
    """The light of a run.

    Args:
        sensitivity: Its ``sensitivity.nc``.
        checks: Its ``checks.nc``, if it was made.
        ranked: What matters for each observable (``summary.rankings``).
        judged: What has converged (``convergence.all_verdicts``), where it is known already.
    """
    judged = all_verdicts(sensitivity) if judged is None else judged
    found = sorted(
        (
            *_one_answer(checks),
            *_seeds(sensitivity),
            *_failures(sensitivity),
            *_incomplete(sensitivity, ranked),
            *_unreliable(sensitivity, ranked),
            *_disagreement(checks),
            *_missing(sensitivity),
            *_expansion(sensitivity),
            *_biased(sensitivity),
            *_convergence(sensitivity, ranked, judged),
        ),
        key=lambda doubt: -doubt.level,
    )
    return Light(found[0].level if found else Level.GOOD, tuple(found))


def _named(observables: Sequence[str], of: int) -> str:
    """``mean distance and area``, ``4 of 6 observables``, ``every observable``."""
    if len(observables) == of > 1:
        return "every observable"
    if len(observables) > _MOST_NAMED:
        return f"{len(observables)} of {of} observables"
    return joined(words(name) for name in observables)


def _one_answer(checks: xr.Dataset | None) -> Iterator[Caveat]:
    if one_answer.differs(checks):
        text = "A simulation has more than one answer: what it gives depends on how it is run."
        yield Caveat(Level.DO_NOT_USE, text, "not-one-answer")
    elif one_answer.chaos(checks):
        text = "The simulations are chaotic: only means over many seeds say something."
        yield Caveat(Level.CARE, text, "chaos")


def _seeds(sensitivity: xr.Dataset) -> Iterator[Caveat]:
    if has_one_noisy_seed(sensitivity):
        yield Caveat(Level.DO_NOT_USE, "With one seed, an effect cannot be told from chance.")


def _failures(sensitivity: xr.Dataset) -> Iterator[Caveat]:
    if "left_out_share" in sensitivity:
        share = float(final(sensitivity)["left_out_share"].max())
        if share > 0:
            level = Level.DO_NOT_USE if share > _MANY_LOST else Level.CARE
            percent = f"{100 * share:.0f} %" if share >= 0.005 else "Less than 1 %"
            yield Caveat(level, f"{percent} of the simulations failed. All numbers are of the others.")
            return
    if int(sensitivity.get("non_finite_count", xr.DataArray(0)).sum()):
        yield Caveat(Level.CARE, "Some simulations failed. All numbers are of the others.")


def _incomplete(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> Iterator[Caveat]:
    if "some_gradient_incomplete" not in sensitivity:
        return
    flags = sensitivity["some_gradient_incomplete"].astype(bool).any("time")
    found = [name for name in names(sensitivity, "observable") if bool(flags.sel(observable=name))]
    if found:
        lost = all(ranking.measure is None for ranking in ranked)
        text = (
            f"Gradients miss a part of how {_named(found, len(ranked))} changes. What is made of them "
            "is withheld."
        )
        yield Caveat(Level.DO_NOT_USE if lost else Level.CARE, text, "incomplete")


def _unreliable(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> Iterator[Caveat]:
    flags = unreliable(sensitivity)
    if flags is None or not bool(flags.any()):
        return
    first = [ranking.effects[0] for ranking in ranked if ranking.effects]
    rests = bool(first) and all(effect.flagged for effect in first)
    found = [n for n in names(sensitivity, "observable") if bool(flags.sel(observable=n).any())]
    text = f"Some gradients of {_named(found, len(ranked))} are not to be trusted"
    text += ", and all that is said of what matters most rests on such." if rests else "."
    yield Caveat(Level.DO_NOT_USE if rests else Level.CARE, text)


def _disagreement(checks: xr.Dataset | None) -> Iterator[Caveat]:
    if checked.disagree(checks):
        yield Caveat(Level.CARE, "Gradients and finite differences do not agree.", "checks")


def _missing(sensitivity: xr.Dataset) -> Iterator[Caveat]:
    count = int(sensitivity.attrs.get("missing_batch_count", 0))
    if count:
        made, wanted = (int(sensitivity.attrs[name]) for name in ("simulations", "simulations_wanted"))
        yield Caveat(Level.CARE, f"Only {made} of {wanted} simulations were made.", "missing")


def _expansion(sensitivity: xr.Dataset) -> Iterator[Caveat]:
    """Observables whose shares are withheld, for the expansion does not predict them."""
    if not {"expansion_q2", "sobol_total"} <= set(sensitivity.data_vars):
        return
    data = final(sensitivity)
    withheld = data["expansion_q2"].notnull() & data["sobol_total"].isnull().all("parameter")
    found = [name for name in names(data, "observable") if bool(withheld.sel(observable=name))]
    if found:
        text = f"Shares of {_named(found, data.sizes['observable'])} are withheld: the expansion fails."
        yield Caveat(Level.CARE, text, "checks")


def _biased(sensitivity: xr.Dataset) -> Iterator[Caveat]:
    if sensitivity.attrs.get("gradient_bias"):
        text = f"Gradients are biased: they are {sensitivity.attrs['estimator']} gradients."
        yield Caveat(Level.CARE, text, "observables")
    elif caution(sensitivity.attrs):
        text = f"Gradients are {sensitivity.attrs['estimator']} gradients, not those of the paths."
        yield Caveat(Level.CARE, text, "observables")


def _convergence(
    sensitivity: xr.Dataset, ranked: Sequence[Ranking], judgements: Judged
) -> Iterator[Caveat]:
    """Whether the sizes that rank the parameters are known well enough."""
    wide, widest, judged = [], (0.0, ""), False
    for observable, ranking in zip(names(sensitivity, "observable"), ranked, strict=True):
        verdict = next((v for v in judgements[observable] if _ranks(v.name, ranking)), None)
        if verdict is None or verdict.distrusted:
            continue
        judged = True
        if not verdict.converged:
            wide.append(observable)
            told = _width(verdict.half_width, ranking)
            of = f"{verdict.at} on {words(observable)}" if verdict.at else words(observable)
            widest = max(widest, (verdict.half_width / verdict.target, f"{of}{told}"))
    if wide:
        what = "Shares" if _are_shares(ranked) else "Sizes"
        text = f"{what} are still wide for {_named(wide, len(ranked))}; the widest is {widest[1]}."
        yield Caveat(Level.CARE, text, "convergence-table")
    elif not judged and not has_one_noisy_seed(sensitivity):
        yield Caveat(Level.CARE, "How sure the sizes are is not known.", "convergence-table")


def _ranks(name: str, ranking: Ranking) -> bool:
    return ranking.measure is not None and ranking.measure.name == name


def _are_shares(ranked: Sequence[Ranking]) -> bool:
    return all(ranking.measure is not None and ranking.measure.is_share for ranking in ranked)


def _width(half: float, ranking: Ranking) -> str:
    if not np.isfinite(half):
        return " (no bound)"
    if ranking.measure is not None and ranking.measure.is_share:
        return f" (\N{PLUS-MINUS SIGN} {100 * min(half, 1.0):.0f} %)"
    return ""


def reasons(of: Light) -> list[str]:
    """All doubts but the first, as the page lists them below it."""
    return first_of([doubt.text for doubt in of.doubts[1:]], 5)
