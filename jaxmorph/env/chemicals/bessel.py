"""Modified Bessel functions of the second kind, which JAX lacks, and what is left of others near 0.

Series are those of Abramowitz and Stegun, Handbook of Mathematical Functions, 9.6.10 to 9.6.13.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Below, power series; they lose no digits there, and end after this many terms.
SERIES_UP_TO = 2.0
_TERMS = 14
_DEGREE = 28

_FACTORIAL = np.cumprod([1.0, *range(1, _TERMS + 2)])
_HARMONIC = np.cumsum([0.0, *(1 / np.arange(1, _TERMS + 2))])
_I0 = [1 / _FACTORIAL[k] ** 2 for k in range(_TERMS)]
_I1 = [1 / (_FACTORIAL[k] * _FACTORIAL[k + 1]) for k in range(_TERMS)]
_K0 = [_I0[k] * _HARMONIC[k] for k in range(_TERMS)]
_K1 = [_I1[k] * (_HARMONIC[k] + _HARMONIC[k + 1]) for k in range(_TERMS)]


def polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """The sum of ``coefficients[k] x^k``."""
    total = jnp.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + float(c)  # a number of numpy would make it double precision
    return total


def i0_minus_1(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """I0(x) - 1 to full relative precision, for x up to :data:`SERIES_UP_TO`."""
    q = x**2 / 4
    return q * polynomial(_I0[1:], q)


def i1_over_half(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """I1(x) / (x / 2), 1 at 0, for x up to :data:`SERIES_UP_TO`."""
    return polynomial(_I1, x**2 / 4)


@functools.cache
def _at_large(order: int) -> tuple[float, ...]:
    """Coefficients of sqrt(x) e^x K(x) in t = 4 / x - 1, from -1 to 1.

    A Chebyshev interpolation whose coefficients fall so fast that powers of t lose no digits.
    """
    from scipy import special

    scaled = (special.k0e, special.k1e)[order]

    def function(t: Any) -> Any:
        x = 2 * SERIES_UP_TO / (t + 1)
        return np.sqrt(x) * scaled(x)

    chebyshev = np.polynomial.chebyshev.chebinterpolate(function, _DEGREE)
    return tuple(float(c) for c in np.polynomial.chebyshev.cheb2poly(chebyshev))


def _large(x: Array, order: int) -> Array:
    """For x from :data:`SERIES_UP_TO` on."""
    return polynomial(_at_large(order), 2 * SERIES_UP_TO / x - 1) / jnp.sqrt(x)


def _small(x: Array) -> Array:
    """Where the series hold, x, and a number in their range elsewhere."""
    return jnp.minimum(x, SERIES_UP_TO)


@jax.custom_jvp
def k0e(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """e^x K0(x), for x above 0; relative error below 2e-14, or 3e-6 in single precision."""
    s = _small(x)
    q = s**2 / 4
    series = polynomial(_K0, q) - (jnp.log(s / 2) + float(np.euler_gamma)) * polynomial(_I0, q)
    return jnp.where(x <= SERIES_UP_TO, jnp.exp(s) * series, _large(jnp.maximum(x, SERIES_UP_TO), 0))


@jax.custom_jvp
def k1e(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """e^x K1(x), for x above 0; relative error below 2e-14, or 3e-6 in single precision."""
    s = _small(x)
    q = s**2 / 4
    logarithm = (jnp.log(s / 2) + float(np.euler_gamma)) * polynomial(_I1, q)
    series = 1 / s + s / 2 * (logarithm - polynomial(_K1, q) / 2)
    return jnp.where(x <= SERIES_UP_TO, jnp.exp(s) * series, _large(jnp.maximum(x, SERIES_UP_TO), 1))


# K0' = -K1 and K1' = -K0 - K1 / x.
k0e.defjvps(lambda t, y, x: t * (y - k1e(x)))
k1e.defjvps(lambda t, y, x: t * (y - k0e(x) - y / x))
