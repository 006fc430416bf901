"""Test functions of integration by parts, for any distribution of a parameter.

For a parameter with natural scale u, density p(u) and distribution function v(u), h_k = sin(k pi v) / p
has h p = 0 at both ends, whatever the distribution, and (h p)' / p = k pi cos(k pi v) is bounded. So

    E[h_k df/du] = -E[f k pi cos(k pi v)]

is integration by parts of df/dv against sin(k pi v), and a jump of f by J at v_0 that df/du misses is
missing on the left as J sin(k pi v_0).
"""

import functools

import numpy as np
from scipy.special import ndtri

from ..distributions import Distribution

WAVES = 3
"""So many test functions: half a wave over the distribution, a whole one, and one and a half."""
CONTROLS = 4
"""Waves cos(j pi v), whose mean is known to be 0, that an estimate may be relieved of."""

# Of smoothed gradients: points of the integrals and of the table that they fill; what the distribution
# has beyond; how far shifts reach and how near to an end they begin (as their estimator has it).
_POINTS, _BEYOND = 2000, 1e-9
_REACH, _NEAREST = 16.0, 1e-3


def of_gradients(
    distribution: Distribution, theta: np.ndarray, v: np.ndarray, n: int = WAVES
) -> np.ndarray:
    """What gradients by u are multiplied by, the first n of h_k (wave, sample)."""
    p = _density(distribution, theta)
    waves = np.sin(np.pi * np.arange(1, n + 1)[:, None] * v)
    # Where a sample is so far out that its density is 0, h p is too.
    return np.divide(waves, p, out=np.zeros_like(waves), where=np.broadcast_to(p > 0, waves.shape))


def of_values(
    distribution: Distribution, theta: np.ndarray, v: np.ndarray, smoothing: float | None
) -> np.ndarray:
    """What values are multiplied by, (h_k p)' / p (wave, sample).

    With ``smoothing`` the gradient is the slope averaged around the sample, but the value is not: the
    same average is then taken of the test function.
    """
    if smoothing is None:
        k = np.pi * np.arange(1, WAVES + 1)[:, None]
        return k * np.cos(k * v)
    grid, weights = _smoothed(distribution, smoothing)
    return np.stack([np.interp(_natural(distribution, theta), grid, weight) for weight in weights])


def controls(v: np.ndarray) -> np.ndarray:
    """1, and functions of the parameter that average to 0 over its distribution (sample, control)."""
    return np.cos(np.pi * np.arange(CONTROLS + 1) * v[:, None])


def _natural(distribution: Distribution, theta: np.ndarray) -> np.ndarray:
    return np.log(theta) if distribution.is_logarithmic else theta


def _density(distribution: Distribution, theta: np.ndarray) -> np.ndarray:
    p: np.ndarray = distribution.frozen().pdf(theta)
    return p * theta if distribution.is_logarithmic else p


@functools.cache
def _smoothed(distribution: Distribution, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """Natural values, and H' / p at these (wave, value), for the ``smoothed`` estimator of gradients.

    Its gradient at u is the mean of df/du' at u' = m_u(z), z standard normal, each weighted by m_u'(z)
    (Stein's identity). So E[h g] is the integral over u' of df/du' times

        H(u') = E_u[h(u) phi(z) / E m_u'], with z from m_u(z) = u',

    which is 0 at the ends, and whose derivative has -z phi(z) / m_u'(z) for phi(z).
    """
    frozen = distribution.frozen()
    low, high = natural = np.array(distribution.natural_support)
    bounded = bool(np.isfinite(natural).any())
    if not np.isfinite(natural).all():
        far = _natural(distribution, frozen.ppf([_BEYOND, 1 - _BEYOND]))
        low, high = np.where(np.isfinite(natural), natural, far)
    grid = low + (np.arange(_POINTS) + 0.5) / _POINTS * (high - low)
    theta = np.exp(grid) if distribution.is_logarithmic else grid
    p = _density(distribution, theta)
    waves = np.sin(np.pi * np.arange(1, WAVES + 1)[:, None] * frozen.cdf(theta))
    sd = smoothing * distribution.natural_sd
    u, to = grid, grid[:, None]
    if bounded:
        least = np.maximum(natural[0], u - _REACH * sd)
        width = np.minimum(natural[1], u + _REACH * sd) - least
        x = ndtri(np.clip((u - least) / width, _NEAREST, 1 - _NEAREST))
        t = sd * np.sqrt(2 * np.pi) / width
        root = np.sqrt(1 + t**2)
        reach = width * t / root * _bell(x / root)
        inside = (to > least) & (to < least + width)
        y = ndtri(np.where(inside, (to - least) / width, 0.5))
        z, slope = (y - x) / t, width * t * _bell(y)
        kernel = np.where(inside, -z * _bell(z) / slope, 0.0) / reach
    else:
        z = (to - u) / sd
        kernel = -z * _bell(z) / sd**2
    return grid, (waves @ kernel.T) * (grid[1] - grid[0]) / p


def _bell(z: np.ndarray) -> np.ndarray:
    bell: np.ndarray = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return bell
