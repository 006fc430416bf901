"""A periodic box by functions that the package does not know, as those of another library."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array


def periodic_of_another(side: float) -> tuple[Callable[..., Array], Callable[..., Array]]:
    """(displacement, shift), written as jax-md writes them."""

    def displacement(a: Array, b: Array, **_: object) -> Array:
        return jnp.mod(a - b + side * 0.5, side) - 0.5 * side

    def shift(position: Array, change: Array, **_: object) -> Array:
        return jnp.mod(position + change, side)

    return displacement, shift
