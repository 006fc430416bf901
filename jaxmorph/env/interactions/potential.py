"""Interaction potentials: functions of the state that give energies and forces."""

import abc
from typing import Any

import equinox as eqx
import jax

from ...state import BaseCellState
from .choice import choice, chosen
from .interaction import Interaction
from .law import PairFn, PairLaw
from .situation import Work
from .sums.lists import expected_neighbours
from .sums.pair_sum import EnergyFn, ForceFn, OfPair, PairSum, Scalar


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


class PairPotential(PairLaw, MechanicalInteractionPotential):
    """A sum over pairs of cells of an energy that depends on their distance.

    A subclass writes :meth:`pair_energy` only; see ``PairLaw`` for what makes it faster. How pairs are
    summed is chosen by ``choice.choose``: in programs of the engine on CPUs by kernels, else where the
    energy has a finite range and cells are many by neighbour lists, elsewhere over all pairs.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """What moves cells is the force of the class itself."""
        super().__init_subclass__(**options)
        if "force_fn" in vars(cls) and "scaled_force_fn" not in vars(cls):
            cls.scaled_force_fn = MechanicalInteractionPotential.scaled_force_fn  # type: ignore[method-assign]

    def energy_fn(self, state: BaseCellState, *, per_particle: bool = False) -> EnergyFn:
        return self._sum_fn(lambda law: law.pair_energy, state, per_particle=per_particle)

    def virial_fn(self, state: BaseCellState) -> EnergyFn:
        """For each cell half of what its pairs have of the virial, the force times the distance.

        A function of positions (cell, dim); the virial of a pair is positive where it repels. Shape
        (cell,), energy.
        """

        def of_pair(law: PairLaw) -> PairFn:
            return lambda r, sigma: law.force_over_distance(r, sigma) * r**2

        return self._sum_fn(of_pair, state, per_particle=True)

    def _sum_fn(self, of_pair: OfPair, state: BaseCellState, *, per_particle: bool) -> EnergyFn:
        here = Interaction(self, state, choice())
        return self._way(here, "energy").energy(here, of_pair, per_particle=per_particle)

    def force_fn(self, state: BaseCellState) -> ForceFn:
        return self.scaled_force_fn(state, 1.0)

    def scaled_force_fn(self, state: BaseCellState, scale: Scalar) -> ForceFn:
        here = Interaction(self, state, choice())
        return self._way(here, "force").force(here, scale)

    def _way(self, here: Interaction, work: Work) -> PairSum:
        neighbours = expected_neighbours(here.state.position.shape[1])
        return chosen(here.situation(work, neighbours), type(self).__name__)
