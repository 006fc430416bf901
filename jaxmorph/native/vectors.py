"""LLVM instructions on vectors of floating-point numbers."""

from collections.abc import Sequence

import numpy as np
from llvmlite import ir

# A product and a sum may be one instruction, and a quotient a product with the reciprocal; nothing else
# is reordered, and NaN stays NaN.
FLAGS = ("contract", "arcp")
I32 = ir.IntType(32)
I64 = ir.IntType(64)


class Vectors:
    """Writes instructions on vectors of ``width`` floating-point numbers.

    Attributes:
        builder: Where the instructions go.
        width: How many a vector holds.
        is_double: Whether they are of double precision.
        element: The type of a number.
        type: That of a vector.
        bits: That of the whole numbers with the same bits.
    """

    def __init__(self, builder: ir.IRBuilder, dtype: np.dtype, width: int):
        self.builder, self.width = builder, width
        self.is_double = dtype == np.float64
        self.element = ir.DoubleType() if self.is_double else ir.FloatType()
        self.type = ir.VectorType(self.element, width)
        self.bits = ir.VectorType(I64 if self.is_double else I32, width)

    def constant(self, value: float) -> ir.Constant:
        """The same number in all places."""
        return ir.Constant(self.type, [float(value)] * self.width)

    def whole(self, value: int) -> ir.Constant:
        """The same whole number in all places."""
        return ir.Constant(self.bits, [value] * self.width)

    def truth(self, value: bool) -> ir.Constant:
        """The same truth value in all places."""
        return ir.Constant(ir.VectorType(ir.IntType(1), self.width), [int(value)] * self.width)

    def splat(self, number: ir.Value) -> ir.Value:
        """The same number in all places, from one that is known at run time."""
        one = self.builder.insert_element(ir.Constant(self.type, ir.Undefined), number, I32(0))
        zeros = ir.Constant(ir.VectorType(I32, self.width), [0] * self.width)
        return self.builder.shuffle_vector(one, one, zeros)

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """``a + b``."""
        return self.builder.fadd(a, b, flags=FLAGS)

    def sub(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """``a - b``."""
        return self.builder.fsub(a, b, flags=FLAGS)

    def mul(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """``a b``."""
        return self.builder.fmul(a, b, flags=FLAGS)

    def div(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """``a / b``."""
        return self.builder.fdiv(a, b, flags=FLAGS)

    def dot(self, a: Sequence[ir.Value], b: Sequence[ir.Value]) -> ir.Value:
        """``a_1 b_1 + a_2 b_2 + ...``, in this order."""
        products = [self.mul(x, y) for x, y in zip(a, b, strict=True)]
        total = products[0]
        for product in products[1:]:
            total = self.add(total, product)
        return total

    def intrinsic(self, name: str, *operands: ir.Value) -> ir.Value:
        """A function of LLVM's own, of floating-point numbers."""
        full = f"llvm.{name}.v{self.width}f{64 if self.is_double else 32}"
        module = self.builder.module
        kind = ir.FunctionType(self.type, [self.type] * len(operands))
        function = module.globals.get(full) or ir.Function(module, kind, full)
        return self.builder.call(function, operands)

    def sqrt(self, x: ir.Value) -> ir.Value:
        """The square root of ``x``, correctly rounded."""
        return self.intrinsic("sqrt", x)

    def power(self, x: ir.Value, exponent: int) -> ir.Value:
        """``x`` to the power of a whole number."""
        if exponent < 0:
            return self.div(self.constant(1), self.power(x, -exponent))
        result, square = None, x
        while exponent:
            if exponent & 1:
                result = square if result is None else self.mul(result, square)
            exponent >>= 1
            square = self.mul(square, square) if exponent else square
        return self.constant(1) if result is None else result

    def larger(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The larger of ``a`` and ``b``; NaN if one of them is."""
        return self._first(">", a, b)

    def smaller(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The smaller of ``a`` and ``b``; NaN if one of them is."""
        return self._first("<", a, b)

    def _first(self, sign: str, a: ir.Value, b: ir.Value) -> ir.Value:
        if isinstance(b, ir.Constant):
            a, b = b, a
        first = self.builder.fcmp_ordered(sign, a, b)  # b, if that is NaN
        if not isinstance(a, ir.Constant):
            first = self.builder.or_(first, self.builder.fcmp_unordered("uno", a, a))
        return self.builder.select(first, a, b)
