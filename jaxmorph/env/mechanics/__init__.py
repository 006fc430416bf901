"""Forces between cells, and how cells move under them."""

from .listed import nearest_distance
from .potentials import MechanicalInteractionPotential, MorsePotential, PairPotential
from .relaxation import BrownianMechanicalRelaxation, SGDMechanicalRelaxation

__all__ = [
    "BrownianMechanicalRelaxation",
    "MechanicalInteractionPotential",
    "MorsePotential",
    "PairPotential",
    "SGDMechanicalRelaxation",
    "nearest_distance",
]
