"""Forces between cells, and how cells move under them."""

from .active import ActiveBrownianRelaxation
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
    "PairPotential",
    "PressureSensing",
    "SGDMechanicalRelaxation",
    "SoftSpherePotential",
    "nearest_distance",
    "virial_pressure",
]
