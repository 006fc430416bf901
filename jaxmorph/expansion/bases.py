"""Orthonormal polynomials of one parameter, for any distribution.

On its natural scale (the logarithm of a logarithmic distribution) a uniform parameter has Legendre's
polynomials, a normal one Hermite's, a beta one Jacobi's and a gamma one Laguerre's. Any other has those
that its quantile function makes, or its few numbers: the recurrence
p_(k+1) b_(k+1) = (t - a_k) p_k - b_k p_(k-1) by Stieltjes' procedure on a quadrature of the
probabilities (Gautschi, Orthogonal Polynomials: Computation and Approximation (2004), section 2.2).
"""

import functools
from dataclasses import dataclass

import numpy as np

from ..distributions import (
    Beta,
    Distribution,
    Finite,
    Gamma,
    LogNormal,
    LogUniform,
    Normal,
    Uniform,
)

HIGHEST = 24
"""Degree up to which there are polynomials."""
_PANELS, _NODES = 200, 16


@dataclass(frozen=True)
class Basis:
    """Polynomials p_0 = 1, p_1, ... of t = (u - centre) / scale, u the parameter on its natural scale.

    Attributes:
        logarithmic: Whether u is the logarithm of the parameter.
        centre: Of u.
        scale: Of u.
        sd: Standard deviation of u.
        a: Of the recurrence, (``HIGHEST``).
        b: Of the recurrence, (``HIGHEST`` + 1); the first is not used.
        highest: Degree up to which there are any: n numbers have n polynomials.
    """

    logarithmic: bool
    centre: float
    scale: float
    sd: float
    a: np.ndarray
    b: np.ndarray
    highest: int = HIGHEST

    def at(self, parameter: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray]:
        """The polynomials up to ``degree``, and their derivatives by u in units of its sd.

        Args:
            parameter: Values (sample).
            degree: At most ``highest``.

        Returns:
            Two arrays (sample, degree + 1).
        """
        u = np.log(parameter) if self.logarithmic else np.asarray(parameter, float)
        t = (u - self.centre) / self.scale
        p = np.zeros((len(t), degree + 1))
        slope = np.zeros_like(p)
        p[:, 0] = 1.0
        before = slope_before = np.zeros_like(t)
        for k in range(degree):
            p[:, k + 1] = ((t - self.a[k]) * p[:, k] - self.b[k] * before) / self.b[k + 1]
            slope[:, k + 1] = (
                p[:, k] + (t - self.a[k]) * slope[:, k] - self.b[k] * slope_before
            ) / self.b[k + 1]
            before, slope_before = p[:, k], slope[:, k]
        return p, slope * (self.sd / self.scale)


@functools.lru_cache(maxsize=256)
def basis_of(distribution: Distribution) -> Basis:
    """The polynomials of a parameter with this distribution."""
    k = np.arange(HIGHEST + 1)
    a, highest = np.zeros(HIGHEST), HIGHEST
    logarithmic, sd = distribution.is_logarithmic, distribution.natural_sd
    centre, scale = distribution.natural_mean, sd
    match distribution:
        case Uniform() | LogUniform() | Beta():
            low, high = distribution.natural_support
            centre, scale = low / 2 + high / 2, (high - low) / 2
            b = k / np.sqrt(np.maximum(4.0 * k**2 - 1, 1))
            if isinstance(distribution, Beta):
                a, b = _jacobi(distribution.alpha, distribution.beta)
        case Normal() | LogNormal():
            b = np.sqrt(k)
        case Gamma(shape=shape):
            a, b = 2 * k[:-1] / shape**0.5, np.sqrt(k * (k + shape - 1) / shape)
        case Finite(numbers=numbers, probabilities=probabilities):
            a, b = stieltjes((np.array(numbers) - centre) / sd, np.array(probabilities))
            highest = min(HIGHEST, len(numbers) - 1)
            a[highest + 1 :], b[highest + 1 :] = 0.0, 1.0  # where there are none
        case _:
            theta, weight = _quadrature(distribution)
            u = np.log(theta) if logarithmic else theta
            a, b = stieltjes((u - centre) / sd, weight)
    return Basis(logarithmic, centre, scale, sd, a, b, highest)


def _jacobi(alpha: float, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """The recurrence between -1 and 1 for (1 + t)^(alpha - 1) (1 - t)^(beta - 1)."""
    s, k = alpha + beta - 2, np.arange(1.0, HIGHEST + 1)
    first = (alpha - beta) / (s + 2)
    j = k[:-1]
    a = (alpha - beta) * s / ((2 * j + s) * (2 * j + s + 2))
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 at k = 1 for alpha + beta = 1
        b = 4 * k * (k + alpha - 1) * (k + beta - 1) * (k + s)
        b /= (2 * k + s) ** 2 * (2 * k + s + 1) * (2 * k + s - 1)
    b[0] = 4 * alpha * beta / ((s + 2) ** 2 * (s + 3))
    return np.append(first, a), np.sqrt(np.append(0.0, b))


def stieltjes(t: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The recurrence of the polynomials that are orthonormal for a discrete measure.

    Args:
        t: Its nodes; the recurrence of n of them is right up to degree n - 1.
        weight: Their probabilities.

    Returns:
        a (``HIGHEST``) and b (``HIGHEST`` + 1).
    """
    a, b = np.zeros(HIGHEST), np.zeros(HIGHEST + 1)
    p, before = np.ones_like(t), np.zeros_like(t)
    for k in range(HIGHEST):
        a[k] = weight @ (t * p**2)
        after = (t - a[k]) * p - b[k] * before
        b[k + 1] = np.sqrt(weight @ after**2)
        p, before = after / (b[k + 1] or 1.0), p  # of n nodes, the n-th polynomial is 0 on all
    return a, b


def _quadrature(distribution: Distribution) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the distribution: Gauss's rule on panels that halve towards both ends.

    The panels are those of the probability, from 1/2 down to 2^-200 in each tail, so a density that
    lies in a corner of its interval is resolved as well as one that does not.
    """
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    ends = np.append(0.0, 0.5 ** np.arange(_PANELS, 0, -1.0))
    half = np.diff(ends) / 2
    v = (ends[:-1, None] + half[:, None] * (node + 1)).ravel()
    w = (half[:, None] * weight).ravel()
    frozen = distribution.frozen()
    t = np.concatenate([frozen.ppf(v), frozen.isf(v)])
    return np.clip(t, *distribution.support), np.concatenate([w, w])
