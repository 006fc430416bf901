"""Simulations that belong to a sample, not to its seeds: a batch makes them once for each sample."""

from collections.abc import Callable, Sequence
from functools import partial

import jax
from jax.core import ShapedArray
from jax.extend import core
from jax.interpreters import batching, mlir
from jaxtyping import Array, Float, UInt32

over_keys_p = core.Primitive("over_keys")


def over_keys(
    function: Callable[[Array, Array], Array],
    theta: Float[Array, " parameter"],
    keys: UInt32[Array, "key 2"],
) -> Float[Array, "key *shape"]:
    """``function(theta, key)`` for each of ``keys``.

    It equals ``jax.vmap``, except that the engine maps it over samples alone. So ``theta`` must be what
    the batch is mapped over, and nothing of it may depend on the seed.
    """
    one = jax.ShapeDtypeStruct(keys.shape[1:], keys.dtype)
    return over_keys_p.bind(theta, keys, jaxpr=jax.make_jaxpr(function)(theta, one))


def _mapped(theta: Array, keys: Array, *, jaxpr: core.ClosedJaxpr) -> Array:
    return jax.vmap(core.jaxpr_as_fun(jaxpr), (None, 0))(theta, keys)[0]


def _abstract(theta: ShapedArray, keys: ShapedArray, *, jaxpr: core.ClosedJaxpr) -> tuple:
    (result,) = jaxpr.out_avals
    return ShapedArray((keys.shape[0], *result.shape), result.dtype), jaxpr.effects


def _batched(
    arguments: Sequence[Array], axes: Sequence[int | None], *, jaxpr: core.ClosedJaxpr
) -> tuple[Array, int]:
    return jax.vmap(partial(_mapped, jaxpr=jaxpr), in_axes=tuple(axes))(*arguments), 0


over_keys_p.def_impl(_mapped)
over_keys_p.def_effectful_abstract_eval(_abstract)
batching.primitive_batchers[over_keys_p] = _batched
mlir.register_lowering(over_keys_p, mlir.lower_fun(_mapped, multiple_results=False))
