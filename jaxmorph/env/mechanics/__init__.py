"""Forces between cells, and how cells move under them."""

from .active import ActiveBrownianRelaxation
from .fused import PairLaw, fused_pairs
from .listed import nearest_distance
from .minimisation import EnergyMinimisation, Fire, GradientDescent
from .morse import MorsePotential
from .pair_laws import (
    HarmonicPotential,
    HertzianPotential,
    LennardJonesPotential,
    MorseAdhesionPotential,
    SoftSpherePotential,
)
from .pairs import many_tangents
from .potentials import MechanicalInteractionPotential, PairPotential
from .pressure import PressureSensing, virial_pressure
from .relaxation import BrownianMechanicalRelaxation, SGDMechanicalRelaxation

__all__ = [
    "ActiveBrownianRelaxation",
    "BrownianMechanicalRelaxation",
    "EnergyMinimisation",
    "Fire",
    "GradientDescent",
    "HarmonicPotential",
    "HertzianPotential",
    "LennardJonesPotential",
    "MechanicalInteractionPotential",
    "MorseAdhesionPotential",
    "MorsePotential",
    "PairLaw",
    "PairPotential",
    "PressureSensing",
    "SGDMechanicalRelaxation",
    "SoftSpherePotential",
    "fused_pairs",
    "many_tangents",
    "nearest_distance",
    "virial_pressure",
]
