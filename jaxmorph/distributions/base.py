"""What all distributions have in common."""

from __future__ import annotations

import abc
import math
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    import numpy as np


AT_BOUND = 0.01
"""A value that is nearer than this share of the bounds to one of them lies at it."""


class BaseDistribution(BaseModel, abc.ABC):
    """A distribution of one parameter.

    Attributes:
        is_logarithmic: Whether the natural scale of the parameter is its logarithm.
        is_discrete: Whether it has a few values alone, so that there is no derivative by the parameter.
        is_even: Whether all values between the ends are equally likely, on the natural scale.

    >>> from jaxmorph.distributions import Uniform
    >>> Uniform(low=2, high=4).ppf([0.0, 0.25, 1.0]).tolist()
    [2.0, 2.5, 4.0]
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    is_logarithmic: ClassVar[bool] = False
    is_discrete: ClassVar[bool] = False
    is_even: ClassVar[bool] = False

    @abc.abstractmethod
    def frozen(self) -> Any:
        """The ``scipy.stats`` frozen distribution, or what has the same methods."""

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

    @property
    def end_names(self) -> tuple[str, str]:
        """What the ends are called."""
        return "low", "high"

    @property
    def natural_support(self) -> tuple[float, float]:
        """The ends of the support on the natural scale."""
        low, high = self.support
        return (_log(low), _log(high)) if self.is_logarithmic else (low, high)

    @property
    def natural_mean(self) -> float:
        """Mean of the parameter on its natural scale."""
        return float(self.frozen().mean())

    @property
    def natural_sd(self) -> float:
        """Standard deviation of the parameter on its natural scale."""
        return float(self.frozen().std())

    @property
    @abc.abstractmethod
    def poincare_constant(self) -> float:
        """Best constant C in Var(f) <= C E[f'^2], on the natural scale of the distribution.

        1 / lambda, lambda the smallest positive one with (p f')' + lambda p f = 0 and p f' = 0 at both
        ends, p the density. Where the scale is u = ln(parameter), the derivative that goes with the
        constant is parameter * df/dparameter.

        Source: Lamboni, Iooss, Popelin, Gamboa, Math. Comput. Simul. 87 (2013) 45-54; Roustant, Barthe,
        Iooss, Electron. J. Stat. 11 (2017) 3081-3119.
        """


class Bounded(BaseDistribution):
    """What lies between ``low`` and ``high``."""

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
        """Its ends."""
        return self.low, self.high


def _log(x: float) -> float:
    if x <= 0:
        return -math.inf
    return math.log(x)
