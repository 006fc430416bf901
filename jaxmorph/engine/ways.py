"""How a study is evaluated with the settings of a run."""

import logging
from functools import partial
from typing import TypedDict

from ..configuration import Estimator
from ..errors import JaxmorphError
from ..studies import Problem
from . import program
from .estimators import WantedMode, Way, estimator_named

logger = logging.getLogger(__name__)

SMOOTHING = 0.05
"""Width of the Gaussian of ``smoothed`` where nothing is said of it."""


class GradientArguments(TypedDict, total=False):
    """How gradients are made: arguments of ``engine.evaluate``, which says what they mean."""

    gradient: WantedMode
    estimator: Estimator
    smoothing: float


def choose_way(
    problem: Problem,
    gradient: WantedMode,
    estimator: Estimator,
    smoothing: float,
    run_key: int,
    traced: program.Traced | None = None,
) -> Way:
    """The way that the settings of ``engine.evaluate`` ask for; the log says which, and why.

    Raises:
        JaxmorphError: If the estimator cannot be had, from this study or in this mode.
    """
    traced = traced or program.trace(problem)
    if gradient == "none" or problem.discrete.all():
        values = partial(program.values, problem)
        reason = "no gradients wanted" if gradient == "none" else "every parameter is discrete"
        return Way(traced, None, reason, values, values)
    asked = estimator_named(estimator, gradient, smoothing=smoothing)
    way = asked.way(problem, traced, gradient, run_key)
    if traced.makes_choices and (left_out := asked.left_out(problem)):
        logger.warning(left_out)
    logger.info("gradient mode: %s (%s); estimator: %s", way.mode or "none", way.reason, estimator)
    if asked.declaration.bias:
        logger.warning("%s", asked.declaration.bias)
    return way


def check_estimator(
    problem: Problem,
    estimator: Estimator,
    gradient: WantedMode = "auto",
    traced: program.Traced | None = None,
) -> None:
    """Check without computing anything that the study can be estimated in this way.

    Raises:
        JaxmorphError: If it cannot, or not in the gradient mode that is asked for.
    """
    asked = estimator_named(estimator, gradient, smoothing=SMOOTHING)
    if gradient == "none" or problem.discrete.all():
        return
    asked.way(problem, traced or program.trace(problem), gradient, 0)
    if left_out := asked.left_out(problem):
        raise JaxmorphError(left_out)
