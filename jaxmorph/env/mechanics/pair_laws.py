"""Pair potentials besides Morse's: repulsion on contact, Lennard-Jones, and adhesion by cell."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...errors import JaxmorphError
from ...state import BaseCellState
from ...tracing import Reach
from ..fields import field_of
from .listed import is_listed
from .morse import MorsePotential, check_cutoff, inner_below, range_of, smooth_cutoff
from .potentials import EnergyFn, ForceFn, MechanicalInteractionPotential, PairPotential, Scalar

# Below this share of the contact distance, the Lennard-Jones force grows no more.
_CORE = 0.1


class _Repulsion(PairPotential):
    """U(r) = (epsilon / alpha) (1 - r / sigma)^alpha below the sum of the radii sigma, 0 above.

    Source: O'Hern, Silbert, Liu, Nagel, Phys. Rev. E 68 (2003) 011306; ``jax_md.energy.soft_sphere``,
    which a test holds it against.
    """

    epsilon: eqx.AbstractVar[Scalar]

    @property
    def _exponent(self) -> Scalar:
        raise NotImplementedError

    @property
    def interaction_range(self) -> Reach:
        return "contact"

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        overlap, touches = _overlap(distance, sigma)
        return jnp.where(touches, self.epsilon / self._exponent * overlap**self._exponent, 0)

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        overlap, touches = _overlap(distance, sigma)
        apart = jnp.where(touches & (distance > 0), distance * sigma, 1)
        return jnp.where(touches, self.epsilon * overlap ** (self._exponent - 1) / apart, 0)


def _overlap(distance: Array, sigma: Array) -> tuple[Array, Array]:
    """1 - r / sigma, and whether it is above 0; 1 where it is not, so that powers have derivatives."""
    touches = ~(distance >= sigma)  # so NaN stays NaN
    return 1 - jnp.where(touches, distance, 0) / jnp.where(touches, sigma, 1), touches


class SoftSpherePotential(_Repulsion):
    """Cells that overlap repel each other with an energy that is a power of their overlap.

    U(r) = (epsilon / alpha) (1 - r / sigma)^alpha below sigma, the sum of the radii; 0 above.

    Source: O'Hern, Silbert, Liu, Nagel, Phys. Rev. E 68 (2003) 011306; ``jax_md.energy.soft_sphere``.

    Attributes:
        epsilon: Scale of the energy.
        alpha: Exponent, above 1; the force is continuously differentiable at contact above 2.
    """

    epsilon: Scalar = 1.0
    alpha: Scalar = 2.0

    @property
    def _exponent(self) -> Scalar:
        return self.alpha


class HarmonicPotential(_Repulsion):
    """Soft spheres with the exponent 2: a linear repulsion of cells that overlap.

    U(r) = (epsilon / 2) (1 - r / sigma)^2 below sigma, the sum of the radii; 0 above.

    Source: O'Hern, Silbert, Liu, Nagel, Phys. Rev. E 68 (2003) 011306.

    Attributes:
        epsilon: Scale of the energy.
    """

    epsilon: Scalar = 1.0

    @property
    def _exponent(self) -> int:
        return 2


class HertzianPotential(_Repulsion):
    """Soft spheres with the exponent 5/2, that of the contact of elastic spheres.

    U(r) = (2 epsilon / 5) (1 - r / sigma)^(5/2) below sigma, the sum of the radii; 0 above.

    Source: O'Hern, Silbert, Liu, Nagel, Phys. Rev. E 68 (2003) 011306.

    Attributes:
        epsilon: Scale of the energy.
    """

    epsilon: Scalar = 1.0

    @property
    def _exponent(self) -> float:
        return 2.5


class _UncutLennardJonesPotential(PairPotential):
    """See ``LennardJonesPotential``."""

    epsilon: Scalar

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        # Two dead slots have no contact distance, and no pair.
        sigma = jnp.where(sigma <= 0, 1, sigma)
        x = distance / sigma
        sixth = jnp.maximum(x, _CORE) ** -6
        slope = -12 * (_CORE**-13 - _CORE**-7)
        return self.epsilon * (sixth * (sixth - 2) + slope * jnp.minimum(x - _CORE, 0))


class LennardJonesPotential(PairPotential):
    """Lennard-Jones potential with its minimum where two cells just touch, cut off smoothly.

    U(r) = S(r) epsilon ((sigma / r)^12 - 2 (sigma / r)^6), sigma = the sum of the radii; S as in
    ``MorsePotential``. Below r = 0.1 sigma the energy goes on along its tangent, so that cells at the
    same place, which no force can part, have finite energies and derivatives.

    Source: ``jax_md.energy.lennard_jones``, which a test holds this against; jax-md's sigma is the
    distance at which the energy is 0, and that is 2^(-1/6) times ours.

    Attributes:
        epsilon: Depth of the minimum, energy.
        r_cutoff: Distance beyond which cells do not interact, length.
        r_onset: Distance at which the cutoff begins, length, less than ``r_cutoff``.
    """

    epsilon: Scalar = 3.0
    r_cutoff: Scalar = 2.5
    r_onset: Scalar = 2.0

    def __check_init__(self) -> None:
        check_cutoff(self.r_onset, self.r_cutoff)

    @property
    def interaction_range(self) -> float | None:
        return range_of(self.r_cutoff)

    def inner_form(self) -> tuple[PairPotential, float] | None:
        onset = inner_below(self.r_onset, self.r_cutoff)
        return None if onset is None else (_UncutLennardJonesPotential(self.epsilon), onset)

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        well = _UncutLennardJonesPotential(self.epsilon).pair_energy(distance, sigma)
        return smooth_cutoff(distance, self.r_onset, self.r_cutoff) * well


class _ListedMorsePotential(MorsePotential):
    """By a neighbour list: the depth is ``epsilon``, (cell, kind), times what the neighbour carries."""

    carried: Float[Array, "cell kind"] = eqx.field(kw_only=True)

    def _range(self, state: BaseCellState) -> Scalar | None:
        del state
        return self.interaction_range

    def _in_slot(self, slot: Int[Array, " cell"]) -> MorsePotential:
        depth = jnp.sum(self.epsilon * self.carried[slot], axis=1)
        return MorsePotential(depth, self.alpha, self.r_cutoff, self.r_onset)


class MorseAdhesionPotential(MechanicalInteractionPotential):
    """Morse potential whose depth depends on what the two cells carry.

    The depth for cells i and j is sum_kl c_ik A_kl c_jl, with A symmetrised (action equals reaction) and
    c_ik the field ``carried`` of the state: with ``celltype``, A_kl is the depth between the types k and
    l; with a field of your own, shape (cell, molecule), c_ik is how much of an adhesion molecule cell i
    shows, and A_kl the depth for a unit of k on one cell and of l on the other. The depth scales the
    repulsion too: where it is 0, cells pass through each other.

    See ``MorsePotential`` for the rest.

    Attributes:
        adhesion: A, shape (type, type) or (molecule, molecule), energy.
        alpha: Inverse width of the minimum, 1 / length.
        r_cutoff: Distance beyond which cells do not interact, length.
        r_onset: Distance at which the cutoff begins, length, less than ``r_cutoff``.
        carried: Name of the field of the state.
    """

    adhesion: Float[Array, "kind kind"]
    alpha: Scalar = 2.8
    r_cutoff: Scalar = 2.0
    r_onset: Scalar = 1.7
    carried: str = eqx.field(default="celltype", static=True)

    def of(self, state: BaseCellState) -> MorsePotential:
        """The Morse potential with a depth for each pair of cells of ``state``.

        Raises:
            JaxmorphError: If the state has no such field, or it does not fit ``adhesion``.
        """
        carried = field_of(self, state, self.carried)
        kinds = carried.shape[-1]
        if jnp.shape(self.adhesion) != (kinds, kinds):
            raise JaxmorphError(
                f"adhesion: shape {jnp.shape(self.adhesion)}, {self.carried} has {kinds} columns; it "
                f"must have the shape ({kinds}, {kinds})"
            )
        symmetric = (self.adhesion + self.adhesion.T) / 2
        strength = jnp.matmul(carried, symmetric, precision=jax.lax.Precision.HIGHEST)
        rest = self.alpha, self.r_cutoff, self.r_onset
        if is_listed(range_of(self.r_cutoff), state):
            return _ListedMorsePotential(strength, *rest, carried=carried)
        depth = jnp.matmul(strength, carried.T, precision=jax.lax.Precision.HIGHEST)
        return MorsePotential(depth, *rest)

    def energy_fn(self, state: BaseCellState, *, per_particle: bool = False) -> EnergyFn:
        return self.of(state).energy_fn(state, per_particle=per_particle)

    def virial_fn(self, state: BaseCellState) -> EnergyFn:
        """See ``PairPotential.virial_fn``."""
        return self.of(state).virial_fn(state)

    def scaled_force_fn(self, state: BaseCellState, scale: Scalar) -> ForceFn:
        return self.of(state).scaled_force_fn(state, scale)

    def force_fn(self, state: BaseCellState) -> ForceFn:
        return self.of(state).force_fn(state)
