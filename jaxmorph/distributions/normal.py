"""Gaussian distributions: whole, of the logarithm, and cut to an interval."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import BaseDistribution, Bounded

_DECAYED = 14.0
"""So many sd beyond an end or the mean, exp(-x^2/4) is 1e-21 of what it was."""
_POLYNOMIALS = 80
"""More change the constant by no more than round-off."""


class Normal(BaseDistribution):
    """Gaussian with mean `mean` and standard deviation `sd`."""

    distribution: Literal["normal"] = "normal"
    mean: float = Field(description="mean")
    sd: float = Field(gt=0, description="standard deviation")

    def frozen(self) -> Any:
        """Of scipy."""
        from scipy import stats

        return stats.norm(self.mean, self.sd)

    @property
    def poincare_constant(self) -> float:
        """The variance."""
        return self.sd**2


class LogNormal(BaseDistribution):
    """The natural logarithm is Gaussian around ln(`median`) with standard deviation `sd_log`."""

    is_logarithmic: ClassVar[bool] = True
    distribution: Literal["log-normal"] = "log-normal"
    median: float = Field(gt=0, description="median, on the parameter's own scale")
    sd_log: float = Field(gt=0, description="standard deviation of the natural logarithm")

    def frozen(self) -> Any:
        """Of scipy."""
        from scipy import stats

        return stats.lognorm(self.sd_log, scale=self.median)

    @property
    def natural_mean(self) -> float:
        """Of the logarithm."""
        return math.log(self.median)

    @property
    def natural_sd(self) -> float:
        """Of the logarithm."""
        return self.sd_log

    @property
    def poincare_constant(self) -> float:
        """The variance of the logarithm."""
        return self.sd_log**2


class TruncatedNormal(Bounded):
    """Gaussian cut to the interval from `low` to `high`."""

    distribution: Literal["truncated-normal"] = "truncated-normal"
    mean: float = Field(description="mean of the Gaussian before it is cut")
    sd: float = Field(gt=0, description="standard deviation of the Gaussian before it is cut")

    @model_validator(mode="after")
    def _keeps_mass(self) -> Self:
        a, b = self._standardised_bounds()
        # Seen from the lower tail, where erfc does not cancel.
        a, b = (-b, -a) if a > 0 else (a, b)
        mass = (math.erfc(-b / math.sqrt(2)) - math.erfc(-a / math.sqrt(2))) / 2
        if not mass > 1e-12:
            raise ValueError(
                f"the interval from low = {self.low:g} to high = {self.high:g} holds no "
                f"probability of a normal distribution with mean = {self.mean:g}, sd = {self.sd:g}"
            )
        return self

    def _standardised_bounds(self) -> tuple[float, float]:
        return (self.low - self.mean) / self.sd, (self.high - self.mean) / self.sd

    def frozen(self) -> Any:
        """Of scipy."""
        from scipy import stats

        return stats.truncnorm(*self._standardised_bounds(), loc=self.mean, scale=self.sd)

    @property
    def poincare_constant(self) -> float:
        """To 1e-10."""
        return _constant(self)


def _constant(distribution: TruncatedNormal) -> float:
    """The eigenvalue problem of the Poincaré constant as that of an oscillator in a box.

    For the standard normal density on [a, b], h = f' exp(-x^2/4) satisfies
    -h'' + (x^2/4 + 1/2) h = lambda h with h = 0 at both ends, which has no small or large numbers
    even far in a tail. Galerkin's method with differences of Legendre polynomials,
    (P_k - P_(k+2)) / sqrt(4k + 6), whose derivatives are orthonormal on [-1, 1] (Shen, SIAM J. Sci.
    Comput. 15 (1994) 1489-1505).
    """
    import numpy as np
    from scipy.linalg import eigh

    ends = distribution._standardised_bounds()
    nearest = min(max(0.0, ends[0]), ends[1])
    a, b = max(ends[0], nearest - _DECAYED), min(ends[1], nearest + _DECAYED)
    # The difference of the bounds themselves is exact where that of the standardised ones is not.
    width = (distribution.high - distribution.low) / distribution.sd if (a, b) == ends else b - a
    half = width / 2
    t, weight = np.polynomial.legendre.leggauss(_POLYNOMIALS + 4)
    legendre = np.polynomial.legendre.legvander(t, _POLYNOMIALS + 1)
    k = np.arange(_POLYNOMIALS)
    basis = (legendre[:, :-2] - legendre[:, 2:]) / np.sqrt(4 * k + 6)
    x = (a + b) / 2 + half * t
    mass = basis.T @ (weight[:, None] * basis)
    energy = np.eye(_POLYNOMIALS) + half**2 * (basis.T @ ((weight * (x**2 / 4 + 0.5))[:, None] * basis))
    largest = eigh(mass, energy, eigvals_only=True, subset_by_index=[_POLYNOMIALS - 1] * 2)[0]
    return float(largest) * (half * distribution.sd) ** 2
