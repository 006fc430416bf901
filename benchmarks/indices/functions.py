"""Functions whose indices are known, as studies: of uniform parameters, with a noise that they shape."""

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from jaxmorph.distributions import Uniform
from jaxmorph.studies import Observable, Parameter, Recording, Study

_FREQUENCY = 3.0
"""Standard deviation of the radians by which a wave turns over the range of a parameter."""


def _unit(n: int) -> tuple[Parameter, ...]:
    names = [f"x{i}" for i in range(1, n + 1)]
    return tuple(Parameter(name, "1", "a number", 0.5, Uniform(low=0, high=1)) for name in names)


class Function(Study):
    """A function of the unit cube.

    Noise is a wave over the parameters, another for each seed, as common random numbers make it of a
    simulation: its average over seeds is 0 everywhere.
    """

    observables = (Observable("f", "1", "value of the function"),)
    sd: ClassVar[float]
    """Of the function, over the cube."""

    noise: float = Field(default=0.0, ge=0, description="standard deviation of noise, of the function's")

    @property
    def is_stochastic(self) -> bool:
        return self.noise > 0

    def value(self, x: Float[Array, " parameter"]) -> Float[Array, ""]:
        """The function."""
        raise NotImplementedError

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        x = jnp.stack([parameters[p.name] for p in self.parameters])
        value = self.value(x)
        if self.is_stochastic:
            one, other = jax.random.split(key)
            frequency = _FREQUENCY * jax.random.normal(one, x.shape, x.dtype)
            phase = 2 * jnp.pi * jax.random.uniform(other, (), x.dtype)
            value += 2**0.5 * self.noise * self.sd * jnp.sin(frequency @ x + phase)
        return Recording(time=jnp.zeros(1), observables={"f": value[None]})


class Ishigami(Function):
    """Ishigami's function (Ishigami and Homma, ISUMA '90, 398-403 (1990))."""

    parameters = _unit(3)
    sd = 3.7208

    def value(self, x: Float[Array, " parameter"]) -> Float[Array, ""]:
        a, b, c = jnp.pi * (2 * x - 1)
        return jnp.sin(a) + 7 * jnp.sin(b) ** 2 + 0.1 * c**4 * jnp.sin(a)


class SobolG(Function):
    """Sobol's G function of eight parameters (Saltelli and Sobol', RESS 50 (1995) 225-239)."""

    parameters = _unit(8)
    a: ClassVar = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0)
    sd = 0.6822

    def value(self, x: Float[Array, " parameter"]) -> Float[Array, ""]:
        a = jnp.array(self.a, x.dtype)
        return jnp.prod((jnp.abs(4 * x - 2) + a) / (1 + a))


def _coefficients() -> dict[tuple[int, ...], float]:
    """Of Morris' function, of each product of numbers w."""
    found: dict[tuple[int, ...], float] = {(): 0.0}
    for i in range(20):
        found[i,] = 20.0 if i < 10 else (-1.0) ** (i + 1)
        for j in range(i + 1, 20):
            found[i, j] = -15.0 if j < 6 else (-1.0) ** (i + j)
            found |= {(i, j, k): -10.0 for k in range(j + 1, 5) if j < 5}
    return found | {(0, 1, 2, 3): 5.0}


class Morris(Function):
    """Morris' function of twenty parameters (Technometrics 33 (1991) 161-174).

    What Morris draws at random, the weights of ten parameters and of most pairs, is (-1)^i and
    (-1)^(i + j) here.
    """

    parameters = _unit(20)
    coefficients: ClassVar = _coefficients()
    curved: ClassVar = (2, 4, 6)
    sd = 32.786

    def value(self, x: Float[Array, " parameter"]) -> Float[Array, ""]:
        w = 2 * (x - 0.5)
        curved = jnp.array(self.curved)
        w = w.at[curved].set(2 * (1.1 * x[curved] / (x[curved] + 0.1) - 0.5))
        by_size: dict[int, list[tuple[tuple[int, ...], float]]] = {}
        for product, weight in self.coefficients.items():
            by_size.setdefault(len(product), []).append((product, weight))
        total = jnp.zeros((), x.dtype)
        for size, terms in by_size.items():
            if size:
                which, weights = (np.array(part) for part in zip(*terms, strict=True))
                total += jnp.prod(w[which], axis=1) @ jnp.asarray(weights, x.dtype)
        return total


class PredatorPrey(Function):
    """Prey, after a while, of Lotka's and Volterra's equations with four rates, by Runge and Kutta."""

    parameters = _unit(4)
    sd = 6.61
    low: ClassVar = (0.8, 0.08, 0.8, 0.04)
    high: ClassVar = (1.2, 0.12, 1.2, 0.06)
    start: ClassVar = (30.0, 5.0)
    end: ClassVar = 6.0
    steps: ClassVar = 120

    def value(self, x: Float[Array, " parameter"]) -> Float[Array, ""]:
        low, high = jnp.array(self.low, x.dtype), jnp.array(self.high, x.dtype)
        birth, hunted, death, fed = low + (high - low) * x
        h = self.end / self.steps

        def slope(y: Array) -> Array:
            return jnp.stack([y[0] * (birth - hunted * y[1]), y[1] * (fed * y[0] - death)])

        def step(y: Array, _: None) -> tuple[Array, None]:
            a = slope(y)
            b = slope(y + h / 2 * a)
            c = slope(y + h / 2 * b)
            d = slope(y + h * c)
            return y + h / 6 * (a + 2 * b + 2 * c + d), None

        return jax.lax.scan(step, jnp.array(self.start, x.dtype), None, length=self.steps)[0][0]
