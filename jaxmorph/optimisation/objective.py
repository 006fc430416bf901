"""The loss: squared deviations of means over seeds, and means, of linear features of the observables."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from ..configuration.courses import MeasuredCourse
from ..configuration.fields import hint
from ..configuration.terms import Maximise, Minimise, Target, Term, TimeCourse
from ..errors import JaxmorphError
from ..quantities.units import is_unit
from ..studies import Observable

# A measured time may be beyond the last recorded one by so much of it: both are rounded.
_ROUNDING = 1e-6


@dataclasses.dataclass(frozen=True)
class Objective:
    """L = sum_f q_f (m_f - y_f)^2 + b_f m_f, with m_f the mean over seeds of feature f.

    A feature is a linear combination of the observables at the recorded times.

    Attributes:
        projection: Weights of times and observables in a feature, (feature, time, observable).
        target: y, (feature,).
        curvature: q, (feature,).
        slope: b, (feature,).
        noise: Errors of the targets, (feature, datum): their covariance is ``noise @ noise.T``.
        known: Whether the errors are known; if not, they are all equal.
        measured: Whether the objective holds the model against data, and nothing else.
    """

    projection: Float[np.ndarray, "feature time observable"]
    target: Float[np.ndarray, " feature"]
    curvature: Float[np.ndarray, " feature"]
    slope: Float[np.ndarray, " feature"]
    noise: Float[np.ndarray, "feature datum"]
    known: bool
    measured: bool

    def features(self, value: Any) -> Any:
        """The features of values (..., time, observable), numpy or JAX: (..., feature)."""
        n = self.target.size
        flat = value.reshape(*value.shape[:-2], -1)
        return flat @ self.projection.reshape(n, -1).T.astype(value.dtype)


def observables_of(terms: Sequence[Term]) -> tuple[str, ...]:
    """The observables of an objective, each once."""
    return tuple(dict.fromkeys(term.observable for term in terms))


def make_objective(
    terms: Sequence[Term],
    courses: Mapping[int, MeasuredCourse],
    time: Float[np.ndarray, " time"],
    time_unit: str,
    observables: Mapping[str, Observable],
) -> Objective:
    """The objective that ``terms`` make.

    Args:
        terms: As configured.
        courses: The measured time course of each term that has one, by its place.
        time: Recorded times.
        time_unit: Their unit.
        observables: All of the study's.

    Raises:
        JaxmorphError: If the study has no such observable, or cannot have such values, times or units;
            a line for each.
    """
    problems = [
        f"objective[{i}].{line}"
        for i, term in enumerate(terms)
        for line in _problems(term, courses.get(i), time, time_unit, observables)
    ]
    if problems:
        raise JaxmorphError("\n".join(problems))
    names = observables_of(terms)
    parts = [
        _features(term, courses.get(i), time, names.index(term.observable), len(names))
        for i, term in enumerate(terms)
    ]
    noise = [part.noise for part in parts]
    whole = np.zeros((sum(len(n) for n in noise), sum(n.shape[1] for n in noise)))
    row = column = 0
    for block in noise:
        whole[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    joined = {
        field: np.concatenate([getattr(part, field) for part in parts])
        for field in ("projection", "target", "curvature", "slope")
    }
    known = all(part.known for part in parts)
    return Objective(**joined, noise=whole, known=known, measured=all(part.measured for part in parts))


def _features(
    term: Term, course: MeasuredCourse | None, time: np.ndarray, place: int, n_observables: int
) -> Objective:
    """One term alone."""
    if isinstance(term, TimeCourse):
        assert course is not None
        weights = _interpolation(np.array(course.time), time)
    else:
        weights = np.eye(time.size)[-1:] if term.when == "end" else np.eye(time.size)
    n = len(weights)
    projection = np.zeros((n, time.size, n_observables))
    projection[:, :, place] = weights
    zero = np.zeros(n)
    match term:
        case TimeCourse():
            assert course is not None
            error = np.ones(n) if course.error is None else np.array(course.error)
            q, known = term.weight / n / error**2, course.error is not None
            return Objective(projection, np.array(course.value), q, zero, np.diag(error), known, True)
        case Target(value=value, error=error):
            # One value, compared at n times.
            noise, q = np.full((n, 1), error), np.full(n, term.weight / n / error**2)
            return Objective(projection, np.full(n, value), q, zero, noise, True, True)
    sign = 1 if isinstance(term, Minimise) else -1
    assert isinstance(term, Minimise | Maximise)
    b = np.full(n, sign * term.weight / n)
    return Objective(projection, zero, zero, b, np.zeros((n, 0)), True, False)


def _interpolation(wanted: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Weights (wanted, time) of linear interpolation between recorded times."""
    return np.stack([np.interp(wanted, time, unit) for unit in np.eye(time.size)], axis=1)


def _problems(
    term: Term,
    course: MeasuredCourse | None,
    time: np.ndarray,
    time_unit: str,
    observables: Mapping[str, Observable],
) -> list[str]:
    """What the study says against a term."""
    if term.observable not in observables:
        near = hint(term.observable, observables)
        return [f"observable = {term.observable}: the study has no such name; {near}"]
    about = observables[term.observable]
    if isinstance(term, Target):
        return [f"value = {term.value:g}: {text}" for text in _impossible(about, [term.value])]
    if not isinstance(term, TimeCourse):
        return []
    assert course is not None
    units = {"time": time_unit, about.name: about.unit, f"{about.name}_error": about.unit}
    lines = [
        f"the unit of {name} is {unit}, that of the study is {units[name]}: "
        f"{_why_not(unit, units[name])}"
        for name, unit in course.units.items()
        if unit != units[name]
    ]
    lines += _impossible(about, course.value)
    slack = _ROUNDING * (time[-1] - time[0])
    outside = [t for t in course.time if not time[0] - slack <= t <= time[-1] + slack]
    if outside:
        lines.append(
            f"time {outside[0]:g} is outside of what is simulated, {time[0]:g} to {time[-1]:g} "
            f"(unit {time_unit})"
        )
    return [f"data = {term.data}: {line}" for line in lines]


def _why_not(unit: str, wanted: str) -> str:
    """Why numbers in one unit are none in another."""
    unknown = [one for one in (unit, wanted) if not is_unit(one)]
    if unknown:
        return f"UDUNITS does not know {unknown[0] or 'an empty unit'}, so write {wanted}"
    return "one is no multiple of the other"


def _impossible(about: Observable, values: Sequence[float]) -> list[str]:
    """The first of ``values`` that the observable cannot have."""
    for value in values:
        if about.low is not None and value < about.low:
            return [f"{about.name} cannot be {value:g}; it is at least {about.low:g}"]
        if about.high is not None and value > about.high:
            return [f"{about.name} cannot be {value:g}; it is at most {about.high:g}"]
    return []
