"""Datasets of a design, a batch, the corners and the checks, from plain arrays.

The layout is that of ``docs/data.md``. Descriptions of parameters, observables and state variables come
in as small objects with ``name``, ``unit`` and ``description``; this room knows nothing more of a study.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr

from ..distributions import Distribution
from ..quantities import COORDINATES, Attributes, Kind, Method, Quantity, describe, written_unit
from .files import as_strings
from .lines import LINES
from .one_answer import ONE_ANSWER
from .provenance import design_hash


class Described(Protocol):
    """Something with a name, a unit and a description."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def description(self) -> str: ...


class DescribedParameter(Described, Protocol):
    """A described parameter, with the value it has when it is not varied."""

    @property
    def default(self) -> float: ...


class DescribedState(Described, Protocol):
    """A described field of the state, with the names of its dimensions after time."""

    @property
    def dims(self) -> tuple[str, ...]: ...
    @property
    def categorical(self) -> bool: ...


_PAIR = ("sample", "seed", "time", "observable")
VALUE = Quantity("value", "observable", "observable", _PAIR, Kind.VALUE)
PATH_SCORE = Quantity(
    "path_score",
    "d ln p / d parameter of the density of the Gaussian steps of a stretch of the path; NaN for a "
    "parameter that an observable depends on besides",
    "parameter^-1",
    ("sample", "seed", "stretch", "parameter"),
    Kind.DERIVATIVE,
)
NOISE_TERMS = (
    Quantity(
        "noise_difference",
        "difference between noise and other noise, a factor of noise_slope",
        "observable",
        _PAIR,
        Kind.VALUE,
    ),
    Quantity(
        "noise_slope",
        "times noise_difference, on average over seeds: d variance between seeds / d parameter, or what "
        "twice the covariance of value and gradient leaves of it (estimator: score)",
        "observable parameter^-1",
        (*_PAIR, "parameter"),
        Kind.DERIVATIVE,
        from_gradients=True,
    ),
)
STORED = Quantity(
    "trajectory_stored",
    "whether the states of this sample and seed are stored",
    "1",
    ("sample", "seed"),
    Kind.FLAG,
)
CORNER = Quantity("corner", "which corner of parameter space", "1", ("sample",), Kind.LABEL)


def gradient_quantity(kind: str) -> Quantity:
    """The gradients of a file; ``kind``: what they are (``pathwise``)."""
    return Quantity(
        "gradient",
        f"d observable / d parameter, {kind}",
        "observable parameter^-1",
        (*_PAIR, "parameter"),
        Kind.DERIVATIVE,
        from_gradients=True,
    )


CHECKS = (
    Quantity(
        "mode_difference",
        "largest relative difference between forward and reverse mode, for a random mix of outputs",
        "1",
        ("sample", "seed"),
    ),
    Quantity(
        "lyapunov_exponent",
        "finite-time Lyapunov exponent of the state",
        "time^-1",
        ("sample", "seed", "time"),
        method=Method(
            "Finite-time Lyapunov exponent",
            "ln(|tangent of the state at t| / |tangent at 0|) / t",
            "From a random tangent that is scaled back to length 1 as it goes.",
            "Benettin et al., Meccanica 15 (1980) 9-20",
        ),
    ),
    Quantity(
        "finite_difference",
        "d observable / d parameter by central differences with common random numbers",
        "observable parameter^-1",
        (*_PAIR, "parameter"),
        Kind.DERIVATIVE,
    ),
    Quantity(
        "finite_difference_error",
        "estimated error of the finite difference",
        "observable parameter^-1",
        (*_PAIR, "parameter"),
    ),
    Quantity(
        "relative_difference",
        "difference between automatic gradient and finite difference, over the largest over time",
        "1",
        (*_PAIR, "parameter"),
    ),
)


def clashes(variables: Sequence[DescribedState]) -> list[str]:
    """One line for each name of a field or of a dimension that files have for something else."""
    declared = (
        *(*COORDINATES, VALUE, PATH_SCORE, *NOISE_TERMS, STORED, CORNER),
        *(*CHECKS, *ONE_ANSWER, *LINES, gradient_quantity("")),
    )
    taken = {q.name for q in declared} | {"time", "stage", "point"}
    dims = {dim for variable in variables for dim in variable.dims}
    lines = [
        f"state_variables: {name} is the name of something else in a file; call it otherwise, "
        f"cell_{name} say"
        for name in (v.name for v in variables)
        if name in taken | dims
    ]
    return lines + [
        f"state_variables: the dimension {dim} is that of something else in a file; call it otherwise, "
        f"cell_{dim} say"
        for dim in sorted(dims & taken)
    ]


def named(dim: str, items: Sequence[Described]) -> dict[str, Any]:
    """The coordinates of a dimension of named things."""
    return {
        dim: as_strings([i.name for i in items]),
        f"{dim}_unit": (dim, as_strings([i.unit for i in items])),
        f"{dim}_description": (dim, as_strings([i.description for i in items])),
    }


def time_axis(time: np.ndarray, unit: str) -> tuple[str, np.ndarray, dict[str, str]]:
    """The coordinate ``time``."""
    return "time", time, {"long_name": "model time"} | written_unit(unit)


def design_dataset(
    values: np.ndarray,
    unit_values: np.ndarray,
    parameters: Sequence[DescribedParameter],
    distributions: Sequence[Distribution],
    attributes: Attributes,
) -> xr.Dataset:
    """The points of a design; ``values`` and ``unit_values`` have the shape (sample, parameter)."""
    dataset = xr.Dataset(
        {
            "parameter_value": (("sample", "parameter"), values),
            "unit_value": (("sample", "parameter"), unit_values),
        },
        coords={
            "sample": np.arange(len(values)),
            **named("parameter", parameters),
            "parameter_default": ("parameter", np.array([p.default for p in parameters])),
        },
        attrs={
            **attributes,
            "distributions": json.dumps([d.model_dump(mode="json") for d in distributions]),
            "design_hash": design_hash(values),
        },
    )
    return describe(dataset, COORDINATES)


def batch_dataset(
    *,
    samples: np.ndarray,
    seeds: np.ndarray,
    time: np.ndarray,
    time_unit: str,
    parameter_value: np.ndarray,
    parameters: Sequence[Described],
    observables: Sequence[Described],
    value: np.ndarray,
    gradient: np.ndarray | None,
    attributes: Attributes,
    gradient_kind: str = "pathwise",
    path_score: np.ndarray | None = None,
    noise: Sequence[np.ndarray] | None = None,
) -> xr.Dataset:
    """Values (sample, seed, time, observable) and gradients (..., parameter) of a batch.

    ``gradient_kind`` says what its gradients are, in words; ``path_score`` (sample, seed, stretch,
    parameter) is there if an estimator of gradients had it; so is ``noise``, for each value a
    ``noise_difference`` and for each gradient a ``noise_slope``.
    """
    dims = ("sample", "seed", "time", "observable")
    data: dict[str, Any] = {
        "parameter_value": (("sample", "parameter"), parameter_value),
        "value": (dims, value),
    }
    if gradient is not None:
        data["gradient"] = ((*dims, "parameter"), gradient)
    if path_score is not None:
        data[PATH_SCORE.name] = (PATH_SCORE.dims, path_score)
    if noise is not None:
        data |= {q.name: (q.dims, array) for q, array in zip(NOISE_TERMS, noise, strict=True)}
    dataset = xr.Dataset(
        data,
        coords={
            "sample": samples,
            "seed": seeds,
            "time": time_axis(time, time_unit),
            **named("parameter", parameters),
            **named("observable", observables),
        },
        attrs={**attributes, "design_hash": design_hash(parameter_value)},
    )
    known = (*COORDINATES, VALUE, PATH_SCORE, *NOISE_TERMS, gradient_quantity(gradient_kind))
    return describe(dataset, known)


def with_trajectories(
    dataset: xr.Dataset,
    samples: Sequence[int] | np.ndarray,
    seeds: Sequence[int] | np.ndarray,
    states: Mapping[str, np.ndarray],
    variables: Sequence[DescribedState],
) -> xr.Dataset:
    """``dataset`` with the states (sample, seed, time, ...) of some of its samples and seeds.

    The variables span all samples and seeds of the dataset and are NaN where no trajectory is stored
    (which compression makes free); ``trajectory_stored`` (sample, seed) says where one is.
    """
    units = {v.name: v for v in variables}
    stored = xr.Dataset(coords={"sample": samples, "seed": seeds})
    for name, array in states.items():
        about = units[name]
        attrs: dict[str, Any] = {"long_name": about.description} | written_unit(about.unit)
        if about.categorical:
            attrs["categorical"] = 1
        stored[name] = (("sample", "seed", "time", *about.dims), array, attrs)
    stored = stored.reindex(sample=dataset["sample"], seed=dataset["seed"])
    dataset = dataset.merge(stored, join="exact", combine_attrs="override")
    wanted = dataset["sample"].isin(samples) & dataset["seed"].isin(seeds)
    return describe(dataset.assign({STORED.name: wanted}), (*COORDINATES, STORED))


def corners_dataset(dataset: xr.Dataset, corners: Sequence[str]) -> xr.Dataset:
    """A batch of the corners of parameter space, with the name of each corner."""
    names = ("sample", as_strings(list(corners)))
    return describe(dataset.assign_coords({CORNER.name: names}), (CORNER,))


def checks_dataset(
    dataset: xr.Dataset,
    finite_difference: np.ndarray | None,
    error: np.ndarray | None,
    mode_difference: np.ndarray | None,
    lyapunov_exponent: np.ndarray | None,
    absent: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """A batch of automatic gradients, with what they are held against. None: there is no such thing.

    Args:
        dataset: The batch.
        finite_difference: Of the shape of the gradients.
        error: Estimated error of the finite differences, the same shape.
        mode_difference: Between forward and reverse mode, (sample, seed).
        lyapunov_exponent: (sample, seed, time), per unit of time.
        absent: Names of variables that this study cannot have, with the reason.
    """
    if finite_difference is not None:
        gradient, dims = dataset["gradient"], dataset["gradient"].dims
        difference = abs(gradient - finite_difference)
        largest = abs(gradient).max("time")
        # Where every gradient is 0 the relative difference is that of 0 and 0, or infinite.
        relative = difference / largest.where(largest > 0, np.finfo(float).tiny)
        dataset = dataset.assign(
            finite_difference=(dims, finite_difference),
            finite_difference_error=(dims, error),
            relative_difference=relative.where(difference > 0, 0.0).transpose(*dims),
        )
    if mode_difference is not None:
        dataset = dataset.assign(mode_difference=(("sample", "seed"), mode_difference))
    if lyapunov_exponent is not None:
        dataset = dataset.assign(lyapunov_exponent=(("sample", "seed", "time"), lyapunov_exponent))
    if absent:
        dataset = dataset.assign_attrs(absent_estimates=json.dumps(absent))
    return describe(dataset, CHECKS)
