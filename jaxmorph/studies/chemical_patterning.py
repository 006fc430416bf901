"""Cells that secrete a chemical, and cells around them that divide where there is enough of it."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from .. import observables
from ..distributions import LogUniform, Uniform
from ..env import CellDivision, Hill, LineageState, Response, Sensing, nan_where_missed
from ..env.chemicals import ChemicalState, ScreenedDiffusion, Secretion
from ..env.mechanics import HarmonicPotential, SGDMechanicalRelaxation
from ..simulation import record
from ..steps import Sequential
from .base import Observable, Parameter, Recording, StateVariable, Study
from .cell_cycle import MAX_RADIUS, growth, ripeness
from .founders import grid_ball

_COOPERATIVITY = 2.0


class PatterningState(ChemicalState, LineageState):
    """Cells with a lineage that secrete and sense one chemical."""


class _RateByChemical(Response):
    """Of ripe cells: sources where there is little of the chemical, responders where there is much.

    Of the columns radius, chemical, source, responder; the latter two are those of the cell type.
    """

    highest: Float[Array, ""]
    threshold: Float[Array, ""]

    def __call__(self, sensed: Float[Array, "cell 4"]) -> Float[Array, "cell 1"]:
        radius, chemical, source, responder = jnp.split(sensed, 4, axis=1)
        ripe = ripeness()(radius)
        enough = Hill(self.threshold, _COOPERATIVITY)(chemical)
        return self.highest * ripe * (source * (1 - enough) + responder * enough)


class ChemicalPatterningStudy(Study):
    """Sources secrete a chemical that keeps them from dividing, and makes the cells around them divide.

    In a step of ``dt`` cells grow, the chemical comes to its steady state (screened diffusion), cells
    divide with probability 1 - exp(-rate dt), and push each other apart. With the Hill function
    h = c^2 / (threshold^2 + c^2) of the concentration c at a ripe cell, the rate of a responder is
    ``division_rate`` h, and that of a source ``division_rate`` (1 - h). Which cell divides is random:
    gradients are for ``estimator: score`` or ``smoothed``.
    """

    parameters = (
        Parameter(
            "division_rate",
            "1",
            "highest rate at which a cell divides",
            0.9,
            Uniform(low=0.65, high=1.15),
        ),
        Parameter(
            "threshold",
            "1",
            "concentration that halves the rate of both types",
            0.15,
            LogUniform(low=0.1, high=0.25),
        ),
        Parameter("secretion", "1", "of the chemical by a source", 1.0, Uniform(low=0.7, high=1.3)),
        Parameter("diffusion", "1", "of the chemical", 1.0, LogUniform(low=0.5, high=2)),
        Parameter("degradation", "1", "of the chemical in time", 0.5, LogUniform(low=0.25, high=1)),
    )
    observables = (
        Observable("decay_length", "1", "distance over which the chemical falls by e"),
        Observable("source_fraction", "1", "share of the cells that secrete", low=0, high=1),
        Observable("n_cells", "1", "number of cells", low=0),
        Observable("mean_chemical", "1", "mean concentration at the cells", low=0),
        Observable("sd_chemical", "1", "its standard deviation over the cells", low=0),
        Observable("mixing_index", "1", "contacts of unlike cells, over those at random", low=0),
    )
    state_variables = (
        StateVariable("position", ("cell", "space"), "1", "position of the cell"),
        StateVariable("radius", ("cell",), "1", "radius of the cell"),
        StateVariable("celltype", ("cell", "type"), "1", "source, responder (0 in both: dead slot)"),
        StateVariable("chemical", ("cell",), "1", "concentration at the cell"),
    )

    n_slots: int = Field(default=56, ge=1, description="most cells that there can be")
    n_founders: int = Field(default=16, ge=3, description="cells at first")
    n_sources: int = Field(default=4, ge=1, description="sources among them, in the middle")
    n_dim: int = Field(default=2, ge=2, le=3, description="spatial dimensions")
    n_steps: int = Field(default=20, ge=1, description="steps of growth, division and relaxation")
    dt: float = Field(default=0.1, gt=0, description="length of a step, time")
    record_every: int = Field(default=4, ge=1, description="steps between records; divides n_steps")
    relaxation_steps: int = Field(default=5, ge=1, description="pushes of neighbours in a step")
    relaxation_dt: float = Field(
        default=0.04, gt=0, description="length of a push: how far a unit force moves a cell"
    )
    stiffness: float = Field(default=4.0, gt=0, description="resistance of cells to overlap")

    def initial_state(self) -> PatterningState:
        """The cells nearest to the origin on a grid at contact distance; sources are the innermost."""
        is_source = jnp.arange(self.n_founders) < self.n_sources
        none = jnp.zeros((self.n_founders, 1))
        return PatterningState.founders(
            2 * MAX_RADIUS * jnp.asarray(grid_ball(self.n_founders, self.n_dim)),
            jnp.stack([is_source, ~is_source], axis=1).astype(float),
            jnp.full((self.n_founders, 1), MAX_RADIUS),
            n_slots=self.n_slots,
            chemical=none,
            secretion=none,
        )

    def model(self, parameters: Mapping[str, Float[Array, ""]]) -> Sequential:
        """Growth, division, relaxation, and the chemical of the cells where they are then."""
        rate = _RateByChemical(parameters["division_rate"], parameters["threshold"])
        return Sequential(
            [
                growth(self.dt),
                Sensing(("radius", "chemical", "celltype"), "division_rate", rate),
                CellDivision(dt=self.dt),
                SGDMechanicalRelaxation(
                    HarmonicPotential(self.stiffness),
                    relaxation_steps=self.relaxation_steps,
                    dt=self.relaxation_dt,
                ),
                *self.chemistry(parameters),
            ]
        )

    def chemistry(self, parameters: Mapping[str, Float[Array, ""]]) -> Sequential:
        """The chemical in its steady state."""
        secretion = parameters["secretion"]
        return Sequential(
            [
                Secretion(jnp.stack([secretion, jnp.zeros_like(secretion)])[:, None]),
                ScreenedDiffusion(parameters["diffusion"], parameters["degradation"]),
            ]
        )

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        def measure(state: PatterningState) -> tuple[dict[str, Array], dict[str, Array]]:
            values = {
                "decay_length": observables.decay_length(state),
                "source_fraction": observables.type_fraction(state, 0),
                "n_cells": observables.n_cells(state),
                "mean_chemical": observables.chemical_moment(state, 1),
                "sd_chemical": observables.chemical_moment(state, 2),
                "mixing_index": observables.mixing_index(state, 0.05, 1.2),
            }
            fields = {
                "position": state.position,
                "radius": state.radius[:, 0],
                "celltype": state.celltype,
                "chemical": state.chemical[:, 0],
            }
            return {name: nan_where_missed(state, x) for name, x in values.items()}, fields

        values, fields = record(
            self.model(parameters),
            self.chemistry(parameters)(self.initial_state()),
            key,
            self.n_steps,
            every=self.record_every,
            measure=measure,
        )
        return Recording(self.dt * jnp.arange(0, self.n_steps + 1, self.record_every), values, fields)
