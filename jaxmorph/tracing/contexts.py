"""Values that code finds while it is traced, and that JAX's caches know of."""

import contextlib
import itertools
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Generic, TypeVar

import jax

T = TypeVar("T")

_numbers = itertools.count(1)


class TraceContext(Generic[T]):
    """A value that whoever traces a function sets, and that the function reads while it is traced.

    Args:
        name: For messages.
        default: The value where nobody has set one.
        shared: A function that is jitted inside is traced once for all uses with the same value, which
            can be hashed; else it is traced anew for each use.
    """

    def __init__(self, name: str, default: T, *, shared: bool = False):
        self._value: ContextVar[T] = ContextVar(name, default=default)
        self._shared = shared
        # Part of the keys of JAX's caches of what was jitted.
        self._use = jax.make_user_context(0)

    def get(self) -> T:
        """The value now."""
        return self._value.get()

    @contextlib.contextmanager
    def set(self, value: T) -> Iterator[None]:
        """What is traced inside finds ``value``."""
        token = self._value.set(value)
        try:
            with self._use(value if self._shared else next(_numbers)):
                yield
        finally:
            self._value.reset(token)
