"""Studies that JAX differentiates both ways, one way only or not at all, with their derivatives."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray
from scipy.special import erf

import jaxmorph as jxm
from jaxmorph.distributions import Uniform
from jaxmorph.engine import GradientMode
from jaxmorph.studies import Problem


def root(a: Array) -> Array:
    """Square root, by Newton's method until it has converged."""
    return jax.lax.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)


def counted(a: Array) -> Array:
    """The third power, by a loop as long as a number that JAX does not know when it traces."""
    return jax.lax.fori_loop(0, jnp.int32(3.0 + 0 * a), lambda _, x: x * a, jnp.ones_like(a))


def unrolled(a: Array) -> Array:
    """The third power, by a loop of known length."""
    return jax.lax.fori_loop(0, 3, lambda _, x: x * a, jnp.ones_like(a))


def aside(a: Array) -> Array:
    """The square, beside loops and callbacks that carry nothing of a parameter."""
    n = jax.lax.while_loop(lambda n: n < 3, lambda n: n + 1, 0)
    x = jax.lax.while_loop(lambda x: x < 3, lambda x: x + 1.5, jnp.zeros_like(a))
    z = jax.pure_callback(np.cos, x, x, vmap_method="expand_dims")
    return a**2 + 0 * (n + x + z + jax.lax.stop_gradient(root(a)))


@jax.custom_vjp
def backwards(a: Array) -> Array:
    """The square, with a rule for reverse mode alone."""
    return a**2


backwards.defvjp(lambda a: (a**2, a), lambda a, cotangent: (2 * a * cotangent,))


@jax.custom_jvp
def both_ways(a: Array) -> Array:
    """The square, with a rule that JAX transposes."""
    return a**2


both_ways.defjvp(lambda x, t: (x[0] ** 2, 2 * x[0] * t[0]))


@jax.custom_jvp
def forwards(a: Array) -> Array:
    """The square, with a rule that JAX cannot transpose."""
    return a**2


@forwards.defjvp
def _forwards_jvp(x: tuple[Array], t: tuple[Array]) -> tuple[Array, Array]:
    change = jax.pure_callback(lambda x, t: 2 * x * t, t[0], x[0], t[0], vmap_method="expand_dims")
    return x[0] ** 2, change


def outside(a: Array) -> Array:
    """The error function of SciPy: JAX has no derivative of it."""
    return jax.pure_callback(erf, a, a, vmap_method="expand_dims")


class Known(NamedTuple):
    """A function of one number, and what is known of it.

    Attributes:
        function: Of a number of JAX.
        value: The same in closed form.
        slope: Its derivative.
        modes: The modes that JAX has.
        what: What JAX cannot differentiate.
    """

    function: Callable[[Array], Array]
    value: Callable
    slope: Callable
    modes: tuple[GradientMode, ...]
    what: str = ""


_BOTH: tuple[GradientMode, ...] = ("forward", "reverse")
FUNCTIONS = {
    "root": Known(root, np.sqrt, lambda a: 0.5 / np.sqrt(a), ("forward",), "jax.lax.while_loop"),
    "counted": Known(counted, lambda a: a**3, lambda a: 3 * a**2, ("forward",), "jax.lax.while_loop"),
    "unrolled": Known(unrolled, lambda a: a**3, lambda a: 3 * a**2, _BOTH),
    "aside": Known(aside, lambda a: a**2, lambda a: 2 * a, _BOTH),
    "backwards": Known(backwards, lambda a: a**2, lambda a: 2 * a, ("reverse",), "jax.custom_vjp"),
    "both_ways": Known(both_ways, lambda a: a**2, lambda a: 2 * a, _BOTH),
    "forwards": Known(forwards, lambda a: a**2, lambda a: 2 * a, ("forward",), "custom_jvp"),
    "outside": Known(
        outside, erf, lambda a: 2 / np.sqrt(np.pi) * np.exp(-(a**2)), (), "jax.pure_callback"
    ),
}


class Function(jxm.Study):
    """b times one of the functions of a, and a number with noise."""

    parameters = tuple(
        jxm.Parameter(name, "1", name, 1.5, Uniform(low=0.5, high=2.5)) for name in ("a", "b")
    )
    observables = (jxm.Observable("y", "1", "the function"), jxm.Observable("z", "1", "a number"))
    function: str = "root"

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        a, b = parameters["a"], parameters["b"]
        y, z = b * FUNCTIONS[self.function].function(a), a + jax.random.normal(key, (), a.dtype)
        return jxm.Recording(jnp.zeros(1), {"y": y[None], "z": z[None]})


def problem_of(study: jxm.Study, *observables: str) -> Problem:
    """The question what all parameters of a study do to some of its observables, or to all."""
    return Problem(
        study,
        study.parameters,
        tuple(p.distribution for p in study.parameters),
        {},
        observables or tuple(o.name for o in study.observables),
    )
