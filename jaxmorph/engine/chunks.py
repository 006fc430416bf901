"""How many simulations a processor works on at a time: as many as its cache holds.

A program on CPUs goes over arrays of all its simulations operation by operation. More of them fill the
vectors of the processor and share the cost of starting an operation, until an array no longer fits into
the cache next to the core. On a GPU all simulations of a program run at once.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

# Bytes of the largest array that an inner loop works on; measured, the optimum is flat around it.
_CACHED = 3 * 2**18
_FEWEST, _MOST = 16, 1024
# Equations that run less often than the most frequent ones by this factor do not decide.
_RARE = 0.1


def chunk_shape(closed: core.ClosedJaxpr, n_samples: int, n_seeds: int) -> tuple[int, int]:
    """Numbers of samples and seeds of the chunks of a batch, as equal as possible.

    Args:
        closed: The program of one simulation.
        n_samples: Samples of the batch.
        n_seeds: Seeds of the batch.
    """
    if jax.default_backend() != "cpu":
        return n_samples, n_seeds
    fits = 2 ** int(math.log2(max(1, _CACHED // max(1, _hot_bytes(closed.jaxpr)))))
    simulations = min(max(fits, _FEWEST), _MOST)
    return _even_size(n_samples, max(1, simulations // n_seeds)), _even_size(n_seeds, simulations)


def _even_size(n: int, largest: int) -> int:
    return math.ceil(n / math.ceil(n / largest))


def _hot_bytes(jaxpr: core.Jaxpr) -> int:
    """Size of the largest array of one simulation among those that are computed most often."""
    computed = list(_computed(jaxpr, 1))
    often = max((times for times, _ in computed), default=1)
    return max((size for times, size in computed if times >= _RARE * often), default=1)


def _computed(jaxpr: core.Jaxpr, times: int) -> Iterator[tuple[int, int]]:
    """How often an array is computed, and its bytes, for all of a program."""
    for eqn in jaxpr.eqns:
        inner = list(_inner(eqn))
        for body in inner:
            yield from _computed(body, times * eqn.params.get("length", 1))
        if not inner:
            for x in eqn.outvars:
                yield times, math.prod(x.aval.shape) * x.aval.dtype.itemsize  # type: ignore[attr-defined]


def _inner(eqn: core.JaxprEqn) -> Iterator[core.Jaxpr]:
    for value in jax.tree.leaves(
        list(eqn.params.values()), is_leaf=lambda x: isinstance(x, core.Jaxpr | core.ClosedJaxpr)
    ):
        if isinstance(value, core.ClosedJaxpr):
            yield value.jaxpr
        elif isinstance(value, core.Jaxpr):
            yield value


def over_chunks(function: Callable, samples: jax.Array, keys: jax.Array, shape: tuple[int, int]) -> Any:
    """``function(samples, keys)`` of one chunk after another; leading axes (sample, seed)."""
    n = len(samples), len(keys)
    if n == shape:
        return function(samples, keys)
    i, j = (_places(total, size) for total, size in zip(n, shape, strict=True))

    def row(places: jax.Array) -> Any:
        return jax.lax.map(lambda seeds: function(samples[places], keys[seeds]), j)

    def joined(x: jax.Array) -> jax.Array:
        x = jnp.moveaxis(
            x, 2, 1
        )  # (chunk, chunk, sample, seed, ...) -> (chunk, sample, chunk, seed, ...)
        return x.reshape(i.size, j.size, *x.shape[4:])[: n[0], : n[1]]

    return jax.tree.map(joined, jax.lax.map(row, i))


def _places(total: int, size: int) -> np.ndarray:
    """Rows of places, (chunk, size); the last row is filled up with the last place."""
    chunks = math.ceil(total / size)
    return np.minimum(np.arange(chunks * size), total - 1).reshape(chunks, size)
