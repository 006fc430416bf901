"""Equations along axes that trailing lanes leave where they are, and of shapes."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend import core
from jax.typing import ArrayLike
from jaxtyping import Array

from .arrays import Laned, Lanes, Rule, Sizes, widened, widest
from .mapped import by_vmap

# Their parameters name axes by numbers that trailing lanes do not change.
_OF_LEADING_AXES = """
argmax argmin cumlogsumexp cummax cummin cumprod cumsum optimization_barrier reduce_and reduce_max
reduce_min reduce_or reduce_prod reduce_sum reduce_xor rev squeeze
"""
OVER_ALL = ["unvmap_all", "unvmap_any", "unvmap_max"]
"""Equinox's reductions over the whole batch, on which ``eqx.error_if`` and its loops stand."""


def _same(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    del sizes
    results = eqn.primitive.bind(*[x.array for x in operands], **eqn.params)
    results = results if eqn.primitive.multiple_results else [results]
    return [Laned(y, x.lanes) for y, x in zip(results, operands, strict=True)]


def _cut(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """One array, cut along an axis."""
    del sizes
    (x,) = operands
    return [Laned(part, x.lanes) for part in eqn.primitive.bind(x.array, **eqn.params)]


def _of_first(function: Callable[[ArrayLike, int, tuple[int, ...], dict[str, Any]], Array]) -> Rule:
    """A rule from ``function(array, own rank, sizes of its lanes, params)``."""

    def rule(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
        if len(operands) > 1:  # sizes that are known at run time only
            return by_vmap(eqn, operands, sizes)
        (x,) = operands
        return [Laned(function(x.array, x.rank, sizes.of(x.lanes), eqn.params), x.lanes)]

    return rule


def _broadcast_in_dim(
    x: ArrayLike, rank: int, trailing: tuple[int, ...], params: dict[str, Any]
) -> Array:
    del rank
    shape, dims = params["shape"], params["broadcast_dimensions"]
    return lax.broadcast_in_dim(
        x, (*shape, *trailing), (*dims, *range(len(shape), len(shape) + len(trailing)))
    )


def _reshape(x: ArrayLike, rank: int, trailing: tuple[int, ...], params: dict[str, Any]) -> Array:
    order = params["dimensions"]  # in which the axes are read, if not in their own
    if order is not None:
        x = lax.transpose(x, (*order, *range(rank, jnp.ndim(x))))
    return lax.reshape(x, (*params["new_sizes"], *trailing))


def _transpose(x: ArrayLike, rank: int, trailing: tuple[int, ...], params: dict[str, Any]) -> Array:
    return lax.transpose(x, (*params["permutation"], *range(rank, rank + len(trailing))))


def _slice(x: ArrayLike, rank: int, trailing: tuple[int, ...], params: dict[str, Any]) -> Array:
    del rank
    start, limit, strides = params["start_indices"], params["limit_indices"], params["strides"]
    ones = (1,) * len(trailing)
    return lax.slice(
        x,
        (*start, *(0 for _ in trailing)),
        (*limit, *trailing),
        None if strides is None else (*strides, *ones),
    )


def _tile(x: ArrayLike, rank: int, trailing: tuple[int, ...], params: dict[str, Any]) -> Array:
    del rank
    return jnp.tile(x, (*params["reps"], *(1 for _ in trailing)))


def _side_by_side(join: Callable[[list[ArrayLike], dict[str, Any]], Array]) -> Rule:
    def rule(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
        lanes = widest(operands)
        return [Laned(join([widened(x, lanes, sizes) for x in operands], eqn.params), lanes)]

    return rule


def _pad(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    x, value = operands
    if value.lanes:
        return by_vmap(eqn, operands, sizes)
    config = (*eqn.params["padding_config"], *((0, 0, 0) for _ in sizes.of(x.lanes)))
    return [Laned(lax.pad(x.array, value.array, config), x.lanes)]


def _over_all(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    del sizes
    return [Laned(eqn.primitive.bind(operands[0].array), Lanes.NONE)]


RULES: dict[str, Rule] = {
    **dict.fromkeys(_OF_LEADING_AXES.split(), _same),
    **dict.fromkeys(OVER_ALL, _over_all),
    "broadcast_in_dim": _of_first(_broadcast_in_dim),
    "concatenate": _side_by_side(lambda arrays, params: lax.concatenate(arrays, params["dimension"])),
    "pad": _pad,
    "reshape": _of_first(_reshape),
    "slice": _of_first(_slice),
    "split": _cut,
    "stack": _side_by_side(lambda arrays, params: jnp.stack(arrays, params["axis"])),
    "tile": _of_first(_tile),
    "transpose": _of_first(_transpose),
    "unstack": _cut,
}
