"""The variance over the design, divided among parameters, with what samples and seeds do to it.

Coefficients are linear in the data, so the square of a coefficient of the average over noise is the
product of those of two different seeds, which noise does not add to. Terms and weights are chosen on
one half of the seeds and estimate on the other, and the other way round: what is chosen because noise
made it large is not large on other seeds.

Three things make a share wrong, and each is counted once.

- Noise. Seeds are independent repetitions of all of it, whether samples share it or not, so the
  jackknife over seeds has the whole. A jackknife has the noise of a square, the part that stays where a
  coefficient is 0, twice (Efron and Stein, Ann. Stat. 9 (1981) 586-596); one of them is taken off.
- Terms that are missed move those that are there, in another way for other samples. All seeds have this
  in common: it is what the jackknife over samples has beyond noise that differs between samples, too
  (two-way clusters: Cameron, Gelbach and Miller, J. Bus. Econ. Stat. 29 (2011) 238-249).
- What is missed is a part of the variance that may be anybody's. Samples that were left out say how much
  it is, and how much it may be.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from .choice import Candidates, Choice, choose, missed
from .indices import Forms, independent_forms
from .jackknife import (
    Half,
    agreed,
    coefficients,
    hidden_by_noise,
    linear_functionals,
    of_both,
    of_seeds,
    relative,
    seeds_of_missed,
    without_groups,
)
from .least_squares import LeastSquares
from .seeds import noise_of_mean, squares

FEWEST_FOR_HALVES = 6
"""Fewer seeds choose and estimate together: products of two of a half have a jackknife from three on."""
_AT_MOST = float(stats.norm.ppf(0.95))
"""So many standard errors above its estimate lies what is missed at most."""
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
        linear: What is linear in the coefficients, (functional, output): the mean, then what parts of
            the function are at some points.
        linear_noise: Standard error of it, by noise.
        linear_terms: That by missed terms.
        coefficient: Of the average over noise, (candidate, output); 0 of those that are not in it.
        coefficient_se: Standard errors of it, of seeds.
        missed_rms: Root mean square of what a prediction misses at left-out samples, without what noise
            does to the coefficients (output); its square is not below a third of its standard error.
        share: (part, output); the first is that of all, 1.
        se_samples: Standard error of the choice of samples, (part, output); the first is that of the
            variance, relative to it, as in the next ones.
        se_seeds: That of the noise of the seeds, without noise that differs between samples, too.
        se_noise: That of all noise.
        se_hidden: What noise would still scatter a part by if it were 0.
        se_terms: What missed terms do to those that are there, by the choice of samples.
        missed: Share of the variance that the expansion misses at left-out samples (output).
        missed_se: Standard error of it, of samples and seeds.
        agreed: Whether each seed agrees with the others of its half: its coefficients and the mean of
            theirs have a positive product (output). Of seeds of which a few are large and none is
            negative the variance is told from 0 by that before its standard error says so.
        error: The same with the noise that is left in its coefficients; 1 - error is its Q^2.
        error_by_values: The same of the best expansion from values alone.
        with_gradients: Whether derivatives count.
        n_terms: Number of terms, of the larger of the expansions.
        n_groups: Number of groups of samples.
        n_seeds: Number of seeds.
        n_halves: Into how many parts these were divided.
        orthogonal: Whether what a missed term adds to a part does not depend on those that are there.
    """

    variance: np.ndarray
    linear: np.ndarray
    linear_noise: np.ndarray
    linear_terms: np.ndarray
    coefficient: np.ndarray
    coefficient_se: np.ndarray
    missed_rms: np.ndarray
    share: np.ndarray
    se_samples: np.ndarray
    se_seeds: np.ndarray
    se_noise: np.ndarray
    se_hidden: np.ndarray
    se_terms: np.ndarray
    missed: np.ndarray
    missed_se: np.ndarray
    agreed: np.ndarray
    error: np.ndarray
    error_by_values: np.ndarray
    with_gradients: bool
    n_terms: int
    n_groups: int
    n_seeds: int
    n_halves: int
    orthogonal: bool

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Ends of 95 % intervals of the shares, (part, output); the first those of the variance.

        What is missed, at most, may belong to any part: it adds to that part, and takes from the shares
        of the others. No share that is smaller is told from 0: terms may stand for others. Where terms
        are not orthogonal in a part, as those of correlated parameters, it turns the function: a share
        is the squared cosine of an angle, which is wrong by that of what is missed at most.
        The square of a coefficient that noise has made small by chance looks surer than it is: its upper
        end is that of the coefficient, (|c| + t se)^2, also where c is 0.
        """
        square = (stats.t.ppf(0.975, self.n_groups - 1) * self.se_terms) ** 2
        down, up = square, square
        if self.n_seeds > 1:
            t = stats.t.ppf(0.975, max(1, self.n_seeds - self.n_halves))
            moved = np.maximum(self.se_noise**2 - self.se_hidden**2, 0)
            down = square + (t * self.se_noise) ** 2
            up = square + t**2 * moved + (_HIDDEN * t * self.se_hidden) ** 2
        lacking = self._lacking()
        inside = np.clip(self.share, 0, 1)
        less = np.where(inside < lacking, inside, inside * lacking)
        more = (1 - inside) * lacking
        if not self.orthogonal:
            angle, turned = np.arccos(np.sqrt(inside)), np.arcsin(np.sqrt(np.minimum(lacking, 1)))
            less = inside - np.cos(np.minimum(angle + turned, np.pi / 2)) ** 2
            more = np.cos(np.maximum(angle - turned, 0)) ** 2 - inside
        less[0], more[0] = 0.0, lacking
        return self.share - np.sqrt(down + less**2), self.share + np.sqrt(up + more**2)

    def linear_half(self) -> np.ndarray:
        """Half-widths of 95 % intervals of ``linear``, (functional, output).

        What is missed has no mean, but may belong to any part; its root mean square is added.
        """
        square = (stats.t.ppf(0.975, self.n_groups - 1) * self.linear_terms) ** 2
        if self.n_seeds > 1:
            square = square + (stats.t.ppf(0.975, self.n_seeds - 1) * self.linear_noise) ** 2
        square[1:] += self._lacking() * np.where(self.variance > 0, self.variance, 0)
        return np.asarray(np.sqrt(square))

    def _lacking(self) -> np.ndarray:
        """Share of the variance that is missed at most (output)."""
        return np.maximum(self.missed + _AT_MOST * self.missed_se, 0)


def decompose(
    candidates: Candidates,
    degrees: np.ndarray,
    data: np.ndarray,
    size: int = 1,
    use_gradients: bool = True,
    linear: np.ndarray | None = None,
    forms: Callable[[np.ndarray], Forms] = independent_forms,
    of_variances: bool = False,
) -> Decomposition:
    """The variance of several outputs that have their terms in common.

    Args:
        candidates: The equations.
        degrees: Of the candidates (term, parameter).
        data: (sample, row, output, seed): values and derivatives, as ``equations`` has them.
        size: Consecutive samples that belong together; the jackknife leaves these out at once.
        use_gradients: Whether derivatives may count.
        linear: What to make of the coefficients (functional, term), first the mean; None: it alone.
        forms: The parts of the variance, from the degrees of terms.
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
    choices = [choose(candidates, typical[..., chooses], use_gradients) for chooses, _ in parts]
    left_out = -(-len(data) // size)
    shares = [forms(degrees[choice.every.terms]) for choice in choices]
    together = max(1, _AT_ONCE // (left_out * n_seeds * max(s.weights.shape[1] for s in shares)))
    found = []
    for first in range(0, outputs, together):
        block = slice(first, first + together)
        part = data[:, :, block] / scale[block, None]
        halves = [
            _half(candidates, share, linear, choice, part[..., estimates], size)
            for choice, share, (_, estimates) in zip(choices, shares, parts, strict=True)
        ]
        one = _together(halves, part[:, 0], scale[block], len(degrees), of_variances)
        found.append(dataclasses.replace(one, orthogonal=shares[0].orthogonal))
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
    forms: Forms,
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
    if forms.functionals is not None:
        c, change = forms.functionals @ c, forms.functionals @ change
    shape = (len(c), outputs, n_seeds)
    left = missed(candidates, choice, data)[:, 0]
    of_these = np.zeros((len(linear), len(c)))
    of_these[:, : len(chosen)] = linear[:, chosen]
    return Half(
        choice,
        forms.weights,
        of_these,
        c.reshape(shape),
        change.reshape(-1, *shape),
        left,
        left if choice.values is None else missed(candidates, choice.values, data)[:, 0],
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
    seeds, both, hidden = (np.zeros_like(share) for _ in range(3))
    for h in halves:
        seeds += of_seeds(h, part, variance, len(halves))
        both += of_both(h, share, variance, len(halves))
        hidden += hidden_by_noise(h, of_variances) / (len(halves) * variance) ** 2
    centred = value - value.mean(axis=0)
    spread = squares(centred).sum(axis=0) / (n - 1)
    spread = np.where(spread > 0, spread, np.nan)
    left = np.mean([squares(h.left) for h in halves], axis=0)
    missed_se = np.sqrt(
        left.var(axis=0, ddof=1) / n + sum(map(seeds_of_missed, halves)) / len(halves) ** 2
    )
    linear, linear_noise, linear_terms = linear_functionals(halves)
    coefficient, coefficient_se = coefficients(halves, n_candidates)
    return Decomposition(
        variance * scale**2,
        linear * scale,
        linear_noise * scale,
        linear_terms * scale,
        coefficient * scale,
        coefficient_se * scale,
        np.sqrt(np.maximum(left.mean(axis=0), _LEAST_MISSED * missed_se)) * scale,
        share,
        np.sqrt(of_samples),
        np.sqrt(np.maximum(seeds - both, 0)),
        np.sqrt(np.maximum(seeds - hidden, 0)),
        np.sqrt(hidden),
        np.sqrt(np.maximum(of_samples - both, 0)),
        left.mean(axis=0) / spread,
        missed_se / spread,
        np.all([agreed(h) for h in halves], axis=0),
        _error(halves, [h.left for h in halves]) / spread,
        _error(halves, [h.left_by_values for h in halves]) / spread,
        any(len(h.choice.weight) > 1 for h in halves),
        max(len(h.choice.every.terms) for h in halves),
        groups,
        n_seeds,
        len(halves),
        True,
    )


def _error(halves: list[Half], left: list[np.ndarray]) -> np.ndarray:
    """Mean squared error of the mean of the halves at left-out samples, with its noise (output)."""
    each = [
        squares(one) + noise_of_mean(h.value - one) / len(halves)
        for h, one in zip(halves, left, strict=True)
    ]
    return np.asarray(np.mean(each, axis=(0, 1)))
