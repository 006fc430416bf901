"""A disc that grows from one cell, whose cells divide where they are not pressed."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from .. import observables
from ..distributions import LogUniform, Uniform
from ..env import CellDivision, CellGrowth, Hill, LineageState, Sensing, nan_where_missed
from ..env.mechanics import HarmonicPotential, PressureSensing, SGDMechanicalRelaxation
from ..simulation import record
from ..steps import Sequential
from .base import Observable, Parameter, Recording, StateVariable, Study
from .cell_cycle import RIPE, RIPENS

# Per length: radii saturate within about a fiftieth of it.
_SMOOTHING = 50.0


class DiscState(LineageState):
    """Cells with a lineage that feel a pressure, shape (cell, 1), energy / length^dim."""

    pressure: Float[Array, "*time cell 1"]


class GrowingDiscStudy(Study):
    """A disc that grows from one cell: ripe cells divide, the less the more they are pressed.

    In a step of ``dt`` cells grow, feel the virial pressure of their neighbours, divide with probability
    1 - exp(-rate dt) and push each other apart. Which cell divides is random: gradients are for
    ``estimator: score`` or ``smoothed``.
    """

    parameters = (
        Parameter(
            "division_rate",
            "1",
            "rate at which a ripe cell without pressure divides",
            1.0,
            Uniform(low=0.7, high=1.3),
        ),
        Parameter(
            "pressure_threshold",
            "1",
            "pressure at which the rate of division is halved",
            0.3,
            LogUniform(low=0.1, high=1.0),
        ),
        Parameter("growth_rate", "1", "growth of the radius in time", 0.4, Uniform(low=0.25, high=0.55)),
        Parameter("stiffness", "1", "resistance of cells to overlap", 4.0, Uniform(low=2, high=6)),
    )
    observables = (
        Observable("n_cells", "1", "number of cells", low=0),
        Observable("radius_of_gyration", "1", "root mean squared distance to the centroid", low=0),
        Observable("roundness", "1", "compactness of the covered area (1: a disc)", low=0, high=1),
        Observable("radial_order", "1", "correlation of a cell's radius with its place", low=-1, high=1),
        Observable("mean_pressure", "1", "mean pressure of the cells", low=0),
        Observable("mean_generation", "1", "mean number of divisions since the founder", low=0),
    )
    state_variables = (
        StateVariable("position", ("cell", "space"), "1", "position of the cell"),
        StateVariable("radius", ("cell",), "1", "radius of the cell"),
        StateVariable("celltype", ("cell", "type"), "1", "cell type (0 in all: dead slot)"),
        StateVariable("pressure", ("cell",), "1", "pressure of the cell's neighbours"),
        StateVariable("generation", ("cell",), "1", "divisions since the founder"),
        StateVariable("age", ("cell",), "1", "time since the cell was born"),
    )

    n_slots: int = Field(default=64, ge=1, description="most cells that there can be")
    n_dim: int = Field(default=2, ge=2, le=3, description="spatial dimensions")
    n_steps: int = Field(default=50, ge=1, description="steps of growth, division and relaxation")
    dt: float = Field(default=0.1, gt=0, description="length of a step, time")
    record_every: int = Field(default=5, ge=1, description="steps between records; divides n_steps")
    relaxation_steps: int = Field(default=5, ge=1, description="pushes of neighbours in a step")
    relaxation_dt: float = Field(
        default=0.04, gt=0, description="length of a push: how far a unit force moves a cell"
    )
    max_radius: float = Field(default=0.5, gt=0, description="largest radius of a cell")
    window: float = Field(default=5.0, gt=0, description="half side of the square for roundness")
    window_points: int = Field(default=24, ge=4, description="its grid points along a side")

    def initial_state(self) -> DiscState:
        """One cell at the origin, of the largest radius."""
        return DiscState.founders(
            jnp.zeros((1, self.n_dim)),
            jnp.ones((1, 1)),
            jnp.full((1, 1), self.max_radius),
            n_slots=self.n_slots,
            pressure=jnp.zeros((1, 1)),
        )

    def model(self, parameters: Mapping[str, Float[Array, ""]]) -> Sequential:
        """Growth, pressure, division, relaxation."""
        potential = HarmonicPotential(parameters["stiffness"])
        pressure = parameters["pressure_threshold"]
        division_rate = Hill(
            threshold=jnp.stack([jnp.asarray(RIPE * self.max_radius, pressure.dtype), pressure]),
            exponent=jnp.array([RIPENS, 2.0]),
            represses=(False, True),
            highest=parameters["division_rate"],
        )
        return Sequential(
            [
                CellGrowth(
                    growth_rate=parameters["growth_rate"] * self.dt,
                    max_radius=self.max_radius,
                    smoothing_exp=_SMOOTHING / self.max_radius,
                ),
                PressureSensing(potential),
                Sensing(("radius", "pressure"), "division_rate", division_rate),
                CellDivision(dt=self.dt),
                SGDMechanicalRelaxation(
                    potential, relaxation_steps=self.relaxation_steps, dt=self.relaxation_dt
                ),
            ]
        )

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        def measure(state: DiscState) -> tuple[dict[str, Array], dict[str, Array]]:
            values = {
                "n_cells": observables.n_cells(state),
                "radius_of_gyration": observables.radius_of_gyration(state),
                "roundness": observables.roundness(
                    state, self.window, self.window_points, 2 * self.window / self.window_points / 3
                ),
                "radial_order": observables.radial_order(state, state.radius[:, 0]),
                "mean_pressure": observables.chemical_moment(state, 1, field="pressure"),
                "mean_generation": observables.lineage_depth(state),
            }
            fields = {
                "position": state.position,
                "radius": state.radius[:, 0],
                "celltype": state.celltype,
                "pressure": state.pressure[:, 0],
                "generation": state.generation.astype(state.radius.dtype),
                "age": self.dt * state.age,
            }
            return {name: nan_where_missed(state, x) for name, x in values.items()}, fields

        values, fields = record(
            self.model(parameters),
            self.initial_state(),
            key,
            self.n_steps,
            every=self.record_every,
            measure=measure,
        )
        return Recording(self.dt * jnp.arange(0, self.n_steps + 1, self.record_every), values, fields)
