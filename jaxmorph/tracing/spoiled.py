"""Simulations that are beyond use, whether or not an observable looks at what says so.

A division that finds no free slot, or a step that marks its result with NaN, spoils all that follows. An
observable that does not look there would be a number like any other. So the loops of
``jaxmorph.simulation`` tell here of every state that they hand back, and the engine makes what a study
returns NaN.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from .buffers import is_measured
from .instruments import trace_now

_FIELDS = ("position", "celltype", "radius")


class Watch:
    """What the loops have told, while a study is traced.

    Attributes:
        flags: Whether states are beyond use: of one, or of several times.
    """

    def __init__(self) -> None:
        self.flags: list[Bool[Array, "*time"]] = []
        # Flags that were made inside of a jit or vmap of the study's own cannot leave it.
        self.trace = trace_now()

    def at(self, n_times: int) -> Bool[Array, " time"]:
        """Which of the recorded times are beyond use."""
        spoiled = jnp.zeros(n_times, bool)
        for flag in self.flags:
            each = flag if flag.shape == (n_times,) else jnp.any(flag)
            spoiled = spoiled | each
        return spoiled


# Not a ``TraceContext``: what is jitted inside is traced without a watch, whether or not there is one.
_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """Take note of the states of all loops inside."""
    watch = Watch()
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


def is_watched() -> bool:
    """Whether somebody takes note here, of what can reach him."""
    watch = _watch.get()
    if watch is None or is_measured():
        return False
    return bool(watch.trace == trace_now())


def spoiled(state: Any) -> Bool[Array, ""]:
    """Whether a state is beyond use: a division was missed, or a cell is nowhere."""
    flags = [jnp.any(jnp.isnan(x)) for name in _FIELDS if (x := getattr(state, name, None)) is not None]
    missed = getattr(state, "n_missed", None)
    if missed is not None:
        flags.append(jnp.any(missed > 0))
    return jnp.any(jnp.stack(flags)) if flags else jnp.asarray(False)


def tell(flag: Bool[Array, "*time"]) -> None:
    """Note that states are, or are not, beyond use."""
    watch = _watch.get()
    if watch is not None:
        watch.flags.append(flag)
