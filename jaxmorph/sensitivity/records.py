"""The noise of records, whitened by the regression of each entry on those shortly before it.

The entries (time, observable) of a simulation have a covariance C that is far larger than the number of
seeds could estimate. What C does say is local: an entry is regressed on the earlier observables of its
own record and on the few records before it. With the residuals' variances D and the unit lower
triangular matrix L of the coefficients, C^-1 = L^T D^-1 L (modified Cholesky decomposition: Pourahmadi,
Biometrika 86 (1999) 677-690; banded: Wu and Pourahmadi, Biometrika 90 (2003) 831-844; Bickel and Levina,
Ann. Stat. 36 (2008) 199-227). Every regression needs a window of a few records alone: no (entry x entry)
matrix exists.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_NO_NOISE = 1e-12
"""A standard deviation below this share of the largest value is round-off, not noise."""
_COLLINEAR = 1e-8
"""An entry whose residual has less than this share of its variance is a copy of those before it."""
_DEGREES = 7
"""Fewest degrees of freedom of a residual: with fewer, its inverse hardly has a variance."""
_LONGEST = 64
"""Most entries of a window: work grows with their square."""
_PATIENCE = 2
"""So many longer windows in a row must predict worse before the search for the order ends."""
_CHUNK_BYTES = 8.0e6


@dataclass(frozen=True)
class Windows:
    """Records of some samples, each with those before it; B cases, W entries in each.

    Attributes:
        sample, time: (B), whose window it is.
        entry: (B, W), place in (time, observable); the last O are the record's own.
        seeds: (B, seed), 1 for those that are finite in all of the window, else 0.
        z: (B, seed, W), whitened noise: residuals with mean square 1; 0 where there is none.
        root: (B, W, W), lower triangular M with z = M (x - mean).
        residual: (B, W), the residual's share of the variance of its entry.
        independent: (B, W), entries with noise of their own.
    """

    sample: np.ndarray
    time: np.ndarray
    entry: np.ndarray
    seeds: np.ndarray
    z: np.ndarray
    root: np.ndarray
    residual: np.ndarray
    independent: np.ndarray

    @property
    def degrees(self) -> np.ndarray:
        """Degrees of freedom of each residual, (B, W)."""
        before = np.cumsum(self.independent, axis=1) - self.independent
        return self.seeds.sum(axis=1)[:, None] - 1 - before

    @property
    def tells(self) -> np.ndarray:
        """Entries whose residual has a variance with a finite inverse, (B, W)."""
        return self.independent & (self.degrees > 2)


class Records:
    """The values of all seeds of some samples, and the windows of their records.

    Attributes:
        varies: (sample, time, observable), entries that have noise, and are finite for most seeds.
    """

    def __init__(self, value: np.ndarray, finite: np.ndarray):
        """``value`` and ``finite``: (sample, seed, time, observable)."""
        most = 2 * finite.sum(axis=1) >= value.shape[1]
        # A seed counts at a time if all entries are finite that are so for most seeds.
        self._there = (finite | ~most[:, None]).all(axis=-1)
        kept = self._there[..., None] & most[:, None]
        y = np.where(kept, value, 0.0)
        n = np.maximum(kept.sum(axis=1, keepdims=True), 1)
        size = np.abs(y).max(axis=(1, 2), keepdims=True)
        y = y / np.where(size > 0, size, 1.0)
        self._y = np.where(kept, y - y.sum(axis=1, keepdims=True) / n, 0.0)
        self.varies = most & (np.sqrt((self._y**2).sum(axis=1) / n[:, 0]) > _NO_NOISE)
        # Values were divided by `size`: the root takes it out of the gradients.
        self._size = np.where(size > 0, size, 1.0)[:, 0, 0]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Numbers of samples, seeds, times, observables."""
        n_samples, n_seeds, n_times, n_observables = self._y.shape
        return n_samples, n_seeds, n_times, n_observables

    def highest_order(self) -> np.ndarray:
        """How many records back there may be looked, (sample); -1: not even at the record itself."""
        n_times = self.shape[2]
        n = np.where(self.varies.any(axis=-1), self._there.sum(axis=1), np.iinfo(int).max).min(axis=-1)
        most = np.maximum(self.varies.sum(axis=-1).max(axis=-1), 1)
        allowed = np.minimum((n - _DEGREES) // most, max(_LONGEST // self.shape[-1], 1))
        return np.minimum(allowed - 1, n_times - 1)

    def seeds_for(self, n_records: int) -> np.ndarray:
        """Fewest seeds with which windows of so many records are regressed, (sample)."""
        return self.varies.sum(axis=-1).max(axis=-1) * n_records + _DEGREES

    def windows(self, order: int, samples: np.ndarray, numbers: int = 0) -> Iterator[Windows]:
        """All records of some samples, in bounded portions.

        Args:
            order: How many records before each belong to its window.
            samples: Numbers of the samples, rising.
            numbers: How many numbers a caller makes of each window.
        """
        _, n_seeds, n_times, n_observables = self.shape
        numbers = max(numbers, n_seeds * (order + 1) * n_observables)
        size = max(1, int(_CHUNK_BYTES / (8 * numbers)))
        cases = np.stack(np.meshgrid(samples, np.arange(n_times), indexing="ij"), -1).reshape(-1, 2)
        for start in range(0, len(cases), size):
            yield self._window(order, *cases[start : start + size].T)

    def _window(self, order: int, sample: np.ndarray, time: np.ndarray) -> Windows:
        n_samples, n_seeds, _, n_observables = self.shape
        times = time[:, None] + np.arange(-order, 1)
        inside, times = times >= 0, times.clip(min=0)
        seeds = (self._there[sample[:, None], :, times] | ~inside[..., None]).all(axis=1).astype(float)
        entry = (times[..., None] * n_observables + np.arange(n_observables)).reshape(len(time), -1)
        varies = self.varies[sample[:, None], times] & inside[..., None]
        varies = varies.reshape(entry.shape)
        x = self._y.reshape(n_samples, n_seeds, -1)[sample[:, None], :, entry].swapaxes(1, 2)
        n = np.maximum(seeds.sum(axis=1), 1)[:, None]
        x = x * seeds[..., None]
        x = (x - x.sum(axis=1, keepdims=True) / n[..., None]) * seeds[..., None]
        sd = np.sqrt((x**2).sum(axis=1) / n)
        sd = np.where(varies & (sd > 0), sd, np.inf)
        x = x / sd[:, None]
        correlation = x.swapaxes(1, 2) @ x / n[..., None]
        independent = _independent(correlation)
        both = independent[..., :, None] & independent[..., None, :]
        full = np.where(both, correlation, 0.0) + np.eye(x.shape[-1]) * ~independent[..., None, :]
        lower = np.linalg.cholesky(full)
        root = np.where(both, np.linalg.inv(lower), 0.0)
        residual = np.where(independent, np.diagonal(lower, axis1=1, axis2=2) ** 2, _COLLINEAR)
        z = x @ root.swapaxes(1, 2)
        own = self._size[sample[:, None], np.arange(entry.shape[1]) % n_observables]
        return Windows(
            sample, time, entry, seeds, z, root / (sd * own)[:, None, :], residual, independent
        )


def add_by_sample(total: np.ndarray, sample: np.ndarray, parts: np.ndarray) -> None:
    """Add parts (B, ...) to the totals (sample, ...) of their samples (B), which rise.

    ``np.add.at`` would take several times as long.
    """
    starts = np.flatnonzero(np.diff(sample, prepend=-1))
    total[sample[starts]] += np.add.reduceat(parts, starts, axis=0)


def best_order(records: Records) -> tuple[np.ndarray, np.ndarray]:
    """How many records before it each record is regressed on: what predicts a left-out seed best.

    The score is the mean over entries of the logarithm of the mean square error of predicting a seed
    from the regression of the others, which the leverages give without a second fit (PRESS: Allen,
    Technometrics 16 (1974) 125-127).

    Returns:
        (sample) order, and whether it is settled: longer windows predict worse, or there are none. Where
        the seeds do not even allow a record's own observables, -1 and not settled.
    """
    highest = records.highest_order()
    n_times = records.shape[2]
    best = np.where(highest >= 0, 0, -1)
    least = np.full(len(best), np.inf)
    worse = np.zeros(len(best), int)
    last = np.full(len(best), -1)
    for order in _candidates(n_times):
        # The longest window that is allowed is tried in place of the first that is not.
        of = np.minimum(order, highest)
        going = (of > last) & (worse < _PATIENCE)
        for one in np.unique(of[going]):
            samples = np.flatnonzero(going & (of == one))
            error = _prediction_error(records, int(one), samples)
            better = error < least[samples]
            least[samples] = np.where(better, error, least[samples])
            best[samples] = np.where(better, one, best[samples])
            worse[samples] = np.where(better, 0, worse[samples] + 1)
            last[samples] = one
    settled = (highest >= 0) & ((best < highest) | (best == n_times - 1))
    return best, settled


def _candidates(n_times: int) -> list[int]:
    """0, 1, 2, 3, 4, 6, 8, 12, 16, ... and the last that there can be."""
    orders = [0, 1, 2, 3]
    while orders[-1] < n_times:
        orders.append(2 * orders[-2])
    return sorted({min(order, n_times - 1) for order in orders})


def _prediction_error(records: Records, order: int, samples: np.ndarray) -> np.ndarray:
    """Sum over entries of the logarithm of the squared error at left-out seeds, (sample)."""
    n_observables = records.shape[-1]
    total = np.zeros(records.shape[0])
    for part in records.windows(order, samples):
        n = np.maximum(part.seeds.sum(axis=1), 1)[:, None, None]
        square = part.z**2
        leverage = (1 + np.cumsum(square, axis=-1) - square) / n
        # In round-off a leverage may be 1, which leaves nothing to predict from.
        left_out = (square / (1 - leverage).clip(min=1e-6) ** 2)[..., -n_observables:]
        error = (left_out * part.seeds[..., None]).sum(axis=1) / n[:, 0]
        own = part.independent[:, -n_observables:]
        varies = records.varies[part.sample, part.time]
        log = np.log(np.where(own, error, 1.0) * part.residual[:, -n_observables:])
        add_by_sample(total, part.sample, np.where(varies, log, 0.0).sum(axis=1))
    return total[samples]


def _independent(correlation: np.ndarray) -> np.ndarray:
    """Which entries keep noise of their own once those before them are known, (..., entry)."""
    rest = correlation.copy()
    independent = np.zeros(correlation.shape[:-1], dtype=bool)
    for k in range(correlation.shape[-1]):
        variance = rest[..., k, k]
        independent[..., k] = variance > _COLLINEAR
        column = rest[..., k] / np.sqrt(np.where(independent[..., k], variance, np.inf))[..., None]
        rest = rest - column[..., :, None] * column[..., None, :]
    return independent
