"""Expansions in orthonormal polynomials of the parameters (polynomial chaos), from values and gradients.

Mathematics on arrays: no files, no labelled arrays. Sources: Sudret, Reliab. Eng. Syst. Saf. 93 (2008)
964-979 (Sobol' indices from coefficients); Luethen, Roustant, Gamboa, Iooss, Marelli and Sudret,
arXiv:2107.00394 (2021) (gradients).
"""

from .bases import HIGHEST, Basis, basis_of, stieltjes
from .choice import FOLDS, Candidates, Choice, choose, most_candidates
from .correlated import correlated_effects, correlated_forms, explained
from .decomposition import Decomposition, decompose
from .equations import equations, main_effects
from .indices import Forms, PartsOfVariance, independent_forms, weights
from .least_squares import LeastSquares
from .pursuit import Pursuits
from .scores import independent_scores
from .terms import candidates

__all__ = [
    "FOLDS",
    "HIGHEST",
    "Basis",
    "Candidates",
    "Choice",
    "Decomposition",
    "Forms",
    "LeastSquares",
    "PartsOfVariance",
    "Pursuits",
    "basis_of",
    "candidates",
    "choose",
    "correlated_effects",
    "correlated_forms",
    "decompose",
    "equations",
    "explained",
    "independent_forms",
    "independent_scores",
    "main_effects",
    "most_candidates",
    "stieltjes",
    "weights",
]
