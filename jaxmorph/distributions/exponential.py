"""The exponential of a triangular number, which scipy lacks; imported when it is needed."""

import dataclasses
from typing import Any

import numpy as np

from .triangular import triangle

_NODES = 64


@dataclasses.dataclass(frozen=True)
class ExponentialOfTriangular:
    """By the names of a frozen distribution of scipy; ``low``, ``mode`` and ``high`` are logarithms."""

    low: float
    mode: float
    high: float

    def ppf(self, q: Any) -> np.ndarray:
        """Quantiles."""
        return np.exp(self._log.ppf(q))

    def isf(self, q: Any) -> np.ndarray:
        """Quantiles from above."""
        return np.exp(self._log.isf(q))

    def cdf(self, x: Any) -> np.ndarray:
        """Probabilities."""
        return np.asarray(self._log.cdf(_logarithm(x)))

    def pdf(self, x: Any) -> np.ndarray:
        """Densities."""
        return np.exp(self.logpdf(x))

    def logpdf(self, x: Any) -> np.ndarray:
        """Logarithms of densities."""
        u = _logarithm(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(np.isfinite(u), self._log.logpdf(u) - u, -np.inf)

    def support(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        return float(np.exp(self.low)), float(np.exp(self.high))

    def median(self) -> float:
        """Half of all values are smaller."""
        return float(np.exp(self._log.median()))

    def mean(self) -> float:
        """The average, by Gauss's rule."""
        x, weight = self._rule()
        return float(weight @ x)

    def std(self) -> float:
        """The standard deviation, by Gauss's rule."""
        x, weight = self._rule()
        size = x.max()  # squares of numbers of any size
        return float(size * np.sqrt(weight @ ((x - weight @ x) / size) ** 2))

    @property
    def _log(self) -> Any:
        return triangle(self.low, self.mode, self.high)

    def _rule(self) -> tuple[np.ndarray, np.ndarray]:
        """Values and their weights, on both sides of the kink."""
        t, weight = np.polynomial.legendre.leggauss(_NODES)
        sides = [(self.low, self.mode), (self.mode, self.high)]
        u = np.concatenate([a + (b - a) * (t + 1) / 2 for a, b in sides])
        width = np.concatenate([(b - a) / 2 * weight for a, b in sides])
        return np.exp(u), width * self._log.pdf(u)


def _logarithm(x: Any) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.asarray(x, float))
