"""Correlated parameters as independent scores.

Under a Gaussian copula the normal scores of the parameters are s = L z, with z independent standard
normal: an observable is as well a function of z, whose polynomials are Hermite's.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtri

from ..distributions import Distribution

_OPEN = 1e-15


def independent_scores(
    parameter: np.ndarray, distributions: Sequence[Distribution], factor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The scores z, and the derivatives of the parameters by them.

    Args:
        parameter: Values (sample, parameter).
        distributions: One a parameter.
        factor: L, lower triangular (``jaxmorph.designs.correlation_factor``).

    Returns:
        z (sample, score), and d parameter_j / d z_i (sample, j, i), the parameter on its natural scale
        in units of its standard deviation: gradients by z are ``gradient @ jacobian``.
    """
    columns = list(zip(distributions, parameter.T, strict=True))
    unit = np.stack([np.asarray(d.cdf(x)) for d, x in columns], axis=1)
    score = ndtri(np.clip(unit, _OPEN, 1 - _OPEN))
    slope = np.stack([_slope(d, x, s) for (d, x), s in zip(columns, score.T, strict=True)], axis=1)
    own = solve_triangular(factor, score.T, lower=True).T
    return own, slope[:, :, None] * np.asarray(factor)


def _slope(distribution: Distribution, parameter: np.ndarray, score: np.ndarray) -> np.ndarray:
    """D parameter / d score (sample): the ratio of the two densities."""
    log_slope = -(score**2) / 2 - np.log(2 * np.pi) / 2 - distribution.frozen().logpdf(parameter)
    if distribution.is_logarithmic:
        log_slope = log_slope - np.log(parameter)
    slope: np.ndarray = np.exp(log_slope) / distribution.natural_sd
    return slope
