"""Arrays whose last axis is the batch, or a part of it."""

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jax.typing import ArrayLike


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
    """An array, and what its last axis is; without lanes it may be a number of Python's or NumPy's."""

    array: ArrayLike
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


def widened(x: Laned, lanes: Lanes, sizes: Sizes) -> ArrayLike:
    """The array of ``x`` with ``lanes``, repeated along those that it lacks."""
    if x.lanes == lanes:
        return x.array
    if x.lanes == Lanes.NONE:
        shape = (*x.shape, *sizes.of(lanes))
        return jax.lax.broadcast_in_dim(x.array, shape, range(x.rank))
    # A broadcast would be fused with what uses it, the numbers of a seed computed for each simulation.
    seeds = np.tile(np.arange(sizes.n_seeds), sizes.n_samples)
    return jnp.asarray(x.array).at[..., seeds].get(mode="promise_in_bounds")
