"""Estimates from plain arrays."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from ..configuration.fits import check_groups
from ..designs import Correlation, Design, count_samples
from ..designs.settings import DESIGNS
from ..distributions import Distribution, as_distribution, is_foreign
from ..distributions.base import BaseDistribution
from ..errors import JaxmorphError
from ..listing import shortened
from .estimate import estimate
from .question import Question

_MOST_TRIMMED = 0.5
_DIMS = ("sample", "seed", "time", "observable")


def from_arrays(
    theta: npt.ArrayLike,
    value: npt.ArrayLike,
    gradient: npt.ArrayLike | None,
    parameters: Mapping[str, Any],
    *,
    observables: Sequence[str] | None = None,
    time: Sequence[float] | None = None,
    **known: Any,
) -> xr.Dataset:
    """The sensitivity dataset of values and gradients that another program has computed.

    Args:
        theta: Values of the parameters (sample, parameter), in their order in ``parameters``.
        value: (sample, seed), (sample, seed, time) or (sample, seed, time, observable). Seeds are the
            same at every sample, as far as their noise is common. Or (sample) alone, of a model without
            noise.
        gradient: The same with an axis of parameters at its end.
        parameters: The distribution of each, by name (of :mod:`jaxmorph.distributions`, SciPy, OpenTURNS
            or chaospy).
        observables: Their names; default: ``f``, or ``f0``, ``f1``, ...
        time: Times; default: 0, 1, 2, ...
        **known: What a :class:`Question` has besides: ``design`` (one of ``jaxmorph.designs``, whose
            rows ``theta`` are then), ``stochastic=False``, ...

    Raises:
        JaxmorphError: If shapes do not fit one another, or points not the distributions or the design.
    """
    check_types(gradient, parameters, known)
    parameters = {name: as_distribution(given) for name, given in parameters.items()}
    points, values, gradients = (
        _numbers(name, x) for name, x in (("theta", theta), ("value", value), ("gradient", gradient))
    )
    names = list(parameters)
    if values.ndim == 1 and gradients.ndim == 2:
        values, gradients = values[:, None], gradients[:, None]
        known = {"stochastic": False} | known
    if points.ndim != 2 or points.shape[1] != len(names) or not len(points):
        raise JaxmorphError(
            f"theta: has the shape {points.shape}; must be (sample, parameter) with the parameters "
            f"{', '.join(names)}"
        )
    if not 2 <= values.ndim <= 4 or len(values) != len(points):
        raise JaxmorphError(
            f"value: has the shape {values.shape}; must be (sample[, seed[, time[, observable]]]) with "
            f"{len(points)} samples"
        )
    if gradients.shape != (*values.shape, len(names)):
        raise JaxmorphError(
            f"gradient: has the shape {gradients.shape}; must be that of value and an axis of "
            f"parameters, {(*values.shape, len(names))}"
        )
    missing = (1,) * (4 - values.ndim)
    values = values.reshape(*values.shape, *missing)
    gradients = gradients.reshape(*values.shape, len(names))
    n_times, n_observables = values.shape[2:]
    if observables is None:
        observables = ["f"] if n_observables == 1 else [f"f{i}" for i in range(n_observables)]
    times = _course(range(n_times) if time is None else time)
    is_list = isinstance(observables, Sequence | np.ndarray) and not isinstance(observables, str)
    if not is_list or len({*observables}) < len(observables):
        raise JaxmorphError(f"observables = {observables!r}: must be a list of names, each once")
    if (len(times), len(observables)) != (n_times, n_observables):
        raise JaxmorphError(
            f"value: has {n_times} times and {n_observables} observables; time has {len(times)}, "
            f"observables {len(observables)}"
        )
    known = {"independent": not known.get("correlations")} | known
    unit = [d.cdf(column) for d, column in zip(parameters.values(), points.T, strict=True)]
    groups = known.get("groups", {})
    _check_points(points, parameters, known.get("design"), groups)
    of_points = {"parameter_value": points, "unit_value": np.column_stack(unit)}
    design = xr.Dataset(
        {name: (("sample", "parameter"), array) for name, array in of_points.items()},
        {"sample": np.arange(len(points)), "parameter": names},
    )
    slab = design[["parameter_value"]].assign(
        value=(_DIMS, values), gradient=((*_DIMS, "parameter"), gradients)
    )
    slab = slab.assign_coords(
        seed=np.arange(values.shape[1]),
        time=("time", times, {"units": "1", "long_name": "time"}),
        observable=list(observables),
    )
    return estimate([slab], design, Question(list(parameters.values()), **known))


def check_types(
    gradient: npt.ArrayLike | None, parameters: Mapping[str, object], known: Mapping[str, Any]
) -> None:
    """Raises JaxmorphError for what has no shape at all: a missing gradient, bounds, another word."""
    if gradient is None:
        raise JaxmorphError(
            "gradient = None: these estimates are made of gradients; of values alone, SALib makes some"
        )
    if not isinstance(parameters, Mapping):
        raise JaxmorphError(
            f"parameters = {parameters!r}: must be a mapping of names to distributions, in the order of "
            "the columns of theta"
        )
    for name, distribution in parameters.items():
        if not (isinstance(distribution, BaseDistribution) or is_foreign(distribution)):
            raise JaxmorphError(
                f"parameters.{name} = {distribution!r}: must be one of jaxmorph.distributions, such as "
                "Uniform(low=0, high=1)"
            )
    fields = [field.name for field in dataclasses.fields(Question) if field.name != "distributions"]
    if unknown := sorted(set(known) - set(fields)):
        raise JaxmorphError(f"{unknown[0]}: unknown argument; besides there are {', '.join(fields)}")
    if not isinstance(known.get("design"), (*DESIGNS.values(), type(None))):
        raise JaxmorphError(
            f"design = {known['design']!r}: must be one of jaxmorph.designs, such as "
            "SaltelliDesign(samples=1024)"
        )
    if not isinstance(known.get("groups", {}), Mapping):
        raise JaxmorphError(
            f"groups = {known['groups']!r}: must be a mapping of names to lists, such as "
            "{'mechanics': ['a', 'b']}"
        )
    couples = known.get("correlations", ())
    if not isinstance(couples, Sequence) or not all(isinstance(one, Correlation) for one in couples):
        raise JaxmorphError(
            f"correlations = {shortened(' '.join(repr(couples).split()), 60)}: must be a list of "
            "jaxmorph.designs.Correlation(between=('a', 'b'), coefficient=0.5)"
        )
    for name in ("stochastic", "independent", "pathwise", "complete", "noise_covaries"):
        if not isinstance(known.get(name, True), bool | np.bool_):
            raise JaxmorphError(f"{name} = {known[name]!r}: must be True or False")
    if not (isinstance(trim := known.get("trim", 0.0), int | float) and 0 <= trim < _MOST_TRIMMED):
        raise JaxmorphError(f"trim = {trim!r}: must be a share from 0 to less than {_MOST_TRIMMED:g}")


def _numbers(argument: str, given: object) -> np.ndarray:
    """An array of real numbers."""
    try:
        array = np.asarray(given)
        if array.dtype.kind == "c":
            raise ValueError("it is complex")
        return array.astype(float)
    except (TypeError, ValueError) as error:
        why = str(error).partition(". ")[0]
        raise JaxmorphError(f"{argument}: must be an array of real numbers; {why}") from None


def _course(time: object) -> np.ndarray:
    """Times that increase."""
    array = np.atleast_1d(_numbers("time", time))
    if array.ndim > 1 or not np.isfinite(array).all() or (np.diff(array) <= 0).any():
        raise JaxmorphError(f"time = {time!r}: must be numbers that increase, one for each record")
    return array


def _check_points(
    points: np.ndarray,
    parameters: Mapping[str, Distribution],
    design: Design | None,
    groups: Mapping[str, Sequence[str]],
) -> None:
    for (name, distribution), column in zip(parameters.items(), points.T, strict=True):
        low, high = distribution.support
        margin = 1e-9 * (high - low) if np.isfinite(high - low) else 0.0
        outside = (column < low - margin) | (column > high + margin) | np.isnan(column)
        if outside.any():
            row = int(np.argmax(outside))
            raise JaxmorphError(
                f"theta: {name} = {column[row]:.6g} of sample {row} is outside its distribution, "
                f"{low:.6g} to {high:.6g}"
            )
    try:
        check_groups(groups, list(parameters))
    except ValueError as error:
        raise JaxmorphError(f"groups: {error}") from error
    if design is None:
        return
    if (wanted := count_samples(design, list(parameters), groups.values())) != len(points):
        raise JaxmorphError(
            f"design: has {wanted} points, and theta has {len(points)}; give the design of these rows"
        )
