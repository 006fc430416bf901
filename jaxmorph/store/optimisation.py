"""Datasets of an optimisation, from plain arrays; the layout is that of ``docs/optimisation.md``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from ..quantities import COORDINATES, Attributes, Kind, Quantity, describe
from . import optimisation_methods as methods
from .build import Described, named, time_axis
from .files import as_strings

_START, _STEPS, _OPTIMUM = ("start",), ("start", "step"), ("optimum",)
_OF_OPTIMUM = ("optimum", "parameter")
_ALONG = ("optimum", "direction", "point")
_ON_SEEDS = ("start", "evaluation_seed")
_COURSE = ("start", "evaluation_seed", "time", "observable")


def _quantity(
    name: str, long_name: str, dims: tuple[str, ...] = (), unit: str = "1", **more: Any
) -> Quantity:
    return Quantity(name, long_name, unit, dims or (name,), **more)


_QUANTITIES = (
    _quantity("start", "number of the start"),
    _quantity("step", "step: entry s is the state before update s"),
    _quantity("optimum", "number of the optimum, the best first"),
    _quantity("direction", "eigenvector of the Hessian, stiffest first"),
    _quantity("point", "point along a direction"),
    _quantity("map_0", "point along the first free parameter"),
    _quantity("map_1", "point along the second free parameter"),
    _quantity("evaluation_seed", "number of the noise realisation, none of which was optimised on"),
    _quantity("lower_bound", "smallest value that the parameter can take", ("parameter",), "parameter"),
    _quantity("upper_bound", "largest value that the parameter can take", ("parameter",), "parameter"),
    _quantity(
        "unconstrained",
        "parameter on the unconstrained scale",
        (*_STEPS, "parameter"),
        method=methods.BOUNDS,
    ),
    _quantity("loss", "loss of the seeds of the step", _STEPS, method=methods.LOSS),
    _quantity(
        "gradient_norm",
        "norm of the gradient of the loss on the unconstrained scale",
        _STEPS,
        from_gradients=True,
    ),
    _quantity("steps_done", "updates of the start; a refinement is one", _START),
    _quantity(
        "refined",
        "1 if the last update of the start is a refinement, on seeds of its own",
        _START,
        method=methods.REFINEMENT,
    ),
    _quantity("stop_reason", "why the start ended", _START, kind=Kind.LABEL),
    _quantity("evaluation_loss_before", "loss at the start, what each fresh seed says of it", _ON_SEEDS),
    _quantity("evaluation_loss_after", "loss at the end, what each fresh seed says of it", _ON_SEEDS),
    _quantity(
        "improvement",
        "loss at the start minus loss at the end, on fresh seeds",
        _START,
        method=methods.IMPROVEMENT,
    ),
    _quantity(
        "optimum_of_start",
        "optimum in whose basin the start ended; -1 if it was not finite",
        _START,
        method=methods.DISTINCT_OPTIMA,
    ),
    _quantity(
        "optimum_start",
        "best start of the basin, chosen on other seeds than those of optimum_loss",
        _OPTIMUM,
    ),
    _quantity("optimum_loss", "loss at the optimum, on fresh seeds", _OPTIMUM),
    _quantity("optimum_n_starts", "number of starts that ended in the basin", _OPTIMUM),
    _quantity(
        "optimum_parameter_value", "value of the parameter at the optimum", _OF_OPTIMUM, "parameter"
    ),
    _quantity(
        "parameter_low",
        "lower end of the 95 % interval of the parameter",
        _OF_OPTIMUM,
        "parameter",
        from_gradients=True,
    ),
    _quantity(
        "parameter_high",
        "upper end of the 95 % interval of the parameter",
        _OF_OPTIMUM,
        "parameter",
        from_gradients=True,
    ),
    _quantity(
        "covariance",
        "covariance of the parameters at the optimum",
        (*_OF_OPTIMUM, "parameter_2"),
        "parameter^2",
        from_gradients=True,
    ),
    _quantity(
        "hessian_eigenvalue",
        "eigenvalue of the Hessian of the loss, unconstrained scale",
        _ALONG[:2],
        from_gradients=True,
        method=methods.DIRECTIONS,
    ),
    _quantity(
        "hessian_eigenvector",
        "eigenvector of the Hessian of the loss, unconstrained scale",
        (*_ALONG[:2], "parameter"),
        from_gradients=True,
    ),
    _quantity(
        "profile_position",
        "distance from the optimum along the direction, unconstrained scale",
        _ALONG,
    ),
    _quantity(
        "profile_parameter_value",
        "value of the parameter along the direction",
        (*_ALONG, "parameter"),
        "parameter",
    ),
    _quantity(
        "profile_loss", "loss along the direction, on fresh seeds", _ALONG, method=methods.DIRECTIONS
    ),
    _quantity("course_before", "observable at the start, on fresh seeds", _COURSE, "observable"),
    _quantity("course_after", "observable at the end, on fresh seeds", _COURSE, "observable"),
    _quantity("target_value", "value that the observable should have", _COURSE[2:], "observable"),
    _quantity("target_error", "error of that value", _COURSE[2:], "observable"),
    _quantity("goal", "what is asked of the observable", ("observable",), kind=Kind.LABEL),
    _quantity("map_value_0", "value of the first free parameter on the map", ("map_0",), "parameter"),
    _quantity("map_value_1", "value of the second free parameter on the map", ("map_1",), "parameter"),
    _quantity("map_loss", "loss over the two free parameters, on fresh seeds", ("map_0", "map_1")),
)


def optimisation_quantities(attributes: Attributes) -> tuple[Quantity, ...]:
    """What the variables of an optimisation are; ``attributes``: those of the file.

    Which optimiser there was, and what the covariance is, decide how two of them are computed.
    """
    optimiser = str(json.loads(str(attributes.get("optimiser", "{}"))).get("name", ""))
    method = {
        "gradient_norm": methods.of_optimiser(optimiser) if optimiser else None,
        "covariance": methods.of_covariance(str(attributes.get("covariance_kind", ""))),
    }
    return (
        *COORDINATES,
        *(replace(one, method=method.get(one.name, one.method)) for one in _QUANTITIES),
    )


STAGE = _quantity("stage", "before or after the optimisation", ("sample",), kind=Kind.LABEL)


def starts_dataset(
    *,
    numbers: np.ndarray,
    parameters: Sequence[Described],
    parameter_value: np.ndarray,
    unconstrained: np.ndarray,
    loss: np.ndarray,
    loss_se: np.ndarray | None,
    gradient_norm: np.ndarray,
    steps_done: np.ndarray,
    stop_reason: Sequence[str],
    refined: np.ndarray | None,
    attributes: Attributes,
) -> xr.Dataset:
    """The paths of some starts, (start, step, parameter) and (start, step)."""
    data: dict[str, Any] = {
        "parameter_value": (("start", "step", "parameter"), parameter_value),
        "unconstrained": (("start", "step", "parameter"), unconstrained),
        "loss": (("start", "step"), loss),
        "gradient_norm": (("start", "step"), gradient_norm),
        "steps_done": ("start", steps_done),
        "stop_reason": ("start", as_strings(list(stop_reason))),
    }
    if refined is not None:
        data["refined"] = ("start", refined.astype(np.int8))
    if loss_se is not None:
        data["loss_se"] = (("start", "step"), loss_se)
    coords = {
        "start": numbers,
        "step": np.arange(loss.shape[1]),
        **named("parameter", parameters),
    }
    return describe(xr.Dataset(data, coords, attributes), optimisation_quantities(attributes))


def optimisation_dataset(
    starts: xr.Dataset,
    *,
    observables: Sequence[Described],
    goals: Sequence[str],
    time: np.ndarray,
    time_unit: str,
    variables: Mapping[str, tuple[Any, np.ndarray]],
    attributes: Attributes,
) -> xr.Dataset:
    """All starts with what was measured at their ends.

    Args:
        starts: The paths of all starts.
        observables: Those of the objective.
        goals: What is asked of each.
        time: Recorded times.
        time_unit: Their unit.
        variables: Name -> (dims, array); each has its entry in this module.
        attributes: Of the file.
    """
    arrays = {name: array for name, (_, array) in variables.items()}
    names = starts["parameter"].values
    coords = {
        "time": time_axis(time, time_unit),
        "parameter_2": as_strings(list(names)),
        "evaluation_seed": np.arange(arrays["evaluation_loss_after"].shape[-1]),
        **named("observable", observables),
        "goal": ("observable", as_strings(list(goals))),
    }
    dataset = starts.assign(dict(variables)).assign_coords(coords)
    for dim in ("optimum", "direction", "point", "map_0", "map_1"):
        if dim in dataset.dims:
            dataset = dataset.assign_coords({dim: np.arange(dataset.sizes[dim])})
    return describe(dataset.assign_attrs(attributes), optimisation_quantities(attributes))


def optimisation_cells_dataset(dataset: xr.Dataset) -> xr.Dataset:
    """Simulations of one start before and after, which are the two samples of ``dataset``."""
    stages = ("sample", as_strings(["before", "after"]))
    return describe(dataset.assign_coords({STAGE.name: stages}), (STAGE,))
