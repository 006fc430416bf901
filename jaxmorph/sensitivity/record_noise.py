"""The covariance of the noise of all records, from few seeds of many samples.

Seeds are common to all samples, so many samples are not many draws: nothing but seeds that were left out
says whether a covariance holds. Candidates are the covariance between seeds, averaged over the samples,
with its correlations as they are or as those between times times those between observables (separable:
Genton, Environmetrics 18 (2007) 681-695), and shrunk towards independence (Ledoit and Wolf, J. Multivar.
Anal. 88 (2004) 365-411): a share of all correlations is taken off. The best is that
under which seeds that were left out are likeliest.

What is correlated in a way that no candidate has makes the score vary more between seeds than the
information says. How much more, at seeds that were left out, is the overdispersion of each parameter
(Wedderburn, Biometrika 61 (1974) 439-447), by which its information is divided.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import LinAlgError, solve_triangular

FOLDS = 4
_SHRINKAGES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Shares of all correlations that are taken off; 1: independent noise."""


@dataclass(frozen=True)
class RecordNoise:
    """The noise of records.

    Attributes:
        covariance: (record, record).
        shrinkage: Share of the correlations that is taken off.
        separable: Whether correlations are products of those of times and of observables.
        overdispersion: Of each parameter, 1 or more (parameter).
    """

    covariance: np.ndarray
    shrinkage: float
    separable: bool
    overdispersion: np.ndarray


@dataclass(frozen=True)
class _Resampled:
    """Values, slopes, and which of them are left out together.

    Attributes:
        value: (sample, seed, record).
        slope: (sample, block, record, parameter).
        block: Number of the block of each seed (seed).
        place: Numbers of the time and of the observable of each record (record, 2).
    """

    value: np.ndarray
    slope: np.ndarray
    block: np.ndarray
    place: np.ndarray

    def folds(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Values without each fold and of it, and slopes without it."""
        numbers = np.unique(self.block)
        for out in range(FOLDS):
            left, kept = self.block % FOLDS == out, numbers % FOLDS != out
            yield self.value[:, ~left], self.value[:, left], self.slope[:, kept]

    def without(self, block: int) -> Self:
        seeds, blocks = self.block != block, np.unique(self.block) != block
        return type(self)(self.value[:, seeds], self.slope[:, blocks], self.block[seeds], self.place)


def noise_of_records(value: np.ndarray, slope: np.ndarray, place: np.ndarray) -> RecordNoise | None:
    """The candidate that holds best; None if none is a covariance.

    Args:
        value: (sample, seed, record), finite, every record with noise.
        slope: (sample, block, record, parameter), of the seeds whose number has the block's as rest.
        place: Numbers of the time and of the observable of each record (record, 2).
    """
    draws = _draws(value, slope, place)
    likely: dict[tuple[bool, float], float] = {}
    for known, left, _ in draws.folds():
        mean = known.mean(axis=1, keepdims=True)
        sd, correlation = _correlation(known)
        z = (left - mean).reshape(-1, len(sd)) / sd
        z = z / np.sqrt(1 + 1 / known.shape[1])
        for key, lower in _candidates(correlation, place):
            score = _likelihood(lower, z) if lower is not None else -np.inf
            likely[key] = likely.get(key, 0.0) + score
    best = max(likely, key=lambda key: likely[key])
    if not np.isfinite(likely[best]):
        return None
    return _as_candidate(draws, *best)


def noise_without_blocks(
    value: np.ndarray, slope: np.ndarray, place: np.ndarray, noise: RecordNoise
) -> list[RecordNoise]:
    """The same candidate without the seeds of each block: what other seeds would have made of it.

    Args:
        value: As in :func:`noise_of_records`.
        slope: Likewise.
        place: Likewise.
        noise: Of all seeds.
    """
    draws = _draws(value, slope, place)
    blocks = range(slope.shape[1])
    return [_as_candidate(draws.without(b), noise.separable, noise.shrinkage) for b in blocks]


def _draws(value: np.ndarray, slope: np.ndarray, place: np.ndarray) -> _Resampled:
    return _Resampled(value, slope, np.arange(value.shape[1]) % slope.shape[1], place)


def _as_candidate(draws: _Resampled, separable: bool, shrinkage: float) -> RecordNoise:
    """The covariance of all draws, and the overdispersion at folds that were left out."""
    found = np.zeros((2, draws.slope.shape[-1]))
    for known, left, slope in draws.folds():
        sd, correlation = _correlation(known)
        lower = _root(_shrunk(correlation, draws.place, separable, shrinkage))
        if lower is None:
            continue
        z = (left - known.mean(axis=1, keepdims=True)) / sd / np.sqrt(1 + 1 / known.shape[1])
        found += _score_and_information(lower, z, slope / sd[:, None])
    square, expected = found
    more = np.divide(square, expected, out=np.ones_like(square), where=expected > 0)
    sd, correlation = _correlation(draws.value)
    covariance = _shrunk(correlation, draws.place, separable, shrinkage) * np.outer(sd, sd)
    return RecordNoise(covariance, shrinkage, separable, np.maximum(more, 1.0))


def _correlation(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations (record) and correlations between seeds, averaged over samples."""
    apart = value - value.mean(axis=1, keepdims=True)
    apart = apart.reshape(-1, value.shape[-1])
    covariance = apart.T @ apart / (len(value) * (value.shape[1] - 1))
    sd = np.sqrt(np.diagonal(covariance))
    sd = np.where(sd > 0, sd, 1.0)
    return sd, covariance / np.outer(sd, sd)


def _candidates(
    correlation: np.ndarray, place: np.ndarray
) -> Iterator[tuple[tuple[bool, float], np.ndarray | None]]:
    several = all(len(np.unique(numbers)) > 1 for numbers in place.T)
    for separable in (False, True) if several else (False,):
        for shrinkage in _SHRINKAGES:
            yield (separable, shrinkage), _root(_shrunk(correlation, place, separable, shrinkage))


def _shrunk(correlation: np.ndarray, place: np.ndarray, separable: bool, shrinkage: float) -> np.ndarray:
    if separable:
        (times, observables), n = place.T, [int(most) + 1 for most in place.max(axis=0)]
        of_times = _mean_by(correlation, times, observables, n[0])
        of_observables = _mean_by(correlation, observables, times, n[1])
        correlation = of_times[np.ix_(times, times)] * of_observables[np.ix_(observables, observables)]
    found: np.ndarray = (1 - shrinkage) * correlation
    np.fill_diagonal(found, 1.0)
    return found


def _mean_by(correlation: np.ndarray, of: np.ndarray, same: np.ndarray, n: int) -> np.ndarray:
    """Mean correlation of records of two numbers that are the same in the other (n, n)."""
    alike = same[:, None] == same
    total, count = np.zeros((2, n, n))
    at = np.broadcast_to(of[:, None], alike.shape)[alike], np.broadcast_to(of, alike.shape)[alike]
    np.add.at(total, at, correlation[alike])
    np.add.at(count, at, 1.0)
    return np.asarray(total / np.maximum(count, 1))


def _root(correlation: np.ndarray) -> np.ndarray | None:
    try:
        return np.linalg.cholesky(correlation)
    except LinAlgError:
        return None


def _likelihood(lower: np.ndarray, z: np.ndarray) -> float:
    """Mean logarithm of the Gaussian density of draws (draw, record)."""
    white = solve_triangular(lower, z.T, lower=True)
    return float(-0.5 * (white**2).sum(axis=0).mean() - np.log(np.diagonal(lower)).sum())


def _score_and_information(lower: np.ndarray, z: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Mean square of the score of left-out seeds, and what it should be, (2, parameter).

    Squares of mean slopes are products of different seeds, which noise does not add to.
    """
    n, r, records = z.shape
    blocks, p = slope.shape[1], slope.shape[-1]
    white = solve_triangular(lower, z.reshape(-1, records).T, lower=True).reshape(records, n, r)
    turned = np.moveaxis(slope, 2, 0).reshape(records, -1)
    turned = solve_triangular(lower, turned, lower=True).reshape(records, n, blocks, p)
    score = np.einsum("kna,knbp->nabp", white, turned)
    square = _different(score, axis=2).mean(axis=(0, 1))
    return np.stack([square, _different(turned, axis=2).sum(axis=0).mean(axis=0)])


def _different(x: np.ndarray, axis: int) -> np.ndarray:
    """The mean product of two different ones along an axis."""
    n = x.shape[axis]
    return np.asarray((x.sum(axis=axis) ** 2 - (x**2).sum(axis=axis)) / (n * (n - 1)))
