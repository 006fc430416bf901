"""A function whose constants are off by one unit in the last place: what rounding does in their chaos.

A constant that half precision holds (0, 1, 0.5, 2) is meant as it stands, and may decide a branch; 0.1
or 3.99 is rounded already, and could as well have been its neighbour.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array


def with_moved_constants(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """``function`` of one array with all its rounded constants moved towards zero."""

    def moved(x: Array) -> Array:
        closed = jax.make_jaxpr(function)(x)
        jaxpr = _moved(closed.jaxpr)
        (result,) = jax.core.eval_jaxpr(jaxpr, [_neighbour(c) for c in closed.consts], x)
        return result

    return moved


def _moved(jaxpr: core.Jaxpr) -> core.Jaxpr:
    """The same operations, and those inside them, on other constants."""
    equations = [
        equation.replace(
            invars=[
                core.Literal(_neighbour(v.val), v.aval) if isinstance(v, core.Literal) else v
                for v in equation.invars
            ],
            params={name: _inside(value) for name, value in equation.params.items()},
        )
        for equation in jaxpr.eqns
    ]
    return jaxpr.replace(eqns=equations)


def _inside(parameter: Any) -> Any:
    """A parameter of an operation, which may be a program or several."""
    if isinstance(parameter, core.Jaxpr):
        return _moved(parameter)
    if isinstance(parameter, core.ClosedJaxpr):
        consts = [_neighbour(c) for c in parameter.consts]
        return core.ClosedJaxpr(_moved(parameter.jaxpr), consts)
    if isinstance(parameter, tuple):
        return tuple(map(_inside, parameter)) if type(parameter) is tuple else parameter
    return parameter


def _neighbour(constant: Any) -> Any:
    """The next number towards zero where half precision does not hold it; what is no number stays."""
    kind = getattr(constant, "dtype", None)
    if kind is None or not jnp.issubdtype(kind, jnp.floating) or isinstance(constant, jax.core.Tracer):
        return constant
    number = np.asarray(constant)
    with np.errstate(over="ignore", invalid="ignore"):
        meant = number.astype(np.float16).astype(number.dtype) == number
        return np.where(meant, number, np.nextafter(number, np.zeros_like(number)))[()]
