"""Studies: differentiable stochastic models with named parameters and observables."""

from .base import Observable, Parameter, Recording, StateVariable, Study
from .functions import study
from .load import in_one_line, load_problem, load_study, raised_in, source_of
from .per_cell import outcome_sensitivity, position_sensitivity
from .problem import Problem

__all__ = [
    "Observable",
    "Parameter",
    "Problem",
    "Recording",
    "StateVariable",
    "Study",
    "in_one_line",
    "load_problem",
    "load_study",
    "outcome_sensitivity",
    "position_sensitivity",
    "raised_in",
    "source_of",
    "study",
]
