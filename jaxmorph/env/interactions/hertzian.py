"""Hertzian repulsion."""

from .fields import Number
from .repulsion import Repulsion


class HertzianPotential(Repulsion):
    """Soft spheres with the exponent 5/2, that of the contact of elastic spheres.

    U(r) = (2 epsilon / 5) (1 - r / sigma)^(5/2) below sigma, the sum of the radii; 0 above.

    Source: O'Hern, Silbert, Liu, Nagel, Phys. Rev. E 68 (2003) 011306.

    Attributes:
        epsilon: Scale of the energy.
    """

    epsilon: Number = 1.0

    @property
    def exponent(self) -> float:
        return 2.5
