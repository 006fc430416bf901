import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import integrate, linalg, special, stats

from jaxmorph.distributions import (
    Beta,
    Distribution,
    Gamma,
    LogNormal,
    LogTriangular,
    LogUniform,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
)

ONE_OF_EACH: list[Distribution] = [
    Uniform(low=-1, high=3),
    LogUniform(low=0.5, high=8),
    Normal(mean=2, sd=0.5),
    LogNormal(median=2, sd_log=0.3),
    TruncatedNormal(mean=1, sd=2, low=-1, high=2),
    Triangular(low=-1, mode=0, high=3),
    LogTriangular(low=0.5, mode=2, high=3),
    Beta(low=-1, high=2, alpha=2, beta=0.7),
    Gamma(shape=2.5, scale=0.4),
]
MEDIANS = [1.0, 2.0, 2.0, 2.0]

numbers = st.floats(-1e6, 1e6)
positives = st.floats(1e-6, 1e6)


@st.composite
def distributions(draw: st.DrawFn) -> Distribution:  # noqa: PLR0911
    kinds = ["uniform", "log-uniform", "normal", "log-normal", "truncated", "beta", "gamma"]
    kind = draw(st.sampled_from([*kinds, "triangular", "log-triangular"]))
    if kind == "normal":
        return Normal(mean=draw(st.floats(-1e3, 1e3)), sd=draw(st.floats(1e-3, 1e3)))
    if kind == "log-normal":
        return LogNormal(median=draw(positives), sd_log=draw(st.floats(0.01, 5)))
    if kind == "truncated":
        mean, sd = draw(st.floats(-10, 10)), draw(st.floats(0.1, 10))
        low = mean + sd * draw(st.floats(-4, 3))
        return TruncatedNormal(mean=mean, sd=sd, low=low, high=low + sd * draw(st.floats(0.1, 5)))
    if kind == "gamma":
        return Gamma(shape=draw(st.floats(0.05, 1e3)), scale=draw(st.floats(1e-3, 1e3)))
    low, high = sorted((draw(positives), draw(positives)))
    assume(high > 1.001 * low)
    if kind == "beta":
        alpha, beta = draw(st.floats(0.5, 100)), draw(st.floats(0.5, 100))
        return Beta(low=0, high=high, alpha=alpha, beta=beta)
    if "triangular" in kind:
        mode = min(max(low + draw(st.floats(0, 1)) * (high - low), low), high)
        peaked = Triangular if kind == "triangular" else LogTriangular
        return peaked(low=low, mode=mode, high=high)
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
        (-1, 3),
        (0.5, 3),
        (-1, 2),
        (0, math.inf),
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
    assert [d.is_logarithmic for d in ONE_OF_EACH] == [
        *[False, True] * 2,
        *[False] * 2,
        True,
        False,
        False,
    ]


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
    constant = distribution.poincare_constant
    assert constant == pytest.approx(np.var(np.cos(phase)) / mean_squared_slope, rel=1e-6)


def test_the_poincare_inequality_is_sharp_for_linear_functions_of_a_gaussian() -> None:
    assert Normal(mean=1, sd=0.5).poincare_constant == 0.25
    assert LogNormal(median=3, sd_log=0.5).poincare_constant == 0.25


def truncated(low: float, high: float, mean: float = 0, sd: float = 1) -> TruncatedNormal:
    return TruncatedNormal(mean=mean, sd=sd, low=low, high=high)


@pytest.mark.parametrize("n", [2, 3, 6, 11])
def test_the_poincare_constant_between_zeros_of_a_hermite_polynomial(n: int) -> None:
    """Roustant, Barthe, Iooss (2017): 1 / (n + 1) between any two successive zeros of He_n."""
    zeros = np.sort(np.polynomial.hermite_e.hermeroots([0] * n + [1]))
    for low, high in itertools.pairwise(zeros):
        assert truncated(low, high).poincare_constant == pytest.approx(1 / (n + 1), rel=1e-12)


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
    assert distribution.poincare_constant == pytest.approx(constant, rel=1e-7)


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
    constant = truncated(low, high).poincare_constant
    assert constant == pytest.approx(fine + (fine - coarse) / 3, rel=1e-6)


def test_the_poincare_constant_scales_with_the_square_of_the_unit() -> None:
    constant = truncated(-1, 2.5).poincare_constant
    assert truncated(1, 8, mean=3, sd=2).poincare_constant == pytest.approx(4 * constant, rel=1e-12)


def test_ends_are_those_of_the_support_or_quantiles() -> None:
    assert Uniform(low=1, high=3).ends == (1, 3)
    assert LogUniform(low=1, high=3).ends == (1, 3)
    low, high = Normal(mean=2, sd=1).ends
    assert (low, high) == pytest.approx((2 - 1.6448536, 2 + 1.6448536))
    # A log-normal has a lower end, 0, where many models break down: it is not a corner.
    low, high = LogNormal(median=1, sd_log=0.5).ends
    assert (low, high) == pytest.approx((np.exp(-0.8224268), np.exp(0.8224268)))


def test_moments_on_the_natural_scale_are_closed_forms() -> None:
    a, c, b = -1.0, 0.0, 3.0
    variance = (a * a + b * b + c * c - a * b - a * c - b * c) / 18
    triangular = Triangular(low=a, mode=c, high=b)
    assert triangular.natural_mean == pytest.approx((a + b + c) / 3, rel=1e-12)
    assert triangular.natural_sd == pytest.approx(math.sqrt(variance), rel=1e-12)
    log = LogTriangular(low=math.exp(a), mode=math.exp(c), high=math.exp(b))
    assert log.natural_mean == pytest.approx((a + b + c) / 3, rel=1e-12)
    assert log.natural_sd == pytest.approx(math.sqrt(variance), rel=1e-12)
    beta = Beta(low=-1, high=2, alpha=2, beta=0.7)
    assert beta.natural_mean == pytest.approx(-1 + 3 * 2 / 2.7, rel=1e-12)
    assert beta.natural_sd == pytest.approx(3 * math.sqrt(2 * 0.7 / (2.7**2 * 3.7)), rel=1e-12)
    gamma = Gamma(shape=2.5, scale=0.4)
    assert (gamma.natural_mean, gamma.natural_sd) == pytest.approx((1.0, 0.4 * math.sqrt(2.5)))


def test_a_log_triangular_number_is_the_exponential_of_a_triangular_one() -> None:
    """The mean of exp(k u), u triangular on [-1, 3] with its mode at 0, is a closed form."""

    def power(k: float) -> float:
        sides = math.exp(-k) / (1 * 4) - 1 / (1 * 3) + math.exp(3 * k) / (4 * 3)
        return 2 * sides / k**2

    x = LogTriangular(low=math.exp(-1), mode=1, high=math.exp(3)).frozen()
    assert x.mean() == pytest.approx(power(1), rel=1e-12)
    assert x.std() == pytest.approx(math.sqrt(power(2) - power(1) ** 2), rel=1e-12)
    total, _ = integrate.quad(x.pdf, *x.support(), points=[1], limit=200)
    assert total == pytest.approx(1, rel=1e-9)
    assert x.cdf(1) == pytest.approx(1 / 4) and x.isf(3 / 4) == pytest.approx(1)
    assert x.pdf(np.array([0.0, -1.0])).tolist() == [0, 0]


@pytest.mark.parametrize("kind", [Triangular, LogTriangular])
def test_a_mode_is_between_the_ends(kind: type[Triangular] | type[LogTriangular]) -> None:
    with pytest.raises(ValidationError, match="mode must be between low and high"):
        kind(low=1, mode=4, high=3)


def test_the_poincare_constants_of_triangles_are_zeros_of_bessel_functions() -> None:
    """Roustant, Barthe, Iooss (2017), table 1: symmetric on [-1, 1], 1 / j_0^2 = 0.1729."""
    both, one = special.jn_zeros(0, 1)[0], special.jn_zeros(1, 1)[0]
    assert Triangular(low=-1, mode=0, high=1).poincare_constant == pytest.approx(both**-2, rel=1e-12)
    assert Triangular(low=2, mode=2, high=5).poincare_constant == pytest.approx(9 / one**2, rel=1e-12)
    assert Triangular(low=2, mode=5, high=5).poincare_constant == pytest.approx(9 / one**2, rel=1e-12)
    log = LogTriangular(low=math.exp(-1), mode=1, high=math.exp(1))
    assert log.poincare_constant == pytest.approx(both**-2, rel=1e-12)


@pytest.mark.parametrize(
    "distribution",
    [
        Triangular(low=0, mode=0.2, high=1),
        LogTriangular(low=1, mode=2, high=10),
        Beta(low=0, high=2, alpha=2, beta=5),
        Beta(low=0, high=1, alpha=0.5, beta=0.5),
        Beta(low=0, high=1, alpha=0.3, beta=0.7),
        Beta(low=0, high=1, alpha=20, beta=30),
    ],
)
def test_poincare_constants_are_those_of_finite_volumes(distribution: Distribution) -> None:
    log = distribution.is_logarithmic
    low, high = distribution.frozen().ppf(1e-11), distribution.frozen().isf(1e-11)
    if log:
        low, high = math.log(low), math.log(high)
    found = []
    for n in (4000, 8000):
        edge = np.linspace(low, high, n + 1)
        theta = np.exp(edge) if log else edge
        width = edge[1] - edge[0]
        mass = np.diff(distribution.cdf(theta)) / width
        flow = (distribution.frozen().pdf(theta) * (theta if log else 1))[1:-1]
        diagonal = (np.append(flow, 0) + np.append(0, flow)) / (mass * width**2)
        beside = -flow / (np.sqrt(mass[1:] * mass[:-1]) * width**2)
        eigenvalues = linalg.eigh_tridiagonal(
            diagonal, beside, eigvals_only=True, select="i", select_range=(0, 1)
        )
        found.append(1 / eigenvalues[1])
    fine = found[1] + (found[1] - found[0]) / 3
    assert distribution.poincare_constant == pytest.approx(fine, rel=2e-8)


def test_a_beta_distribution_has_others_as_its_limits() -> None:
    flat = Beta(low=-1, high=3, alpha=1, beta=1)
    assert flat.poincare_constant == pytest.approx(16 / math.pi**2, rel=1e-12)
    ramp = Beta(low=0, high=3, alpha=1, beta=2)
    assert ramp.poincare_constant == pytest.approx(
        Triangular(low=0, mode=0, high=3).poincare_constant, rel=1e-12
    )
    # 1 - x is nearly a gamma number of scale 1e-8, x nearly a normal one.
    tail = Beta(low=0, high=1, alpha=1e8, beta=2)
    assert tail.poincare_constant * 1e16 == pytest.approx(4.5, rel=1e-6)
    bell = Beta(low=0, high=1, alpha=1e6, beta=1e6)
    assert bell.poincare_constant == pytest.approx(bell.natural_sd**2, rel=1e-6)


@pytest.mark.parametrize("shape", [1.2, 2, 7.5])
def test_the_poincare_inequality_is_sharp_for_a_gamma_distribution(shape: float) -> None:
    scale, share = 0.5, (shape - 1) / (shape + 1)
    frozen = stats.gamma(shape, scale=scale)

    def f(x: float) -> float:
        y = x / scale * share
        return (1 - y / (shape - 1)) * math.exp((x / scale - y) / 2)

    def slope(x: float) -> float:
        y = x / scale * share
        rise = (1 - share) / 2 * (1 - y / (shape - 1)) - share / (shape - 1)
        return rise * math.exp((x / scale - y) / 2) / scale

    def average(g: Callable[[float], float]) -> float:
        return float(integrate.quad(lambda x: g(x) * frozen.pdf(x), 0, 300, limit=400)[0])

    mean, square, slopes = average(f), average(lambda x: f(x) ** 2), average(lambda x: slope(x) ** 2)
    constant = Gamma(shape=shape, scale=scale).poincare_constant
    assert constant == pytest.approx((square - mean**2) / slopes, rel=1e-6)


@pytest.mark.parametrize("shape", [0.1, 0.5, 1, 1.5, 4])
def test_polynomials_approach_the_poincare_constant_of_a_gamma_distribution(shape: float) -> None:
    """The integral of a Laguerre polynomial of unit length is p_n - sqrt((n + k) / (n + 1)) p_(n+1)."""
    n = np.arange(1500)
    beside, diagonal = -np.sqrt((n + shape) / (n + 1)), np.where(n > 0, 1.0, 0.0)
    largest = linalg.eigh_tridiagonal(
        diagonal + beside**2,
        (beside * np.append(diagonal[1:], 0))[:-1],
        eigvals_only=True,
        select="i",
        select_range=(1499, 1499),
    )[0]
    constant = Gamma(shape=shape, scale=3).poincare_constant
    assert 9 * largest <= constant * (1 + 1e-12)
    # Of shapes below 1, no function has it, and polynomials approach it slowly.
    assert 9 * largest == pytest.approx(constant, rel=1e-4 if shape >= 1 else 1e-3)
