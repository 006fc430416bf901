"""Distributions of parameters: one pydantic model each, backed by ``scipy.stats``.

A distribution knows its bounds, its quantile function (``ppf``) and its centre. It knows nothing of
studies, designs or files. Importing it imports neither JAX nor numpy nor scipy: the workflow
validates a configuration each time it is parsed.
"""

from __future__ import annotations

import abc
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    import numpy as np


AT_BOUND = 0.01
"""A value that is nearer than this share of the bounds to one of them lies at it."""


class _Distribution(BaseModel, abc.ABC):
    """What the five have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def frozen(self) -> Any:
        """The ``scipy.stats`` frozen distribution."""
        return self._frozen()

    @abc.abstractmethod
    def _frozen(self) -> Any:
        """The same, made by each of the five."""

    def ppf(self, u: np.ndarray) -> np.ndarray:
        """Quantiles of the probabilities ``u`` (any shape, in [0, 1]), within the support."""
        import numpy as np

        # scipy's quantiles may step over an end of the support by a rounding error.
        quantiles: np.ndarray = np.clip(np.asarray(self.frozen().ppf(u)), *self.support)
        return quantiles

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of the values ``x`` (any shape)."""
        import numpy as np

        return np.asarray(self.frozen().cdf(x))

    @property
    def centre(self) -> float:
        """The median."""
        return float(self.frozen().median())

    @property
    def support(self) -> tuple[float, float]:
        """The smallest and the largest possible value (may be infinite)."""
        low, high = self.frozen().support()
        return float(low), float(high)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the support; where it is unbounded, the 5 and 95 % quantiles."""
        if all(map(math.isfinite, self.support)):
            return self.support
        low, high = self.frozen().ppf([0.05, 0.95])
        return float(low), float(high)


class _Bounded(_Distribution):
    low: float = Field(description="smallest value")
    high: float = Field(description="largest value")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, got low = {self.low:g}, high = {self.high:g}")
        if math.isinf(self.high - self.low):
            raise ValueError(
                f"the interval from low = {self.low:g} to high = {self.high:g} is too wide for a "
                "floating-point number"
            )
        return self

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high


class Uniform(_Bounded):
    """Every value between `low` and `high` is equally likely."""

    distribution: Literal["uniform"] = "uniform"

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.uniform(self.low, self.high - self.low)


class LogUniform(_Bounded):
    """The logarithm is uniform between ln(`low`) and ln(`high`)."""

    distribution: Literal["log-uniform"] = "log-uniform"
    low: float = Field(gt=0, description="smallest value")

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.loguniform(self.low, self.high)


class Normal(_Distribution):
    """Gaussian with mean `mean` and standard deviation `sd`."""

    distribution: Literal["normal"] = "normal"
    mean: float = Field(description="mean")
    sd: float = Field(gt=0, description="standard deviation")

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.norm(self.mean, self.sd)


class LogNormal(_Distribution):
    """The natural logarithm is Gaussian around ln(`median`) with standard deviation `sd_log`."""

    distribution: Literal["log-normal"] = "log-normal"
    median: float = Field(gt=0, description="median, on the parameter's own scale")
    sd_log: float = Field(gt=0, description="standard deviation of the natural logarithm")

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.lognorm(self.sd_log, scale=self.median)


class TruncatedNormal(_Bounded):
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

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.truncnorm(*self._standardised_bounds(), loc=self.mean, scale=self.sd)


Distribution = Annotated[
    Uniform | LogUniform | Normal | LogNormal | TruncatedNormal,
    Field(discriminator="distribution"),
]
"""Any of the five; the key ``distribution`` says which."""


def is_logarithmic(distribution: _Distribution) -> bool:
    """Whether the natural scale of the parameter is its logarithm."""
    return isinstance(distribution, LogUniform | LogNormal)


def natural_sd(distribution: _Distribution) -> float:
    """Standard deviation of the parameter on its natural scale."""
    match distribution:
        case LogUniform(low=low, high=high):
            return math.log(high / low) / math.sqrt(12)
        case LogNormal(sd_log=sd):
            return sd
    return float(distribution.frozen().std())


def poincare_constant(distribution: _Distribution) -> float:
    """Best constant C in Var(f) <= C E[f'^2], on the natural scale of the distribution.

    Uniform: (high - low)^2 / pi^2. Normal: sd^2. For log-uniform and log-normal the scale is
    u = ln(parameter), so the derivative that goes with the constant is parameter * df/dparameter.
    Truncated normal: the optimal constant on an interval, 1 / lambda with lambda the smallest positive
    eigenvalue of (p f')' + lambda p f = 0, f' = 0 at both ends, p the density; to 1e-10.

    Source: Lamboni, Iooss, Popelin, Gamboa, Math. Comput. Simul. 87 (2013) 45-54; Roustant, Barthe,
    Iooss, Electron. J. Stat. 11 (2017) 3081-3119.
    """
    match distribution:
        case Uniform(low=low, high=high):
            return ((high - low) / math.pi) ** 2
        case LogUniform(low=low, high=high):
            return ((math.log(high) - math.log(low)) / math.pi) ** 2
        case Normal(sd=sd):
            return sd**2
        case LogNormal(sd_log=sd_log):
            return sd_log**2
        case TruncatedNormal():
            return _truncated_normal_constant(distribution)
    raise AssertionError(distribution)


_DECAYED = 14.0
"""So many sd beyond an end or the mean, exp(-x^2/4) is 1e-21 of what it was."""
_POLYNOMIALS = 80
"""More change the constant by no more than round-off."""


def _truncated_normal_constant(distribution: TruncatedNormal) -> float:
    """The eigenvalue problem of :func:`poincare_constant` as that of an oscillator in a box.

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
