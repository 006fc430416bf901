"""Equations of random keys."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend import core
from jaxtyping import Array

from ..threefry import threefry_bits, threefry_split
from .arrays import Laned, Rule, Sizes
from .elementwise import elementwise
from .mapped import by_vmap


def _drawn(draw: Callable[[Array, Array, int, dict], Array]) -> Rule:
    """A rule for keys: ``draw`` makes numbers from their two words and own rank, lanes last."""

    def rule(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
        (key,) = operands
        if str(jax.random.key_impl(key.array)) != "threefry2x32":
            return by_vmap(eqn, operands, sizes)
        words = jax.random.key_data(key.array)
        return [Laned(draw(words[..., 0], words[..., 1], key.rank, eqn.params), key.lanes)]

    return rule


def _split(k0: Array, k1: Array, rank: int, params: dict) -> Array:
    # Hashes of hashes in one kernel: JAX 0.12 would compile it for ever.
    words = lax.optimization_barrier(threefry_split(k0, k1, rank, params["shape"]))
    return jax.random.wrap_key_data(jnp.stack(words, axis=-1))


def _bits(k0: Array, k1: Array, rank: int, params: dict) -> Array:
    return threefry_bits(k0, k1, rank, params["shape"], params["bit_width"])


def _wrap(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """Keys from their words, which are the last axis of one simulation's."""
    del sizes
    (words,) = operands
    array = jnp.moveaxis(words.array, words.rank - 1, -1)
    return [Laned(eqn.primitive.bind(array, **eqn.params), words.lanes)]


def _unwrap(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    del sizes
    (key,) = operands
    words = eqn.primitive.bind(key.array, **eqn.params)
    return [Laned(jnp.moveaxis(words, -1, key.rank), key.lanes)]


RULES: dict[str, Rule] = {
    "random_bits": _drawn(_bits),
    "random_fold_in": elementwise,
    "random_seed": elementwise,
    "random_split": _drawn(_split),
    "random_unwrap": _unwrap,
    "random_wrap": _wrap,
}
