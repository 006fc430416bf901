"""What a simulation draws: Gaussian numbers, and discrete choices."""

from typing import Literal, overload

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from .instruments import active


def gaussian(noise: Array, mean: Array | float, sd: Array | float) -> Array:
    """A Gaussian draw, mean + sd noise, that likelihood-ratio gradients know of.

    With the Gaussian steps of a model drawn here, the estimator ``score`` can differentiate the model:
    it holds the draws fixed and differentiates their log density, -(draw - mean)^2 / (2 sd^2) - ln sd,
    in the parameters instead. Where sd is 0 the draw is not random, and is differentiated as it is.
    Inside a loop use :func:`scan`, or ``record`` and ``simulate``.

    Args:
        noise: Standard normal numbers, of any shape.
        mean: Broadcasts against ``noise``.
        sd: Standard deviation, at least 0, broadcasts against ``noise``.
    """
    return active().gaussian(noise, mean, sd)


@overload
def bernoulli(
    key: PRNGKeyArray, probability: Float[Array, "*any"], *, indicator: Literal[False] = False
) -> Bool[Array, "*any"]: ...


@overload
def bernoulli(
    key: PRNGKeyArray, probability: Float[Array, "*any"], *, indicator: Literal[True]
) -> Float[Array, "*any"]: ...


def bernoulli(key: PRNGKeyArray, probability: Float[Array, "*any"], *, indicator: bool = False) -> Array:
    """Independent choices, each true with its probability, that estimators of gradients know of.

    A pathwise gradient does not see a choice: what its probability depends on comes out as 0. The
    estimator ``score`` differentiates ln p of what was chosen instead; a probability of 0 or 1 is no
    choice to it. ``straight-through`` sees only an ``indicator``, whose derivative with respect to the
    probability it takes as 1, where the study calculates with it (no derivative passes a comparison).
    Inside a loop use :func:`scan`, or ``record`` and ``simulate``.

    Args:
        key: The source of randomness.
        probability: From 0 to 1.
        indicator: Whether the choices come as numbers, 1 for true and 0 for false.
    """
    fixed = jax.lax.stop_gradient
    probability = jnp.asarray(probability)
    chosen = jax.random.uniform(key, probability.shape, probability.dtype) < fixed(probability)
    random = (probability > 0) & (probability < 1)
    p = jnp.where(random, probability, 0.5)
    log_probability = jnp.where(random, jnp.where(chosen, jnp.log(p), jnp.log1p(-p)), 0)
    active().choose(log_probability, bare=not indicator)
    return active().number(chosen, probability) if indicator else chosen


@overload
def categorical(
    key: PRNGKeyArray, weights: Float[Array, " n"], *, one_hot: Literal[False] = False
) -> Int[Array, ""]: ...


@overload
def categorical(
    key: PRNGKeyArray, weights: Float[Array, " n"], *, one_hot: Literal[True]
) -> Float[Array, " n"]: ...


def categorical(key: PRNGKeyArray, weights: Float[Array, " n"], *, one_hot: bool = False) -> Array:
    """The number of one of several, with a probability that is proportional to its weight.

    To estimators, it is what :func:`bernoulli` is. Where all weights are 0, nothing can be chosen: the
    number then means nothing, and it is for the caller to look; as ``one_hot`` it is 0 everywhere.

    Args:
        key: The source of randomness.
        weights: At least 0.
        one_hot: Whether the choice comes as numbers, 1 at what was chosen and 0 elsewhere, shape (n,).
    """
    weights = jnp.asarray(weights)
    positive = weights > 0
    logarithm = jnp.log(jnp.where(positive, weights, 1))
    index = jax.random.categorical(key, jnp.where(positive, jax.lax.stop_gradient(logarithm), -jnp.inf))
    total = jnp.sum(weights)
    possible = total > 0
    divisor = jnp.where(possible, total, 1)
    log_probability = jnp.where(possible, logarithm[index] - jnp.log(divisor), 0)
    active().choose(log_probability, bare=not one_hot)
    if not one_hot:
        return index
    chosen = (jnp.arange(weights.size) == index) & possible
    return active().number(chosen, jnp.where(possible, weights / divisor, 0))


def surrogate(value: Float[Array, "*any"], by: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """``value``, whose derivative the estimator ``straight-through`` takes as that of ``by``.

    To all other estimators it is ``value`` with its own derivative. Source: Bengio, Leonard, Courville,
    arXiv:1308.3432 (2013), "straight-through".

    Args:
        value: What has no derivative of its own, such as a choice as a number.
        by: Something of the same shape and type that has one, such as its probability.
    """
    return active().surrogate(value, by)
