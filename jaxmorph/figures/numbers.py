"""Numbers as people read them: sensible digits, a true minus sign, an uncertainty."""

from __future__ import annotations

import math

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ROUNDING = 1e-9
"""An uncertainty below this share of the value is that of rounding, and is not told."""
_MORE_DIGITS = 3
NOT_DEFINED = "not defined"


def _fixed(x: float, decimals: int) -> str:
    text = f"{round(x, decimals):.{max(decimals, 0)}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")


def _exponent(x: float) -> int:
    return math.floor(math.log10(abs(x))) if x else 0


def _is_awkward(x: float) -> bool:
    """Whether positional notation would be all zeros."""
    return x != 0 and not 1e-3 <= abs(x) < 1e5


def _superscript(exponent: int) -> str:
    return f" × 10{str(exponent).translate(_SUPERSCRIPTS)}"


def plain(x: float, digits: int = 3) -> str:
    """``x`` with ``digits`` significant digits; words, not NaN, for what is not a number."""
    x = float(x)
    if not math.isfinite(x):
        return NOT_DEFINED if math.isnan(x) else ("∞" if x > 0 else "\N{MINUS SIGN}∞")
    x = float(f"{x:.{digits - 1}e}")
    exponent = _exponent(x)
    if _is_awkward(x):
        mantissa = f"{x / 10.0**exponent:.{digits - 1}f}"
        return mantissa.replace("-", "\N{MINUS SIGN}") + _superscript(exponent)
    return _fixed(x, max(digits - 1 - exponent, 0)) if x else "0"


def short(x: float) -> str:
    """All digits that a round number has, as a tick label: ``-0.25``, ``2.5e-4``."""
    text = f"{x:.10g}" if x == 0 or 1e-3 <= abs(x) < 1e5 else _scientific(x)
    return text.replace("-", "\N{MINUS SIGN}")


def _scientific(x: float) -> str:
    exponent = _exponent(x)
    return f"{x / 10.0**exponent:.10g}e{exponent}"


def uncertain_parts(value: float, half_width: float | None) -> tuple[str, str]:
    """Value and uncertainty, cut where the uncertainty ends; the second may be empty.

    The uncertainty keeps one significant digit; two if that one is 1 or 2. Both keep more where a value
    that is larger than its uncertainty would look as if it were not.
    """
    if half_width is None or not math.isfinite(half_width) or half_width <= _ROUNDING * abs(value):
        return plain(value), ""
    if not math.isfinite(value):
        return plain(value), ""
    decimals = _last_decimal(half_width)
    for _ in range(_MORE_DIGITS):
        if abs(value) <= half_width or round(abs(value), decimals) > round(half_width, decimals):
            break
        decimals += 1
    return _fixed(value, decimals), _fixed(half_width, decimals)


def uncertain_between(value: float, low: float, high: float) -> str:
    """``value ± half_width``, or ``value (low to high)`` where that would be wrong of 0."""
    half_width = (high - low) / 2
    if (low <= 0 <= high) != (half_width < abs(value)) or not math.isfinite(half_width):
        return uncertain(value, half_width)
    return f"{plain(value, 2)} ({plain(low, 2)} to {plain(high, 2)})"


def _last_decimal(half_width: float) -> int:
    one_digit = float(f"{half_width:.0e}")
    exponent = _exponent(one_digit)
    return -exponent + (1 if one_digit / 10.0**exponent < 2.5 else 0)


def uncertain(value: float, half_width: float | None) -> str:
    """``value ± half_width`` in one line; a common power of ten where the numbers are awkward."""
    number, around = uncertain_parts(value, half_width)
    if not around:
        return number
    largest = max(abs(value), abs(half_width or 0.0))
    if not _is_awkward(largest):
        return f"{number} ± {around}"
    exponent = _exponent(largest)
    number, around = uncertain_parts(value / 10.0**exponent, (half_width or 0.0) / 10.0**exponent)
    return f"({number} ± {around}){_superscript(exponent)}"
