"""Buffers as large as the simulations of a batch need them.

A study may hold what it cannot know beforehand, like the neighbours of each cell, in arrays of fixed
size (``tracing.Buffers``), and gives NaN where one was too small. They are sized here by a few
simulations of a batch. A simulation that gives NaN is run again for what it needs; if a buffer was too
small, it is made larger, and the piece is evaluated again.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..tracing import Buffers, buffered

logger = logging.getLogger(__name__)

# How much larger than needed a buffer is made; and the share of it that may be in use where NaN comes
# out, because a program of one simulation differs from that of a piece in the last bits.
_MARGIN, _FULL = 1.25, 0.95
# Each time, the cells go another way; where this is not enough, they fly apart.
_ROUNDS = 10
# How many simulations of a batch are run for the first sizes: parameters and seeds differ in their
# needs, and a piece that has to be evaluated again costs more.
_FIRST = 4


class Capacities:
    """The sizes of all buffers of what ``simulate(samples, keys)`` simulates."""

    def __init__(self, simulate: Callable[[jax.Array, jax.Array], Any]):
        self._simulate = simulate
        self._sizes: dict[str, float] = {}
        self._asked: dict[str, float] | None = None

    def lower(self, function: Callable, arguments: Sequence[Any], pairs: tuple) -> Any:
        """``function`` traced and lowered, the first time with buffers for some of ``pairs``."""
        buffers = Buffers(self._sizes)
        with buffered(buffers):
            lowered = jax.jit(function).lower(*arguments)
        first, self._asked = self._asked is None, buffers.asked
        if not (first and buffers.asked):
            return lowered
        samples, keys = pairs
        some = np.linspace(0, len(samples) * len(keys) - 1, _FIRST).astype(int)
        places = (divmod(place, len(keys)) for place in dict.fromkeys(some))
        needed = self._measure([(samples[i], keys[j]) for i, j in places], enough=1.0)
        self._sizes |= {name: _MARGIN * need for name, need in needed.items()}
        logger.info("buffers: %s", _sizes(self._sizes))
        return self.lower(function, arguments, pairs)

    def outgrown(self, samples: np.ndarray, keys: np.ndarray, leaves: list[np.ndarray]) -> bool:
        """Whether a buffer was too small for results that are NaN; it is larger then."""
        if not self._asked:
            return False
        failed = np.any([_not_finite(leaf) for leaf in leaves], axis=0)
        before = dict(self._sizes)
        if failed.any():
            self._measure([(samples[i], keys[j]) for i, j in np.argwhere(failed)], enough=_FULL)
        if self._sizes == before:
            return False
        logger.info(
            "buffers too small for %d of %d simulations, now %s: evaluating them again",
            failed.sum(),
            failed.size,
            _sizes(self._sizes),
        )
        return True

    @property
    def sizes(self) -> dict[str, float]:
        """How large the buffers are."""
        return dict(self._sizes)

    @sizes.setter
    def sizes(self, sizes: dict[str, float]) -> None:
        self._sizes, self._asked = dict(sizes), {}

    def _measure(self, pairs: list[tuple[Any, Any]], enough: float) -> dict[str, float]:
        """What ``pairs`` need; buffers are made larger until nothing is missing.

        Args:
            pairs: Parameters and keys.
            enough: The share of a buffer that may be in use.
        """
        for _ in range(_ROUNDS):
            buffers = Buffers(self._sizes, measure=True)
            with buffered(buffers):
                # Nothing is returned: what no need depends on, as gradients, is not computed.
                run = jax.jit(lambda samples, keys: (self._simulate(samples, keys), None)[1])
                for theta, key in pairs:
                    run(jnp.asarray(theta)[None], jnp.asarray(key)[None])
                jax.effects_barrier()
            larger = {
                name: _MARGIN * need
                for name, need in buffers.needed.items()
                if need > enough * buffers.asked[name]
            }
            if not larger:
                break
            self._sizes |= larger
        return buffers.needed


def _not_finite(leaf: np.ndarray) -> np.ndarray:
    """Which of the pairs (sample, seed) have a NaN or an infinity."""
    if not np.issubdtype(leaf.dtype, np.floating):
        return np.zeros(leaf.shape[:2], bool)
    return ~np.isfinite(leaf).reshape(*leaf.shape[:2], -1).all(axis=-1)


def _sizes(sizes: dict[str, float]) -> str:
    return ", ".join(f"{name} {size:.3g}" for name, size in sorted(sizes.items()))


_watched: ContextVar[Capacities | None] = ContextVar("capacities", default=None)


@contextlib.contextmanager
def allowing_buffers(capacities: Capacities) -> Iterator[None]:
    """Inside, whatever evaluates simulations of ``capacities`` may use buffers."""
    token = _watched.set(capacities)
    try:
        with buffered(Buffers()):
            yield
    finally:
        _watched.reset(token)


def sizes() -> dict[str, float]:
    """How large the buffers are, to go on later with the same program: see :func:`restore`."""
    capacities = _watched.get()
    return {} if capacities is None else capacities.sizes


def restore(sizes: dict[str, float]) -> None:
    """Lower with buffers of these sizes, instead of measuring what is needed."""
    capacities = _watched.get()
    if capacities is not None:
        capacities.sizes = sizes


def lower(function: Callable, arguments: Sequence[Any], samples: np.ndarray, keys: np.ndarray) -> Any:
    """``jax.jit(function).lower(*arguments)``, with buffers that are large enough for some pairs."""
    capacities = _watched.get()
    if capacities is None:
        return jax.jit(function).lower(*arguments)
    return capacities.lower(function, arguments, (samples, keys))


def outgrown(samples: np.ndarray, keys: np.ndarray, leaves: list[np.ndarray]) -> bool:
    """Whether a buffer was too small for ``leaves``: the same has to be lowered and evaluated again."""
    capacities = _watched.get()
    return capacities is not None and capacities.outgrown(samples, keys, leaves)
