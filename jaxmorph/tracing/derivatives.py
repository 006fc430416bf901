"""Functions that change derivatives and leave values untouched."""

from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

T = TypeVar("T")


@jax.custom_jvp
def differentiated_as(value: Array, by: Array) -> Array:
    """``value``, with the derivative of ``by``, which has the same shape and floating-point type."""
    del by
    return value


@differentiated_as.defjvp
def _differentiated_as_jvp(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    return primals[0], tangents[1]


def discount_gradient(x: T, factor: float | Array) -> T:
    """Return ``x`` unchanged, and multiply derivatives that pass through it by ``factor``.

    Reverse mode multiplies the cotangent of ``x`` by ``factor``; forward mode multiplies its tangent.
    The rule is linear in the tangent and reverse mode is its transpose, so the two agree. Values do
    not depend on ``factor``, so the derivative with respect to it is 0.

    Args:
        x: A pytree; its floating-point array leaves of any shape are discounted, the rest passes.
        factor: A scalar; 1 changes nothing, 0 stops the gradient.
    """

    def leaf(y: Any) -> Any:
        if not eqx.is_inexact_array(y):
            return y
        return differentiated_as(y, jax.lax.stop_gradient(jnp.asarray(factor, dtype=y.dtype)) * y)

    discounted: T = jax.tree.map(leaf, x)
    return discounted


def by_gradient(function: Callable[..., Array]) -> Callable[..., Array]:
    """A scalar ``function`` of pytrees whose derivative is the product with its gradient.

    The gradient is computed once for all tangents that forward mode pushes: cheaper where they are many.
    """

    @eqx.filter_custom_jvp
    def value(*arguments: Any) -> Array:
        return function(*arguments)

    @value.def_jvp
    def value_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
        moving = jax.tree.map(lambda t: t is not None, tangents, is_leaf=lambda t: t is None)
        varied, rest = eqx.partition(primals, moving)
        result, gradient = eqx.filter_value_and_grad(lambda x: function(*eqx.combine(x, rest)))(varied)
        products = jax.tree.map(lambda g, t: jnp.sum(g * t), gradient, tangents)
        return result, sum(jax.tree.leaves(products), jnp.zeros_like(result))

    return value
