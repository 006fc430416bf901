"""The linear equations that values and gradients are for the coefficients of an expansion."""

from collections.abc import Sequence

import numpy as np

from ..distributions import Distribution
from .bases import basis_of


def equations(
    parameter: np.ndarray, distributions: Sequence[Distribution], degrees: np.ndarray
) -> np.ndarray:
    """What each term is at each sample, and its derivatives there.

    Args:
        parameter: Values (sample, parameter), independent.
        distributions: One a parameter.
        degrees: Of the terms (term, parameter).

    Returns:
        (sample, 1 + parameter, term): the value, then the derivatives by each parameter on its natural
        scale, in units of its standard deviation.
    """
    n, d = parameter.shape
    found = np.empty((n, 1 + d, len(degrees)))
    highest = degrees.max(axis=0)
    one = [
        basis_of(dist).at(x, int(k))
        for dist, x, k in zip(distributions, parameter.T, highest, strict=True)
    ]
    # The product of all others of each, without a division: from both ends.
    factors = np.stack([p[:, degrees[:, i]] for i, (p, _) in enumerate(one)])
    below, above = np.ones_like(factors), np.ones_like(factors)
    for i in range(1, d):
        below[i] = below[i - 1] * factors[i - 1]
        above[-1 - i] = above[-i] * factors[-i]
    found[:, 0] = below[-1] * factors[-1]
    for i, (_, slope) in enumerate(one):
        found[:, 1 + i] = below[i] * above[i] * slope[:, degrees[:, i]]
    return found


def main_effects(
    distributions: Sequence[Distribution], degrees: np.ndarray, probability: np.ndarray
) -> np.ndarray:
    """What each term adds to the main effect of each parameter, E[f | parameter] - E[f].

    Args:
        distributions: One a parameter.
        degrees: Of the terms (term, parameter).
        probability: At which quantiles of the parameter, (point).

    Returns:
        (parameter, point, term).
    """
    found = np.zeros((len(distributions), len(probability), len(degrees)))
    for i, distribution in enumerate(distributions):
        alone = (degrees[:, i] > 0) & (np.count_nonzero(degrees, axis=1) == 1)
        p, _ = basis_of(distribution).at(distribution.ppf(probability), int(degrees[:, i].max()))
        found[i][:, alone] = p[:, degrees[alone, i]]
    return found
