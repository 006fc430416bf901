"""Small studies for the tests of optimisation, whose optima are known."""

import jax
import jax.numpy as jnp

import jaxmorph as jxm
from jaxmorph.distributions import LogUniform, Normal, Uniform


class Wells(jxm.Study):
    """Without noise: two wells along x, at -1 and 1, one along y; not a number for y > 3."""

    parameters = (
        jxm.Parameter("x", "m", "place", 0.5, Normal(mean=0, sd=1)),
        jxm.Parameter("y", "m", "place", 0.5, Normal(mean=0, sd=1)),
        jxm.Parameter("z", "m", "bounded place", 0.5, Uniform(low=0, high=1)),
        jxm.Parameter("s", "m", "positive place", 2.0, LogUniform(low=1, high=4)),
    )
    observables = (jxm.Observable("height", "J", "height of the landscape", low=-1.0),)
    time_unit = "s"
    stochastic = False

    tilt: float = 0.2

    def simulate(self, parameters, key):  # type: ignore[no-untyped-def]
        """One record."""
        x, y, z, s = (parameters[n] for n in "xyzs")
        well = (x**2 - 1) ** 2 + self.tilt * x + 2 * y**2
        height = jnp.where(y > 3, jnp.nan, well + (z - 0.25) ** 2 + jnp.log(s / 2) ** 2)
        return jxm.Recording(time=jnp.zeros(1), observables={"height": height[None]})


class Shot(jxm.Study):
    """A normal number around m, with a standard deviation of its own."""

    parameters = (
        jxm.Parameter("m", "1", "mean", 0.0, Normal(mean=0, sd=1)),
        jxm.Parameter("sd", "1", "standard deviation", 1.0, LogUniform(low=0.1, high=10)),
    )
    observables = (jxm.Observable("value", "1", "what was drawn"),)

    def simulate(self, parameters, key):  # type: ignore[no-untyped-def]
        """One record."""
        value = parameters["m"] + parameters["sd"] * jax.random.normal(key, (), jnp.float64)
        return jxm.Recording(time=jnp.zeros(1), observables={"value": value[None]})
