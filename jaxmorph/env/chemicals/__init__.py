"""What cells secrete, and the concentrations that follow from it."""

from .kernels import DiffusionKernel, ExponentialKernel, SurfaceKernel, UniformKernel
from .screened import ChemicalState, ScreenedDiffusion, Secretion

__all__ = [
    "ChemicalState",
    "DiffusionKernel",
    "ExponentialKernel",
    "ScreenedDiffusion",
    "Secretion",
    "SurfaceKernel",
    "UniformKernel",
]
