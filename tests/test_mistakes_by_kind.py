"""Mistakes by their kind: out of place, of another kind, without numbers; each is one line."""

import inspect
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from support.problems import study_specification
from test_mistakes import RUN
from test_studies import FIELDS, GOOD

import jaxmorph as jxm
from jaxmorph.command.main import main
from jaxmorph.configuration import read_configuration
from jaxmorph.configuration.fields import near
from jaxmorph.configuration.models import Run
from jaxmorph.configuration.optimise import Optimise
from jaxmorph.configuration.sections import Animation
from jaxmorph.configuration.unknown_keys import PLACES
from jaxmorph.designs import ListDesign
from jaxmorph.distributions import Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs.study import describe_study
from jaxmorph.sensitivity import arrays


def said_of(do: Callable[[], Any]) -> str:
    """The one line that comes of it."""
    with pytest.raises(JaxmorphError) as caught:
        do()
    text = str(caught.value)
    assert text.isprintable() and 10 < len(text) < 700 and "Traceback" not in text
    return text


def of_run(folder: Path, line: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(f"{RUN}    {line}\n", encoding="utf-8")
    return said_of(lambda: read_configuration(path))


# --- keys and values of a configuration -----------------------------------------------------------


def test_every_key_out_of_place_says_where_it_belongs(tmp_path: Path) -> None:
    """Those of all mappings below a run, written beside it."""
    keys = {
        (place, key)
        for place, models in PLACES.items()
        for model in models
        for key in model.model_fields
        if key not in Run.model_fields and not near(key, Run.model_fields)
    }
    assert len(keys) > 50
    for place, key in keys:
        said = of_run(tmp_path, f"{key}: 3")
        assert place in said or "; write " in said, (place, key, said)
        assert "did you mean" not in said


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("zebra: 3", "runs.a.zebra: unknown key; known: study, "),
        ("time: last", "time is a key of findings"),
        ("replicates: 8", "replicates is a key of design"),
        ("color: radius", "colour is a key of animation"),
        ("precision: float32", "precision is a key of settings"),
        ("fixed_parameters: {}", "did you mean fixed or parameters?"),
        ("random_seed: 3", "unknown key; write key"),
        ("checks: off", "for none write {samples: 0}"),
        ("trajectories: none", "for none write {samples: [], seeds: []}"),
        ("findings: last", "write {time: last}"),
        ("animation: radius", "write {colour: radius}"),
        ("fixed: alpha=0.2", "write {alpha: 0.2}"),
        ("groups:", "must be a mapping of keys to values; indent its keys below it"),
        ("corners: epsilon", "must be a list; write [epsilon]"),
        ("trajectories: {samples: 0-3}", "must be a list, with commas between its items"),
        ("corners: all", "runs.a.corners = all: must be a list"),
        ("figures: {names: {kT: {name: T}, epsilon: {name: T}}}", "have one name, T; give each its own"),
        ("smoothing: inf", "must be a number that is finite"),
        ("smoothing: 2 um", "must be a number, without a unit or a formula"),
        ("smoothing: \u22120.5", "write -0.5 (with a hyphen as its sign)"),
        ("study: \u201creference\u201d", "has a left double quotation mark in it"),
        ("seeds:\u00a03", "line 8"),
        ("seeds = 3", "mine.yaml, line 8"),
        ("data: {a: [1, 2}", "before this place a bracket or brace is not closed"),
        ("fixed: {alpha = 0.5}", "alpha = 0.5 has no colon; write alpha: 0.5"),
        (
            "optimise: {objective: [{observable: x, goal: maximise}], stop: {patience: 50}}",
            "patience alone stops nothing; give tolerance",
        ),
    ],
)
def test_what_is_of_another_kind_says_how_to_write_it(tmp_path: Path, line: str, says: str) -> None:
    assert says in of_run(tmp_path, line)


def test_a_run_without_a_name_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    for text in (RUN.replace("  a:\n", ""), re.sub("(?m)^    ", "  ", RUN)):
        path.write_text(text)
        said = said_of(lambda: read_configuration(path))
        assert "runs: has study, parameters, design, which are keys of a run" in said


@pytest.mark.parametrize(
    ("study", "says"),
    [
        ("hill.py.Hill", "write hill.py:Hill"),
        ("hill.Hill", "write hill.py:Hill"),
        ("hill.py::Hill", "write hill.py:Hill"),
        ("hill.ipynb:Hill", "is a notebook; put the class into a file"),
        ("Hill", "epidemic. A study of your own is "),
    ],
)
def test_how_a_study_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hill.py").write_text(GOOD)
    Path("mine.yaml").write_text(RUN.replace("reference", study))
    assert says in said_of(lambda: read_configuration("mine.yaml"))


# --- what the first job finds ---------------------------------------------------------------------

X = '        x = parameters["k"] * time + jax.random.normal(key)\n'


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("        x = x * jnp.nan\n", "x is nan in every record at the medians and the quartiles"),
        ("        x = x / 0\n", "in every record at the medians"),
        (
            '        x = x + jnp.sqrt(0 * parameters["k"])\n',
            "the gradient of x by k is nan in every record",
        ),
        ("        KEPT.append(x); x = KEPT[0]\n", "simulate differs whenever JAX traces it, at "),
        ("        x = max(x, 1)\n", "max, min need one number; use jnp.where, jnp.maximum"),
        ('        x = x * range(parameters["k"])[0]\n', "range() or an index of a list needs a whole n"),
        ('        x = x * len(f"{x[0]:.2f}")\n', "a text cannot have a number that JAX traces"),
        ("        x = x * float(__import__('os').environ['NO'])\n", "raised KeyError when traced by"),
        ("        raise ValueError('\\x1b[31mred')\n", "\\x1b[31mred, at fields.py line 2"),
    ],
)
def test_what_gives_no_numbers_is_found_by_the_first_job(tmp_path: Path, more: str, says: str) -> None:
    assert X in FIELDS
    code = FIELDS.replace(X, X + more).replace("\n\nclass", "\nKEPT = []\n\n\nclass")
    said = first_job(tmp_path, code)
    assert says in said and "not the name of a parameter" not in said


def test_a_record_without_a_number_is_no_mistake(tmp_path: Path) -> None:
    """As of a ratio that there is none of at first: it is left out there."""
    y = '{"x": y}'
    assert y in FIELDS
    describe(tmp_path, FIELDS.replace(y, '{"x": jnp.where(time > -1, y, jnp.nan)}'))


def test_a_study_that_says_it_has_no_noise_has_none(tmp_path: Path) -> None:
    line = "    state_variables"
    said = first_job(tmp_path, FIELDS.replace(line, f"    stochastic = False\n{line}", 1))
    assert "says stochastic = False, and seeds differ" in said


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"observable": "X", "goal": "maximise"}, "objective[0].observable = X: the study has no such"),
        ({"observable": "k", "goal": "maximise"}, "objective[0].observable = k: the study has no such"),
    ],
)
def test_an_objective_is_held_against_the_study_by_the_first_job(
    tmp_path: Path, more: dict[str, Any], says: str
) -> None:
    asked = Optimise.model_validate({"objective": [more]})
    assert says in first_job(tmp_path, FIELDS, optimise=asked)


def test_points_of_a_list_are_within_their_distributions(tmp_path: Path) -> None:
    design = ListDesign(points=({"k": 1.5}, {"k": 50.0}))
    said = first_job(tmp_path, FIELDS, design=design)
    assert "design.points[1].k = 50: is outside of its distribution, 1 to 2; widen" in said


def describe(folder: Path, code: str, **asked: Any) -> None:
    (folder / "fields.py").write_text(code)
    spec = study_specification(f"{folder / 'fields.py'}:Fields", "k")
    files = (str(folder / name) for name in ("study.json", "cost.json"))
    describe_study("a", spec, Animation(), 8, *files, **asked)


def first_job(folder: Path, code: str, **asked: Any) -> str:
    return said_of(lambda: describe(folder, code, **asked))


# --- calls of the library -------------------------------------------------------------------------

UNIT = Uniform(low=0, high=1)
POINTS = np.array([[0.25, 0.5], [0.5, 0.25], [0.75, 0.5]])
DESIGN = {"method": "sobol", "samples": 8}
WRONG: list[Any] = [None, 3, 2.5, "x", b"x", ["x"], [3], object(), {"x": object()}, np.ones(2), Uniform]


def function(parameters: Any) -> Any:
    return parameters["a"] * parameters["b"]


@pytest.mark.parametrize(
    "argument", ["parameters", "observables", "design", "seeds", "key", "folder", "settings", "fixed"]
)
@pytest.mark.parametrize("value", WRONG, ids=[type(value).__name__ for value in WRONG])
def test_an_argument_of_another_kind_is_one_line(argument: str, value: Any) -> None:
    fine: dict[str, list[Any]] = {"parameters": [None], "seeds": [None, 3], "key": [3]}
    fine["folder"] = [None, "x"]
    if any(value is one or value == one for one in fine.get(argument, []) if type(value) is type(one)):
        return
    said_of(lambda: jxm.analyse("ishigami", **{"design": DESIGN, "progress": False, argument: value}))


@pytest.mark.parametrize("value", WRONG, ids=[type(value).__name__ for value in WRONG])
def test_arrays_of_another_kind_are_one_line(value: Any) -> None:
    """What the types of the annotations would not let through under test, too."""
    functions: list[Any] = [arrays.check_types, arrays._numbers, arrays._course]
    check_types, numbers, course = map(inspect.unwrap, functions)
    check_types(POINTS, {"a": UNIT}, {})
    for argument in ("design", "groups", "correlations", "stochastic", "trim"):
        if not (value is None and argument == "design") and not (
            isinstance(value, dict) and argument == "groups"
        ):
            said_of(partial(check_types, POINTS, {"a": UNIT}, {argument: value}))
    said_of(partial(check_types, POINTS, value, {}))
    if not isinstance(value, int | float | np.ndarray | list | None):
        said_of(partial(numbers, "theta", value))
        said_of(partial(course, value))
    for wrong in (["0 h"], [2.0, 1.0], [1.0, 1.0], [np.nan]):
        said_of(partial(course, wrong))
    said_of(partial(numbers, "value", [1j]))
    said_of(partial(numbers, "theta", [[1.0, 2.0], [3.0]]))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"parameters": ["a", "b"]}, "must be a mapping of names to distributions"),
        (
            {"parameters": {"a": (0, 1)}},
            "parameters.a = (0, 1): must be a name and one of jaxmorph.distr",
        ),
        ({"parameters": {"a": Uniform}}, "must be a name and one of jaxmorph.distributions"),
        ({"parameters": {1: UNIT}}, "parameters.1 = "),
        ({"observables": "yield"}, "observables = 'yield': must be a list; write ['yield']"),
        ({"function": 3.0}, "function = 3.0: is none; name it without calling it"),
        (
            {"function": lambda a, b: a * b},
            "the function takes a, b by name; let it take one dictionary",
        ),
        (
            {"parameters": {"a": jxm.Parameter("x", "1", "x", 0.5, UNIT), "b": UNIT}},
            "is of the name x; make them the same",
        ),
        ({"function": lambda p: (p["a"], p["b"])}, "returned a tuple as y; return a number, an array"),
        ({"function": lambda p: None}, "returned a NoneType as y"),
        ({"function": lambda p: {}}, "returned an empty dict"),
        ({"function": lambda p: p["a"] * 1j}, "which is complex; return real numbers"),
        ({"time_unit": None}, "time_unit = None: must be a text"),
    ],
)
def test_a_function_that_makes_no_study(asked: dict[str, Any], says: str) -> None:
    right: dict[str, Any] = {"function": function, "parameters": {"a": UNIT, "b": UNIT}}
    made = right | asked

    def analyse() -> None:
        study = inspect.unwrap(jxm.study)(made.pop("function"), **made)
        jxm.analyse(study, design=DESIGN, seeds=1, progress=False)

    assert says in said_of(analyse)


def test_a_default_is_not_taken_for_the_random_key() -> None:
    made = jxm.study(lambda p, scale=2.0: p["a"] * scale, parameters={"a": UNIT})
    assert not made.is_stochastic
    found = made.simulate({"a": jnp.asarray(3.0)}, None)  # type: ignore[arg-type]
    assert float(found.observables["y"][0]) == 6.0


# --- folders on the command line ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["init", "file/x"], "cannot be a folder to start in: Not a directory"),
        (["init", "file"], "cannot be a folder to start in: File exists"),
        (["init", "a\0b"], "cannot be a folder to start in: "),
        (["init", "x" * 300], "cannot be a folder to start in: File name too long"),
        (["verify", "empty"], "empty: has no file of a run; name the folder of one: results/NAME"),
        (["verify", "."], "has no file of a run"),
        (["reproduce", "file", "out"], "file: is no page; name the report.html of a run"),
        (["run", "study.py"], "study.py: a configuration is YAML; name it .yaml"),
    ],
)
def test_a_wrong_folder_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    for name in ("file", "study.py"):
        Path(name).write_text("x\n")
    Path("jaxmorph.yaml").write_text(RUN)
    assert main(words) == 1
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and not said.out
    assert len(list(Path().iterdir())) == 4


def test_check_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(RUN.replace("kT:", "KT:"))
    assert main(["check", str(path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {path}: runs.a.parameters.KT: ") and said.count("\n") == 1
