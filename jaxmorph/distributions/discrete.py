"""Distributions of what takes a few values: there is no derivative by such a parameter."""

from __future__ import annotations

import abc
import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import BaseDistribution

if TYPE_CHECKING:
    import numpy as np

Weights = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False)]


class Finite(BaseDistribution):
    """A few values, each with a probability."""

    is_discrete: ClassVar[bool] = True

    weights: Weights | None = Field(
        None, description="how likely they are, in proportion; if not given, all are as likely"
    )

    @property
    @abc.abstractmethod
    def numbers(self) -> tuple[float, ...]:
        """What the parameter of the study can be, increasing."""

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Of these numbers."""
        return self._normalised()

    def _normalised(self) -> tuple[float, ...]:
        weights = self.weights or (1.0,) * len(self.numbers)
        total = math.fsum(weights)
        return tuple(weight / total for weight in weights)

    def frozen(self) -> Any:
        """Of scipy; it has no density."""
        from scipy import stats

        return stats.rv_discrete(values=(self.numbers, self.probabilities))

    def ppf(self, u: np.ndarray) -> np.ndarray:
        """The smallest number that at least ``u`` (any shape, in [0, 1]) are not above."""
        import numpy as np

        below = np.cumsum(self.probabilities)[:-1]
        found: np.ndarray = np.array(self.numbers)[np.searchsorted(below, u, side="left")]
        return found

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of numbers that are not above ``x`` (any shape)."""
        import numpy as np

        upto = np.append(0.0, np.cumsum(self.probabilities)).clip(max=1)
        found: np.ndarray = upto[np.searchsorted(self.numbers, x, side="right")]
        return found

    @property
    def centre(self) -> float:
        """The median."""
        import numpy as np

        return float(self.ppf(np.array(0.5)))

    @property
    def support(self) -> tuple[float, float]:
        """The smallest and the largest number."""
        return self.numbers[0], self.numbers[-1]

    @property
    def natural_mean(self) -> float:
        """The mean."""
        return math.fsum(x * p for x, p in zip(self.numbers, self.probabilities, strict=True))

    @property
    def natural_sd(self) -> float:
        """The standard deviation."""
        mean = self.natural_mean
        squares = (p * (x - mean) ** 2 for x, p in zip(self.numbers, self.probabilities, strict=True))
        return math.sqrt(math.fsum(squares))

    @property
    def poincare_constant(self) -> float:
        """Infinite: what a function does between the numbers bounds nothing."""
        return math.inf


def _check_weights(kind: Finite, given: tuple[Any, ...], what: str) -> None:
    if len(given) < 2:
        raise ValueError(f"needs two or more {what}; one that does not vary belongs under fixed")
    if len(set(given)) < len(given):
        raise ValueError(f"has one of its {what} twice; give it the sum of the weights")
    if kind.weights is not None and len(kind.weights) != len(given):
        raise ValueError(f"has {len(given)} {what} and {len(kind.weights)} weights; give one each")


class Discrete(Finite):
    """A few numbers. Nothing is differentiated by such a parameter: its estimates are from values."""

    distribution: Literal["discrete"] = "discrete"
    values: Annotated[tuple[float, ...], Field(strict=False)] = Field(description="the numbers")

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _check_weights(self, self.values, "values")
        return self

    @property
    def numbers(self) -> tuple[float, ...]:
        """The values."""
        return tuple(sorted(self.values))

    @property
    def probabilities(self) -> tuple[float, ...]:
        """In the order of the numbers."""
        return tuple(p for _, p in sorted(zip(self.values, self._normalised(), strict=True)))


class Categorical(Finite):
    """A few names, of which the study gets the place in the list: 0, 1, 2 and so on."""

    distribution: Literal["categorical"] = "categorical"
    levels: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        description="the names, in the order of the study's numbers"
    )

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _check_weights(self, self.levels, "levels")
        return self

    @property
    def numbers(self) -> tuple[float, ...]:
        """Places of the levels."""
        return tuple(map(float, range(len(self.levels))))

    @property
    def end_names(self) -> tuple[str, str]:
        """The first and the last level."""
        return self.levels[0], self.levels[-1]
