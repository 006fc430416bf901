"""The shape of a cluster, and how cells fill it."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import space
from ..errors import JaxmorphError
from ..state import BaseCellState
from ..tracing import by_gradient
from .geometry import Scalar, centroid, chunk, middles, weights


def gyration_tensor(state: BaseCellState) -> Float[Array, "dim dim"]:
    """Mean over cells of the outer product of what leads from the centroid to them (length^2).

    Differentiable.
    """
    x = state.position - centroid(state)
    return jnp.matmul((weights(state)[:, None] * x).T, x, precision=jax.lax.Precision.HIGHEST)


def anisotropy(state: BaseCellState) -> Scalar:
    """Relative shape anisotropy of the gyration tensor G (dimensionless): 0 isotropic, 1 a line.

    (d tr(G^2) / tr(G)^2 - 1) / (d - 1) in d dimensions; in 2-D ((a - b) / (a + b))^2 for the eigenvalues
    a and b. Differentiable, also where eigenvalues meet; 0 for cells at one point.

    Source: Theodorou and Suter, Macromolecules 18 (1985).
    """
    tensor = gyration_tensor(state)
    d = tensor.shape[0]
    trace = jnp.trace(tensor)
    point = trace <= 0  # not so of NaN, which stays NaN
    share = jnp.sum(tensor**2) / jnp.where(point, 1, trace) ** 2
    return jnp.where(point, 0, (d * share - 1) / (d - 1))


def radial_density(state: BaseCellState, inner: float, outer: float, smoothing: float | Array) -> Scalar:
    """Cells per area (volume) between two distances from the centroid (1 / length^d).

    The centre of a cell at distance r counts sigmoid((outer - r) / smoothing), less the same for
    ``inner`` if that is above 0. Differentiable.

    Args:
        state: The cells.
        inner: Where the shell begins, length, 0 or more.
        outer: Where it ends, length.
        smoothing: Width of its edges, length.

    Raises:
        JaxmorphError: If ``inner`` is below 0 or not below ``outer``.
    """
    if not 0 <= inner < outer:
        raise JaxmorphError(f"inner = {inner}, outer = {outer}: a shell has 0 <= inner < outer")
    r = space.distance(state.position - centroid(state))
    within = jax.nn.sigmoid((outer - r) / smoothing)
    if inner > 0:
        within -= jax.nn.sigmoid((inner - r) / smoothing)
    d = state.position.shape[1]
    unit = math.pi if d == 2 else 4 / 3 * math.pi
    return jnp.sum(jnp.where(state.alive, within, 0)) / (unit * (outer**d - inner**d))


def roundness(state: BaseCellState, half_width: float, n_points: int, smoothing: float) -> Scalar:
    """How compact the area (volume) is that cells cover: 1 for a sharp disc (ball), less else.

    The ratio of the polar second moment that a disc (ball) of the same area A would have to that of what
    is covered, J: A^2 / (2 pi J) in 2-D, and (3/5) (3 / (4 pi))^(2/3) V^(5/3) / J in 3-D. Dimensionless.
    What is covered is that of :func:`covered_fraction`, on the same grid, with edges as soft. Gaps
    between cells count as not covered. Differentiable.

    Source: Zunic, Hirota and Rosin, Pattern Recognition 43 (2010).

    Args:
        state: The cells.
        half_width: Half the side of the square (cube) around the centroid, length; it holds all cells.
        n_points: Grid points along one side.
        smoothing: Width of a cell's edge (length); at least the spacing of the grid, about.
    """
    # Types do not matter here: without their derivative it is plain that no surrogate passes.
    celltype = jax.lax.stop_gradient(state.celltype)
    state = eqx.tree_at(lambda s: s.celltype, state, celltype)
    return _roundness(state, half_width, n_points, smoothing)


@by_gradient
def _roundness(state: BaseCellState, half_width: float, n_points: int, smoothing: float) -> Array:
    n_dim = state.position.shape[1]
    x = state.position - centroid(state)
    points = half_width * middles(n_points, n_dim)
    at_once = chunk(len(points), len(x))

    def add(sums: tuple[Array, Array, Array], some: Array) -> tuple[tuple[Array, Array, Array], None]:
        r = space.distance(x[None, :, :] - some[:, None, :])
        outside = jnp.where(state.alive, jax.nn.sigmoid((r - state.radius[:, 0]) / smoothing), 1)
        covered = 1 - jnp.prod(outside, axis=1)
        new = jnp.sum(covered), covered @ some, covered @ jnp.sum(some**2, axis=1)
        return jax.tree.map(jnp.add, sums, new), None

    zero = jnp.zeros((), x.dtype)
    (area, first, second), _ = jax.lax.scan(
        jax.checkpoint(add), (zero, jnp.zeros(n_dim, x.dtype), zero), points.reshape(-1, at_once, n_dim)
    )
    element = (2 * half_width / n_points) ** n_dim
    size = area * element
    moment = (second - jnp.sum(first**2) / area) * element
    if n_dim == 2:
        return size**2 / (2 * math.pi * moment)
    return 0.6 * (3 / (4 * math.pi)) ** (2 / 3) * size ** (5 / 3) / moment
