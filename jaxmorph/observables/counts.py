"""Numbers of cells, of neighbours and of divisions."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import space
from ..errors import JaxmorphError
from ..state import BaseCellState
from ..tracing import surrogate
from .geometry import Scalar, weights


def presence(state: BaseCellState) -> Float[Array, " cell"]:
    """1 for living cells, 0 for dead slots.

    To the estimator ``straight-through``, a cell that stands for 1 + d cells has the derivative d.
    """
    alive, total = state.alive, jnp.sum(state.celltype, axis=-1)
    share = total / jnp.where(alive, jax.lax.stop_gradient(total), 1)
    dtype = state.position.dtype
    return surrogate(alive.astype(dtype), share.astype(dtype))


def n_cells(state: BaseCellState) -> Scalar:
    """Number of living cells.

    Not differentiable: a whole number, whose pathwise derivative is 0. What moves its average is
    a matter for the estimators of discrete choices.
    """
    return jnp.sum(presence(state))


def type_fraction(state: BaseCellState, celltype: int) -> Scalar:
    """Share of the cells that are of one type (dimensionless).

    A cell of mixed type counts with the share that its row has of the type. Differentiable in
    ``celltype``. Where rows are one-hot and cells change in number, its pathwise derivative is 0; see
    :func:`n_cells`.

    Args:
        state: The cells.
        celltype: Column of ``state.celltype``.

    Raises:
        JaxmorphError: If there is no such type.
    """
    n_types = state.celltype.shape[1]
    if not 0 <= celltype < n_types:
        raise JaxmorphError(f"celltype = {celltype}: the state has the types 0 to {n_types - 1}")
    return weights(state) @ type_shares(state)[:, celltype]


def type_shares(state: BaseCellState) -> Float[Array, "cell type"]:
    """What each living cell has of each type; its rows sum to 1, those of dead slots are 0."""
    total = jnp.sum(state.celltype, axis=1)
    return state.celltype / jnp.where(state.alive, total, 1)[:, None]


def lineage_depth(state: BaseCellState) -> Scalar:
    """Mean over cells of the number of divisions since the founder (state field ``generation``).

    Not differentiable: a mean of whole numbers, whose pathwise derivative is 0.

    Raises:
        JaxmorphError: If the state has no field ``generation``.
    """
    generation = getattr(state, "generation", None)
    if generation is None:
        raise JaxmorphError(
            f"lineage_depth: {type(state).__name__} has no field 'generation', the number of divisions "
            "since the founder"
        )
    return weights(state) @ generation.reshape(-1).astype(state.position.dtype)


def _contacts(
    state: BaseCellState, smoothing: float | Array, reach: float | Array
) -> Float[Array, "cell cell"]:
    """How much each pair of different living cells is in contact, from 0 to 1."""
    between = space.distance(space.pairwise_displacement(state.displacement, state.position))
    radius, alive = state.radius[:, 0], state.alive
    gap = between - reach * (radius[:, None] + radius[None, :])
    pair = alive[:, None] & alive[None, :] & ~jnp.eye(alive.shape[0], dtype=bool)
    return jnp.where(pair, jax.nn.sigmoid(-gap / smoothing), 0)


def contact_number(state: BaseCellState, smoothing: float | Array, reach: float | Array = 1.1) -> Scalar:
    """Mean over cells of the number of cells in contact (dimensionless).

    A pair at distance r counts sigmoid((reach (R1 + R2) - r) / smoothing). Differentiable.

    Args:
        state: The cells.
        smoothing: Width of the end of a contact, length.
        reach: Distance up to which cells are in contact, in units of the sum of their radii.
    """
    return weights(state) @ jnp.sum(_contacts(state, smoothing, reach), axis=1)


def mixing_index(state: BaseCellState, smoothing: float | Array, reach: float | Array = 1.1) -> Scalar:
    """Share of contacts between cells of different types, over that at random (dimensionless).

    0: types are apart; 1: as if at random; above 1: types alternate; 0 if nothing touches or all are of
    one type. The expected share is that of two different cells drawn at random. Contacts are those of
    :func:`contact_number`. Differentiable in positions and radii.

    Args:
        state: The cells.
        smoothing: Width of the end of a contact, length.
        reach: Distance up to which cells are in contact, in units of the sum of their radii.
    """
    alive = state.alive
    types = type_shares(state)
    unlike = 1 - jnp.matmul(types, types.T, precision=jax.lax.Precision.HIGHEST)
    contacts = _contacts(state, smoothing, reach)
    pair = (alive[:, None] & alive[None, :] & ~jnp.eye(alive.shape[0], dtype=bool)).astype(
        contacts.dtype
    )
    expected = jnp.sum(pair * unlike) * jnp.sum(contacts)
    found = jnp.sum(contacts * unlike) * jnp.sum(pair)
    return found / jnp.where(expected > 0, expected, 1)
