"""Two types of cells that sort by adhesion."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from .. import observables, space
from ..distributions import LogUniform, Uniform
from ..env.mechanics import BrownianMechanicalRelaxation, MorseAdhesionPotential
from ..simulation import record
from ..state import BaseCellState
from .base import Observable, Parameter, Recording, StateVariable, Study
from .founders import grid_ball

_RADIUS = 0.5
# Of a contact's end, and its reach in contact distances.
_EDGE, _REACH = 0.05, 1.2


class CellSortingStudy(Study):
    """Two types of cells, mixed at first, that adhere to their own more than to the other and diffuse.

    The differential adhesion hypothesis: Steinberg, Science 141 (1963) 401-408. The mixed initial state
    is one draw from ``initial_key``; seeds differ in the noise of the motion alone.
    """

    parameters = (
        Parameter(
            "adhesion_like",
            "1",
            "depth of the adhesion of cells of one type",
            5.0,
            Uniform(low=3, high=7),
        ),
        Parameter(
            "adhesion_unlike", "1", "depth of that of cells of two types", 2.0, Uniform(low=1, high=3)
        ),
        Parameter("alpha", "1", "inverse width of the adhesion", 3.0, Uniform(low=2, high=4)),
        Parameter("kT", "1", "temperature: strength of the noise", 1.0, LogUniform(low=0.5, high=2)),
    )
    observables = (
        Observable("mixing_index", "1", "contacts of unlike cells, over those at random", low=0),
        Observable("contact_number", "1", "mean number of cells in contact with a cell", low=0),
        Observable("radius_of_gyration", "1", "root mean squared distance to the centroid", low=0),
        Observable("anisotropy", "1", "anisotropy of the cluster (0: round, 1: a line)", low=0, high=1),
        Observable("total_energy", "1", "potential energy of all pairs of cells"),
    )
    state_variables = (
        StateVariable("position", ("cell", "space"), "1", "position of the cell"),
        StateVariable("radius", ("cell",), "1", "radius of the cell"),
        StateVariable("celltype", ("cell", "type"), "1", "cell type"),
    )

    n_cells: int = Field(default=40, ge=2, description="number of cells, half of each type")
    n_dim: int = Field(default=2, ge=2, le=3, description="spatial dimensions")
    n_steps: int = Field(default=100, ge=1, description="steps")
    relaxation_steps: int = Field(default=30, ge=1, description="Brownian substeps in a step")
    dt: float = Field(default=5e-4, gt=0, description="length of a Brownian substep")
    gamma: float = Field(default=1.0, gt=0, description="friction")
    record_every: int = Field(default=10, ge=1, description="steps between records; divides n_steps")
    r_onset: float = Field(default=2.0, gt=0, description="where the cutoff begins")
    r_cutoff: float = Field(default=2.5, gt=0, description="where the adhesion ends")
    initial_key: int = Field(default=0, ge=0, description="random key of the initial state")

    def initial_state(self) -> BaseCellState:
        """The cells nearest to the origin on a grid at contact distance, with types in random order."""
        displacement, shift = space.free()
        of_first_type = jnp.arange(self.n_cells) < self.n_cells // 2
        mixed = jax.random.permutation(jax.random.PRNGKey(self.initial_key), of_first_type)
        return BaseCellState(
            displacement=displacement,
            shift=shift,
            position=2 * _RADIUS * jnp.asarray(grid_ball(self.n_cells, self.n_dim)),
            celltype=jnp.stack([mixed, ~mixed], axis=1).astype(float),
            radius=jnp.full((self.n_cells, 1), _RADIUS),
        )

    def potential(self, parameters: Mapping[str, Float[Array, ""]]) -> MorseAdhesionPotential:
        """The adhesion within a type and between the two."""
        like, unlike = parameters["adhesion_like"], parameters["adhesion_unlike"]
        return MorseAdhesionPotential(
            jnp.stack([jnp.stack([like, unlike]), jnp.stack([unlike, like])]),
            alpha=parameters["alpha"],
            r_onset=self.r_onset,
            r_cutoff=self.r_cutoff,
        )

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        potential = self.potential(parameters)
        model = BrownianMechanicalRelaxation(
            potential,
            relaxation_steps=self.relaxation_steps,
            dt=self.dt,
            kT=parameters["kT"],
            gamma=self.gamma,
        )

        def measure(state: BaseCellState) -> tuple[dict[str, Array], dict[str, Array]]:
            values = {
                "mixing_index": observables.mixing_index(state, _EDGE, _REACH),
                "contact_number": observables.contact_number(state, _EDGE, _REACH),
                "radius_of_gyration": observables.radius_of_gyration(state),
                "anisotropy": observables.anisotropy(state),
                "total_energy": observables.total_energy(state, potential),
            }
            fields = {
                "position": state.position,
                "radius": state.radius[:, 0],
                "celltype": state.celltype,
            }
            return values, fields

        values, fields = record(
            model, self.initial_state(), key, self.n_steps, every=self.record_every, measure=measure
        )
        steps = jnp.arange(0, self.n_steps + 1, self.record_every)
        return Recording(steps * self.relaxation_steps * self.dt, values, fields)
