"""Derivatives of each simulation along its path, in either mode."""

import contextlib
from collections.abc import Callable
from functools import partial

from jaxtyping import Array, Float, PRNGKeyArray

from ...errors import JaxmorphError
from ...studies import Problem
from ..differentiable import choose_mode, modes_of, without_derivatives
from ..program import Gradients, Traced, Values, forward, reverse, trace, values
from .base import WantedMode, Way


def along_paths(
    problem: Problem,
    traced: Traced,
    wanted: WantedMode,
    estimator: str,
    context: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
) -> Way:
    """Pathwise derivatives of a study that is traced in what ``context`` makes.

    Raises:
        JaxmorphError: If the study does not have the mode that is wanted, or has none.
    """
    assert wanted != "none"
    modes, study = modes_of(traced), type(problem.study).__name__
    if modes.in_doubt and context is not contextlib.nullcontext:
        with context():
            modes = modes_of(trace(problem))
    if not modes.work:
        raise without_derivatives(problem, modes, estimator)
    if wanted in modes.missing:
        raise JaxmorphError(
            f"gradient = {wanted}: study {study} has {modes.why_not}; use auto or {modes.work[0]}"
        )
    mode, reason = choose_mode(wanted, traced.shape, len(problem.names), modes)
    differentiate = forward if mode == "forward" else reverse

    def single(theta: Float[Array, " parameter"], key: PRNGKeyArray) -> tuple[Values, Gradients]:
        with context():
            return differentiate(lambda t: values(problem, t, key), theta)

    return Way(traced, mode, reason, single, partial(values, problem))
