"""How a minimum of the energy moves: the implicit function theorem, with motions that cost no energy."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...state import BaseCellState
from ..interactions import ForceFn

Position = Float[Array, "cell dim"]

# Share of the zero modes that may lie outside of the rigid motions; a mode of another kind has about 1.
_OUTSIDE = 0.1


def change_of_minimum(
    state: BaseCellState, force: ForceFn, in_force: Position | None, in_start: Position | None
) -> Position:
    """What a minimum moves by, to first order; linear in ``in_force`` and ``in_start``.

    H dx = dF with the Hessian H of the energy. Of the motions that H does not resist, dx has what the
    translations among them share with ``in_start``, and nothing else. It is NaN where H is negative
    along a direction, or does not resist one that is no rigid motion of all cells.

    Args:
        state: At the minimum.
        force: Force on each cell as a function of positions.
        in_force: dF, the change of the force at fixed positions; None if there is none.
        in_start: The change of the positions from where the minimum was sought; None if there is none.
    """
    position, alive = state.position, state.alive
    n_dim = position.shape[1]
    hessian = _hessian(force, position)
    fixed = jax.lax.stop_gradient
    curvature, modes = jnp.linalg.eigh(fixed(hessian))
    largest = jnp.max(jnp.abs(curvature), initial=0)
    # Between round-off and the softest mode of a cluster.
    smallest = jnp.finfo(position.dtype).eps ** 0.4 * largest
    free = (jnp.abs(curvature) <= smallest).astype(position.dtype)
    living = jnp.repeat(alive.astype(position.dtype), n_dim)
    rigid = _rigid_motions(state)
    moving = modes * living[:, None] * free
    outside = jnp.sum(moving**2) - jnp.sum((rigid.T @ moving) ** 2)
    isolated = jnp.all(curvature >= -smallest) & (outside < _OUTSIDE)
    scale = jnp.where(largest > 0, largest, 1)

    def resist(x: Array) -> Array:
        return hessian @ x + scale * (modes @ (free * (modes.T @ x)))

    def solve(_: object, b: Array) -> Array:
        return modes @ ((modes.T @ b) / jnp.where(free > 0, scale, curvature))

    change = jnp.zeros_like(position)
    if in_force is not None:
        pushed = jax.lax.custom_linear_solve(resist, in_force.reshape(-1), solve, symmetric=True)
        change += pushed.reshape(position.shape)
    if in_start is not None:
        n_alive = jnp.maximum(jnp.sum(alive), 1)
        mean = jnp.sum(jnp.where(alive[:, None], in_start, 0), axis=0) / n_alive
        moved = jnp.where(alive[:, None], mean, in_start).reshape(-1)
        change += (modes @ (free * (modes.T @ moved))).reshape(position.shape)
    return change * jnp.where(isolated, 1.0, jnp.nan).astype(position.dtype)


def _hessian(force: ForceFn, position: Position) -> Float[Array, "coordinate coordinate"]:
    """Of the energy, symmetric."""
    basis = jnp.eye(position.size, dtype=position.dtype).reshape(-1, *position.shape)

    _, along = jax.linearize(force, position)
    # One after another: many cells have more pairs than memory holds for all directions.
    hessian = -jax.lax.map(along, basis).reshape(position.size, position.size)
    return (hessian + hessian.T) / 2


def _rigid_motions(state: BaseCellState) -> Float[Array, "coordinate motion"]:
    """Orthonormal translations and rotations of all living cells; 0 for those that move nothing."""
    position, alive = jax.lax.stop_gradient(state.position), state.alive
    n_dim = position.shape[1]
    first = position[jnp.argmax(alive)]
    arm = jax.vmap(state.displacement, (0, None))(position, first)
    unit = jnp.eye(n_dim, dtype=position.dtype)
    motions = [jnp.broadcast_to(axis, position.shape) for axis in unit]
    for i in range(n_dim):
        for j in range(i):
            motions.append(arm[:, i, None] * unit[j] - arm[:, j, None] * unit[i])
    together = jnp.stack(motions, axis=-1) * alive[:, None, None]
    left, size, _ = jnp.linalg.svd(together.reshape(position.size, -1), full_matrices=False)
    tiny = math.sqrt(jnp.finfo(position.dtype).eps)
    return left * (size > tiny * jnp.max(size, initial=0))
