"""State fields by name: what steps read and write that a user's state declares."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..errors import JaxmorphError
from ..steps import SimulationStep, State

FieldName = str | tuple[str, int]
"""The name of a field, or a name and the number of one of its columns: ``("chemical", 0)``."""


def require(owner: object, state: State, *names: str, declared_by: str = "") -> None:
    """Raise one readable line if the state lacks a field that ``owner`` needs.

    Args:
        owner: A step or a potential.
        state: The state.
        names: Of array fields.
        declared_by: A state that has them.

    Raises:
        JaxmorphError: If there is no such field.
    """
    missing = [
        name for name in names if not isinstance(getattr(state, name, None), jax.Array | np.ndarray)
    ]
    if missing:
        kind = type(state).__name__
        remedy = f"add it to {kind}, with a first axis of {state.position.shape[0]} cells"
        raise JaxmorphError(
            f"{type(owner).__name__}: {kind} has no field {', '.join(map(repr, missing))}; "
            + (f"use {declared_by}, or a subclass of it" if declared_by else remedy)
        )


def field_of(owner: object, state: State, name: str) -> Array:
    """The field ``name`` of the state, (cell, ...).

    Raises:
        JaxmorphError: If the state has no such field.
    """
    require(owner, state, name)
    field: Array = getattr(state, name)
    return field


def columns(
    step: SimulationStep, state: State, names: tuple[FieldName, ...]
) -> Float[Array, "cell input"]:
    """Fields or their columns, side by side.

    Raises:
        JaxmorphError: If the state has no such field or column.
    """
    return jnp.concatenate([_columns(step, state, name) for name in names], axis=1)


def _columns(step: SimulationStep, state: State, name: FieldName) -> Float[Array, "cell input"]:
    field, column = (name, None) if isinstance(name, str) else name
    of_field = field_of(step, state, field)
    table = of_field.reshape(of_field.shape[0], -1)
    if column is None:
        return table
    if not 0 <= column < table.shape[1]:
        raise JaxmorphError(
            f"{type(step).__name__}: column {column} of {field!r}: the field has columns 0 to "
            f"{table.shape[1] - 1}"
        )
    return table[:, column : column + 1]


def with_field(step: SimulationStep, state: State, name: str, value: Array) -> State:
    """The state with ``value`` (cell, output) in the field ``name`` of living cells.

    Raises:
        JaxmorphError: If the state has no such field, or it has another number of columns.
    """
    old = field_of(step, state, name)
    if old.size != value.size:
        raise JaxmorphError(
            f"{type(step).__name__}: {value.shape[1]} values per cell for the field {name!r} of shape "
            f"{old.shape}; they must be as many as its columns"
        )
    alive = state.alive.reshape(-1, *[1] * (old.ndim - 1))
    new = jnp.where(alive, value.reshape(old.shape).astype(old.dtype), old)
    return eqx.tree_at(lambda state: getattr(state, name), state, new)
