"""Interaction potentials: functions of the state that give energies and forces."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import space
from ...errors import JaxmorphError
from ...state import BaseCellState
from .listed import is_listed, listed_energy, listed_force

Scalar = float | Float[Array, ""]
EnergyFn = Callable[[Float[Array, "cell dim"]], Float[Array, "*cell"]]
ForceFn = Callable[[Float[Array, "cell dim"]], Float[Array, "cell dim"]]


class MechanicalInteractionPotential(eqx.Module):
    """A potential energy of the positions of a state's living cells."""

    @abc.abstractmethod
    def energy_fn(self, state: BaseCellState, *, per_particle: bool = False) -> EnergyFn:
        """Energy as a function of positions (cell, dim), for the types and radii of ``state``.

        The function returns a scalar, or with ``per_particle`` half of each pair's energy for each of
        its cells, shape (cell,).
        """

    def force_fn(self, state: BaseCellState) -> ForceFn:
        """Force on each cell, shape (cell, dim): minus the gradient of the energy."""
        energy = self.energy_fn(state)
        return lambda position: -jax.grad(energy)(position)


class PairPotential(MechanicalInteractionPotential):
    """A sum over pairs of cells of an energy that depends on their distance.

    A subclass writes :meth:`pair_energy` only. The force is exact: the derivative of the pair energy
    along the distance, times the unit vector between the cells; it costs no second backward pass.

    Where the energy has a finite range, many cells are summed by a neighbour list, whose fixed size the
    engine looks after (see ``listed.py``). Elsewhere all pairs are summed.
    """

    @property
    def interaction_range(self) -> float | None:
        """Distance from which on the pair energy is exactly 0; None if there is none, or no number."""
        return None

    @abc.abstractmethod
    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        """Energy of pairs at ``distance`` whose radii add to ``sigma`` (same shape, elementwise)."""

    def _pairs(
        self, state: BaseCellState
    ) -> tuple[Float[Array, "cell cell"], Float[Array, "cell cell"]]:
        """Sum of radii, and 1 for pairs of different living cells (else 0)."""
        radius = state.radius[:, 0]
        alive = state.alive.astype(radius.dtype)
        interacts = alive[:, None] * alive[None, :] * (1 - jnp.eye(alive.shape[0], dtype=radius.dtype))
        return radius[:, None] + radius[None, :], interacts

    def _range(self, state: BaseCellState) -> float | None:
        """The range, where a neighbour list is to be used."""
        reach = self.interaction_range
        # A field with a number for each pair belongs to all pairs.
        scalars = all(jnp.ndim(leaf) == 0 for leaf in jax.tree.leaves(self))
        return reach if scalars and is_listed(reach, state) else None

    def energy_fn(self, state: BaseCellState, *, per_particle: bool = False) -> EnergyFn:
        reach = self._range(state)
        if reach is not None:
            return listed_energy(self.pair_energy, reach, state, per_particle=per_particle)
        sigma, interacts = self._pairs(state)

        def energy(position: Array) -> Array:
            between = space.pairwise_displacement(state.displacement, position)
            pairs = interacts * self.pair_energy(space.distance(between, axis=0), sigma)
            return 0.5 * jnp.sum(pairs, axis=1 if per_particle else None)

        return energy

    def _force_over_distance(self, distance: Array, sigma: Array) -> Array:
        _, slope = jax.jvp(lambda r: self.pair_energy(r, sigma), (distance,), (jnp.ones_like(distance),))
        # Cells at the same place have no direction between them, and no force.
        return -slope / jnp.where(distance > 0, distance, 1)

    def force_fn(self, state: BaseCellState) -> ForceFn:
        reach = self._range(state)
        if reach is not None:
            return listed_force(self._force_over_distance, reach, state)
        sigma, interacts = self._pairs(state)

        def force(position: Array) -> Array:
            between = space.pairwise_displacement(state.displacement, position)
            distance = space.distance(between, axis=0)
            per_length = interacts * self._force_over_distance(distance, sigma)
            return jnp.sum(per_length * between, axis=2).T

        return force


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
        numbers = isinstance(self.r_onset, float | int) and isinstance(self.r_cutoff, float | int)
        if numbers and not self.r_onset < self.r_cutoff:
            raise JaxmorphError(
                f"r_onset = {self.r_onset}, r_cutoff = {self.r_cutoff}: the cutoff must begin before it "
                "ends"
            )

    @property
    def interaction_range(self) -> float | None:
        return float(self.r_cutoff) if isinstance(self.r_cutoff, float | int) else None

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        well = self.epsilon * (1 - jnp.exp(-self.alpha * (distance - sigma))) ** 2 - self.epsilon
        return smooth_cutoff(distance, self.r_onset, self.r_cutoff) * well


def smooth_cutoff(r: Array, r_onset: Scalar, r_cutoff: Scalar) -> Array:
    """1 below ``r_onset``, 0 above ``r_cutoff``, and continuously differentiable in between.

    S(r) = (rc^2 - r^2)^2 (rc^2 + 2 r^2 - 3 ro^2) / (rc^2 - ro^2)^3; shape of ``r``, any length unit.
    """
    r2, ro2, rc2 = r**2, r_onset**2, r_cutoff**2
    between = (rc2 - r2) ** 2 * (rc2 + 2 * r2 - 3 * ro2) / (rc2 - ro2) ** 3
    return jnp.where(r < r_onset, 1, jnp.where(r < r_cutoff, between, 0))
