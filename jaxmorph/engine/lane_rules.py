"""How single equations of a jaxpr are evaluated when the axes of the batch come last."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core
from jaxtyping import Array

from .lanes import Laned, Lanes, Rule, Sizes, by_vmap, spread, widest
from .threefry import threefry_bits, threefry_split

_ELEMENTWISE = [
    "add",
    "add_any",
    "and",
    "atan2",
    "clamp",
    "complex",
    "div",
    "eq",
    "ge",
    "gt",
    "igamma",
    "igammac",
    "le",
    "lt",
    "max",
    "min",
    "mul",
    "ne",
    "nextafter",
    "not",
    "or",
    "pow",
    "rem",
    "select_n",
    "shift_left",
    "shift_right_arithmetic",
    "shift_right_logical",
    "sub",
    "xor",
]
# Their parameters name axes by numbers that trailing lanes do not change.
_OF_LEADING_AXES = [
    "argmax",
    "argmin",
    "convert_element_type",
    "copy",
    "copy_p",
    "cumlogsumexp",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "optimization_barrier",
    "reduce_and",
    "reduce_max",
    "reduce_min",
    "reduce_or",
    "reduce_prod",
    "reduce_sum",
    "rev",
    "squeeze",
]


def _elementwise(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    lanes = widest(operands)
    shape = max((x.shape for x in operands), key=len)

    def fit(x: Laned) -> Array:
        if x.rank == len(shape):
            return spread(x, lanes, sizes)
        # A scalar beside arrays.
        whole = (*shape, *sizes.of(x.lanes))
        array = lax.broadcast_in_dim(x.array, whole, range(len(shape), len(whole)))
        return spread(Laned(array, x.lanes), lanes, sizes)

    return [Laned(eqn.primitive.bind(*[fit(x) for x in operands], **eqn.params), lanes)]


def _same(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    del sizes
    results = eqn.primitive.bind(*[x.array for x in operands], **eqn.params)
    results = results if eqn.primitive.multiple_results else [results]
    return [Laned(y, x.lanes) for y, x in zip(results, operands, strict=True)]


def _of_first(function: Callable[..., Array]) -> Rule:
    """A rule from ``function(array, own rank, sizes of its lanes, params)``."""

    def rule(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
        if len(operands) > 1:  # sizes that are known at run time only
            return by_vmap(eqn, operands, sizes)
        (x,) = operands
        return [Laned(function(x.array, x.rank, sizes.of(x.lanes), eqn.params), x.lanes)]

    return rule


def _broadcast_in_dim(x: Array, rank: int, trailing: tuple[int, ...], params: dict) -> Array:
    del rank
    shape, dims = params["shape"], params["broadcast_dimensions"]
    return lax.broadcast_in_dim(
        x, (*shape, *trailing), (*dims, *range(len(shape), len(shape) + len(trailing)))
    )


def _reshape(x: Array, rank: int, trailing: tuple[int, ...], params: dict) -> Array:
    order = params["dimensions"]  # in which the axes are read, if not in their own
    if order is not None:
        x = lax.transpose(x, (*order, *range(rank, x.ndim)))
    return lax.reshape(x, (*params["new_sizes"], *trailing))


def _transpose(x: Array, rank: int, trailing: tuple[int, ...], params: dict) -> Array:
    return lax.transpose(x, (*params["permutation"], *range(rank, rank + len(trailing))))


def _slice(x: Array, rank: int, trailing: tuple[int, ...], params: dict) -> Array:
    del rank
    start, limit, strides = params["start_indices"], params["limit_indices"], params["strides"]
    ones = (1,) * len(trailing)
    return lax.slice(
        x,
        (*start, *(0 for _ in trailing)),
        (*limit, *trailing),
        None if strides is None else (*strides, *ones),
    )


def _joined(join: Callable[[list[Array], dict], Array]) -> Rule:
    def rule(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
        lanes = widest(operands)
        return [Laned(join([spread(x, lanes, sizes) for x in operands], eqn.params), lanes)]

    return rule


def _pad(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    x, value = operands
    if value.lanes:
        return by_vmap(eqn, operands, sizes)
    config = (*eqn.params["padding_config"], *((0, 0, 0) for _ in sizes.of(x.lanes)))
    return [Laned(lax.pad(x.array, value.array, config), x.lanes)]


def _dynamic_slice(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    x, *starts = operands
    if widest(starts) or len(starts) != x.rank:
        return by_vmap(eqn, operands, sizes)
    trailing = sizes.of(x.lanes)
    zeros = [jnp.zeros((), s.array.dtype) for s in starts[:1] for _ in trailing]
    window = (*eqn.params["slice_sizes"], *trailing)
    return [Laned(lax.dynamic_slice(x.array, [*(s.array for s in starts), *zeros], window), x.lanes)]


def _dynamic_update_slice(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    x, update, *starts = operands
    if widest(starts) or not starts:
        return by_vmap(eqn, operands, sizes)
    lanes = max(x.lanes, update.lanes)
    zeros = [jnp.zeros((), starts[0].array.dtype) for _ in sizes.of(lanes)]
    start = [*(s.array for s in starts), *zeros]
    arrays = spread(x, lanes, sizes), spread(update, lanes, sizes)
    return [Laned(lax.dynamic_update_slice(*arrays, start), lanes)]


def _dot_general(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """One operand without lanes: a matrix product whose other operand is taken as it lies in memory."""
    a, b = operands
    (contract_a, contract_b), (batch_a, _) = eqn.params["dimension_numbers"]
    if a.lanes and b.lanes and not batch_a and len(contract_a) in (a.rank, b.rank):
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


def _summed_products(
    matrix: Laned, vector: Laned, of_matrix: tuple[int, ...], of_vector: tuple[int, ...], sizes: Sizes
) -> Laned:
    """The product of an array and a vector, all of whose axes are summed over."""
    lanes = max(matrix.lanes, vector.lanes)
    whole, x = (spread(operand, lanes, sizes) for operand in (matrix, vector))
    axes = sorted(zip(of_matrix, of_vector, strict=True))  # none, if it is a number
    summed = tuple(axis for axis, _ in axes)
    x = lax.transpose(x, (*(axis for _, axis in axes), *range(vector.rank, x.ndim)))
    x = lax.broadcast_in_dim(x, whole.shape, (*summed, *range(matrix.rank, whole.ndim)))
    return Laned(jnp.sum(whole * x, axis=summed), lanes)


def _matrix_first(
    matrix: Array, x: Array, of_matrix: tuple[int, ...], of_x: tuple[int, ...], options: dict
) -> Array:
    """The product of a constant and ``x``; fast ones on CPUs sum over the last axis of the constant.

    Axes of ``x`` that lie before the one that is summed over, as those of tangents, stay there: a copy
    of the matrix for each is cheaper than ``x`` in another order.
    """
    if isinstance(matrix, jax.core.Tracer):
        return lax.dot_general(matrix, x, ((of_matrix, of_x), ((), ())), **options)
    last = range(-len(of_matrix), 0)
    matrix = np.moveaxis(np.asarray(matrix), of_matrix, last).copy()  # type: ignore[assignment]
    free = matrix.ndim - len(of_matrix)
    before = range(of_x[0]) if len(of_x) == 1 else range(0)
    n = len(before)
    matrices = lax.broadcast_in_dim(matrix, (*x.shape[:n], *matrix.shape), range(n, n + matrix.ndim))
    of_matrices = tuple(range(n + free, matrices.ndim))
    product = lax.dot_general(matrices, x, ((of_matrices, of_x), (before, before)), **options)
    return lax.transpose(product, (*range(n, n + free), *before, *range(n + free, product.ndim)))


def _gather(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """The same places of all simulations: whole rows of lanes are copied."""
    x, indices = operands
    if indices.lanes:
        return by_vmap(eqn, operands, sizes)
    trailing = sizes.of(x.lanes)
    numbers = eqn.params["dimension_numbers"]
    rank = len(eqn.outvars[0].aval.shape)  # type: ignore[attr-defined]
    numbers = numbers._replace(offset_dims=(*numbers.offset_dims, *range(rank, rank + len(trailing))))
    params = eqn.params | {
        "dimension_numbers": numbers,
        "slice_sizes": (*eqn.params["slice_sizes"], *trailing),
    }
    return [Laned(eqn.primitive.bind(x.array, indices.array, **params), x.lanes)]


def _over_all(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """Equinox's reductions over the whole batch, on which ``eqx.error_if`` stands."""
    return [Laned(eqn.primitive.bind(operands[0].array), Lanes.NONE)]


def _random(draw: Callable[[Array, Array, int, dict], Array]) -> Rule:
    """A rule for keys: ``draw`` makes numbers from their two words and own rank, lanes last."""

    def rule(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
        (key,) = operands
        if str(jax.random.key_impl(key.array)) != "threefry2x32":
            return by_vmap(eqn, operands, sizes)
        words = jax.random.key_data(key.array)
        return [Laned(draw(words[..., 0], words[..., 1], key.rank, eqn.params), key.lanes)]

    return rule


def _split(k0: Array, k1: Array, rank: int, params: dict) -> Array:
    # Hashes of hashes in one kernel: JAX 0.12 would compile it for ever.
    words = lax.optimization_barrier(threefry_split(k0, k1, rank, params["shape"]))
    return jax.random.wrap_key_data(jnp.stack(words, axis=-1))


def _bits(k0: Array, k1: Array, rank: int, params: dict) -> Array:
    return threefry_bits(k0, k1, rank, params["shape"], params["bit_width"])


RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_OF_LEADING_AXES, _same),
    **dict.fromkeys(("unvmap_all", "unvmap_any", "unvmap_max"), _over_all),
    "broadcast_in_dim": _of_first(_broadcast_in_dim),
    "concatenate": _joined(lambda arrays, params: lax.concatenate(arrays, params["dimension"])),
    "dot_general": _dot_general,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "gather": _gather,
    "pad": _pad,
    "random_bits": _random(_bits),
    "random_split": _random(_split),
    "reshape": _of_first(_reshape),
    "slice": _of_first(_slice),
    "stack": _joined(lambda arrays, params: jnp.stack(arrays, params["axis"])),
    "transpose": _of_first(_transpose),
}
