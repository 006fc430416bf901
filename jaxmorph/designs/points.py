"""The points of each design: probabilities on the unit cube, and the values they stand for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..distributions import Distribution
from ..errors import JaxmorphError
from .copula import (
    Correlation,
    correlated,
    correlation_factor,
    independence_obstacle,
    score_obstacle,
)
from .groups import parts
from .settings import (
    Design,
    FastDesign,
    GridDesign,
    Groups,
    LatinHypercubeDesign,
    ListDesign,
    MorrisDesign,
    OneAtATimeDesign,
    SaltelliDesign,
    SobolDesign,
    fast_obstacle,
    grid_obstacle,
)

if TYPE_CHECKING:
    import numpy as np

_ROUNDING = 1e-9
"""A listed point may be beyond an end of its distribution by this share of it."""
_EDGE = 2.0**-31
"""Half of the Sobol sequence's resolution. A normal quantile of exactly 0 or 1 is infinite."""


def make_design(
    design: Design,
    distributions: Mapping[str, Distribution],
    correlations: Sequence[Correlation] = (),
    groups: Groups = (),
) -> tuple[np.ndarray, np.ndarray]:
    """The points of ``design`` over the parameters that ``distributions`` names, in their order.

    Args:
        design: The settings.
        distributions: The distribution of each parameter.
        correlations: Which of them are correlated; only for Sobol and Latin hypercube designs.
        groups: Which of them move together, in Saltelli and Morris designs.

    Returns:
        The values and their probabilities (unit values, the cdf of the values), both float64 of shape
        (sample, parameter). The values are finite.

    Raises:
        JaxmorphError: A grid over a distribution without even spacing, correlations in a design that
            needs independent parameters, or correlations that cannot be.
    """
    import numpy as np

    names = list(distributions)
    if (obstacle := independence_obstacle(design, correlations)) is not None:
        raise JaxmorphError(f"design: {obstacle}")
    if isinstance(design, FastDesign) and (obstacle := fast_obstacle(distributions)) is not None:
        raise JaxmorphError(f"design: {obstacle}")
    if (obstacle := score_obstacle(distributions, correlations)) is not None:
        raise JaxmorphError(f"correlations: {obstacle}")
    match design:
        case GridDesign():
            return _grid(design, distributions)
        case ListDesign():
            values = np.array([[point[name] for name in names] for point in design.points])
            _check_inside(values, distributions)
            return values, _by_column(values, [distributions[n].cdf for n in names])
        case MorrisDesign():
            unit = _inside(_morris_levels(design, names, groups), distributions)
        case OneAtATimeDesign():
            unit = _inside(_one_at_a_time(design.points, len(names)), distributions)
        case SaltelliDesign():
            unit = np.clip(_salib_samples(design, names, groups), _EDGE, 1 - _EDGE)
        case FastDesign():
            unit = np.clip(_salib_samples(design, names, ()), _EDGE, 1 - _EDGE)
        case _:
            unit = np.clip(_unit_samples(design, len(names)), _EDGE, 1 - _EDGE)
            if correlations:
                unit = _correlated(unit, names, correlations)
    return _by_column(unit, [distributions[n].ppf for n in names]), unit


def _check_inside(values: np.ndarray, distributions: Mapping[str, Distribution]) -> None:
    """Raises JaxmorphError if a point is none that the distributions can give: it has no probability."""
    import numpy as np

    for column, (name, distribution) in zip(values.T, distributions.items(), strict=True):
        low, high = distribution.support
        margin = _ROUNDING * (high - low) if math.isfinite(high - low) else 0.0
        outside = np.flatnonzero((column < low - margin) | (column > high + margin))
        if outside.size:
            raise JaxmorphError(
                f"design.points[{outside[0]}].{name} = {column[outside[0]]:g}: is outside of its "
                f"distribution, {low:g} to {high:g}; widen the distribution, or leave the point out"
            )


def central_sample(unit_values: np.ndarray) -> int:
    """The sample whose farthest coordinate is nearest to 0.5; of several, the first.

    ``unit_values`` has shape (sample, parameter).
    """
    import numpy as np

    distance = np.abs(unit_values - 0.5).max(axis=1)
    # Rounded, so that round-off does not decide between the symmetric points of a grid.
    return int(np.argmin(distance.round(12)))


def spread_samples(n_samples: int, wanted: int) -> np.ndarray:
    """At most ``wanted`` of ``n_samples`` samples, evenly spread from the first to the last."""
    import numpy as np

    return np.unique(np.linspace(0, n_samples - 1, min(wanted, n_samples)).round().astype(int))


def design_weights(design: Design, parameters: Sequence[str]) -> np.ndarray | None:
    """Weights (sample,), summing to 1, of an average over the parameters' distributions.

    For a grid the product of the trapezoid rule's weights along each of ``parameters``; None for every
    other design: the plain average, if its samples represent the distributions at all.
    """
    import numpy as np

    if not isinstance(design, GridDesign):
        return None
    axes = [np.ones(n) for n in design.shape(parameters)]
    for weights in axes:
        weights[[0, -1]] = 0.5
    return _cartesian([weights / weights.sum() for weights in axes]).prod(axis=1)


def _unit_samples(design: SobolDesign | LatinHypercubeDesign, dimensions: int) -> np.ndarray:
    """Points of the unit cube, shape (sample, parameter)."""
    import numpy as np
    from scipy.stats import qmc

    rng = np.random.default_rng(design.seed)
    if isinstance(design, SobolDesign):
        n = design.samples // design.replicates
        return _taking_turns(
            [qmc.Sobol(dimensions, rng=one).random(n) for one in _of_each(rng, design.replicates)]
        )
    return qmc.LatinHypercube(dimensions, rng=rng).random(design.samples)


def _of_each(rng: np.random.Generator, replicates: int) -> list[np.random.Generator]:
    """A generator for each replicate; of one alone the very one."""
    return [rng] if replicates == 1 else rng.spawn(replicates)


def _taking_turns(parts: list[np.ndarray], size: int = 1) -> np.ndarray:
    """Points of replicates (sample, parameter), a group of ``size`` of each in turn: so all can grow."""
    import numpy as np

    groups = [part.reshape(-1, size, part.shape[1]) for part in parts]
    return np.stack(groups, axis=1).reshape(-1, parts[0].shape[1])


def _salib_samples(
    design: SaltelliDesign | FastDesign | MorrisDesign, names: Sequence[str], groups: Groups
) -> np.ndarray:
    """Points of the unit cube by SALib, shape (sample, parameter), in SALib's order.

    SALib has the groups in the order of their first parameters, as ``parts``.
    """
    import numpy as np

    together = parts(names, groups)
    problem: dict[str, Any] = {
        "num_vars": len(names),
        "names": [f"x{i}" for i in range(len(names))],
        "bounds": [[0.0, 1.0]] * len(names),
    }
    if len(together) < len(names):
        problem["groups"] = [f"g{i}" for n in names for i, part in enumerate(together) if n in part]
    rng = np.random.default_rng(design.seed)
    # What SALib warns of is for its authors (deprecations) or checked by the settings.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        match design:
            case SaltelliDesign(samples=n, second_order=second):
                from SALib.sample import sobol

                n = n // design.replicates
                each = [
                    sobol.sample(problem, n, calc_second_order=second, scramble=True, seed=one)
                    for one in _of_each(rng, design.replicates)
                ]
                return _taking_turns(each, design.points_of_unit(len(together)))
            case FastDesign(samples=n, harmonics=harmonics):
                from SALib.sample import fast_sampler

                return fast_sampler.sample(problem, n, M=harmonics, seed=rng)
            case MorrisDesign(trajectories=n, levels=levels):
                from SALib.sample import morris

                return morris.sample(problem, n, num_levels=levels, seed=rng)


def _morris_levels(design: MorrisDesign, names: Sequence[str], groups: Groups) -> np.ndarray:
    """The levels of the trajectories, free of the round-off that may leave the unit cube."""
    steps = design.levels - 1
    return (_salib_samples(design, names, groups) * steps).round() / steps


def _one_at_a_time(points: int, dimensions: int) -> np.ndarray:
    """The centre of the unit cube, then a line through it along each axis."""
    import numpy as np

    unit = np.full((1 + points * dimensions, dimensions), 0.5)
    for i in range(dimensions):
        unit[1 + i * points : 1 + (i + 1) * points, i] = np.linspace(0, 1, points)
    return unit


def _inside(unit: np.ndarray, distributions: Mapping[str, Distribution]) -> np.ndarray:
    """``unit`` with the columns of unbounded distributions shrunk to probabilities of 5 to 95 %.

    Their ends are then those of ``Distribution.ends``, and 0.5 stays 0.5.
    """
    import numpy as np

    bounded = [bool(np.isfinite(d.support).all()) for d in distributions.values()]
    return np.where(bounded, unit, 0.5 + 0.9 * (unit - 0.5))


def _correlated(
    unit: np.ndarray, names: Sequence[str], correlations: Sequence[Correlation]
) -> np.ndarray:
    import numpy as np

    factor = correlation_factor(names, correlations)
    if factor is None:
        raise JaxmorphError("design: the matrix of the correlations is not positive definite")
    return np.clip(correlated(unit, factor), _EDGE, 1 - _EDGE)


def _grid(
    design: GridDesign, distributions: Mapping[str, Distribution]
) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    if (obstacle := grid_obstacle(distributions)) is not None:
        raise JaxmorphError(f"design: {obstacle}")
    shape = design.shape(list(distributions))
    axes = [_grid_axis(d, n) for d, n in zip(distributions.values(), shape, strict=True)]
    return _cartesian(axes), _cartesian([np.linspace(0, 1, n) for n in shape])


def _grid_axis(distribution: Distribution, points: int) -> np.ndarray:
    import numpy as np

    space = np.geomspace if distribution.is_logarithmic else np.linspace
    return space(*distribution.support, points)


def _cartesian(axes: list[np.ndarray]) -> np.ndarray:
    """Cartesian product of the axes, the first slowest, shape (sample, parameter)."""
    import numpy as np

    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def _by_column(array: np.ndarray, functions: Sequence[Callable[[np.ndarray], np.ndarray]]) -> np.ndarray:
    import numpy as np

    return np.stack([f(column) for f, column in zip(functions, array.T, strict=True)], axis=1)
