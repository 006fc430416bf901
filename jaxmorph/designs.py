"""Designs: which points of parameter space a run evaluates.

The settings of a design are pydantic models, so that a configuration can be checked without numpy;
the points are made by :func:`make_design` with ``scipy.stats.qmc``. Every design is a function of
its settings alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from jaxmorph.distributions import Distribution, LogUniform, Uniform, is_logarithmic
from jaxmorph.errors import JaxmorphError

if TYPE_CHECKING:
    import numpy as np

MAX_SAMPLES = 2**30
"""scipy's Sobol sequence has 30 bits; no run comes near it."""


class _Design(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class SobolDesign(_Design):
    """Scrambled Sobol sequence. It can grow: the first 64 of 128 samples are the same 64."""

    method: Literal["sobol"] = "sobol"
    samples: int = Field(64, ge=2, le=MAX_SAMPLES, description="number of samples, a power of two")
    seed: int = Field(0, ge=0, description="seed of the scrambling")

    @field_validator("samples")
    @classmethod
    def _power_of_two(cls, samples: int) -> int:
        below = 1 << (samples.bit_length() - 1)
        if samples != below:
            raise ValueError(f"must be a power of two; the nearest are {below} and {2 * below}")
        return samples


class LatinHypercubeDesign(_Design):
    """Latin hypercube: each parameter has one sample in each of `samples` equally likely bins."""

    method: Literal["latin-hypercube"] = "latin-hypercube"
    samples: int = Field(64, ge=2, le=MAX_SAMPLES, description="number of samples")
    seed: int = Field(0, ge=0, description="seed of the random points")


_Points = Annotated[int, Field(ge=2)]


class GridDesign(_Design):
    """Full grid, evenly spaced (log-uniform: on the logarithm); the first parameter is slowest."""

    method: Literal["grid"] = "grid"
    points: _Points | dict[str, _Points] = Field(
        5,
        description="number of points, one number for all parameters or one for each "
        "(`{epsilon: 5, alpha: 7}`), 2 or more",
    )

    @field_validator("points", mode="before")
    @classmethod
    def _counts(cls, points: object) -> object:
        counts = points if isinstance(points, Mapping) else {"every parameter": points}
        for name, count in counts.items():
            if type(name) is not str or type(count) is not int:
                raise ValueError("must be a whole number, or one for each parameter")
            if count < 2:
                raise ValueError(f"a grid needs 2 or more points per parameter; {name} has {count}")
        return points

    def shape(self, parameters: Sequence[str]) -> tuple[int, ...]:
        """Number of points along each of ``parameters``."""
        if isinstance(self.points, int):
            return (self.points,) * len(parameters)
        return tuple(self.points[name] for name in parameters)


class ListDesign(_Design):
    """The points that are listed, in their order."""

    method: Literal["list"] = "list"
    points: Annotated[tuple[dict[str, float], ...], Field(strict=False)] = Field(
        min_length=1,
        description="the points, each with a number for each parameter (`{epsilon: 1, alpha: 2}`)",
    )


Design = Annotated[
    SobolDesign | LatinHypercubeDesign | GridDesign | ListDesign, Field(discriminator="method")
]
"""Any of the four; the key ``method`` says which."""


def count_samples(design: Design, parameters: Sequence[str]) -> int:
    """Number of samples of ``design`` over ``parameters``."""
    match design:
        case GridDesign():
            return math.prod(design.shape(parameters))
        case ListDesign():
            return len(design.points)
        case _:
            return design.samples


def grid_obstacle(distributions: Mapping[str, Distribution]) -> str | None:
    """Why a grid over ``distributions`` is impossible, or None if it is possible."""
    for name, distribution in distributions.items():
        if not isinstance(distribution, Uniform | LogUniform):
            return (
                "a grid needs a uniform or log-uniform distribution for every parameter; "
                f"{name} is {distribution.distribution}"
            )
    return None


def make_design(
    design: Design, distributions: Mapping[str, Distribution]
) -> tuple[np.ndarray, np.ndarray]:
    """The points of ``design`` over the parameters that ``distributions`` names, in their order.

    Returns the values and their probabilities (unit values, the cdf of the values), both float64 of
    shape (sample, parameter). The values are finite.

    Raises JaxmorphError for a grid over a distribution without even spacing.
    """
    import numpy as np

    names = list(distributions)
    match design:
        case GridDesign():
            obstacle = grid_obstacle(distributions)
            if obstacle is not None:
                raise JaxmorphError(f"design: {obstacle}")
            shape = design.shape(names)
            value_axes = [
                _grid_axis(distributions[name], n) for name, n in zip(names, shape, strict=True)
            ]
            return _product(value_axes), _product([np.linspace(0, 1, n) for n in shape])
        case ListDesign():
            values = np.array([[point[name] for name in names] for point in design.points])
            return values, _by_column(values, [distributions[n].cdf for n in names])
        case _:
            unit = _unit_samples(design, len(names))
            return _by_column(unit, [distributions[n].ppf for n in names]), unit


def central_sample(unit_values: np.ndarray) -> int:
    """The sample whose farthest coordinate is nearest to 0.5; of several, the first.

    ``unit_values`` has shape (sample, parameter).
    """
    import numpy as np

    distance = np.abs(unit_values - 0.5).max(axis=1)
    # Rounded, so that round-off does not decide between the symmetric points of a grid.
    return int(np.argmin(distance.round(12)))


def _unit_samples(design: SobolDesign | LatinHypercubeDesign, dimensions: int) -> np.ndarray:
    """Points of the open unit cube, shape (sample, parameter)."""
    import numpy as np
    from scipy.stats import qmc

    rng = np.random.default_rng(design.seed)
    engine = qmc.Sobol if isinstance(design, SobolDesign) else qmc.LatinHypercube
    unit = engine(dimensions, rng=rng).random(design.samples)
    # Half of the Sobol sequence's resolution. A normal quantile of exactly 0 or 1 is infinite.
    edge = 2.0**-31
    return np.clip(unit, edge, 1 - edge)


def _grid_axis(distribution: Distribution, points: int) -> np.ndarray:
    import numpy as np

    space = np.geomspace if is_logarithmic(distribution) else np.linspace
    return space(*distribution.support, points)


def _product(axes: list[np.ndarray]) -> np.ndarray:
    """Cartesian product of the axes, the first slowest, shape (sample, parameter)."""
    import numpy as np

    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def _by_column(array: np.ndarray, functions: Sequence[Callable[[np.ndarray], np.ndarray]]) -> np.ndarray:
    import numpy as np

    return np.stack([f(column) for f, column in zip(functions, array.T, strict=True)], axis=1)
