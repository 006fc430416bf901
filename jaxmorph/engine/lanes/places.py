"""Equations that read or write at places; fast where all simulations have the same ones."""

import jax.numpy as jnp
from jax import lax
from jax.extend import core

from .arrays import Laned, Rule, Sizes, spread, widest
from .mapped import by_vmap


def _dynamic_slice(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    x, *starts = operands
    if widest(starts) or len(starts) != x.rank or not starts:
        return by_vmap(eqn, operands, sizes)
    trailing = sizes.of(x.lanes)
    zeros = [jnp.zeros((), s.array.dtype) for s in starts[:1] for _ in trailing]
    window = (*eqn.params["slice_sizes"], *trailing)
    return [Laned(lax.dynamic_slice(x.array, [*(s.array for s in starts), *zeros], window), x.lanes)]


def _dynamic_update_slice(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    x, update, *starts = operands
    if widest(starts) or not starts:
        return by_vmap(eqn, operands, sizes)
    lanes = max(x.lanes, update.lanes)
    zeros = [jnp.zeros((), starts[0].array.dtype) for _ in sizes.of(lanes)]
    start = [*(s.array for s in starts), *zeros]
    arrays = spread(x, lanes, sizes), spread(update, lanes, sizes)
    return [Laned(lax.dynamic_update_slice(*arrays, start), lanes)]


def _gather(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """The same places of all simulations: whole rows of lanes are copied."""
    x, indices = operands
    if indices.lanes:
        return by_vmap(eqn, operands, sizes)
    trailing = sizes.of(x.lanes)
    numbers = eqn.params["dimension_numbers"]
    rank = len(eqn.outvars[0].aval.shape)  # type: ignore[attr-defined]
    numbers = numbers._replace(offset_dims=(*numbers.offset_dims, *range(rank, rank + len(trailing))))
    params = eqn.params | {
        "dimension_numbers": numbers,
        "slice_sizes": (*eqn.params["slice_sizes"], *trailing),
    }
    return [Laned(eqn.primitive.bind(x.array, indices.array, **params), x.lanes)]


def _scatter(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """The same places of all simulations: whole rows of lanes are written."""
    x, indices, updates = operands
    if indices.lanes:
        return by_vmap(eqn, operands, sizes)
    lanes = max(x.lanes, updates.lanes)
    numbers = eqn.params["dimension_numbers"]
    rank = updates.rank
    window = (*numbers.update_window_dims, *(rank for _ in sizes.of(lanes)))
    params = eqn.params | {"dimension_numbers": numbers._replace(update_window_dims=window)}
    arrays = spread(x, lanes, sizes), indices.array, spread(updates, lanes, sizes)
    return [Laned(eqn.primitive.bind(*arrays, **params), lanes)]


def _sort(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    lanes = widest(operands)
    results = eqn.primitive.bind(*[spread(x, lanes, sizes) for x in operands], **eqn.params)
    return [Laned(result, lanes) for result in results]


_SCATTERS = [f"scatter{how}" for how in ("", "-add", "-max", "-min", "-mul", "-sub")]

RULES: dict[str, Rule] = {
    **dict.fromkeys(_SCATTERS, _scatter),
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "gather": _gather,
    "sort": _sort,
}
