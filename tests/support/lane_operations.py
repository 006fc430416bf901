"""Operations of JAX for ``test_lane_rules.py``, of arrays x, y, z of one type: all that have a rule."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Operation = Callable[..., Any]

_TYPES = """
bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64
complex64 complex128
"""
TYPES = _TYPES.split()

_PLAIN = """
abs acos acosh asin asinh atan atanh bessel_i0e bessel_i1e bitwise_not cbrt ceil clz conj cos cosh
digamma erf erf_inv erfc exp exp2 expm1 floor imag is_finite lgamma log log1p logistic neg
population_count real round rsqrt sign sin sinh sqrt square stop_gradient tan tanh
"""
_OF_TWO = """
add atan2 bitwise_and bitwise_or bitwise_xor complex div eq ge gt igamma igamma_grad_a igammac le lt max
min mul ne nextafter polygamma pow rem shift_left shift_right_arithmetic shift_right_logical sub zeta
"""


def _named(name: str, n: int) -> Operation:
    function = getattr(lax, name)
    return lambda *arrays: function(*arrays[:n])


ELEMENTWISE: dict[str, Operation] = {
    **{name: _named(name, 1) for name in _PLAIN.split()},
    **{name: _named(name, 2) for name in _OF_TWO.split()},
    "betainc": lax.betainc,
    "clamp": lax.clamp,
    "clamp between numbers": lambda x, y, z: lax.clamp(y[(0,) * y.ndim], x, z[(0,) * z.ndim]),
    "convert": lambda x, y, z: lax.convert_element_type(x, "bool"),
    "base 2": lambda x, y, z: lax.log(x) / jnp.log2(y),
    "copy": lambda x, y, z: jnp.copy(x),
    "cube": lambda x, y, z: lax.integer_pow(x, 3),
    "bitcast as wide": lambda x, y, z: lax.bitcast_convert_type(x, f"uint{8 * x.dtype.itemsize}"),
    "bitcast to narrow": lambda x, y, z: lax.bitcast_convert_type(x, "uint8"),
    "gradient twice": lambda x, y, z: jax.grad(lambda t: jnp.sum(t * y) + jnp.sum(t * z))(x),
    "power by number": lambda x, y, z: lax.pow(x, np.int32(2)),
    "precision": lambda x, y, z: lax.reduce_precision(x, 5, 7),
    "select": lambda x, y, z: lax.select_n(x > y, y, z),
    "select by number": lambda x, y, z: lax.select_n(x[(0,) * x.ndim] > 0.5, y, z),
    "select of three": lambda x, y, z: lax.select_n((x > y).astype("int32") * 2, x, y, z),
}

# Of tables x, y, z of shape (3, 4).
ARRAYS: dict[str, Operation] = {
    "argmax": lambda x, y, z: (lax.argmax(x, 0, np.int32), lax.argmin(x, 1, np.int32)),
    "barrier": lambda x, y, z: lax.optimization_barrier((x, y)),
    "broadcast": lambda x, y, z: lax.broadcast_in_dim(x, (2, 3, 5, 4), (1, 3)),
    "concatenate": lambda x, y, z: lax.concatenate([x, y, z], 1),
    "cumulative": lambda x, y, z: (lax.cumsum(x, 1), lax.cumprod(x, 0, reverse=True)),
    "cumulative extrema": lambda x, y, z: (lax.cummax(x, 1, reverse=True), lax.cummin(x, 0)),
    "cumulative log": lambda x, y, z: lax.cumlogsumexp(lax.erf(x), 1),
    # The derivatives above are written without the operation itself.
    "cumulative log without derivatives": lambda x, y, z: lax.cumlogsumexp(
        lax.stop_gradient(lax.erf(x)), 0, reverse=True
    ),
    "pad": lambda x, y, z: lax.pad(x, jnp.zeros((), x.dtype), ((1, 0, 0), (0, 2, 1))),
    "pad with its own": lambda x, y, z: lax.pad(x, y[0, 0], ((1, -1, 0), (0, 2, 0))),
    "reductions": lambda x, y, z: (jnp.sum(x, 0, dtype=x.dtype), jnp.prod(x, 1, dtype=x.dtype)),
    "reductions of extrema": lambda x, y, z: (jnp.max(x, 0), jnp.min(x, 1)),
    "reductions of bits": lambda x, y, z: (
        lax.reduce_and(x, (0,)),
        lax.reduce_or(x, (1,)),
        lax.reduce_xor(x, (0, 1)),
    ),
    "reshape": lambda x, y, z: (lax.reshape(x, (2, 6)), lax.reshape(y, (6, 2), (1, 0))),
    "reverse": lambda x, y, z: lax.rev(x, (1,)),
    "slice": lambda x, y, z: (lax.slice(x, (1, 0), (3, 4), (1, 2)), lax.slice(y, (0, 1), (2, 3))),
    "split": lambda x, y, z: lax.split(x, (1, 3), 1),
    "squeeze": lambda x, y, z: lax.squeeze(lax.slice(x, (1, 0), (2, 4)), (0,)),
    "stack": lambda x, y, z: jnp.stack([x, y], 1),
    "tile": lambda x, y, z: jnp.tile(x, (2, 1, 3)),
    "transpose": lambda x, y, z: lax.transpose(x, (1, 0)),
    "unstack": lambda x, y, z: jnp.unstack(x, axis=1),
    "gather": lambda x, y, z: (x[np.array([2, 0, 0])], y[:, np.array([[1], [-1]])], z[1:, [0, 3]]),
    "gather its own": lambda x, y, z: jnp.take(x, jnp.argmax(y, axis=1), axis=1),
    "dynamic slice": lambda x, y, z: lax.dynamic_slice(x, (jnp.int32(1), jnp.int32(2)), (2, 2)),
    "dynamic slice of its own": lambda x, y, z: lax.dynamic_slice(x, (_place(y), jnp.int32(1)), (1, 2)),
    "dynamic update": lambda x, y, z: lax.dynamic_update_slice(x, y[:2, :2], (jnp.int32(1), 2)),
    "dynamic update at its own": lambda x, y, z: lax.dynamic_update_slice(x, y[:1], (_place(z), 0)),
    "scatter": lambda x, y, z: (
        x.at[np.array([2, 0])].set(y[:2]),
        x.at[np.array([2, 2])].add(y[:2]),
        x.at[:, np.array([1, 3])].subtract(z[:, 2:]),
    ),
    "scatter product": lambda x, y, z: x.at[np.array([2, 1])].multiply(y[:2], unique_indices=True),
    "scatter extrema": lambda x, y, z: (
        x.at[np.array([2, 1])].max(y[:2]),
        x.at[np.array([0, 1])].min(y[:2]),
    ),
    "scatter at its own": lambda x, y, z: x.at[_place(y)].set(z[0]),
    "sort": lambda x, y, z: lax.sort((x, y), dimension=0, num_keys=2),
}


def _place(y: jax.Array) -> jax.Array:
    """A row that depends on what is in ``y``."""
    return jnp.argmax(y[:, 0] > y[:, 1])


def _dot(axes: Any, batch: Any = ((), ()), left: Any = ..., right: Any = ...) -> Operation:
    return lambda x, y, z: lax.dot_general(x[left], y[right], (axes, batch))


_TABLE = np.arange(12).reshape(4, 3) % 5

PRODUCTS: dict[str, Operation] = {
    "matrix and vector": _dot(((1,), (0,)), right=0),
    "vector and matrix": _dot(((0,), (1,)), left=0),
    "vectors": _dot(((0,), (0,)), left=0, right=1),
    "numbers": _dot(((), ()), left=(0, 0), right=(1, 1)),
    "number and matrix": _dot(((), ()), left=(0, 0)),
    "outer": _dot(((), ()), left=0, right=1),
    "matrices": _dot(((1,), (1,))),
    "all of two matrices": _dot(((1, 0), (1, 0))),
    "of each row": _dot(((1,), (1,)), ((0,), (0,))),
    "constant and matrix": lambda x, y, z: _TABLE.astype(x.dtype) @ x,
    "matrix and constant": lambda x, y, z: x @ _TABLE.astype(x.dtype),
    "in the widest type": lambda x, y, z: lax.dot(x, y.T, preferred_element_type=_wider(x.dtype)),
}


def _wider(dtype: np.dtype) -> np.dtype:
    of_kind = {"f": "float64", "c": "complex128", "i": "int64", "u": "uint64"}
    return np.dtype(of_kind.get(dtype.kind, dtype))
