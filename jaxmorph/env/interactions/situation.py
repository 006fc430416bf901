"""What the choice of a way to sum pairs depends on."""

from typing import Literal, NamedTuple

Work = Literal["energy", "nearest", "force", "values", "tangents", "cotangents"]
"""What is summed: an energy of pairs; the distance to the nearest cell; a force, of which an engine then
evaluates the values, their change along tangents, and what cotangents give back."""


class Situation(NamedTuple):
    """What pairs are to be summed, and where.

    Attributes:
        work: What is summed.
        n_cells: Number of cells.
        n_dim: Dimensions of space.
        space: ``"unknown"`` is that of another library, unless it is free.
        has_range: Whether the law has a distance beyond which there is nothing.
        array_field: The name of a field of the law that is neither a number nor a product.
        platform: On what an engine evaluates a batch, ``"cpu"`` or another; None if JAX alone computes.
        n_simulations: How many are evaluated together; None while that is not known.
        unwritable: What of the law no kernel can be written of; empty if all of it can be.
        neighbours: Of how many cells a list would have room; None if nobody looks after its size.
    """

    work: Work
    n_cells: int
    n_dim: int
    space: Literal["free", "periodic", "unknown"]
    has_range: bool
    array_field: str = ""
    platform: str | None = None
    n_simulations: int | None = None
    unwritable: str = ""
    neighbours: float | None = None
