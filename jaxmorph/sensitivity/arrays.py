"""Estimates from plain arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from ..distributions import Distribution
from ..errors import JaxmorphError
from .estimate import estimate
from .question import Question

_DIMS = ("sample", "seed", "time", "observable")


def from_arrays(
    theta: npt.ArrayLike,
    value: npt.ArrayLike,
    gradient: npt.ArrayLike,
    parameters: Mapping[str, Distribution],
    *,
    observables: Sequence[str] | None = None,
    time: Sequence[float] | None = None,
    **known: Any,
) -> xr.Dataset:
    """The sensitivity dataset of values and gradients that another program has computed.

    Args:
        theta: Values of the parameters (sample, parameter), in their order in ``parameters``.
        value: (sample, seed), (sample, seed, time) or (sample, seed, time, observable). Seeds are the
            same at every sample, as far as their noise is common.
        gradient: The same with an axis of parameters at its end.
        parameters: The distribution of each, by name.
        observables: Their names; default: ``f``, or ``f0``, ``f1``, ...
        time: Times; default: 0, 1, 2, ...
        **known: What a :class:`Question` has besides: ``design``, ``stochastic=False``, ...

    Raises:
        JaxmorphError: If shapes do not fit one another.
    """
    points, values, gradients = (np.asarray(x, float) for x in (theta, value, gradient))
    names = list(parameters)
    if points.ndim != 2 or points.shape[1] != len(names):
        raise JaxmorphError(
            f"theta: has the shape {points.shape}; must be (sample, parameter) with the parameters "
            f"{', '.join(names)}"
        )
    if not 2 <= values.ndim <= 4 or len(values) != len(points):
        raise JaxmorphError(
            f"value: has the shape {values.shape}; must be (sample, seed[, time[, observable]]) with "
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
    time = range(n_times) if time is None else time
    if (len(time), len(observables)) != (n_times, n_observables):
        raise JaxmorphError(
            f"value: has {n_times} times and {n_observables} observables; time has {len(time)}, "
            f"observables {len(observables)}"
        )
    unit = [d.cdf(column) for d, column in zip(parameters.values(), points.T, strict=True)]
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
        time=("time", np.asarray(time, float), {"units": "1", "long_name": "time"}),
        observable=list(observables),
    )
    return estimate([slab], design, Question(list(parameters.values()), **known))
