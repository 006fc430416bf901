"""Gradients of means through discrete choices: estimators against closed forms."""

import itertools
import logging
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy import stats
from support.populations import competition, population, resetting
from support.sweeps import Recorder, record_intervals

from jaxmorph import engine
from jaxmorph.configuration import GRADIENT_ESTIMATORS
from jaxmorph.engine.estimators.straight_through import Surrogates
from jaxmorph.errors import JaxmorphError
from jaxmorph.simulation import bernoulli, categorical, surrogate
from jaxmorph.studies import Problem
from jaxmorph.tracing import LogDensity, using

KEY = jax.random.PRNGKey(3)
REPETITIONS, SEEDS = 20, 600
N0, STEPS, DT = 3, 8, 0.125


def by_complex_steps(function: Callable[..., Any], *point: float) -> np.ndarray:
    """The derivatives of ``function``, exact to round-off: shape (argument, ...)."""
    steps = 1e-30j * np.eye(len(point))
    return np.array([np.imag(function(*(np.array(point) + step))) / 1e-30 for step in steps])


# --- closed forms, of the schemes as they are, and what straight-through makes of them -----------


def births_and_deaths(birth: Any, death: Any) -> Any:
    """E[N]: each cell divides with probability p, and then each dies with q."""
    p, q = 1 - np.exp(-birth * DT), 1 - np.exp(-death * DT)
    return N0 * ((1 + p) * (1 - q)) ** STEPS


def square_of_births(birth: Any) -> Any:
    """E[N^2] of births alone: N' is N and a binomial number of N trials more."""
    p = 1 - np.exp(-birth * DT)
    mean, square = N0, N0**2
    for _ in range(STEPS):
        square = (1 + p) ** 2 * square + p * (1 - p) * mean
        mean = (1 + p) * mean
    return square


def straight_through_square_of_births(birth: float) -> float:
    """E[2 N T] for T = dN / d birth, which in a step becomes T' = sum over cells of (1 + c) d + dp.

    d is the derivative that a cell carries, c whether it divides, and T the sum of d.
    """
    p, dp = 1 - np.exp(-birth * DT), DT * np.exp(-birth * DT)
    mean, square, slope, product = float(N0), float(N0**2), 0.0, 0.0
    for _ in range(STEPS):
        product = (1 + p) ** 2 * product + p * (1 - p) * slope + (1 + p) * dp * square
        square = (1 + p) ** 2 * square + p * (1 - p) * mean
        slope = (1 + p) * slope + dp * mean
        mean = (1 + p) * mean
    return 2 * product


def first_of_two(n_events: int) -> Callable[[Any, Any], Any]:
    """E[cells of the first type] after so many divisions, by the law of their number."""

    def mean(a: Any, b: Any) -> Any:
        law: dict[int, Any] = {1: 1.0}
        for event in range(n_events):
            after: dict[int, Any] = {}
            for n, probability in law.items():
                share = a * n / (a * n + b * (2 + event - n))
                after[n + 1] = after.get(n + 1, 0) + probability * share
                after[n] = after.get(n, 0) + probability * (1 - share)
            law = after
        return sum(n * probability for n, probability in law.items())

    return mean


def straight_through_first_of_two(n_events: int, a: float, b: float) -> np.ndarray:
    """Its surrogate: a cell that divides hands its derivative on, and each adds that of its share."""
    law = {1: (1.0, np.zeros(2))}  # n: probability, E[derivative; n]
    for event in range(n_events):
        after: dict[int, tuple[float, np.ndarray]] = {}
        for n, (probability, slope) in law.items():
            m = 2 + event - n
            total = a * n + b * m
            one = np.array([b * m, -a * m]) / total**2  # of a cell of the first type
            grown = slope + probability * n * one
            for n_after, p, carried in (
                (n + 1, a * n / total, slope / n),
                (n, b * m / total, np.zeros(2)),
            ):
                old = after.get(n_after, (0.0, np.zeros(2)))
                after[n_after] = (old[0] + probability * p, old[1] + p * (grown + carried))
        law = after
    return np.sum([slope for _, slope in law.values()], axis=0)


def moments_of_resetting(k: Any, rate: Any) -> Any:
    """E[x], E[x^2] of a particle that is set back to 0 with probability p after each step."""
    p, a = 1 - np.exp(-0.1 * rate), 1 - 0.1 * k
    mean, square = 1.0, 1.0
    for _ in range(8):
        mean, square = (1 - p) * a * mean, (1 - p) * (a**2 * square + 0.3**2)
    return np.array([mean, square])


def straight_through_resetting(k: float, rate: float) -> np.ndarray:
    """E[dx], E[2 x dx] by (k, rate), with dx' = (1 - c) dy - y dp for x' = (1 - c) y."""
    p, a = 1 - np.exp(-0.1 * rate), 1 - 0.1 * k
    da, dp = np.array([-0.1, 0]), np.array([0, 0.1 * np.exp(-0.1 * rate)])
    mean = square = 1.0
    slope, of_square = np.zeros(2), np.zeros(2)
    for _ in range(8):
        slope = (1 - p) * (a * slope + da * mean) - a * mean * dp
        mean *= (1 - p) * a
        shaken = a**2 * square + 0.3**2
        of_square = (1 - p) * (a**2 * of_square + 2 * a * da * square) - 2 * (1 - p) * shaken * dp
        square = (1 - p) * shaken
    return np.array([slope, of_square])


def repeated(problem: Problem, point: list[float], estimator: Any, **how: Any) -> np.ndarray:
    """Gradients at the last time: (repetition, seed, observable, parameter)."""
    seeds = np.arange(REPETITIONS * SEEDS)
    result = engine.evaluate(problem, np.array([point]), seeds, run_key=0, estimator=estimator, **how)
    assert result.gradient is not None and np.isfinite(result.gradient).all()
    return result.gradient[0, :, -1].reshape(REPETITIONS, SEEDS, *result.gradient.shape[-2:])


# No more 95 % intervals miss the truth than in 99 of 100 such sets of repetitions.
MOST_MISSES = int(stats.binom.ppf(0.99, REPETITIONS, 0.05))


def misses(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many repetitions' 95 % intervals (Student's t) miss the truth."""
    half = stats.t.ppf(0.975, SEEDS - 1) * stats.sem(draws, axis=1)
    return np.sum(np.abs(draws.mean(axis=1) - truth) > half, axis=0)


def agree(draws: np.ndarray, truth: np.ndarray, record: Recorder) -> None:
    """All repetitions together, and no more of them than chance has it beside the truth."""
    together = draws.reshape(-1, *draws.shape[2:])
    assert np.all(np.abs(together.mean(axis=0) - truth) < 3 * stats.sem(together, axis=0))
    missed = misses(draws, truth)
    record_intervals(record, REPETITIONS * missed.size - int(missed.sum()), REPETITIONS * missed.size)
    assert np.all(missed <= MOST_MISSES), missed


PROBLEMS: dict[str, tuple[Problem, list[float], np.ndarray, np.ndarray]] = {
    # Problem, point, (observable, parameter): true gradients, and those of straight-through.
    "births": (
        population(("birth",), ("number", "square"), n_steps=STEPS, dt=DT),
        [0.8],
        np.array([by_complex_steps(lambda b: births_and_deaths(b, 0), 0.8),
                  by_complex_steps(square_of_births, 0.8)]),
        np.array([by_complex_steps(lambda b: births_and_deaths(b, 0), 0.8),
                  [straight_through_square_of_births(0.8)]]),
    ),
    "births and deaths": (
        population(("birth", "death"), n_steps=STEPS, dt=DT, dying=True),
        [0.8, 0.4],
        by_complex_steps(births_and_deaths, 0.8, 0.4)[None],
        by_complex_steps(births_and_deaths, 0.8, 0.4)[None] * [1, np.exp(-0.4 * DT)],
    ),
    "competition": (
        competition(1),
        [0.7, 1.6],
        by_complex_steps(lambda a, b: 1 + a / (a + b), 0.7, 1.6)[None],
        straight_through_first_of_two(1, 0.7, 1.6)[None],
    ),
    "long competition": (
        competition(6),
        [0.7, 1.6],
        by_complex_steps(first_of_two(6), 0.7, 1.6)[None],
        straight_through_first_of_two(6, 0.7, 1.6)[None],
    ),
    "resetting": (
        resetting(),
        [1.0, 0.6],
        by_complex_steps(moments_of_resetting, 1.0, 0.6).T,
        straight_through_resetting(1.0, 0.6),
    ),
}  # fmt: skip


# One of each estimator runs in CI: births and deaths, and steps of a Gaussian between choices.
IN_CI = [("births", "score"), ("resetting", "smoothed"), ("births", "straight-through")]


def _case(name: str, estimator: str) -> Any:
    marks = [pytest.mark.verify] + [pytest.mark.slow] * ((name, estimator) in IN_CI)
    return pytest.param(name, *[estimator] * (estimator != "straight-through"), marks=marks)


@pytest.mark.parametrize(
    ("name", "estimator"),
    [_case(*case) for case in itertools.product(PROBLEMS, ("score", "smoothed"))],
)
def test_estimates_of_20_repetitions_are_within_their_errors(
    name: str, estimator: Any, record_property: Recorder
) -> None:
    problem, point, truth, _ = PROBLEMS[name]
    draws = repeated(problem, point, estimator, smoothing=0.3)
    agree(draws, truth, record_property)
    # Errors that mean something: they tell the truth from what a pathwise gradient would say, 0.
    together = stats.sem(draws.reshape(-1, *truth.shape), axis=0)
    assert np.all(together < 0.15 * np.abs(truth)), together / truth


@pytest.mark.parametrize("name", [_case(name, "straight-through") for name in PROBLEMS])
def test_straight_through_has_the_bias_that_is_documented(name: str, record_property: Recorder) -> None:
    problem, point, truth, biased = PROBLEMS[name]
    draws = repeated(problem, point, "straight-through")
    if name == "competition":  # one choice, in which the number is linear: each seed says the truth
        np.testing.assert_allclose(biased, truth, rtol=1e-12)
        np.testing.assert_allclose(draws, np.broadcast_to(truth, draws.shape), rtol=1e-12)
        return
    agree(draws, biased, record_property)


# --- which estimator sees which choice -----------------------------------------------------------


@pytest.mark.slow
def test_without_random_choices_all_reduce_to_the_pathwise_gradient() -> None:
    """With a probability of 0, and with one that no parameter changes; Gaussian steps stay pathwise."""
    point, seeds = np.array([[1.0]]), np.arange(200)
    for rate in (0.0, 0.6):
        problem = resetting(("k",), rate=rate)
        path, score, through, smoothed = (
            np.asarray(engine.evaluate(problem, point, seeds, run_key=0, estimator=estimator).gradient)
            for estimator in ("pathwise", "score", "straight-through", "smoothed")
        )
        assert np.median(np.abs(path)) > 0.1 * (rate == 0) and path.any()
        np.testing.assert_allclose(score, path, rtol=1e-12)
        np.testing.assert_allclose(through, path, rtol=1e-12)
        difference = (smoothed - path)[0, :, 0, :, 0]
        assert np.all(np.abs(difference.mean(axis=0)) < 4 * stats.sem(difference, axis=0))


def test_no_choice_has_two_estimators(x64: None) -> None:
    """The log probability of a choice, or a surrogate, and along a path neither."""

    def chosen(p: Array) -> tuple[Array, Array]:
        indicator = bernoulli(KEY, p, indicator=True)
        return indicator, categorical(KEY, jnp.stack([p[0], 3 * p[1]]), one_hot=True)

    def followed(p: Array) -> tuple[tuple[Array, Array], Array]:
        with using(instrument := LogDensity()):
            return chosen(p), instrument.at(1)

    def surrogates(p: Array) -> tuple[Array, Array]:
        with using(Surrogates()):
            return chosen(p)

    p, step = jnp.array([0.3, 0.2]), jnp.array([1.0, 0.0])
    value, slope = jax.jvp(chosen, (p,), (step,))
    (followed_value, _), (followed_slope, density_slope) = jax.jvp(followed, (p,), (step,))
    surrogate_value, surrogate_slope = jax.jvp(surrogates, (p,), (step,))
    for other in (followed_value, surrogate_value):
        jax.tree.map(np.testing.assert_array_equal, other, value)
    for none in jax.tree.leaves((slope, followed_slope)):
        np.testing.assert_array_equal(none, 0)
    by_choice = (1 / 0.3 if value[0][0] else -1 / 0.7) + (2 / 3 / 0.3 if value[1][0] else -1 / 0.9)
    np.testing.assert_allclose(density_slope, by_choice, rtol=1e-12)
    np.testing.assert_allclose(surrogate_slope[0], step, rtol=1e-12)
    np.testing.assert_allclose(surrogate_slope[1], np.array([0.6, -0.6]) / 0.81, rtol=1e-12)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_straight_through_leaves_values_as_they_are(mode: Any, caplog: pytest.LogCaptureFixture) -> None:
    problem, point = resetting(), np.array([[1.0, 0.6]])
    with caplog.at_level(logging.WARNING):
        through, plain = (
            engine.evaluate(problem, point, np.arange(50), run_key=0, **how)
            for how in ({"estimator": "straight-through", "gradient": mode}, {"gradient": "none"})
        )
    assert [r.getMessage() for r in caplog.records] == [GRADIENT_ESTIMATORS["straight-through"].bias]
    np.testing.assert_allclose(through.value, plain.value, rtol=1e-14)
    assert (plain.value == 0).any() and through.gradient is not None
    # Where the last choice sets it back, the number 1 - c is 0: x' = -y dp.
    back = plain.value[0, :, 0, 0] == 0
    np.testing.assert_array_equal(through.gradient[0, back, 0, 0, 0], 0)
    assert np.all(through.gradient[0, back, 0, 0, 1] != 0)


def test_what_straight_through_cannot_see_is_refused_in_one_line() -> None:
    asked: Any = "straight-through"
    engine.check_estimator(population(("birth",), ("number",)), asked)
    engine.check_estimator(population(("birth",), ("number", "volume")), asked, "none")
    with pytest.raises(JaxmorphError, match="no derivative reaches volume; leave these observables out"):
        engine.check_estimator(population(("birth",), ("number", "volume")), asked)
    engine.check_estimator(population(("size",), ("number", "volume")), asked)
    with pytest.raises(JaxmorphError, match=r"depend on rate and are no numbers.*indicator=True"):
        engine.check_estimator(resetting(as_number=False), asked)
    engine.check_estimator(resetting(("k",), as_number=False), asked)


@pytest.mark.parametrize("estimator", ["score", "straight-through"])
def test_an_estimate_through_choices_is_the_same_in_any_batch(estimator: Any) -> None:
    points = np.array([[0.7, 0.3], [1.0, 0.6], [1.3, 0.9]])
    seeds = np.array([0, 3, 4, 11])
    whole = engine.evaluate(resetting(), points, seeds, run_key=0, estimator=estimator)
    alone = engine.evaluate(resetting(), points[[2]], seeds[[1]], run_key=0, estimator=estimator)
    np.testing.assert_allclose(alone.value, whole.value[2:, 1:2], rtol=1e-12)
    assert alone.gradient is not None and whole.gradient is not None
    np.testing.assert_allclose(alone.gradient, whole.gradient[2:, 1:2], rtol=1e-12, atol=1e-12)


def test_a_surrogate_of_ones_own(x64: None) -> None:
    """A threshold with the derivative of a logistic function."""

    def above(x: Array) -> Array:
        return surrogate((x > 0).astype(x.dtype), jax.nn.sigmoid(x))

    def seen(x: Array) -> Array:
        with using(Surrogates()):
            return above(x)

    x = jnp.asarray(0.4)
    assert above(x) == seen(x) == 1
    assert jax.grad(above)(x) == 0
    s = 1 / (1 + np.exp(-0.4))
    np.testing.assert_allclose(jax.grad(seen)(x), s * (1 - s), rtol=1e-12)
