"""Automatic gradients against finite differences under common random numbers."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from ..studies import Problem
from .batch import Evaluation, evaluate


@dataclasses.dataclass(frozen=True)
class FiniteDifferences:
    """Central differences beside automatic gradients, all (sample, seed, time, observable, parameter).

    Attributes:
        automatic: Values and gradients by automatic differentiation.
        gradient: Central differences, extrapolated to zero step.
        error: Estimate of the differences' own error: what the extrapolation changed, and round-off.
    """

    automatic: Evaluation
    gradient: Float[np.ndarray, "sample seed time observable parameter"]
    error: Float[np.ndarray, "sample seed time observable parameter"]


def finite_differences(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    step: float,
) -> FiniteDifferences:
    """Differentiate numerically, with the same seeds on both sides of each sample.

    The differences at h and 2 h are extrapolated (Richardson): D = (4 D(h) - D(2 h)) / 3, whose error
    is of order h^4 plus round-off.

    Args:
        problem: The study, what varies and what is measured.
        samples: Values of the varied parameters.
        seeds: Run-wide seed numbers.
        run_key: The run's random key.
        step: h as a fraction of each parameter's standard deviation under its distribution.
    """
    scale = np.array([d.frozen().std() for d in problem.distributions])
    h = step * scale
    offsets = np.concatenate([m * np.diag(h) for m in (1, -1, 2, -2)])  # (4 parameter, parameter)
    moved = (samples[:, None, :] + offsets).reshape(-1, samples.shape[1])
    value = evaluate(problem, moved, seeds, run_key=run_key, gradient="none").value
    n, p = samples.shape
    value = value.reshape(n, 4, p, *value.shape[1:])
    value = np.moveaxis(value, 2, -1)  # (sample, offset, seed, time, observable, parameter)
    near = (value[:, 0] - value[:, 1]) / (2 * h)
    far = (value[:, 2] - value[:, 3]) / (4 * h)
    gradient = (4 * near - far) / 3
    automatic = evaluate(problem, samples, seeds, run_key=run_key)
    roundoff = np.finfo(value.dtype).eps * np.abs(value).max(axis=1) / h
    return FiniteDifferences(automatic, gradient, np.abs(near - far) / 3 + roundoff)
