"""Forces between cells, and how cells move under them."""

from ..interactions import (
    Cutoff,
    HarmonicPotential,
    HertzianPotential,
    LennardJones,
    LennardJonesPotential,
    MechanicalInteractionPotential,
    Morse,
    MorseAdhesionPotential,
    MorsePotential,
    PairPotential,
    PairProduct,
    SoftSpherePotential,
)
from .active import ActiveBrownianRelaxation
from .minimisation import EnergyMinimisation, Fire, GradientDescent
from .pressure import PressureSensing, virial_pressure
from .relaxation import BrownianMechanicalRelaxation, SGDMechanicalRelaxation

__all__ = [
    "ActiveBrownianRelaxation",
    "BrownianMechanicalRelaxation",
    "Cutoff",
    "EnergyMinimisation",
    "Fire",
    "GradientDescent",
    "HarmonicPotential",
    "HertzianPotential",
    "LennardJones",
    "LennardJonesPotential",
    "MechanicalInteractionPotential",
    "Morse",
    "MorseAdhesionPotential",
    "MorsePotential",
    "PairPotential",
    "PairProduct",
    "PressureSensing",
    "SGDMechanicalRelaxation",
    "SoftSpherePotential",
    "virial_pressure",
]
