"""Lines through the centre: what gradients do not explain is halved, and only a jump is left."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import Array
from support import synthetic
from support.problems import problem_of

from jaxmorph import engine, store
from jaxmorph.configuration import sections
from jaxmorph.designs import GridDesign
from jaxmorph.distributions import LogUniform, Normal, Uniform
from jaxmorph.engine import averaged_lines, lines
from jaxmorph.engine.explained import HALVINGS, MATERIAL, Line
from jaxmorph.report import checked, incomplete
from jaxmorph.sensitivity import Question, estimate
from jaxmorph.simulation import bernoulli
from jaxmorph.studies import Problem

Function = Callable[[np.ndarray], Any]
WIDTH = 0.96 / 6 / 2**HALVINGS


def searched(f: Function, g: Function, points: int = 7, rounds: int = lines.MOST_ROUNDS) -> Line:
    """The line of a function of one number between 0 and 1."""
    u = np.linspace(0.02, 0.98, points)

    def both(x: np.ndarray) -> list[np.ndarray]:
        return [np.broadcast_to(h(x), x.shape)[:, None, None].astype(float) for h in (f, g)]

    value, slope = both(u)
    floor = 64 * np.finfo(float).eps * np.abs(value).max(axis=0)
    line = Line(u, value, slope, MATERIAL * np.ptp(value, axis=0), floor)
    for _ in range(rounds):
        for x in line.wanted()[:points]:
            line.add(x, *(y[0] for y in both(np.array([x]))))
    line.close()
    return line


def nothing(x: np.ndarray) -> np.ndarray:
    return 0 * x


def tanh(steepness: float) -> tuple[Function, Function]:
    """A smooth step at 0.3, and its derivative."""

    def slope(x: np.ndarray) -> np.ndarray:
        return steepness / np.cosh(np.clip(steepness * (x - 0.3), -300, 300)) ** 2

    return lambda x: np.tanh(steepness * (x - 0.3)), slope


@pytest.mark.parametrize(
    ("f", "g", "at", "height", "missing"),
    [
        (lambda x: np.floor(1 + 4 * x), nothing, (0.25, 0.5, 0.75), 1.0, 3.0),
        (lambda x: x**2 - 0.3 * (x > 0.61), lambda x: 2 * x, (0.61,), -0.3, -0.3),
        (lambda x: np.exp(5 * x) + 30 * (x > 0.1), lambda x: 5 * np.exp(5 * x), (0.1,), 30.0, 30.0),
        # A jump beside a slope that is as steep.
        (lambda x: tanh(200)[0](x) + 0.3 * (x > 0.32), tanh(200)[1], (0.32,), 0.3, 0.3),
        # Thousands of steps, each too small to matter: all together are the whole function.
        (lambda x: np.floor(1000 * x) / 1000, nothing, None, 0.0, 0.96),
        (
            lambda x: np.sin(20 * x) + np.floor(100 * x) / 400,
            lambda x: 20 * np.cos(20 * x),
            None,
            0.0,
            0.24,
        ),
    ],
)
def test_jumps_are_found_where_they_are_with_their_height(
    f: Function, g: Function, at: tuple[float, ...] | None, height: float, missing: float
) -> None:
    line = searched(f, g)
    assert line.jumps.all()
    assert not line.unresolved.any()
    interval = line.found[0]
    np.testing.assert_allclose(interval.high - interval.low, WIDTH)
    # Smooth parts are halved no further once a jump is found: the error says what that leaves.
    assert abs(line.missing - missing).max() <= max(float(line.error.max()), 0.012)
    if at is not None:
        assert any(interval.low <= x <= interval.high for x in at)
        np.testing.assert_allclose(interval.missing, height, atol=2e-3)


@pytest.mark.parametrize(
    ("f", "g"),
    [
        tanh(200),
        tanh(2000),
        (lambda x: np.sin(40 * x), lambda x: 40 * np.cos(40 * x)),
        (lambda x: 1 / (0.01 + x), lambda x: -1 / (0.01 + x) ** 2),
        (lambda x: np.abs(x - 0.43), lambda x: np.sign(x - 0.43)),
        # Infinitely steep at its beginning.
        (
            lambda x: np.sqrt(np.maximum(x - 0.4, 0)),
            lambda x: 0.5 / np.sqrt(np.where(x > 0.4, x - 0.4, np.inf)),
        ),
        (lambda x: 3 + nothing(x), nothing),
        (lambda x: 1e200 * x**3, lambda x: 3e200 * x**2),
        # Too small to matter.
        (lambda x: x + 0.01 * (x > 0.5), lambda x: 1 + nothing(x)),
    ],
)
def test_what_is_smooth_or_bends_is_explained(f: Function, g: Function) -> None:
    line = searched(f, g)
    assert not line.jumps.any()
    assert not line.unresolved.any()


@pytest.mark.parametrize(
    ("f", "g"),
    [tanh(1e4), (lambda x: np.sin(1e5 * x), lambda x: 1e5 * np.cos(1e5 * x))],
    ids=["steeper than can be halved", "wild"],
)
def test_what_is_too_steep_is_unresolved_and_not_accused(f: Function, g: Function) -> None:
    line = searched(f, g)
    assert not line.jumps.any()
    assert line.unresolved.all()
    # With fewer rounds than it takes a steep slope is unresolved at worst, too.
    early = searched(*tanh(200), rounds=2)
    assert not early.jumps.any()
    assert early.unresolved.all()


def test_gradients_that_are_off_everywhere_are_found_and_numbers_that_fail_are_not_judged() -> None:
    line = searched(lambda x: 5 * x, lambda x: 4.5 + nothing(x))
    assert line.jumps.all()
    np.testing.assert_allclose(line.missing, 0.48, rtol=1e-6)
    failing = searched(lambda x: np.where(x > 0.9, np.nan, np.floor(4 * x)), nothing)
    assert not failing.judged.any()
    assert not failing.jumps.any()


# --- studies -------------------------------------------------------------------------------------


def followed(problem: Problem, n_seeds: int = 8, estimator: str = "pathwise") -> engine.Lines:
    centre = np.array([d.centre for d in problem.distributions])
    how = engine.GradientArguments(gradient="auto", estimator=estimator)
    return engine.follow_lines(problem, centre, np.arange(n_seeds), run_key=5, n_points=7, how=how)


def test_a_study_with_jumps_noise_and_smooth_terms_is_told_apart_line_by_line() -> None:
    def simulate(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
        n, k, c = p["n"], p["k"], p["c"]
        noise = 30 * jax.random.normal(key, (), n.dtype)  # a hundred times the effects of k and c
        return {
            "count": jnp.floor(n) + noise + jnp.log(k) + 0.1 * c,
            "coin": (jax.random.uniform(key) < c / 4).astype(n.dtype),
        }

    three: dict[str, Any] = {
        "n": Uniform(low=1, high=5),
        "k": LogUniform(low=0.1, high=10),
        "c": Normal(mean=2, sd=0.5),
    }
    problem = problem_of(simulate, "count", "coin", **three)
    found = followed(problem)
    np.testing.assert_array_equal(found.incomplete[0], [[1, 0, 0], [0, 0, 1]])
    assert not found.unresolved.any()
    # Common noise: differences are exact. From 1.08 to 4.92 there are 3 jumps.
    np.testing.assert_allclose(found.missing[0, 0], [3, 0, 0], atol=1e-9)
    np.testing.assert_allclose(found.jump[0, 0, 0], 1, atol=1e-9)
    assert any(found.jump_from[0, 0] <= x <= found.jump_to[0, 0] for x in (2, 3, 4))
    assert np.isnan(found.jump_from[0, 1])
    np.testing.assert_allclose(
        np.diff(np.log(found.points[1])), np.log(found.points[1, 1] / found.points[1, 0])
    )
    np.testing.assert_allclose(found.gradient[0, 0, 1], 1 / found.points[1], rtol=1e-6)
    # Each seed of the coin jumps once.
    ends = found.value[0, 1, 2, [0, -1]]
    np.testing.assert_allclose(found.missing[0, 1, 2], ends[1] - ends[0])
    np.testing.assert_allclose(found.jump[0, 1, 2], 1 / 8)
    # What it took: three lines, and ten halvings of intervals of all of them together.
    assert 3 * 7 * 8 < found.simulations <= (3 + lines.MOST_ROUNDS) * 7 * 8
    assert sections.LINE_ROUNDS == lines.MOST_ROUNDS
    assert sections.LINE_ROUNDS_ON_AVERAGE == averaged_lines.MOST_ROUNDS


def test_a_choice_beside_one_that_the_score_sees_is_missed_beyond_the_noise_of_seeds() -> None:
    def simulate(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
        k1, k2 = jax.random.split(key)
        seen = bernoulli(k1, p["p"], indicator=True)
        return {"seen": seen, "both": seen + (jax.random.uniform(k2) < p["p"])}

    problem = problem_of(simulate, "seen", "both", p=Uniform(low=0.2, high=0.6))
    found = followed(problem, n_seeds=256, estimator="score")
    assert found.incomplete.ravel().tolist() == [False, True]
    np.testing.assert_allclose(found.missing.ravel(), [0, 0.96 * 0.4], atol=0.1)


# --- files, estimates, report --------------------------------------------------------------------


def checks_of(problem: Problem, found: engine.Lines) -> xr.Dataset:
    shape: dict[str, Any] = {"n_parameters": 1, "n_observables": 1, "n_times": 1}
    checks = synthetic.checks(**shape).assign_coords(parameter=["k"], observable=["x"])
    arrays = {"line_parameter": found.points, "line_mean": found.value, "line_mean_se": found.value_se}
    arrays |= {"line_gradient": found.gradient, "line_gradient_se": found.gradient_se}
    arrays |= {"line_missing_error": found.missing_error}
    arrays |= {"line_missing": found.missing, "line_incomplete": found.incomplete}
    arrays |= {"line_unresolved": found.unresolved, "jump_size": found.jump}
    arrays |= {"jump_from": found.jump_from, "jump_to": found.jump_to}
    kept = checks.drop_vars([q.name for q in store.LINES] + ["line_mean_se", "line_gradient_se"])
    return store.with_lines(kept, arrays, {"line_estimator": "pathwise", "line_simulations": 77}, "")


def test_what_a_line_refutes_no_estimate_is_built_upon_whatever_the_design() -> None:
    rounded = problem_of(
        lambda p, key: {"x": jnp.round(p["k"])}, "x", k=Uniform(low=0.6, high=3.4), stochastic=False
    )
    checks = checks_of(rounded, followed(rounded, n_seeds=1))
    assert checks["line_incomplete"].all()
    v = (np.arange(4) + 0.5) / 4
    where = (("sample", "parameter"), v[:, None])
    points = xr.Dataset({"parameter_value": where, "unit_value": where}, {"parameter": ["k"]})
    dims = ("sample", "seed", "time", "observable", "parameter")
    slab = points[["parameter_value"]].assign(
        value=(dims[:-1], np.ones((4, 2, 1, 1))), gradient=(dims, np.ones((4, 2, 1, 1, 1)))
    )
    slab = slab.assign_coords(
        sample=range(4), seed=range(2), time=[1.0], observable=["x"],
        observable_unit=("observable", ["1"]), parameter_unit=("parameter", ["1"]),
    )  # fmt: skip
    asked = Question([Uniform(low=0, high=1)], GridDesign(points=4), refuted=checks["line_incomplete"])
    data = estimate([slab], points, asked)
    assert data["gradient_incomplete"].all()
    assert data["some_gradient_incomplete"].all()
    assert data["gradient_average"].isnull().all()
    told = incomplete.refuted(data, checks)
    assert "leaves out 2.0 of the change of x by 2.0 with k (a jump by 1.0 lies at 1.500)" in told
    assert checked.along_lines(checks).endswith("gradients miss what is named above.")


def said(checks: xr.Dataset) -> str:
    return checked.worst_difference(checks) or ""


def test_the_report_says_what_was_compared_and_does_not_say_that_zeros_agree() -> None:
    checks = synthetic.checks(n_parameters=2, n_observables=2, n_times=3)
    checks["gradient"][:] = 1.0
    checks["relative_difference"][:] = 1e-9
    assert said(checks).startswith("Automatic gradients agree with finite")
    assert "explain how means change" in checked.along_lines(checks)
    still = checks.copy(deep=True)
    still["gradient"][..., 0], still["relative_difference"][..., 0] = 0.0, 0.0
    still["relative_difference"][..., 1, 1] = np.nan
    told = said(still)
    assert "agree" not in told
    assert "Of 24 gradients" in told
    assert "6 could be compared" in told
    assert "12 are 0 both ways" in told
    assert "6 have no gradient, or no number" in told
    still["relative_difference"][:] = np.where(still["gradient"] == 0, 0.0, np.nan)
    assert "could be compared" in said(still)
    assert "agree" not in said(still)
    wild = checks.copy(deep=True)
    wild["line_unresolved"][0, 1] = True
    assert "too steep or wild to tell a jump from" in checked.along_lines(wild)
    by_score = checks.assign_attrs(line_estimator="score")
    assert "explain" not in checked.along_lines(by_score)
