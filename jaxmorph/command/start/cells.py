"""Cells that repel one another softly, in a cluster that a spring keeps together."""

import equinox as eqx
import jax
import jax.numpy as jnp

import jaxmorph as jxm
from jaxmorph.distributions import LogUniform, Uniform


class Spring(jxm.SimulationStep):
    """A step: pulls every cell towards the centre. A parameter is trainable if it is a JAX array."""

    stiffness: jax.Array
    dt: float

    def __call__(self, state, *, key=None):
        """Move the cells."""
        moved = state.position * (1 - self.dt * self.stiffness)
        return eqx.tree_at(lambda s: s.position, state, moved)


class Cells(jxm.Study):
    """Soft cells on a spring."""

    parameters = (
        jxm.Parameter("stiffness", "1/h", "of the spring", 0.5, Uniform(low=0.2, high=1.0)),
        jxm.Parameter("repulsion", "um2/h", "of cells that overlap", 2.0, LogUniform(low=1, high=4)),
        jxm.Parameter("noise", "um2/h", "diffusion", 0.02, LogUniform(low=0.01, high=0.04)),
    )
    observables = (
        jxm.Observable("size", "um", "radius of gyration", low=0),
        jxm.Observable("spacing", "um", "mean distance to the nearest neighbour", low=0),
    )
    state_variables = (
        jxm.StateVariable("position", ("cell", "space"), "um", "position"),
        jxm.StateVariable("radius", ("cell",), "um", "radius"),
    )
    time_unit = "h"

    # Settings, with their defaults.
    n_cells: int = 12
    n_steps: int = 40
    dt: float = 0.05

    def simulate(self, parameters, key):
        """One simulation at these parameters, with the noise of this key."""
        displacement, shift = jxm.space.free()
        start = jax.random.normal(jax.random.PRNGKey(1), (self.n_cells, 2))
        state = jxm.BaseCellState(
            displacement,
            shift,
            position=start,
            celltype=jnp.ones((self.n_cells, 1)),
            radius=jnp.full((self.n_cells, 1), 0.5),
        )
        motion = jxm.env.mechanics.BrownianMechanicalRelaxation(
            jxm.env.mechanics.HarmonicPotential(parameters["repulsion"]),
            relaxation_steps=1,
            dt=self.dt,
            kT=parameters["noise"],
            gamma=1.0,
        )
        model = jxm.Sequential([Spring(parameters["stiffness"], self.dt), motion])

        def measure(state):
            values = {
                "size": jxm.observables.radius_of_gyration(state),
                "spacing": jxm.observables.mean_nearest_neighbour_distance(state),
            }
            return values, {"position": state.position, "radius": state.radius[:, 0]}

        values, states = jxm.record(model, state, key, self.n_steps, every=4, measure=measure)
        return jxm.Recording(self.dt * jnp.arange(0, self.n_steps + 1, 4), values, states)
