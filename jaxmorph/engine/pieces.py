"""A function over samples x seeds: cut to what fits in memory, compiled once, with progress."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import psutil
from tqdm import tqdm

logger = logging.getLogger(__name__)

# Part of the free memory that one program may take: another job may want as much.
_MEMORY_SHARE = 0.4
# A batch is evaluated in at least about this many pieces, so that the log shows progress.
_PIECES = 8
_SMALLEST_PIECE = 32


class Progress:
    """Writes how many simulations are done, the rate and the remaining time to the log."""

    def __init__(self, total: int, every: float = 2.0):
        self._total, self._every = total, every
        self._start = self._last = time.monotonic()
        self._done = 0

    def __call__(self, n: int) -> None:
        """Count ``n`` more simulations."""
        self._done += n
        now = time.monotonic()
        if now - self._last >= self._every or self._done >= self._total:
            self._last = now
            elapsed = now - self._start
            logger.info(tqdm.format_meter(self._done, self._total, elapsed, unit=" sim", ncols=80))


def in_pieces(
    function: Callable, samples: np.ndarray, keys: jax.Array, memory_limit: float | None
) -> Any:
    """Evaluate ``function`` over samples x keys; a pytree of arrays (sample, seed, ...)."""
    n_samples, n_seeds = len(samples), len(keys)
    compiled, size = _compile(function, samples, keys, memory_limit)
    progress = Progress(n_samples * n_seeds)
    pieces: dict[tuple[int, int], Any] = {}
    for i, j in _corners(n_samples, n_seeds, size):
        # The last piece of a row or column is shifted back to full size: one program for all.
        a, b = min(i, n_samples - size[0]), min(j, n_seeds - size[1])
        piece = compiled(jnp.asarray(samples[a : a + size[0]]), keys[b : b + size[1]])
        pieces[i, j] = jax.tree.map(lambda x, a=i - a, b=j - b: np.asarray(x)[a:, b:], piece)
        progress(min(size[0], n_samples - i) * min(size[1], n_seeds - j))
    rows = []
    for i in range(0, n_samples, size[0]):
        row = [pieces[i, j] for j in range(0, n_seeds, size[1])]
        rows.append(jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *row))
    return jax.tree.map(lambda *parts: np.concatenate(parts, axis=0), *rows)


def _corners(n_samples: int, n_seeds: int, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for i in range(0, n_samples, size[0]):
        for j in range(0, n_seeds, size[1]):
            yield i, j


def _compile(
    function: Callable, samples: np.ndarray, keys: jax.Array, memory_limit: float | None
) -> tuple[Callable, tuple[int, int]]:
    """The compiled program and the size of the piece (samples, seeds) that it evaluates."""
    limit = _free_memory() * _MEMORY_SHARE if memory_limit is None else memory_limit
    n_samples, n_seeds = len(samples), len(keys)
    # Pieces take all seeds of a few samples: they share the noise, and progress is even.
    wanted = max(_SMALLEST_PIECE, n_samples * n_seeds // _PIECES)
    size = (min(n_samples, max(1, math.ceil(wanted / n_seeds))), n_seeds)
    while True:
        arguments = (
            jax.ShapeDtypeStruct((size[0], samples.shape[1]), samples.dtype),
            jax.ShapeDtypeStruct((size[1], *keys.shape[1:]), keys.dtype),
        )
        compiled = jax.jit(function).lower(*arguments).compile()
        need = _memory_of(compiled)
        if need <= limit or size == (1, 1):
            break
        logger.info(
            "%d samples x %d seeds need %.3g MB, %.3g MB may be used: cutting the batch",
            *size,
            need / 1e6,
            limit / 1e6,
        )
        size = (math.ceil(size[0] / 2), size[1]) if size[0] > 1 else (1, math.ceil(size[1] / 2))
    logger.info("evaluating pieces of %d samples x %d seeds (%.3g MB)", *size, need / 1e6)
    return compiled, size


def _memory_of(compiled: Any) -> float:
    """Bytes that a compiled program uses while it runs."""
    m = compiled.memory_analysis()
    return m.temp_size_in_bytes + m.output_size_in_bytes + m.argument_size_in_bytes


def _free_memory() -> float:
    """Bytes free on the device that JAX uses."""
    statistics = jax.devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)
    return psutil.virtual_memory().available
