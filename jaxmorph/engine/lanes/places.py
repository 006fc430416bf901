"""Equations that read or write at places; fast where all simulations have the same ones."""

import jax.numpy as jnp
from jax import lax
from jax.extend import core
from jax.typing import ArrayLike

from .arrays import Laned, Rule, Sizes, widened, widest
from .mapped import by_vmap


def _dynamic_slice(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    x, *starts = operands
    if widest(starts) or len(starts) != x.rank or not starts:
        return by_vmap(eqn, operands, sizes)
    trailing = sizes.of(x.lanes)
    window = (*eqn.params["slice_sizes"], *trailing)
    start = _all_lanes_from(starts, len(trailing))
    return [Laned(lax.dynamic_slice(jnp.asarray(x.array), start, window), x.lanes)]


def _dynamic_update_slice(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    x, update, *starts = operands
    if widest(starts) or not starts:
        return by_vmap(eqn, operands, sizes)
    lanes = max(x.lanes, update.lanes)
    start = _all_lanes_from(starts, len(sizes.of(lanes)))
    whole, part = (jnp.asarray(widened(operand, lanes, sizes)) for operand in (x, update))
    return [Laned(lax.dynamic_update_slice(whole, part, start), lanes)]


def _all_lanes_from(starts: list[Laned], n_lane_axes: int) -> list[ArrayLike]:
    """Where a slice starts that has all lanes: they begin at 0."""
    places = [start.array for start in starts]
    return [*places, *[jnp.zeros((), jnp.result_type(places[0]))] * n_lane_axes]


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
    arrays = widened(x, lanes, sizes), indices.array, widened(updates, lanes, sizes)
    return [Laned(eqn.primitive.bind(*arrays, **params), lanes)]


def _sort(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    lanes = widest(operands)
    results = eqn.primitive.bind(*[widened(x, lanes, sizes) for x in operands], **eqn.params)
    return [Laned(result, lanes) for result in results]


_SCATTERS = [f"scatter{how}" for how in ("", "-add", "-max", "-min", "-mul", "-sub")]

RULES: dict[str, Rule] = {
    **dict.fromkeys(_SCATTERS, _scatter),
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "gather": _gather,
    "sort": _sort,
}
