"""The concentration around one cell that secretes: kernels of quasi-steady screened diffusion.

They solve D lap c - k c + s = 0 in unbounded space, with c = 0 far away. Their length is
l = sqrt(D / k); below, r is the distance from the centre of a cell of radius R, x = R / l, z = r / l.
"""

import abc
import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import i0e, i1e
from jaxtyping import Array

from .bessel import SERIES_UP_TO, i0_minus_1, i1_over_half, k0e, k1e, polynomial

# Below, power series where closed forms subtract numbers of the same size.
_SERIES_3D = 1.0
_TERMS = 20
_SINHC = [1 / math.factorial(2 * k + 1) for k in range(_TERMS // 2)]
# 3 (x cosh x - sinh x) / x^3, in x^2.
_BALL = [3 * (2 * k + 2) / math.factorial(2 * k + 3) for k in range(_TERMS // 2)]
# (1 - (1 + x) e^-x) / x^2
_WITHIN = [(-1) ** k / (math.factorial(k) * (k + 2)) for k in range(_TERMS)]


class DiffusionKernel(eqx.Module):
    """The concentration that a cell makes which secretes one unit of a substance per time.

    Continuously differentiable in all its arguments, also at distance 0.
    """

    @abc.abstractmethod
    def __call__(
        self, distance: Array, radius: Array, diffusion: Array, length: Array, n_dim: int
    ) -> Array:
        """Concentration at ``distance`` from the centre, amount / length^n_dim.

        Args:
            distance: From the centre of the cell, length. All arrays broadcast.
            radius: Of the cell, length, above 0.
            diffusion: Diffusion coefficient D, length^2 / time.
            length: The screening length sqrt(D / k).
            n_dim: 2 or 3.
        """


class UniformKernel(DiffusionKernel):
    """A disc or ball that secretes uniformly from all of its area or volume, and degrades like the rest.

    Outside of the cell this is the field of a point times the mean of ``I0(|y| / l)`` (sinh(z) / z) over
    it:

    2-D: K0(z) / (2 pi D) times 2 I1(x) / x, and inside (1 - x K1(x) I0(z)) / (pi R^2 k);
    3-D: exp(-z) / (4 pi D r) times 3 (x cosh x - sinh x) / x^3, and inside
    (1 - (1 + x) exp(-x) sinh(z) / z) 3 / (4 pi R^3 k).

    Source: the inhomogeneous modified Helmholtz equation solved inside and outside, and joined.
    """

    def __call__(
        self, distance: Array, radius: Array, diffusion: Array, length: Array, n_dim: int
    ) -> Array:
        if n_dim == 2:
            return _disc(radius, distance, length, 2 * math.pi * diffusion)
        return _ball(radius, distance, length, 4 * math.pi * diffusion * length)


def _of_lengths(
    scaled: Callable[[Array, Array], Array],
) -> Callable[[Array, Array, Array, Array], Array]:
    """``scaled(radius / length, distance / length) / unit``, with numbers that all tangents share.

    XLA fuses Bessel functions and their derivatives into what uses them, and computes them again for
    each tangent; but nothing that ends with a division by a number of the pair.
    """

    @jax.custom_jvp
    def of(radius: Array, distance: Array, length: Array, unit: Array) -> Array:
        return scaled(radius / length, distance / length) / unit

    @of.defjvp
    def change(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
        radius, distance, length, unit = primals
        x, z = radius / length, distance / length
        found, by_x = jax.jvp(scaled, (x, z), (jnp.ones_like(x), jnp.zeros_like(z)))
        _, by_z = jax.jvp(scaled, (x, z), (jnp.zeros_like(x), jnp.ones_like(z)))
        pair = radius + distance
        value, of_x, of_z = (a * pair / (pair * unit) for a in (found, by_x, by_z))
        d_radius, d_distance, d_length, d_unit = tangents
        moved = of_x * (d_radius - x * d_length) + of_z * (d_distance - z * d_length)
        return value, moved / length - value * (d_unit / unit)

    return of


@_of_lengths
def _disc(x: Array, z: Array) -> Array:
    outside = z >= x
    # Each side is evaluated where it is right, and on the cell's edge elsewhere.
    around = _around_disc(x, jnp.where(outside, z, x))
    return jnp.where(outside, around, _in_disc(x, jnp.where(outside, x, z)))


@_of_lengths
def _ball(x: Array, z: Array) -> Array:
    outside = z >= x
    around = _around_ball(x, jnp.where(outside, z, x))
    return jnp.where(outside, around, _in_ball(x, jnp.where(outside, x, z)))


def _around_disc(x: Array, z: Array) -> Array:
    small = x <= SERIES_UP_TO
    s, b = jnp.where(small, x, 0), jnp.where(small, SERIES_UP_TO, x)
    spread = jnp.where(small, i1_over_half(s) * jnp.exp(-s), 2 * i1e(b) / b)
    return spread * k0e(z) * jnp.exp(x - z)


def _in_disc(x: Array, z: Array) -> Array:
    """2 (1 - x K1(x) I0(z)) / x^2; near 0 the 1 is written x (I0(x) K1(x) + I1(x) K0(x))."""
    small = x <= SERIES_UP_TO
    s, of_s = jnp.where(small, x, 1), jnp.where(small, z, 1)
    near_0 = 2 * jnp.exp(-s) * k1e(s) * (i0_minus_1(s) - i0_minus_1(of_s)) / s
    near_0 += jnp.exp(-s) * i1_over_half(s) * k0e(s)
    b, of_b = jnp.where(small, SERIES_UP_TO, x), jnp.where(small, SERIES_UP_TO, z)
    far = 2 * (1 - b * k1e(b) * i0e(of_b) * jnp.exp(of_b - b)) / b**2
    return jnp.where(small, near_0, far)


def _around_ball(x: Array, z: Array) -> Array:
    small = x <= _SERIES_3D
    s, b = jnp.where(small, x, 0), jnp.where(small, _SERIES_3D, x)
    falling = jnp.exp(-2 * b)
    far = 1.5 * (b * (1 + falling) - (1 - falling)) / b**3
    spread = jnp.where(small, polynomial(_BALL, s**2) * jnp.exp(-s), far)
    return spread * jnp.exp(x - z) / z


def _in_ball(x: Array, z: Array) -> Array:
    """3 (1 - (1 + x) e^-x sinh(z) / z) / x^3."""
    small = x <= _SERIES_3D
    s, of_s = jnp.where(small, x, 1), jnp.where(small, z, 1)
    sinhc_minus_1 = of_s**2 * polynomial(_SINHC[1:], of_s**2)
    near_0 = 3 * (polynomial(_WITHIN, s) - (1 + s) * jnp.exp(-s) * sinhc_minus_1 / s**2) / s
    b, of_b = jnp.where(small, _SERIES_3D, x), jnp.where(small, _SERIES_3D, z)
    far = 3 * (1 - (1 + b) * jnp.exp(of_b - b) * _falling_sinhc(of_b)) / b**3
    return jnp.where(small, near_0, far)


def _falling_sinhc(z: Array) -> Array:
    """e^-z sinh(z) / z."""
    small = z <= _SERIES_3D
    s, b = jnp.where(small, z, 0), jnp.where(small, _SERIES_3D, z)
    return jnp.where(small, jnp.exp(-s) * polynomial(_SINHC, s**2), -jnp.expm1(-2 * b) / (2 * b))


class SurfaceKernel(DiffusionKernel):
    """A cell that secretes through its surface, and that the substance does not enter.

    2-D: K0(z) / (2 pi D x K1(x)); 3-D: exp(x - z) / (4 pi D r (1 + x)). Within the cell it is what it is
    on the surface, so it has a kink there, and the total is larger by what the cell would hold.

    Source: ``jax_morph.FreeScreenedDiffusion`` of jax-morph 0.4.0, which a test holds this against (its
    K0 and K1 are good to 1e-7).
    """

    def __call__(
        self, distance: Array, radius: Array, diffusion: Array, length: Array, n_dim: int
    ) -> Array:
        r = jnp.maximum(distance, radius)
        x, z = radius / length, r / length
        falling = jnp.exp(x - z)
        if n_dim == 2:
            return falling * k0e(z) / (2 * math.pi * diffusion * x * k1e(x))
        return falling / (4 * math.pi * diffusion * r * (1 + x))


class ExponentialKernel(DiffusionKernel):
    """exp(-r / l) / (2 sqrt(D k)), in any dimension and for cells of any radius.

    The field of a plane that secretes: in 2-D and 3-D a common, cheap approximation, whose total is not
    what was secreted, and which has a kink at distance 0.

    Source: ``ExponentialSteadyStateDiffusion`` of JAX-MORPH before 0.4.0 (Deshpande, Mottes et al.,
    Nature Computational Science, 2025).
    """

    def __call__(
        self, distance: Array, radius: Array, diffusion: Array, length: Array, n_dim: int
    ) -> Array:
        del radius, n_dim
        return length * jnp.exp(-distance / length) / (2 * diffusion)
