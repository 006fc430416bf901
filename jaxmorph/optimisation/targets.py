"""What an objective asks of each observable at each recorded time, for whoever compares."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from ..configuration.courses import MeasuredCourse
from ..configuration.terms import Target, Term, TimeCourse


def targets(
    terms: Sequence[Term],
    courses: Mapping[int, MeasuredCourse],
    time: Float[np.ndarray, " time"],
    observables: Sequence[str],
) -> tuple[Float[np.ndarray, "time observable"], Float[np.ndarray, "time observable"]]:
    """Values that the observables should have, and their errors; NaN where nothing is asked.

    Data between recorded times are interpolated linearly.

    Args:
        terms: The objective.
        courses: The measured time course of each term that has one, by its place.
        time: Recorded times.
        observables: Those of the objective.
    """
    value, error = (np.full((time.size, len(observables)), np.nan) for _ in range(2))
    for i, term in enumerate(terms):
        column = observables.index(term.observable)
        if isinstance(term, Target):
            where = slice(-1, None) if term.when == "end" else slice(None)
            value[where, column], error[where, column] = term.value, term.error
        elif isinstance(term, TimeCourse):
            course = courses[i]
            inside = (time >= course.time[0]) & (time <= course.time[-1])
            value[inside, column] = np.interp(time[inside], course.time, course.value)
            if course.error is not None:
                error[inside, column] = np.interp(time[inside], course.time, course.error)
    return value, error
