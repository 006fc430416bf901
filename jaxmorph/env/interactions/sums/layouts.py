"""Which pairs of cells interact, and how what is computed for pairs comes from cells and goes back.

Arrays for pairs have the shape (*pair); how many axes that is, and how vectors are held, is a matter of
the layout: what the compiler makes fast of one is slow in the other.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .... import space
from ....space import DisplacementFn
from ....tracing import has_many_tangents

Vectors = tuple[Float[Array, "*pair"], ...] | Float[Array, "*pair dim"]


class Pairs(eqx.Module):
    """A layout of pairs of different living cells."""

    n_cells: int = eqx.field(static=True)

    @abc.abstractmethod
    def displacements(self, displacement: DisplacementFn, position: Float[Array, "cell dim"]) -> Vectors:
        """From the second cell of each pair to the first."""

    @abc.abstractmethod
    def dot(self, a: Vectors, b: Vectors) -> Float[Array, "*pair"]:
        """Scalar products."""

    @abc.abstractmethod
    def scaled(self, factor: Float[Array, "*pair"], a: Vectors) -> Vectors:
        """Each vector times a number."""

    @abc.abstractmethod
    def sums(self, x: Float[Array, " cell"]) -> Float[Array, "*pair"]:
        """``x`` of the first cell plus ``x`` of the second."""

    @abc.abstractmethod
    def products(self, x: Float[Array, " cell"]) -> Float[Array, "*pair"]:
        """``x`` of the first cell times ``x`` of the second; 0 for what is no pair."""

    @abc.abstractmethod
    def scalar_products(
        self, left: Float[Array, "cell kind"], right: Float[Array, "cell kind"]
    ) -> Float[Array, "*pair"]:
        """What the first cell has in ``left`` times what the second has in ``right``, summed."""

    @abc.abstractmethod
    def forces(self, force: Vectors, scale: Array | float) -> Float[Array, "cell dim"]:
        """``scale`` times the force on each cell, from that of each pair on its first.

        Minus that acts on the second.
        """

    @staticmethod
    def once(x: Float[Array, "*pair"], divisor: Float[Array, "*pair"]) -> Float[Array, "*pair"]:
        """``x``, which all tangents share; ``divisor`` is anything that is not 0.

        Compilers compute once what ends with a division, and most else again for each tangent.
        """
        return x * divisor / divisor if has_many_tangents() else x

    @abc.abstractmethod
    def shares(self, energy: Float[Array, "*pair"]) -> Float[Array, " cell"]:
        """For each cell half of what its pairs have."""


class EachOnce(Pairs):
    """Every pair once, (pair,), and the components of vectors apart.

    Products with constant matrices lead there and back.

    The transpose of a product is one too, so reverse mode needs no scatter.
    """

    def _ends(self, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
        first, second = np.triu_indices(self.n_cells, 1)
        one_hot = np.eye(self.n_cells, dtype=dtype)
        return one_hot[first], one_hot[second]

    def displacements(self, displacement: DisplacementFn, position: Array) -> Vectors:
        first, second = self._ends(position.dtype)
        if displacement is space.free()[0]:  # linear: one product
            return tuple(_product(first - second, x) for x in position.T)
        a, b = (jnp.stack([_product(end, x) for x in position.T]) for end in (first, second))
        return tuple(jax.vmap(displacement, in_axes=-1, out_axes=-1)(a, b))

    def dot(self, a: Vectors, b: Vectors) -> Array:
        return jnp.asarray(sum(x * y for x, y in zip(a, b, strict=True)))

    def scaled(self, factor: Array, a: Vectors) -> Vectors:
        return tuple(factor * x for x in a)

    def sums(self, x: Array) -> Array:
        first, second = self._ends(x.dtype)
        return _product(first + second, x)

    def products(self, x: Array) -> Array:
        first, second = self._ends(x.dtype)
        return _product(first, x) * _product(second, x)

    def scalar_products(self, left: Array, right: Array) -> Array:
        first, second = self._ends(left.dtype)
        return jnp.sum(_product(first, left) * _product(second, right), axis=-1)

    def forces(self, force: Vectors, scale: Array | float) -> Array:
        first, second = self._ends(force[0].dtype)
        # Scaled before they are summed: the derivative in the scale is then a sum over pairs of what the
        # other derivatives need too, and no second sum for each cell.
        return _side_by_side([_product((first - second).T, scale * f) for f in force])

    def shares(self, energy: Array) -> Array:
        first, second = self._ends(energy.dtype)
        return _product((first + second).T, energy) / 2


def _side_by_side(components: list[Array]) -> Array:
    """``jnp.stack`` along a last axis, by choices that compilers fuse with what uses it."""
    places = np.arange(len(components))
    stacked = jnp.broadcast_to(components[0][:, None], (*components[0].shape, len(components)))
    for i, x in enumerate(components[1:], 1):
        stacked = jnp.where(places == i, x[:, None], stacked)
    return stacked


def _product(matrix: np.ndarray | Array, x: Array) -> Array:
    """Exact for rows that pick one or two numbers: GPUs would round them otherwise."""
    return jnp.matmul(matrix, x, precision=jax.lax.Precision.HIGHEST)


class BothWays(Pairs):
    """Every pair from both sides, (cell, cell): sums over one axis, fused with what is summed."""

    def displacements(self, displacement: DisplacementFn, position: Array) -> Vectors:
        return space.pairwise_displacement(displacement, position)

    def dot(self, a: Vectors, b: Vectors) -> Array:
        return jnp.sum(jnp.asarray(a) * jnp.asarray(b), axis=-1)

    def scaled(self, factor: Array, a: Vectors) -> Vectors:
        return factor[..., None] * jnp.asarray(a)

    def sums(self, x: Array) -> Array:
        return x[:, None] + x[None, :]

    def products(self, x: Array) -> Array:
        return x[:, None] * x[None, :] * (1 - jnp.eye(self.n_cells, dtype=x.dtype))

    def scalar_products(self, left: Array, right: Array) -> Array:
        return _product(left, right.T)

    def forces(self, force: Vectors, scale: Array | float) -> Array:
        return scale * jnp.sum(jnp.asarray(force), axis=1)

    def shares(self, energy: Array) -> Array:
        return jnp.sum(energy, axis=1) / 2
