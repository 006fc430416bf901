"""The Morse potential, and the smooth cutoff of potentials that have no end."""

import jax.numpy as jnp
from jaxtyping import Array

from ...errors import JaxmorphError
from .pair_forces import apart
from .potentials import ForceDerivatives, PairPotential, Scalar


class _UncutMorsePotential(PairPotential):
    """See ``MorsePotential``."""

    epsilon: Scalar
    alpha: Scalar

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        return self.epsilon * (1 - jnp.exp(-self.alpha * (distance - sigma))) ** 2 - self.epsilon

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        e = jnp.exp(self.alpha * (sigma - distance))
        return 2 * self.epsilon * self.alpha * (e * (e - 1)) / apart(distance)

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        e, per_length = jnp.exp(self.alpha * (sigma - distance)), 1 / apart(distance)
        slope, curvature = per_length * (e * (e - 1)), per_length * (e * (2 * e - 1))
        twice = 2 * self.epsilon * self.alpha
        return ForceDerivatives(
            by_distance=-twice * per_length * (per_length * slope + self.alpha * curvature),
            by_sigma=twice * self.alpha * curvature,
            by_field={
                "epsilon": 2 * self.alpha * slope,
                "alpha": 2 * self.epsilon * (slope + self.alpha * (sigma - distance) * curvature),
            },
        )


class MorsePotential(PairPotential):
    """Morse potential with its minimum where two cells just touch, cut off smoothly.

    U(r) = S(r) (epsilon (1 - exp(-alpha (r - sigma)))^2 - epsilon), sigma = the sum of the radii.
    S is 1 below ``r_onset``, 0 above ``r_cutoff`` and continuously differentiable.

    Source: ``jax_md.energy.morse_pair`` and ``multiplicative_isotropic_cutoff`` (after HOOMD-blue's
    "xplor" smoothing), which a test holds this against.

    Attributes:
        epsilon: Depth of the minimum, energy.
        alpha: Inverse width of the minimum, 1 / length.
        r_cutoff: Distance beyond which cells do not interact, length.
        r_onset: Distance at which the cutoff begins, length, less than ``r_cutoff``.
    """

    epsilon: Scalar = 3.0
    alpha: Scalar = 2.8
    r_cutoff: Scalar = 2.0
    r_onset: Scalar = 1.7

    def __check_init__(self) -> None:
        check_cutoff(self.r_onset, self.r_cutoff)

    @property
    def interaction_range(self) -> float | None:
        return range_of(self.r_cutoff)

    def inner_form(self) -> tuple[PairPotential, float] | None:
        onset = inner_below(self.r_onset, self.r_cutoff)
        return None if onset is None else (_UncutMorsePotential(self.epsilon, self.alpha), onset)

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        well = _UncutMorsePotential(self.epsilon, self.alpha).pair_energy(distance, sigma)
        return smooth_cutoff(distance, self.r_onset, self.r_cutoff) * well

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        c, divisor, t, e = self._terms(distance, sigma)
        cut = 6 * c * distance * (t * (1 - t)) * (e * (e - 2))
        # Ends with the division: compilers then compute it once for all components of the force.
        return self.epsilon * (cut + 2 * self.alpha * (_smooth(t) * (e * (e - 1)))) / divisor

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        c, divisor, t, e = self._terms(distance, sigma)
        alpha, smooth, per_length = self.alpha, _smooth(t), 1 / divisor
        well, slope, curvature = e * (e - 2), e * (e - 1), e * (2 * e - 1)
        cut, cut_slope = 6 * c * (t * (1 - t)), jnp.where((t > 0) & (t < 1), 1 - 2 * t, 0)
        by_exponent = 2 * cut * slope + 2 * alpha * per_length * smooth * curvature
        by_distance = (
            -6 * c**2 * distance * cut_slope * well
            - 4 * alpha * cut * slope
            - 2 * alpha * per_length * smooth * (per_length * slope + alpha * curvature)
        ) / divisor
        return ForceDerivatives(
            by_distance=self.epsilon * by_distance,
            by_sigma=self.epsilon * alpha * by_exponent,
            by_field={
                "epsilon": cut * well + 2 * alpha * per_length * (smooth * slope),
                "alpha": self.epsilon
                * ((sigma - distance) * by_exponent + 2 * per_length * smooth * slope),
            },
        )

    def _terms(self, distance: Array, sigma: Array) -> tuple[Scalar, Array, Array, Array]:
        """c, the distance (1 where it is 0), t and e.

        The energy is t^2 (3 - 2 t) epsilon (e^2 - 2 e), with dt/dr = -c r and de/dr = -alpha e.
        """
        c = 2 / (self.r_cutoff**2 - self.r_onset**2)
        t = _within(distance, self.r_onset, self.r_cutoff)
        return c, apart(distance), t, jnp.exp(self.alpha * (sigma - distance))


def check_cutoff(r_onset: Scalar, r_cutoff: Scalar) -> None:
    """Raises JaxmorphError if both are numbers and the cutoff ends before it begins."""
    numbers = isinstance(r_onset, float | int) and isinstance(r_cutoff, float | int)
    if numbers and not r_onset < r_cutoff:
        raise JaxmorphError(
            f"r_onset = {r_onset}, r_cutoff = {r_cutoff}: the cutoff must begin before it ends"
        )


def range_of(r_cutoff: Scalar) -> float | None:
    """The range of a potential with that cutoff; None if it is no number."""
    return float(r_cutoff) if isinstance(r_cutoff, float | int) else None


def inner_below(r_onset: Scalar, r_cutoff: Scalar) -> float | None:
    """Distance below which a potential with that cutoff is as it would be without; None if no number."""
    return None if range_of(r_cutoff) is None else range_of(r_onset)


def _within(r: Array, r_onset: Scalar, r_cutoff: Scalar) -> Array:
    """1 below ``r_onset``, 0 above ``r_cutoff``, (rc^2 - r^2) / (rc^2 - ro^2) in between."""
    return jnp.clip((r_cutoff**2 - r**2) / (r_cutoff**2 - r_onset**2), 0, 1)


def _smooth(t: Array) -> Array:
    """0 at 0, 1 at 1, and flat at both."""
    return t * t * (3 - 2 * t)


def smooth_cutoff(r: Array, r_onset: Scalar, r_cutoff: Scalar) -> Array:
    """1 below ``r_onset``, 0 above ``r_cutoff``, and continuously differentiable in between.

    S(r) = (rc^2 - r^2)^2 (rc^2 + 2 r^2 - 3 ro^2) / (rc^2 - ro^2)^3; shape of ``r``, any length unit.
    It is t^2 (3 - 2 t) with t of :func:`_within`.
    """
    return _smooth(_within(r, r_onset, r_cutoff))
