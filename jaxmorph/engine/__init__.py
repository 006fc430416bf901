"""Evaluating a study on samples x seeds: values, gradients, trajectories and checks of them."""

from .batch import Evaluation, Trajectories, evaluate, simulate_states
from .checks import FiniteDifferences, finite_differences, lyapunov_exponent, mode_difference
from .estimators import check_estimator
from .failures import StudyError
from .program import GradientMode, choose_mode, trace

__all__ = [
    "Evaluation",
    "FiniteDifferences",
    "GradientMode",
    "StudyError",
    "Trajectories",
    "check_estimator",
    "choose_mode",
    "evaluate",
    "finite_differences",
    "lyapunov_exponent",
    "mode_difference",
    "simulate_states",
    "trace",
]
