"""Whether the keys of a run fit each other: the checks that look at more than one of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..designs import (
    Correlation,
    Design,
    GridDesign,
    ListDesign,
    correlation_factor,
    fast_obstacle,
    grid_obstacle,
    score_obstacle,
)
from ..errors import JaxmorphError
from ..listing import joined
from .fields import hint
from .gradient_estimators import GRADIENT_ESTIMATORS
from .look import Figures
from .sections import Animation, TimeSummary

_FEWEST_TIMES = 3
"""Of a summary over time: the time of a maximum is that of a parabola through three."""


def check_grid(design: GridDesign, parameters: Mapping[str, Any]) -> None:
    """Raises ValueError unless a grid over ``parameters`` can be made."""
    if isinstance(design.points, dict):
        check_names("points", design.points, parameters)
    # The study's own distributions are not known yet; the first job checks them.
    known = {name: value for name, value in parameters.items() if value != "default"}
    obstacle = grid_obstacle(known)
    if obstacle is not None:
        raise ValueError(obstacle)


def check_fast(parameters: Mapping[str, Any]) -> None:
    """Raises ValueError unless FAST tells of ``parameters``."""
    # The study's own distributions are not known yet; the first job checks them.
    known = {name: value for name, value in parameters.items() if value != "default"}
    if (obstacle := fast_obstacle(known)) is not None:
        raise ValueError(obstacle)


def discrete_obstacle(distributions: Mapping[str, Any]) -> str | None:
    """Why an optimiser cannot move these parameters, or None if it can."""
    for name, distribution in distributions.items():
        if distribution.is_discrete:
            return (
                f"{name} is {distribution.distribution}, and there is no gradient to follow; name the "
                "others under free, and it stays at its median"
            )
    return None


def starts_obstacle(starts: Design, distributions: Mapping[str, Any]) -> str | None:
    """Why an optimiser cannot start at the points of a list, or None if it can."""
    for index, point in enumerate(starts.points if isinstance(starts, ListDesign) else ()):
        for name, distribution in distributions.items():
            low, high = distribution.support
            # What is at one of two ends is moved inside; a single end is at infinity for an optimiser.
            at_end = point[name] in (low, high) and math.isinf(high - low)
            if at_end or not low <= point[name] <= high:
                return (
                    f"points[{index}].{name} = {point[name]:g}: is not between the bounds of its "
                    f"distribution, {low:g} and {high:g}; start inside"
                )
    return None


def check_correlations(correlations: Sequence[Correlation], distributions: Mapping[str, Any]) -> None:
    """Raises ValueError unless parameters with these distributions can have the ``correlations``."""
    parameters = list(distributions)
    pairs: list[set[str]] = []
    for correlation in correlations:
        for name in correlation.between:
            if name not in parameters:
                raise ValueError(f"{name} is not varied by the run; {hint(name, parameters)}")
        if set(correlation.between) in pairs:
            raise ValueError(f"couples {' and '.join(correlation.between)} twice")
        pairs.append(set(correlation.between))
    known = {name: value for name, value in distributions.items() if value != "default"}
    if (obstacle := score_obstacle(known, correlations)) is not None:
        raise ValueError(obstacle)
    if correlation_factor(parameters, correlations) is None:
        raise ValueError(
            "no parameters can be correlated like that (the matrix of the coefficients is not positive "
            "definite); weaken them"
        )


def check_groups(groups: Mapping[str, Sequence[str]], parameters: Sequence[str]) -> None:
    """Raises ValueError unless these can be groups of ``parameters``, each parameter in one at most."""
    group_of: dict[str, str] = {}
    for name, members in groups.items():
        if name in parameters and name not in members:
            raise ValueError(f"{name} is the name of a parameter of another group; name the group anew")
        if not members:
            raise ValueError(f"{name} names no parameter; name one or more, or leave it out")
        for member in members:
            if member not in parameters:
                raise ValueError(
                    f"{name} names {member}, which the run does not vary; {hint(member, parameters)}"
                )
            if member in group_of:
                raise ValueError(f"{member} is in {group_of[member]} and in {name}; name it only once")
            group_of[member] = name
    if any(len(members) == len(parameters) for members in groups.values()):
        raise ValueError("one group has all parameters, and explains everything; divide them")


def in_one_order(correlations: Sequence[Correlation]) -> tuple[Correlation, ...]:
    """The same in an order that does not depend on how they are written."""
    pairs = sorted((sorted(c.between), c.coefficient) for c in correlations)
    return tuple(Correlation(between=tuple(names), coefficient=c) for names, c in pairs)


def check_names(
    where: str,
    given: Iterable[str],
    wanted: Iterable[str],
    why: str = "which the run does not vary",
) -> None:
    """Raises if ``given`` has not exactly the keys of ``wanted``; ``why`` is said of those too many."""
    missing = [name for name in wanted if name not in given]
    surplus = [name for name in given if name not in wanted]
    if missing or surplus:
        parts = [f"lacks {', '.join(missing)}"] * bool(missing)
        parts += [f"has {', '.join(surplus)}, {why}"] * bool(surplus)
        raise ValueError(f"{where} {' and '.join(parts)}")


def check_summaries(
    summaries: Mapping[str, TimeSummary],
    observables: Sequence[str] | str,
    estimator: str | None = None,
    n_times: int | None = None,
) -> None:
    """Raises ValueError unless summaries over time of ``observables`` can be made.

    Args:
        summaries: By their names.
        observables: Those of the run; ``all``, where the study has not said which these are.
        estimator: Of gradients; None: looked at before.
        n_times: How many are recorded; None: the study has not said it.
    """
    for name, summary in summaries.items():
        if observables != "all" and summary.of not in observables:
            near = hint(summary.of, observables)
            raise ValueError(f"{name}.of = {summary.of}: not an observable of the run; {near}")
        if observables != "all" and name in observables:
            raise ValueError(f"{name}: the name of an observable of the run; take another")
        if n_times is not None and n_times < _FEWEST_TIMES:
            raise ValueError(
                f"{name}: the study records {n_times} time{'s' * (n_times != 1)}, and a summary needs "
                f"{_FEWEST_TIMES} or more"
            )
    declared = GRADIENT_ESTIMATORS.get(estimator or "")
    if summaries and declared and not declared.along_paths:
        good = joined((d.name for d in GRADIENT_ESTIMATORS.values() if d.along_paths), "or")
        raise ValueError(
            f"need gradients of single simulations, which estimator: {estimator} has not; take {good}"
        )


def check_figures(
    figures: Figures, parameters: Iterable[str], observables: Iterable[str], times: Sequence[float]
) -> None:
    """Whether a study has what its figures are to show and to name.

    Args:
        figures: What they are to show.
        parameters: Names of the varied ones.
        observables: Names of the run's.
        times: Those that are recorded.

    Raises:
        JaxmorphError: It has not.
    """
    try:
        figures.check_names(parameters, observables)
    except ValueError as error:
        raise JaxmorphError(f"figures: {error}") from None
    figures.check_times(times)


def check_animation(
    animation: Animation, study: str, fields: Iterable[str], observables: Iterable[str]
) -> None:
    """Whether there is what colours the cells of the films, and the observable beside them.

    Args:
        animation: What the films are to show.
        study: Name of the study, for a message.
        fields: Names of the fields of its cells that it stores.
        observables: Names of the run's observables.

    Raises:
        JaxmorphError: If there is no such field or observable.
    """
    known, observables = ["type", *fields], list(observables)
    if re.sub(r"\[\d+\]$", "", animation.colour) not in known:
        raise JaxmorphError(
            f"animation.colour = {animation.colour}: {study} stores no such field of cells; "
            f"{hint(animation.colour, known)}"
        )
    if animation.observable is not None and animation.observable not in observables:
        raise JaxmorphError(
            f"animation.observable = {animation.observable}: not an observable of the run; "
            f"{hint(animation.observable, observables)}"
        )
