"""The variance over the design, divided among parameters, with what samples and seeds do to it.

Coefficients are linear in the data, so the square of a coefficient of the average over noise is the
product of those of two different seeds, which noise does not add to. Terms and weights are chosen on
one half of the seeds and estimate on the other, and the other way round: what is chosen because noise
made it large is not large on other seeds.

Errors are of the jackknife. Leaving out a group of samples, or a seed, tells how far others would have
moved a share; noise that differs between samples and between seeds is in both, and is taken off once
(Cameron, Gelbach and Miller, J. Bus. Econ. Stat. 29 (2011) 238-249). What an expansion misses may have
to do with what it has: then a part P of the variance is wrong by 2 E[f_P e], f_P being that part of the
function and e what is missed, of which the samples that were left out say that it is 0, give or take
2 sd(f_P e) / sqrt(n).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from .choice import Candidates, Choice, choose, missed
from .indices import weights
from .jackknife import (
    Half,
    agreed,
    coefficients,
    hidden_by_noise,
    linear_functionals,
    of_both,
    of_missed,
    of_seeds,
    relative,
    seeds_of_missed,
    without_groups,
)
from .least_squares import LeastSquares
from .seeds import noise_of_mean, squares

FEWEST_FOR_HALVES = 4
"""Fewer seeds choose and estimate together."""
_MISSED = 1.5
"""So many standard errors of what is missed are within the interval: measured (docs/estimates.md)."""
_HIDDEN = 1.6
"""One coefficient of standard error s: from 0 to (2.1 s)^2 it is this times 2.1 sqrt(2) s^2, and s^2."""
_LEAST_MISSED = 1 / 3
"""Of its standard error: less is missed by no prediction whose misses noise hides; measured, too."""
_TIMES = 3
"""Terms are chosen for so many outputs, evenly among all."""
_AT_ONCE = 4_000_000
"""So many numbers that a jackknife makes are in memory."""


@dataclasses.dataclass(frozen=True)
class Decomposition:
    """Parts of the variance of each output, as shares of it (``jaxmorph.expansion.PartsOfVariance``).

    Attributes:
        variance: Of the average over noise, (output).
        linear: What is linear in the coefficients (the mean, a curve), (functional, output).
        linear_se: Standard errors of it, of samples and seeds.
        coefficient: Of the average over noise, (candidate, output); 0 of those that are not in it.
        coefficient_se: Standard errors of it, of seeds.
        missed_rms: Root mean square of what a prediction misses at left-out samples, without what noise
            does to the coefficients (output); its square is not below a third of its standard error.
        share: (part, output); the first is that of all, 1.
        se_samples: Standard error of the choice of samples, (part, output); the first is that of the
            variance, relative to it, as in the next two.
        se_seeds: That of the noise of the seeds, without noise that differs between samples, too.
        se_hidden: What the seeds would still scatter a part by if it were 0, (part, output).
        se_missed: That of what the expansion misses.
        missed: Share of the variance that the expansion misses at left-out samples (output).
        missed_se: Standard error of it, of samples and seeds.
        agreed: Whether each seed agrees with the others of its half: its coefficients and the mean of
            theirs have a positive product (output). Of seeds of which a few are large and none is
            negative the variance is told from 0 by that before its standard error says so.
        error: The same with the noise that is left in its coefficients; 1 - error is its Q^2.
        with_gradients: Whether derivatives count.
        n_terms: Number of terms, of the larger of the expansions.
        n_groups: Number of groups of samples.
        n_seeds: Number of seeds.
    """

    variance: np.ndarray
    linear: np.ndarray
    linear_se: np.ndarray
    coefficient: np.ndarray
    coefficient_se: np.ndarray
    missed_rms: np.ndarray
    share: np.ndarray
    se_samples: np.ndarray
    se_seeds: np.ndarray
    se_hidden: np.ndarray
    se_missed: np.ndarray
    missed: np.ndarray
    missed_se: np.ndarray
    agreed: np.ndarray
    error: np.ndarray
    with_gradients: bool
    n_terms: int
    n_groups: int
    n_seeds: int

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Ends of 95 % intervals of the shares, (part, output); the first those of the variance.

        What is missed may belong to any part: it adds to that part, and takes from the shares of the
        others. No share that is smaller than what is missed is told from 0: terms may stand for others.
        The square of a coefficient that noise has made small by chance looks surer than it is: its upper
        end is that of the coefficient, (|c| + t se)^2, also where c is 0.
        """
        t = stats.t.ppf(0.975, self.n_groups - 1)
        square = (t * self.se_samples) ** 2 + (_MISSED * self.se_missed) ** 2
        hidden = np.zeros_like(square)
        if self.n_seeds > 1:
            t = stats.t.ppf(0.975, self.n_seeds - 1)
            square, hidden = square + (t * self.se_seeds) ** 2, _HIDDEN * t * self.se_hidden
        lacking = np.maximum(self.missed, 0) + self.missed_se
        inside = np.clip(self.share, 0, 1)
        down, up = np.minimum(inside, lacking), (1 - inside) * lacking
        down[0], up[0] = 0.0, lacking
        up = np.hypot(up, hidden)
        return self.share - np.sqrt(square + down**2), self.share + np.sqrt(square + up**2)


def decompose(
    candidates: Candidates,
    degrees: np.ndarray,
    data: np.ndarray,
    size: int = 1,
    use_gradients: bool = True,
    linear: np.ndarray | None = None,
    groups: Sequence[Sequence[int]] = (),
    of_variances: bool = False,
) -> Decomposition:
    """The variance of several outputs that have their terms in common.

    Args:
        candidates: The equations.
        degrees: Of the candidates (term, parameter).
        data: (sample, row, output, seed): values and derivatives, as ``equations`` has them.
        size: Consecutive samples that belong together; the jackknife leaves these out at once.
        use_gradients: Whether derivatives may count.
        linear: What to make of the coefficients (functional, term); None: the mean alone.
        groups: Numbers of the parameters of each group.
        of_variances: Whether the data are variances between seeds, of few blocks that may all be larger
            or smaller by one factor. These choose and estimate together: there are too few for halves.
    """
    if linear is None:
        linear = np.eye(1, len(degrees))
    outputs, n_seeds = data.shape[2:]
    scale = data[:, 0].std(axis=(0, 2))
    scale = np.where(scale > 0, scale, 1.0)
    some = np.unique(np.linspace(0, outputs - 1, min(_TIMES, outputs)).round().astype(int))
    parts: list[tuple[slice, slice]] = [(slice(None), slice(None))]
    if not of_variances and n_seeds >= FEWEST_FOR_HALVES:
        even, odd = slice(0, None, 2), slice(1, None, 2)
        parts = [(even, odd), (odd, even)]
    typical = data[:, :, some] / scale[some, None]
    parts_of_terms = weights(degrees, groups)
    choices = [choose(candidates, typical[..., chooses], use_gradients) for chooses, _ in parts]
    left_out = -(-len(data) // size)
    together = max(1, _AT_ONCE // (left_out * n_seeds * max(len(c.every.terms) for c in choices)))
    found = []
    for first in range(0, outputs, together):
        block = slice(first, first + together)
        part = data[:, :, block] / scale[block, None]
        halves = [
            _half(candidates, parts_of_terms, linear, choice, part[..., estimates], size)
            for choice, (_, estimates) in zip(choices, parts, strict=True)
        ]
        found.append(_together(halves, part[:, 0], scale[block], len(degrees), of_variances))
    return _chained(found)


def _chained(blocks: list[Decomposition]) -> Decomposition:
    """Blocks of outputs as one."""
    fields = [field.name for field in dataclasses.fields(Decomposition)]
    first = blocks[0]
    arrays = [name for name in fields if isinstance(getattr(first, name), np.ndarray)]
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(b, name) for b in blocks], axis=-1) for name in arrays
    }
    return dataclasses.replace(first, **joined)


def _half(
    candidates: Candidates,
    parts_of_terms: np.ndarray,
    linear: np.ndarray,
    choice: Choice,
    data: np.ndarray,
    size: int,
) -> Half:
    n, _, outputs, n_seeds = data.shape
    rows, chosen = len(choice.weight), choice.every.terms
    terms = candidates.terms[:, :rows][..., chosen]
    system = LeastSquares.of(terms, choice.weight, choice.every.factor, size)
    c, change = system.coefficients(np.ascontiguousarray(data[:, :rows]).reshape(n, rows, -1))
    shape = (len(chosen), outputs, n_seeds)
    return Half(
        choice,
        parts_of_terms[:, chosen],
        linear[:, chosen],
        c.reshape(shape),
        change.reshape(-1, *shape),
        terms[:, 0],
        missed(candidates, choice, data)[:, 0],
        data[:, 0],
    )


def _together(
    halves: list[Half],
    value: np.ndarray,
    scale: np.ndarray,
    n_candidates: int,
    of_variances: bool,
) -> Decomposition:
    n, _, n_seeds = value.shape
    part = np.mean([h.weights @ squares(h.coefficient) for h in halves], axis=0)
    variance = np.where(part[0] > 0, part[0], np.nan)
    by_group = relative(np.mean([without_groups(h) for h in halves], axis=0), variance)
    groups, share = len(by_group), part / variance
    of_samples = (groups - 1) / groups * ((by_group - share) ** 2).sum(axis=0)
    seeds, both, lacking, hidden = (np.zeros_like(share) for _ in range(4))
    for h in halves:
        seeds += of_seeds(h, part, variance, len(halves))
        both += of_both(h, share, variance, len(halves))
        lacking += of_missed(h, share, variance) / len(halves)
        hidden += hidden_by_noise(h, of_variances) / (len(halves) * variance) ** 2
    centred = value - value.mean(axis=0)
    spread = squares(centred).sum(axis=0) / (n - 1)
    spread = np.where(spread > 0, spread, np.nan)
    left = np.mean([squares(h.left) for h in halves], axis=0)
    noise = sum(noise_of_mean(h.value - h.left).mean(axis=0) for h in halves) / len(halves) ** 2
    missed_se = np.sqrt(
        left.var(axis=0, ddof=1) / n + sum(map(seeds_of_missed, halves)) / len(halves) ** 2
    )
    linear, linear_se = linear_functionals(halves, np.maximum(left.mean(axis=0), 0) / n)
    coefficient, coefficient_se = coefficients(halves, n_candidates)
    return Decomposition(
        variance * scale**2,
        linear * scale,
        linear_se * scale,
        coefficient * scale,
        coefficient_se * scale,
        np.sqrt(np.maximum(left.mean(axis=0), _LEAST_MISSED * missed_se)) * scale,
        share,
        np.sqrt(of_samples),
        np.sqrt(np.maximum(seeds - both, 0)),
        np.sqrt(hidden),
        np.sqrt(lacking),
        left.mean(axis=0) / spread,
        missed_se / spread,
        np.all([agreed(h) for h in halves], axis=0),
        (left.mean(axis=0) + noise) / spread,
        any(len(h.choice.weight) > 1 for h in halves),
        max(len(h.choice.every.terms) for h in halves),
        groups,
        n_seeds,
    )
