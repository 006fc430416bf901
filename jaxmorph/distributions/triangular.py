"""Distributions whose density rises in a straight line to one value and falls from there."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import Bounded


class _Peaked(Bounded):
    mode: float = Field(description="most likely value")

    @model_validator(mode="after")
    def _between(self) -> Self:
        if not self.low <= self.mode <= self.high:
            raise ValueError(
                f"mode must be between low and high, got mode = {self.mode:g}, low = {self.low:g}, "
                f"high = {self.high:g}"
            )
        return self


class Triangular(_Peaked):
    """The density rises in a straight line from `low` to `mode`, and falls so from there to `high`."""

    distribution: Literal["triangular"] = "triangular"

    def frozen(self) -> Any:
        """Of scipy."""
        return triangle(self.low, self.mode, self.high)

    @property
    def poincare_constant(self) -> float:
        """By the zero of Bessel functions that joins both sides."""
        return _constant(self.mode - self.low, self.high - self.mode)


class LogTriangular(_Peaked):
    """The logarithm is triangular between ln(`low`) and ln(`high`), and most likely ln(`mode`)."""

    is_logarithmic: ClassVar[bool] = True
    distribution: Literal["log-triangular"] = "log-triangular"
    low: float = Field(gt=0, description="smallest value")
    mode: float = Field(gt=0, description="value whose logarithm is the most likely one")

    def frozen(self) -> Any:
        """What scipy lacks."""
        from .exponential import ExponentialOfTriangular

        return ExponentialOfTriangular(*self._logarithms())

    @property
    def natural_mean(self) -> float:
        """Of the logarithm."""
        return float(triangle(*self._logarithms()).mean())

    @property
    def natural_sd(self) -> float:
        """Of the logarithm."""
        return float(triangle(*self._logarithms()).std())

    @property
    def poincare_constant(self) -> float:
        """That of a triangular logarithm."""
        low, mode, high = self._logarithms()
        return _constant(mode - low, high - mode)

    def _logarithms(self) -> tuple[float, float, float]:
        return math.log(self.low), math.log(self.mode), math.log(self.high)


def triangle(low: float, mode: float, high: float) -> Any:
    """The frozen triangular distribution of scipy."""
    from scipy import stats

    return stats.triang((mode - low) / (high - low), low, high - low)


def _constant(rise: float, fall: float) -> float:
    """The Poincaré constant of a triangle whose sides are so long.

    On the left f = J0(w x), x from the lower end, on the right the same from the upper one; both and
    their slopes meet where J0(w rise) J1(w fall) + J1(w rise) J0(w fall) = 0, whose first zero is
    between those of J1 (all on one side) and of J0 J1 (both sides alike). C = 1 / w^2.
    """
    from scipy.optimize import brentq
    from scipy.special import j0, j1, jn_zeros

    width = rise + fall
    left, right = rise / width, fall / width

    def open_(w: float) -> float:
        return float(j0(w * left) * j1(w * right) + j1(w * left) * j0(w * right))

    lowest, highest = jn_zeros(1, 1)[0], 2 * jn_zeros(0, 1)[0]
    w = brentq(open_, lowest * (1 - 1e-9), highest * (1 + 1e-9), xtol=1e-15, rtol=1e-14)
    return (width / float(w)) ** 2
