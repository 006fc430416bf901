"""The fields of laws that can be differentiated: numbers for all pairs, and numbers for each."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .law import PairLaw

Law = TypeVar("Law", bound=PairLaw)


class PairProduct(eqx.Module):
    """A number for each pair of cells: the scalar product of what the two have.

    It must be the same from both sides: ``left[i] @ right[j] == left[j] @ right[i]``.
    """

    left: Float[Array, "cell kind"]
    right: Float[Array, "cell kind"]


if TYPE_CHECKING:  # what a law computes with: products have become numbers of pairs by then
    Number = float | Array
else:
    Number = float | np.floating | Float[Array, "*pair"] | PairProduct
"""A field of a law: a number for all pairs, one for each, or a product of what the two cells have."""


def is_product(x: object) -> bool:
    """Whether it is a number for each pair of that kind."""
    return isinstance(x, PairProduct)


def fields_of(law: Law) -> tuple[dict[str, Array | PairProduct], Callable[..., Law]]:
    """The fields that are arrays or products, by name, and the law as a function of all of them."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(law, is_leaf=is_product)
    values = [leaf for _, leaf in leaves]
    places = [i for i, x in enumerate(values) if is_product(x) or eqx.is_inexact_array(x)]
    names = [jax.tree_util.keystr(leaves[i][0], simple=True, separator=".") for i in places]

    def changed(*fields: Array | PairProduct) -> Law:
        new = list(values)
        for i, field in zip(places, fields, strict=True):
            new[i] = field
        return jax.tree.unflatten(structure, new)

    return dict(zip(names, (values[i] for i in places), strict=True)), changed


def of_pairs(law: Law, numbers: Callable[[PairProduct], Array]) -> Law:
    """The law with the numbers of pairs in the place of products."""
    return jax.tree.map(lambda x: numbers(x) if is_product(x) else x, law, is_leaf=is_product)


def array_field(law: PairLaw) -> str:
    """The name of a field that is neither a number for all pairs nor a product; empty if all are."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(law, is_leaf=is_product)
    arrays = (path for path, x in leaves if not is_product(x) and jnp.ndim(x) > 0)
    return next((jax.tree_util.keystr(path, simple=True, separator=".") for path in arrays), "")
