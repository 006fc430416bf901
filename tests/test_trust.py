"""Can the gradients be trusted: estimators beside the pathwise one, and the checks."""

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, PRNGKeyArray
from scipy import stats

import jaxmorph as jxm
from jaxmorph import engine
from jaxmorph.distributions import LogUniform, Normal, TruncatedNormal, Uniform
from jaxmorph.engine import modes, program
from jaxmorph.engine.estimators.score import simulate_with_log_density
from jaxmorph.errors import JaxmorphError
from jaxmorph.simulation import gaussian, record, scan, simulate
from jaxmorph.studies import Problem, load_problem
from jaxmorph.tracing import LogDensity, using

K, GAMMA, KT, X0, DT = 2.0, 0.8, 1.0, 1.5, 0.01
OU = ("k", "gamma", "kT", "x0")


def trap(observables: Any = ("squared_position",), **settings: Any) -> Problem:
    """The Ornstein-Uhlenbeck study, all of its parameters varied."""
    return load_problem("ornstein-uhlenbeck", settings, dict.fromkeys(OU, "default"), observables)


def second_moment(n: int, k: Any, gamma: Any, kT: Any, x0: Any) -> Any:
    """E[x_n^2] of the Euler-Maruyama scheme, exact."""
    a, b = 1 - k * DT / gamma, 2 * kT * DT / gamma
    return a ** (2 * n) * x0**2 + b * (1 - a ** (2 * n)) / (1 - a**2)


def true_gradient(k: float, n: int) -> np.ndarray:
    """Its derivatives in k, gamma, kT and x0, by complex steps (exact to round-off)."""
    point = np.array([k, GAMMA, KT, X0])
    return np.array([second_moment(n, *(point + 1e-30j * e)).imag / 1e-30 for e in np.eye(4)])


# --- the gradient of the mean, three ways --------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "largest_se"),
    # Standard errors that 20,000 seeds must reach; the answers are -0.25, -0.007, 0.51, 0.0001.
    [
        ("pathwise", (0.004, 0.005, 0.006, 1e-4)),
        pytest.param("smoothed", (0.005, 0.009, 0.008, 0.005), marks=pytest.mark.slow),
        ("score", (0.01, 0.08, 0.07, 0.04)),
    ],
)
def test_three_estimators_of_one_gradient(estimator: Any, largest_se: tuple[float, ...]) -> None:
    sample = np.array([[K, GAMMA, KT, X0]])
    problem = trap(record_every=100)
    result = engine.evaluate(problem, sample, np.arange(20_000), run_key=0, estimator=estimator)
    assert result.gradient is not None and result.estimator == estimator
    truth = true_gradient(K, 200)
    assert truth[0] == pytest.approx(-0.25031, abs=5e-6)
    for n, draws in zip((100, 200), result.gradient[0, :, 1:, 0].swapaxes(0, 1), strict=True):
        error = draws.mean(axis=0) - true_gradient(K, n)
        assert np.all(np.abs(error) < 4 * stats.sem(draws, axis=0)), (n, error)
    assert np.all(stats.sem(draws, axis=0) < largest_se)


def test_score_in_the_inverted_trap() -> None:
    """Where pathwise gradients explode: an unstable path, with its exact moments."""
    sample, n = np.array([[-2.0, GAMMA, KT, X0]]), 60
    problem = trap(n_steps=n, record_every=n)
    result = engine.evaluate(problem, sample, np.arange(20_000), run_key=1, estimator="score")
    assert result.gradient is not None
    draws, truth = result.gradient[0, :, 1, 0], true_gradient(-2.0, n)
    se = stats.sem(draws, axis=0)
    assert np.all(np.abs(draws.mean(axis=0) - truth) < 4 * se)
    assert np.all(se < 0.2 * np.abs(truth))


def test_smoothed_is_the_gradient_of_the_mean_smoothed_over_parameter_space() -> None:
    """With wide smoothing its bias is far outside its error, and it is the bias of the formula."""
    width, n = 0.6, 60
    kT = LogUniform(low=0.8 * KT, high=2.5 * KT)
    problem = load_problem(
        "ornstein-uhlenbeck",
        {"n_steps": n, "record_every": n},
        {"k": Normal(mean=-2.0, sd=1.0), "kT": kT},
        ["squared_position"],
    )
    result = engine.evaluate(
        problem,
        np.array([[-2.0, KT]]),
        np.arange(10_000),
        run_key=2,
        estimator="smoothed",
        smoothing=width,
    )
    assert result.gradient is not None
    draws = result.gradient[0, :, 1, 0]
    z, weight = np.polynomial.hermite_e.hermegauss(40)
    weight = np.outer(weight, weight) / weight.sum() ** 2
    # k is normal, without ends; ln kT is uniform, and moves between its own.
    low, high = np.log(kT.support)
    x = stats.norm.ppf((math.log(KT) - low) / (high - low))
    u = low + (high - low) * stats.norm.cdf(x + width * math.sqrt(2 * math.pi / 12) * z)
    s_kT = (weight * u[None, :] * z[None, :]).sum()
    f = second_moment(n, -2.0 + width * z[:, None], GAMMA, np.exp(u)[None, :], X0)
    truth = [(weight * f * z[:, None]).sum() / width, (weight * f * z[None, :]).sum() / (s_kT * KT)]
    se = stats.sem(draws, axis=0)
    assert np.all(np.abs(draws.mean(axis=0) - truth) < 4 * se)
    assert abs(draws[:, 0].mean() - true_gradient(-2.0, n)[0]) > 10 * se[0]


def test_smoothed_gradients_of_a_linear_function_have_the_variance_of_orthogonal_directions() -> None:
    problem = load_problem("linear", {}, {f"x{i}": "default" for i in range(1, 6)})
    seeds = np.arange(4000)
    result = engine.evaluate(problem, np.zeros((1, 5)), seeds, run_key=0, estimator="smoothed")
    assert result.gradient is not None
    draws, c = result.gradient[0, :, 0, 0], np.array([1, -2, 0.5, 3, -1.5])
    se = stats.sem(draws, axis=0)
    assert np.all(np.abs(draws.mean(axis=0) - c) < 4 * se)
    # E |estimate|^2 = E[r^4] |c|^2 / P^2 = (P + 2) / P |c|^2, r^2 being chi-squared with P degrees.
    squares = (draws**2).sum(axis=1) / np.sum(c**2)
    assert abs(squares.mean() - 7 / 5) < 4 * stats.sem(squares)


@pytest.mark.parametrize("name", ["linear", "ishigami"])
def test_noise_that_is_added_leaves_the_gradient_of_the_mean(name: str) -> None:
    quiet, noisy = (
        load_problem(name, {"noise": noise}, {"x1": "default", "x2": "default"}) for noise in (0, 0.5)
    )
    sample, seeds = np.array([[0.4, -1.1]]), np.arange(4000)
    truth = engine.evaluate(quiet, sample, seeds[:1], run_key=0)
    pathwise = engine.evaluate(noisy, sample, seeds[:2], run_key=0)
    result = engine.evaluate(noisy, sample, seeds, run_key=0, estimator="score")
    assert truth.gradient is not None and pathwise.gradient is not None and result.gradient is not None
    np.testing.assert_allclose(pathwise.gradient[:, :1], truth.gradient, rtol=1e-13)
    noise = (result.value - truth.value).ravel()
    assert stats.kstest(noise / 0.5, "norm").pvalue > 1e-3
    draws = result.gradient[0, :, 0, 0]
    se = stats.sem(draws, axis=0)
    assert np.all(np.abs(draws.mean(axis=0) - truth.gradient.ravel()) < 4 * se)
    assert np.all(se < 0.15 * np.abs(truth.gradient).max())


# --- one answer per (sample, seed) ---------------------------------------------------------------


@pytest.mark.parametrize("estimator", [pytest.param("smoothed", marks=pytest.mark.slow), "score"])
def test_an_estimate_does_not_depend_on_the_cut(estimator: Any) -> None:
    problem = trap("all", n_steps=20, record_every=10)
    u = np.random.default_rng(0).uniform(0.1, 0.9, (3, 4))
    samples = np.stack([d.ppf(x) for d, x in zip(problem.distributions, u.T, strict=True)], axis=1)
    seeds = np.array([0, 4, 5])
    whole = engine.evaluate(problem, samples, seeds, run_key=3, estimator=estimator)
    alone = engine.evaluate(problem, samples[[2]], seeds[[1]], run_key=3, estimator=estimator)
    plain = engine.evaluate(problem, samples, seeds, run_key=3, gradient="none")
    np.testing.assert_allclose(whole.value, plain.value, rtol=1e-12)
    assert whole.gradient is not None and alone.gradient is not None
    largest = np.abs(whole.gradient).max(axis=(2, 3), keepdims=True)
    assert np.all(np.abs(alone.gradient - whole.gradient[2:, 1:2]) <= 1e-12 * largest[2:, 1:2])
    assert np.all(np.ptp(whole.gradient[:, :, -1], axis=1).max(axis=(1, 2)) > 1e-3)  # seeds differ


# --- the log density of the draws ----------------------------------------------------------------


jitted = jax.jit(gaussian)


class Draws(jxm.Study):
    """Four Gaussian steps of standard deviation b from a, in several loops."""

    parameters = (
        jxm.Parameter("a", "1", "mean", 0.5, Uniform(low=0, high=1)),
        jxm.Parameter("b", "1", "standard deviation", 0.7, LogUniform(low=0.5, high=2)),
    )
    observables = (jxm.Observable("y", "1", "where it ends"),)
    how: str = "scan"

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        a, b = parameters["a"], parameters["b"]
        noise = jax.random.normal(key, (4,))

        def step(x: Array, *, key: PRNGKeyArray) -> Array:
            return gaussian(jax.random.normal(key, (), x.dtype), x, b)

        def body(x: Array, noise: Array) -> tuple[Array, None]:
            return gaussian(noise, x, b), None

        def recorded(a: Array) -> Array:
            return record(step, a, key, 4, every=2, measure=lambda x: x)

        if self.how == "record":
            return jxm.Recording(jnp.arange(3) * 1.0, {"y": recorded(a)})
        y = {
            "scan": lambda: scan(body, a, noise)[0],
            "simulate": lambda: simulate(step, a, key, 4),
            "checkpoint": lambda: simulate(step, a, key, 4, checkpoint=True),
            "at once": lambda: gaussian(noise, a, b).sum(),
            "some": lambda: gaussian(noise, a, b * jnp.array([1, 0, 1, 0])).sum(),
            "own scan": lambda: jax.lax.scan(body, a, noise)[0],
            "own jit": lambda: jitted(noise, a, b).sum(),
            "own jit of record": lambda: jax.jit(lambda a: recorded(a)[-1])(a),
            "own vmap": lambda: jax.vmap(lambda x: gaussian(x, a, b))(noise).sum(),
            "none": lambda: a + b * noise.sum(),
        }[self.how]()
        return jxm.Recording(jnp.zeros(1), {"y": y[None]})


def drawn(how: str) -> Problem:
    study = Draws(how=how)
    return Problem(study, study.parameters, tuple(p.distribution for p in study.parameters), {}, ("y",))


@pytest.mark.parametrize("how", ["scan", "simulate", "checkpoint", "at once", "some", "record"])
def test_log_density_of_the_draws(how: str, x64: None) -> None:
    study, key = Draws(how=how), jax.random.PRNGKey(3)
    parameters = {"a": jnp.asarray(0.5), "b": jnp.asarray(0.7)}
    steps = np.array([jax.random.normal(k) for k in jax.random.split(key, 4)])
    noise = steps if how in ("simulate", "checkpoint", "record") else jax.random.normal(key, (4,))
    terms = stats.norm.logpdf(0.7 * noise, scale=0.7) + math.log(2 * math.pi) / 2
    truth: Any = terms.sum()
    if how == "record":
        truth = [0, terms[:2].sum(), terms.sum()]
    if how == "some":
        truth = terms[[0, 2]].sum()
    recording, found, stretches = simulate_with_log_density(study, parameters, key)
    np.testing.assert_allclose(found, np.broadcast_to(truth, found.shape), rtol=1e-13)
    # Of each step of a loop, of what lies between records, of all that is drawn outside of loops.
    expected = {"at once": terms.sum(), "some": terms[[0, 2]].sum()}.get(how, terms)
    if how == "record":
        expected = [0, terms[:2].sum(), terms[2:].sum()]
    np.testing.assert_allclose(stretches, np.atleast_1d(expected), rtol=1e-13)
    plain = study.simulate(parameters, key)
    np.testing.assert_allclose(recording.observables["y"], plain.observables["y"], rtol=1e-14)


def test_a_draw_without_width_is_no_draw() -> None:
    problem = drawn("some")
    sample, seeds = np.array([[0.5, 0.7]]), np.arange(20_000)
    result = engine.evaluate(problem, sample, seeds, run_key=0, estimator="score")
    assert result.gradient is not None
    draws = result.gradient[0, :, 0, 0]
    # The mean is 4 a: two of the four through draws, two as they are.
    assert np.all(np.abs(draws.mean(axis=0) - [4, 0]) < 4 * stats.sem(draws, axis=0))


@pytest.mark.parametrize("kT", [0.7, 0.0])
def test_score_of_brownian_motion(kT: float, x64: None) -> None:
    """``d ln p / d kT`` = sum of (xi^2 - 1) / (2 kT) over what living cells do; finite at kT = 0."""
    key = jax.random.PRNGKey(5)
    state = jxm.BaseCellState(
        *jxm.space.free(),
        position=jnp.array([[0.0, 0.0], [0.8, 0.1], [0.3, 0.9]]),
        celltype=jnp.array([[1.0], [1.0], [0.0]]),
        radius=jnp.array([[0.4], [0.5], [0.0]]),
    )

    def moved(epsilon: Array, kT: Array) -> tuple[Array, Array]:
        motion = jxm.env.mechanics.BrownianMechanicalRelaxation(
            jxm.env.mechanics.MorsePotential(epsilon=epsilon), relaxation_steps=3, kT=kT
        )
        with using(instrument := LogDensity()):
            position = motion(state, key=key).position
            return position, instrument.at(1)

    (position, _), (drift, slope) = jax.jvp(lambda e: moved(e, jnp.asarray(kT)), (3.0,), (1.0,))
    assert np.isfinite(position).all() and np.isfinite(slope).all()
    if kT == 0:  # nothing is random: the positions are differentiated as they are
        assert slope.item() == 0 and np.abs(drift[:2]).max() > 1e-6
        return
    assert np.all(drift == 0) and slope.item() != 0
    carry, squares = key, []
    for _ in range(3):
        carry, draw = jax.random.split(carry)
        squares.append(jax.random.normal(draw, (3, 2))[:2] ** 2 - 1)
    _, (_, slope) = jax.jvp(lambda kT: moved(jnp.asarray(3.0), kT), (kT,), (1.0,))
    np.testing.assert_allclose(slope.item(), np.sum(squares) / (2 * kT), rtol=1e-12)


def test_estimators_that_a_study_or_a_mode_does_not_allow() -> None:
    problem = load_problem("ishigami", {}, {"x1": "default"})
    for check in (
        lambda: engine.check_estimator(problem, "score"),
        lambda: engine.evaluate(problem, np.zeros((1, 1)), np.arange(1), run_key=0, estimator="score"),
        lambda: engine.check_estimator(drawn("none"), "score"),
    ):
        with pytest.raises(JaxmorphError, match=r"draws nothing through .*use smoothed or path"):
            check()
    for how in ("own scan", "own jit", "own vmap", "own jit of record"):
        engine.trace(drawn(how))
        with pytest.raises(JaxmorphError, match=r"score: a random step is drawn inside a jax\.jit"):
            engine.check_estimator(drawn(how), "score")
    for estimator, mode in (("score", "reverse"), ("smoothed", "forward")):
        with pytest.raises(
            JaxmorphError, match=f"gradient = {mode}: with estimator = {estimator} use auto"
        ):
            engine.check_estimator(drawn("scan"), estimator, mode)  # type: ignore[arg-type]
    with pytest.raises(JaxmorphError, match=r"smoothing = -1: must be more than 0"):
        engine.evaluate(
            problem, np.zeros((1, 1)), np.arange(1), run_key=0, estimator="smoothed", smoothing=-1
        )


# --- checks --------------------------------------------------------------------------------------


def test_a_wrong_adjoint_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    @jax.custom_vjp
    def wrong(x: Array) -> Array:
        return x

    wrong.defvjp(lambda x: (x, None), lambda _, cotangent: (1.001 * cotangent,))
    problem, sample = trap("all", n_steps=4, record_every=2), np.array([[K, GAMMA, KT, X0]])
    found = engine.both_modes(problem, sample, np.arange(2), run_key=0).difference
    assert found.shape == (1, 2) and np.all(found < 1e-12)
    skewed = SimpleNamespace(
        dtype=program.dtype,
        values=lambda problem, theta, key: wrong(program.values(problem, theta, key)),
    )
    monkeypatch.setattr(modes, "program", skewed)
    found = engine.both_modes(problem, sample, np.arange(2), run_key=0).difference
    np.testing.assert_allclose(found, 1e-3, rtol=1e-8)


@pytest.mark.parametrize(("n_dim", "n_steps"), [(1, 200), (2, 20_000)])
def test_lyapunov_exponent_of_the_trap(n_dim: int, n_steps: int) -> None:
    problem = trap("all", n_dim=n_dim, n_steps=n_steps, record_every=n_steps // 4)
    k = np.array([2.0, 0.0, -2.0, -8.0])  # -8: a perturbation grows by exp(1906) in 20,000 steps
    samples = np.stack([[x, GAMMA, KT, X0] for x in k])
    exponent = engine.lyapunov_exponent(problem, samples, np.arange(3), run_key=0)
    assert exponent is not None and exponent.shape == (4, 3, 5)
    assert np.isnan(exponent[:, :, 0]).all()
    truth = np.log(np.abs(1 - k * DT / GAMMA)) / DT
    truth = np.broadcast_to(truth[:, None, None], (4, 3, 4))
    np.testing.assert_allclose(exponent[:, :, 1:], truth, rtol=1e-9, atol=1e-11)


class Discounted(jxm.Study):
    """Two coordinates of which one is kept: x <- (discount) (1.5 x, y)."""

    parameters = Draws.parameters
    observables = Draws.observables
    discount: float = 1.0

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        def step(state: dict[str, Array], *, key: PRNGKeyArray) -> dict[str, Array]:
            moved = jxm.discount_gradient(1.5 * state["x"], self.discount)
            return {"x": moved, "kept": state["kept"], "count": state["count"] + 1}

        start = {"x": parameters["a"], "kept": parameters["b"], "count": jnp.array(0)}
        y = record(step, start, key, 6, every=2, measure=lambda state: state["x"])
        return jxm.Recording(0.5 * jnp.arange(4), {"y": y})


def test_lyapunov_exponent_with_a_discount_and_a_leaf_that_stays() -> None:
    """(1 / t) ln sqrt(u^2 (1.5 discount)^(2 n) + 1 - u^2), for the share u of x in the direction."""
    exponent = {}
    for discount in (1.0, 0.2):
        study = Discounted(discount=discount)
        spread = tuple(p.distribution for p in study.parameters)
        problem = Problem(study, study.parameters, spread, {}, ("y",))
        found = engine.lyapunov_exponent(problem, np.array([[0.5, 0.7]]), np.arange(4), run_key=0)
        assert found is not None
        exponent[discount] = found[0, :, 1:]
    n, time = np.array([2, 4, 6]), np.array([0.5, 1.0, 1.5])
    growth = np.exp(2 * exponent[1.0] * time)
    share = (growth - 1) / (1.5 ** (2 * n) - 1)  # u^2
    np.testing.assert_allclose(share, share[:, :1].repeat(3, axis=1), rtol=1e-11)
    assert np.all((share > 0) & (share < 1)) and np.ptp(share[:, 0]) > 0.05
    truth = np.log(share[:, :1] * 0.3 ** (2 * n) + 1 - share[:, :1]) / (2 * time)
    np.testing.assert_allclose(exponent[0.2], truth, rtol=1e-10)


def test_a_study_that_steps_no_states_has_no_lyapunov_exponent() -> None:
    problem = load_problem("ishigami", {}, {"x1": "default"})
    assert engine.lyapunov_exponent(problem, np.array([[0.3]]), np.arange(1), run_key=0) is None
    problem, sample = drawn("own jit of record"), np.array([[0.5, 0.7]])
    assert engine.lyapunov_exponent(problem, sample, np.arange(1), run_key=0) is None


def test_smoothing_stays_within_the_range_of_a_distribution() -> None:
    """A study that is not defined outside (0, 1), near both ends: gradients are finite, and right."""

    class Root(jxm.Study):
        """A square root of x (1 - x)."""

        parameters = (jxm.Parameter("x", "1", "x", 0.5, Uniform(low=0, high=1)),)
        observables = (jxm.Observable("f", "1", "f"),)

        def simulate(self, parameters: Mapping[str, Array], key: Array) -> jxm.Recording:
            x = parameters["x"]
            return jxm.Recording(jnp.zeros(1), {"f": jnp.sqrt(x * (1 - x))[None]})

    x = np.array([1e-3, 0.01, 0.5, 0.99])
    problem = Problem(Root(), Root.parameters, (Uniform(low=0, high=1),), {}, ("f",))
    found = engine.evaluate(
        problem, x[:, None], np.arange(400), run_key=0, estimator="smoothed", smoothing=0.1
    )
    assert found.gradient is not None and np.isfinite(found.gradient).all()
    exact = (1 - 2 * x) / (2 * np.sqrt(x * (1 - x)))
    mean = found.gradient.mean(axis=1).squeeze()
    error = found.gradient.std(axis=1).squeeze() / 20
    assert (np.abs(mean - exact) < 4 * error + 0.08 * np.abs(exact)).all()


@pytest.mark.parametrize("far", [np.inf, 1e4, 40.0], ids=str)
def test_smoothing_far_from_the_ends_of_a_distribution_does_not_know_them(far: float) -> None:
    """f = x^2 around 3: the smoothed gradient is 6; in the third case the ends are 37 shifts away."""

    class Square(jxm.Study):
        """The square of a parameter."""

        parameters = (jxm.Parameter("x", "1", "x", 3.0, Normal(mean=3, sd=2)),)
        observables = (jxm.Observable("f", "1", "f"),)

        def simulate(self, parameters: Mapping[str, Array], key: Array) -> jxm.Recording:
            return jxm.Recording(jnp.zeros(1), {"f": parameters["x"][None] ** 2})

    chosen = Normal(mean=3, sd=2) if np.isinf(far) else TruncatedNormal(mean=3, sd=2, low=-34, high=far)
    problem = Problem(Square(), Square.parameters, (chosen,), {}, ("f",))
    found = engine.evaluate(
        problem, np.array([[3.0]]), np.arange(20_000), run_key=0, estimator="smoothed", smoothing=0.5
    )
    assert found.gradient is not None
    draws = found.gradient.ravel()
    assert abs(draws.mean() - 6) < 4 * stats.sem(draws)
    # 6 z^2 has the standard deviation 6 sqrt(2).
    assert draws.std() == pytest.approx(6 * math.sqrt(2), rel=0.05)


@pytest.mark.parametrize("distribution", [Uniform(low=2, high=6), LogUniform(low=0.1, high=10)])
def test_smoothing_near_an_end_is_exact_for_what_is_linear_and_not_too_narrow(
    distribution: Uniform | LogUniform,
) -> None:
    """By wide shifts at 2 and 50 % of the range of the natural scale; each point has its own noise."""

    class Line(jxm.Study):
        """The parameter on its natural scale, with much noise that has nothing to do with it."""

        parameters = (jxm.Parameter("x", "1", "x", 2.0, distribution),)
        observables = (jxm.Observable("f", "1", "f"),)

        def simulate(self, parameters: Mapping[str, Array], key: Array) -> jxm.Recording:
            x = parameters["x"]
            x = jnp.log(x) if isinstance(distribution, LogUniform) else x
            rough = jax.random.normal(jax.random.fold_in(key, (1e6 * x).astype(int)))
            return jxm.Recording(jnp.zeros(1), {"f": (3 * x + rough)[None]})

    problem = Problem(Line(), Line.parameters, (distribution,), {}, ("f",))
    points = distribution.ppf(np.array([[0.02], [0.5]]))
    found = engine.evaluate(
        problem, points, np.arange(4000), run_key=0, estimator="smoothed", smoothing=0.5
    )
    assert found.gradient is not None
    draws = found.gradient[..., 0, 0, 0] * (points if isinstance(distribution, LogUniform) else 1)
    error = draws.std(axis=1) / np.sqrt(4000)
    assert (np.abs(draws.mean(axis=1) - 3) < 4 * error).all()
    # A quarter of the distance, as shifts that rarely cross the end would be, is 29 times narrower.
    assert error[0] < 8 * error[1]
