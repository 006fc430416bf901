"""The reference system: the JAX-MORPH notebook "Gradients and Optimization" as a study."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from .. import observables, space
from ..distributions import LogUniform, Uniform
from ..env import CellGrowth
from ..env.growth import GrowthType
from ..env.mechanics import BrownianMechanicalRelaxation, MorsePotential
from ..simulation import record
from ..state import BaseCellState
from ..steps import Sequential
from .base import Observable, Parameter, Recording, StateVariable, Study


class ReferenceStudy(Study):
    """Growing cells that attract each other (Morse potential) and move by Brownian dynamics.

    The initial state is one draw from ``initial_key``; seeds differ in the noise of the motion alone.
    """

    parameters = (
        Parameter("epsilon", "1", "depth of the cell-cell attraction", 3.0, Uniform(low=2, high=4)),
        Parameter("alpha", "1", "inverse width of the attraction", 3.0, Uniform(low=2, high=4)),
        Parameter("max_radius", "1", "largest cell radius", 2.0, Uniform(low=1, high=3)),
        Parameter(
            "growth_rate",
            "1",
            "growth of the radius in a step",
            0.005,
            Uniform(low=0.002, high=0.008),
        ),
        Parameter("kT", "1", "temperature: strength of the noise", 1.0, LogUniform(low=0.5, high=2)),
        Parameter("gamma", "1", "friction", 0.8, Uniform(low=0.5, high=1.1)),
    )
    observables = (
        Observable("mean_distance", "1", "mean distance of the cells to their centroid", low=0),
        Observable("radius_of_gyration", "1", "root mean squared distance to the centroid", low=0),
        Observable("neighbour_distance", "1", "mean distance to the nearest neighbour", low=0),
        Observable("total_energy", "1", "potential energy of all pairs of cells"),
        Observable("mean_radius", "1", "mean cell radius", low=0),
        Observable(
            "covered_fraction",
            "1",
            "share of a square around the centroid that cells cover",
            low=0,
            high=1,
        ),
    )
    state_variables = (
        StateVariable("position", ("cell", "space"), "1", "position of the cell"),
        StateVariable("radius", ("cell",), "1", "radius of the cell"),
        StateVariable("celltype", ("cell", "type"), "1", "cell type (0 in all: dead slot)"),
    )

    n_cells: int = Field(default=10, ge=2, description="number of cells")
    n_dim: int = Field(default=2, ge=2, le=3, description="spatial dimensions")
    n_steps: int = Field(default=100, ge=1, description="steps of growth and relaxation")
    relaxation_steps: int = Field(default=10, ge=1, description="Brownian substeps in a step")
    dt: float = Field(default=1e-4, gt=0, description="length of a Brownian substep")
    record_every: int = Field(default=5, ge=1, description="steps between records; divides n_steps")
    growth_type: GrowthType = Field(default="linear", description="linear or exponential")
    r_onset: float = Field(default=15.0, gt=0, description="where the cutoff begins")
    r_cutoff: float = Field(default=20.0, gt=0, description="where the interaction ends")
    initial_spread: float = Field(default=5.0, gt=0, description="half side of the initial square")
    initial_key: int = Field(default=0, ge=0, description="random key of the initial state")
    window: float = Field(default=8.0, gt=0, description="half side of the covered_fraction square")
    window_points: int = Field(default=24, ge=4, description="its grid points along a side")

    def initial_state(self) -> BaseCellState:
        """Cells uniform in a square, with radii around 0.3; keys as in the notebook."""
        displacement, shift = space.free()
        _, position_key, radius_key = jax.random.split(jax.random.PRNGKey(self.initial_key), 3)
        half = self.initial_spread
        shape = (self.n_cells, self.n_dim)
        radius = 0.3 + 0.1 * jax.random.normal(radius_key, (self.n_cells, 1))
        return BaseCellState(
            displacement=displacement,
            shift=shift,
            position=jax.random.uniform(position_key, shape, minval=-half, maxval=half),
            celltype=jnp.ones((self.n_cells, 1)),
            radius=jax.nn.relu(radius),
        )

    def potential(self, parameters: Mapping[str, Float[Array, ""]]) -> MorsePotential:
        """The attraction between cells."""
        return MorsePotential(
            epsilon=parameters["epsilon"],
            alpha=parameters["alpha"],
            r_onset=self.r_onset,
            r_cutoff=self.r_cutoff,
        )

    def model(self, parameters: Mapping[str, Float[Array, ""]]) -> Sequential:
        """Growth, then Brownian motion under the potential."""
        growth = CellGrowth(
            growth_rate=parameters["growth_rate"],
            max_radius=parameters["max_radius"],
            growth_type=self.growth_type,
        )
        motion = BrownianMechanicalRelaxation(
            self.potential(parameters),
            relaxation_steps=self.relaxation_steps,
            dt=self.dt,
            kT=parameters["kT"],
            gamma=parameters["gamma"],
        )
        return Sequential([growth, motion])

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        model = self.model(parameters)
        potential = self.potential(parameters)

        def measure(state: BaseCellState) -> tuple[dict[str, Array], dict[str, Array]]:
            values = {
                "mean_distance": observables.mean_distance_to_centroid(state),
                "radius_of_gyration": observables.radius_of_gyration(state),
                "neighbour_distance": observables.mean_nearest_neighbour_distance(state),
                "total_energy": observables.total_energy(state, potential),
                "mean_radius": observables.mean_radius(state),
                "covered_fraction": observables.covered_fraction(
                    state, self.window, self.window_points, self.window / self.window_points
                ),
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
