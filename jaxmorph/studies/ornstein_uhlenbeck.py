"""A Brownian particle in a harmonic trap: the smallest stochastic study, with exact answers."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from ..distributions import LogUniform, Uniform
from ..simulation import gaussian, record
from .base import Observable, Parameter, Recording, StateVariable, Study


class OrnsteinUhlenbeckStudy(Study):
    """A Brownian particle in a harmonic trap of stiffness k (free diffusion for k = 0).

    Euler-Maruyama: x <- (1 - k dt / gamma) x + sqrt(2 kT dt / gamma) xi, in each dimension.
    """

    parameters = (
        Parameter("k", "1", "stiffness of the trap", 2.0, Uniform(low=1, high=3)),
        Parameter("gamma", "1", "friction", 0.8, Uniform(low=0.5, high=1.1)),
        Parameter("kT", "1", "temperature: strength of the noise", 1.0, LogUniform(low=0.5, high=2)),
        Parameter("x0", "1", "initial position along the first axis", 1.5, Uniform(low=1, high=2)),
    )
    observables = (
        Observable("position", "1", "position along the first axis"),
        Observable("squared_position", "1", "squared distance from the centre of the trap", low=0),
        Observable("squared_displacement", "1", "squared distance from the initial position", low=0),
    )
    state_variables = (StateVariable("position", ("cell", "space"), "1", "position of the particle"),)

    n_dim: int = Field(default=1, ge=1, description="spatial dimensions")
    n_steps: int = Field(default=200, ge=1, description="steps")
    dt: float = Field(default=0.01, gt=0, description="length of a step")
    record_every: int = Field(default=10, ge=1, description="steps between records; divides n_steps")

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        mobility = self.dt / parameters["gamma"]
        start = jnp.zeros(self.n_dim).at[0].set(parameters["x0"])

        def step(x: Array, *, key: PRNGKeyArray) -> Array:
            noise = jax.random.normal(key, x.shape, x.dtype)
            drift = -parameters["k"] * x * mobility
            return gaussian(noise, x + drift, jnp.sqrt(2 * parameters["kT"] * mobility))

        def measure(x: Array) -> Array:
            return x

        x = record(step, start, key, self.n_steps, every=self.record_every, measure=measure)
        values = {
            "position": x[:, 0],
            "squared_position": jnp.sum(x**2, axis=1),
            "squared_displacement": jnp.sum((x - start) ** 2, axis=1),
        }
        steps = jnp.arange(0, self.n_steps + 1, self.record_every)
        return Recording(steps * self.dt, values, {"position": x[:, None, :]})
