"""Built-in studies, loading a user's study, and what is said of one that is wrong."""

import textwrap
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy import optimize
from support.problems import study_specification

from jaxmorph import engine
from jaxmorph.configuration import BUILT_IN_STUDIES
from jaxmorph.configuration.sections import Animation
from jaxmorph.distributions import LogUniform, Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs.study import describe_study
from jaxmorph.studies import Problem, Recording, Study, load_problem, load_study

GOOD = """
from collections.abc import Mapping

import jax.numpy as jnp
import jaxmorph as jxm
from jaxmorph.distributions import Uniform


class Hill(jxm.Study):
    \"\"\"A Hill function of time.

    More words.
    \"\"\"

    parameters = (
        jxm.Parameter("threshold", "mol", "half of the maximum", 1.0, Uniform(low=0.5, high=2)),
        jxm.Parameter("power", "1", "steepness", 2.0, Uniform(low=1, high=4)),
    )
    observables = (
        jxm.Observable("response", "1", "share of the maximum"),
        jxm.Observable("rest", "1", "what is missing"),
    )
    n_times: int = 3

    def simulate(self, parameters, key):
        time = jnp.arange(1.0, self.n_times + 1)
        x = (time / parameters["threshold"]) ** parameters["power"]
        return jxm.Recording(time, {"response": x / (1 + x), "rest": 1 / (1 + x)})


class NotAStudy:
    pass


def bare(time, observables):
    recording = object.__new__(jxm.Recording)
    for name, value in {"time": time, "observables": observables, "states": {}}.items():
        object.__setattr__(recording, name, value)
    return recording
"""


def write(folder: Path, code: str, name: str = "hill.py") -> str:
    path = folder / name
    path.write_text(textwrap.dedent(code))
    return str(path)


# --- built in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILT_IN_STUDIES)
def test_built_in_studies_declare_what_a_report_needs(name: str) -> None:
    study = load_study(name)
    assert study.describe() and study.describe().endswith(".")
    assert study.settings()["precision"] == "float64"
    described: list[Any] = [*study.parameters, *study.observables, *study.state_variables]
    for item in described:
        assert item.name.isidentifier() and item.unit and item.description
    for parameter in study.parameters:
        low, high = parameter.distribution.support
        assert low <= parameter.default <= high
    assert study.defaults() == {p.name: p.default for p in study.parameters}


def test_the_reference_study_runs_with_other_settings() -> None:
    settings: dict[str, Any] = {"n_cells": 4, "n_steps": 4, "record_every": 2, "window_points": 6}
    settings |= {"growth_type": "exponential", "n_dim": 3}
    problem = load_problem("reference", settings, {"growth_rate": "default"}, fixed={"kT": 0.0})
    result = engine.simulate_states(problem, np.array([[0.1]]), np.arange(1), run_key=0)
    assert {name: x.shape[2:] for name, x in result.states.items()} == {
        "position": (3, 4, 3),
        "radius": (3, 4),
        "celltype": (3, 4, 1),
    }
    np.testing.assert_allclose(result.time, [0, 2e-3, 4e-3], rtol=1e-14)
    radius = result.states["radius"][0, 0]
    np.testing.assert_allclose(radius[-1], radius[0] * np.exp(0.4), rtol=1e-3)  # far below the limit


def test_the_initial_state_of_the_reference_study_is_the_notebooks() -> None:
    study: Any = load_study("reference")
    with jax.enable_x64(True):
        state = study.initial_state()
        _, pos_subkey, rad_subkey = jax.random.split(jax.random.PRNGKey(0), 3)
        pos = jax.random.uniform(pos_subkey, (10, 2), minval=-5.0, maxval=5.0)
        rad = jax.nn.relu(jax.random.normal(shape=(10, 1), key=rad_subkey) * 0.1 + 0.3)
    np.testing.assert_array_equal(state.position, pos)
    np.testing.assert_allclose(state.radius, rad, rtol=1e-15)


def test_a_study_says_whether_it_has_noise() -> None:
    assert load_study("reference").is_stochastic and load_study("ornstein-uhlenbeck").is_stochastic
    for name in ("ishigami", "linear"):
        assert not load_study(name).is_stochastic
        assert load_study(name, {"noise": 0.1}).is_stochastic

    class Quiet(type(load_study("reference"))):  # type: ignore[misc]
        stochastic = False

    assert not Quiet().is_stochastic


@pytest.mark.parametrize("draws", [False, True])
def test_a_study_that_draws_nothing_is_noticed(tmp_path: Path, draws: bool) -> None:
    """With one seed and no declaration its run would have no Sobol indices."""
    noise = " + jax.random.normal(key)" if draws else ""
    power = 'parameters["power"]\n'
    code = GOOD.replace(power, power.rstrip() + noise + "\n").replace(
        "import jax.", "import jax\nimport jax."
    )
    problem = load_problem(f"{write(tmp_path, code)}:Hill", {}, {"power": "default"}, ["rest"])
    assert problem.study.is_stochastic and engine.trace(problem).draws is draws


def test_the_linear_study_is_a_weighted_sum() -> None:
    names = [f"x{i}" for i in range(1, 6)]
    problem = load_problem("linear", {"c2": 7.0}, dict.fromkeys(names, "default"))
    result = engine.evaluate(problem, np.array([[1, 10, 100, 1e3, 1e4]]), np.arange(2), run_key=0)
    c = [1, 7, 0.5, 3, -1.5]
    assert result.gradient is not None
    np.testing.assert_allclose(result.value.ravel(), [1 + 70 + 50 + 3000 - 15000] * 2, rtol=1e-15)
    np.testing.assert_allclose(result.gradient, np.broadcast_to(c, (1, 2, 1, 1, 5)), rtol=1e-15)


@pytest.mark.slow
def test_an_epidemic_ends_as_its_final_size_says() -> None:
    """s of ln(s / s0) = -R (1 - s), R = beta / gamma, and its derivatives by the implicit function."""
    names = ("beta", "gamma", "i0")
    problem = load_problem("epidemic", {"days": 600.0, "n_times": 2}, dict.fromkeys(names, "default"))
    point = np.array([[0.4, 0.15, 2e-3]])
    found = engine.evaluate(problem, point, np.arange(1), run_key=0, gradient="forward")
    assert found.gradient is not None
    beta, gamma, i0 = point[0]
    ratio = beta / gamma
    s = optimize.brentq(lambda s: np.log(s / (1 - i0)) + ratio * (1 - s), 1e-9, 0.9, xtol=1e-15)
    of_ratio = -(1 - s) / (1 / s - ratio)
    expected = [of_ratio / gamma, -of_ratio * ratio / gamma, -1 / (1 - i0) / (1 / s - ratio)]
    np.testing.assert_allclose(found.value[0, 0, -1], [0, 1 - s], atol=1e-7)
    # What is not susceptible in the end has recovered.
    np.testing.assert_allclose(found.gradient[0, 0, -1, 1], -np.array(expected), rtol=1e-5)


# --- a user's study ------------------------------------------------------------------------------


def test_a_study_from_a_file(tmp_path: Path) -> None:
    place = write(tmp_path, GOOD)
    problem = load_problem(
        f"{place}:Hill",
        {"n_times": 2},
        {"power": Uniform(low=1, high=3)},
        observables=["rest"],
        fixed={"threshold": 2.0},
    )
    assert problem.study.describe() == "A Hill function of time."
    assert problem.names == ("power",)
    assert problem.fixed == {"threshold": 2.0}
    np.testing.assert_array_equal(problem.centre, [2.0])
    assert engine.trace(problem).shape == (2, 1)
    result = engine.evaluate(problem, np.array([[2.0]]), np.arange(1), run_key=0)
    assert result.gradient is not None
    np.testing.assert_allclose(result.value.ravel(), [0.8, 0.5], rtol=1e-14)
    # d (1 + x^p)^-1 / dp = -x^p ln(x) / (1 + x^p)^2 at x = 1/2 and 1.
    np.testing.assert_allclose(result.gradient.ravel(), [0.25 * np.log(2) / 1.25**2, 0], rtol=1e-13)


def test_a_study_from_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD, "hill_module_of_a_test.py")
    monkeypatch.syspath_prepend(tmp_path)
    study = load_study("hill_module_of_a_test:Hill")
    assert study.settings() == {"precision": "float64", "n_times": 3}


def test_the_defaults_of_a_study_are_used_when_asked_for() -> None:
    problem = load_problem("ornstein-uhlenbeck", {}, {"kT": "default", "k": "default"})
    assert problem.distributions == (LogUniform(low=0.5, high=2), Uniform(low=1, high=3))
    assert problem.fixed == {"gamma": 0.8, "x0": 1.5}
    assert problem.observables == ("position", "squared_position", "squared_displacement")
    np.testing.assert_allclose(problem.centre, [1.0, 2.0])


# --- what is wrong with it -----------------------------------------------------------------------


def message_of(*arguments: Any, **named: Any) -> str:
    with pytest.raises(JaxmorphError) as raised:
        load_problem(*arguments, **named)
    return str(raised.value)


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("referense", ["study = referense: unknown", "did you mean reference?"]),
        ("FILE:Hil", ["no class Hil in ", "did you mean Hill?"]),
        ("FILE:NotAStudy", ["NotAStudy is not a subclass of jaxmorph.Study"]),
        ("nowhere.py:Hill", ["study = nowhere.py: no such file; the path is relative to"]),
        ("no.such.module:Hill", ["importing it raised ModuleNotFoundError"]),
    ],
)
def test_a_study_that_cannot_be_found(tmp_path: Path, spec: str, parts: list[str]) -> None:
    message = message_of(spec.replace("FILE", write(tmp_path, GOOD)), {}, {})
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("replace", "by", "parts"),
    [
        ("import jaxmorph", "import jaxmorf", ["raised ModuleNotFoundError", "jaxmorf"]),
        ("class Hill", "1 / 0\n\n\nclass Hill", ["importing it raised ZeroDivisionError: division"]),
        ('"power"', '"threshold"', ["parameters has threshold more than once"]),
        ('"rest", "1"', '"response", "1"', ["observables has response more than once"]),
        (
            "    parameters = (",
            "    inputs: tuple = (",
            ["set the class attribute parameters to a tuple"],
        ),
        (
            """    observables = (
        jxm.Observable("response", "1", "share of the maximum"),
        jxm.Observable("rest", "1", "what is missing"),
    )""",
            """    observables = (jxm.Observable("response", "1", "share of the maximum"))""",
            ["observables is one Observable, no tuple; ", "ends with a comma: (Observable(...),)"],
        ),
        (
            "    n_times",
            "    parameters = [*parameters]\n    n_times",
            ["parameters is a list; set it to"],
        ),
        ("    n_times", '    state_variables = ("cell",)\n    n_times', ["state_variables[0] is a str"]),
        (
            "    n_times",
            "    time_unit = None\n    n_times",
            ["time_unit = None: must be a text in one line", 'write "1"'],
        ),
        (
            "class NotAStudy",
            "object.__setattr__(Hill.parameters[1], 'unit', None)\n\n\nclass NotAStudy",
            ["parameters[1].unit = None of 'power'", 'write "1" for no unit'],
        ),
        (
            '"power"',
            '"pow\\ner"',
            ["parameters[1].name = 'pow\\ner': ", "leave out slashes, line breaks"],
        ),
        ('"rest", "1"', '"re/st", "1"', ["observables[1].name = 're/st': ", "leave out slashes"]),
        ("2.0, Uniform", 'float("nan"), Uniform', ["parameters[1].default = nan of 'power'"]),
        (
            "class NotAStudy",
            "object.__setattr__(Hill.parameters[1], 'distribution', (1, 4))\n\n\nclass NotAStudy",
            ["distribution = (1, 4) of 'power': ", "Uniform(low=1, hi"],
        ),
        (
            "Uniform(low=1, high=4)",
            "Uniform(low=4, high=1)",
            ["Uniform: low must be less than high, got low = 4, high = 1, at hill.py line 17"],
        ),
        (
            '"what is missing"',
            '"what is missing", low=1, high=0',
            ["observables[1].low = 1 of 'rest' is not below high = 0; exchange them"],
        ),
        (
            "    n_times",
            '    state_variables = (jxm.StateVariable("x", ("cell",), "1", "x"),)\n'
            "    object.__setattr__(state_variables[0], 'dims', ('cell'))\n    n_times",
            ["state_variables[0].dims = 'cell' of 'x': must be a tuple", '("cell",)'],
        ),
        ("    observables = (", "    outputs: tuple = (", ["attribute observables to a tuple of Obser"]),
        ("def simulate", "def simulat", ["abstract", "simulate"]),
    ],
)
def test_a_study_that_is_declared_wrongly(
    tmp_path: Path, replace: str, by: str, parts: list[str]
) -> None:
    assert GOOD.count(replace) >= 1
    message = message_of(write(tmp_path, GOOD.replace(replace, by)) + ":Hill", {}, {})
    assert "\n" not in message
    for part in ("study = ", *parts):
        assert part in message


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"settings": {"n_step": 5}}, ["settings.n_step: ", "has no such setting", "mean n_steps?"]),
        ({"settings": {"n_steps": 0}}, ["settings.n_steps = 0: must be greater than or equal to 1"]),
        ({"settings": {"n_steps": 1.5}}, ["settings.n_steps = 1.5: must be a valid integer"]),
        ({"settings": {"dt": -1.0}}, ["settings.dt = -1.0: must be greater than 0"]),
        ({"settings": {"precision": "half"}}, ["settings.precision = 'half'", "float32", "float64"]),
        ({"parameters": {"gama": "default"}}, ["parameters.gama: ", "no such name", "mean gamma?"]),
        ({"observables": ["positon"]}, ["observables.positon: ", "did you mean position?"]),
        ({"fixed": {"KT": 1.0}}, ["fixed.KT: OrnsteinUhlenbeckStudy has no such name", "mean kT?"]),
    ],
)
def test_names_and_values_the_study_does_not_have(arguments: dict[str, Any], parts: list[str]) -> None:
    complete = {"settings": {}, "parameters": {}, **arguments}
    message = message_of("ornstein-uhlenbeck", **complete)
    for part in parts:
        assert part in message


def test_all_wrong_settings_are_named_at_once() -> None:
    message = message_of("ornstein-uhlenbeck", {"n_dim": 0, "record_everi": 3}, {})
    assert len(message.splitlines()) == 2
    assert "settings.n_dim = 0" in message and "settings.record_everi" in message


def test_records_that_do_not_divide_the_steps() -> None:
    problem = load_problem("ornstein-uhlenbeck", {"record_every": 7}, {"k": "default"})
    with pytest.raises(JaxmorphError, match=r"record_every = 7: must .* divide n_steps = 200"):
        engine.trace(problem)


@pytest.mark.usefixtures("mistyped")
@pytest.mark.parametrize(
    ("replace", "by", "parts"),
    [
        ('"rest": 1', '"remains": 1', ["['remains', 'response']", "declares ['response', 'rest']"]),
        (', "rest": 1 / (1 + x)', "", ["returned the observables ['response']"]),
        ("1 / (1 + x)}", "jnp.sum(x)}", ["observable rest has shape ()", "time has shape (3,)"]),
        ("1 / (1 + x)}", "x[:, None]}", ["observable rest has shape (3, 1)"]),
        (
            "1 / (1 + x)}",
            "x.astype(jnp.float32)}",
            ["observable rest is float32, precision is float64; ", "without casting"],
        ),
        ("return jxm.Recording", "return tuple", ["simulate raised TypeError when traced by JAX"]),
        ("return jxm.Recording(time, ", "return (", ["returned dict, must return a jaxmorph.Recording"]),
        (
            'parameters["power"]',
            'parameters["powr"]',
            [
                "simulate raised KeyError",
                "'powr', which is not the name of a",
                "did you mean power?",
                "line 27",
            ],
        ),
        (
            "time = jnp",
            "if parameters['power'] > 2: return\n        time = jnp",
            [
                "simulate raised TracerBoolConversionError when traced by JAX",
                "use jnp.where (or jax.lax.cond), at hill.py line 26",
            ],
        ),
        ("x / (1 + x)", "__import__('numpy').sin(x)", ["TracerArrayConversionError", "use jax.numpy"]),
        (
            "jnp.arange(1.0, self.n_times + 1)",
            "jnp.zeros(0)",
            ["simulate recorded no times; record one"],
        ),
        (
            "        return jxm.Recording(time, ",
            "        return bare(jnp.asarray(1.0), ",
            ["recorded time is of shape ()", "array([t])"],
        ),
        (
            "        return jxm.Recording(time, ",
            "        return bare([1.0, 2.0, 3.0], ",
            ["the recorded time is list, must be"],
        ),
        (
            "jnp.arange(1.0, self.n_times + 1)",
            "jnp.array([1.0, 1.0, 2.0])",
            ["the recorded times do not increase: 1 comes after 1"],
        ),
        ("jnp.arange(1.0, self.n_times + 1)", "jnp.array([3.0, 2.0, 1.0])", ["2 comes after 3"]),
        ("jnp.arange(1.0, self.n_times + 1)", "jnp.array([0, jnp.nan, 1])", ["a recorded time is nan"]),
        (
            "jnp.arange(1.0, self.n_times + 1)",
            'jnp.arange(1.0, self.n_times + 1) * parameters["power"]',
            ["the recorded times depend on a parameter or the key (", "record at times that nothing"],
        ),
        (
            "        return jxm",
            "        import jax\n        x = jax.pure_callback(lambda x: x, x, x)\n        return jxm",
            ["no forward mode (jax.pure_callback at hill.py:", "use estimator: smoothed"],
        ),
    ],
)
def test_what_simulate_does_wrong_is_said_before_anything_runs(
    tmp_path: Path, replace: str, by: str, parts: list[str]
) -> None:
    assert GOOD.count(replace) == 1
    place = write(tmp_path, GOOD.replace(replace, by))
    problem = load_problem(f"{place}:Hill", {}, {"power": "default"})
    with pytest.raises(JaxmorphError) as raised:
        engine.check_trace(problem, engine.trace(problem))
        engine.check_estimator(problem, "pathwise")
    message = str(raised.value)
    assert "\n" not in message
    for part in ("study Hill", *parts):
        assert part in message


FIELDS = """
import jax
import jax.numpy as jnp
import numpy as np
import jaxmorph as jxm
from jaxmorph.distributions import Uniform


class Fields(jxm.Study):
    parameters = (jxm.Parameter("k", "1", "k", 1.0, Uniform(low=1, high=2)),)
    observables = (jxm.Observable("x", "1", "x"),)
    state_variables = (
        jxm.StateVariable("level", ("cell",), "1", "level"),
        jxm.StateVariable("shape", ("cell", "space"), "1", "shape"),
    )

    def simulate(self, parameters, key):
        time = jnp.linspace(-1.0, 1.0, 3)
        x = parameters["k"] * time + jax.random.normal(key)
        y = jax.lax.scan(lambda c, t: (c + 1.0 * t, c), 0 * x[0], x)[1]
        return jxm.Recording(time, {"x": y}, {"level": jnp.ones((3, 4)), "shape": jnp.ones((3, 4, 2))})
"""


def first_job(folder: Path, code: str) -> str:
    """What the first job says of a study; empty if it takes it."""
    study = f"{write(folder, code, 'fields.py')}:Fields"
    spec = study_specification(study, "k")
    try:
        describe_study("a", spec, Animation(), 8, str(folder / "study.json"), str(folder / "cost.json"))
    except JaxmorphError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("replace", "by", "part"),
    [
        ("linspace(-1.0", "linspace(-1.0", ""),
        ('"level"', '"gradient"', "gradient is the name of something else in a file; call it otherwise"),
        ('"level"', '"value"', "value is the name of something else"),
        ('"level"', '"seed"', "seed is the name of something else"),
        ('"level"', '"time"', "time is the name of something else"),
        ('"level"', '"cell"', "cell is the name of something else"),
        ('"level"', '"le/vel"', "state_variables[0].name = 'le/vel'"),
        ('("cell",)', '("sample",)', "the dimension sample is that of something else"),
        (
            "(3, 4, 2)",
            "(3, 5, 2)",
            "the dimension cell has 4 entries in state level and 5 in state shape",
        ),
        ("jax.random.normal(key)", "np.random.normal()", "at fields.py line 19: "),
        ("jax.random.normal(key)", "np.random.normal(size=3)", "draw with jax.random from the key"),
        ("jax.random.normal(key)", "__import__('time').perf_counter()", "at fields.py line 19: "),
        ("c + 1.0 * t", "c + np.random.normal() * t", "at fields.py line 20: "),
        (
            "c + 1.0 * t",
            "jax.jit(lambda z: z + np.random.normal(size=2).sum())(c)",
            "draw with jax.random",
        ),
    ],
)
def test_what_the_first_job_says_of_a_study(tmp_path: Path, replace: str, by: str, part: str) -> None:
    assert replace in FIELDS
    message = first_job(tmp_path, FIELDS.replace(replace, by))
    assert "\n" not in message and part in message and bool(part) == bool(message)


def test_studies_may_be_made_in_python() -> None:
    class Constant(Study):
        parameters = load_study("ishigami").parameters[:1]
        observables = load_study("ishigami").observables

        def simulate(self, parameters: Any, key: Any) -> Recording:
            return Recording(parameters["x1"][None] * 0, {"ishigami": parameters["x1"][None]})

    study = Constant()
    assert study.describe() == "Constant"
    problem = Problem(study, study.parameters, (Uniform(low=0, high=1),), {}, ("ishigami",))
    result = engine.evaluate(problem, np.array([[0.25], [0.5]]), np.arange(3), run_key=0)
    assert result.gradient is not None
    np.testing.assert_array_equal(result.value[:, :, 0, 0], [[0.25] * 3, [0.5] * 3])
    np.testing.assert_array_equal(result.gradient, np.ones((2, 3, 1, 1, 1)))


def test_all_that_is_wrong_with_a_run_is_said_at_once() -> None:
    with pytest.raises(JaxmorphError) as raised:
        load_problem("linear", {"nois": 1.0}, {"x9": "default"}, ["f"], {"x0": 1.0})
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "settings.nois",
        "parameters.x9",
        "fixed.x0",
        "observables.f",
    ]
