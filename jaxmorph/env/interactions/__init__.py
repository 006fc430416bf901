"""Interactions between pairs of cells: laws, what cuts them off, and the ways to sum them."""

from .adhesion import MorseAdhesionPotential
from .choice import choose, choosing, preferring
from .cutoff import Cutoff
from .fields import PairProduct
from .harmonic import HarmonicPotential
from .hertzian import HertzianPotential
from .law import ForceDerivatives, PairLaw
from .lennard_jones import LennardJones, LennardJonesPotential
from .morse import Morse, MorsePotential
from .nearest import nearest_distance
from .potential import MechanicalInteractionPotential, PairPotential
from .soft_sphere import SoftSpherePotential
from .sums.pair_sum import EnergyFn, ForceFn, Scalar

__all__ = [
    "Cutoff",
    "EnergyFn",
    "ForceDerivatives",
    "ForceFn",
    "HarmonicPotential",
    "HertzianPotential",
    "LennardJones",
    "LennardJonesPotential",
    "MechanicalInteractionPotential",
    "Morse",
    "MorseAdhesionPotential",
    "MorsePotential",
    "PairLaw",
    "PairPotential",
    "PairProduct",
    "Scalar",
    "SoftSpherePotential",
    "choose",
    "choosing",
    "nearest_distance",
    "preferring",
]
