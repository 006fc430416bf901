import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import integrate, linalg, stats

from jaxmorph.distributions import (
    Distribution,
    LogNormal,
    LogUniform,
    Normal,
    TruncatedNormal,
    Uniform,
    is_logarithmic,
    poincare_constant,
)

ONE_OF_EACH: list[Distribution] = [
    Uniform(low=-1, high=3),
    LogUniform(low=0.5, high=8),
    Normal(mean=2, sd=0.5),
    LogNormal(median=2, sd_log=0.3),
    TruncatedNormal(mean=1, sd=2, low=-1, high=2),
]
MEDIANS = [1.0, 2.0, 2.0, 2.0]

numbers = st.floats(-1e6, 1e6)
positives = st.floats(1e-6, 1e6)


@st.composite
def distributions(draw: st.DrawFn) -> Distribution:
    kind = draw(st.sampled_from(["uniform", "log-uniform", "normal", "log-normal", "truncated"]))
    if kind == "normal":
        return Normal(mean=draw(st.floats(-1e3, 1e3)), sd=draw(st.floats(1e-3, 1e3)))
    if kind == "log-normal":
        return LogNormal(median=draw(positives), sd_log=draw(st.floats(0.01, 5)))
    if kind == "truncated":
        mean, sd = draw(st.floats(-10, 10)), draw(st.floats(0.1, 10))
        low = mean + sd * draw(st.floats(-4, 3))
        return TruncatedNormal(mean=mean, sd=sd, low=low, high=low + sd * draw(st.floats(0.1, 5)))
    low, high = sorted((draw(positives), draw(positives)))
    assume(high > 1.001 * low)
    return LogUniform(low=low, high=high) if kind == "log-uniform" else Uniform(low=low, high=high)


@settings(deadline=None)
@given(distributions(), st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=5))
def test_cdf_inverts_ppf(distribution: Distribution, probabilities: list[float]) -> None:
    u = np.array(probabilities)
    np.testing.assert_allclose(distribution.cdf(distribution.ppf(u)), u, rtol=0, atol=1e-9)


@settings(deadline=None)
@given(distributions(), st.floats(0, 1))
def test_quantiles_stay_within_the_support(distribution: Distribution, u: float) -> None:
    low, high = distribution.support
    assert low <= distribution.ppf(np.array(u)) <= high
    assert distribution.ppf(np.array(0.0)) == pytest.approx(low)
    assert distribution.ppf(np.array(1.0)) == pytest.approx(high)


@settings(deadline=None)
@given(distributions())
def test_centre_splits_the_probability_in_halves(distribution: Distribution) -> None:
    assert distribution.cdf(np.array(distribution.centre)) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(("distribution", "median"), list(zip(ONE_OF_EACH[:4], MEDIANS, strict=True)))
def test_centre_is_the_median(distribution: Distribution, median: float) -> None:
    assert distribution.centre == pytest.approx(median, rel=1e-12)


@pytest.mark.parametrize("distribution", ONE_OF_EACH)
def test_quantiles_keep_the_shape(distribution: Distribution) -> None:
    assert distribution.ppf(np.full((2, 3), 0.3)).shape == (2, 3)
    assert distribution.cdf(np.full((2, 3), 1.0)).shape == (2, 3)


def test_quartiles() -> None:
    quartile = np.array(0.25)
    z = -0.6744897501960817
    assert Uniform(low=-1, high=3).ppf(quartile) == pytest.approx(0)
    assert LogUniform(low=1, high=16).ppf(quartile) == pytest.approx(2)
    assert Normal(mean=2, sd=0.5).ppf(quartile) == pytest.approx(2 + 0.5 * z)
    assert LogNormal(median=2, sd_log=0.3).ppf(quartile) == pytest.approx(2 * math.exp(0.3 * z))
    half = TruncatedNormal(mean=0, sd=1, low=0, high=50)
    assert half.ppf(quartile) == pytest.approx(stats.halfnorm.ppf(0.25))


def test_supports() -> None:
    assert [d.support for d in ONE_OF_EACH] == [
        (-1, 3),
        (0.5, 8),
        (-math.inf, math.inf),
        (0, math.inf),
        (-1, 2),
    ]


@pytest.mark.parametrize("side", [-1, 1])
def test_a_truncated_normal_in_either_tail_is_sound(side: int) -> None:
    low, high = sorted((5.0 * side, 6.0 * side))
    tail = TruncatedNormal(mean=0, sd=1, low=low, high=high)
    total, _ = integrate.quad(tail.frozen().pdf, low, high)
    assert total == pytest.approx(1, abs=1e-8)
    with pytest.raises(ValidationError, match="holds no probability"):
        TruncatedNormal(mean=0, sd=1, low=min(8 * side, 9 * side), high=max(8 * side, 9 * side))


@settings(deadline=None)
@given(numbers, numbers)
def test_bounds_must_be_ordered(low: float, high: float) -> None:
    assume(low >= high)
    with pytest.raises(ValidationError, match="low must be less than high"):
        Uniform(low=low, high=high)


def test_an_interval_that_overflows_is_refused() -> None:
    with pytest.raises(ValidationError, match="too wide"):
        Uniform(low=-1.7e308, high=1.7e308)


def test_logarithmic_scales() -> None:
    assert [is_logarithmic(d) for d in ONE_OF_EACH] == [False, True, False, True, False]


@pytest.mark.parametrize(
    ("distribution", "scale"),
    [(Uniform(low=1, high=4), np.asarray), (LogUniform(low=1, high=4), np.log)],
)
def test_the_poincare_inequality_is_sharp_on_an_interval(distribution, scale) -> None:  # type: ignore[no-untyped-def]
    """Equality holds for half a cosine across the interval: Var = 1/2, E[f'^2] = (pi/w)^2 / 2."""
    u = scale(distribution.ppf((np.arange(200_000) + 0.5) / 200_000))
    low, high = scale(1.0), scale(4.0)
    phase = math.pi * (u - low) / (high - low)
    mean_squared_slope = np.mean((math.pi / (high - low) * np.sin(phase)) ** 2)
    constant = poincare_constant(distribution)
    assert constant == pytest.approx(np.var(np.cos(phase)) / mean_squared_slope, rel=1e-6)


def test_the_poincare_inequality_is_sharp_for_linear_functions_of_a_gaussian() -> None:
    assert poincare_constant(Normal(mean=1, sd=0.5)) == 0.25
    assert poincare_constant(LogNormal(median=3, sd_log=0.5)) == 0.25


def truncated(low: float, high: float, mean: float = 0, sd: float = 1) -> TruncatedNormal:
    return TruncatedNormal(mean=mean, sd=sd, low=low, high=high)


@pytest.mark.parametrize("n", [2, 3, 6, 11])
def test_the_poincare_constant_between_zeros_of_a_hermite_polynomial(n: int) -> None:
    """Roustant, Barthe, Iooss (2017): 1 / (n + 1) between any two successive zeros of He_n."""
    zeros = np.sort(np.polynomial.hermite_e.hermeroots([0] * n + [1]))
    for low, high in itertools.pairwise(zeros):
        assert poincare_constant(truncated(low, high)) == pytest.approx(1 / (n + 1), rel=1e-12)


@pytest.mark.parametrize(
    ("distribution", "constant"),
    [
        # Hardly cut, by ends near and far: that of the normal distribution.
        (truncated(-8, 9), 1),
        (truncated(-1e300, 1e300), 1),
        (truncated(-50, 70, mean=10, sd=3), 9),
        # Half a Gaussian: the eigenfunction is He_2 = x^2 - 1, whose slope is 0 at 0.
        (truncated(0, 40), 1 / 2),
        (truncated(-1e6, 2, mean=2, sd=5), 25 / 2),
        # So narrow that the density is flat: (high - low)^2 / pi^2.
        (truncated(2, 2 + 2.0**-20), 2.0**-40 / math.pi**2),
        (truncated(1e6, 1e6 + 2.0**-10, mean=1e6, sd=3), 2.0**-20 / math.pi**2),
    ],
)
def test_the_poincare_constant_of_a_truncated_normal_at_its_limits(
    distribution: TruncatedNormal, constant: float
) -> None:
    assert poincare_constant(distribution) == pytest.approx(constant, rel=1e-7)


@pytest.mark.parametrize(("low", "high"), [(-1.5, 0.3), (5.5, 60), (-7, -6), (6.5, 6.6)])
def test_the_poincare_inequality_is_sharp_for_a_truncated_normal(low: float, high: float) -> None:
    """Finite volumes for (p f')' = -lambda p f: the error falls as the square of the mesh."""
    found = []
    for n in (2000, 4000):
        # Of the density nothing is left 10 sd beyond an end in a tail.
        edge = np.linspace(low, min(high, low + 10), n + 1)
        width = edge[1] - edge[0]
        middle = (edge[1:] + edge[:-1]) / 2
        p, flow = (np.exp((low**2 - x**2) / 2) for x in (middle, edge[1:-1]))
        diagonal = (np.append(flow, 0) + np.append(0, flow)) / (p * width**2)
        beside = -flow / (np.sqrt(p[1:] * p[:-1]) * width**2)
        eigenvalues = linalg.eigh_tridiagonal(
            diagonal, beside, eigvals_only=True, select="i", select_range=(0, 1)
        )
        found.append(1 / eigenvalues[1])
    coarse, fine = found
    constant = poincare_constant(truncated(low, high))
    assert constant == pytest.approx(fine + (fine - coarse) / 3, rel=1e-6)


def test_the_poincare_constant_scales_with_the_square_of_the_unit() -> None:
    constant = poincare_constant(truncated(-1, 2.5))
    assert poincare_constant(truncated(1, 8, mean=3, sd=2)) == pytest.approx(4 * constant, rel=1e-12)


def test_ends_are_those_of_the_support_or_quantiles() -> None:
    assert Uniform(low=1, high=3).ends == (1, 3)
    assert LogUniform(low=1, high=3).ends == (1, 3)
    low, high = Normal(mean=2, sd=1).ends
    assert (low, high) == pytest.approx((2 - 1.6448536, 2 + 1.6448536))
    # A log-normal has a lower end, 0, where many models break down: it is not a corner.
    low, high = LogNormal(median=1, sd_log=0.5).ends
    assert (low, high) == pytest.approx((np.exp(-0.8224268), np.exp(0.8224268)))
