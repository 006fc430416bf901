"""The instrument that follows a small perturbation of a simulation."""

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from .instruments import Followed, Instrument, trace_now


class TangentGrowth(Instrument):
    """The growth of a random unit perturbation of the state that ``record`` steps.

    The tangent is pushed through each step and normalised after it, so that it neither overflows nor
    vanishes (Benettin, Galgani, Giorgilli, Strelcyn, Meccanica 15 (1980) 9-30). It spans all
    floating-point leaves of the state: a leaf that no step changes keeps its share, and the growth then
    does not fall far below 0. ``discount_gradient`` acts on it as it does on gradients.

    Attributes:
        recorded: ln (|tangent| / |first tangent|) up to each record: see :class:`Instrument`.
    """

    hands_out: ClassVar[bool] = True

    def __init__(self, key: PRNGKeyArray):
        super().__init__()
        self._key = key
        self._place = trace_now()

    def follow(self, model: Callable[..., PyTree], state: PyTree) -> Followed | None:
        if trace_now() != self._place:  # what it reads could not be handed out
            return None
        moving, _ = eqx.partition(state, eqx.is_inexact_array)
        leaves, structure = jax.tree.flatten(moving)
        keys = jax.random.split(self._key, max(len(leaves), 1))
        draws = [jax.random.normal(k, x.shape, x.dtype) for k, x in zip(keys, leaves, strict=False)]
        first, _ = _normalised(jax.tree.unflatten(structure, draws))

        def step(
            pair: tuple[PyTree, tuple[PyTree, Array]], *, key: PRNGKeyArray
        ) -> tuple[PyTree, tuple[PyTree, Array]]:
            state, (tangent, growth) = pair
            moving, rest = eqx.partition(state, eqx.is_inexact_array)

            def move(moving: PyTree) -> tuple[PyTree, PyTree]:
                return eqx.partition(model(eqx.combine(moving, rest), key=key), eqx.is_inexact_array)

            moving, tangent, rest = jax.jvp(move, (moving,), (tangent,), has_aux=True)
            tangent, norm = _normalised(tangent)
            return eqx.combine(moving, rest), (tangent, growth + jnp.log(norm))

        return Followed(step, (first, jnp.zeros(())), lambda extra: extra[1])


def _normalised(tangent: PyTree) -> tuple[PyTree, Float[Array, ""]]:
    """The tangent at length 1 (a zero one as it is), and its length."""
    norm = jnp.sqrt(sum((jnp.sum(x**2) for x in jax.tree.leaves(tangent)), jnp.zeros(())))
    length = jnp.where(norm > 0, norm, 1)
    return jax.tree.map(lambda x: (x / length).astype(x.dtype), tangent), norm
