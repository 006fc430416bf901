"""Interaction potentials: functions of the state that give energies and forces."""

import abc
from collections.abc import Callable, Iterator
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import space
from ...errors import JaxmorphError
from ...state import BaseCellState
from .listed import is_listed, listed_energy, listed_force
from .pairs import BothWays, Pairs, Vectors, all_pairs

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
        """Energy of pairs at ``distance`` whose radii add to ``sigma`` (same shape, elementwise).

        If all array fields of the potential are scalars, each pair is computed once. Else the shape of
        ``distance`` is (cell, cell), so that a field may hold a number for each pair.
        """

    def _pairs(self, state: BaseCellState) -> tuple[Pairs, Array, Array]:
        """The pairs of the state, the sums of their radii, and 1 for those that interact (else 0)."""
        n_cells = state.radius.shape[0]
        pairs = all_pairs(n_cells) if self._is_scalar() else BothWays(n_cells)
        return (
            pairs,
            pairs.sums(state.radius[:, 0]),
            pairs.products(state.alive.astype(state.radius.dtype)),
        )

    def _range(self, state: BaseCellState) -> float | None:
        """The range, where a neighbour list is to be used."""
        reach = self.interaction_range
        return reach if self._is_scalar() and is_listed(reach, state) else None

    def _is_scalar(self) -> bool:
        """Whether no field can hold a number for each pair."""
        return all(jnp.ndim(leaf) == 0 for leaf in jax.tree.leaves(self))

    def energy_fn(self, state: BaseCellState, *, per_particle: bool = False) -> EnergyFn:
        reach = self._range(state)
        if reach is not None:
            return listed_energy(self.pair_energy, reach, state, per_particle=per_particle)
        pairs, sigma, interacts = self._pairs(state)

        def energy(position: Array) -> Array:
            between = pairs.displacements(state.displacement, position)
            of_pairs = interacts * self.pair_energy(space.root(pairs.dot(between, between)), sigma)
            shares = pairs.shares(of_pairs)
            return shares if per_particle else jnp.sum(shares)

        return energy

    def force_fn(self, state: BaseCellState) -> ForceFn:
        reach = self._range(state)
        if reach is not None:
            return listed_force(partial(_force_over_distance, self), reach, state)
        pairs, sigma, interacts = self._pairs(state)

        def force(position: Array) -> Array:
            between = pairs.displacements(state.displacement, position)
            return pairs.forces(_pair_forces(self, pairs, interacts, between, sigma))

        return force


def _slope(potential: PairPotential, distance: Array, sigma: Array) -> Array:
    """Derivative of the pair energy along the distance."""
    return jax.jvp(lambda r: potential.pair_energy(r, sigma), (distance,), (jnp.ones_like(distance),))[1]


def _force_over_distance(potential: PairPotential, distance: Array, sigma: Array) -> Array:
    """Cells at the same place have no direction between them, and no force."""
    return -_slope(potential, distance, sigma) / jnp.where(distance > 0, distance, 1)


@eqx.filter_custom_jvp
def _pair_forces(
    potential: PairPotential,
    pairs: Pairs,
    interacts: Float[Array, "*pair"],
    between: Vectors,
    sigma: Float[Array, "*pair"],
) -> Vectors:
    """The force of each pair on its first cell; ``between`` leads there from the second.

    The derivative is written out: with f = g d it is g d' + (a d.d' + b sigma' + sum_p c_p p') d, where
    g, a, b and c_p are numbers of a pair that all tangents share, and all that the transpose needs.
    """
    per_length = interacts * _force_over_distance(
        potential, space.root(pairs.dot(between, between)), sigma
    )
    return pairs.scaled(per_length, between)


@_pair_forces.def_jvp
def _pair_forces_jvp(primals: tuple, tangents: tuple) -> tuple[Vectors, Vectors]:
    potential, pairs, interacts, between, sigma = primals
    in_potential, _, _, in_between, in_sigma = tangents
    distance = space.root(pairs.dot(between, between))
    apart = jnp.where(distance > 0, distance, 1)
    one = jnp.ones_like(distance)
    slope, curvature = jax.jvp(lambda r: _slope(potential, r, sigma), (distance,), (one,))
    # Each coefficient ends with a division: compilers compute what ends so once, not for each use.
    per_length = -interacts * slope / apart
    along = jnp.zeros_like(distance)
    change = jax.tree.map(jnp.zeros_like, between)
    if jax.tree.leaves(in_between):
        coefficient = -interacts * (curvature - slope / apart) / apart**2
        along += coefficient * pairs.dot(between, in_between)
        change = pairs.scaled(per_length, in_between)
    if in_sigma is not None:
        _, by_sigma = jax.jvp(lambda s: _slope(potential, distance, s), (sigma,), (one,))
        along += -interacts * by_sigma / apart * in_sigma
    for by_parameter, in_parameter in _by_parameters(potential, in_potential, distance, sigma):
        along += -interacts * by_parameter / apart * in_parameter
    change = jax.tree.map(jnp.add, change, pairs.scaled(along, between))
    return pairs.scaled(per_length, between), change


def _by_parameters(
    potential: PairPotential, tangent: PairPotential, distance: Array, sigma: Array
) -> Iterator[tuple[Array, Array]]:
    """Derivative of the slope by each array field that has a tangent, and this tangent.

    What is no scalar is differentiated along its tangent instead, to be multiplied by 1.
    """
    moving, rest = eqx.partition(
        potential, jax.tree.map(lambda t: t is not None, tangent, is_leaf=_is_none)
    )
    leaves, structure = jax.tree.flatten(moving)
    for i, (leaf, t) in enumerate(zip(leaves, jax.tree.leaves(tangent), strict=True)):

        def slope(leaf: Array, i: int = i) -> Array:
            changed = jax.tree.unflatten(structure, [*leaves[:i], leaf, *leaves[i + 1 :]])
            return _slope(eqx.combine(changed, rest), distance, sigma)

        along, factor = (jnp.ones_like(leaf), t) if leaf.ndim == 0 else (t, jnp.ones_like(distance))
        yield jax.jvp(slope, (leaf,), (along,))[1], factor


def _is_none(x: object) -> bool:
    return x is None


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
