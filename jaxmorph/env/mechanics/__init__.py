"""Forces between cells, and how cells move under them."""

from .listed import nearest_distance
from .pairs import many_tangents
from .potentials import MechanicalInteractionPotential, MorsePotential, PairPotential
from .relaxation import BrownianMechanicalRelaxation, SGDMechanicalRelaxation

__all__ = [
    "BrownianMechanicalRelaxation",
    "MechanicalInteractionPotential",
    "MorsePotential",
    "PairPotential",
    "SGDMechanicalRelaxation",
    "many_tangents",
    "nearest_distance",
]
