"""Polynomial chaos expansions: algebra of their parts, closed forms, no bias by noise."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.stats import qmc
from support.shares import FUNCTIONS, cases, common_noise, noisy, shares_of

from jaxmorph.designs import Correlation, correlation_factor
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
from jaxmorph.expansion import (
    Candidates,
    Decomposition,
    LeastSquares,
    PartsOfVariance,
    Pursuits,
    basis_of,
    candidates,
    decompose,
    equations,
    independent,
    most_candidates,
    stieltjes,
    weights,
)
from jaxmorph.expansion.bases import HIGHEST, _quadrature

DISTRIBUTIONS: list[Distribution] = [
    Uniform(low=-2, high=5),
    LogUniform(low=1e-3, high=10),
    Normal(mean=3, sd=0.2),
    LogNormal(median=2, sd_log=0.5),
    TruncatedNormal(mean=0, sd=1, low=-0.5, high=3),
    Triangular(low=-1, mode=0, high=2),
    LogTriangular(low=0.1, mode=3, high=5),
    Beta(low=0, high=2, alpha=3, beta=1.5),
    Gamma(shape=2.5, scale=3),
    TruncatedNormal(mean=10, sd=1, low=0, high=5),
]
"""The last has nearly all of its probability at its upper end."""


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.distribution)
def test_polynomials_are_orthonormal(distribution: Distribution) -> None:
    frozen, basis = distribution.frozen(), basis_of(distribution)
    low, high = frozen.ppf(1e-25), frozen.isf(1e-25)
    points = [frozen.ppf(v) for v in (0.001, 0.5, 0.999)]

    def product(i: int, j: int) -> float:
        def density(x: float) -> float:
            p = basis.at(np.array([x]), 7)[0][0]
            return float(p[i] * p[j] * frozen.pdf(x))

        return float(integrate.quad(density, low, high, points=points, limit=200)[0])

    for i, j in [(0, 0), (0, 3), (5, 5), (7, 7), (4, 7)]:
        assert product(i, j) == pytest.approx(float(i == j), abs=2e-6), (i, j)


def test_any_quantile_function_gives_the_classical_polynomials() -> None:
    for distribution in (Normal(mean=0, sd=1), Uniform(low=-1, high=1)):
        a, b = stieltjes(*_quadrature(distribution))
        known = basis_of(distribution)
        np.testing.assert_allclose(a, known.a, atol=1e-8)
        np.testing.assert_allclose(b[1:], known.b[1:], rtol=1e-8)


def test_beta_and_gamma_have_the_polynomials_of_jacobi_and_laguerre() -> None:
    k = np.arange(1, HIGHEST + 1)
    for distribution, b in (
        (Gamma(shape=2.5, scale=3), np.sqrt(k * (k + 1.5) / 2.5)),
        (Gamma(shape=0.3, scale=3), np.sqrt(k * (k - 0.7) / 0.3)),
        # Chebyshev's of the first and of the second kind, between -1 and 1.
        (Beta(low=0, high=2, alpha=0.5, beta=0.5), np.sqrt(np.where(k > 1, 1 / 4, 1 / 2) * 2)),
        (Beta(low=0, high=2, alpha=1.5, beta=1.5), np.full(HIGHEST, 1.0)),
    ):
        np.testing.assert_allclose(basis_of(distribution).b[1:], b, rtol=1e-8)


def test_equations_are_products_and_their_derivatives() -> None:
    rng = np.random.default_rng(0)
    unit = rng.random((5, len(DISTRIBUTIONS)))
    point = np.stack([d.ppf(u) for d, u in zip(DISTRIBUTIONS, unit.T, strict=True)], axis=1)
    degrees = rng.integers(0, 4, (20, len(DISTRIBUTIONS)))
    found = equations(point, DISTRIBUTIONS, degrees)
    each = [basis_of(d).at(x, 3)[0] for d, x in zip(DISTRIBUTIONS, point.T, strict=True)]
    product = np.prod([p[:, degrees[:, i]] for i, p in enumerate(each)], axis=0)
    np.testing.assert_allclose(found[:, 0], product, rtol=1e-12)
    for i, distribution in enumerate(DISTRIBUTIONS):
        basis = basis_of(distribution)
        step = 1e-6 * basis.sd
        ends = []
        for sign in (1, -1):
            moved = point.copy()
            shift = math.exp(sign * step) if basis.logarithmic else 1.0
            moved[:, i] = moved[:, i] * shift + (0 if basis.logarithmic else sign * step)
            ends.append(equations(moved, DISTRIBUTIONS, degrees)[:, 0])
        np.testing.assert_allclose(found[:, 1 + i], (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-5)


def test_correlated_parameters_become_independent_ones() -> None:
    distributions = [*DISTRIBUTIONS[:4], DISTRIBUTIONS[4]]
    names = list("abcde")
    couples = [Correlation(between=("a", "c"), coefficient=0.7)]
    couples += [Correlation(between=("b", "e"), coefficient=-0.4)]
    factor = np.array(correlation_factor(names, couples))
    rng = np.random.default_rng(1)
    z = rng.standard_normal((4000, 5))
    unit = stats.norm.cdf(z @ factor.T)
    point = np.stack([d.ppf(u) for d, u in zip(distributions, unit.T, strict=True)], axis=1)
    own, jacobian = independent(point, distributions, factor)
    for i, distribution in enumerate(distributions):
        np.testing.assert_allclose(distribution.cdf(own[:, i]), stats.norm.cdf(z[:, i]), atol=1e-9)
    moved, step = own[:5].copy(), 1e-6
    moved[:, 0] += step
    scores = np.stack(
        [stats.norm.ppf(d.cdf(x)) for d, x in zip(distributions, moved.T, strict=True)], axis=1
    )
    back = [d.ppf(stats.norm.cdf(s)) for d, s in zip(distributions, (scores @ factor.T).T, strict=True)]
    slope = (np.stack(back, axis=1) - point[:5]) / step
    np.testing.assert_allclose(jacobian[:5, :, 0], slope, rtol=1e-4, atol=1e-6)
    same, identity = independent(point, distributions, np.eye(5))
    np.testing.assert_allclose(same, point, rtol=1e-9)
    np.testing.assert_allclose(identity, np.broadcast_to(np.eye(5), identity.shape), atol=1e-9)


@pytest.mark.parametrize("d", [1, 3, 6, 20, 100])
def test_candidates_prefer_no_parameter_and_fill_no_memory(d: int) -> None:
    most = most_candidates(d)
    terms = candidates(d, most)
    assert len(terms) <= most
    assert len({tuple(row) for row in terms}) == len(terms)
    assert not terms[0].any()
    assert (np.sort(terms.sum(axis=0)) == terms[:, 0].sum()).all()
    assert set(map(tuple, np.eye(d, dtype=int))) <= set(map(tuple, terms))


def test_a_pursuit_is_least_squares_of_the_terms_that_it_takes() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((2, 40, 12))
    y = x[..., [3, 7]] @ [2.0, 1.0] + 0.01 * rng.standard_normal((2, 40))
    right = (x.swapaxes(1, 2) @ y[..., None])[..., None]
    pursuits = Pursuits(x.swapaxes(1, 2) @ x, right, 4)
    found = []
    while (taken := pursuits.take()) is not None:
        found.append(taken[2][:, 0, 0])
    assert pursuits.order[:, :3].tolist() == [[0, 3, 7]] * 2
    for fit in range(2):
        chosen = x[fit][:, pursuits.order[fit]]
        factor = pursuits.factor(fit, 4)
        np.testing.assert_allclose(factor @ factor.T, chosen.T @ chosen, rtol=1e-12, atol=1e-12)
        c = np.linalg.solve(factor.T, [one[fit] for one in found])
        np.testing.assert_allclose(c, np.linalg.lstsq(chosen, y[fit], rcond=None)[0], rtol=1e-9)


def test_leaving_out_a_group_is_a_fit_without_it() -> None:
    rng = np.random.default_rng(3)
    terms, data = rng.standard_normal((11, 3, 5)), rng.standard_normal((11, 3, 2))
    weight = np.array([1.0, 0.5, 0.2])

    def fit(samples: np.ndarray) -> np.ndarray:
        x = (terms[samples] * weight[:, None]).reshape(-1, 5)
        y = (data[samples] * weight[:, None]).reshape(-1, 2)
        return np.asarray(np.linalg.lstsq(x, y, rcond=None)[0])

    weighted = (terms * weight[:, None]).reshape(-1, 5)
    system = LeastSquares.of(terms, weight, np.linalg.cholesky(weighted.T @ weighted), 2)
    c, change = system.coefficients(data)
    np.testing.assert_allclose(c, fit(np.arange(11)), rtol=1e-9)
    for group in range(6):
        without = fit(np.setdiff1d(np.arange(11), [2 * group, 2 * group + 1]))
        np.testing.assert_allclose(c + change[group], without, rtol=1e-5, atol=1e-7)


def test_parts_of_a_variance() -> None:
    """x1 + 2 x2 + 3 x1 x2 + 4 x1 x2 x3, of unit polynomials."""
    degrees = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1]])
    parts, found = PartsOfVariance(3), weights(degrees) @ np.array([9.0, 1, 4, 9, 16])
    assert found[0] == 30
    assert found[parts.first].tolist() == [1, 4, 0]
    assert found[parts.total].tolist() == [26, 29, 16]
    np.testing.assert_allclose(found[parts.shapley], [1 + 4.5 + 16 / 3, 4 + 4.5 + 16 / 3, 16 / 3])
    second = parts.matrix(found[parts.second])
    assert second[0, 1] == second[1, 0] == 9
    assert np.isnan(np.diag(second)).all()
    assert second[0, 2] == 0


def expanded(unit: np.ndarray, f: np.ndarray, g: np.ndarray, *, gradients: bool = True) -> Decomposition:
    """Of values (sample, seed) and gradients (sample, seed, parameter) on the unit cube."""
    d = unit.shape[1]
    uniform = [Uniform(low=0, high=1)] * d
    degrees = candidates(d, most_candidates(d))
    rows = [f[:, None], np.moveaxis(g, 2, 1) * 12**-0.5]
    data = np.concatenate(rows, axis=1)[:, :, None]
    return decompose(Candidates.of(equations(unit, uniform, degrees)), degrees, data, 1, gradients)


def sobol(n: int, d: int, seed: int) -> np.ndarray:
    return qmc.Sobol(d, rng=seed).random(n)


@pytest.mark.parametrize(
    ("name", "n", "largest"),
    [("ishigami", 64, 0.001), ("ishigami", 256, 2e-4), ("g", 64, 0.04), ("g", 256, 0.01)],
)
def test_closed_forms_are_met(name: str, n: int, largest: float) -> None:
    case = cases()[name]
    f, g = FUNCTIONS[name](sobol(n, case.n_parameters, 5))
    found = expanded(sobol(n, case.n_parameters, 5), f[:, None], g[:, None])
    np.testing.assert_allclose(found.share[1:, 0], case.parts, atol=largest)
    assert found.with_gradients


def test_noise_adds_nothing_to_a_share() -> None:
    """The mean over 4 repetitions, with noise that every sample has by itself and that all share."""
    case, rng = cases()["ishigami"], np.random.default_rng(4)
    for make in (noisy, common_noise):
        found = []
        for repetition in range(4):
            unit = sobol(64, 3, repetition)
            found.append(expanded(unit, *make(*FUNCTIONS["ishigami"](unit), unit, 16, 0.5, rng)))
        error = np.array([one.share[1:, 0] for one in found]) - case.parts
        assert (np.abs(error.mean(axis=0)) < 0.05).all(), error.mean(axis=0)
        variance = np.mean([one.variance[0] for one in found])
        assert variance == pytest.approx(13.844588, rel=0.06)


def test_a_function_that_jumps_is_not_predicted() -> None:
    rng = np.random.default_rng(5)
    unit = sobol(64, 3, 6)
    f = np.floor(7 * unit[:, 0]) % 2 + np.floor(5 * unit[:, 1]) % 2
    found = expanded(unit, f[:, None] + 0.1 * rng.standard_normal((64, 8)), np.zeros((64, 8, 3)))
    assert found.error[0] > 0.3
    assert not found.with_gradients


def test_shares_of_the_support_are_those_of_their_closed_forms() -> None:
    """By quadrature, against Ishigami's and Sobol's own formulae."""
    found = shares_of("ishigami", 3)
    np.testing.assert_allclose(
        found[:6], [0.313905, 0.442411, 0, 0.557589, 0.442411, 0.243684], atol=1e-6
    )


@pytest.mark.verify
@pytest.mark.parametrize("name", ["ishigami", "product", "exponential"])
@pytest.mark.parametrize("n", [64, 256])
@pytest.mark.parametrize("kind", ["of each sample", "of all samples"])
@pytest.mark.parametrize("even", [False, True])
def test_intervals_cover(
    record_property: Callable[[str, object], None], name: str, n: int, kind: str, even: bool
) -> None:
    """200 repetitions with 16 seeds, whose noise has the standard deviation of the function itself."""
    case, rng, repetitions = cases()[name], np.random.default_rng(7), 200
    make = noisy if kind == "of each sample" else common_noise
    covered, errors, used = np.zeros(len(case.parts)), np.zeros(len(case.parts)), 0
    for repetition in range(repetitions):
        d = case.n_parameters
        unit = sobol(n, d, 1000 + repetition) if even else rng.random((n, d))
        found = expanded(unit, *make(*FUNCTIONS[name](unit), unit, 16, 1.0, rng))
        if not found.error[0] < 0.2:
            continue
        low, high = (end[1:, 0] for end in found.interval())
        covered += (low - 1e-9 <= case.parts) & (case.parts <= high + 1e-9)
        errors += (found.share[1:, 0] - case.parts) ** 2
        used += 1
    record_property("used", used)
    record_property("covered", np.round(covered / used, 3).tolist())
    record_property("error", np.round(np.sqrt(errors / used), 4).tolist())
    assert used > repetitions / 2
    # An exact binomial test at 0.1 % refutes 91 % nowhere.
    assert (stats.binom.cdf(covered, used, 0.91) > 0.001).all(), covered / used
