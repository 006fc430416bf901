"""Harmonic repulsion."""

from .fields import Number
from .repulsion import Repulsion


class HarmonicPotential(Repulsion):
    """Soft spheres with the exponent 2: a linear repulsion of cells that overlap.

    U(r) = (epsilon / 2) (1 - r / sigma)^2 below sigma, the sum of the radii; 0 above.

    Source: O'Hern, Silbert, Liu, Nagel, Phys. Rev. E 68 (2003) 011306.

    Attributes:
        epsilon: Scale of the energy.
    """

    epsilon: Number = 1.0

    @property
    def exponent(self) -> int:
        return 2
