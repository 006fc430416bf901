"""A jax-morph model as a study: `study: examples/jax_morph_study.py:JaxMorphStudy`.

Needs jax-morph 0.4.0: pip install -e ".[jax-morph]".
"""

import jax
import jax.numpy as jnp
import jax_morph
from jax_morph.physics import BrownianDynamics, Morse

import jaxmorph as jxm
from jaxmorph.distributions import Uniform


class JaxMorphStudy(jxm.Study):
    """Cells of jax-morph that attract each other (Morse potential) and move by Brownian dynamics."""

    parameters = (
        jxm.Parameter("epsilon", "1", "depth of the attraction", 3.0, Uniform(low=2, high=4)),
        jxm.Parameter("alpha", "1", "inverse width of the attraction", 3.0, Uniform(low=2, high=4)),
        jxm.Parameter("kT", "1", "temperature", 1.0, Uniform(low=0.5, high=2)),
    )
    observables = (jxm.Observable("mean_distance", "1", "mean distance to the centroid", low=0),)
    state_variables = (
        jxm.StateVariable("position", ("cell", "space"), "1", "position of the cell"),
        jxm.StateVariable("radius", ("cell",), "1", "radius of the cell"),
    )
    n_cells: int = 10
    n_records: int = 10
    steps_between: int = 10
    dt: float = 1e-4

    def simulate(self, parameters, key):
        potential = Morse(epsilon=parameters["epsilon"], alpha=parameters["alpha"])
        step = BrownianDynamics(potential, n_space_dim=2, gamma=0.8, kT=parameters["kT"])
        model = jax_morph.Model([step])
        places = jax.random.uniform(jax.random.PRNGKey(0), (self.n_cells, 2), minval=-2, maxval=2)
        state = jax_morph.build_state_from_model(model).init_empty(
            capacity=self.n_cells, n_space_dim=2, n_types=1
        )
        state = state.update(
            position=places,
            radius=jnp.full(self.n_cells, 0.5),
            celltype=jnp.ones((self.n_cells, 1)),
            alive=jnp.ones(self.n_cells, bool),
        )

        def record(state, key):
            state = jax_morph.simulate(model, state, self.steps_between, self.dt, key, checkpoint=True)
            return state, (state.position, state.radius)

        _, (position, radius) = jax.lax.scan(record, state, jax.random.split(key, self.n_records))
        apart = jnp.linalg.norm(position - position.mean(axis=1, keepdims=True), axis=-1)
        time = self.dt * self.steps_between * (1.0 + jnp.arange(self.n_records))
        states = {"position": position, "radius": radius}
        return jxm.Recording(time, {"mean_distance": apart.mean(axis=1)}, states)
