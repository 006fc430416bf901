"""A simulation has one answer, by itself and in any batch; or it is said, with the remedy."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import Array, PRNGKeyArray

import jaxmorph as jxm
from jaxmorph import engine, store
from jaxmorph.configuration import BUILT_IN_STUDIES, Run
from jaxmorph.configuration.specify import Specifications
from jaxmorph.distributions import Uniform
from jaxmorph.engine import OneAnswer, program
from jaxmorph.engine.moved_constants import with_moved_constants
from jaxmorph.engine.one_answer import distance
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs.simulate import check_gradients
from jaxmorph.jobs.study import describe_study
from jaxmorph.report import one_answer
from jaxmorph.store.one_answer import ONE_ANSWER
from jaxmorph.studies import Problem, load_problem, load_study

SEEDS = np.arange(2)


def vary(name: str, low: float, high: float) -> jxm.Parameter:
    return jxm.Parameter(name, "1", name, (low + high) / 2, Uniform(low=low, high=high))


def once(**observables: Array) -> jxm.Recording:
    return jxm.Recording(jnp.zeros(1), {name: x[None] for name, x in observables.items()})


class Overlap(jxm.Study):
    """Overlap of five cells; ``by_index`` is a mask of a cell and itself that rounding leaves alone."""

    parameters = (vary("size", 0.3, 1.0), vary("k", 0.3, 1.0))
    observables = (
        jxm.Observable("overlap", "1", "overlap"),
        jxm.Observable("spread", "1", "spread"),
    )
    by_index: bool = False

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        x = jax.random.normal(key, (5, 2), parameters["k"].dtype) * parameters["size"]
        r2 = ((x[:, None] - x[None]) ** 2).sum(-1)
        other = ~jnp.eye(5, dtype=bool) if self.by_index else r2 > 0
        r = jnp.sqrt(jnp.where(other, r2, 1.0))
        overlap = jnp.where(other & (r < 1), parameters["k"] * (1 - r) ** 2, 0.0).sum()
        return once(overlap=overlap, spread=(x**2).sum())


class Logistic(jxm.Study):
    """x <- r x (1 - x), many times; a constant beside it is not of its chaos."""

    parameters = (vary("r", 3.985, 3.995), vary("gain", 0.5, 1.5))
    observables = (jxm.Observable("x", "1", "x"), jxm.Observable("gained", "1", "gain squared"))
    n_steps: int = 200

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        x0 = jax.random.uniform(key, (), parameters["r"].dtype, 0.2, 0.8)

        def step(x: Array, _: None) -> tuple[Array, Array]:
            x = parameters["r"] * x * (1 - x)
            return x, x

        _, x = jax.lax.scan(step, x0, None, self.n_steps)
        gained = jnp.full(self.n_steps, parameters["gain"] ** 2)
        return jxm.Recording(1.0 + jnp.arange(self.n_steps), {"x": x, "gained": gained})


class OfConstants(jxm.Study):
    """The same chaos of constants alone, which a parameter scales."""

    parameters = (vary("gain", 0.5, 1.5),)
    observables = (jxm.Observable("x", "1", "x"),)
    r: float = 3.99

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        gain = parameters["gain"]
        x0 = jax.random.uniform(key, (), gain.dtype, 0.2, 0.8)
        # A fused program has one rounding less in the difference of two products.
        x, _ = jax.lax.scan(lambda x, _: (self.r * x - self.r * x * x, None), x0, None, 200)
        return once(x=gain * x)


class Smooth(jxm.Study):
    """Two smooth observables."""

    parameters = (vary("a", 1.0, 2.0), vary("b", 1.0, 2.0))
    observables = (jxm.Observable("right", "1", "right"), jxm.Observable("wrong", "1", "wrong"))

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        a, b = parameters["a"], parameters["b"]
        return once(right=a * b + jax.random.normal(key, (), a.dtype), wrong=jnp.sin(a) * b)


def problem_of(study: jxm.Study, *varied: str, **fixed: float) -> Problem:
    names = varied or tuple(p.name for p in study.parameters)
    declared = {p.name: p for p in study.parameters}
    return Problem(
        study,
        tuple(declared[name] for name in names),
        tuple(declared[name].distribution for name in names),
        {name: p.default for name, p in declared.items() if name not in names} | fixed,
        tuple(o.name for o in study.observables),
    )


def asked(problem: Problem, n_samples: int = 4) -> OneAnswer:
    places = np.linspace(0.23, 0.83, n_samples)
    samples = np.array([d.ppf(places) for d in problem.distributions]).T
    modes = engine.both_modes(problem, samples, SEEDS, run_key=1)
    return engine.one_answer(problem, samples, SEEDS, run_key=1, modes=modes)


def test_a_mask_that_rounding_decides_is_seen(optimised: None) -> None:
    """In a batch each cell counts itself: x y - z z, contracted to one multiply-add, is not 0."""
    found = asked(problem_of(Overlap()))
    assert found.n_pairs == 4
    np.testing.assert_array_equal(found.differs, [True, False])
    assert not found.chaotic.any()
    assert found.value.difference[0] > 0.1 and found.value.last_digit[0] < 1e-14


def test_a_mask_by_index_has_one_answer(optimised: None) -> None:
    found = asked(problem_of(Overlap(by_index=True)))
    assert not found.differs.any() and not found.chaotic.any()
    assert found.value.difference.max() < 1e-14


@pytest.mark.parametrize("varied", [("gain",), pytest.param(("r", "gain"), marks=pytest.mark.slow)])
def test_chaos_is_called_so_also_where_its_parameter_is_fixed(
    varied: tuple[str, ...], optimised: None
) -> None:
    problem = problem_of(Logistic(), *varied)
    found = asked(problem)
    assert not found.differs.any()
    np.testing.assert_array_equal(found.chaotic, [True, False])
    assert found.value.last_digit[0] > 0.01


def test_chaos_of_constants_alone_is_called_so(optimised: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No parameter is in it: their last digits change nothing, and a batch everything."""
    problem = problem_of(OfConstants())
    found = asked(problem)
    assert not found.differs.any()
    assert found.chaotic.all()
    assert found.value.last_digit[0] > 0.01
    monkeypatch.setattr(sys.modules["jaxmorph.engine.alone"], "with_moved_constants", lambda f: f)
    assert asked(problem).differs.all(), "without the constants it would be an accusation"


def test_constants_that_are_meant_as_they_stand_are_not_moved() -> None:
    def function(x: Array) -> Array:
        y, _ = jax.lax.scan(lambda y, _: (0.1 * y, None), x, None, 2)
        return jnp.stack([y, 0.5 * x, jnp.where(x == 1.0, 2.0, x), 0 * x])

    with jax.enable_x64(True):
        x = jnp.asarray(1.0)
        off = (with_moved_constants(function)(x) - function(x)) / jnp.finfo(x.dtype).eps
        assert -0.1 < off[0] < 0
        np.testing.assert_array_equal(off[1:], 0)


@pytest.mark.slow
def test_fewer_steps_are_no_chaos(optimised: None) -> None:
    found = asked(problem_of(Logistic(n_steps=5)))
    assert not found.differs.any() and not found.chaotic.any()


def test_what_differs_in_reverse_alone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The adjoint of one observable is wrong in batches."""

    @jax.custom_vjp
    def wrong(x: Array) -> Array:
        return x

    wrong.defvjp(lambda x: (x, None), lambda _, cotangent: (1.001 * cotangent,))

    def values(problem: Problem, theta: Array, key: PRNGKeyArray) -> Array:
        value = program.values(problem, theta, key)
        return value.at[:, 1].set(wrong(value[:, 1]))

    skewed = SimpleNamespace(values=values, dtype=program.dtype)
    monkeypatch.setattr(sys.modules["jaxmorph.engine.modes"], "program", skewed)
    found = asked(problem_of(Smooth()), n_samples=2)
    np.testing.assert_array_equal(found.differs, [False, True])
    np.testing.assert_array_equal(found.reverse, [False, True])


def test_a_number_that_is_none_in_one_of_them_is_apart() -> None:
    one = np.array([[[1.0, np.nan, np.nan, np.inf, np.inf]]])
    other = np.array([[[2.0, np.nan, 1.0, np.inf, 1.0]]])
    np.testing.assert_array_equal(distance(one, other), [[[1.0, 0.0, np.inf, 0.0, np.inf]]])


QUICK = ("ishigami",)


@pytest.mark.parametrize("name", QUICK)
def test_small_studies_that_ship_have_one_answer(name: str, optimised: None) -> None:
    assert_one_answer(name)


@pytest.mark.slow
def test_the_reference_study_has_one_answer() -> None:
    assert_one_answer("reference")


@pytest.mark.verify
@pytest.mark.parametrize("name", sorted({*BUILT_IN_STUDIES} - {*QUICK}))
def test_all_studies_that_ship_have_one_answer(name: str) -> None:
    assert_one_answer(name)


def assert_one_answer(name: str) -> None:
    varied: Mapping[str, Any] = {
        p.name: "default" for p in load_study(name).parameters if p.distribution
    }
    found = asked(load_problem(name, {}, varied))
    assert not found.differs.any() and not found.chaotic.any()
    assert found.gradient is not None
    assert max(found.value.difference.max(), found.gradient.difference.max()) < 1e-8


# --- what is said --------------------------------------------------------------------------------


def checks(**flags: list[float]) -> xr.Dataset:
    """A file of checks of two observables, all of them rounding but for ``flags``."""
    numbers = {q.name: [0.0, 0.0] for q in ONE_ANSWER} | flags
    names = xr.Dataset(coords={"observable": ["overlap", "spread"]})
    return store.with_one_answer(names, {k: np.array(v) for k, v in numbers.items()}, 4)


def test_the_report_names_the_observable_by_how_much_and_the_remedy() -> None:
    found = checks(alone_value_differs=[1, 0], alone_value_difference=[0.42, 1e-16])
    said = one_answer.differs(found)
    assert said.startswith("Not one answer: ") and "gives another overlap (values by 42 % of the" in said
    assert "mask by index (~jnp.eye(n, dtype=bool))" in said and "spread" not in said
    assert not one_answer.chaos(found) and not one_answer.agrees(found)
    reverse = one_answer.differs(checks(alone_reverse_differs=[0, 1]))
    assert "another spread (gradients in reverse mode)" in reverse


def test_the_report_calls_chaos_by_its_name() -> None:
    found = checks(chaotic=[0, 1], alone_value_difference=[0, 0.3], alone_value_last_digit=[0, 0.5])
    assert "changes spread by 50 % of the largest" in one_answer.chaos(found)
    assert "(evaluated in a batch: by 30 % of the largest)" in one_answer.chaos(found)
    assert not one_answer.differs(found) and not one_answer.agrees(found)


def test_the_report_says_what_was_tried() -> None:
    assert one_answer.agrees(checks()).startswith("4 simulations that were tried have the same values")
    for nothing in (None, checks()[["chaotic"]]):
        assert not one_answer.differs(nothing) and not one_answer.agrees(nothing)


@pytest.mark.slow
def test_the_job_of_the_checks_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimised: None
) -> None:
    """From a configuration to checks.nc."""
    run = Run.model_validate(
        {
            "study": f"{__file__}:Overlap",
            "parameters": {"size": "default", "k": "default"},
            "design": {"method": "sobol", "samples": 16},
            "seeds": 8,
        }
    )
    monkeypatch.chdir(tmp_path)
    made = Specifications(run)
    describe_study("overlap", made.study, run.animation, run.seeds, "study.json", "cost.json")
    check_gradients("overlap", made.checks, "checks.nc")
    found = store.read_dataset("checks.nc", "checks")
    assert "another overlap (values by" in one_answer.differs(found)
    assert found["alone_value_differs"].values.tolist() == [1, 0]
    assert found["mode_difference"].max() < 1e-12, "both modes are equally wrong"


# --- numbers that no seed decides ----------------------------------------------------------------


class Impure(jxm.Study):
    """Draws by NumPy, or reads a clock: all simulations of a batch would have one number."""

    parameters = (vary("a", 1.0, 2.0),)
    observables = (jxm.Observable("x", "1", "x"),)
    draw: str = "numpy"

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        draws: dict[str, Callable[[], Any]] = {
            "numpy": np.random.normal,
            "clock": time.time,
            "key": lambda: jax.random.normal(key),
        }
        return once(x=parameters["a"] + draws[self.draw]())


def test_what_numpy_or_a_clock_gives_is_one_number_in_a_batch_and_refused() -> None:
    drawn = {draw: problem_of(Impure(draw=draw)) for draw in ("numpy", "clock", "key")}
    value = engine.evaluate(drawn["numpy"], np.ones((1, 1)), np.arange(3), run_key=0).value
    assert np.ptp(value) == 0
    for draw in ("numpy", "clock"):
        with pytest.raises(JaxmorphError, match=r"differs whenever JAX traces it, at test_one_answer"):
            engine.check_pure(drawn[draw])
    engine.check_pure(drawn["key"])
