"""Parameters that meet an objective: gradient descent of many starts, and how sure the result is."""

from .descent import STOP_REASONS, Saved, descend
from .evaluation import Evaluation
from .objective import Objective, make_objective, observables_of
from .optima import basins
from .optimisers import make_optimiser
from .outcome import Outcome, outcome
from .paths import Paths
from .scale import Scale
from .sections import Sections, loss_map, sections
from .uncertainty import Curvature, covariance_of_data, covers, curvature, missed, region, spread

__all__ = [
    "STOP_REASONS",
    "Curvature",
    "Evaluation",
    "Objective",
    "Outcome",
    "Paths",
    "Saved",
    "Scale",
    "Sections",
    "basins",
    "covariance_of_data",
    "covers",
    "curvature",
    "descend",
    "loss_map",
    "make_objective",
    "make_optimiser",
    "missed",
    "observables_of",
    "outcome",
    "region",
    "sections",
    "spread",
]
