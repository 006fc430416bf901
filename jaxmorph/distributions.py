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
        return np.clip(np.asarray(self.frozen().ppf(u)), *self.support)

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


class _Interval(_Distribution):
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


class Uniform(_Interval):
    """Every value between `low` and `high` is equally likely."""

    distribution: Literal["uniform"] = "uniform"

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.uniform(self.low, self.high - self.low)


class LogUniform(_Interval):
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


class TruncatedNormal(_Interval):
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


def poincare_constant(distribution: _Distribution) -> float | None:
    """Best constant C in Var(f) <= C E[f'^2], on the natural scale of the distribution.

    Uniform: (high - low)^2 / pi^2. Normal: sd^2. For log-uniform and log-normal the scale is
    u = ln(parameter), so the derivative that goes with the constant is parameter * df/dparameter.
    None for a truncated normal, whose constant is not given in closed form.

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
    return None
