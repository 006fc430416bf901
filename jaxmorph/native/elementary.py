"""Exponential, logarithm and powers, in LLVM instructions on vectors: nothing is called for them."""

import functools
import math
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numpy.polynomial import Chebyshev, Polynomial

from .vectors import Vectors

# Powers to a whole number and a half, up to this one, are products and a root.
_LARGEST_HALF = 32.0


class _Format(NamedTuple):
    """Numbers of a floating-point type.

    Attributes:
        mantissa_bits: Those below the exponent of a number.
        bias: Of exponents.
        ends: Where the exponential is taken for 0 and for infinite.
        ln_2: Two numbers whose sum is the logarithm of 2; the first has so few digits that its product
            with a whole exponent is exact (Cody and Waite, Software Manual for the Elementary Functions,
            1980, chapter 6).
        exp: Coefficients of a polynomial that is e^x within half ln 2 of 0, the constant one first.
        log: Of one that is (2 artanh(s) / s - 2) / s^2 from s^2, for s up to that of 2^(1/2).
    """

    mantissa_bits: int
    bias: int
    ends: tuple[float, float]
    ln_2: tuple[float, float]
    exp: tuple[float, ...]
    log: tuple[float, ...]

    @property
    def shift(self) -> float:
        """A number so large that its last bit is 1: whole numbers that are added are its last bits."""
        return 1.5 * 2.0**self.mantissa_bits

    @property
    def smallest(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)


def _economised(taylor: list[float], ends: tuple[float, float], degree: int) -> tuple[float, ...]:
    """A polynomial of lower degree, by leaving out Chebyshev polynomials between ``ends``.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 22.20.
    """
    whole = Polynomial(taylor).convert(domain=list(ends), kind=Chebyshev)
    return tuple(map(float, whole.truncate(degree + 1).convert(kind=Polynomial, domain=[-1, 1]).coef))


def _exp_polynomial(degree: int) -> tuple[float, ...]:
    half = math.log(2) / 2
    return _economised([1 / math.factorial(k) for k in range(21)], (-half, half), degree)


def _log_polynomial(degree: int) -> tuple[float, ...]:
    largest = (math.sqrt(2) - 1) / (math.sqrt(2) + 1)
    return _economised([2 / (2 * k + 3) for k in range(20)], (0, largest**2), degree)


_SINGLE = _Format(
    23, 127, (-88.0, 89.0), (0.693359375, -2.12194440e-4), _exp_polynomial(6), _log_polynomial(3)
)
_DOUBLE = _Format(
    52,
    1023,
    (-709.1, 710.0),
    (6.93145751953125e-1, 1.42860682030941723212e-6),
    _exp_polynomial(11),
    _log_polynomial(6),
)


def _format(v: Vectors) -> _Format:
    return _DOUBLE if v.is_double else _SINGLE


def _polynomial(v: Vectors, coefficients: tuple[float, ...], x: ir.Value) -> ir.Value:
    *others, result = map(v.constant, coefficients)
    for coefficient in reversed(others):
        result = v.add(v.mul(result, x), coefficient)
    return result


def exp(v: Vectors, x: ir.Value) -> ir.Value:
    """e^x = 2^n p(x - n ln 2) with a polynomial p; 0 where no normal number is left."""
    of = _format(v)
    low, high = map(v.constant, of.ends)
    # The last bits of so large a number are n plus the bias of exponents.
    shift = v.constant(of.shift + of.bias)
    x = v.smaller(v.larger(x, low), high)
    rounded = v.add(v.mul(x, v.constant(1 / np.log(2))), shift)
    n = v.sub(rounded, shift)
    for part in of.ln_2:
        x = v.sub(x, v.mul(n, v.constant(part)))
    result = _polynomial(v, of.exp, x)
    power = v.builder.shl(v.builder.bitcast(rounded, v.bits), v.whole(of.mantissa_bits))
    return v.mul(result, v.builder.bitcast(power, v.type))


def log(v: Vectors, x: ir.Value) -> ir.Value:
    """``ln x = n ln 2 + ln m`` with m between 2^(-1/2) and 2^(1/2).

    With f = m - 1 and s = f / (2 + f), ln m is 2 artanh(s); so much of it is written as f - f^2 / 2 that
    rounding of the rest does not count.

    Source: fdlibm, e_log.c (Sun Microsystems, 1993), with a polynomial of our own.
    """
    of, b = _format(v), v.builder
    zero = v.constant(0)
    # Subnormal numbers have another exponent than their bits say.
    up = of.mantissa_bits + 2
    is_small = b.fcmp_ordered("<", x, v.constant(of.smallest))
    bits = b.bitcast(b.select(is_small, v.mul(x, v.constant(2.0**up)), x), v.bits)
    root = _bits_of(v, math.sqrt(0.5))
    moved = b.add(bits, v.whole(_bits_of(v, 1.0) - root))
    exponent = b.sub(b.lshr(moved, v.whole(of.mantissa_bits)), v.whole(of.bias))
    mantissa = b.and_(moved, v.whole(2**of.mantissa_bits - 1))
    shift = v.constant(of.shift)
    n = v.sub(b.bitcast(b.add(exponent, v.whole(_bits_of(v, of.shift))), v.type), shift)
    n = v.sub(n, b.select(is_small, v.constant(up), zero))
    f = v.sub(b.bitcast(b.add(mantissa, v.whole(root)), v.type), v.constant(1))
    s = v.div(f, v.add(f, v.constant(2)))
    squared = v.mul(s, s)
    half = v.mul(v.constant(0.5), v.mul(f, f))
    rest = v.mul(s, v.add(half, v.mul(squared, _polynomial(v, of.log, squared))))
    large, small = map(v.constant, of.ln_2)
    result = v.add(v.add(v.sub(v.add(rest, v.mul(n, small)), half), f), v.mul(n, large))
    result = b.select(b.fcmp_ordered("<", x, v.constant(math.inf)), result, x)  # and NaN stays NaN
    result = b.select(b.fcmp_ordered("<", x, zero), v.constant(math.nan), result)
    return b.select(b.fcmp_ordered("==", x, zero), v.constant(-math.inf), result)


@functools.cache
def _bits(value: float, is_double: bool) -> int:
    return int(np.asarray(value, "f8" if is_double else "f4").view("i8" if is_double else "i4"))


def _bits_of(v: Vectors, value: float) -> int:
    """The whole number with the bits of a floating-point number."""
    return _bits(value, v.is_double)


def power(v: Vectors, x: ir.Value, y: ir.Value) -> ir.Value:
    """x^y = e^(y ln x), with the sign and the exceptions of the C standard.

    Its relative error is about y ln x times that of a number. Halves of whole numbers are exact: a
    product and a root.
    """
    if isinstance(y, ir.Constant):
        value = float(y.constant[0].constant)
        if (2 * value).is_integer() and abs(value) <= _LARGEST_HALF:
            return _half_power(v, x, value)
    b, zero, one = v.builder, v.constant(0), v.constant(1)
    size = v.intrinsic("fabs", x)
    result = exp(v, v.mul(y, log(v, size)))
    # Also to an infinite power; NaN stays NaN.
    is_one = b.and_(b.fcmp_ordered("==", size, one), b.fcmp_ordered("ord", y, y))
    result = b.select(is_one, one, result)
    is_whole = b.fcmp_ordered("==", v.intrinsic("floor", y), y)
    half = v.mul(y, v.constant(0.5))
    is_odd = b.and_(is_whole, b.fcmp_unordered("!=", v.intrinsic("floor", half), half))
    is_negative = b.icmp_signed("<", b.bitcast(x, v.bits), v.whole(0))
    result = b.select(b.and_(is_negative, is_odd), b.fneg(result), result)
    is_number = b.fcmp_ordered(">", x, v.constant(-math.inf))
    has_none = b.and_(b.fcmp_ordered("<", x, zero), b.and_(is_number, b.not_(is_whole)))
    is_finite = b.fcmp_ordered("<", v.intrinsic("fabs", y), v.constant(math.inf))
    result = b.select(b.and_(has_none, is_finite), v.constant(math.nan), result)
    is_one = b.or_(b.fcmp_ordered("==", x, one), b.fcmp_ordered("==", y, zero))
    return b.select(is_one, one, result)


def _half_power(v: Vectors, x: ir.Value, exponent: float) -> ir.Value:
    size = abs(exponent)
    result = v.power(x, int(size))
    if not size.is_integer():
        result = v.mul(result, v.sqrt(x)) if size > 1 else v.sqrt(x)
    return v.div(v.constant(1), result) if exponent < 0 else result
