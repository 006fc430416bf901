"""What a study returns: whether it is what it declares, at times that one axis can hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import JaxmorphError
from ..studies import Problem, Recording


def check_recording(problem: Problem, result: Any) -> None:
    """Raises JaxmorphError, in one line, if ``simulate`` returned something else than declared."""
    name = type(problem.study).__name__
    if not isinstance(result, Recording):
        raise JaxmorphError(
            f"study {name}: simulate returned {type(result).__name__}, must return a jaxmorph.Recording"
        )
    _check_time(name, result)
    _check_names(name, "observables", result.observables, [o.name for o in problem.study.observables])
    for observable, value in result.observables.items():
        _check_observable(problem, observable, value, result.time.shape)
    variables = {v.name: v for v in problem.study.state_variables}
    _check_names(name, "states", result.states, list(variables), declared_as="state_variables")
    sizes: dict[str, tuple[int, str]] = {}
    for state, value in result.states.items():
        dims = ("time", *variables[state].dims)
        shape = _shape(value)
        if shape is None or len(shape) != len(dims) or shape[:1] != result.time.shape:
            raise JaxmorphError(
                f"study {name}: state {state} has shape {shape}, must have the dims {dims}"
            )
        for dim, size in zip(dims[1:], shape[1:], strict=True):
            known, first = sizes.setdefault(dim, (size, state))
            if known != size:
                raise JaxmorphError(
                    f"study {name}: the dimension {dim} has {known} entries in state {first} and {size} "
                    f"in state {state}; name the two differently in state_variables"
                )


def check_times(problem: Problem, times: np.ndarray, at: str) -> None:
    """Raises JaxmorphError if times are not numbers that increase; ``at``: where they were recorded."""
    name = type(problem.study).__name__
    if not np.isfinite(times).all():
        raise JaxmorphError(f"study {name}: a recorded time is {times[~np.isfinite(times)][0]} {at}")
    late = np.flatnonzero(np.diff(times) <= 0)
    if late.size:
        before, after = times[late[0]], times[late[0] + 1]
        raise JaxmorphError(
            f"study {name}: the recorded times do not increase: {after:g} comes after {before:g} {at}; "
            "record each time once, in order"
        )


_NO_CAST = "compute it from the parameters without casting"
_HOW_REAL = {
    "c": "record real numbers, such as its jnp.abs",
    "b": "record jnp.where(it, 1.0, 0.0)",
    "i": f"{_NO_CAST}, or record 1.0 * it",
    "u": f"{_NO_CAST}, or record 1.0 * it",
}


class NoNumbersError(JaxmorphError):
    """What is not finite in any record that was looked at: all of a run would be left out."""


def check_numbers(problem: Problem, value: np.ndarray, gradient: np.ndarray | None) -> None:
    """Look at the numbers of a few simulations at one point.

    Args:
        problem: The study, what varies and what is measured.
        value: Shape (sample, seed, time, observable), of samples at one point.
        gradient: The same with an axis of parameters, or None.

    Raises:
        NoNumbersError: An observable, or its gradient, is finite in no record of any of them. What is
            not in some records is left out there.
        JaxmorphError: Seeds differ, and the study says that it has no noise.
    """
    name = type(problem.study).__name__
    by_parameters = (...,) if gradient is None else (..., ~problem.discrete)
    numbers = [value] if gradient is None else [value, gradient[by_parameters]]
    for what, x in zip(("", "the gradient of "), numbers, strict=False):
        nowhere = (~np.isfinite(x)).all(axis=(0, 1, 2))
        if not nowhere.any():
            continue
        observable, *parameter = (int(i) for i in np.argwhere(nowhere)[0])
        by = f" by {np.array(problem.names)[~problem.discrete][parameter[0]]}" if parameter else ""
        tip = (
            "sqrt, log, norms and powers have none at 0; keep what is inside of them away from 0"
            if what
            else "record finite numbers, or vary parameters where there are some"
        )
        shown = x[(0, 0, 0, observable, *parameter)]
        raise NoNumbersError(
            f"study {name}: {what}{problem.observables[observable]}{by} is {shown:g} in every "
            f"record at the medians and the quartiles of the parameters, of all seeds; {tip}"
        )
    if not problem.study.is_stochastic and not np.allclose(value[:, :1], value[:, -1:], equal_nan=True):
        raise JaxmorphError(
            f"study {name}: says stochastic = False, and seeds differ; set it to True, or draw nothing "
            "by the key"
        )


def _check_time(name: str, result: Recording) -> None:
    shape = _shape(result.time)
    if shape is None or len(shape) != 1:
        got = type(result.time).__name__ if shape is None else f"of shape {shape}"
        raise JaxmorphError(
            f"study {name}: the recorded time is {got}, must be an array of shape (time,); of one "
            "time t it is jnp.array([t])"
        )
    if shape == (0,):
        raise JaxmorphError(f"study {name}: simulate recorded no times; record one or more")
    if np.dtype(result.time.dtype).kind not in "iuf":
        raise JaxmorphError(
            f"study {name}: the recorded times are {result.time.dtype}; make them real numbers"
        )


def _check_names(
    name: str, what: str, returned: Any, declared: list[str], declared_as: str = ""
) -> None:
    if not isinstance(returned, Mapping):
        raise JaxmorphError(
            f"study {name}: the {what} of the Recording are a {type(returned).__name__}; make it a dict"
        )
    if set(returned) != set(declared):
        the_class = f"the {declared_as} {sorted(declared)}" if declared_as else str(sorted(declared))
        raise JaxmorphError(
            f"study {name}: simulate returned the {what} {sorted(map(str, returned))}, the class "
            f"declares {the_class}; make them the same"
        )


def _check_observable(problem: Problem, observable: str, value: Any, shape: tuple[int, ...]) -> None:
    name = type(problem.study).__name__
    if _shape(value) != shape:
        raise JaxmorphError(
            f"study {name}: observable {observable} has shape {_shape(value)}, time has shape {shape}; "
            "both must have the shape (time,)"
        )
    if value.dtype != np.dtype(problem.study.precision):
        raise JaxmorphError(
            f"study {name}: observable {observable} is {value.dtype}, precision is "
            f"{problem.study.precision}; {_HOW_REAL.get(np.dtype(value.dtype).kind, _NO_CAST)}"
        )


def _shape(value: Any) -> tuple[int, ...] | None:
    """Of an array; None of anything else."""
    return tuple(value.shape) if hasattr(value, "shape") and hasattr(value, "dtype") else None
