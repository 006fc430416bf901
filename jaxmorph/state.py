"""The state of a cluster of cells.

The model is dimensionless. Lengths are in units of a typical cell diameter, energies in units of the
thermal energy at kT = 1, and times in units of (friction x length^2 / energy) at unit friction.
"""

from collections.abc import Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from . import space
from .errors import JaxmorphError


class BaseCellState(eqx.Module):
    """Positions, types and radii of cells. Subclass it to add fields of your own.

    The first axis of every array field is the cell (after any leading time axis of a trajectory); a
    field without axes belongs to the cluster.
    A slot whose cell-type row sums to 0 is dead: it takes no space and feels no force.

    Attributes:
        displacement: Function of two positions, from ``jaxmorph.space`` or ``jax_md.space``.
        shift: Function that moves positions, from the same place.
        position: Shape (cell, dim).
        celltype: Shape (cell, type); usually one-hot rows.
        radius: Shape (cell, 1).

    >>> state = BaseCellState.empty(n_dim=2).elongate(3)  # three dead slots
    >>> state.position.shape, int(state.alive.sum())
    ((3, 2), 0)
    """

    displacement: Any = eqx.field(static=True)
    shift: Any = eqx.field(static=True)
    position: Float[Array, "*time cell dim"]
    celltype: Float[Array, "*time cell type"]
    radius: Float[Array, "*time cell 1"]

    @classmethod
    def empty(cls, n_dim: int = 2, n_cell_types: int = 1, **fields: Any) -> Self:
        """A state with no cells, in free space.

        Args:
            n_dim: 2 or 3.
            n_cell_types: Number of cell types, at least 1.
            **fields: Values for the fields that a subclass adds, with a first axis of length 0.

        Raises:
            JaxmorphError: For another number of dimensions or types.
        """
        if n_dim not in (2, 3):
            raise JaxmorphError(f"n_dim = {n_dim}: a state has 2 or 3 dimensions")
        if n_cell_types < 1:
            raise JaxmorphError(f"n_cell_types = {n_cell_types}: a state has at least 1 cell type")
        displacement, shift = space.free()
        return cls(
            displacement=displacement,
            shift=shift,
            position=jnp.zeros((0, n_dim)),
            celltype=jnp.zeros((0, n_cell_types)),
            radius=jnp.zeros((0, 1)),
            **fields,
        )

    def elongate(self, n_add: int) -> Self:
        """The state with ``n_add`` more slots, dead and filled with zeros, in every field of cells."""
        if not isinstance(n_add, int) or n_add < 0:
            raise JaxmorphError(f"n_add = {n_add!r}: must be a whole number, 0 or more; see delete")

        def grow(x: Array) -> Array:
            if x.ndim == 0:
                return x
            return jnp.concatenate([x, jnp.zeros((n_add, *x.shape[1:]), x.dtype)])

        return jax.tree.map(grow, self)

    def delete(self, indices: int | Sequence[int] | Array | np.ndarray) -> Self:
        """The state without the slots ``indices``, in every field of cells.

        Args:
            indices: An integer, several, or a mask of shape (cell,) that is true where to delete.

        Raises:
            JaxmorphError: If an index is not a slot of the state.
        """
        n_cells = self.position.shape[0]
        wanted = np.atleast_1d(np.asarray(indices))
        if wanted.dtype == bool and wanted.shape == (n_cells,):
            wanted = np.flatnonzero(wanted)
        if wanted.size and not np.issubdtype(wanted.dtype, np.integer):
            raise JaxmorphError(
                f"indices = {indices}: must be whole numbers, or a mask of shape ({n_cells},)"
            )
        wanted = wanted.astype(int)
        outside = [int(i) for i in wanted if not -n_cells <= i < n_cells]
        if outside:
            raise JaxmorphError(f"indices = {outside}: the state has slots 0 to {n_cells - 1}")
        return jax.tree.map(lambda x: jnp.delete(x, wanted, axis=0) if x.ndim else x, self)

    def __check_init__(self) -> None:
        """The fields agree on the number of cells; what is not an array is left alone."""
        fields = (self.position, self.celltype, self.radius)
        shapes = [field.shape for field in fields if eqx.is_array(field)]
        if len(shapes) == len(fields) and len({shape[:-1] for shape in shapes}) > 1:
            raise JaxmorphError(
                f"position {shapes[0]}, celltype {shapes[1]}, radius {shapes[2]}: the shapes must be "
                "(cell, dim), (cell, type) and (cell, 1), with the same number of cells"
            )

    @property
    def alive(self) -> Bool[Array, "*time cell"]:
        """Which slots hold a living cell."""
        return jnp.sum(self.celltype, axis=-1) > 0
