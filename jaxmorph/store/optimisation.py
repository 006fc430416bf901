"""Datasets of an optimisation, from plain arrays; the layout is that of ``docs/optimisation.md``."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from .build import COORDINATES, Described, described
from .files import as_strings, describe

_NAMES = {
    "start": ("number of the start", "1"),
    "step": ("step: entry s is the state before update s", "1"),
    "optimum": ("number of the optimum, the best first", "1"),
    "direction": ("eigenvector of the Hessian, stiffest first", "1"),
    "point": ("point along a direction", "1"),
    "map_0": ("point along the first free parameter", "1"),
    "map_1": ("point along the second free parameter", "1"),
    "parameter_2": ("name of the parameter", "1"),
    "evaluation_seed": ("number of the noise realisation, none of which was optimised on", "1"),
    "parameter_value": ("value of the parameter", "see parameter_unit"),
    "lower_bound": ("smallest value that the parameter can take", "see parameter_unit"),
    "upper_bound": ("largest value that the parameter can take", "see parameter_unit"),
    "unconstrained": ("parameter on the unconstrained scale", "1"),
    "loss": ("loss of the seeds of the step", "1"),
    "loss_se": ("standard error of the loss over the seeds of the step", "1"),
    "gradient_norm": ("norm of the gradient of the loss on the unconstrained scale", "1"),
    "steps_done": ("updates of the start; a refinement is one", "1"),
    "refined": ("1 if the last update of the start is a refinement, on seeds of its own", "1"),
    "stop_reason": ("why the start ended", "1"),
    "evaluation_loss_before": ("loss at the start, what each fresh seed says of it", "1"),
    "evaluation_loss_after": ("loss at the end, what each fresh seed says of it", "1"),
    "improvement": ("loss at the start minus loss at the end, on fresh seeds", "1"),
    "improvement_low": ("lower end of the 95 % interval of the improvement", "1"),
    "improvement_high": ("upper end of the 95 % interval of the improvement", "1"),
    "optimum_of_start": ("optimum in whose basin the start ended; -1 if it was not finite", "1"),
    "optimum_start": ("best start of the basin, chosen on other seeds than those of optimum_loss", "1"),
    "optimum_loss": ("loss at the optimum, on fresh seeds", "1"),
    "optimum_loss_se": ("standard error of the loss at the optimum", "1"),
    "optimum_n_starts": ("number of starts that ended in the basin", "1"),
    "optimum_parameter_value": ("value of the parameter at the optimum", "see parameter_unit"),
    "parameter_low": ("lower end of the 95 % interval of the parameter", "see parameter_unit"),
    "parameter_high": ("upper end of the 95 % interval of the parameter", "see parameter_unit"),
    "covariance": ("covariance of the parameters at the optimum", "product of both parameter_unit"),
    "hessian_eigenvalue": ("eigenvalue of the Hessian of the loss, unconstrained scale", "1"),
    "hessian_eigenvector": ("eigenvector of the Hessian of the loss, unconstrained scale", "1"),
    "profile_position": ("distance from the optimum along the direction, unconstrained scale", "1"),
    "profile_parameter_value": ("value of the parameter along the direction", "see parameter_unit"),
    "profile_loss": ("loss along the direction, on fresh seeds", "1"),
    "profile_loss_se": ("standard error of the loss along the direction", "1"),
    "course_before": ("observable at the start, on fresh seeds", "see observable_unit"),
    "course_after": ("observable at the end, on fresh seeds", "see observable_unit"),
    "target_value": ("value that the observable should have", "see observable_unit"),
    "target_error": ("error of that value", "see observable_unit"),
    "goal": ("what is asked of the observable", "1"),
    "map_value_0": ("value of the first free parameter on the map", "see parameter_unit"),
    "map_value_1": ("value of the second free parameter on the map", "see parameter_unit"),
    "stage": ("before or after the optimisation", "1"),
    "map_loss": ("loss over the two free parameters, on fresh seeds", "1"),
}


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
    attributes: Mapping[str, Any],
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
        **described("parameter", parameters),
    }
    return describe(xr.Dataset(data, coords, attributes), COORDINATES | _NAMES)


def optimisation_dataset(
    starts: xr.Dataset,
    *,
    observables: Sequence[Described],
    goals: Sequence[str],
    time: np.ndarray,
    time_unit: str,
    variables: Mapping[str, tuple[Any, np.ndarray]],
    attributes: Mapping[str, Any],
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
        "time": ("time", time, {"long_name": "model time", "units": time_unit}),
        "parameter_2": as_strings(list(names)),
        "evaluation_seed": np.arange(arrays["evaluation_loss_after"].shape[-1]),
        **described("observable", observables),
        "goal": ("observable", as_strings(list(goals))),
    }
    dataset = starts.assign(dict(variables)).assign_coords(coords)
    for dim in ("optimum", "direction", "point", "map_0", "map_1"):
        if dim in dataset.dims:
            dataset = dataset.assign_coords({dim: np.arange(dataset.sizes[dim])})
    return describe(dataset.assign_attrs(attributes), COORDINATES | _NAMES)


def optimisation_cells_dataset(dataset: xr.Dataset) -> xr.Dataset:
    """Simulations of one start before and after, which are the two samples of ``dataset``."""
    stage = ("sample", as_strings(["before", "after"]))
    return describe(dataset.assign_coords(stage=stage), _NAMES)
