"""Studies: differentiable stochastic models with named parameters and observables."""

from ..env.mechanics import PairLaw, fused_pairs, many_tangents
from ..simulation.buffers import Buffers, buffered
from ..simulation.instruments import noticing_choices, using_surrogates
from .base import Observable, Parameter, Recording, StateVariable, Study
from .followed import (
    log_probability_of_choices,
    simulate_with_log_density,
    simulate_with_tangent,
)
from .load import load_problem, load_study, raised_in, source_of
from .per_cell import outcome_sensitivity, position_sensitivity
from .problem import Problem

__all__ = [
    "Buffers",
    "Observable",
    "PairLaw",
    "Parameter",
    "Problem",
    "Recording",
    "StateVariable",
    "Study",
    "buffered",
    "fused_pairs",
    "load_problem",
    "load_study",
    "log_probability_of_choices",
    "many_tangents",
    "noticing_choices",
    "outcome_sensitivity",
    "position_sensitivity",
    "raised_in",
    "simulate_with_log_density",
    "simulate_with_tangent",
    "source_of",
    "using_surrogates",
]
