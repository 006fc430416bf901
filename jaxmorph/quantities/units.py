"""Units of what is computed from observables, parameters and times, as UDUNITS writes them.

A rule is powers of the units that something is made from: ``observable parameter^-1``. The sources are
``observable``, ``parameter``, ``time``, and ``natural``: the unit of a parameter on the
natural scale of its distribution, 1 for one whose logarithm is varied.
"""

import functools
import itertools
import math
import re
from collections.abc import Mapping, Sequence

Factors = dict[str, int]

_FACTOR = re.compile(r"(?P<symbol>[^\W\d]+|[%°'\"µμΩ]+[^\W\d]*)(?:\^|\*\*)?(?P<power>[-+]?\d+)?")


def composed(rule: str, units: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All units that a rule gives: one for each choice of a unit of every source, without repeats.

    Args:
        rule: Powers of sources (``observable^2 natural^-2``); ``1``, or nothing: dimensionless.
        units: Of each source, those that occur (one for each observable, say).

    Raises:
        KeyError: A source has no units.
    """
    powers = list(_factors(rule).items())
    choices = itertools.product(*(dict.fromkeys(units[source]) for source, _ in powers))
    made = [
        _written([(one, power) for one, (_, power) in zip(choice, powers, strict=True)])
        for choice in choices
    ]
    return tuple(dict.fromkeys(made))


@functools.cache
def is_unit(unit: str) -> bool:
    """Whether UDUNITS, and so every reader of the CF conventions, knows a unit."""
    import cf_units

    try:
        return not cf_units.Unit(unit).is_unknown()
    except ValueError:
        return False


@functools.cache
def conversion(unit: str, wanted: str) -> tuple[float, float] | None:
    """Scale and offset from numbers in one unit to those in another, by UDUNITS; None if there are none.

    ``min`` to ``s`` is (60, 0), ``degC`` to ``K`` (1, 273.15), ``um`` to ``µm`` (1, 0).
    """
    import cf_units

    if unit == wanted:
        return 1.0, 0.0
    if not (is_unit(unit) and is_unit(wanted)):
        return None
    one, other = cf_units.Unit(unit), cf_units.Unit(wanted)
    if not one.is_convertible(other):
        return None
    zero, first, second = (float(one.convert(x, other)) for x in (0.0, 1.0, 2.0))
    scale = first - zero
    # Of levels (decibels), differences are ratios.
    return (scale, zero) if math.isclose(second - first, scale, rel_tol=1e-9) else None


def power_in(rule: str, source: str) -> int:
    """The power of a source in a rule: 2 of ``observable`` in ``observable^2 parameter^-2``."""
    return _factors(rule).get(source, 0)


def in_words(rule: str) -> str:
    """A rule as a reader of a file reads it: ``observable_unit parameter_unit-1``."""
    return _as_product({f"{source}_unit": power for source, power in _factors(rule).items()})


def _written(parts: Sequence[tuple[str, int]]) -> str:
    """A product of powers of units; of one that cannot be taken apart, the power of it as a whole."""
    total: Factors = {}
    for unit, power in parts:
        try:
            factors = _factors(unit)
        except ValueError:
            factors = {f"({unit})": 1}
        for symbol, exponent in factors.items():
            total[symbol] = total.get(symbol, 0) + exponent * power
    whole = [symbol for symbol, power in total.items() if power and symbol.startswith("(")]
    if len(whole) == len([p for p in total.values() if p]) == 1 and total[whole[0]] == 1:
        return whole[0][1:-1]
    return _as_product(total)


def _as_product(factors: Factors) -> str:
    told = [s if power == 1 else f"{s}{power}" for s, power in factors.items() if power]
    return " ".join(told) or "1"


def _factors(text: str) -> Factors:
    """``N/m`` as powers of symbols.

    Raises:
        ValueError: It is no product of powers of symbols.
    """
    factors: Factors = {}
    # What follows a solidus is divided by, up to the next space or product: as UDUNITS reads it.
    tokens = re.findall(r"[/]|[^\s/.*·]+(?:\*\*[-+]?\d+)?", text.strip())
    sign = 1
    for token in tokens:
        if token == "/":
            sign = -1
            continue
        if token != "1":
            found = _FACTOR.fullmatch(token)
            if found is None:
                raise ValueError(f"{text!r} is no product of powers of units")
            symbol, power = found["symbol"], int(found["power"] or 1)
            factors[symbol] = factors.get(symbol, 0) + sign * power
        sign = 1
    return factors
