"""Free and periodic space: how positions differ, and how they are moved.

Each function returns ``(displacement, shift)`` with the signatures of ``jax_md.space``, so that the
functions of either package can be used in a state. They are written again here, four lines each,
because importing jax-md takes about 10 s in every process; a test holds them against jax-md.
"""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .errors import JaxmorphError

DisplacementFn = Callable[..., Float[Array, " dim"]]
ShiftFn = Callable[..., Float[Array, "*cell dim"]]


# Module level, so that all states in free space share one compiled program.
def _free_displacement(a: Array, b: Array, **_: object) -> Array:
    return a - b


def _free_shift(position: Array, change: Array, **_: object) -> Array:
    return position + change


def free() -> tuple[DisplacementFn, ShiftFn]:
    """Unbounded space.

    Returns:
        displacement: ``(a, b) -> a - b`` for two positions of shape (dim,).
        shift: ``(position, change) -> position + change``, shapes (cell, dim).
    """
    return _free_displacement, _free_shift


def periodic(side: float | Array) -> tuple[DisplacementFn, ShiftFn]:
    """A box of length ``side`` (a number, or one per dimension) with opposite faces identified.

    Returns:
        displacement: the shortest vector from ``b`` to ``a`` (minimum image).
        shift: moves positions and wraps them into the box, 0 to ``side``.

    Raises:
        JaxmorphError: If a number ``side`` is not above 0.

    >>> displacement, shift = periodic(10.0)
    >>> displacement(jnp.array([9.5, 0.0]), jnp.array([0.5, 0.0])).tolist()  # through the wall
    [-1.0, 0.0]
    """
    if isinstance(side, float | int) and not side > 0:
        raise JaxmorphError(f"side = {side}: the length of a box must be above 0")

    def shift(position: Array, change: Array, **_: object) -> Array:
        return jnp.mod(position + change, side)

    return _PeriodicDisplacement(side), shift


class _PeriodicDisplacement:
    """The shortest vector from ``b`` to ``a``; a class, so that the side of the box can be asked for."""

    def __init__(self, side: float | Array):
        self.side = side

    def __call__(self, a: Array, b: Array, **_: object) -> Array:
        return jnp.mod(a - b + self.side * 0.5, self.side) - self.side * 0.5


def is_known(displacement: DisplacementFn) -> bool:
    """Whether it is that of :func:`free` or :func:`periodic`, and not of another library."""
    return displacement is _free_displacement or isinstance(displacement, _PeriodicDisplacement)


def is_free(displacement: DisplacementFn, n_dim: int) -> bool:
    """Whether it is that of free space, of this or another library."""
    if is_known(displacement):
        return displacement is _free_displacement
    # Two far points are as far apart as they are in free space?
    far = np.full(n_dim, 1e6, np.float32)
    with jax.ensure_compile_time_eval():
        between = displacement(jnp.asarray(far), jnp.zeros_like(far))
    return np.array_equal(between, far)


def kind(displacement: DisplacementFn, n_dim: int) -> Literal["free", "periodic", "unknown"]:
    """Of what space it is; ``"unknown"`` is that of another library, unless it is free."""
    if is_free(displacement, n_dim):
        return "free"
    return "periodic" if is_known(displacement) else "unknown"


def side(displacement: DisplacementFn) -> float | Array | None:
    """The side of the box of a known ``displacement``; None in free space."""
    return displacement.side if isinstance(displacement, _PeriodicDisplacement) else None


def pairwise_displacement(
    displacement: DisplacementFn, position: Float[Array, "cell dim"]
) -> Float[Array, "cell cell dim"]:
    """Displacements between all cells; entry (i, j, :) points from cell j to cell i."""
    return jax.vmap(jax.vmap(displacement, in_axes=(None, 0)), in_axes=(0, None))(position, position)


def distance(displacement: Float[Array, "*batch"], axis: int = -1) -> Float[Array, "*rest"]:
    """Euclidean length along ``axis``; its derivative is 0 where the length is 0, as in jax-md."""
    return root(jnp.sum(displacement**2, axis=axis))


def root(squared: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """The square root; its derivative is 0 where it is 0."""
    together = squared <= 0  # not so of NaN, which stays NaN
    return jnp.where(together, 0, jnp.sqrt(jnp.where(together, 1, squared)))
