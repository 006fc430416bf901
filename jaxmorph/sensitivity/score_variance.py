"""Whether the noise is what an information takes it for: the variance of the score.

The variance of the score d ln p / d theta between seeds is the information (information matrix
equality). Where noise is correlated in a way that the regressions do not see, or is not Gaussian, it is
not: White, Econometrica 50 (1982) 1-25.
"""

import numpy as np
from scipy import stats

from .records import add_by_sample


class ScoreVariance:
    """The score of each seed, and the variance that it has if the noise is as supposed."""

    def __init__(self, n_samples: int, n_seeds: int, n_parameters: int):
        self._value = np.zeros((n_samples, n_seeds, n_parameters))
        self._variance = np.zeros_like(self._value)

    def add(
        self,
        sample: np.ndarray,
        seeds: np.ndarray,
        noise: np.ndarray,
        moves: np.ndarray,
        unit: np.ndarray | float = 1.0,
    ) -> None:
        """Add terms noise * moves, uncorrelated with each other.

        Args:
            sample: (B), whose they are, rising.
            seeds: (B, seed), 1 where a seed has them, else 0.
            noise: (B, seed, term), of mean 0.
            moves: (B, term, parameter).
            unit: The variance of the noise, (B) or of all.
        """
        add_by_sample(self._value, sample, noise @ moves)
        size = np.reshape(unit, (-1, 1)) * (moves**2).sum(axis=1)
        add_by_sample(self._variance, sample, seeds[..., None] * size[:, None])

    def __add__(self, other: "ScoreVariance") -> "ScoreVariance":
        both = ScoreVariance(*self._value.shape)
        both._value = self._value + other._value
        both._variance = self._variance + other._variance
        return both

    def excess(self) -> tuple[np.ndarray, np.ndarray]:
        """Observed over expected variance, and its p-value, (sample, parameter).

        The ratio is that of chi^2 to its degrees of freedom, of which scores with heavy tails leave
        fewer: R 2 / (kurtosis - 1), as the variance of a mean square has it.
        """
        n = np.maximum((self._variance > 0).sum(axis=1), 1)
        expected = self._variance.sum(axis=1) / n
        y = self._value / np.sqrt(np.where(expected > 0, expected, 1.0))[:, None]
        ratio = np.where(expected > 0, (y**2).sum(axis=1) / n, 1.0)
        kurtosis = (y**4).sum(axis=1) / n / np.where(ratio > 0, ratio, 1.0) ** 2
        degrees = np.maximum((n - 1) * 2 / np.maximum(kurtosis - 1, 2.0), 1.0)
        below = stats.chi2.cdf(ratio * degrees, degrees)
        return ratio, 2 * np.minimum(below, 1 - below)
