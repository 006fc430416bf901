"""Interaction potentials: functions of the state that give energies and forces."""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ... import space
from ...state import BaseCellState
from ...tracing import Reach, is_fused, may_fuse
from .fused import pair_force
from .listed import PairFn, is_listed, listed_energy, listed_force
from .pair_forces import apart, derivative, fields_of, law_of, pair_forces, slope
from .pairs import BothWays, Pairs, all_pairs

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

    def scaled_force_fn(self, state: BaseCellState, scale: Scalar) -> ForceFn:
        """``scale`` times the force."""
        force = self.force_fn(state)
        return lambda position: scale * force(position)


class ForceDerivatives(NamedTuple):
    """Derivatives of g, the force of pairs over their distance; all (*pair).

    Attributes:
        by_distance: dg/dr / r.
        by_sigma: In the sum of the radii.
        by_field: In scalar fields of the potential, by name.
    """

    by_distance: Array
    by_sigma: Array
    by_field: dict[str, Array]


class PairPotential(MechanicalInteractionPotential):
    """A sum over pairs of cells of an energy that depends on their distance.

    A subclass writes :meth:`pair_energy` only. The force is exact: the derivative of the pair energy
    along the distance, times the unit vector between the cells; it costs no second backward pass. With
    :meth:`force_over_distance` and :meth:`force_derivatives` in closed form it is faster.

    The engine has kernels for forces on CPUs (see ``fused.py``). Else, where the energy has a finite
    range, many cells are summed by a neighbour list, whose fixed size the engine looks after (see
    ``listed.py``); elsewhere all pairs are summed.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """What a class derives from its energy or force holds no more where a subclass has another."""
        super().__init_subclass__(**options)
        chain = ("pair_energy", "force_over_distance", "force_derivatives", "inner_form")
        for i, name in enumerate(chain):
            if name not in vars(cls) and not vars(cls).keys().isdisjoint(chain[:i]):
                setattr(cls, name, vars(PairPotential)[name])
        if "force_fn" in vars(cls) and "scaled_force_fn" not in vars(cls):
            cls.scaled_force_fn = MechanicalInteractionPotential.scaled_force_fn  # type: ignore[method-assign]

    @property
    def interaction_range(self) -> Reach | None:
        """Distance from which on the pair energy is exactly 0; None if there is none, or no number.

        ``"contact"`` stands for the sum of the radii of a pair.
        """
        return None

    def inner_form(self) -> tuple["PairPotential", float] | None:
        """A simpler potential with the same force below a distance, and this distance; None if unknown.

        Where a cutoff has not begun, nothing of it has to be computed.
        """
        return None

    @abc.abstractmethod
    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        """Energy of pairs at ``distance`` whose radii add to ``sigma`` (same shape, elementwise).

        If all array fields of the potential are scalars, each pair is computed once. Else the shape of
        ``distance`` is (cell, cell), so that a field may hold a number for each pair.
        """

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        """Minus the derivative of the pair energy along the distance, over the distance.

        Cells at the same place have no direction between them: it must be finite there.
        """
        return -slope(self, distance, sigma) / apart(distance)

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        """Derivatives of :meth:`force_over_distance`; of fields that are missing, JAX derives them."""
        by_distance = derivative(lambda r: self.force_over_distance(r, sigma), distance)
        by_sigma = derivative(lambda s: self.force_over_distance(distance, s), sigma)
        return ForceDerivatives(by_distance / apart(distance), by_sigma, {})

    def _pairs(self, state: BaseCellState) -> tuple[Pairs, Array, Array]:
        """The pairs of the state, the sums of their radii, and 1 for those that interact (else 0)."""
        n_cells = state.radius.shape[0]
        pairs = all_pairs(n_cells) if self._is_scalar() else BothWays(n_cells)
        return (
            pairs,
            pairs.sums(state.radius[:, 0]),
            pairs.products(state.alive.astype(state.radius.dtype)),
        )

    def range_in(self, state: BaseCellState) -> Scalar | None:
        """:attr:`interaction_range` as a number: one that no pair of ``state`` exceeds."""
        if self.interaction_range != "contact":
            return self.interaction_range
        largest = jnp.max(jnp.where(state.alive, state.radius[:, 0], 0), initial=0)
        # A little above 0, so that a state without cells has a range too.
        smallest = jnp.finfo(largest.dtype).tiny ** 0.25
        return jax.lax.stop_gradient(jnp.maximum(2 * largest, smallest))

    def _range(self, state: BaseCellState) -> Scalar | None:
        """The range, where a neighbour list is to be used."""
        reach = self.range_in(state)
        return reach if self._is_scalar() and is_listed(reach, state) else None

    def _in_slot(self, slot: Int[Array, " cell"]) -> "PairPotential":
        """The potential of each cell and its neighbour in a slot of a list."""
        del slot
        return self

    def _is_scalar(self) -> bool:
        """Whether no field can hold a number for each pair."""
        return all(jnp.ndim(leaf) == 0 for leaf in jax.tree.leaves(self))

    def energy_fn(self, state: BaseCellState, *, per_particle: bool = False) -> EnergyFn:
        return self._sum_fn(lambda potential: potential.pair_energy, state, per_particle=per_particle)

    def virial_fn(self, state: BaseCellState) -> EnergyFn:
        """For each cell half of what its pairs have of the virial, the force times the distance.

        A function of positions (cell, dim); the virial of a pair is positive where it repels. Shape
        (cell,), energy.
        """

        def of_pair(potential: PairPotential) -> PairFn:
            return lambda r, sigma: potential.force_over_distance(r, sigma) * r**2

        return self._sum_fn(of_pair, state, per_particle=True)

    def _sum_fn(
        self, function: Callable[["PairPotential"], PairFn], state: BaseCellState, *, per_particle: bool
    ) -> EnergyFn:
        """The sum over pairs of a function of distance and sum of radii, or half of it for each cell."""
        reach = self._range(state)
        if reach is not None:
            return listed_energy(
                lambda slot: function(self._in_slot(slot)), reach, state, per_particle=per_particle
            )
        of_pair = function(self)
        pairs, sigma, interacts = self._pairs(state)

        def total(position: Array) -> Array:
            between = pairs.displacements(state.displacement, position)
            of_pairs = interacts * of_pair(space.root(pairs.dot(between, between)), sigma)
            shares = pairs.shares(of_pairs)
            return shares if per_particle else jnp.sum(shares)

        return total

    def force_fn(self, state: BaseCellState) -> ForceFn:
        return self.scaled_force_fn(state, 1.0)

    def scaled_force_fn(self, state: BaseCellState, scale: Scalar) -> ForceFn:
        if fused := self._fused_fn(state, scale):
            return fused
        reach = self._range(state)
        if reach is not None:
            listed = listed_force(lambda slot: self._in_slot(slot).force_over_distance, reach, state)
            return lambda position: scale * listed(position)
        pairs, sigma, interacts = self._pairs(state)

        def force(position: Array) -> Array:
            between = pairs.displacements(state.displacement, position)
            return pairs.forces(pair_forces(self, pairs, interacts, between, sigma), scale)

        return force

    def _fused_fn(self, state: BaseCellState, scale: Scalar) -> ForceFn | None:
        """``scale`` times the force as one operation, where the engine has a kernel for it."""
        like = state.position
        if not (may_fuse() and self._is_scalar() and space.is_free(state.displacement, like.shape[1])):
            return None
        law = law_of(self, like.dtype)
        if not is_fused(law, like.shape):
            return None
        radius, interacts = state.radius[:, 0], state.alive.astype(like.dtype)
        numbers = [jnp.asarray(x, like.dtype) for x in (scale, *fields_of(self)[0].values())]
        return lambda position: pair_force(law, position, radius, interacts, *numbers)
