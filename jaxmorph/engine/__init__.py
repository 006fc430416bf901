"""Evaluating a study on samples x seeds: values, gradients, trajectories and checks of them."""

from .batch import Evaluation, SimulatedStates, evaluate, evaluator, simulate_states
from .checks import FiniteDifferences, finite_differences, lyapunov_exponent, mode_difference
from .cost import measure_cost
from .cuts import Cut, find_cuts
from .devices import describe_devices, require_gpus
from .failures import StudyError
from .impure import check_pure
from .lines import Lines, follow_lines
from .pieces import Piece
from .program import GradientMode, check_trace, choose_mode, trace, trace_gradients
from .ways import GradientArguments, check_estimator

__all__ = [
    "Cut",
    "Evaluation",
    "FiniteDifferences",
    "GradientArguments",
    "GradientMode",
    "Lines",
    "Piece",
    "SimulatedStates",
    "StudyError",
    "check_estimator",
    "check_pure",
    "check_trace",
    "choose_mode",
    "describe_devices",
    "evaluate",
    "evaluator",
    "find_cuts",
    "finite_differences",
    "follow_lines",
    "lyapunov_exponent",
    "measure_cost",
    "mode_difference",
    "require_gpus",
    "simulate_states",
    "trace",
    "trace_gradients",
]
