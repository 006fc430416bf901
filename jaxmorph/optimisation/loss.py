"""Loss and gradient of an objective from the features of some seeds, and how sure they are.

All functions take numpy or JAX arrays. With m the mean over R seeds and s^2 their variance,
(m - y)^2 exceeds the squared deviation of the expected value by s^2 / R on average: a biased loss
would make parameters prefer little noise. ``unbiased`` subtracts that, which is the same as the
average of the products of different seeds (a U-statistic; Hoeffding, Ann. Math. Stat. 19 (1948)
293-325). It needs fresh seeds: on fixed ones such a loss has no lower bound.
"""

from typing import Any, NamedTuple

import numpy as np

from .objective import Objective


class Weights(NamedTuple):
    """q, y and b of an objective (feature,); y may differ between starts."""

    curvature: Any
    target: Any
    slope: Any


def weights_of(objective: Objective) -> Weights:
    """The weights of an objective."""
    return Weights(objective.curvature, objective.target, objective.slope)


def loss(features: Any, weights: Weights, *, unbiased: bool) -> Any:
    """The loss of features (..., seed, feature): (...)."""
    n = features.shape[-2]
    mean = features.mean(-2)
    square = (mean - weights.target) ** 2
    if unbiased:
        square = square - ((features - mean[..., None, :]) ** 2).sum(-2) / (n * (n - 1))
    return (weights.curvature * square + weights.slope * mean).sum(-1)


def cotangent(features: Any, weights: Weights, *, unbiased: bool) -> Any:
    """The derivative d loss / d feature, (..., seed, feature)."""
    n = features.shape[-2]
    mean = features.mean(-2)[..., None, :]
    share = 1 / (n - 1) if unbiased else 0.0
    deviation = mean - weights.target[..., None, :] - share * (features - mean)
    return (2 * weights.curvature * deviation + weights.slope) / n


def standard_error(features: Any, weights: Weights) -> Any:
    """Of the loss, over seeds, from features (..., seed, feature): (...).

    The first order is the delta method; the second, which is all that is left where every deviation is
    0, is the variance of a degenerate U-statistic, v = 2 sum_fg q_f q_g C_fg^2 / R^2 with C the
    covariance. The first, made from a mean that is itself noisy, is 2 v too large on average. The sum is
    at least v: there it is too large rather than too small.
    """
    n = features.shape[-2]
    mean = features.mean(-2)[..., None, :]
    centred = features - mean
    deviation = mean - weights.target[..., None, :]
    influence = (centred * (2 * weights.curvature * deviation + weights.slope)).sum(-1)
    scaled = centred * weights.curvature**0.5
    gram = scaled @ scaled.swapaxes(-1, -2)
    second = 2 * (gram**2).sum((-1, -2)) / ((n - 1) * n) ** 2
    first = (influence**2).sum(-1) / (n - 1) / n
    # The larger of the two, for numpy and JAX alike.
    excess = first - 2 * second
    return (second + (excess + abs(excess)) / 2) ** 0.5


def pseudo_values(features: np.ndarray, weights: Weights) -> np.ndarray:
    """What each seed says of the unbiased loss, (..., seed): the jackknife's pseudo-values.

    Their mean is the unbiased loss, and differences between those of two points at the same seeds are
    paired. Of a single seed (a deterministic study), the loss itself.

    Source: Miller, Biometrika 61 (1974) 1-15; Arvesen, Ann. Math. Stat. 40 (1969) 2076-2100.
    """
    n = features.shape[-2]
    if n == 1:
        return loss(features, weights, unbiased=False)[..., None]
    deviation = features - weights.target
    first, second = (x.sum(-2)[..., None, :] for x in (deviation, deviation**2))
    whole = (first**2 - second) / (n * (n - 1))
    without = ((first - deviation) ** 2 - (second - deviation**2)) / ((n - 1) * (n - 2))
    return (weights.curvature * (n * whole - (n - 1) * without) + weights.slope * features).sum(-1)
