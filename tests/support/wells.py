"""Small studies for the tests of optimisation, whose optima are known."""

import jax
import jax.numpy as jnp

import jaxmorph as jxm
from jaxmorph.distributions import LogUniform, Normal, Uniform
from jaxmorph.tracing import buffer_need, buffer_size


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


class Yule(jxm.Study):
    """Three cells divide, each at one rate: after n steps 3 (2 - exp(-rate dt))^n on average."""

    parameters = (jxm.Parameter("rate", "1/h", "rate of division", 0.5, Uniform(low=0.1, high=1.6)),)
    observables = (jxm.Observable("number", "1", "number of cells", low=0.0),)
    time_unit = "h"

    n_steps: int = 10
    dt: float = 0.1
    n_slots: int = 64

    def simulate(self, parameters, key):  # type: ignore[no-untyped-def]
        """A record before and one after all steps."""
        divides = -jnp.expm1(-parameters["rate"] * self.dt)

        def step(number, *, key):  # type: ignore[no-untyped-def]
            alive = jnp.arange(self.n_slots) < number
            return number + jnp.sum(jxm.bernoulli(key, jnp.where(alive, divides, 0)))

        first = jnp.full((), 3.0, divides.dtype)
        number = jxm.record(
            step, first, key, self.n_steps, every=self.n_steps, measure=lambda number: number
        )
        return jxm.Recording(self.dt * self.n_steps * jnp.arange(2.0), {"number": number})


class Slots(jxm.Study):
    """Without noise: (a - 3)^2, from a buffer of ceil(10 a) slots; NaN where that is too small."""

    parameters = (jxm.Parameter("a", "1", "a number", 0.5, Normal(mean=0, sd=1)),)
    observables = (jxm.Observable("y", "1", "its squared distance from 3"),)
    stochastic = False

    def simulate(self, parameters, key):  # type: ignore[no-untyped-def]
        """One record."""
        a = parameters["a"]
        size, need = buffer_size("slots", 3.0), jnp.ceil(10 * jax.lax.stop_gradient(a))
        buffer_need("slots", need)
        y = jnp.where(need <= size, (a - 3) ** 2, jnp.nan)
        return jxm.Recording(jnp.zeros(1), {"y": y[None]})
