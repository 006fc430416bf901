"""Evaluating a study on samples x seeds: values, gradients, trajectories and checks of them."""

from .batch import Evaluation, StudyError, Trajectories, evaluate, simulate_states
from .checks import FiniteDifferences, finite_differences
from .program import GradientMode, choose_mode, trace

__all__ = [
    "Evaluation",
    "FiniteDifferences",
    "GradientMode",
    "StudyError",
    "Trajectories",
    "choose_mode",
    "evaluate",
    "finite_differences",
    "simulate_states",
    "trace",
]
