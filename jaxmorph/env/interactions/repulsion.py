"""Repulsion of cells that overlap, by a power of their overlap."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .fields import Number
from .law import ForceDerivatives, Reach
from .potential import PairPotential


class Repulsion(PairPotential):
    """U(r) = (epsilon / alpha) (1 - r / sigma)^alpha below the sum of the radii sigma, 0 above.

    Source: O'Hern, Silbert, Liu, Nagel, Phys. Rev. E 68 (2003) 011306; ``jax_md.energy.soft_sphere``,
    which a test holds it against.
    """

    epsilon: eqx.AbstractVar[Number]

    @property
    @abc.abstractmethod
    def exponent(self) -> Number:
        """Alpha; a number of Python's, if it is the same for all parameters."""

    @property
    def interaction_range(self) -> Reach:
        return "contact"

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        overlap, touches = overlap_of(distance, sigma)
        return jnp.where(touches, self.epsilon / self.exponent * overlap**self.exponent, 0)

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        overlap, touches = overlap_of(distance, sigma)
        apart = jnp.where(touches & (distance > 0), distance * sigma, 1)
        return jnp.where(touches, self.epsilon * overlap ** (self.exponent - 1) / apart, 0)

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        overlap, touches = overlap_of(distance, sigma)
        r, contact = jnp.where(touches & (distance > 0), distance, 1), jnp.where(touches, sigma, 1)
        power = overlap ** (self.exponent - 1)
        slope = (self.exponent - 1) * overlap ** (self.exponent - 2)
        epsilon = jnp.where(touches, self.epsilon, 0)
        return ForceDerivatives(
            by_distance=-epsilon * (slope / contact + power / r) / (r * r * contact),
            by_sigma=epsilon * (slope / contact - power / r) / (contact * contact),
            by_field={"epsilon": jnp.where(touches, power / (r * contact), 0)},
        )


def overlap_of(distance: Array, sigma: Array) -> tuple[Array, Array]:
    """1 - r / sigma, and whether it is above 0; 1 where it is not, so that powers have derivatives.

    The difference comes first: it is above 0 however the quotient is rounded.
    """
    touches = ~(distance >= sigma)  # so NaN stays NaN
    contact = jnp.where(touches, sigma, 1)
    return (contact - jnp.where(touches, distance, 0)) / contact, touches
