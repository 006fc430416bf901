"""The Ishigami function: the smallest study, without time, with known sensitivities."""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from ..distributions import Uniform
from ..simulation import gaussian
from .base import Observable, Parameter, Recording, Study

_ANGLE = Uniform(low=-math.pi, high=math.pi)


class IshigamiStudy(Study):
    """The Ishigami test function, sin x1 + a sin^2 x2 + b x3^4 sin x1, and Gaussian noise if wanted.

    Source: Ishigami and Homma, ISUMA '90, 398-403 (1990).
    """

    parameters = tuple(
        Parameter(name, "1", f"input {i} of the function", 1.0, _ANGLE)
        for i, name in enumerate(("x1", "x2", "x3"), start=1)
    )
    observables = (Observable("ishigami", "1", "value of the Ishigami function"),)

    a: float = Field(default=7.0, description="weight of the second input")
    b: float = Field(default=0.1, description="weight of the interaction of inputs 1 and 3")
    noise: float = Field(default=0.0, ge=0, description="standard deviation of the added noise")

    @property
    def is_stochastic(self) -> bool:
        return self.noise > 0

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        x1, x2, x3 = parameters["x1"], parameters["x2"], parameters["x3"]
        value = jnp.sin(x1) + self.a * jnp.sin(x2) ** 2 + self.b * x3**4 * jnp.sin(x1)
        if self.is_stochastic:
            value = gaussian(jax.random.normal(key, (), value.dtype), value, self.noise)
        return Recording(time=jnp.zeros(1), observables={"ishigami": value[None]})
