"""How what cells carry is distributed over them."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import space
from ..errors import JaxmorphError
from ..state import BaseCellState
from .geometry import Scalar, centroid, weights


def _moment(state: BaseCellState, x: Float[Array, " cell"], order: int) -> Scalar:
    if order not in (1, 2, 3, 4):
        raise JaxmorphError(f"order = {order}: a moment has the order 1, 2, 3 or 4")
    w = weights(state)
    x = jnp.where(state.alive, x, 0)
    mean = w @ x
    if order == 1:
        return mean
    deviation = space.root(w @ (x - mean) ** 2)
    if order == 2:
        return deviation
    return w @ ((x - mean) / jnp.where(deviation > 0, deviation, 1)) ** order


def radius_moment(state: BaseCellState, order: int) -> Scalar:
    """Moment of the radii of the cells: 1 mean, 2 standard deviation (length), 3 skewness, 4 kurtosis.

    Of the cells as a population, without Bessel's correction. Differentiable; where all radii are equal,
    orders above 1 are 0 and their derivative is taken as 0.
    """
    return _moment(state, state.radius[:, 0], order)


def chemical_moment(
    state: BaseCellState, order: int, chemical: int = 0, field: str = "chemical"
) -> Scalar:
    """Moment of a chemical over the cells: 1 mean, 2 standard deviation, 3 skewness, 4 kurtosis.

    In the field's unit up to order 2 (amount / length^d), dimensionless above. Differentiable; where all
    cells have the same, orders above 1 are 0 and so is their derivative.

    Args:
        state: The cells.
        order: 1 to 4.
        chemical: Which column of the field.
        field: The state field, shape (cell, chemical).

    Raises:
        JaxmorphError: If the state has no such field, or it no such column.
    """
    return _moment(state, _column(state, field, chemical), order)


def _column(state: BaseCellState, field: str, column: int) -> Float[Array, " cell"]:
    values = getattr(state, field, None)
    if values is None or not 0 <= column < values.shape[1]:
        raise JaxmorphError(f"{type(state).__name__} has no column {column} of a field {field!r}")
    return values[:, column]


def radial_order(state: BaseCellState, values: Float[Array, " cell"]) -> Scalar:
    """Correlation over cells of the distance to the centroid with what they carry (dimensionless).

    1: the larger the farther out; -1: the other way; 0: no order, or all cells alike. Pearson's
    coefficient. Differentiable in positions and values but where all are alike; there it is 0.

    Args:
        state: The cells.
        values: One number per cell, for example ``state.radius[:, 0]`` or ``state.celltype[:, 1]``.
    """
    w = weights(state)
    r = space.distance(state.position - centroid(state))
    x = jnp.where(state.alive, values, 0)
    r, x = r - w @ r, x - w @ x
    scale = space.root((w @ r**2) * (w @ x**2))
    return (w @ (r * x)) / jnp.where(scale > 0, scale, 1)


def decay_length(state: BaseCellState, chemical: int = 0) -> Scalar:
    """Distance over which a chemical falls by a factor e away from where it is secreted (length).

    -1 / slope of the line of least squares through ln c, over the cells that do not secrete it, against
    their distance to the centre of secretion, the mean position weighted by ``secretion``. Around one
    source of screened diffusion with the length l, between the distances r and r + h, it is
    h / (h / l + ln(1 + h / r)) in 3-D, and tends to l far away. Differentiable.

    Negative where the chemical rises; not finite where it is the same everywhere, where nothing is
    secreted, or where fewer than two cells, at different distances, do not secrete.

    Args:
        state: The cells, with the fields ``chemical`` and ``secretion``.
        chemical: Which column of the fields.

    Raises:
        JaxmorphError: If the state has no such fields, or they no such column.
    """
    c, secreted = (_column(state, name, chemical) for name in ("chemical", "secretion"))
    secreted = jnp.where(state.alive, secreted, 0)
    counted = state.alive & (secreted == 0)
    w = counted.astype(c.dtype) / jnp.sum(counted)
    centre = secreted @ state.position / jnp.sum(secreted)
    r = space.distance(state.position - centre)
    logarithm = jnp.log(jnp.where(counted, c, 1))
    r = r - w @ r
    return -(w @ r**2) / (w @ (r * logarithm))
