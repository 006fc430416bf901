"""The pressure that each cell feels from its neighbours."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ...state import BaseCellState
from ...steps import SimulationStep, State
from ..fields import with_field
from ..interactions import MorseAdhesionPotential, PairPotential


def virial_pressure(
    state: BaseCellState, potential: PairPotential | MorseAdhesionPotential
) -> Float[Array, " cell"]:
    """Virial pressure of each cell, shape (cell,), energy / length^dim; 0 for dead slots.

    p_i = sum_j r_ij . f_ij / (2 dim V_i), with r_ij from cell j to cell i, f_ij the force of j on i, and
    V_i the volume (area in 2-D) of cell i alone. It is positive where cells are pressed together. Motion
    is overdamped: there is no kinetic part.

    Source: Thompson, Plimpton, Mattson, J. Chem. Phys. 131 (2009) 154107 (per-atom virial).
    """
    n_dim = state.position.shape[1]
    unit_ball = math.pi ** (n_dim / 2) / math.gamma(n_dim / 2 + 1)
    radius = jnp.where(state.alive, state.radius[:, 0], 1)
    virial = potential.virial_fn(state)(state.position)
    return jnp.where(state.alive, virial / (n_dim * unit_ball * radius**n_dim), 0)


class PressureSensing(SimulationStep):
    """Sets the state's field ``pressure``, shape (cell, 1), to the virial pressure of living cells.

    Attributes:
        potential: Whose forces press.
    """

    potential: PairPotential | MorseAdhesionPotential

    @jax.named_scope("jaxmorph.PressureSensing")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        del key
        return with_field(self, state, "pressure", virial_pressure(state, self.potential)[:, None])
