"""Studies that JAX differentiates one way only, or not at all: what works is found, used and named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, PRNGKeyArray
from support.differentiable import FUNCTIONS, Function, problem_of

import jaxmorph as jxm
from jaxmorph import engine, store
from jaxmorph.configuration import BUILT_IN_STUDIES, Run
from jaxmorph.configuration.specify import Specifications
from jaxmorph.distributions import Uniform
from jaxmorph.engine import GradientMode, program
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import draw
from jaxmorph.jobs.simulate import check_gradients
from jaxmorph.jobs.study import describe_study
from jaxmorph.quantities import absent
from jaxmorph.report import checked, one_answer
from jaxmorph.simulation import record
from jaxmorph.studies import Problem, load_problem, load_study

ONE, SEEDS = np.arange(1), np.arange(2)
SAMPLES = np.array([[0.7, 1.1], [1.2, 2.0], [2.3, 0.6]])


def modes_of(problem: Problem) -> engine.Modes:
    return engine.modes_of(engine.trace(problem))


def plain_modes(problem: Problem) -> tuple[str, ...]:
    """The modes in which JAX lowers the derivatives of a batch, asked without our engine."""

    def values(theta: Array, key: Array) -> Array:
        return program.values(problem, theta, key)

    theta, key = program.arguments(problem)
    batch = jax.ShapeDtypeStruct((3, *theta.shape), theta.dtype)
    found = []
    with program.precision(problem):
        for mode, jacobian in (("forward", jax.jacfwd), ("reverse", jax.jacrev)):
            try:
                jax.jit(jax.vmap(jacobian(values), (0, None))).lower(batch, key)
            except Exception:
                continue
            found.append(mode)
    return tuple(found)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_modes_that_work_are_those_of_plain_jax(name: str) -> None:
    problem = problem_of(Function(function=name))
    found = modes_of(problem)
    known = FUNCTIONS[name]
    assert found.work == plain_modes(problem) == known.modes
    assert f"({known.what} at differentiable.py:" in found.why_not if known.what else not found.why_not


def test_what_no_parameter_reaches_or_no_one_asks_for_counts_for_nothing() -> None:
    assert not modes_of(problem_of(Function(function="unrolled"))).in_doubt
    only_z = modes_of(problem_of(Function(function="root"), "z"))
    assert only_z.in_doubt and only_z.work == ("forward", "reverse")


@pytest.mark.parametrize("name", ["root", "backwards", "forwards"])
def test_auto_takes_the_mode_that_works_and_says_why(name: str) -> None:
    problem = problem_of(Function(function=name))
    known = FUNCTIONS[name]
    (mode,) = known.modes
    batch = engine.evaluate(problem, SAMPLES, SEEDS, run_key=1)
    assert batch.mode == mode and batch.gradient is not None
    assert batch.reason.startswith("auto: the only mode that JAX has for this study: no ")
    assert known.what in batch.reason
    a, b = SAMPLES.T
    np.testing.assert_allclose(batch.value[:, 0, 0, 0], b * known.value(a), rtol=1e-11)
    expected = np.stack([b * known.slope(a), known.value(a)], axis=-1)
    np.testing.assert_allclose(batch.gradient[:, 1, 0, 0], expected, rtol=1e-11)
    np.testing.assert_allclose(batch.gradient[..., 1, :], np.broadcast_to([1, 0], (3, 2, 1, 2)))
    other: GradientMode = "reverse" if mode == "forward" else "forward"
    with pytest.raises(JaxmorphError, match=f"gradient = {other}: study Function has no {other} mode"):
        engine.check_estimator(problem, "pathwise", other)


def test_the_line_is_that_of_what_cannot_be_differentiated() -> None:
    """Of two loops the second: the first carries nothing of a parameter but how often it turns."""

    class Two(Function):
        def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
            turns = jax.lax.while_loop(
                lambda x: x < parameters["a"], lambda x: x + 0.5, jnp.zeros_like(parameters["b"])
            )
            y = jax.lax.while_loop(lambda y: y < 9, lambda y: 2 * y, parameters["a"])  # here
            return jxm.Recording(jnp.zeros(1), {"y": y[None], "z": turns[None]})

    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    here = next(i for i, line in enumerate(lines, 1) if line.endswith("# here"))
    assert f"jax.lax.while_loop at {Path(__file__).name}:{here})" in modes_of(problem_of(Two())).why_not


@pytest.mark.parametrize("estimator", ["pathwise", "straight-through", "score"])
def test_without_derivatives_an_estimator_that_needs_them_is_refused(estimator: Any) -> None:
    problem = problem_of(Drawn(explicit=True))
    with pytest.raises(JaxmorphError) as raised:
        engine.check_estimator(problem, estimator)
    message = str(raised.value)
    assert "\n" not in message and message.startswith(f"estimator = {estimator}: study Drawn has no ")
    for part in (
        "no forward mode (jax.pure_callback at ",
        "and no reverse mode (",
        "use estimator: smoothed",
    ):
        assert part in message


class Drawn(jxm.Study):
    """What SciPy makes of a choice, and of its probability."""

    parameters = (jxm.Parameter("p", "1", "p", 0.5, Uniform(low=0.2, high=0.8)),)
    observables = (jxm.Observable("y", "1", "y"),)
    explicit: bool = False

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        p = parameters["p"]
        chosen = jxm.bernoulli(key, p, indicator=True)
        y = jax.pure_callback(
            lambda c, p: np.cos(c) * p, p, chosen, p if self.explicit else 1.0, vmap_method="expand_dims"
        )
        return jxm.Recording(jnp.zeros(1), {"y": y[None]})


def test_score_needs_no_derivative_of_what_is_made_of_choices() -> None:
    """d E[cos(c)] / dp = cos(1) - cos(0)."""
    problem = problem_of(Drawn())
    found = engine.evaluate(problem, np.full((1, 1), 0.5), np.arange(2000), run_key=1, estimator="score")
    assert found.gradient is not None
    mean, error = found.gradient.mean(), found.gradient.std() / np.sqrt(2000)
    assert abs(mean - np.cos(1) + 1) < 4 * error < 0.1


def test_smoothed_needs_no_derivative() -> None:
    """Of b erf(a): linear enough on the scale of the smoothing that its mean is the derivative."""
    problem = problem_of(Function(function="outside"), "y")
    found = engine.evaluate(
        problem, SAMPLES, np.arange(400), run_key=1, estimator="smoothed", smoothing=0.02
    )
    assert found.mode is None and found.gradient is not None
    known = FUNCTIONS["outside"]
    a, b = SAMPLES.T
    np.testing.assert_allclose(found.value[:, 3, 0, 0], b * known.value(a), rtol=1e-14)
    mean = found.gradient.mean(axis=1)[:, 0, 0]
    error = found.gradient.std(axis=1)[:, 0, 0] / 20
    expected = np.stack([b * known.slope(a), known.value(a)], axis=-1)
    assert np.all(np.abs(mean - expected) < 4 * error + 2e-3)


class Stepped(Function):
    """Each step takes one of the functions of the state."""

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        def step(x: Array, *, key: PRNGKeyArray) -> Array:
            return 0.5 * FUNCTIONS[self.function].function(x) + parameters["a"]

        y = record(step, parameters["b"], key, 4, every=2, measure=lambda x: x)
        return jxm.Recording(jnp.arange(3.0), {"y": y, "z": y})


def test_the_lyapunov_exponent_needs_forward_mode_of_the_steps() -> None:
    exponent = engine.lyapunov_exponent(
        problem_of(Stepped(function="unrolled")), SAMPLES[:1], ONE, run_key=0
    )
    assert exponent is not None and np.isfinite(exponent[..., 1:]).all()
    for name in ("backwards", "outside"):
        with pytest.raises(engine.NotDifferentiable, match=r"no tangent through the steps \(jax\."):
            engine.lyapunov_exponent(problem_of(Stepped(function=name)), SAMPLES[:1], ONE, run_key=0)
    no_steps = problem_of(Function(function="backwards"))
    assert engine.lyapunov_exponent(no_steps, SAMPLES[:1], ONE, run_key=0) is None


# --- the job of the checks -----------------------------------------------------------------------


def checks_of(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Any:
    """From a configuration to checks.nc."""
    run = Run.model_validate(
        {
            "study": f"{Path(__file__).parent / 'support' / 'differentiable.py'}:Function",
            "settings": {"function": name},
            "parameters": {"a": "default", "b": "default"},
            "design": {"method": "sobol", "samples": 8},
            "seeds": 2,
            **more,
        }
    )
    monkeypatch.chdir(folder)
    made = Specifications(run)
    describe_study("one", made.study, run.animation, run.seeds, "study.json", "cost.json")
    check_gradients("one", made.checks, "checks.nc")
    return store.read_dataset("checks.nc", "checks")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["root", "backwards"])
def test_what_cannot_be_compared_is_left_out_and_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = checks_of(name, tmp_path, monkeypatch)
    known = FUNCTIONS[name]
    assert (found.attrs["gradient_mode"],) == known.modes and found["relative_difference"].max() < 1e-6
    assert not {"mode_difference", "alone_reverse_differs"} & set(found)
    assert list(absent(found)) == ["mode_difference"]
    assert not found["alone_gradient_differs"].any() and found["alone_gradient_difference"].max() < 1e-12
    assert not found["line_incomplete"].any()
    said = checked.not_compared(found)
    assert (
        said.startswith("Forward and reverse mode were not compared: JAX has no ") and known.what in said
    )
    assert "24 could be compared with finite differences" in str(checked.worst_difference(found))
    assert "the same values and gradients" in one_answer.agrees(found)
    figure, _ = draw("numerical_checks", checks=found)
    assert any("not compared: JAX has no" in text.get_text() for text in figure.axes[1].texts)


@pytest.mark.slow
def test_a_study_without_derivatives_keeps_what_is_left_of_the_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = checks_of("outside", tmp_path, monkeypatch, estimator="smoothed")
    assert set(absent(found)) == {"finite_difference", "relative_difference", "mode_difference"}
    assert "gradient" not in found and found.attrs["gradient_mode"] == "none"
    assert not found["alone_value_differs"].any() and "alone_gradient_differs" not in found
    assert not found["line_incomplete"].any() and found["line_gradient"].notnull().all()
    said = str(checked.worst_difference(found))
    assert said.startswith("Gradients were not compared with finite differences, nor in two modes: JAX")
    assert "no forward mode (jax.pure_callback at differentiable.py:" in said
    assert not checked.not_compared(found)
    assert "the same values alone" in one_answer.agrees(found)
    _, table = draw("numerical_checks", checks=found)
    assert table["nothing_drawn"][0].startswith("JAX has no forward mode (jax.pure_callback")


# --- Diffrax as its documentation writes it ------------------------------------------------------

ADJOINTS: dict[str, tuple[dict[str, Any], tuple[GradientMode, ...]]] = {
    "default": ({}, ("reverse",)),
    "ForwardMode": ({"adjoint": diffrax.ForwardMode()}, ("forward",)),
    "DirectAdjoint": ({"adjoint": diffrax.DirectAdjoint()}, ("forward", "reverse")),
    "BacksolveAdjoint": ({"adjoint": diffrax.BacksolveAdjoint()}, ("reverse",)),
    "without a bound of the steps": ({"max_steps": None}, ()),
}


class Decay(jxm.Study):
    """dy/dt = -k y from y0."""

    parameters = tuple(
        jxm.Parameter(name, "1", name, 1.5, Uniform(low=0.5, high=2.5)) for name in ("k", "y0")
    )
    observables = (jxm.Observable("y", "1", "y"),)
    stochastic = False
    adjoint: str = "default"

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        times = jnp.linspace(0.0, 2.0, 4)
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, k: -k * y),
            diffrax.Tsit5(),
            t0=0.0,
            t1=2.0,
            dt0=0.1,
            y0=parameters["y0"],
            args=parameters["k"],
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-10),
            **ADJOINTS[self.adjoint][0],
        )
        return jxm.Recording(times, {"y": solution.ys})


@pytest.mark.parametrize(
    "adjoint",
    [
        pytest.param(x, marks=pytest.mark.verify if x == "BacksolveAdjoint" else pytest.mark.slow)
        for x in ADJOINTS
    ],
)
def test_every_adjoint_of_diffrax_in_the_modes_that_it_has(adjoint: str) -> None:
    """Alone and in a batch, the derivatives of y0 exp(-k t)."""
    problem = problem_of(Decay(adjoint=adjoint))
    work = ADJOINTS[adjoint][1]
    assert modes_of(problem).work == plain_modes(problem) == work
    k, y0 = SAMPLES.T[..., None]
    t = np.linspace(0, 2, 4)
    decayed = y0 * np.exp(-k * t)
    expected = np.stack([-t * decayed, np.exp(-k * t)], axis=-1)
    for mode in work:
        found = engine.evaluate(problem, SAMPLES, ONE, run_key=0, gradient=mode)
        alone = engine.evaluate(problem, SAMPLES[:1], ONE, run_key=0, gradient=mode)
        for one in (found, alone):
            n = len(one.value)
            assert one.gradient is not None and one.mode == mode
            np.testing.assert_allclose(one.value[:, 0, :, 0], decayed[:n], rtol=1e-6)
            np.testing.assert_allclose(one.gradient[:, 0, :, 0], expected[:n], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(alone.value[0], found.value[0], rtol=1e-12)
        assert alone.gradient is not None and found.gradient is not None
        np.testing.assert_allclose(alone.gradient[0], found.gradient[0], rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_the_closed_form_alone_and_in_a_batch(name: str) -> None:
    problem = problem_of(Function(function=name), "y")
    known = FUNCTIONS[name]
    a, b = SAMPLES.T
    for mode in known.modes:
        found = engine.evaluate(problem, SAMPLES, SEEDS, run_key=0, gradient=mode)
        alone = engine.evaluate(problem, SAMPLES[:1], ONE, run_key=0, gradient=mode)
        assert found.gradient is not None and alone.gradient is not None
        np.testing.assert_allclose(found.gradient[:, 1, 0, 0, 0], b * known.slope(a), rtol=1e-11)
        np.testing.assert_allclose(alone.gradient[0, 0], found.gradient[0, 0], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN_STUDIES)
def test_of_what_ships_no_derivative_is_traced_but_of_the_epidemic(name: str) -> None:
    varied: dict[str, Any] = {p.name: "default" for p in load_study(name).parameters}
    found = modes_of(load_problem(name, {}, varied, "all", {}))
    if name == "epidemic":
        assert found.work == ("forward",) and "jax.lax.while_loop at epidemic.py:" in found.why_not
    else:
        assert found.work == ("forward", "reverse") and not found.in_doubt
