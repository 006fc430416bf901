"""Convergence as one table: what, how sure, what it would take, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from ..figures.numbers import plain
from ..figures.style import names, words
from .convergence import Judged, Verdict, all_verdicts, counted, groups
from .price import of_simulations
from .summary import Ranking


@dataclass(frozen=True)
class ConvergenceRow:
    """One line of the table.

    Attributes:
        what: An estimate of an observable, or an estimate.
        sure: How wide its widest interval is, and how wide it may be.
        take: The numbers of samples and seeds that would do; empty if none are needed or known.
        cost: The time that these take.
        state: ``met``, ``open`` or ``distrusted``.
        leads: Whether parameters are ranked by it.
    """

    what: str
    sure: str
    take: str
    cost: str
    state: str
    leads: bool


def lines(
    sensitivity: xr.Dataset, ranked: Sequence[Ranking], judged: Judged | None = None
) -> list[ConvergenceRow]:
    """What ranks parameters, a line an observable; then a line for each other estimate."""
    judged = all_verdicts(sensitivity) if judged is None else judged
    leading: list[ConvergenceRow] = []
    others: dict[str, list[tuple[str, Verdict]]] = {}
    for observable, ranking in zip(names(sensitivity, "observable"), ranked, strict=True):
        for verdict in judged[observable]:
            if ranking.measure is not None and verdict.name == ranking.measure.name:
                what = f"{words(observable)}: {verdict.label}"
                leading.append(_line(what, [(observable, verdict)], sensitivity, leads=True))
            else:
                others.setdefault(verdict.label, []).append((observable, verdict))
    rest = [_line(label, found, sensitivity, leads=False) for label, found in others.items()]
    return [*leading, *rest]


def _line(
    what: str, found: list[tuple[str, Verdict]], sensitivity: xr.Dataset, *, leads: bool
) -> ConvergenceRow:
    """Of the verdicts together: the widest decides."""
    trusted = [(name, one) for name, one in found if not one.distrusted]
    if not trusted:
        told = "made from gradients that are not to be trusted"
        return ConvergenceRow(what, told, "", "", "distrusted", leads)
    unmet = [(name, one) for name, one in trusted if not one.converged]
    name, widest = max(unmet or trusted, key=lambda pair: _ratio(pair[1]))
    sure = _sure(widest, "" if leads else words(name))
    if not leads and unmet and len(trusted) > 1:
        sure += f"; enough for {len(trusted) - len(unmet)} of {len(trusted)}"
    needed = _most([one.needed for _, one in unmet])
    take = counted(needed, sensitivity)
    return ConvergenceRow(
        what, sure, take, _cost(needed, sensitivity), "open" if unmet else "met", leads
    )


def _ratio(verdict: Verdict) -> float:
    return verdict.half_width / verdict.target if verdict.target > 0 else 0.0


def _sure(verdict: Verdict, observable: str) -> str:
    """``± 0.41 (growth rate), ± 0.05 is enough``."""
    of = f"{verdict.at} on {observable}" if verdict.at and observable else (verdict.at or observable)
    where = f" ({of})" if of else ""
    if not math.isfinite(verdict.half_width):
        return f"no bound{where}"
    if verdict.exact:
        return "exact"
    told = f"± {plain(verdict.half_width, 2)}{where}"
    if verdict.unsettled:
        return f"{told}, but half of the samples say otherwise"
    return told if verdict.converged else f"{told}; ± {plain(verdict.target, 2)} is wanted"


def _most(needs: Sequence[tuple[tuple[str, int], ...]]) -> tuple[tuple[str, int], ...]:
    """The largest number of each part."""
    largest: dict[str, int] = {}
    for need in needs:
        for part, count in need:
            largest[part] = max(largest.get(part, 0), count)
    return tuple(largest.items())


def _cost(needed: tuple[tuple[str, int], ...], sensitivity: xr.Dataset) -> str:
    if not needed:
        return ""
    wanted = dict(needed)
    now, _ = groups(sensitivity)
    n, seeds = sensitivity.sizes["sample"], sensitivity.sizes.get("seed", 1)
    each = n / max(now, 1)
    more = each * max(wanted.get("samples", now), now) * max(wanted.get("seeds", seeds), seeds)
    return of_simulations(more - n * seeds, sensitivity.attrs)
