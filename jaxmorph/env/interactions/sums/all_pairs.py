"""Sums over all pairs of cells, by operations of JAX."""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Float

from .... import space
from ....state import BaseCellState
from ..fields import of_pairs
from ..interaction import Interaction
from ..law import PairLaw
from ..situation import Situation
from .layouts import BothWays, EachOnce, Pairs
from .pair_forces import pair_forces
from .pair_sum import EnergyFn, ForceFn, OfPair, PairSum, Scalar


@dataclasses.dataclass(frozen=True)
class AllPairs(PairSum):
    """All pairs of cells, in a layout.

    Attributes:
        layout: Of the pairs.
    """

    layout: type[Pairs]

    def refusal(self, situation: Situation) -> str:
        if self.layout is EachOnce and situation.array_field:
            return f"its field {situation.array_field!r} is an array"
        return ""

    def energy(self, of: Interaction, of_pair: OfPair, *, per_particle: bool) -> EnergyFn:
        state = of.state
        pairs, law = self._pairs(of.law, len(state.position))
        function = of_pair(law)
        sigma, interacts = pairs.sums(state.radius[:, 0]), pairs.products(interacting(state))

        def total(position: Array) -> Array:
            between = pairs.displacements(state.displacement, position)
            each = interacts * function(space.root(pairs.dot(between, between)), sigma)
            shares = pairs.shares(each)
            return shares if per_particle else jnp.sum(shares)

        return total

    def force(self, of: Interaction, scale: Scalar) -> ForceFn:
        displacement, radius, alive = of.state.displacement, of.state.radius[:, 0], interacting(of.state)
        return lambda position: self.force_at(of.law, displacement, position, radius, alive, scale)

    def force_at(
        self,
        law: PairLaw,
        displacement: space.DisplacementFn,
        position: Float[Array, "cell dim"],
        radius: Float[Array, " cell"],
        interacts: Float[Array, " cell"],
        scale: Scalar,
    ) -> Float[Array, "cell dim"]:
        """The same, from arrays; ``interacts`` is 1 for cells that have forces, else 0."""
        pairs, law = self._pairs(law, len(position))
        between = pairs.displacements(displacement, position)
        of_each = pair_forces(law, pairs, pairs.products(interacts), between, pairs.sums(radius))
        return pairs.forces(of_each, scale)

    def _pairs(self, law: PairLaw, n_cells: int) -> tuple[Pairs, PairLaw]:
        """The pairs, and the law with their numbers."""
        pairs = self.layout(n_cells)
        return pairs, of_pairs(law, lambda x: pairs.scalar_products(x.left, x.right))


def interacting(state: BaseCellState) -> Float[Array, " cell"]:
    """1 for living cells, else 0."""
    return state.alive.astype(state.radius.dtype)


ONCE = AllPairs(EachOnce)
BOTH_WAYS = AllPairs(BothWays)
