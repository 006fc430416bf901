"""The Lennard-Jones potential."""

import jax.numpy as jnp
from jaxtyping import Array

from .cutoff import Cutoff
from .fields import Number
from .potential import PairPotential
from .sums import Scalar

# Below this share of the contact distance, the force grows no more.
_CORE = 0.1


class LennardJones(PairPotential):
    """Lennard-Jones potential with its minimum where two cells just touch.

    U(r) = epsilon ((sigma / r)^12 - 2 (sigma / r)^6), sigma = the sum of the radii. Below r = 0.1 sigma
    the energy goes on along its tangent, so that cells at the same place, which no force can part, have
    finite energies and derivatives. It has no end: all pairs interact.

    Source: ``jax_md.energy.lennard_jones``; jax-md's sigma is the distance at which the energy is 0, and
    that is 2^(-1/6) times ours.

    Attributes:
        epsilon: Depth of the minimum, energy.
    """

    epsilon: Number = 3.0

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        # Two dead slots have no contact distance, and no pair.
        sigma = jnp.where(sigma <= 0, 1, sigma)
        x = distance / sigma
        sixth = jnp.maximum(x, _CORE) ** -6
        slope = -12 * (_CORE**-13 - _CORE**-7)
        return self.epsilon * (sixth * (sixth - 2) + slope * jnp.minimum(x - _CORE, 0))


class LennardJonesPotential(Cutoff):
    """:class:`LennardJones`, cut off smoothly.

    Source: ``jax_md.energy.lennard_jones_pair``, which a test holds this against.

    Args:
        epsilon: Depth of the minimum, energy.
        r_cutoff: Distance beyond which cells do not interact, length.
        r_onset: Distance at which the cutoff begins, length, less than ``r_cutoff``.
    """

    potential: LennardJones

    def __init__(self, epsilon: Number = 3.0, r_cutoff: Scalar = 2.5, r_onset: Scalar = 2.0):
        super().__init__(LennardJones(epsilon), r_onset, r_cutoff)

    @property
    def epsilon(self) -> Number:
        """Depth of the minimum, or of a gradient its derivative."""
        return self.potential.epsilon
