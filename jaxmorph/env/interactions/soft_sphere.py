"""Soft spheres."""

import jax.numpy as jnp
from jaxtyping import Array

from .fields import Number
from .law import ForceDerivatives
from .repulsion import Repulsion, overlap_of


class SoftSpherePotential(Repulsion):
    """Cells that overlap repel each other with an energy that is a power of their overlap.

    U(r) = (epsilon / alpha) (1 - r / sigma)^alpha below sigma, the sum of the radii; 0 above.

    Source: O'Hern, Silbert, Liu, Nagel, Phys. Rev. E 68 (2003) 011306; ``jax_md.energy.soft_sphere``.

    Attributes:
        epsilon: Scale of the energy.
        alpha: Exponent, above 1; the force is continuously differentiable at contact above 2.
    """

    epsilon: Number = 1.0
    alpha: Number = 2.0

    @property
    def exponent(self) -> Number:
        return self.alpha

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        known = super().force_derivatives(distance, sigma)
        overlap, _ = overlap_of(distance, sigma)
        by_alpha = self.force_over_distance(distance, sigma) * jnp.log(overlap)
        return known._replace(by_field={**known.by_field, "alpha": by_alpha})
