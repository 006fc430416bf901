"""A way to sum what pairs of cells do."""

import abc
from collections.abc import Callable

from jaxtyping import Array, Float

from ..interaction import Interaction
from ..law import PairFn, PairLaw
from ..situation import Situation

Scalar = float | Float[Array, ""]
EnergyFn = Callable[[Float[Array, "cell dim"]], Float[Array, "*cell"]]
ForceFn = Callable[[Float[Array, "cell dim"]], Float[Array, "cell dim"]]
OfPair = Callable[[PairLaw], PairFn]
"""A function of distance and sum of radii, from a law that has a number for each pair in each field."""


class PairSum(abc.ABC):
    """A way to sum; all give the same numbers."""

    @abc.abstractmethod
    def refusal(self, situation: Situation) -> str:
        """Why it is impossible in a situation; empty if it is possible."""

    @abc.abstractmethod
    def energy(self, of: Interaction, of_pair: OfPair, *, per_particle: bool) -> EnergyFn:
        """The sum of ``of_pair`` over pairs of living cells, or half of it for each cell, (cell,)."""

    @abc.abstractmethod
    def force(self, of: Interaction, scale: Scalar) -> ForceFn:
        """``scale`` times the force on each cell."""
