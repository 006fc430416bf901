"""The arithmetic of the Fisher information, on arrays (..., seed, time, observable[, parameter])."""

import numpy as np

from .resampling import FEWEST

_NO_NOISE = 1e-12
"""A standard deviation below this share of the largest value is round-off, not noise."""
_COLLINEAR = 1e-8


class Fisher:
    """Which entries can be used, the inverse covariance of their noise, and F of data and resamples.

    Attributes:
        used: (..., time, observable).
        full: (..., time), whether correlations between observables are used.
    """

    def __init__(self, value: np.ndarray, gradient: np.ndarray):
        finite = np.isfinite(value) & np.isfinite(gradient).all(axis=-1)
        most = 2 * finite.sum(axis=-3) >= value.shape[-3]
        # A seed counts at a time if all entries are finite that are so for most seeds.
        self._counts = (finite | ~most[..., None, :, :]).all(axis=-1)
        n = self._counts.sum(axis=-2)
        kept = self._counts[..., None] & most[..., None, :, :]
        y = np.where(kept, value, 0.0)
        n_safe = np.maximum(n, 1)[..., None, :, None]
        self._deviation = np.where(kept, y - y.sum(axis=-3, keepdims=True) / n_safe, 0.0)
        degrees = np.maximum(n - 1, 1)[..., None]
        sd = np.sqrt((self._deviation**2).sum(axis=-3) / degrees)
        size = np.abs(y).max(axis=(-3, -2))[..., None, :]
        self.used = most & (n >= FEWEST)[..., None] & (sd > _NO_NOISE * size)
        scaled = self._deviation / np.where(self.used, sd, np.inf)[..., None, :, :]
        self.full = n >= self.used.sum(axis=-1) + 4
        correlation = np.einsum("...rto,...rtq->...toq", scaled, scaled) / degrees[..., None]
        self.used &= _independent(correlation) | ~self.full[..., None]
        n_observables = np.where(self.full, self.used.sum(axis=-1), 1)
        both = self.used[..., :, None] & self.used[..., None, :]
        self._mask = np.where(self.full[..., None, None], 1.0, np.eye(value.shape[-1])) * both
        # Entries that are not used: a unit matrix of their own, so that the rest can be inverted.
        identity = np.eye(value.shape[-1]) * ~self.used[..., None, :]
        inverse = np.linalg.inv(np.where(self._mask > 0, correlation, 0.0) + identity) * self._mask
        sd = np.where(self.used, sd, 1.0)
        inverse = inverse / (sd[..., :, None] * sd[..., None, :])
        self._inverse = inverse
        # (n - 1) a^T Sigma^-1 a / a^T S^-1 a is chi2(n - O); its inverse has the mean 1 / (n - O - 2).
        unbiased = (n - n_observables - 2) / np.maximum(n - 1, 1)
        self._unbiased = unbiased.clip(min=0)[..., None, None]
        posterior = (n - n_observables) / np.maximum(n - 1, 1)
        self._posterior = posterior.clip(min=0)[..., None, None]
        self._n = n
        self._gradient = np.where((kept & self.used[..., None, :, :])[..., None], gradient, 0.0)

    def of_data(self) -> np.ndarray:
        """The matrix F, (..., parameter, parameter); NaN where no entry is used."""
        f = self._between_seeds(self._counts.astype(float), self._inverse * self._unbiased)
        return np.where(self.used.any(axis=(-2, -1))[..., None, None], f, np.nan)

    def of_draw(self, weight: np.ndarray) -> np.ndarray:
        """The matrix F of a reflected resample, (parameter, parameter); ``weight`` (seed)."""
        w = np.where(self._counts, weight[:, None], 0.0)
        total = np.maximum(w.sum(axis=0), 1)[:, None]
        centred = self._deviation - (w[..., None] * self._deviation).sum(axis=0) / total
        covariance = np.einsum("rt,rto,rtq->toq", w, centred, centred) / total[..., None]
        # A resample of n has (n - 1) / n of the spread, and so has a mean square about its mean.
        covariance *= ((self._n / np.maximum(self._n - 1, 1)) ** 2)[:, None, None]
        inverse = self._inverse @ (covariance * self._mask) @ self._inverse
        return self._between_seeds(
            np.where(self._counts, 2.0 - weight[:, None], 0.0), inverse * self._posterior
        )

    def _between_seeds(self, weight: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        """Sum over times of the mean over pairs of different seeds of g_r^T inverse g_s."""
        pairs = weight.sum(axis=-2) ** 2 - (weight**2).sum(axis=-2)
        inverse = inverse / np.where(pairs > 0, pairs, np.inf)[..., None, None]
        g = weight[..., None, None] * self._gradient
        total = g.sum(axis=-4)
        both = np.einsum("...top,...tos->...ps", total, inverse @ total)
        same = _flat(g).swapaxes(-2, -1) @ _flat(inverse[..., None, :, :, :] @ g)
        f = both - same
        return (f + f.swapaxes(-2, -1)) / 2


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(*x.shape[:-4], -1, x.shape[-1])


def _independent(correlation: np.ndarray) -> np.ndarray:
    """Which observables keep noise of their own once those before them are known, (..., observable)."""
    rest = correlation.copy()
    independent = np.zeros(correlation.shape[:-1], dtype=bool)
    for k in range(correlation.shape[-1]):
        variance = rest[..., k, k]
        independent[..., k] = variance > _COLLINEAR
        column = rest[..., k] / np.sqrt(np.where(independent[..., k], variance, np.inf))[..., None]
        rest = rest - column[..., :, None] * column[..., None, :]
    return independent
