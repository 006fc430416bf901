"""Distributions of other packages (SciPy, OpenTURNS, chaospy), where they are one of ours.

What a distribution is is judged by its quantiles, not by its name: an exponential one is a gamma
distribution, and one that is shifted or cut is taken where one of ours has the same quantiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import JaxmorphError
from .base import BaseDistribution
from .beta import Beta
from .discrete import Discrete
from .gamma import Gamma
from .normal import LogNormal, Normal, TruncatedNormal
from .triangular import LogTriangular, Triangular
from .uniform import LogUniform, Uniform

if TYPE_CHECKING:
    import numpy as np

    from . import Distribution

_DIGITS = 10
"""Parameters that are solved from quantiles are rounded to so many digits of the spread."""
_ENDS = 15
"""Ends are given: they are rounded to as many digits as a decimal number keeps."""
_EQUAL = 1e-7
"""Quantiles that differ by no more than this share of half the distance of the quartiles are equal."""
_MOST_VALUES = 1000
_FAR = 1e3
_PROBABILITIES = (1e-6, 1e-4, *(i / 24 for i in range(1, 24)), 1 - 1e-4, 1 - 1e-6)
_ONE_SD = 0.8413447460685429
"""Of a Gaussian, the probability below mean + sd."""
_QUANTILES = ("ppf", "icdf", "computeQuantile", "inv")
"""What packages call the quantile function: SciPy, its newer distributions, OpenTURNS, chaospy."""
_Quantiles = Callable[[float], float]


def as_distribution(given: Any) -> Distribution:
    """A distribution of another package as one of :mod:`jaxmorph.distributions`.

    Args:
        given: One of ours, which comes back; a frozen one of ``scipy.stats``, a one-dimensional one of
            OpenTURNS or of chaospy.

    Raises:
        JaxmorphError: None of ours has its quantiles, or it is no distribution.

    Examples:
        >>> from scipy import stats
        >>> as_distribution(stats.uniform(1, 2))
        Uniform(low=1.0, high=3.0, distribution='uniform')
        >>> as_distribution(stats.expon(scale=2))
        Gamma(distribution='gamma', shape=1.0, scale=2.0)
    """
    if isinstance(given, BaseDistribution):
        return given  # type: ignore[return-value]
    quantile = _quantile_function(given)
    try:
        quantile(0.5)
    except TypeError:
        raise JaxmorphError(
            f"{_shown(given)}: has no numbers yet; give it some, such as scipy.stats.norm(0, 1)"
        ) from None
    if values := _values_of(given):
        if len(values) == 1:
            raise JaxmorphError(f"{_shown(given)}: has one value; give it under fixed")
        return Discrete(values=tuple(values), weights=tuple(values.values()))
    for found in _candidates(quantile):
        if _same(found, quantile):
            return found  # type: ignore[return-value]
    raise JaxmorphError(
        f"{_shown(given)}: is none of jaxmorph.distributions by its quantiles; give the nearest one of "
        "them"
    )


def is_foreign(given: Any) -> bool:
    """Whether it is a distribution of a package that is known, and none of ours."""
    return not isinstance(given, BaseDistribution | type) and any(
        callable(getattr(given, name, None)) for name in _QUANTILES
    )


def _shown(given: Any) -> str:
    frozen = getattr(given, "dist", None)  # of SciPy, whose text is an address in memory
    if frozen is not None and hasattr(frozen, "name"):
        how = [*map(repr, given.args), *(f"{name}={value!r}" for name, value in given.kwds.items())]
        return f"scipy.stats.{frozen.name}({', '.join(how)})"
    return " ".join(repr(given).split())


def _quantile_function(given: Any) -> _Quantiles:
    if not is_foreign(given):
        raise JaxmorphError(
            f"{_shown(given)}: must be one of jaxmorph.distributions, such as Uniform(low=0, high=1), "
            "or a distribution of SciPy, OpenTURNS or chaospy"
        )
    dimension = getattr(given, "getDimension", lambda: len(given) if hasattr(given, "__len__") else 1)()
    if dimension != 1:
        raise JaxmorphError(f"{_shown(given)}: is of {dimension} parameters; give one for each")
    function = next(getattr(given, name) for name in _QUANTILES if hasattr(given, name))
    return lambda p: _number(function(p))


def _number(x: Any) -> float:
    """A number, or the only one of an array or of a point."""
    import numpy as np

    return float(np.ravel(x)[0])


def _values_of(given: Any) -> dict[float, float]:
    """Of a discrete one, its values with their probabilities; else none."""
    if hasattr(given, "isDiscrete"):  # of OpenTURNS
        if not given.isDiscrete():
            return {}
        values = [float(point[0]) for point in given.getSupport()]
        return {value: float(given.computePDF(value)) for value in values[: _MOST_VALUES + 1]}
    if getattr(given, "interpret_as_integer", False):  # of chaospy
        values = [float(i) for i in range(round(_number(given.lower)), round(_number(given.upper)) + 1)]
        return {value: p for value in values if (p := _number(given.pdf(value))) > 0}
    if not hasattr(getattr(given, "dist", None), "pmf"):
        return {}
    low, high = given.support()
    if not high - low <= _MOST_VALUES:
        raise JaxmorphError(
            f"{_shown(given)}: has more than {_MOST_VALUES} values; give a distribution without steps"
        )
    listed = getattr(given.dist, "xk", None)
    numbers = range(int(low), int(high) + 1) if listed is None else listed
    return {float(value): float(p) for value in numbers if (p := given.pmf(value)) > 0}


def _candidates(q: _Quantiles) -> Iterator[BaseDistribution]:
    """Of each family the one that has some of the quantiles.

    Those without ends come first: some packages give ends to what has none, far out.
    """
    low, lower, median, upper, high = (q(p) for p in (0.0, 0.25, 0.5, 0.75, 1.0))
    if not -math.inf < lower <= median <= upper < math.inf or lower == upper:
        return
    spread, above = upper - lower, q(_ONE_SD)
    yield Normal(mean=_rounded(median, spread), sd=_rounded(above - median, spread))
    if low >= 0:
        yield LogNormal(median=_rounded(median, spread), sd_log=_rounded(math.log(above / median), 1.0))
        yield from _solved(Gamma, ("shape", "scale"), (1.0, median), (lower, upper))
    if not (math.isfinite(low) and math.isfinite(high)):
        return
    low, high = (float(f"{end:.{_ENDS}g}") for end in (low, high))
    yield Uniform(low=low, high=high)
    mode = _rounded(_mode(low, median, high), spread)
    yield Triangular(low=low, mode=min(max(mode, low), high), high=high)
    if low > 0:
        yield LogUniform(low=low, high=high)
        mode = math.exp(_mode(*map(math.log, (low, median, high))))
        yield LogTriangular(low=low, mode=min(max(_rounded(mode, spread), low), high), high=high)
    ends, quartiles = {"low": low, "high": high}, (lower, upper)
    yield from _solved(Beta, ("alpha", "beta"), (1.0, 1.0), quartiles, **ends)
    start = ((low + high) / 2, (high - low) / 4)
    yield from _solved(TruncatedNormal, ("mean", "sd"), start, quartiles, **ends)


def _mode(low: float, median: float, high: float) -> float:
    """Of a triangular distribution, by the side of it on which the median lies."""
    width = high - low
    if median > (low + high) / 2:
        return min(low + 2 * (median - low) ** 2 / width, high)
    return max(high - 2 * (high - median) ** 2 / width, low)


def _solved(
    family: type[BaseDistribution],
    names: tuple[str, str],
    start: tuple[float, float],
    quartiles: tuple[float, float],
    **ends: float,
) -> Iterator[BaseDistribution]:
    """The one of a family that has these quartiles, if it is found.

    Parameters that are positive are solved for by their logarithms.
    """
    import numpy as np
    from scipy import optimize

    spread = quartiles[1] - quartiles[0]
    logarithmic = np.array([name != "mean" for name in names])

    def made(x: np.ndarray) -> BaseDistribution:
        numbers = np.where(logarithmic, np.exp(np.clip(x, -300, 300)), x)
        return family(**ends, **{n: float(v) for n, v in zip(names, numbers, strict=True)})

    def miss(x: np.ndarray) -> np.ndarray:
        try:
            return (made(x).ppf(np.array([0.25, 0.75])) - quartiles) / spread
        except ValueError:  # one that has no probability between its ends
            return np.array([_FAR, _FAR])

    begin = np.where(logarithmic, np.log(np.where(logarithmic, start, 1.0)), start)
    with np.errstate(all="ignore"):
        found = optimize.root(miss, begin, tol=1e-13)
    best = made(found.x)
    scale = {"mean": spread, "sd": spread, "scale": spread}
    yield best.model_copy(
        update={name: _rounded(getattr(best, name), scale.get(name, 1.0)) for name in names}
    )


def _same(found: BaseDistribution, q: _Quantiles) -> bool:
    import numpy as np

    margin = _EQUAL * (q(0.75) - q(0.25)) / 2
    probabilities, theirs = np.array(_PROBABILITIES), np.array([q(p) for p in _PROBABILITIES])
    ours, ends = np.array(found.support), np.array([q(0.0), q(1.0)])
    # Of what has one end alone, some packages put the other one far out.
    at_ends = not np.isfinite(ours).all() or (np.abs(ours - ends) <= margin).all()
    return bool(at_ends and (np.abs(found.ppf(probabilities) - theirs) <= margin).all())


def _rounded(x: float, scale: float) -> float:
    """To so many digits of a scale."""
    return round(x, _DIGITS - math.floor(math.log10(abs(scale)))) + 0.0  # no -0
