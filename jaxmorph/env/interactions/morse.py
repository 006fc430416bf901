"""The Morse potential."""

import jax.numpy as jnp
from jaxtyping import Array

from .cutoff import Cutoff
from .fields import Number
from .law import ForceDerivatives, nonzero
from .potential import PairPotential
from .sums import Scalar


class Morse(PairPotential):
    """Morse potential with its minimum where two cells just touch.

    U(r) = epsilon (1 - exp(-alpha (r - sigma)))^2 - epsilon, sigma = the sum of the radii. It has no
    end: all pairs interact.

    Source: ``jax_md.energy.morse``.

    Attributes:
        epsilon: Depth of the minimum, energy.
        alpha: Inverse width of the minimum, 1 / length.
    """

    epsilon: Number = 3.0
    alpha: Number = 2.8

    # With e = exp(alpha (sigma - r)): U = epsilon e (e - 2).

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        e = jnp.exp(self.alpha * (sigma - distance))
        return self.epsilon * (e * (e - 2))

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        e = jnp.exp(self.alpha * (sigma - distance))
        # Ends with the division: compilers then compute it once for all components of the force.
        return 2 * self.epsilon * self.alpha * (e * (e - 1)) / nonzero(distance)

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        e, per_length = jnp.exp(self.alpha * (sigma - distance)), 1 / nonzero(distance)
        slope, curvature = per_length * (e * (e - 1)), per_length * (e * (2 * e - 1))
        twice = 2 * self.epsilon * self.alpha
        return ForceDerivatives(
            by_distance=-twice * per_length * (per_length * slope + self.alpha * curvature),
            by_sigma=twice * self.alpha * curvature,
            by_field={
                "epsilon": 2 * self.alpha * slope,
                "alpha": 2 * self.epsilon * (slope + self.alpha * (sigma - distance) * curvature),
            },
        )


class MorsePotential(Cutoff):
    """:class:`Morse`, cut off smoothly.

    Source: ``jax_md.energy.morse_pair``, which a test holds this against.

    Args:
        epsilon: Depth of the minimum, energy.
        alpha: Inverse width of the minimum, 1 / length.
        r_cutoff: Distance beyond which cells do not interact, length.
        r_onset: Distance at which the cutoff begins, length, less than ``r_cutoff``.
    """

    potential: Morse

    def __init__(
        self,
        epsilon: Number = 3.0,
        alpha: Number = 2.8,
        r_cutoff: Scalar = 2.0,
        r_onset: Scalar = 1.7,
    ):
        super().__init__(Morse(epsilon, alpha), r_onset, r_cutoff)

    @property
    def epsilon(self) -> Number:
        """Depth of the minimum, or of a gradient its derivative."""
        return self.potential.epsilon

    @property
    def alpha(self) -> Number:
        """Inverse width of the minimum, or of a gradient its derivative."""
        return self.potential.alpha
