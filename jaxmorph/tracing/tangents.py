"""Whether derivatives along several tangents will be taken of what is traced."""

import contextlib

from .contexts import TraceContext

_many_tangents: TraceContext[bool] = TraceContext("many_tangents", False, shared=True)


def many_tangents() -> contextlib.AbstractContextManager[None]:
    """What is traced inside will push several tangents at once: numbers they share are computed once."""
    return _many_tangents.set(True)


def has_many_tangents() -> bool:
    """Whether what is traced now will push several tangents at once."""
    return _many_tangents.get()
