"""Distributions that prefer no value."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from pydantic import Field

from .base import Bounded


class Uniform(Bounded):
    """Every value between `low` and `high` is equally likely."""

    is_even: ClassVar[bool] = True
    distribution: Literal["uniform"] = "uniform"

    def frozen(self) -> Any:
        """Of scipy."""
        from scipy import stats

        return stats.uniform(self.low, self.high - self.low)

    @property
    def poincare_constant(self) -> float:
        """(high - low)^2 / pi^2."""
        return ((self.high - self.low) / math.pi) ** 2


class LogUniform(Bounded):
    """The logarithm is uniform between ln(`low`) and ln(`high`)."""

    is_logarithmic: ClassVar[bool] = True
    is_even: ClassVar[bool] = True
    distribution: Literal["log-uniform"] = "log-uniform"
    low: float = Field(gt=0, description="smallest value")

    def frozen(self) -> Any:
        """Of scipy."""
        from scipy import stats

        return stats.loguniform(self.low, self.high)

    @property
    def natural_mean(self) -> float:
        """Of the logarithm."""
        return math.log(self.low) / 2 + math.log(self.high) / 2

    @property
    def natural_sd(self) -> float:
        """Of the logarithm."""
        return math.log(self.high / self.low) / math.sqrt(12)

    @property
    def poincare_constant(self) -> float:
        """That of a uniform logarithm."""
        return ((math.log(self.high) - math.log(self.low)) / math.pi) ** 2
