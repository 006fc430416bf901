"""Functions that change derivatives and leave values untouched."""

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

T = TypeVar("T")


@jax.custom_jvp
def _discount(x: Array, factor: Array) -> Array:
    del factor
    return x


@_discount.defjvp
def _discount_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple:
    x, factor = primals
    x_dot, _ = tangents
    return x, factor * x_dot


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
        # custom_jvp wants an array that can carry a (zero) tangent.
        return _discount(y, jnp.asarray(factor, dtype=y.dtype))

    return jax.tree.map(leaf, x)
