"""What each parameter does alone, which is taken off before the shares of the others are estimated.

For independent parameters and any functions m_q, E[f - sum of m_q(theta_q) over q != p | theta_p] is E[f
| theta_p] but for a constant. What is taken off in this way is no noise any more: on random samples the
error by main effects falls, and on a Sobol' sequence, over the order of one parameter, what another does
is no noise at all but a few high peaks, which look like a wave of the first.

The m_q are the means over neighbours of :mod:`.ranks`, found in turns (backfitting: Buja, Hastie and
Tibshirani, Ann. Stat. 17 (1989) 453-510). The smoothest explanation comes first: wide windows of all
parameters before narrow ones of any, for a few dozen waves of one parameter can follow a line of
another. Only what samples tell from noise is taken, and not more than a third of them can tell. For
given windows every step is linear in f, so that quadratic forms of what is left need no noise of seeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .ranks import choose_window, cosine_amplitudes, smoothed, windows

TOLD = 2.5
"""An effect is taken off if it is so many standard errors of noise."""
_SWEEPS = 3
_AT_MOST = 1 / 3
"""So many numbers a sample the effects may take."""
_ROUND_OFF = 1e-12
"""A smaller share of the variance is nothing."""


def main_effects(values: np.ndarray, orders: np.ndarray) -> dict[int, int]:
    """The parameters whose effect alone is told from noise, and their windows.

    Args:
        values: (sample), with mean 0.
        orders: (parameter, sample): numbers of the samples, sorted by each.
    """
    if not values.any():
        return {}
    search = _Search(values, orders, _ROUND_OFF * float(np.var(values)), {}, {})
    for narrowest in reversed(range(len(windows(len(values)).own))):
        while search.add(narrowest):
            search.refit(narrowest)
        search.refit(narrowest)
    return search.chosen


def separated(
    values: np.ndarray, orders: np.ndarray, chosen: Mapping[int, int]
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """What is left without any of the effects, and these; linear in the values (sample, seed)."""
    rest = values
    effects = {p: np.zeros_like(values) for p in chosen}
    for _ in range(_SWEEPS):
        for p, window in chosen.items():
            alone = rest + effects[p]
            effects[p] = _unsorted(smoothed(cosine_amplitudes(alone[orders[p]]), window), orders[p])
            rest = alone - effects[p]
    return rest, effects


def _unsorted(ordered: np.ndarray, order: np.ndarray) -> np.ndarray:
    result = np.empty_like(ordered)
    result[order] = ordered
    return result


@dataclass
class _Search:
    """Effects found so far.

    Attributes:
        rest: (sample): values without them.
        orders: (parameter, sample).
        round_off: A smaller variance is none.
        effects: (sample), of each parameter.
        chosen: Windows, in the order of finding.
    """

    rest: np.ndarray
    orders: np.ndarray
    round_off: float
    effects: dict[int, np.ndarray]
    chosen: dict[int, int]

    def room(self, without: int | None = None) -> float:
        """So many numbers may still be taken from the samples."""
        freedom = windows(len(self.rest)).freedom
        taken = sum(freedom[window] for p, window in self.chosen.items() if p != without)
        return _AT_MOST * len(self.rest) - taken

    def add(self, narrowest: int) -> bool:
        """Find the clearest effect of a further parameter; False if none is told from noise."""
        w = windows(len(self.rest))
        power = cosine_amplitudes(self.rest[self.orders].T) ** 2
        window = choose_window(power, narrowest)
        noise = np.sqrt(w.own[window]) * np.einsum("pk,kp->p", w.residual[window], power)
        effect = np.einsum("pk,kp->p", w.explained[window], power)
        clear = effect / np.maximum(noise, self.round_off)
        clear[w.freedom[window] > self.room()] = 0
        clear[list(self.chosen)] = 0
        p = int(np.argmax(clear))
        if clear[p] <= TOLD:
            return False
        self.chosen[p], self.effects[p] = int(window[p]), np.zeros_like(self.rest)
        return True

    def refit(self, narrowest: int) -> None:
        """One turn over all effects, whose windows are chosen anew."""
        freedom = windows(len(self.rest)).freedom
        for p, order in ((p, self.orders[p]) for p in self.chosen):
            alone = self.rest + self.effects[p]
            amplitudes = cosine_amplitudes(alone[order])
            window = int(choose_window(amplitudes[:, None] ** 2, narrowest)[0])
            if freedom[window] <= self.room(without=p):
                self.chosen[p] = window
            self.effects[p] = _unsorted(smoothed(amplitudes, self.chosen[p]), order)
            self.rest = alone - self.effects[p]
