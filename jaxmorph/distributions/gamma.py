"""The gamma distribution."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .base import BaseDistribution


class Gamma(BaseDistribution):
    """Positive, with density x^(`shape` - 1) exp(-x / `scale`); `shape: 1` is the exponential one."""

    distribution: Literal["gamma"] = "gamma"
    shape: float = Field(gt=0, description="mean over `scale`")
    scale: float = Field(gt=0, description="length on which the density decays, in the parameter's unit")

    def frozen(self) -> Any:
        """Of scipy."""
        from scipy import stats

        return stats.gamma(self.shape, scale=self.scale)

    @property
    def poincare_constant(self) -> float:
        """scale^2 (shape + 1)^2 / shape; for a shape below 1, 4 scale^2.

        For scale 1, f = (1 - y / (shape - 1)) exp((x - y) / 2) with y = x (shape - 1) / (shape + 1) has
        (p f')' + lambda p f = 0, p f' = 0 at both ends, and one change of sign. At or below a shape of 1
        no function does, and the constant is that of the exponential distribution, which exp(x / 2)
        approaches (Bobkov and Ledoux, Probab. Theory Relat. Fields 107 (1997) 383-400).
        """
        k = max(self.shape, 1.0)
        return self.scale**2 * (k + 1) ** 2 / k
