"""The loss around an optimum along lines, and over the plane of two parameters."""

import dataclasses

import numpy as np
from jaxtyping import Float

from .evaluator import LossEvaluator
from .uncertainty import Curvature

_POINTS = 11
# A section goes as far as the loss rises by this part of what was gained.
_RISE = 0.25
_WIDEST, _NARROWEST = 3.0, 1e-3
_MAP_POINTS, _MAP_SEEDS = 15, 16
# The map goes beyond the paths by this part of their range.
_BEYOND = 0.1


@dataclasses.dataclass(frozen=True)
class Sections:
    """The loss along the Hessian's eigenvectors through an optimum.

    Attributes:
        position: On the unconstrained scale, (direction, point).
        parameter_value: (direction, point, parameter).
        loss: (direction, point).
        loss_se: (direction, point).
    """

    position: Float[np.ndarray, "direction point"]
    parameter_value: Float[np.ndarray, "direction point parameter"]
    loss: Float[np.ndarray, "direction point"]
    loss_se: Float[np.ndarray, "direction point"]


def sections(evaluator: LossEvaluator, u: np.ndarray, around: Curvature, gained: float) -> Sections:
    """The loss through ``u``, along stiff and sloppy directions, at fresh seeds.

    Each goes as far as the Hessian says that the loss rises by a quarter of ``gained``, and at most 3.
    The other directions are held: these are sections, not profiles of a likelihood.

    Args:
        evaluator: The loss on fresh seeds.
        u: The optimum.
        around: The Hessian there.
        gained: How much smaller the loss is than at the start.
    """
    rise = max(_RISE * gained, np.finfo(float).tiny)
    with np.errstate(divide="ignore"):
        reach = np.sqrt(2 * rise / np.maximum(around.eigenvalue, 0))
    reach = np.clip(reach, _NARROWEST, _WIDEST)
    position = reach[:, None] * np.linspace(-1, 1, _POINTS)
    points = u + position[..., None] * around.eigenvector[:, None, :]
    features = evaluator.features(points.reshape(-1, u.size))
    losses = evaluator.losses_of(features).mean(axis=-1)
    shape = position.shape
    return Sections(
        position,
        evaluator.parameter(points),
        losses.reshape(shape),
        evaluator.standard_errors(features).reshape(shape),
    )


def loss_map(
    evaluator: LossEvaluator, u: Float[np.ndarray, "... 2"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The loss over two parameters: values of the first, of the second, and the loss (first, second).

    It holds all of ``u`` (paths, ends), with a margin on the unconstrained scale, at 15 x 15 points that
    are even there; 16 of the seeds.
    """
    places = u.reshape(-1, 2)
    places = places[np.isfinite(places).all(axis=1)]
    low, high = places.min(axis=0), places.max(axis=0)
    margin = np.maximum(_BEYOND * (high - low), 0.25)
    axes = np.linspace(low - margin, high + margin, _MAP_POINTS)
    grid = np.stack(np.meshgrid(*axes.T, indexing="ij"), axis=-1)
    few = evaluator.of_seeds(_MAP_SEEDS)
    losses = few.losses(grid.reshape(-1, 2)).mean(axis=-1)
    values = evaluator.parameter(axes)
    return values[:, 0], values[:, 1], losses.reshape(_MAP_POINTS, _MAP_POINTS)
