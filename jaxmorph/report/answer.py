"""The first screen: what was asked, the picture that answers it, and at most three sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from ..figures.estimates import has_noise
from ..figures.style import final, names, words
from ..listing import first_of, joined
from .facts import study_name
from .findings import chance
from .summary import Effect, Ranking, leading_sentence, open_sentence

_MOST_PARAMETERS, _MOST_OBSERVABLES = 8, 10
"""So many columns and rows a reader takes in at once."""
_MOST_NAMED = 3


def asked(sensitivity: xr.Dataset) -> str:
    """The question of the run in one line."""
    sizes, attrs = sensitivity.sizes, sensitivity.attrs
    study = study_name(attrs)
    of = f" of {study}" if study else ""
    what = _count(sizes["observable"], "observable")
    design = _count(sizes.get("sample", 1), "sample")
    seeds = f" x {_count(sizes.get('seed', 1), 'seed')}".replace(" x ", " × ")
    over = f"{design}{seeds if has_noise(sensitivity) else ''}"
    n = sizes["parameter"]
    if n == 1:
        name = words(str(sensitivity["parameter"].values[0]))
        return f"Does {name} move {what}{of}, over {over}?"
    return f"Which of {n} parameters move {what}{of}, over {over}?"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n != 1 else ''}"


@dataclass(frozen=True)
class Cell:
    """One field of the picture.

    Attributes:
        size: The size as text, a share in per cent; of what is not told from zero nothing.
        interval: Its interval as text: its ends with a dash.
        strength: 0 to 1, how dark the field is.
        direction: ``up``, ``down``, ``both`` or nothing.
        state: ``told``, ``open`` (not told from zero), ``zero``, ``unknown`` or ``flagged``.
        said: All of it in words, for whoever points at it or does not see it.
    """

    size: str
    interval: str
    strength: float
    direction: str
    state: str
    said: str


@dataclass(frozen=True)
class Row:
    """One observable of the picture."""

    observable: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Answer:
    """The picture: how much each parameter moves each observable, and which way.

    Attributes:
        measure: What a size is, in words.
        parameters: Heads of the columns, those that matter most first.
        rows: One an observable.
        more_parameters: So many are not in the picture.
        more_observables: So many are not in the picture.
    """

    measure: str
    parameters: tuple[str, ...]
    rows: tuple[Row, ...]
    more_parameters: int
    more_observables: int

    @property
    def marks(self) -> set[str]:
        """The states and directions that are in the picture: their signs are explained below it."""
        cells = [cell for row in self.rows for cell in row.cells]
        return {cell.state for cell in cells} | {cell.direction for cell in cells}


def answer(ranked: Sequence[Ranking]) -> Answer:
    """The picture of a run; ``ranked`` is what matters for each observable."""
    shown = list(ranked[:_MOST_OBSERVABLES])
    weights: dict[str, float] = {}
    for ranking in ranked:
        most = _most(ranking)
        for effect in ranking.effects:
            name = _plain(effect.parameter)
            weights[name] = weights.get(name, 0.0) + _strength(effect, ranking, most)
        for name in (*ranking.unsure, *ranking.zero, *ranking.undefined):
            weights.setdefault(_plain(name), 0.0)
    order = sorted(weights, key=lambda name: -weights[name])
    columns = order[:_MOST_PARAMETERS]
    return Answer(
        _measure(ranked),
        tuple(columns),
        tuple(Row(r.observable, tuple(_cell(name, r) for name in columns)) for r in shown),
        len(order) - len(columns),
        len(ranked) - len(shown),
    )


def _plain(name: str) -> str:
    return name.strip("|")


def _measure(ranked: Sequence[Ranking]) -> str:
    measures = {r.measure.label: r for r in ranked if r.measure is not None}
    if not measures:
        return "direction of the effect"
    share = "share of the variance in which a parameter is involved, in %"
    others = [label for label, r in measures.items() if r.measure is not None and not r.measure.is_share]
    told = ([share] if len(others) < len(measures) else []) + others
    return joined(told, "or")


def _most(ranking: Ranking) -> float:
    return max((abs(e.value) for e in ranking.effects if math.isfinite(e.value)), default=0.0)


def _strength(effect: Effect, ranking: Ranking, most: float) -> float:
    """Shares as they are, anything else relative to the largest of the observable."""
    if not math.isfinite(effect.value):
        return 0.0
    if ranking.measure is not None and ranking.measure.is_share:
        return min(max(effect.value, 0.0), 1.0)
    return abs(effect.value) / most if most > 0 else 0.0


def _cell(name: str, ranking: Ranking) -> Cell:
    effect = next((e for e in ranking.effects if _plain(e.parameter) == name), None)
    if effect is None:
        return _without(name, ranking)
    share = ranking.measure is not None and ranking.measure.is_share
    size, interval = _sizes(effect, share, ranking.between)
    direction = "both" if effect.mixed else {1: "up", -1: "down", 0: ""}[effect.sign]
    moves = {"up": ", which it raises", "down": ", which it lowers", "both": ", either way", "": ""}
    bad = ", not to be trusted" if effect.flagged else ""
    in_size = " in size" if ranking.negative and direction in ("up", "down") else ""
    text = f"{effect.text or 'an unknown size'} of {ranking.observable}"
    said = f"{name}: {text}{moves[direction]}{in_size}{bad}"
    state = "flagged" if effect.flagged else "told"
    return Cell(size, interval, _strength(effect, ranking, _most(ranking)), direction, state, said)


def _without(name: str, ranking: Ranking) -> Cell:
    """A parameter that no estimate tells from zero, or of which nothing is known."""
    for names_, state, size, text in (
        (ranking.zero, "zero", "0", "does not move it at all"),
        (ranking.unsure, "open", "", "no effect that can be told from zero"),
    ):
        if name in map(_plain, names_):
            return Cell(size, "", 0.0, "", state, f"{name}, {ranking.observable}: {text}")
    return Cell("", "", 0.0, "", "unknown", f"{name}, {ranking.observable}: not defined")


def _sizes(effect: Effect, share: bool, between: bool) -> tuple[str, str]:
    """``82`` and the ends of its interval, shares in per cent; without one the second is empty."""
    if not share:
        return effect.text.removeprefix("elasticity "), ""
    if not math.isfinite(effect.value):
        return "", ""
    low, high = (100 * min(max(x, 0.0), 1.0) for x in (effect.low, effect.high))
    ends = f"{low:.0f}\N{EN DASH}{high:.0f}" if math.isfinite(low + high) else ""
    if between:
        return f"≤ {high:.0f}" if low < 0.5 else ends, ""
    value = 100 * min(max(effect.value, 0.0), 1.0)
    return f"{value:.0f}" if value >= 0.5 else "< 1", ends if high > low else ""


def sentences(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> list[str]:
    """Three at most: what matters most, what is open or hardly matters, and what chance does."""
    second = open_sentence(list(ranked)) or inert(sensitivity, ranked)
    found = [leading_sentence(list(ranked), sensitivity), second, chance(sensitivity)]
    return [sentence for sentence in dict.fromkeys(found) if sentence]


def inert(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> str:
    """Parameters that no observable is told to follow; empty if there are none, or none is followed."""
    if not any(ranking.effects for ranking in ranked):
        return ""
    moving = {_plain(effect.parameter) for ranking in ranked for effect in ranking.effects}
    every = [words(name) for name in names(final(sensitivity), "parameter")]
    still = [name for name in every if name not in moving]
    if not still:
        return ""
    which = joined(first_of(still, _MOST_NAMED))
    what = "any observable" if len(ranked) > 1 else ranked[0].observable
    return f"No effect of {which} on {what} can be told from zero."
