"""Arrays whose sizes are fixed when a simulation is traced, and turn out to be too small while it runs.

What needs such a buffer asks for its size here, and says here how large it had to be. Where it was too
small, it has to make its result NaN. The engine looks for that, measures and traces again.
"""

import contextlib

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from .contexts import TraceContext


class Buffers:
    """The sizes of all buffers by name.

    Attributes:
        sizes: Those that are known to be enough for what was measured. Others have their first guess.
        asked: The sizes of those that took part in what was traced.
        needed: How large each had to be, where that was measured.
    """

    def __init__(self, sizes: dict[str, float] | None = None, *, measure: bool = False):
        self.sizes = sizes or {}
        self.asked: dict[str, float] = {}
        self.needed: dict[str, float] = {}
        self.measure = measure

    def take(self, name: str, value: Array | np.ndarray) -> None:
        """Note that buffer ``name`` had to be as large as the largest of ``value``."""
        need = float(np.max(value))
        if np.isfinite(need):
            self.needed[name] = max(self.needed.get(name, 0.0), need)


_buffers: TraceContext[Buffers | None] = TraceContext("buffers", None)


def buffered(buffers: Buffers) -> contextlib.AbstractContextManager[None]:
    """What is traced inside may use buffers, of these sizes.

    Outside of this context nothing does: who opens it looks for the NaN of a buffer that is too small.
    """
    return _buffers.set(buffers)


def may_buffer() -> bool:
    """Whether someone looks for buffers that are too small."""
    return _buffers.get() is not None


def is_measured() -> bool:
    """Whether it is only measured how large the buffers have to be: results need no NaN then."""
    buffers = _buffers.get()
    return buffers is not None and buffers.measure


def buffer_size(name: str, first: float) -> float:
    """The size of the buffer ``name``; ``first`` where nothing has been measured."""
    buffers = _buffers.get()
    if buffers is None:
        return first
    size = buffers.asked[name] = buffers.sizes.get(name, first)
    return size


def expected_size(name: str, first: float) -> float:
    """The same, for those who may not use the buffer: it is not asked for."""
    buffers = _buffers.get()
    return first if buffers is None else buffers.sizes.get(name, first)


def buffer_need(name: str, size: Float[Array, ""] | Int[Array, ""]) -> None:
    """Say that buffer ``name`` has to be at least so large here."""
    buffers = _buffers.get()
    if buffers is not None and is_measured():
        # A callback leaves every loop and jit of the study's own. Only programs that measure have it.
        jax.debug.callback(lambda size: buffers.take(name, size), size)
