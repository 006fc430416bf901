"""A user's study in a file of its own: no cells, no package, one class."""

import jax
import jax.numpy as jnp

import jaxmorph as jxm
from jaxmorph.distributions import Uniform


class Trap(jxm.Study):
    """A noisy particle that falls into a trap."""

    parameters = (
        jxm.Parameter("k", "N/m", "stiffness", 2.0, Uniform(low=1, high=3)),
        jxm.Parameter("x0", "m", "initial position", 1.5, Uniform(low=1, high=2)),
    )
    observables = (jxm.Observable("x", "m", "position"),)
    time_unit = "s"

    n_steps: int = 12

    def simulate(self, parameters, key):  # type: ignore[no-untyped-def]
        """Euler-Maruyama with time step 0.1."""

        def step(x, key):  # type: ignore[no-untyped-def]
            noise = jax.random.normal(key, dtype=x.dtype)
            x = x - 0.1 * parameters["k"] * x + 0.1 * noise
            return x, x

        _, x = jax.lax.scan(step, parameters["x0"], jax.random.split(key, self.n_steps))
        return jxm.Recording(time=0.1 * (1.0 + jnp.arange(self.n_steps)), observables={"x": x})
