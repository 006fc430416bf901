"""A smooth end for any potential."""

import jax.numpy as jnp
from jaxtyping import Array

from ...errors import JaxmorphError
from .fields import fields_of
from .law import ForceDerivatives, PairLaw, Reach, derivative
from .potential import PairPotential
from .sums import Scalar


class Cutoff(PairPotential):
    """A potential that is cut off smoothly: U(r) = S(r) V(r).

    S is 1 below ``r_onset``, 0 above ``r_cutoff`` and continuously differentiable, see
    :func:`smooth_cutoff`. What follows from U is written in what follows from V, by the product rule.

    Source: HOOMD-blue's "xplor" smoothing; ``jax_md.energy.multiplicative_isotropic_cutoff``.

    Attributes:
        potential: V.
        r_onset: Distance at which the cutoff begins, length, less than ``r_cutoff``.
        r_cutoff: Distance beyond which cells do not interact, length.
    """

    potential: PairLaw
    r_onset: Scalar
    r_cutoff: Scalar

    def __check_init__(self) -> None:
        onset, end = _number(self.r_onset), _number(self.r_cutoff)
        if onset is not None and end is not None and not onset < end:
            raise JaxmorphError(
                f"r_onset = {self.r_onset}, r_cutoff = {self.r_cutoff}: "
                "the cutoff must begin before it ends"
            )

    @property
    def interaction_range(self) -> Reach | None:
        end = _number(self.r_cutoff)
        return self.potential.interaction_range if end is None else end

    def inner_form(self) -> tuple[PairLaw, float] | None:
        """Where the cutoff has not begun, nothing of it has to be computed."""
        onset = _number(self.r_onset)
        return None if onset is None or _number(self.r_cutoff) is None else (self.potential, onset)

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        whole = self.potential.pair_energy(distance, sigma)
        return smooth_cutoff(distance, self.r_onset, self.r_cutoff) * whole

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        smooth, fall, _ = self._terms(distance)
        force = self.potential.force_over_distance(distance, sigma)
        return smooth * force + fall * self.potential.pair_energy(distance, sigma)

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        smooth, fall, curvature = self._terms(distance)
        law = self.potential
        energy, force = law.pair_energy(distance, sigma), law.force_over_distance(distance, sigma)
        of_force = law.force_derivatives(distance, sigma)
        fields, changed = fields_of(law)

        def energy_by_field(name: str) -> Array:
            def at(x: Array) -> Array:
                return changed(*{**fields, name: x}.values()).pair_energy(distance, sigma)

            return derivative(at, jnp.asarray(fields[name]))

        energy_by_sigma = derivative(lambda s: law.pair_energy(distance, s), sigma)
        return ForceDerivatives(
            by_distance=smooth * of_force.by_distance - 2 * fall * force - curvature * energy,
            by_sigma=smooth * of_force.by_sigma + fall * energy_by_sigma,
            by_field={
                f"potential.{name}": smooth * by_field + fall * energy_by_field(name)
                for name, by_field in of_force.by_field.items()
                if name in fields
            },
        )

    def _terms(self, distance: Array) -> tuple[Array, Array, Array]:
        """S, -S' / r and (S' / r)' / r.

        S = t^2 (3 - 2 t) with dt/dr = -c r.
        """
        c = 2 / (self.r_cutoff**2 - self.r_onset**2)
        t = _within(distance, self.r_onset, self.r_cutoff)
        bend = jnp.where((t > 0) & (t < 1), 1 - 2 * t, 0)
        return _smooth(t), 6 * c * (t * (1 - t)), 6 * c**2 * bend


def _number(distance: Scalar) -> float | None:
    """A distance that is a number; None if it is an array, which may be traced."""
    return float(distance) if isinstance(distance, float | int) else None


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
