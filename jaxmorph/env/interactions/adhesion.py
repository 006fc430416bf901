"""Adhesion by what the two cells carry."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...errors import JaxmorphError
from ...state import BaseCellState
from ..fields import field_of
from .cutoff import Cutoff
from .fields import PairProduct
from .morse import Morse
from .potential import MechanicalInteractionPotential
from .sums import EnergyFn, ForceFn, Scalar


class MorseAdhesionPotential(MechanicalInteractionPotential):
    """Morse potential whose depth depends on what the two cells carry.

    The depth for cells i and j is sum_kl c_ik A_kl c_jl, with A symmetrised (action equals reaction) and
    c_ik the field ``carried`` of the state: with ``celltype``, A_kl is the depth between the types k and
    l; with a field of your own, shape (cell, molecule), c_ik is how much of an adhesion molecule cell i
    shows, and A_kl the depth for a unit of k on one cell and of l on the other. The depth scales the
    repulsion too: where it is 0, cells pass through each other.

    See ``MorsePotential`` for the rest.

    Attributes:
        adhesion: A, shape (type, type) or (molecule, molecule), energy.
        alpha: Inverse width of the minimum, 1 / length.
        r_cutoff: Distance beyond which cells do not interact, length.
        r_onset: Distance at which the cutoff begins, length, less than ``r_cutoff``.
        carried: Name of the field of the state.
    """

    adhesion: Float[Array, "kind kind"]
    alpha: Scalar = 2.8
    r_cutoff: Scalar = 2.0
    r_onset: Scalar = 1.7
    carried: str = eqx.field(default="celltype", static=True)

    def of(self, state: BaseCellState) -> Cutoff:
        """The Morse potential with a depth for each pair of cells of ``state``.

        Raises:
            JaxmorphError: If the state has no such field, or it does not fit ``adhesion``.
        """
        carried = field_of(self, state, self.carried)
        kinds = carried.shape[-1]
        if jnp.shape(self.adhesion) != (kinds, kinds):
            raise JaxmorphError(
                f"adhesion: shape {jnp.shape(self.adhesion)}, {self.carried} has {kinds} columns; it "
                f"must have the shape ({kinds}, {kinds})"
            )
        symmetric = (self.adhesion + self.adhesion.T) / 2
        strength = jnp.matmul(carried, symmetric, precision=jax.lax.Precision.HIGHEST)
        depth = PairProduct(strength, carried)
        return Cutoff(Morse(depth, self.alpha), self.r_onset, self.r_cutoff)  # type: ignore[arg-type]

    def energy_fn(self, state: BaseCellState, *, per_particle: bool = False) -> EnergyFn:
        return self.of(state).energy_fn(state, per_particle=per_particle)

    def virial_fn(self, state: BaseCellState) -> EnergyFn:
        """See ``PairPotential.virial_fn``."""
        return self.of(state).virial_fn(state)

    def scaled_force_fn(self, state: BaseCellState, scale: Scalar) -> ForceFn:
        return self.of(state).scaled_force_fn(state, scale)

    def force_fn(self, state: BaseCellState) -> ForceFn:
        return self.of(state).force_fn(state)
