"""The part of the numerical checks that evaluates simulations by themselves."""

import logging

import numpy as np
import xarray as xr

from .. import engine, store
from ..studies import Problem

logger = logging.getLogger(__name__)


def with_one_answer(
    checks: xr.Dataset,
    problem: Problem,
    samples: np.ndarray,
    seeds: np.ndarray,
    run_key: int,
    modes: engine.BothModes | engine.Evaluation,
) -> xr.Dataset:
    """Checks with what :func:`jaxmorph.engine.one_answer` finds, which the log says too."""
    found = engine.one_answer(problem, samples, seeds, run_key=run_key, modes=modes)
    for name, differs, chaotic in zip(problem.observables, found.differs, found.chaotic, strict=True):
        if differs:
            logger.warning("%s: another answer by itself than in a batch", name)
        if chaotic:
            logger.warning("%s: chaotic, the last digit of parameters or constants changes it", name)
    numbers = {
        "alone_value_difference": found.value.difference,
        "alone_value_last_digit": found.value.last_digit,
        "alone_value_differs": found.value.differs,
        "chaotic": found.chaotic,
    }
    if found.gradient is not None:
        numbers |= {
            "alone_gradient_difference": found.gradient.difference,
            "alone_gradient_last_digit": found.gradient.last_digit,
            "alone_gradient_differs": found.gradient.differs,
        }
    if found.reverse is not None:
        numbers["alone_reverse_differs"] = found.reverse
    return store.with_one_answer(checks, numbers, found.n_pairs)
