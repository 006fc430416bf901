"""Elementwise jaxprs as LLVM instructions on vectors, one number for each of several simulations."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.extend import core
from llvmlite import ir
from numpy.polynomial import chebyshev

from ..calls import CALLS, called

# A product and a sum may be one instruction, and a quotient a product with the reciprocal; nothing else
# is reordered, and NaN stays NaN.
FLAGS = ("contract", "arcp")
I32 = ir.IntType(32)
I64 = ir.IntType(64)

_COMPARED = {"eq": "==", "ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


class Vectors:
    """Writes instructions on vectors of ``width`` floating-point numbers.

    Attributes:
        builder: Where the instructions go.
        element: The type of a number.
        type: That of a vector.
    """

    def __init__(self, builder: ir.IRBuilder, dtype: np.dtype, width: int):
        self.builder, self.width = builder, width
        self._is_double = dtype == np.float64
        self.element = ir.DoubleType() if self._is_double else ir.FloatType()
        self._bits = I64 if self._is_double else I32
        self.type = ir.VectorType(self.element, width)

    def constant(self, value: float) -> ir.Constant:
        """The same number in all places."""
        return ir.Constant(self.type, [float(value)] * self.width)

    def splat(self, number: ir.Value) -> ir.Value:
        """The same number in all places, from one that is known at run time."""
        one = self.builder.insert_element(ir.Constant(self.type, ir.Undefined), number, I32(0))
        zeros = ir.Constant(ir.VectorType(I32, self.width), [0] * self.width)
        return self.builder.shuffle_vector(one, one, zeros)

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """A + b."""
        return self.builder.fadd(a, b, flags=FLAGS)

    def sub(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """A - b."""
        return self.builder.fsub(a, b, flags=FLAGS)

    def mul(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """A b."""
        return self.builder.fmul(a, b, flags=FLAGS)

    def dot(self, a: Sequence[ir.Value], b: Sequence[ir.Value]) -> ir.Value:
        """The sum of products."""
        products = [self.mul(x, y) for x, y in zip(a, b, strict=True)]
        total = products[0]
        for product in products[1:]:
            total = self.add(total, product)
        return total

    def evaluate(self, closed: core.ClosedJaxpr, operands: Sequence[ir.Value]) -> list[ir.Value]:
        """The results of a jaxpr of scalars at vectors."""
        jaxpr = closed.jaxpr
        values: dict[core.Var, ir.Value] = {}

        def read(atom: core.Var | core.Literal) -> ir.Value:
            return self._known(atom.val) if isinstance(atom, core.Literal) else values[atom]

        values.update(zip(jaxpr.constvars, map(self._known, closed.consts), strict=True))
        values.update(zip(jaxpr.invars, operands, strict=True))
        for eqn in jaxpr.eqns:
            given = [read(atom) for atom in eqn.invars]
            name = eqn.primitive.name
            if name in CALLS:
                results = self.evaluate(called(eqn), given)
            else:
                results = [_WRITERS[name](self, given, eqn.params)]
            values.update(zip(eqn.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _known(self, value: Any) -> ir.Constant:
        value = np.asarray(value)
        if value.dtype == bool:
            return ir.Constant(ir.VectorType(ir.IntType(1), self.width), [int(value)] * self.width)
        return self.constant(float(value))

    def _intrinsic(self, name: str, *operands: ir.Value) -> ir.Value:
        suffix = f"v{self.width}f{64 if self._is_double else 32}"
        return self.builder.call(
            _declared(self.builder.module, f"llvm.{name}.{suffix}", self.type, len(operands)), operands
        )

    def sqrt(self, x: ir.Value) -> ir.Value:
        """The square root, correctly rounded."""
        return self._intrinsic("sqrt", x)

    def power(self, x: ir.Value, exponent: int) -> ir.Value:
        """X to a whole number."""
        if exponent < 0:
            return self.builder.fdiv(self.constant(1), self.power(x, -exponent), flags=FLAGS)
        result, square = None, x
        while exponent:
            if exponent & 1:
                result = square if result is None else self.mul(result, square)
            exponent >>= 1
            square = self.mul(square, square) if exponent else square
        return self.constant(1) if result is None else result

    def larger(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The larger one; NaN if one of them is."""
        return self._first(">", a, b)

    def smaller(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The smaller one; NaN if one of them is."""
        return self._first("<", a, b)

    def _first(self, sign: str, a: ir.Value, b: ir.Value) -> ir.Value:
        if isinstance(b, ir.Constant):
            a, b = b, a
        first = self.builder.fcmp_ordered(sign, a, b)  # b, if that is NaN
        if not isinstance(a, ir.Constant):
            first = self.builder.or_(first, self.builder.fcmp_unordered("uno", a, a))
        return self.builder.select(first, a, b)

    def exp(self, x: ir.Value) -> ir.Value:
        """e^x = 2^n p(x - n ln 2), with p from :func:`_polynomial`; 0 where no normal number is left.

        ln 2 is subtracted in two parts, the first of which has so few digits that n times it is exact
        (Cody and Waite, Software Manual for the Elementary Functions, 1980, chapter 6).
        """
        constants = _EXP[self._is_double]
        low, high, shift = map(self.constant, (*constants.ends, constants.shift))
        x = self.smaller(self.larger(x, low), high)
        # The last bits of so large a number are n plus the bias of exponents.
        rounded = self.add(self.mul(x, self.constant(1 / np.log(2))), shift)
        n = self.sub(rounded, shift)
        for part in constants.ln_2:
            x = self.sub(x, self.mul(n, self.constant(part)))
        *others, result = map(self.constant, constants.polynomial)
        for coefficient in reversed(others):
            result = self.add(self.mul(result, x), coefficient)
        integers = ir.VectorType(self._bits, self.width)
        places = ir.Constant(integers, [constants.mantissa_bits] * self.width)
        power = self.builder.shl(self.builder.bitcast(rounded, integers), places)
        return self.mul(result, self.builder.bitcast(power, self.type))


class _Exponential(NamedTuple):
    """Numbers of the exponential function.

    Attributes:
        ends: Where it is taken for 0 and for infinite.
        ln_2: Its sum is the logarithm of 2.
        mantissa_bits: Those below the exponent of a number.
        shift: A number that has 1 in its last bit, plus the bias of exponents.
        polynomial: Coefficients, the constant one first.
    """

    ends: tuple[float, float]
    ln_2: tuple[float, float]
    mantissa_bits: int
    shift: float
    polynomial: tuple[float, ...]


def _polynomial(degree: int) -> tuple[float, ...]:
    """e^x within half ln 2 of 0: Taylor's series, economised by Chebyshev polynomials.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 22.20.
    """
    half = np.log(2) / 2
    taylor = [half**k / math.factorial(k) for k in range(21)]
    shorter = chebyshev.cheb2poly(chebyshev.poly2cheb(taylor)[: degree + 1])
    return tuple(float(c / half**k) for k, c in enumerate(shorter))


# The first neglected Chebyshev coefficients are 2e-9 and 3e-18.
_EXP = {
    False: _Exponential(
        (-88.0, 89.0), (0.693359375, -2.12194440e-4), 23, 1.5 * 2**23 + 127, _polynomial(6)
    ),
    True: _Exponential(
        (-709.1, 710.0),
        (6.93145751953125e-1, 1.42860682030941723212e-6),
        52,
        1.5 * 2**52 + 1023,
        _polynomial(11),
    ),
}


def _declared(module: ir.Module, name: str, kind: ir.Type, n_operands: int) -> ir.Function:
    known = module.globals.get(name)
    return known or ir.Function(module, ir.FunctionType(kind, [kind] * n_operands), name)


Writer = Callable[[Vectors, list[ir.Value], dict], ir.Value]


def _compared(sign: str) -> Writer:
    return lambda v, x, _: v.builder.fcmp_ordered(sign, *x)


def _converted(v: Vectors, x: list[ir.Value], params: dict) -> ir.Value:
    del params
    (a,) = x
    return v.builder.uitofp(a, v.type) if a.type.element == ir.IntType(1) else a


_WRITERS: dict[str, Writer] = {
    "abs": lambda v, x, _: v._intrinsic("fabs", *x),
    "add": lambda v, x, _: v.add(*x),
    "add_any": lambda v, x, _: v.add(*x),
    "and": lambda v, x, _: v.builder.and_(*x),
    "convert_element_type": _converted,
    "copy": lambda v, x, _: x[0],
    "div": lambda v, x, _: v.builder.fdiv(*x, flags=FLAGS),
    "exp": lambda v, x, _: v.exp(*x),
    "integer_pow": lambda v, x, params: v.power(x[0], params["y"]),
    "max": lambda v, x, _: v.larger(*x),
    "min": lambda v, x, _: v.smaller(*x),
    "mul": lambda v, x, _: v.mul(*x),
    "ne": lambda v, x, _: v.builder.fcmp_unordered("!=", *x),
    "neg": lambda v, x, _: v.builder.fneg(*x),
    "not": lambda v, x, _: v.builder.not_(*x),
    "or": lambda v, x, _: v.builder.or_(*x),
    "select_n": lambda v, x, _: v.builder.select(x[0], x[2], x[1]),
    "sqrt": lambda v, x, _: v.sqrt(*x),
    "square": lambda v, x, _: v.mul(x[0], x[0]),
    "sub": lambda v, x, _: v.sub(*x),
    **{name: _compared(sign) for name, sign in _COMPARED.items()},
}


def can_be_written(closed: core.ClosedJaxpr) -> bool:
    """Whether all of a jaxpr are operations on single numbers that :class:`Vectors` knows."""
    return all(
        can_be_written(called(eqn)) if eqn.primitive.name in CALLS else _is_known(eqn)
        for eqn in closed.jaxpr.eqns
    )


def _is_known(eqn: core.JaxprEqn) -> bool:
    """Integers may only become floating-point numbers: nothing computes with them."""
    given: list[Any] = [x.aval for x in eqn.invars]
    made: list[Any] = [x.aval for x in eqn.outvars]
    return (
        eqn.primitive.name in _WRITERS
        and not any(x.shape for x in (*given, *made))
        and all(np.issubdtype(x.dtype, np.floating) or x.dtype == bool for x in made)
    )
