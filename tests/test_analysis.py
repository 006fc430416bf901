"""A run in one call: what the workflow makes of it, from objects, arrays and files."""

import json
import signal
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from support.trap import Trap

import jaxmorph as jxm
from jaxmorph import sensitivity
from jaxmorph.analysis import one_run
from jaxmorph.distributions import LogUniform, Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs import simulate

DESIGN = {"method": "sobol", "samples": 8}


def product(parameters: dict[str, Any], key: Any) -> Any:
    """A product with noise."""
    return {"product": parameters["a"] * parameters["b"] + jax.random.normal(key)}


UNIT = Uniform(low=0, high=1)


@pytest.mark.slow
def test_the_numbers_are_those_of_the_workflow(finished: Path, tmp_path: Path) -> None:
    """The run `own` of the finished workflow, by its class: to the last bit."""
    asked = json.loads((finished / "results/own/design.json").read_text())
    kept = {name: asked[name] for name in ("design", "parameters", "seeds", "batch", "checks")}
    here = jxm.analyse(Trap, folder=tmp_path / "own", progress=False, **kept)
    there = jxm.open(finished / "results/own")
    for name in ("dataset", "batches", "checks"):
        one, other = getattr(here, name), getattr(there, name)
        assert set(one.variables) == set(other.variables)
        for variable in one.variables:
            np.testing.assert_array_equal(one[variable].values, other[variable].values, str(variable))


def test_a_plain_function_has_the_effects_of_its_formula() -> None:
    made = jxm.study(product, parameters={"a": UNIT, "b": UNIT}, observables=["product"])
    analysis = jxm.analyse(made, design=DESIGN, seeds=4, progress=False, checks={"samples": 0})
    gradient = analysis.batches["gradient"].squeeze("time")
    theta = analysis.batches["parameter_value"]
    for name, other in (("a", "b"), ("b", "a")):
        found = gradient.sel(parameter=name, observable="product").transpose("sample", "seed")
        expected = np.repeat(theta.sel(parameter=other).values[:, None], 4, axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert analysis.checks is None and "product: " in repr(analysis)
    page = analysis._repr_html_()
    assert page.count("<li>") == len(repr(analysis).splitlines()) and "<svg" in page


def test_a_function_of_parameters_alone_has_no_noise() -> None:
    made = jxm.study(lambda p: p["a"] ** jnp.arange(3.0), parameters={"a": LogUniform(low=1, high=2)})
    assert not made.is_stochastic and made.defaults() == {"a": pytest.approx(np.sqrt(2))}
    recording = made.simulate({"a": jnp.asarray(2.0)}, jax.random.PRNGKey(0))
    np.testing.assert_array_equal(recording.time, [0, 1, 2])
    np.testing.assert_array_equal(recording.observables["y"], [1, 2, 4])


def test_what_is_finished_is_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(**more: Any) -> jxm.Analysis:
        asked: dict[str, Any] = {
            "design": DESIGN,
            "seeds": 4,
            "checks": {"samples": 0},
            "progress": False,
        }
        return jxm.analyse("linear", folder=tmp_path, **asked | more)

    batch = {"samples": 8, "seeds": 2}
    evaluate, made = simulate.evaluate_batch, []

    def noted(name: str, spec: Any, output: str, *rest: Any) -> None:
        made.append(Path(output).stem)
        if len(made) == 2:
            signal.raise_signal(signal.SIGINT)
        evaluate(name, spec, output, *rest)

    monkeypatch.setattr(one_run, "evaluate_batch", noted)
    with pytest.raises(KeyboardInterrupt):
        call(batch=batch)
    assert {path.stem for path in (tmp_path / "batches").glob("*.nc")} == {"000-000"}
    call(batch=batch)
    assert made == ["000-000", "000-001", "000-001"]
    call(batch=batch)
    assert len(made) == 3
    call(batch=batch, fixed={}, settings={"c1": 2.0})  # another question
    assert made[3:] == ["000-000", "000-001"]


@pytest.mark.slow
def test_figures_and_report(tmp_path: Path) -> None:
    analysis = jxm.analyse("linear", design=DESIGN, progress=False, checks={"samples": 0})
    assert "tornado" in dir(analysis.plot)
    assert analysis.plot.global_sensitivity().axes
    with pytest.raises(AttributeError, match="there is no figure tornados: choose one of"):
        analysis.plot.tornados()
    page = analysis.report(tmp_path / "linear.html").read_text()
    for ending in ("svg", "pdf", "csv"):
        assert f"linear-figures/global_sensitivity.{ending}" in page
        assert (tmp_path / f"linear-figures/global_sensitivity.{ending}").is_file()


@pytest.mark.parametrize(
    ("study", "more", "said"),
    [
        (3, {}, r"study = 3: is no study; give a name"),
        ("linaer", {}, "did you mean linear"),
        ("linear", {"seeds": 0}, "seeds = 0"),
        ("linear", {"parameters": ["x9"]}, "x9"),
    ],
)
def test_a_mistake_is_one_readable_line(study: Any, more: dict[str, Any], said: str) -> None:
    with pytest.raises(JaxmorphError, match=said) as raised:
        jxm.analyse(study, design=DESIGN, progress=False, **more)
    assert "\n" not in str(raised.value)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(JaxmorphError, match=r"has no design\.json; name the folder of a run"):
        jxm.open(tmp_path)


# --- estimates from arrays -----------------------------------------------------------------------

THETA = np.random.default_rng(0).random((64, 2))
VALUE = THETA @ [3.0, 4.0]
GRADIENT = np.broadcast_to([3.0, 4.0], (64, 2))


@pytest.mark.parametrize("axes", [2, 3, 4])
def test_estimates_from_plain_arrays(axes: int) -> None:
    """a x + b y: total indices are 9/25 and 16/25, and the bound of a line is 12 / pi^2 of these."""
    ones = (1,) * (axes - 1)
    found = sensitivity.from_arrays(
        THETA,
        VALUE.reshape(64, *ones),
        GRADIENT.reshape(64, *ones, 2),
        {"x": UNIT, "y": UNIT},
        stochastic=False,
    )
    assert isinstance(found, xr.Dataset) and found["observable"].values.tolist() == ["f"]
    np.testing.assert_allclose(found["dgsm"].squeeze(), [9, 16], rtol=1e-12)
    low, high = (found[f"sobol_first_given_data_{end}"].squeeze() for end in ("low", "high"))
    assert (low <= [0.36, 0.64]).all() and (high >= [0.36, 0.64]).all()


@pytest.mark.parametrize(
    ("theta", "value", "gradient", "said"),
    [
        (THETA[:, 0], VALUE[:, None], GRADIENT[:, None], r"theta: has the shape \(64,\)"),
        (THETA, VALUE, GRADIENT, r"value: has the shape \(64,\); must be \(sample, seed"),
        (THETA, VALUE[:, None], GRADIENT, r"gradient: has the shape .* \(64, 1, 2\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    theta: np.ndarray, value: np.ndarray, gradient: np.ndarray, said: str
) -> None:
    with pytest.raises(JaxmorphError, match=said):
        sensitivity.from_arrays(theta, value, gradient, {"x": UNIT, "y": UNIT})
