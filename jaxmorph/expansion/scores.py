"""Correlated parameters as independent ones of the same distributions.

Under a Gaussian copula the normal scores are s = L z, with z independent standard normal. The parameter
that has the distribution of the i-th and the score z_i is independent of all others, and equals the
i-th where nothing correlates (Rosenblatt, Ann. Math. Stat. 23 (1952) 470-472).
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtr, ndtri

from ..distributions import Distribution

_OPEN = 1e-15


def independent(
    parameter: np.ndarray, distributions: Sequence[Distribution], factor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Independent parameters, and the derivatives of the correlated ones by them.

    Args:
        parameter: Values (sample, parameter).
        distributions: One a parameter.
        factor: L, lower triangular (``jaxmorph.designs.correlation_factor``).

    Returns:
        Values (sample, parameter), and d parameter_j / d independent_i (sample, j, i): gradients by the
        independent ones are ``gradient @ jacobian``.
    """
    columns = list(zip(distributions, parameter.T, strict=True))
    unit = np.stack([np.asarray(d.cdf(x)) for d, x in columns], axis=1)
    score = ndtri(np.clip(unit, _OPEN, 1 - _OPEN))
    own = solve_triangular(factor, score.T, lower=True).T
    found = np.stack([d.ppf(ndtr(z)) for d, z in zip(distributions, own.T, strict=True)], axis=1)
    slope = _slope(parameter, score, distributions)
    back = _slope(found, own, distributions)
    return found, slope[:, :, None] * np.asarray(factor) / back[:, None, :]


def _slope(
    parameter: np.ndarray, score: np.ndarray, distributions: Sequence[Distribution]
) -> np.ndarray:
    """The derivatives d parameter / d score, (sample, parameter): the ratio of the two densities."""
    log_normal = -(score**2) / 2 - np.log(2 * np.pi) / 2
    columns = zip(distributions, parameter.T, strict=True)
    log_own = np.stack([d.frozen().logpdf(x) for d, x in columns], axis=1)
    slope: np.ndarray = np.exp(log_normal - log_own)
    return slope
