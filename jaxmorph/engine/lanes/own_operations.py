"""Operations of physics that are evaluated for a whole batch by code of their own."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax.extend import core

from ...tracing import BATCH_RULES, BatchRule
from .arrays import Laned, Lanes, Rule, Sizes, widened, widest


def own_rule(operation: str) -> Rule | None:
    """How an operation that brings its own code is evaluated, lanes last; None for all others."""
    rule = BATCH_RULES.get(operation)
    return None if rule is None else _by_own_code(rule)


def _by_own_code(rule: BatchRule) -> Rule:
    def evaluated(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> Sequence[Laned]:
        lanes = widest(operands)
        if lanes == Lanes.NONE:  # a batch of one
            arrays = [jnp.asarray(x.array)[..., None] for x in operands]
            results = rule(arrays, [True] * len(arrays), **eqn.params)
            return [Laned(x[..., 0], lanes) for x in results]
        has_lanes = [x.lanes > Lanes.NONE for x in operands]
        given = [
            widened(x, lanes, sizes) if has else x.array
            for x, has in zip(operands, has_lanes, strict=True)
        ]
        return [Laned(x, lanes) for x in rule(given, has_lanes, **eqn.params)]

    return evaluated
