"""Mapping a function over a batch axis that comes last in every intermediate array.

``jax.vmap`` carries the batch first through loops, so that the processor would step through memory from
one simulation to the next. Here the simulations of a batch are the last and contiguous axis of every
array, (cell, ..., simulation), and one instruction works on several of them. What depends on the seed
alone, as the noise, is computed once per seed: (cell, ..., seed).

A function is traced for one simulation and its jaxpr is evaluated anew, equation by equation. What has
no rule in ``lane_rules`` is mapped by ``jax.vmap`` along the last axis: slower, with the same answer.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array


class Lanes(IntEnum):
    """What the last axis of an array is; a result has the largest of those of its operands."""

    NONE = 0
    SEED = 1
    SIMULATION = 2


class Sizes(NamedTuple):
    """Numbers of samples and of seeds; simulation ``i * n_seeds + j`` is sample i with seed j."""

    n_samples: int
    n_seeds: int

    def of(self, lanes: Lanes) -> tuple[int, ...]:
        """The shape of the last axis."""
        return {
            Lanes.NONE: (),
            Lanes.SEED: (self.n_seeds,),
            Lanes.SIMULATION: (self.n_samples * self.n_seeds,),
        }[lanes]


class Laned(NamedTuple):
    """An array, and what its last axis is."""

    array: Array
    lanes: Lanes

    @property
    def rank(self) -> int:
        """The number of axes without lanes."""
        return jnp.ndim(self.array) - (self.lanes > Lanes.NONE)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape without lanes."""
        return jnp.shape(self.array)[: self.rank]


Rule = Callable[[core.JaxprEqn, list[Laned], Sizes], Sequence[Laned]]


def widest(operands: Iterable[Laned]) -> Lanes:
    """The lanes of what is computed from ``operands``."""
    return max((x.lanes for x in operands), default=Lanes.NONE)


def spread(x: Laned, lanes: Lanes, sizes: Sizes) -> Array:
    """The array of ``x`` with ``lanes``, repeated along those that it lacks."""
    if x.lanes == lanes:
        return x.array
    if x.lanes == Lanes.NONE:
        shape = (*x.shape, *sizes.of(lanes))
        return jax.lax.broadcast_in_dim(x.array, shape, range(x.rank))
    # A broadcast would be fused with what uses it, the numbers of a seed computed for each simulation.
    seeds = np.tile(np.arange(sizes.n_seeds), sizes.n_samples)
    return x.array.at[..., seeds].get(mode="promise_in_bounds")


def by_vmap(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """Any equation, by its own rule for ``jax.vmap``, with the lanes moved where that wants them."""
    lanes = widest(operands)
    mapped = [x.lanes > Lanes.NONE for x in operands]
    arrays = [
        spread(x, lanes if has else x.lanes, sizes) for x, has in zip(operands, mapped, strict=True)
    ]

    def function(*arrays: Array) -> Any:
        return eqn.primitive.bind(*arrays, **eqn.params)

    if any(mapped):
        function = jax.vmap(function, in_axes=[-1 if has else None for has in mapped], out_axes=-1)
    results = function(*arrays)
    results = results if eqn.primitive.multiple_results else [results]
    return [Laned(result, lanes) for result in results]
