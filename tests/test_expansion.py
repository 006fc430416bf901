"""Polynomial chaos expansions: algebra of their parts, closed forms, no bias by noise."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.stats import qmc
from support.shares import FUNCTIONS, cases, common_noise, curves_of, linear_shares, noisy, shares_of

from jaxmorph.designs import Correlation, correlation_factor
from jaxmorph.distributions import (
    Beta,
    Discrete,
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
    correlated_effects,
    correlated_forms,
    decompose,
    equations,
    independent_scores,
    main_effects,
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
        (Beta(low=0, high=2, alpha=0.5, beta=0.5), np.sqrt(np.where(k > 1, 1 / 4, 1 / 2))),
        (Beta(low=0, high=2, alpha=1.5, beta=1.5), np.full(HIGHEST, 1 / 2)),
    ):
        np.testing.assert_allclose(basis_of(distribution).b[1:], b, rtol=1e-12)


@pytest.mark.parametrize(
    "distribution", [Gamma(shape=2.5, scale=3), Beta(low=1, high=2, alpha=3, beta=1.5)]
)
def test_their_recurrences_are_those_of_their_quantiles(distribution: Distribution) -> None:
    theta, weight = _quadrature(distribution)
    known = basis_of(distribution)
    a, b = stieltjes((theta - known.centre) / known.scale, weight)
    np.testing.assert_allclose(a[:12], known.a[:12], atol=1e-7)
    np.testing.assert_allclose(b[1:12], known.b[1:12], rtol=1e-7)


def test_a_discrete_parameter_has_as_many_polynomials_as_numbers() -> None:
    discrete = Discrete(values=(3, 0, 1, 7), weights=(1, 4, 2, 1))
    basis = basis_of(discrete)
    assert basis.highest == 3
    p, _ = basis.at(np.array(discrete.numbers), 3)
    gram = p.T @ (np.array(discrete.probabilities)[:, None] * p)
    np.testing.assert_allclose(gram, np.eye(4), atol=1e-12)


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


def test_correlated_parameters_have_independent_scores() -> None:
    names = list("abcde")
    couples = [Correlation(between=("a", "c"), coefficient=0.7)]
    couples += [Correlation(between=("b", "e"), coefficient=-0.4)]
    factor = np.array(correlation_factor(names, couples))
    z = np.random.default_rng(1).standard_normal((5, 5))

    def point(z: np.ndarray) -> np.ndarray:
        unit = stats.norm.cdf(z @ factor.T)
        columns = zip(DISTRIBUTIONS[:5], unit.T, strict=True)
        return np.stack([d.ppf(u) for d, u in columns], axis=1)

    def natural(parameter: np.ndarray) -> np.ndarray:
        bases = [basis_of(d) for d in DISTRIBUTIONS[:5]]
        columns = zip(bases, parameter.T, strict=True)
        return np.stack([(np.log(x) if b.logarithmic else x) / b.sd for b, x in columns], axis=1)

    scores, jacobian = independent_scores(point(z), DISTRIBUTIONS[:5], factor)
    np.testing.assert_allclose(scores, z, atol=1e-9)
    for i, step in enumerate(1e-6 * np.eye(5)):
        slope = (natural(point(z + step)) - natural(point(z - step))) / 2e-6
        np.testing.assert_allclose(jacobian[:, :, i], slope, rtol=1e-5, atol=1e-7)


def test_shares_of_correlated_parameters_are_conditional_variances() -> None:
    """Of cubic functions of two scores, against quadrature over one parameter given the other."""
    normal = Normal(mean=0, sd=1)
    degrees = np.array([[0, 0], [1, 0], [1, 1], [2, 0], [1, 2], [3, 1]])
    c, factor = np.array([0.3, 0.6, 1.0, 0.5, -0.7, 0.4]), np.array([[1, 0], [0.6, 0.8]])
    forms = correlated_forms(degrees, factor)
    assert forms.functionals is not None
    whole, *parts = forms.weights @ (forms.functionals @ c) ** 2
    x, w = np.polynomial.hermite_e.hermegauss(12)
    w = w / w.sum()
    given, free = (a.ravel() for a in np.meshgrid(x, x, indexing="ij"))
    first = []
    for row in factor:
        z = np.outer(given, row) + np.outer(free, [-row[1], row[0]])
        f = equations(z, [normal] * 2, degrees)[:, 0] @ c
        first.append(float(w @ (f.reshape(12, 12) @ w - 0.3) ** 2))
    total = [whole - first[1], whole - first[0]]
    shapley = [(f + t) / 2 for f, t in zip(first, total, strict=True)]
    assert whole == pytest.approx((c[1:] ** 2).sum())
    np.testing.assert_allclose(parts, [*first, *total, *shapley], rtol=1e-9)
    effects = correlated_effects(degrees, factor, np.array([0.2, 0.9])) @ c
    for row, found in zip(factor, effects, strict=True):
        for s, one in zip(stats.norm.ppf([0.2, 0.9]), found, strict=True):
            z = np.outer(np.full(12, s), row) + np.outer(x, [-row[1], row[0]])
            mean = w @ (equations(z, [normal] * 2, degrees)[:, 0] @ c)
            assert one == pytest.approx(mean - 0.3, rel=1e-9)


def test_shares_of_correlated_parameters_in_a_linear_gaussian_model() -> None:
    """Owen and Prieur (2017), section 4: Var E[f | some] of f = b's is a least-squares fit."""
    rng = np.random.default_rng(8)
    root = np.linalg.cholesky(np.corrcoef(rng.standard_normal((4, 7))))
    b, degrees = np.array([1.0, 2, -0.5, 0]), np.concatenate([np.zeros((1, 4)), np.eye(4)]).astype(int)
    forms = correlated_forms(degrees, root)
    assert forms.functionals is not None
    found = forms.weights @ (forms.functionals @ np.append(3.0, b @ root)) ** 2
    whole, first, total, shapley = linear_shares(b, root @ root.T)
    np.testing.assert_allclose(found, [whole, *first, *total, *shapley], rtol=1e-9, atol=1e-12)
    assert shapley.sum() == pytest.approx(whole)


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


def expanded(
    unit: np.ndarray,
    f: np.ndarray,
    g: np.ndarray,
    *,
    gradients: bool = True,
    probability: np.ndarray | None = None,
) -> Decomposition:
    """Of values (sample, seed) and gradients (sample, seed, parameter) on the unit cube.

    With main effects at some quantiles, if these are given.
    """
    d = unit.shape[1]
    uniform = [Uniform(low=0, high=1)] * d
    degrees = candidates(d, most_candidates(d))
    rows = [f[:, None], np.moveaxis(g, 2, 1) * 12**-0.5]
    data = np.concatenate(rows, axis=1)[:, :, None]
    linear = np.eye(1, len(degrees))
    if probability is not None:
        linear = np.concatenate([linear, *main_effects(uniform, degrees, probability)])
    shared = Candidates.of(equations(unit, uniform, degrees))
    return decompose(shared, degrees, data, 1, gradients, linear)


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
@pytest.mark.parametrize(
    ("name", "n"),
    [(name, n) for name in ("ishigami", "product", "exponential") for n in (64, 256)]
    + [(name, 64) for name in ("ridge", "wavy", "rational")],
)
@pytest.mark.parametrize("kind", ["of each sample", "of all samples"])
@pytest.mark.parametrize("even", [False, True])
def test_intervals_cover(
    record_property: Callable[[str, object], None], name: str, n: int, kind: str, even: bool
) -> None:
    """200 repetitions with 16 seeds, whose noise has the standard deviation of the function itself.

    The last three functions were not looked at when the intervals were made.
    """
    case, rng, repetitions = cases()[name], np.random.default_rng(7), 200
    make = noisy if kind == "of each sample" else common_noise
    probability = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    curves = curves_of(name, case.n_parameters, probability).ravel()
    covered, of_curves, errors, used = np.zeros(len(case.parts)), np.zeros(len(curves)), [], 0
    for repetition in range(repetitions):
        d = case.n_parameters
        unit = sobol(n, d, 1000 + repetition) if even else rng.random((n, d))
        f, g = make(*FUNCTIONS[name](unit), unit, 16, 1.0, rng)
        found = expanded(unit, f, g, probability=probability)
        if not found.error[0] < 0.2:
            continue
        low, high = (end[1:, 0] for end in found.interval())
        covered += (low - 1e-9 <= case.parts) & (case.parts <= high + 1e-9)
        of_curves += np.abs(found.linear[1:, 0] - curves) <= found.linear_half()[1:, 0] + 1e-9
        errors.append(found.share[1:, 0] - case.parts)
        used += 1
    there = case.parts > 1e-9
    rate, d = covered / used, case.n_parameters
    rms = float(np.sqrt(np.mean(np.square(errors))))
    row = [name, n, "Sobol'" if even else "random", kind, used]
    for part in (slice(0, d), slice(d, 2 * d), slice(2 * d, 3 * d), slice(3 * d, None)):
        row.append(span(rate[part][there[part]]))
    of_each = (of_curves / used).reshape(d, -1).mean(axis=1)
    print("|", " | ".join(map(str, [*row, span(of_each), f"{rms:.3f}"])), "|")
    record_property("covered", int(covered[there].sum()))
    record_property("intervals", int(used * there.sum()))
    assert used > repetitions / 2
    # An exact binomial test at 0.1 % refutes 91 % nowhere, and they are not wider than they have to be.
    assert (stats.binom.cdf(covered, used, 0.91) > 0.001).all(), rate
    assert rate[there].mean() < 0.995
    assert (of_each > 0.9).all(), of_each


def span(rates: np.ndarray) -> str:
    low, high = (round(100 * float(x)) for x in (rates.min(), rates.max()))
    return f"{low} to {high} %" if low < high else f"{low} %"
