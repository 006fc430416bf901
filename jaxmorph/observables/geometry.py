"""Distances, energy and area of a cluster of cells; all differentiable."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .. import space
from ..env.interactions import MechanicalInteractionPotential, nearest_distance
from ..errors import JaxmorphError
from ..state import BaseCellState
from ..tracing import by_gradient

Scalar = Float[Array, ""]

# Numbers of points times cells; a larger table is made of some points at a time.
_LARGEST_TABLE = 2**8


def weights(state: BaseCellState) -> Float[Array, " cell"]:
    """1 / (number of living cells) for living cells, 0 for dead slots."""
    alive = state.alive.astype(state.position.dtype)
    return alive / jnp.sum(alive)


def centroid(state: BaseCellState) -> Float[Array, " dim"]:
    """Mean position of the cells (length), shape (dim,).

    Raises:
        JaxmorphError: In periodic space, and so does all that is measured from the centroid.
    """
    if not space.is_free(state.displacement, state.position.shape[1]):
        raise JaxmorphError(
            "centroid: the state is in periodic space, where cells on both sides of a face have no "
            "middle; use jaxmorph.space.free(), or observables that need no centroid"
        )
    return weights(state) @ state.position


def mean_distance_to_centroid(state: BaseCellState) -> Scalar:
    """Mean over cells of the distance to the centroid (length)."""
    return weights(state) @ space.distance(state.position - centroid(state))


def radius_of_gyration(state: BaseCellState) -> Scalar:
    """Root of the mean squared distance to the centroid (length)."""
    squared = jnp.sum((state.position - centroid(state)) ** 2, axis=1)
    # The derivative for cells at one point is taken as 0.
    return space.root(weights(state) @ squared)


def mean_nearest_neighbour_distance(state: BaseCellState) -> Scalar:
    """Mean over cells of the distance to the nearest other cell, centre to centre (length)."""
    near = nearest_distance(state)
    if near is not None:
        return weights(state) @ jnp.where(state.alive, near, 0)
    return _mean_nearest_of_all_pairs(state)


@by_gradient
def _mean_nearest_of_all_pairs(state: BaseCellState) -> Array:
    pairs = space.pairwise_displacement(state.displacement, state.position)
    between = space.distance(pairs)
    alive = state.alive
    neighbour = alive[:, None] & alive[None, :] & ~jnp.eye(alive.shape[0], dtype=bool)
    nearest = jnp.min(jnp.where(neighbour, between, jnp.inf), axis=1)
    return weights(state) @ jnp.where(alive, nearest, 0)


def total_energy(state: BaseCellState, potential: MechanicalInteractionPotential) -> Scalar:
    """Potential energy of all pairs (energy)."""
    return _total_energy(state, potential)


@by_gradient
def _total_energy(state: BaseCellState, potential: MechanicalInteractionPotential) -> Array:
    return potential.energy_fn(state)(state.position)


def mean_radius(state: BaseCellState) -> Scalar:
    """Mean radius of the cells (length)."""
    return weights(state) @ state.radius[:, 0]


def covered_fraction(state: BaseCellState, half_width: float, n_points: int, smoothing: float) -> Scalar:
    """Share of a square (cube) centred on the centroid that cells cover (dimensionless).

    The union of the discs is measured on a regular grid of points. A point at distance r from a cell of
    radius R is outside it with probability sigmoid((r - R) / smoothing), and covered unless outside
    all cells, so that the fraction is differentiable in positions and radii.

    Args:
        state: The cells.
        half_width: Half the side of the square (length).
        n_points: Grid points along one side.
        smoothing: Width of a cell's edge (length); at least the spacing of the grid, about.
    """
    return _covered(
        state.position - centroid(state),
        state.radius[:, 0],
        state.alive,
        half_width,
        n_points,
        smoothing,
    )


@partial(jax.custom_jvp, nondiff_argnums=(3, 4, 5))
def _covered(
    position: Float[Array, "cell dim"],
    radius: Float[Array, " cell"],
    alive: Bool[Array, " cell"],
    half_width: float,
    n_points: int,
    smoothing: float,
) -> Scalar:
    """:func:`covered_fraction` of cells around the origin.

    Its derivative is the product with its gradient, which is computed once for all tangents.
    """
    free, _, _ = _uncovered(position, radius, alive, half_width, n_points, smoothing)
    return 1 - free


@_covered.defjvp
def _covered_jvp(
    half_width: float, n_points: int, smoothing: float, primals: tuple, tangents: tuple
) -> tuple[Scalar, Scalar]:
    position, radius, alive = primals
    in_position, in_radius, _ = tangents
    free, by_position, by_radius = _uncovered(position, radius, alive, half_width, n_points, smoothing)
    return 1 - free, -jnp.sum(by_position * in_position) - jnp.sum(by_radius * in_radius)


def _uncovered(
    position: Array, radius: Array, alive: Array, half_width: float, n_points: int, smoothing: float
) -> tuple[Array, Array, Array]:
    """The share of the square that is not covered, and its derivatives by positions and radii."""
    n_dim = position.shape[1]

    def at(points: Float[Array, "point dim"]) -> tuple[Array, Array, Array]:
        between = position[None, :, :] - points[:, None, :]
        r = space.distance(between)
        outside = jnp.where(alive, jax.nn.sigmoid((r - radius) / smoothing), 1)
        free = jnp.prod(outside, axis=1)
        # d ln sigmoid(x) = (1 - sigmoid(x)) dx
        weight = free[:, None] * (1 - outside) / smoothing
        per_length = weight / jnp.where(r > 0, r, 1)
        by_position = jnp.sum(per_length[:, :, None] * between, axis=0)
        return jnp.sum(free), by_position, -jnp.sum(weight, axis=0)

    points = half_width * middles(n_points, n_dim)
    at_once = chunk(len(points), len(position))
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(at, points))
    sums, _ = jax.lax.scan(
        lambda total, some: (jax.tree.map(jnp.add, total, at(some)), None),
        zeros,
        points.reshape(-1, at_once, n_dim),
    )
    free, by_position, by_radius = (x / len(points) for x in sums)
    return free, by_position, by_radius


def middles(n_points: int, n_dim: int) -> Float[Array, "point dim"]:
    """The middles of equal squares (cubes), ``n_points`` along each side from -1 to 1."""
    axis = (jnp.arange(n_points) + 0.5) / n_points * 2 - 1
    return jnp.stack(jnp.meshgrid(*[axis] * n_dim, indexing="ij"), axis=-1).reshape(-1, n_dim)


def chunk(n_points: int, n_cells: int) -> int:
    """How many points at once divide all, such that their table for the cells stays in a cache."""
    fits = max(1, _LARGEST_TABLE // max(n_cells, 1))
    return max(n for n in range(1, min(fits, n_points) + 1) if n_points % n == 0)
