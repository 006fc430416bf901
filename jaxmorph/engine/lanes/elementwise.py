"""Equations that compute each number of a result from the numbers at its place."""

import math

from jax import lax
from jax.extend import core
from jax.typing import ArrayLike

from .arrays import Laned, Rule, Sizes, widened, widest
from .mapped import by_vmap

# All operands have one shape, but for numbers beside arrays.
_NAMES = """
abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e cbrt ceil clamp clz
complex conj convert_element_type copy copy_p cos cosh digamma div eq eq_to erf erf_inv erfc exp exp2
expm1 floor ge gt igamma igamma_grad_a igammac imag integer_pow is_finite le le_to lgamma log log1p log2
logistic lt lt_to max min mul mulhi name ne neg nextafter not one_minus_square or polygamma polynomial
population_count pow real reduce_precision regularized_incomplete_beta rem round rsqrt select_n
shift_left shift_right_arithmetic shift_right_logical sign sin sinh sqrt square stop_gradient sub tan
tanh xor zeta
"""


def elementwise(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """The same operation on arrays that all have the widest lanes."""
    lanes = widest(operands)
    shape = max((x.shape for x in operands), key=len)

    def fit(x: Laned) -> ArrayLike:
        if x.rank == len(shape):
            return widened(x, lanes, sizes)
        # A number beside arrays.
        whole = (*shape, *sizes.of(x.lanes))
        array = lax.broadcast_in_dim(x.array, whole, range(len(shape), len(whole)))
        return widened(Laned(array, x.lanes), lanes, sizes)

    return [Laned(eqn.primitive.bind(*[fit(x) for x in operands], **eqn.params), lanes)]


def _bitcast(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """Of a type as wide; others add or take away an axis."""
    (x,) = operands
    is_as_wide = math.prod(eqn.outvars[0].aval.shape) == math.prod(x.shape)  # type: ignore[attr-defined]
    return (elementwise if is_as_wide else by_vmap)(eqn, operands, sizes)


RULES: dict[str, Rule] = {**dict.fromkeys(_NAMES.split(), elementwise), "bitcast_convert_type": _bitcast}
