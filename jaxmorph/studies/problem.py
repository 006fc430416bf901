"""What a run asks of a study."""

import dataclasses
from collections.abc import Collection
from typing import Self

import numpy as np
from jaxtyping import Bool, Float

from ..distributions import Distribution
from .base import Observable, Parameter, Study


@dataclasses.dataclass(frozen=True)
class Problem:
    """A study and the question put to it: what varies, what is fixed, what is measured.

    Attributes:
        study: The study with its settings.
        varied: The parameters that vary, in the order of the ``parameter`` axis.
        distributions: How each of them varies.
        fixed: Values of all other parameters.
        observables: Names of the observables, in the order of the ``observable`` axis.
    """

    study: Study
    varied: tuple[Parameter, ...]
    distributions: tuple[Distribution, ...]
    fixed: dict[str, float]
    observables: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the varied parameters."""
        return tuple(p.name for p in self.varied)

    @property
    def centre(self) -> Float[np.ndarray, " parameter"]:
        """Median of each varied parameter."""
        return np.array([d.centre for d in self.distributions])

    @property
    def distribution_of(self) -> dict[str, Distribution]:
        """The distribution of each varied parameter, by its name."""
        return dict(zip(self.names, self.distributions, strict=True))

    @property
    def bounds(self) -> tuple[Float[np.ndarray, " parameter"], Float[np.ndarray, " parameter"]]:
        """The smallest and the largest value that each varied parameter can take."""
        low, high = np.array([d.support for d in self.distributions]).T
        return low, high

    @property
    def discrete(self) -> Bool[np.ndarray, " parameter"]:
        """Which varied parameters have a few values alone: there is no derivative by these."""
        return np.array([d.is_discrete for d in self.distributions], bool)

    @property
    def continuous(self) -> Self:
        """The same without those: they stay at their medians."""
        free = [name for name, off in zip(self.names, self.discrete, strict=True) if not off]
        return self.freeing(free, self.observables)

    @property
    def measured(self) -> tuple[Observable, ...]:
        """What the study says of the observables that are measured."""
        by_name = {o.name: o for o in self.study.observables}
        return tuple(by_name[name] for name in self.observables)

    def freeing(self, free: Collection[str], observables: tuple[str, ...]) -> Self:
        """The same with fewer parameters that vary: those that are not ``free`` stay at their medians.

        Args:
            free: Names of the parameters that go on varying.
            observables: Names of the observables that are measured.
        """
        kept = [i for i, name in enumerate(self.names) if name in free]
        held = {
            name: float(centre)
            for name, centre in zip(self.names, self.centre, strict=True)
            if name not in free
        }
        return dataclasses.replace(
            self,
            varied=tuple(self.varied[i] for i in kept),
            distributions=tuple(self.distributions[i] for i in kept),
            fixed=self.fixed | held,
            observables=observables,
        )
