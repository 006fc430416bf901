"""Discrete and categorical parameters: values tell of them, and there is no derivative by them.

The function is f = x + n^2 + c(kind) (1/2 + x) with x uniform on [0, 1], n = 0, 1, 2 (weights 1, 2, 1)
and c = 0, 3, 1 of three kinds, as likely. Parts of its variance: x (7/3)^2 / 12, n 9/4, kind (by the
mean 1 of 1/2 + x) 14/9, x and kind together (14/9) / 12.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from scipy.stats import qmc
from support.one_run import estimated

import jaxmorph as jxm
from jaxmorph.configuration import load_configuration
from jaxmorph.designs import (
    Design,
    FastDesign,
    MorrisDesign,
    SaltelliDesign,
    SobolDesign,
    corner_points,
    make_design,
)
from jaxmorph.distributions import Categorical, Discrete, Distribution, Uniform
from jaxmorph.engine import evaluate
from jaxmorph.errors import JaxmorphError
from jaxmorph.report import facts
from jaxmorph.studies import Problem

NUMBER = Discrete(values=(2, 0, 1), weights=(1, 1, 2))
KIND = Categorical(levels=("round", "long", "flat"))
PARAMETERS: dict[str, Distribution] = {"x": Uniform(low=0, high=1), "n": NUMBER, "kind": KIND}
BY_KIND = np.array([0.0, 3.0, 1.0])
PARTS = {"x": (7 / 3) ** 2 / 12, "n": 9 / 4, "kind": 14 / 9, "both": 14 / 9 / 12}
VARIANCE = sum(PARTS.values())
FIRST = np.array([PARTS["x"], PARTS["n"], PARTS["kind"]]) / VARIANCE
TOTAL = FIRST + np.array([1, 0, 1]) * PARTS["both"] / VARIANCE


def of_design(design: Design, noise: float = 0.0, n_seeds: int = 1) -> xr.Dataset:
    theta, unit = make_design(design, PARAMETERS)
    x, n, kind = theta.T
    by_kind = BY_KIND[kind.astype(int)]
    f = (x + n**2 + by_kind * (0.5 + x))[:, None, None]
    f = f + noise * np.random.default_rng(0).standard_normal((len(x), n_seeds, 1))
    g = np.full((len(x), n_seeds, 1, 3), np.nan)
    g[..., 0] = (1 + by_kind)[:, None, None]
    return estimated(list(PARAMETERS.values()), unit, f, g, design=design, stochastic=noise > 0)


# --- the distributions ---------------------------------------------------------------------------


def test_quantiles_probabilities_and_moments_of_a_few_numbers() -> None:
    np.testing.assert_array_equal(
        NUMBER.ppf(np.array([0, 0.25, 0.26, 0.75, 0.76, 1])), [0, 0, 1, 1, 2, 2]
    )
    np.testing.assert_array_equal(
        NUMBER.cdf(np.array([-1, 0, 0.5, 1, 2, 9])), [0, 0.25, 0.25, 0.75, 1, 1]
    )
    assert (NUMBER.support, NUMBER.centre) == ((0, 2), 1)
    assert (NUMBER.natural_mean, NUMBER.natural_sd) == pytest.approx((1, 0.5**0.5))
    assert (KIND.numbers, KIND.natural_mean) == ((0, 1, 2), 1)
    assert KIND.ppf(np.array([[0.2, 0.5], [0.9, 1.0]])).tolist() == [[0, 1], [2, 2]]
    frozen = NUMBER.frozen()
    assert (frozen.mean(), frozen.std()) == pytest.approx((1, 0.5**0.5))


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        (Discrete, {"values": (1,)}, "needs two or more values"),
        (Discrete, {"values": (1, 2, 1)}, "has one of its values twice"),
        (Categorical, {"levels": ("a", "b"), "weights": (1,)}, "has 2 levels and 1 weights"),
        (Categorical, {"levels": ("a", "b"), "weights": (1, 0)}, "greater than 0"),
    ],
)
def test_a_few_values_that_cannot_be_are_refused(kind: Any, given: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        kind(**given)


# --- estimates -----------------------------------------------------------------------------------


def test_indices_of_a_saltelli_design_are_the_known_ones() -> None:
    found = of_design(SaltelliDesign(samples=512))
    np.testing.assert_allclose(found["sobol_first"].values[0], FIRST, atol=0.04)
    np.testing.assert_allclose(found["sobol_total"].values[0], TOTAL, atol=0.04)
    assert found["variance"].item() == pytest.approx(VARIANCE, rel=0.03)
    # Beside them, from gradients: E[(1 + c)^2] / pi^2 / Var f bounds the index of x alone.
    bound = found["total_bound"].values[0]
    assert bound[0] == pytest.approx(7 / np.pi**2 / VARIANCE, rel=0.03) and np.isnan(bound[1:]).all()


def test_an_expansion_of_values_alone_is_exact() -> None:
    found = of_design(SobolDesign(samples=64))
    assert found["expansion_q2"].item() == pytest.approx(1, abs=1e-9)
    assert not found["expansion_with_gradients"].item()
    np.testing.assert_allclose(found["sobol_first"].values[0], FIRST, rtol=1e-9)
    np.testing.assert_allclose(found["sobol_total"].values[0], TOTAL, rtol=1e-9)
    assert found["sobol_second"].values[0, 0, 2] == pytest.approx(PARTS["both"] / VARIANCE, rel=1e-9)


def test_what_has_no_derivative_is_nan_by_declaration_and_no_failure() -> None:
    found = of_design(SobolDesign(samples=64), noise=0.1, n_seeds=4)
    assert found["non_finite_count"].item() == 0 and found["left_out_share"].item() == 0
    assert not found["gradient_incomplete"].any() and not found["some_gradient_incomplete"].any()
    for name in ("dgsm", "gradient_average", "total_bound", "activity_score", "gradient_mean"):
        known = found[name].notnull().any([d for d in found[name].dims if d != "parameter"])
        assert known.values.tolist() == [True, False, False], name
        assert found[name].attrs["withheld"].startswith("NaN of p1, p2: there is no derivative")
    # The only direction that there is.
    assert abs(found["active_direction"].values[0, 0, 0]) == pytest.approx(1)


def test_screening_needs_no_derivative() -> None:
    found = of_design(MorrisDesign(trajectories=200))
    # Of steps over two thirds of the levels 0, 1/3, 2/3, 1: n goes from 0 or 1 to 1 or 2.
    assert found["morris_mu_star"].values[0, 1] == pytest.approx(3.0, rel=0.1)
    with pytest.raises(JaxmorphError, match="n is discrete: use saltelli"):
        make_design(FastDesign(samples=65), PARAMETERS)


@pytest.mark.parametrize("n_seeds", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_where_every_parameter_is_discrete_estimates_are_of_values(n_seeds: int) -> None:
    unit = qmc.Sobol(2, rng=np.random.default_rng(1)).random(64)
    n, kind = NUMBER.ppf(unit[:, 0]), KIND.ppf(unit[:, 1])
    f = (n**2 + BY_KIND[kind.astype(int)])[:, None, None] + np.zeros((1, n_seeds, 1))
    g = np.full((64, n_seeds, 1, 2), np.nan)
    known: Any = {"design": SobolDesign(samples=64), "stochastic": False}
    found = estimated([NUMBER, KIND], unit, f, g, **known)
    parts = np.array([9 / 4, 14 / 9])
    np.testing.assert_allclose(found["sobol_total"].values[0], parts / parts.sum(), rtol=1e-9)
    assert not any(array.attrs.get("from_gradients") for array in found.data_vars.values())
    assert "needs a parameter that is not discrete" in found.attrs["absent_estimates"]
    assert found["non_finite_count"].item() == 0


# --- the engine ----------------------------------------------------------------------------------


def by_cases(parameters: dict[str, Any], key: Any) -> Any:
    """NaN between the numbers, which nothing may try; a slope by the number that is none."""
    n, kind = parameters["n"], parameters["kind"].astype(int)
    at_number = jnp.isin(n, jnp.arange(3.0)) & (parameters["kind"] == kind)
    value = parameters["x"] * (1 + jnp.asarray(BY_KIND)[kind]) + n**2 + 0.1 * jax.random.normal(key)
    return {"y": jnp.where(at_number, value, jnp.nan)}


def problem_of(function: Any, names: list[str]) -> Problem:
    study = jxm.study(function, parameters={n: PARAMETERS[n] for n in names})
    kinds = tuple(PARAMETERS[n] for n in names)
    return Problem(study, study.parameters, kinds, {}, ("y",))


@pytest.mark.parametrize("estimator", ["pathwise", pytest.param("smoothed", marks=pytest.mark.slow)])
def test_the_engine_differentiates_by_the_others_alone(estimator: Any) -> None:
    problem = problem_of(by_cases, ["x", "n", "kind"])
    samples = np.array([[0.3, 2, 1], [0.5, 0, 2]])
    found = evaluate(problem, samples, np.arange(256), run_key=0, estimator=estimator)
    assert found.gradient is not None and np.isfinite(found.value).all()
    gradient = found.gradient[:, :, 0, 0]
    assert np.isnan(gradient[..., 1:]).all()
    error = gradient[..., 0].std(axis=1, ddof=1) / 16
    np.testing.assert_allclose(gradient[..., 0].mean(axis=1), [4, 2], atol=max(1e-9, 4 * error.max()))


def test_nothing_is_differentiated_where_every_parameter_is_discrete() -> None:
    def outside(parameters: dict[str, Any]) -> Any:
        shape = jax.ShapeDtypeStruct((), jnp.result_type(float))
        return {
            "y": jax.pure_callback(lambda n: n**2, shape, parameters["n"], vmap_method="broadcast_all")
        }

    found = evaluate(problem_of(outside, ["n"]), np.array([[2.0]]), np.arange(1), run_key=0)
    assert found.value.item() == 4 and found.mode is None
    assert found.gradient is not None and np.isnan(found.gradient).all()
    assert found.reason == "every parameter is discrete"


# --- configuration and words ---------------------------------------------------------------------


_RUN: dict[str, Any] = {
    "study": "my.module:Mine",
    "parameters": {
        "n": {"distribution": "discrete", "values": [0, 1, 2]},
        "kind": {"distribution": "categorical", "levels": ["round", "long"], "weights": [2, 1]},
    },
    "design": {"method": "sobol", "samples": 8},
    "seeds": 2,
}
_CORRELATED = [{"between": ["n", "kind"], "coefficient": 0.5}]
_OPTIMISED = {"objective": [{"goal": "minimise", "observable": "y"}]}


def test_a_configuration_names_values_and_levels() -> None:
    (run,) = load_configuration({"runs": {"a": _RUN}}).runs.values()
    assert run.parameters["n"] == Discrete(values=(0, 1, 2))
    assert type(run).from_json(run.to_json()) == run


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"design": {"method": "grid", "points": 3}}, "design: a grid needs a uniform or log-uniform"),
        ({"design": {"method": "fast", "samples": 65}}, "n is discrete: use saltelli"),
        ({"correlations": _CORRELATED}, "n is discrete and has no normal score to correlate"),
        ({"optimise": _OPTIMISED}, "free: n is discrete, and there is no gradient to follow"),
        (
            {"parameters": {"n": {"distribution": "discrete", "values": [0, "a"]}}},
            "parameters.n.values[1] = a: must be a number",
        ),
        (
            {"parameters": {"n": {"distribution": "categorical", "levels": ["a"]}}},
            "parameters.n: needs two or more levels; one that does not vary belongs under fixed",
        ),
    ],
)
def test_what_cannot_be_done_with_them_is_refused_in_one_line(changed: Any, line: str) -> None:
    with pytest.raises(JaxmorphError) as raised:
        load_configuration({"runs": {"a": _RUN | changed}})
    assert line in str(raised.value) and len(str(raised.value).splitlines()) == 1


def test_levels_have_their_names_in_words() -> None:
    assert corner_points(PARAMETERS, ["n", "kind"])[1][1] == "n low, kind flat"
    assert facts.distribution(NUMBER.model_dump(mode="json")) == "discrete, weights 1 1 2, values 2 0 1"
    assert facts.distribution(KIND.model_dump(mode="json")) == "categorical, levels round long flat"


@pytest.mark.slow
@pytest.mark.parametrize("names", [["x", "n", "kind"], ["n", "kind"]])
def test_a_whole_run_with_them_has_a_report(names: list[str], tmp_path: Path) -> None:
    def function(parameters: dict[str, Any], key: Any) -> Any:
        return by_cases({"x": 0.5} | parameters, key)

    study = jxm.study(function, parameters={n: PARAMETERS[n] for n in names})
    found = jxm.analyse(study, design={"method": "sobol", "samples": 32}, seeds=4, progress=False)
    assert found.checks is not None and not found.checks["chaotic"].any()
    assert not found.checks["alone_value_differs"].any()
    page = found.report(tmp_path / "report.html").read_text()
    assert f"There is no derivative by {', '.join(names[-2:])} (discrete)" in page
    assert "categorical, levels round long flat" in page
    assert found.dataset["sobol_total"].notnull().all()
