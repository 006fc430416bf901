"""Evaluating a study on samples x seeds: values, gradients, trajectories and checks of them."""

from .batch import Evaluation, SimulatedStates, evaluate, evaluator, simulate_states
from .checks import FiniteDifferences, finite_differences, lyapunov_exponent
from .cost import check_size, measure_cost
from .cuts import Cut, find_cuts
from .devices import describe_devices, require_gpus
from .differentiable import Modes, NotDifferentiable, choose_mode, modes_of
from .failures import StudyError
from .impure import check_pure
from .lines import Lines, follow_lines
from .modes import BothModes, both_modes
from .one_answer import Apart, OneAnswer, one_answer
from .pieces import Piece
from .program import GradientMode, Traced, check_trace, is_noisy, trace
from .ways import GradientArguments, check_estimator

__all__ = [
    "Apart",
    "BothModes",
    "Cut",
    "Evaluation",
    "FiniteDifferences",
    "GradientArguments",
    "GradientMode",
    "Lines",
    "Modes",
    "NotDifferentiable",
    "OneAnswer",
    "Piece",
    "SimulatedStates",
    "StudyError",
    "Traced",
    "both_modes",
    "check_estimator",
    "check_pure",
    "check_size",
    "check_trace",
    "choose_mode",
    "describe_devices",
    "evaluate",
    "evaluator",
    "find_cuts",
    "finite_differences",
    "follow_lines",
    "is_noisy",
    "lyapunov_exponent",
    "measure_cost",
    "modes_of",
    "one_answer",
    "require_gpus",
    "simulate_states",
    "trace",
]
