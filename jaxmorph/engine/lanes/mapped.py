"""What has no rule: an equation mapped by ``jax.vmap``, and a note of it."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import jax
from jax.extend import core
from jax.typing import ArrayLike

from .arrays import Laned, Lanes, Sizes, widened, widest

_notes: ContextVar[dict[int, str] | None] = ContextVar("mapped", default=None)


@contextlib.contextmanager
def noting_mapped() -> Iterator[Counter[str]]:
    """How many equations of each primitive are mapped by ``jax.vmap`` inside; filled in at the end."""
    counts: Counter[str] = Counter()
    notes: dict[int, str] = {}
    outer = _notes.get()
    token = _notes.set(notes)
    try:
        yield counts
    finally:
        _notes.reset(token)
        counts.update(notes.values())
        if outer is not None:
            outer.update(notes)


def by_vmap(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """Any equation, by its own rule for ``jax.vmap``, with the lanes moved where that wants them."""
    lanes = widest(operands)
    mapped = [x.lanes > Lanes.NONE for x in operands]
    if any(mapped) and (notes := _notes.get()) is not None:
        notes[id(eqn)] = eqn.primitive.name  # JAX traces the body of a loop more than once
    arrays = [
        widened(x, lanes if has else x.lanes, sizes) for x, has in zip(operands, mapped, strict=True)
    ]

    def function(*arrays: ArrayLike) -> Any:
        return eqn.primitive.bind(*arrays, **eqn.params)

    if any(mapped):
        function = jax.vmap(function, in_axes=[-1 if has else None for has in mapped], out_axes=-1)
    results = function(*arrays)
    results = results if eqn.primitive.multiple_results else [results]
    return [Laned(result, lanes) for result in results]
