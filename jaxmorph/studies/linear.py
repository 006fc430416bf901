"""A linear function: the study whose sensitivities are known without any calculation."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from ..distributions import Uniform
from ..simulation import gaussian
from .base import Observable, Parameter, Recording, Study


class LinearStudy(Study):
    """A weighted sum of five inputs, c1 x1 + ... + c5 x5, and Gaussian noise if wanted.

    The gradient is (c1, ..., c5) everywhere. For inputs of variance s_i^2 both Sobol indices of x_i are
    c_i^2 s_i^2 / (sum_j c_j^2 s_j^2), of the seed-averaged sum.
    """

    parameters = tuple(
        Parameter(f"x{i}", "1", f"input {i} of the sum", 0.0, Uniform(low=-1, high=1))
        for i in range(1, 6)
    )
    observables = (Observable("weighted_sum", "1", "weighted sum of the inputs"),)

    c1: float = Field(default=1.0, description="weight of input 1")
    c2: float = Field(default=-2.0, description="weight of input 2")
    c3: float = Field(default=0.5, description="weight of input 3")
    c4: float = Field(default=3.0, description="weight of input 4")
    c5: float = Field(default=-1.5, description="weight of input 5")
    noise: float = Field(default=0.0, ge=0, description="standard deviation of the added noise")

    @property
    def is_stochastic(self) -> bool:
        return self.noise > 0

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        weights = (self.c1, self.c2, self.c3, self.c4, self.c5)
        terms = [c * parameters[f"x{i}"] for i, c in enumerate(weights, start=1)]
        value = jnp.sum(jnp.stack(terms))
        if self.is_stochastic:
            value = gaussian(jax.random.normal(key, (), value.dtype), value, self.noise)
        return Recording(time=jnp.zeros(1), observables={"weighted_sum": value[None]})
