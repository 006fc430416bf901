"""Products of arrays."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core
from jax.typing import ArrayLike
from jaxtyping import Array

from .arrays import Laned, Rule, Sizes, widened
from .mapped import by_vmap

# Of these types a product is the sum of the products of numbers. Of others it is not: of booleans it is
# an "or", of small integers it wraps around, of half floats it is summed in wider ones.
_SUMMED = ("float32", "float64", "complex64", "complex128")


def _dot_general(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """One operand without lanes: a matrix product whose other operand is taken as it lies in memory."""
    a, b = operands
    (contract_a, contract_b), (batch_a, _) = eqn.params["dimension_numbers"]
    sums_all = not batch_a and len(contract_a) in (a.rank, b.rank)
    if a.lanes and b.lanes and sums_all and _is_sum_of_products(eqn):
        both = (a, b, contract_a, contract_b), (b, a, contract_b, contract_a)
        return [_summed_products(*both[len(contract_a) != b.rank], sizes)]
    if (a.lanes and b.lanes) or batch_a:
        return by_vmap(eqn, operands, sizes)
    kept = ("precision", "preferred_element_type", "out_sharding")
    options = {k: eqn.params[k] for k in kept if k in eqn.params}
    if b.lanes:
        product = _matrix_first(a.array, b.array, contract_a, contract_b, options)
        return [Laned(product, b.lanes)]
    product = _matrix_first(b.array, a.array, contract_b, contract_a, options)
    free_a, free_b = a.rank - len(contract_a), b.rank - len(contract_b)
    order = (*range(free_b, free_b + free_a), *range(free_b), *range(free_a + free_b, product.ndim))
    return [Laned(lax.transpose(product, order), a.lanes)]


def _is_sum_of_products(eqn: core.JaxprEqn) -> bool:
    kinds = {str(x.aval.dtype) for x in (*eqn.invars, *eqn.outvars)}  # type: ignore[attr-defined]
    precision = eqn.params["precision"]
    of_each = precision if isinstance(precision, tuple) else (precision,)
    exact = all(p is None or isinstance(p, lax.Precision) for p in of_each)
    return exact and len(kinds) == 1 and kinds <= set(_SUMMED)


def _summed_products(
    matrix: Laned, vector: Laned, of_matrix: tuple[int, ...], of_vector: tuple[int, ...], sizes: Sizes
) -> Laned:
    """The product of an array and a vector, all of whose axes are summed over."""
    lanes = max(matrix.lanes, vector.lanes)
    whole = widened(matrix, lanes, sizes)
    axes = sorted(zip(of_matrix, of_vector, strict=True))  # none, if it is a number
    summed = tuple(axis for axis, _ in axes)
    x = widened(vector, lanes, sizes)
    x = lax.transpose(x, (*(axis for _, axis in axes), *range(vector.rank, jnp.ndim(x))))
    x = lax.broadcast_in_dim(x, jnp.shape(whole), (*summed, *range(matrix.rank, jnp.ndim(whole))))
    return Laned(jnp.sum(whole * x, axis=summed), lanes)


def _matrix_first(
    matrix: ArrayLike, x: ArrayLike, of_matrix: tuple[int, ...], of_x: tuple[int, ...], options: dict
) -> Array:
    """The product of a constant and ``x``; fast ones on CPUs sum over the last axis of the constant.

    Axes of ``x`` that lie before the one that is summed over, as those of tangents, stay there: a copy
    of the matrix for each is cheaper than ``x`` in another order.
    """
    if isinstance(matrix, jax.core.Tracer):
        return lax.dot_general(matrix, x, ((of_matrix, of_x), ((), ())), **options)
    last = range(-len(of_matrix), 0)
    constant = np.moveaxis(np.asarray(matrix), of_matrix, last).copy()
    free = constant.ndim - len(of_matrix)
    before = range(of_x[0]) if len(of_x) == 1 else range(0)
    n = len(before)
    shape = (*jnp.shape(x)[:n], *constant.shape)
    matrices = lax.broadcast_in_dim(constant, shape, range(n, len(shape)))
    of_matrices = tuple(range(n + free, matrices.ndim))
    product = lax.dot_general(matrices, x, ((of_matrices, of_x), (before, before)), **options)
    return lax.transpose(product, (*range(n, n + free), *before, *range(n + free, product.ndim)))


RULES: dict[str, Rule] = {"dot_general": _dot_general}
