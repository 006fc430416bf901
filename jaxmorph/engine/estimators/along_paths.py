"""Derivatives of each simulation along its path, in either mode."""

import contextlib
from collections.abc import Callable
from functools import partial

from jaxtyping import Array, Float, PRNGKeyArray

from ...studies import Problem
from ..program import Gradients, Traced, Values, choose_mode, forward, reverse, values
from .base import WantedMode, Way


def along_paths(
    problem: Problem,
    traced: Traced,
    wanted: WantedMode,
    context: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
) -> Way:
    """Pathwise derivatives of a study that is traced in what ``context`` makes."""
    assert wanted != "none"
    mode, reason = choose_mode(wanted, traced.shape, len(problem.names))
    differentiate = forward if mode == "forward" else reverse

    def single(theta: Float[Array, " parameter"], key: PRNGKeyArray) -> tuple[Values, Gradients]:
        with context():
            return differentiate(problem, theta, key)

    return Way(traced, mode, reason, single, partial(values, problem))
