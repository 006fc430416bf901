"""Distributions of parameters: one pydantic model each, backed by ``scipy.stats``.

A distribution knows its bounds, its quantile function (``ppf``) and its centre. It knows nothing of
studies, designs or files, and importing it does not import JAX.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveFloat, model_validator


class _Distribution(BaseModel):
    """What the five have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def frozen(self) -> Any:
        """The ``scipy.stats`` frozen distribution."""
        raise NotImplementedError

    def ppf(self, u: np.ndarray) -> np.ndarray:
        """Quantiles of the probabilities ``u`` (any shape, in [0, 1])."""
        return np.asarray(self.frozen().ppf(u))

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of the values ``x`` (any shape)."""
        return np.asarray(self.frozen().cdf(x))

    @property
    def centre(self) -> float:
        """The median."""
        return float(self.ppf(np.asarray(0.5)))

    @property
    def support(self) -> tuple[float, float]:
        """The smallest and the largest possible value (may be infinite)."""
        low, high = self.frozen().support()
        return float(low), float(high)


class _Interval(_Distribution):
    low: FiniteFloat = Field(description="smallest value")
    high: FiniteFloat = Field(description="largest value")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(
                f"low must be less than high, got low = {self.low:g}, high = {self.high:g}"
            )
        return self


class Uniform(_Interval):
    """Every value between ``low`` and ``high`` is equally likely."""

    distribution: Literal["uniform"] = "uniform"

    def frozen(self) -> Any:
        from scipy import stats

        return stats.uniform(self.low, self.high - self.low)


class LogUniform(_Interval):
    """The logarithm is uniform between ``ln(low)`` and ``ln(high)``."""

    distribution: Literal["log-uniform"] = "log-uniform"
    low: Annotated[PositiveFloat, Field(allow_inf_nan=False, description="smallest value, above 0")]

    def frozen(self) -> Any:
        from scipy import stats

        return stats.loguniform(self.low, self.high)


class Normal(_Distribution):
    """Gaussian with mean ``mean`` and standard deviation ``sd``."""

    distribution: Literal["normal"] = "normal"
    mean: FiniteFloat = Field(description="mean")
    sd: Annotated[PositiveFloat, Field(allow_inf_nan=False, description="standard deviation")]

    def frozen(self) -> Any:
        from scipy import stats

        return stats.norm(self.mean, self.sd)


class LogNormal(_Distribution):
    """The natural logarithm is Gaussian with mean ``ln(median)`` and standard deviation ``sd_log``."""

    distribution: Literal["log-normal"] = "log-normal"
    median: Annotated[
        PositiveFloat,
        Field(allow_inf_nan=False, description="median, on the parameter's own scale"),
    ]
    sd_log: Annotated[
        PositiveFloat,
        Field(allow_inf_nan=False, description="standard deviation of the natural logarithm"),
    ]

    def frozen(self) -> Any:
        from scipy import stats

        return stats.lognorm(self.sd_log, scale=self.median)


class TruncatedNormal(_Interval):
    """Gaussian cut to the interval from ``low`` to ``high``."""

    distribution: Literal["truncated-normal"] = "truncated-normal"
    mean: FiniteFloat = Field(description="mean of the Gaussian before it is cut")
    sd: Annotated[
        PositiveFloat,
        Field(allow_inf_nan=False, description="standard deviation of the Gaussian before it is cut"),
    ]

    @model_validator(mode="after")
    def _keeps_mass(self) -> TruncatedNormal:
        from scipy.special import ndtr

        mass = ndtr((self.high - self.mean) / self.sd) - ndtr((self.low - self.mean) / self.sd)
        if not mass > 1e-12:
            raise ValueError(
                f"the interval from low = {self.low:g} to high = {self.high:g} holds no probability of a "
                f"normal distribution with mean = {self.mean:g} and sd = {self.sd:g}"
            )
        return self

    def frozen(self) -> Any:
        from scipy import stats

        a, b = (self.low - self.mean) / self.sd, (self.high - self.mean) / self.sd
        return stats.truncnorm(a, b, loc=self.mean, scale=self.sd)


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
            return (math.log(high / low) / math.pi) ** 2
        case Normal(sd=sd):
            return sd**2
        case LogNormal(sd_log=sd_log):
            return sd_log**2
    return None
