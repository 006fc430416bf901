"""Simulations that an estimator makes beside that of a sample and a seed, as operations of their own.

The engine evaluates these as simulations of a batch like all others (``lanes/control.py``); ``jax.vmap``
would add an axis of its own to them, which kernels and vectors of the processor make nothing of.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
from jax.core import ShapedArray
from jax.extend import core
from jax.interpreters import batching, mlir
from jaxtyping import Array, Float, UInt32

Simulates = Callable[[Float[Array, " parameter"], UInt32[Array, "2"]], Array]

over_keys_p = core.Primitive("over_keys")
over_points_p = core.Primitive("over_points")


def over_keys(
    function: Simulates, theta: Float[Array, " parameter"], keys: UInt32[Array, "key 2"]
) -> Float[Array, "key *shape"]:
    """``function(theta, key)`` for each of ``keys``, of simulations that belong to a sample.

    It equals ``jax.vmap``, except that the engine maps it over samples alone. So ``theta`` must be what
    the batch is mapped over, and nothing of it may depend on the seed.
    """
    one = jax.ShapeDtypeStruct(keys.shape[1:], keys.dtype)
    return over_keys_p.bind(theta, keys, jaxpr=jax.make_jaxpr(function)(theta, one))


def over_points(
    function: Simulates, thetas: Float[Array, "point parameter"], key: UInt32[Array, "2"]
) -> Float[Array, "point *shape"]:
    """``function(theta, key)`` for each of ``thetas``, of simulations that share the noise of a seed.

    It equals ``jax.vmap``, except that the engine evaluates points as it does samples.
    """
    one = jax.ShapeDtypeStruct(thetas.shape[1:], thetas.dtype)
    return over_points_p.bind(thetas, key, jaxpr=jax.make_jaxpr(function)(one, key))


def _add_rules(primitive: core.Primitive, several: int) -> None:
    """What JAX needs to evaluate ``jaxpr`` of two operands for each row of one of them."""
    axes = tuple(0 if i == several else None for i in range(2))

    def mapped(*operands: Array, jaxpr: core.ClosedJaxpr) -> Array:
        return jax.vmap(core.jaxpr_as_fun(jaxpr), axes)(*operands)[0]

    def abstract(*operands: ShapedArray, jaxpr: core.ClosedJaxpr) -> tuple:
        (result,) = jaxpr.out_avals
        return ShapedArray((operands[several].shape[0], *result.shape), result.dtype), jaxpr.effects

    def batched(
        operands: Sequence[Array], axes: Sequence[int | None], *, jaxpr: core.ClosedJaxpr
    ) -> tuple[Array, int]:
        return jax.vmap(partial(mapped, jaxpr=jaxpr), in_axes=tuple(axes))(*operands), 0

    primitive.def_impl(mapped)
    primitive.def_effectful_abstract_eval(abstract)
    batching.primitive_batchers[primitive] = batched
    mlir.register_lowering(primitive, mlir.lower_fun(mapped, multiple_results=False))


_add_rules(over_keys_p, 1)
_add_rules(over_points_p, 0)
