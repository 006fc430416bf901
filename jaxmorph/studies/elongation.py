"""A ball of cells that grows into a rod: a gene network makes cells divide at its ends."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from .. import observables
from ..distributions import LogUniform, Uniform
from ..env import (
    CellDivision,
    GeneNetwork,
    LineageState,
    Response,
    Sensing,
    nan_where_missed,
)
from ..env.chemicals import ChemicalState, ScreenedDiffusion, Secretion
from ..env.fields import field_of
from ..env.mechanics import HarmonicPotential, SGDMechanicalRelaxation
from ..simulation import record
from ..steps import Sequential, SimulationStep, State
from .base import Observable, Parameter, Recording, StateVariable, Study
from .cell_cycle import MAX_RADIUS, growth, ripeness

# Of the chemical, in units of the diameter of a cell.
_SCREENING_LENGTH = 2.0
# The growth gene keeps itself up, and switches the polarity gene on.
_INTERACTIONS = ((2.0, 0.0), (8.0, 0.0))
_BIAS_OF_POLARITY = -2.0
_GROWTH_GENE, _POLARITY_GENE = 0, 1


class ElongationState(ChemicalState, LineageState):
    """Cells with a lineage that secrete and sense one chemical, with the levels of two genes."""

    gene: Float[Array, "*time cell gene"]


class _RateByGene(Response):
    """Of the columns radius and level of the growth gene: that of ripe cells, times the level."""

    highest: Float[Array, ""]

    def __call__(self, sensed: Float[Array, "cell 2"]) -> Float[Array, "cell 1"]:
        radius, level = jnp.split(sensed, 2, axis=1)
        return self.highest * ripeness()(radius) * level


class _PolarisedDivision(SimulationStep):
    """Division along the x axis, the more so the higher the level of the polarity gene.

    Daughters lie along a standard normal vector plus ``polarity`` times the level along x.
    """

    polarity: Float[Array, ""]
    dt: float

    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        assert key is not None
        key, axis_key = jax.random.split(key)
        axis = jax.random.normal(axis_key, state.position.shape, state.position.dtype)
        axis = axis.at[:, 0].add(self.polarity * field_of(self, state, "gene")[:, _POLARITY_GENE])
        return CellDivision(dt=self.dt, axis=axis)(state, key=key)


class ElongationStudy(Study):
    """A ball that becomes a rod: all cells secrete a chemical that represses growth but at the ends.

    The concentration is lowest where fewest cells are near: what sticks out of the ball goes on
    growing. In a step of ``dt`` cells grow, their genes follow dg/dt = turnover (phi(W g + V c + b) - g)
    with the logistic function phi and the concentration c at the cell, they divide with probability
    1 - exp(-rate dt), and push each other apart. The growth gene is repressed by c (by ``gain``, half at
    ``threshold`` if it is off), and keeps itself up; the rate of a ripe cell is ``division_rate`` times
    its level. It switches on the polarity gene, which aligns divisions with the x axis. Which cell
    divides is random: gradients are for ``estimator: score`` or ``smoothed``.
    """

    parameters = (
        Parameter(
            "division_rate", "1", "highest rate at which a cell divides", 1.5, Uniform(low=1, high=2)
        ),
        Parameter(
            "threshold",
            "1",
            "concentration that represses the growth gene",
            0.58,
            Uniform(low=0.53, high=0.63),
        ),
        Parameter("gain", "1", "how sharply it does", 25.0, Uniform(low=15, high=35)),
        Parameter("polarity", "1", "alignment of divisions with an axis", 8.0, Uniform(low=0, high=16)),
        Parameter("turnover", "1", "of the genes in time", 4.0, LogUniform(low=2, high=8)),
    )
    observables = (
        Observable("anisotropy", "1", "anisotropy of the cluster (0: round, 1: a line)", low=0, high=1),
        Observable("n_cells", "1", "number of cells", low=0),
        Observable("radius_of_gyration", "1", "root mean squared distance to the centroid", low=0),
        Observable("mean_growth_gene", "1", "mean level of the growth gene", low=0, high=1),
        Observable("mean_chemical", "1", "mean concentration at the cells", low=0),
    )
    state_variables = (
        StateVariable("position", ("cell", "space"), "1", "position of the cell"),
        StateVariable("radius", ("cell",), "1", "radius of the cell"),
        StateVariable("celltype", ("cell", "type"), "1", "cell type (0: dead slot)"),
        StateVariable("chemical", ("cell",), "1", "concentration at the cell"),
        StateVariable("growth_gene", ("cell",), "1", "level of the gene that makes it divide"),
        StateVariable("generation", ("cell",), "1", "divisions since the founder"),
    )

    n_slots: int = Field(default=128, ge=15, description="most cells that there can be")
    n_steps: int = Field(default=60, ge=1, description="steps of growth, division and relaxation")
    dt: float = Field(default=0.1, gt=0, description="length of a step, time")
    record_every: int = Field(default=6, ge=1, description="steps between records; divides n_steps")
    relaxation_steps: int = Field(default=5, ge=1, description="pushes of neighbours in a step")
    relaxation_dt: float = Field(
        default=0.04, gt=0, description="length of a push: how far a unit force moves a cell"
    )
    stiffness: float = Field(default=4.0, gt=0, description="resistance of cells to overlap")

    def initial_state(self) -> ElongationState:
        """A cell with its two shells of neighbours in a body-centred cubic lattice: 15, isotropic."""
        corners = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3), axis=-1).reshape(-1, 3)
        points = np.concatenate([np.zeros((1, 3)), corners, np.eye(3), -np.eye(3)])
        touching = 2 * MAX_RADIUS / np.linalg.norm(corners[0])
        n = len(points)
        none = jnp.zeros((n, 1))
        return ElongationState.founders(
            touching * jnp.asarray(points),
            jnp.ones((n, 1)),
            jnp.full((n, 1), MAX_RADIUS),
            n_slots=self.n_slots,
            chemical=none,
            secretion=none,
            gene=jnp.zeros((n, 2)),
        )

    def model(self, parameters: Mapping[str, Float[Array, ""]]) -> Sequential:
        """Growth, genes, division, relaxation, and the chemical of the cells where they are then."""
        gain, turnover = parameters["gain"], parameters["turnover"]
        zero = jnp.zeros_like(gain)
        return Sequential(
            [
                growth(self.dt),
                GeneNetwork(
                    interactions=jnp.asarray(_INTERACTIONS),
                    sensitivities=jnp.stack([-gain, zero])[:, None],
                    bias=jnp.stack([gain * parameters["threshold"], zero + _BIAS_OF_POLARITY]),
                    production=turnover,
                    degradation=turnover,
                    inputs=("chemical",),
                    duration=self.dt,
                    solver_steps=1,
                ),
                Sensing(
                    ("radius", ("gene", _GROWTH_GENE)),
                    "division_rate",
                    _RateByGene(parameters["division_rate"]),
                ),
                _PolarisedDivision(parameters["polarity"], self.dt),
                SGDMechanicalRelaxation(
                    HarmonicPotential(self.stiffness),
                    relaxation_steps=self.relaxation_steps,
                    dt=self.relaxation_dt,
                ),
                *self.chemistry(),
            ]
        )

    def chemistry(self) -> Sequential:
        """The chemical in its steady state; every cell secretes 1."""
        return Sequential(
            [
                Secretion(jnp.ones((1, 1))),
                ScreenedDiffusion(diffusion=1.0, degradation=_SCREENING_LENGTH**-2),
            ]
        )

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        def measure(state: ElongationState) -> tuple[dict[str, Array], dict[str, Array]]:
            values = {
                "anisotropy": observables.anisotropy(state),
                "n_cells": observables.n_cells(state),
                "radius_of_gyration": observables.radius_of_gyration(state),
                "mean_growth_gene": observables.chemical_moment(state, 1, _GROWTH_GENE, field="gene"),
                "mean_chemical": observables.chemical_moment(state, 1),
            }
            fields = {
                "position": state.position,
                "radius": state.radius[:, 0],
                "celltype": state.celltype,
                "chemical": state.chemical[:, 0],
                "growth_gene": state.gene[:, _GROWTH_GENE],
                "generation": state.generation.astype(state.radius.dtype),
            }
            return {name: nan_where_missed(state, x) for name, x in values.items()}, fields

        values, fields = record(
            self.model(parameters),
            self.chemistry()(self.initial_state()),
            key,
            self.n_steps,
            every=self.record_every,
            measure=measure,
        )
        return Recording(self.dt * jnp.arange(0, self.n_steps + 1, self.record_every), values, fields)
