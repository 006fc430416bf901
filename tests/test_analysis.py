"""A run in one call: what the workflow makes of it, from objects, arrays and files."""

import base64
import contextlib
import json
import logging
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from SALib.analyze import sobol as analyze_sobol
from SALib.sample import sobol as sample_sobol
from SALib.test_functions import Ishigami
from support.trap import Trap

import jaxmorph as jxm
from jaxmorph import sensitivity, store
from jaxmorph.analysis import making
from jaxmorph.analysis.named import named
from jaxmorph.analysis.progress import Bar
from jaxmorph.analysis.result import show_figures
from jaxmorph.configuration.given import shown
from jaxmorph.designs import SaltelliDesign
from jaxmorph.distributions import LogUniform, Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs import simulate
from jaxmorph.jobs.account import write_provenance
from jaxmorph.sensitivity.arrays import check_types

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


def test_one_seed_of_what_has_noise_says_why_nothing_is_ranked() -> None:
    around_0 = Uniform(low=-1, high=1)
    made = jxm.study(product, parameters={"a": around_0, "b": around_0}, observables=["product"])
    design = {"method": "saltelli", "samples": 4}
    analysis = jxm.analyse(made, design=design, seeds=1, progress=False, checks={"samples": 0})
    assert "and one seed with noise gives no other measure of size" in repr(analysis)
    absent = json.loads(analysis.dataset.attrs["absent_estimates"])
    assert absent["sobol_total"].endswith("and two or more seeds if the study has noise")


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
            raise KeyboardInterrupt
        evaluate(name, spec, output, *rest)

    monkeypatch.setattr(making, "evaluate_batch", noted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        call(batch=batch)
    assert stopped.value.__notes__ == [
        f"Stopped. What is finished is in {tmp_path}: the same call goes on from there."
    ]
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
    written = analysis.report(tmp_path / "linear.html")
    assert [path.name for path in tmp_path.iterdir()] == ["linear.html"]  # and nothing beside it
    page = written.read_text()
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert all(link.startswith(("#", "data:")) for link in links)
    table = re.search(r'download="global_sensitivity.csv" href="data:text/csv;base64,([^"]*)"', page)
    assert table is not None and base64.b64decode(table[1]).startswith(b"observable,parameter,")
    assert "results/" not in page and "file beside it" not in page


@pytest.mark.slow
def test_an_optimisation_in_one_call(tmp_path: Path) -> None:
    """A sum without noise has a target that it can meet; its figures and films are in the page."""
    asked: dict[str, Any] = {
        "objective": [{"goal": "target", "observable": "weighted_sum", "value": 1.0}],
        "optimiser": {"name": "lbfgs"},
        "fresh": False,
        "steps": 10,
        "refine": None,
        "starts": {"method": "sobol", "samples": 2},
    }
    made = []
    for _ in range(2):
        analysis = jxm.analyse(
            "linear",
            design=DESIGN,
            checks={"samples": 0},
            optimise=asked,
            corners=["x2"],
            folder=tmp_path / "run",
            progress=False,
        )
        path = tmp_path / "run/optimisation.nc"
        made.append(path.stat().st_mtime_ns)
    assert made[0] == made[1]
    assert analysis.optimisation is not None and analysis.run.seeds == 1
    np.testing.assert_allclose(analysis.optimisation["evaluation_loss_after"], 0, atol=1e-8)
    assert analysis.findings[-1].startswith("Optimisation: ")
    assert analysis.films.names == ["cells", "corners", "optimisation"] and not analysis.films.there
    film = analysis.films.corners()
    assert analysis.films.there == [film.path] and "<video" in film._repr_html_()
    at_corners = store.read_dataset(tmp_path / "run/corners.nc", "corners")["parameter_value"]
    assert np.ptp(at_corners.sel(parameter="x2").values) == 2 and at_corners.sizes["sample"] == 2
    (tmp_path / "run/run.json").unlink()  # as of the workflow
    opened = jxm.open(tmp_path / "run")
    assert opened.run.optimise is not None and analysis.run.optimise is not None
    all_of_them = {"free": ("x1", "x2", "x3", "x4", "x5")}
    assert opened.run.optimise == analysis.run.optimise.model_copy(update=all_of_them)
    assert opened.plot.optimisation_loss().axes
    page = opened.report(tmp_path / "page.html").read_text()
    assert page.count("<video") == 1 and 'id="optimisation_loss"' in page


def test_a_folder_of_the_workflow_knows_how_its_run_is_shown(tmp_path: Path) -> None:
    """Display names, width, the stated time and summaries, of the files that the workflow keeps."""
    asked: dict[str, Any] = {
        "figures": {"width": 89, "names": {"rate": {"name": "rate of growth"}}},
        "findings": {"time": 1.0},
        "summaries": {"peak": {"of": "size", "take": "maximum"}},
    }
    design = {"method": "sobol", "samples": 4}
    study = jxm.study(
        lambda parameters, key: {"size": parameters["rate"] * jnp.array([1.0, 2.0, 0.0])},
        parameters={"rate": UNIT},
        observables=["size"],
        time=[0.0, 1.0, 2.0],
    )
    analysis = jxm.analyse(
        study, design=design, checks={"samples": 0}, folder=tmp_path, progress=False, **asked
    )
    (tmp_path / "run.json").unlink()  # only a call writes it
    files = (str(tmp_path / name) for name in ("design.nc", "sensitivity.nc"))
    write_provenance("growth", analysis.run, files, str(tmp_path / "provenance.json"))
    opened = jxm.open(tmp_path).run
    for name in asked:
        assert getattr(opened, name) == getattr(analysis.run, name), name
    (tmp_path / "provenance.json").unlink()  # asked for estimates alone: what is there is known
    assert jxm.open(tmp_path).run.summaries == analysis.run.summaries


def _times(factor: float) -> Any:
    def times(parameters: dict[str, Any]) -> Any:
        def inner() -> Any:
            return factor * parameters["a"]

        return inner()

    return times


@pytest.mark.parametrize(
    ("function", "high"), [(_times(2.0), 1.0), (_times(3.0), 1.0), (_times(2.0), 2.0)]
)
def test_another_study_of_one_text_has_another_name(function: Any, high: float) -> None:
    """What a function has from outside decides its numbers, and its distributions do."""
    of = jxm.study(_times(2.0), parameters={"a": UNIT})
    other = jxm.study(function, parameters={"a": Uniform(low=0, high=high)})
    same = function.__closure__[0].cell_contents == 2.0 and high == 1.0
    assert (named(of) == named(other)) == same


def test_a_class_of_a_module_is_named_by_it_and_one_of_a_function_is_given() -> None:
    class Inner(Trap):
        """Of this function alone."""

    assert named(Trap) == ("support.trap:Trap", {})
    spec, _ = named(Inner)
    assert spec.startswith("given:Inner_") and shown(spec) == "Inner" and shown("linear") == "linear"


def test_a_notebook_shows_figures_that_pyplot_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    shown_by: dict[tuple[str, str], Any] = {}
    svg = SimpleNamespace(
        for_type_by_name=lambda module, name, how: shown_by.update({(module, name): how})
    )
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"image/svg+xml": svg}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    show_figures()
    assert shown_by["matplotlib.figure", "Figure"](Figure()).startswith("<svg")


def test_the_bar_counts_in_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("jaxmorph.engine.pieces")
    with contextlib.closing(Bar(shown=True)) as bar:
        with bar.part("simulating", total=12):
            bar.skip(4)
            for meter in ("4/4 [", "2/4 [", "4/4 ["):  # two batches
                logger.info("%s00:01]", meter)
            assert bar.done == 12
        with bar.part("checking gradients"):
            logger.info("3/3 [00:01]")
            assert bar.done == 3
        with bar.part("estimating", unit="estimator", of="sensitivity.estimate"):
            logging.getLogger("jaxmorph.sensitivity.estimate").debug("5 of 9 estimators")
            assert bar.done == 5
    shown = capsys.readouterr().err
    for said in ("simulating:   0%", "0/12", "checking gradients: 0 sim", "estimating: 0 estimator"):
        assert said in shown
    assert logger.level == logging.NOTSET and not logger.handlers


@pytest.mark.parametrize(
    ("study", "more", "said"),
    [
        (3, {}, r"study = 3: is no study; give a name"),
        (product, {}, r"study = the function product: is no study; .* jaxmorph.study\(function"),
        ("linear", {"design": "sobol"}, r"^design = 'sobol': must be a mapping, such as"),
        ("linear", {"desing": DESIGN}, r"^desing: unknown key; did you mean design\?"),
        ("linear", {"allow_partial": True}, r"^allow_partial = True: a call makes all batches"),
        ("linaer", {}, "did you mean linear"),
        ("linear", {"seeds": 0}, "seeds = 0"),
        ("linear", {"parameters": ["x9"]}, "x9"),
    ],
)
def test_a_mistake_is_one_readable_line(study: Any, more: dict[str, Any], said: str) -> None:
    asked: dict[str, Any] = {"design": DESIGN, "progress": False} | more
    with pytest.raises(JaxmorphError, match=said) as raised:
        jxm.analyse(study, **asked)
    assert "\n" not in str(raised.value)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(JaxmorphError, match=r"has no design\.json; name the folder of a run"):
        jxm.open(tmp_path)


# --- estimates from arrays -----------------------------------------------------------------------

THETA = np.random.default_rng(0).random((64, 2))
VALUE = THETA @ [3.0, 4.0]
GRADIENT = np.broadcast_to([3.0, 4.0], (64, 2))


@pytest.mark.parametrize("axes", [1, 2, 3, 4])
def test_estimates_from_plain_arrays(axes: int) -> None:
    """a x + b y: total indices are 9/25 and 16/25, and the bound of a line is 12 / pi^2 of these."""
    ones = (1,) * (axes - 1)
    known: dict[str, Any] = {} if axes == 1 else {"stochastic": False}
    found = sensitivity.from_arrays(
        THETA,
        VALUE.reshape(64, *ones),
        GRADIENT.reshape(64, *ones, 2),
        {"x": UNIT, "y": UNIT},
        **known,
    )
    assert isinstance(found, xr.Dataset) and found["observable"].values.tolist() == ["f"]
    np.testing.assert_allclose(found["dgsm"].squeeze(), [9, 16], rtol=1e-12)
    low, high = (found[f"sobol_first_given_data_{end}"].squeeze() for end in ("low", "high"))
    assert (low <= [0.36, 0.64]).all() and (high >= [0.36, 0.64]).all()


def test_of_the_same_samples_indices_are_those_of_salib() -> None:
    names, n = ["x1", "x2", "x3"], 64
    problem = {"num_vars": 3, "names": names, "bounds": [[-np.pi, np.pi]] * 3}
    theta = sample_sobol.sample(problem, n, calc_second_order=False, seed=0)
    x1, x2, x3 = theta.T
    value = Ishigami.evaluate(theta)
    columns = np.cos(x1) * (1 + 0.1 * x3**4), 7 * np.sin(2 * x2), 0.4 * x3**3 * np.sin(x1)
    found = sensitivity.from_arrays(
        theta,
        value,
        np.column_stack(columns),
        dict.fromkeys(names, Uniform(low=-np.pi, high=np.pi)),
        design=SaltelliDesign(samples=n),
    ).squeeze()
    by_salib = analyze_sobol.analyze(problem, value, calc_second_order=False, num_resamples=2)
    np.testing.assert_allclose(found["sobol_first"], by_salib["S1"], rtol=1e-10)
    np.testing.assert_allclose(found["sobol_total"], by_salib["ST"], rtol=1e-10)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"gradient": None}, r"^gradient = None: these estimates are made of gradients"),
        ({"desing": None}, r"^desing: unknown argument; besides there are design, "),
        ({"design": "sobol"}, r"^design = 'sobol': must be one of jaxmorph\.designs"),
        ({"design": SaltelliDesign(samples=8)}, r"^design: has 32 points, and theta has 64"),
        ({"theta": 2 * THETA}, r"^theta: . = 1\.\d+ of sample \d+ is outside its distribution, 0 to 1"),
    ],
)
def test_points_that_are_not_those_of_the_design_are_refused(more: dict[str, Any], said: str) -> None:
    asked: dict[str, Any] = {"theta": THETA, "value": VALUE, "gradient": GRADIENT}
    asked["parameters"] = {"x": UNIT, "y": UNIT}
    with pytest.raises(JaxmorphError, match=said):
        sensitivity.from_arrays(**asked | more)


def test_bounds_are_no_distribution() -> None:
    with pytest.raises(JaxmorphError, match=r"^parameters\.x = \[0, 1\]: must be one of jaxmorph\.dist"):
        check_types(GRADIENT, {"x": [0, 1]}, {})


@pytest.mark.parametrize(
    ("theta", "value", "gradient", "said"),
    [
        (THETA[:, 0], VALUE[:, None], GRADIENT[:, None], r"theta: has the shape \(64,\)"),
        (THETA, VALUE[:9], GRADIENT, r"value: has the shape \(9, 1\); must be \(sample\[, seed"),
        (THETA, VALUE[:, None], GRADIENT, r"gradient: has the shape .* \(64, 1, 2\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    theta: np.ndarray, value: np.ndarray, gradient: np.ndarray, said: str
) -> None:
    with pytest.raises(JaxmorphError, match=said):
        sensitivity.from_arrays(theta, value, gradient, {"x": UNIT, "y": UNIT})
