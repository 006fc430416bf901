"""Cells that divide and die, and who descends from whom."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from .. import space as spaces
from ..errors import JaxmorphError
from ..state import BaseCellState

# What a division needs of a state, and sets.
LINEAGE = (
    "division_rate",
    "number",
    "mother",
    "birth",
    "generation",
    "clone",
    "step",
    "n_numbers",
    "n_missed",
)


class LineageState(BaseCellState):
    """Cells with rates of division and death, and their lineage. Subclass it to add fields of your own.

    A division ends the mother: both daughters are new cells with numbers of their own. A slot is used
    again after a death, a cell's number never.

    Attributes:
        division_rate: Shape (cell, 1), 1 / time; what other steps set.
        death_rate: Shape (cell, 1), 1 / time.
        number: The cell's number, shape (cell,); founders count from 0.
        mother: The number of its mother, shape (cell,); -1 for founders.
        birth: The step in which it was born, shape (cell,); 0 for founders.
        generation: Divisions between it and its founder, shape (cell,).
        clone: The number of its founder, shape (cell,).
        step: How many steps of division there have been, scalar.
        n_numbers: How many numbers have been given, scalar.
        n_missed: Divisions that found no free slot so far, and did not take place, scalar.
    """

    division_rate: Float[Array, "*time cell 1"]
    death_rate: Float[Array, "*time cell 1"]
    number: Int[Array, "*time cell"]
    mother: Int[Array, "*time cell"]
    birth: Int[Array, "*time cell"]
    generation: Int[Array, "*time cell"]
    clone: Int[Array, "*time cell"]
    step: Int[Array, "*time"]
    n_numbers: Int[Array, "*time"]
    n_missed: Int[Array, "*time"]

    @classmethod
    def founders(
        cls,
        position: Float[Array, "cell dim"],
        celltype: Float[Array, "cell type"],
        radius: Float[Array, "cell 1"],
        *,
        n_slots: int,
        division_rate: Float[Array, "#cell 1"] | Float[ArrayLike, ""] = 0.0,
        death_rate: Float[Array, "#cell 1"] | Float[ArrayLike, ""] = 0.0,
        space: tuple[spaces.DisplacementFn, spaces.ShiftFn] | None = None,
        **fields: Any,
    ) -> Self:
        """The first cells, in a state with room for ``n_slots``.

        Args:
            position: Of the founders.
            celltype: Of the founders.
            radius: Of the founders.
            n_slots: How many cells there may be at once: at least the founders.
            division_rate: Of each founder, or of all.
            death_rate: Of each founder, or of all.
            space: From ``jaxmorph.space`` or ``jax_md.space``; default: free space.
            **fields: Values for the fields that a subclass adds, of the founders.

        Raises:
            JaxmorphError: If there is no room for the founders.
        """
        n = position.shape[0]
        if n_slots < n:
            raise JaxmorphError(f"n_slots = {n_slots}: must be at least the {n} founders")
        displacement, shift = spaces.free() if space is None else space

        def rate(x: Float[Array, "#cell 1"] | Float[ArrayLike, ""]) -> Float[Array, "cell 1"]:
            return jnp.broadcast_to(jnp.asarray(x, position.dtype), (n, 1))

        none = jnp.zeros(n, int)
        state = cls(
            displacement=displacement,
            shift=shift,
            position=position,
            celltype=celltype,
            radius=radius,
            division_rate=rate(division_rate),
            death_rate=rate(death_rate),
            number=jnp.arange(n),
            mother=none - 1,
            birth=none,
            generation=none,
            clone=jnp.arange(n),
            step=jnp.asarray(0),
            n_numbers=jnp.asarray(n),
            n_missed=jnp.asarray(0),
            **fields,
        )
        return state.elongate(n_slots - n)

    @property
    def age(self) -> Float[Array, "*time cell"]:
        """Steps of division since each cell was born, shape (cell,)."""
        return (self.step[..., None] - self.birth).astype(self.radius.dtype)


def nan_where_missed(state: LineageState, value: Float[Array, ""]) -> Float[Array, ""]:
    """``value``, or NaN in values and derivatives if a division found no free slot.

    For an observable of a study: what a full state would have bent is then stored as not finite, counted
    and reported by the run, with the sample and the seed.
    """
    return value * jnp.where(state.n_missed > 0, jnp.nan, 1.0).astype(value.dtype)
