"""Parameters that meet an objective: gradient descent of many starts, and how sure the result is."""

from .descent import STOP_REASONS, DescentSettings, Saved, descend
from .evaluator import LossEvaluator
from .objective import Objective, make_objective, observables_of
from .optima import basins
from .optimisers import check_optimiser, make_optimiser
from .outcome import Outcome, outcome
from .paths import Paths
from .refinement import REFINING, refine
from .scale import Scale
from .sections import Sections, loss_map, sections
from .targets import targets
from .uncertainty import Curvature, covers, curvature, region

__all__ = [
    "REFINING",
    "STOP_REASONS",
    "Curvature",
    "DescentSettings",
    "LossEvaluator",
    "Objective",
    "Outcome",
    "Paths",
    "Saved",
    "Scale",
    "Sections",
    "basins",
    "check_optimiser",
    "covers",
    "curvature",
    "descend",
    "loss_map",
    "make_objective",
    "make_optimiser",
    "observables_of",
    "outcome",
    "refine",
    "region",
    "sections",
    "targets",
]
