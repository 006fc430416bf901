"""Intervals of parameters whose optimum lies at a bound of their distribution.

There the unconstrained scale ends at infinity and a normal distribution on it says nothing: an optimum
at 3 of [0, 3] had the interval 0.12 to 3. On the scale of shares of the bounds the loss of data is a
parabola whose minimum may lie d beyond the bound; with the standard error s of an estimate without
bounds, what rises by less than chi^2(0.95) reaches sqrt(d^2 + chi^2 s^2) - d into the interval. That is
the profile of the likelihood (Self and Liang, J. Am. Stat. Assoc. 82 (1987) 605-610: at a bound it
covers more than 95 %).
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy import special, stats

from ..distributions import AT_BOUND
from .evaluator import LossEvaluator
from .uncertainty import estimate_of_data

_AT_INFINITY = 40.0


def one_sided(
    evaluator: LossEvaluator,
    u: Float[np.ndarray, " parameter"],
    ends: tuple[np.ndarray, np.ndarray],
    n_seeds: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The intervals, of which those at a bound begin there.

    Only for a loss of data alone: what else ends at a bound has a slope there that says so.

    Args:
        evaluator: The loss on fresh seeds.
        u: The optimum, on the unconstrained scale.
        ends: Of all parameters' intervals.
        n_seeds: Number of seeds that the optimum was found with.
    """
    share = special.expit(u)
    upper = evaluator.scale.bounded & (share > 1 - AT_BOUND)
    lower = evaluator.scale.bounded & (share < AT_BOUND)
    if not evaluator.objective.measured or not (upper | lower).any():
        return ends
    unit = np.where(upper | lower, share * (1 - share), 1.0)
    here = evaluator.slopes(u[None])
    there = dataclasses.replace(here, gradient=here.gradient / unit, jacobian=here.jacobian / unit)
    covariance, step = estimate_of_data(evaluator, there, n_seeds)
    variance = stats.chi2.ppf(0.95, 1) * np.diag(covariance)
    beyond = np.where(upper, share + step - 1, -share - step).clip(min=0)
    reach = np.sqrt(beyond**2 + variance) - beyond
    inside = np.where(upper, np.minimum(1 - reach, share), np.maximum(reach, share)).clip(
        1e-12, 1 - 1e-12
    )
    other_end = evaluator.parameter(np.where(upper | lower, special.logit(inside), u))
    at_end = evaluator.parameter(np.where(upper, _AT_INFINITY, np.where(lower, -_AT_INFINITY, u)))
    low = np.where(upper, other_end, np.where(lower, at_end, ends[0]))
    high = np.where(upper, at_end, np.where(lower, other_end, ends[1]))
    return low, high
