"""Operations that are evaluated for a whole batch at once, by code of their own.

Physics makes such an operation (a primitive of JAX) where whoever traces it evaluates batches by
:data:`BATCH_RULES` (:func:`batched_on`); an engine finds the rule by the operation's name, and knows no
more of it.
"""

import contextlib
from collections.abc import Callable, Sequence

from jax.extend import core
from jaxtyping import Array

from .contexts import TraceContext

BatchRule = Callable[..., Sequence[Array]]
"""``rule(arrays, laned, **params)``: the results of an operation for all simulations of a batch.

``arrays`` are its operands; those that ``laned`` is True for have a number for each simulation along a
last axis, which all results have.
"""

BATCH_RULES: dict[str, BatchRule] = {}
"""By the names of operations."""

_platform: TraceContext[str | None] = TraceContext("platform", None)


def evaluated_by(rule: BatchRule, *operations: core.Primitive) -> None:
    """From now on, engines evaluate these operations by ``rule``."""
    BATCH_RULES.update({operation.name: rule for operation in operations})


def batched_on(platform: str) -> contextlib.AbstractContextManager[None]:
    """What is traced inside is evaluated by :data:`BATCH_RULES`, on ``"cpu"`` or another platform."""
    return _platform.set(platform)


def platform() -> str | None:
    """On what batches of what is traced now are evaluated; None if nobody does that."""
    return _platform.get()
