"""Mistakes in studies, searches, data and pages: each is one readable line, or changes nothing.

Some are listed, others are made by a seeded generator. None gives a traceback, and nothing that is wrong
is taken for something else.
"""

import base64
import random
import re
import time
from pathlib import Path

import pytest
import yaml
from support.carrying import page_of, right
from support.problems import study_specification
from test_studies import GOOD

from jaxmorph.configuration.courses import MeasuredCourse, read_course
from jaxmorph.configuration.optimise import Optimise
from jaxmorph.configuration.sections import Animation
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs.optimise import check_search
from jaxmorph.jobs.study import describe_study
from jaxmorph.report import unpacking
from jaxmorph.studies import load_problem


def is_readable(line: str) -> bool:
    """One line, of a length that is read, of which a terminal takes nothing for a command."""
    hidden = re.search(r"Traceback|\bdefect\b|<frozen|0x[0-9a-f]{6}", line)
    return line.isprintable() and 10 < len(line) < 500 and hidden is None


# --- studies --------------------------------------------------------------------------------------

POWER, REST = '"power", "1", "steepness", 2.0, Uniform(low=1, high=4)', '"rest", "1", "what is missing"'
N = "    n_times: int = 3\n"
S = "    def simulate(self, parameters, key):\n"
R = '        return jxm.Recording(time, {"response": x / (1 + x), "rest": 1 / (1 + x)})'
TOP = "import jax.numpy as jnp\n"
RECORDED = "        return jxm.Recording(time, {})"

STUDIES: list[tuple[str, str, str]] = [
    # The declaration of a parameter or observable.
    ("Uniform(low=1, high=4)", "None", "parameters[1].distribution = None of 'power': must be one of"),
    ("Uniform(low=1, high=4)", "Uniform", "must be one of jaxmorph.distributions, such as Uniform(low"),
    ("Uniform(low=1, high=4)", "Uniform(1, 4)", "importing it raised TypeError: "),
    ("Uniform(low=1, high=4)", 'Uniform(low="1", high=4)', "Uniform: low: Input should be a valid n"),
    ("Uniform(low=1, high=4)", 'Uniform(low=1, high=float("inf"))', "should be a finite number"),
    ("Uniform(low=1, high=4)", "Uniform(lo=1, high=4)", "importing it raised ValidationError: Uniform"),
    (POWER, '"power", "1", 2.0, Uniform(low=1, high=4)', "missing 1 required positional argument"),
    ('"steepness", 2.0', '"steepness", "2.0"', "parameters[1].default = '2.0' of 'power'"),
    ('"steepness", 2.0', '"steepness", 10**400', "of 'power': must be a finite number"),
    ('"steepness", 2.0', '"steepness", True', "default = True of 'power': must be a finite number"),
    ('"steepness", 2.0', '"steepness", jnp.ones(2)', "of 'power': must be a finite number"),
    ('"steepness", 2.0', "None, 2.0", "description = None of 'power': must be a text, a few words"),
    ('"steepness"', '"\\ud800"', "description = '\\ud800' of 'power': must be a text"),
    ('"power"', '"po$w$er"', "leave out dollar signs; mathematics is a symbol of figures.names"),
    ('"power"', '"p$$"', "leave out dollar signs"),
    ('"power"', '""', "parameters[1].name = '': must be a text"),
    ('"power"', "3", "parameters[1].name = 3: must be a text"),
    ('"power"', '"x" * 300', "has 300 letters; 100 at most are seen in a figure"),
    ('"power"', '"pow\\x00er"', "leave out slashes, line breaks and blanks"),
    ('"power"', '" power"', "leave out slashes, line breaks and blanks"),
    ('"power"', '"\\u202epower"', "leave out slashes, line breaks and blanks"),
    (REST, '"rest", "$", ""', "unit = '$' of 'rest': must be a text in one line, without $"),
    (REST, '"rest", "", ""', "unit = '' of 'rest': must be a text in one line"),
    (REST, '"rest", 1, ""', "unit = 1 of 'rest'"),
    (REST, '"rest", None, ""', "unit = None of 'rest'"),
    (REST, '"rest"', "Observable.__init__() missing 2 required positional arguments"),
    (REST, '"rest", "1", "", "0"', "low = '0' of 'rest': must be a number, or None"),
    (REST, '"rest", "1", "", 2, 1', "low = 2 of 'rest' is not below high = 1; exchange them"),
    # The class.
    (N, f'{N}    time_unit = "$h$"\n', "time_unit = '$h$': must be a text in one line, without $"),
    (N, f'{N}    time_unit = ""\n', "time_unit = '': must be a text"),
    (N, f'{N}    stochastic = "no"\n', "stochastic = 'no': must be True or False"),
    (N, f"{N}    parameters = None\n", "parameters is a NoneType; set it to a tuple of Parameter"),
    (N, f"{N}    parameters = {{p.name: p for p in parameters}}\n", "parameters is a dict; set it"),
    (N, f'{N}    parameters = "power"\n', "parameters is a str; set it to a tuple of Parameter"),
    (N, f"{N}    parameters = parameters[0]\n", "parameters is one Parameter, no tuple"),
    (N, f"{N}    parameters = ()\n", "set the class attribute parameters to a tuple of Parameter"),
    (N, f"{N}    parameters = (None,)\n", "parameters[0] is a NoneType, must be a Parameter"),
    (N, f"{N}    observables = list(observables)\n", "observables is a list; set it to a tuple of Obs"),
    (N, f"{N}    observables = set(observables)\n", "observables is a set; set it"),
    (N, f"{N}    observables = ()\n", "set the class attribute observables to a tuple of Observable"),
    (N, f"{N}    observables = observables + parameters\n", "observables[2] is a Parameter, must be a"),
    (N, f"{N}    observables = observables * 2\n", "observables has response, rest more than once"),
    (N, f"{N}    state_variables = None\n", "state_variables is a NoneType; set it to a tuple"),
    (N, "    n_times = 3\n", "n_times = 3 is no setting without its type; write n_times: type = 3"),
    (N, '    n_times: "what" = 3\n', "you should define `what`"),
    (N, "    n_times: int\n", "settings.n_times: is missing, and Hill has no default for it"),
    (N, '    n_times: int = "three"\n', "settings.n_times = 'three': must be a valid integer"),
    (N, f"{N}    many: set = {{1}}\n", "settings.many = {1}: is written into files, so it must be"),
    (N, f"{N}    where: complex = 1j\n", "settings.where = 1j: is written into files"),
    (N, f'{N}    half: str = "\\ud800"\n', "settings.half = '\\ud800': is written into files"),
    (
        N,
        f"{N}    def model_post_init(self, c):\n        raise RuntimeError('no')\n",
        "RuntimeError: no, at",
    ),
    (
        N,
        f"{N}    def model_post_init(self, c):\n        raise SystemExit(0)\n",
        "raised SystemExit: 0, at",
    ),
    (N, f"{N}    def __init__(self):\n        pass\n", "has no settings; let its __init__ call that of"),
    (N, f"{N}    def __init__(self, a):\n        pass\n", "missing 1 required positional argument: 'a'"),
    (N, f"{N}    @classmethod\n    def describe(cls):\n        pass\n", "its description is None"),
    (N, f"{N}    @property\n    def is_stochastic(self):\n        return 1 / 0\n", "ZeroDivisionError"),
    (
        N,
        f"{N}    @property\n    def is_stochastic(self):\n        pass\n",
        "is_stochastic is None; it mu",
    ),
    ("class Hill(jxm.Study):", "class Hill:", "Hill is not a subclass of jaxmorph.Study"),
    ("class Hill(jxm.Study):", "class Hil(jxm.Study):", "did you mean Hil?"),
    ("class Hill(jxm.Study):", "def Hill(jxm=None):", "Hill is not a subclass of jaxmorph.Study"),
    ("class Hill(jxm.Study):\n", "class Hill(jxm.Study):\n\tx = 1\n", "importing it raised Indentation"),
    # The file.
    (TOP, f"import sys; sys.exit()\n{TOP}", "importing it raised SystemExit, at "),
    (TOP, f"import sys; sys.exit('bye')\n{TOP}", "importing it raised SystemExit: bye, at "),
    (TOP, f"raise BaseException('x')\n{TOP}", "importing it raised BaseException: x, at "),
    (
        TOP,
        f"{TOP}from __future__ import annotations\n",
        "importing it raised SyntaxError: from __future__",
    ),
    (
        "\nfrom collections",
        "# coding: latin-1\n# \xb5\nfrom collections",
        "line 2 is not UTF-8; save the",
    ),
    ("\nfrom collections", "# \xb5\nfrom collections", "line 1 is not UTF-8; save the file as UTF-8"),
    (
        "\nfrom collections",
        "\0from collections",
        "importing it raised SyntaxError: source code string ca",
    ),
    ("\nfrom collections", "# coding: none\nfrom collections", "unknown encoding: none"),
    ("import jaxmorph as jxm\n", "import jaxmorph\n", "importing it raised NameError: name 'jxm'"),
    # What it returns.
    (S, "    def simulate(self, parameters):\n", "simulate is of (self, parameters, key)"),
    (
        S,
        "    def simulate(self, parameters, key, dt):\n",
        "simulate is of (self, parameters, key)",
    ),
    (R, "        yield 1", "simulate returned generator, must return a jaxmorph.Recording"),
    (R, "        return None", "simulate returned NoneType, must return a jaxmorph.Recording"),
    (R, RECORDED.replace("{}", "[x, x]"), "observables of the Recording are a list; make it a dict"),
    (R, RECORDED.replace("{}", "x"), "make it a dict"),
    (R, RECORDED.replace("{}", '{"response": x}'), "class declares ['response', 'rest']; make them the"),
    (R, RECORDED.replace("{}", '{"response": None, "rest": x}'), "observable response has shape None"),
    (R, RECORDED.replace("{}", '{"response": [1.0], "rest": x}'), "observable response has shape None"),
    (R, RECORDED.replace("{}", '{"response": x, "rest": x + 1j}'), "observable rest is complex128"),
    (R, RECORDED.replace("{}", '{"response": x, "rest": x > 1}'), "observable rest is bool"),
    (R, RECORDED.replace("{}", '{"response": x, "rest": x}, [x]'), "states of the Recording are a list"),
    (R, RECORDED.replace("{}", '{"response": x, "rest": x}, {"a": x}'), "returned the states ['a']"),
    (R, R.replace("time,", "time[:, None],"), "the recorded time is of shape (3, 1)"),
    (R, R.replace("time,", "None,"), "the recorded time is NoneType"),
    (R, R.replace("time,", "time * jnp.inf,"), "a recorded time is inf at the medians"),
    (R, R.replace("time,", "-time,"), "the recorded times do not increase"),
    (R, R.replace("time,", "time > 1,"), "the recorded times are bool; make them real numbers"),
    (R, R.replace("time,", 'jnp.array(["a"]),'), "simulate raised TypeError when traced by JAX"),
    (R, "        raise SystemExit(0)", "simulate raised SystemExit when traced by JAX: 0, at "),
    (R, f"        assert x[0] > 0\n{R}", "use jnp.where (or jax.lax.cond), at "),
    (R, "        return float(x[0])", "float(), int() or a shape needs a number"),
    (
        R,
        f"        self.n_times = 4\n{R}",
        "raised ValidationError when traced by JAX: Hill: n_times: Insta",
    ),
    (R, "        return parameters.power", "'dict' object has no attribute 'power', at "),
]


@pytest.mark.usefixtures("mistyped")
@pytest.mark.parametrize(("replace", "by", "part"), STUDIES)
def test_a_mistake_in_a_study_is_one_line_of_the_first_job(
    tmp_path: Path, replace: str, by: str, part: str
) -> None:
    assert GOOD.count(replace) >= 1
    code = GOOD.replace(replace, by)
    file = tmp_path / "hill.py"
    file.write_bytes(code.encode("latin-1" if "\xb5" in code else "utf-8"))
    study = f"{file}:Hill"
    spec = study_specification(study, "power")
    output, cost = (str(tmp_path / name) for name in ("study.json", "cost.json"))
    with pytest.raises(JaxmorphError) as caught:
        describe_study("a", spec, Animation(), 8, output, cost)
    lines = str(caught.value).replace(str(tmp_path), "").splitlines()
    assert part in lines[0] and all(map(is_readable, lines)), lines
    assert not (tmp_path / "study.json").exists()


def test_a_blank_docstring_is_no_mistake(tmp_path: Path) -> None:
    for i, words in enumerate(('"""  \n\n   """', "'''A\u00b5'''", "x: int = 1")):
        code = re.sub(r'""".*?"""', words, GOOD, count=1, flags=re.DOTALL)
        file = tmp_path / f"blank{i}.py"
        file.write_text(code, encoding="utf-8")
        described = load_problem(f"{file}:Hill", {}, {"power": "default"}).study.describe()
        assert described == ("A\u00b5" if "A" in words else "Hill")


# --- searches -------------------------------------------------------------------------------------

SEARCHES: list[tuple[str, str]] = [
    (
        "starts: {method: list, points: [{power: 0.5}]}",
        "starts.points[0].power = 0.5: is not between the bou",
    ),
    (
        "starts: {method: list, points: [{power: 2}, {power: 9}]}",
        "starts.points[1].power = 9: is not bet",
    ),
    ("starts: {method: list, points: [{power: -1.0e+300}]}", "distribution, 1 and 4; start inside"),
    ("optimiser: {settings: {b1: fast}}", "optimiser.settings.b1 = 'fast': must be a number"),
    ("optimiser: {settings: {b1: true}}", "optimiser.settings.b1 = True: must be a number"),
    ("optimiser: {settings: {b1: 1.0}}", "settings.b1 = 1.0: must be at least 0 and less than 1"),
    ("optimiser: {settings: {b2: 999}}", "settings.b2 = 999: must be at least 0 and less than 1"),
    ("optimiser: {settings: {b1: -0.5}}", "settings.b1 = -0.5: must be at least 0 and less than 1"),
    ("optimiser: {settings: {nesterov: 1}}", "settings.nesterov = 1: must be true or false"),
    ("optimiser: {settings: {nesterov: 'yes'}}", "settings.nesterov = 'yes': must be true or false"),
    ("optimiser: {name: sgd, settings: {momentum: 1.5}}", "settings.momentum = 1.5: must be at least 0"),
    (
        "optimiser: {name: sgd, settings: {momentum: a lot}}",
        "settings.momentum = 'a lot': must be a num",
    ),
    ("optimiser: {name: adafactor, settings: {min_dim_size_to_factor: 2.5}}", "must be a whole number"),
    ("optimiser: {name: adafactor, settings: {factored: none}}", "factored = 'none': must be true or"),
    ("optimiser: {name: polyak_sgd, settings: {variant: 3}}", "settings.variant = 3: must be a text"),
    (
        "optimiser: {name: polyak_sgd, settings: {variant: quick}}",
        "optimiser.settings: polyak_sgd refus",
    ),
    ("optimiser: {name: rmsprop, settings: {decay: '0,9'}}", "settings.decay = '0,9': must be a number"),
    ("optimiser: {name: adadelta, settings: {rho: 1}}", "settings.rho = 1: must be at least 0 and less"),
    ("optimiser: {name: lbfgs}", "optimiser.name = lbfgs: searches along lines, which fresh seeds misl"),
    (
        "optimiser: {name: lbfgs, settings: {memory_size: ten}}",
        "memory_size = 'ten': must be a whole nu",
    ),
    (
        "fresh: false\noptimiser: {name: lbfgs, settings: {memory_size: 0}}",
        "optimiser.settings: lbfgs ref",
    ),
    ("optimiser: {settings: {eps_root: -1.0e+9}}", "the first step of adam is no number"),
    (
        "optimiser: {schedule: {name: constant_schedule, settings: {value: slow}}}",
        "optimiser.schedule.settings.value = 'slow': must be a number",
    ),
    (
        "optimiser: {schedule: {name: constant_schedule, settings: {value: -0.1}}}",
        "the learning rate would be -0.1; it must not be negative",
    ),
    (
        "optimiser: {schedule: {name: cosine_decay_schedule, settings: "
        "{init_value: 1, decay_steps: 0}}}",
        "optimiser.schedule.settings: cosine_decay_schedule refuses them",
    ),
    (
        "optimiser: {schedule: {name: cosine_decay_schedule, settings: "
        "{init_value: 1, decay_steps: 1.5}}}",
        "settings.decay_steps = 1.5: must be a whole number",
    ),
    (
        "optimiser: {schedule: {name: linear_schedule, settings: {init_value: 0.1, end_value: -1, "
        "transition_steps: 100}}}",
        "the learning rate would be -",
    ),
    (
        "optimiser: {schedule: {name: polynomial_schedule, settings: {init_value: 0.1, end_value: 0.0, "
        "power: two, transition_steps: 9}}}",
        "optimiser.schedule.settings.power = 'two': must be a number",
    ),
]


@pytest.mark.parametrize(("text", "part"), SEARCHES)
def test_a_mistake_in_a_search_is_one_line_of_the_first_job(
    tmp_path: Path, text: str, part: str
) -> None:
    (tmp_path / "hill.py").write_text(GOOD)
    objective = [{"goal": "maximise", "observable": "response"}]
    asked = Optimise.model_validate({"objective": objective, **yaml.safe_load(text)})
    problem = load_problem(f"{tmp_path / 'hill.py'}:Hill", {}, {"power": "default"})
    with pytest.raises(JaxmorphError) as caught:
        check_search(problem, asked)
    assert part in str(caught.value) and is_readable(str(caught.value)), str(caught.value)


# --- measured data --------------------------------------------------------------------------------

TIMES, VALUES = (0.0, 0.5, 1.0, 2.0), (1.0, 1.5, 2.25, 3.0)
COURSE = MeasuredCourse(TIMES, VALUES, (0.1, 0.1, 0.2, 0.2), {"time": "h", "height": "um"})
JUNK = [
    "",
    "n/a",
    "NaN",
    "-",
    "1.2.3",
    "1,5",
    "1e",
    "0x10",
    "true",
    "1 000",
    "\u0661",
    "12:30",
    "1/2",
    "=A1+B1",
    "inf",
]
OTHER_ERRORS = [
    "height_err",
    "Height_error",
    "height error",
    "heigth_error",
    "error",
    "height_sd",
    "SE",
    "height_erorr",
]


def wrong_table(random: random.Random) -> str:
    """A CSV file with one mistake."""
    table = [["time [h]", "height [um]", "height_error"]]
    table += [[str(x) for x in row] for row in zip(TIMES, VALUES, COURSE.error or (), strict=True)]
    row, column = random.randrange(1, len(table)), random.randrange(3)
    kind = random.choice(
        ["junk", "short", "long", "double", "name", "error", "order", "sign", "twice", "commas"]
    )
    match kind:
        case "junk":
            junk = random.choice(JUNK)
            table[row][column] = f'"{junk}"' if "," in junk else junk
        case "short":
            table[row] = table[row][:-1]
        case "long":
            table[row].insert(column, "7")
        case "double":
            table = [
                [*cells, cells[column].split(" ")[0] if i == 0 else "9"] for i, cells in enumerate(table)
            ]
        case "name":
            name = ["time", "height"][column % 2]
            table[0][column % 2] = random.choice(
                [name[:-1], name.upper(), f"{name} (h)", f"{name}s", ""]
            )
        case "error":
            table[0][2] = random.choice(OTHER_ERRORS)
        case "order":
            table[row], table[row - 1 or 2] = table[row - 1 or 2], table[row]
        case "sign":
            table[row][2] = random.choice(["0", "-0.1", "-1e-9"])
        case "twice":
            table.insert(row, table[row])
        case "commas":
            table = [[cell.replace(".", ",") for cell in cells] for cells in table]
    sign = random.choice([";", "\t"]) if kind == "commas" and random.random() < 0.7 else ","
    return "".join(sign.join(cells) + "\n" for cells in table)


def test_seeded_mistakes_in_measured_data_are_refused_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "course.csv"
    said = set()
    for seed in range(150):
        path.write_text(text := wrong_table(random.Random(seed)), encoding="utf-8")
        with pytest.raises(ValueError) as caught:  # of nothing else
            read_course(str(path), "height")
            pytest.fail(f"seed {seed} was taken:\n{text}")
        assert is_readable(str(caught.value)), (seed, str(caught.value))
        said.add(re.sub(r'[\d.]+|".*?"', "", str(caught.value)))
    assert len(said) > 15


def test_seeded_damage_of_measured_data_is_refused_or_changes_digits_alone(tmp_path: Path) -> None:
    """Any byte may become any other: the numbers are those that are there, or a line says why not."""
    path = tmp_path / "course.csv"
    clean = b"time [h],height [um],height_error\n0,1.0,0.1\n0.5,1.5,0.1\n1,2.25,0.2\n2,3.0,0.2\n"
    for seed in range(400):
        draw = random.Random(seed)
        content = bytearray(clean)
        place = draw.randrange(len(content))
        content[place] = draw.randrange(256)
        path.write_bytes(content)
        try:
            found = read_course(str(path), "height")
        except ValueError as error:
            assert is_readable(str(error)), (seed, str(error))
            continue
        cells = content.decode().replace("\r", "\n").split("\n")
        written = [line.split(",") for line in cells[1:] if line.strip()]
        assert [float(row[1]) for row in written] == list(found.value), seed
        assert found.error is not None, f"seed {seed}: the errors were ignored"


# --- pages that are handed to reproduce -----------------------------------------------------------

NAMES = [
    "../x.py",
    "/etc/x",
    "a/b",
    ".x",
    "-x",
    "",
    "x\0y",
    "con",
    "x" * 300,
    "\u202ex",
    "C:\\x",
    "x ",
]
LINES = [
    "-e .",
    "--pre",
    "evil==1",
    "numpy @ http://x",
    "git+ssh://x",
    "numpy",
    "./x.whl",
    "-r x",
    "numpy>1 # x",
]
CONFIGURATIONS = [
    "[]",
    "runs:",
    "runs: []",
    "runs: {}",
    "runs: {a: 1}",
    "runs: {a: {study: 3}}",
    "a: [",
    "- *x",
    "\t",
    "%",
    "runs: {a: {study: x}, b: {study: x}}",
    "runs: {a: {study: /x.py:A}}",
    "runs: {a: {study: x, data: [/x]}}",
    "runs: {a: {study: x, data: 3}}",
    "runs: {a: {study: x, optimise: {objective: [{data: ../x}]}}}",
    "runs: {a: {study: x, data: [..]}}",
    "!!python/object/apply:os.system ['true']",
    "a: &a [*a]",
    "\ud7ff: :",
    "runs: {a: {study: x, optimise: 3}}",
    "{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{",
    "runs: {a: {study: x, data: [2030-13-45]}}",
]


def wrong_page(random: random.Random) -> bytes:
    """A page with one mistake, of an evil author or of a bad copy."""
    texts = right()
    page = page_of(texts).encode()
    match random.choice(
        ["flip", "flip", "cut", "span", "twice", "name", "line", "yaml", "gone", "base64"]
    ):
        case "flip":
            flipped = bytearray(page)
            flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
            return bytes(flipped)
        case "cut":
            return page[: random.randrange(len(page))]
        case "span":
            begin = random.randrange(len(page))
            return page[:begin] + page[begin + random.randrange(1, 2000) :]
        case "twice":
            begin = random.randrange(len(page))
            return page[:begin] + page[begin - random.randrange(1, 2000) :]
        case "name":
            texts[random.choice(NAMES)] = "1"
        case "line":
            lines = texts["requirements.txt"].splitlines()
            lines.insert(random.choice([0, 1, len(lines)]), random.choice(LINES))
            texts["requirements.txt"] = "\n".join(lines)
        case "yaml":
            texts["config.yaml"] = random.choice(CONFIGURATIONS)
        case "gone":
            del texts[random.choice(["config.yaml", "requirements.txt"])]
        case "base64":
            encoded = base64.b64encode(texts["trap.py"].encode())
            changed = random.choice([encoded[:-5], encoded[::-1], b"", b"%41", b"=" + encoded])
            return page.replace(encoded, changed)
    return page_of(texts).encode()


def test_seeded_mistakes_in_pages_are_one_line_or_change_nothing(tmp_path: Path) -> None:
    page, begin, refused = tmp_path / "report.html", time.monotonic(), 0
    for seed in range(300):
        page.write_bytes(wrong_page(random.Random(seed)))
        try:
            files = unpacking.carried(page)
        except JaxmorphError as error:
            line = str(error).replace(str(tmp_path), "")
            assert is_readable(line) and line.startswith("/report.html: "), (seed, line)
            refused += 1
        else:  # what a study reads may be gone: the workflow says so, by its name
            wanted = right()
            assert all(files[name] == wanted.get(name) for name in files), seed
            assert set(wanted) - set(files) <= {"force.csv", "trap.py"}, seed
    assert refused > 200 and time.monotonic() - begin < 20


def test_what_is_shown_of_a_page_is_what_is_written(tmp_path: Path) -> None:
    """All of the code, whatever is in it, as far as a terminal can show it."""
    code = right()["trap.py"] + "".join(map(chr, range(1, 0x250))) + "\u2028\u202e\u200b\n"
    (tmp_path / "report.html").write_text(page_of(right() | {"trap.py": code}), encoding="utf-8")
    files = unpacking.carried(tmp_path / "report.html")
    said = unpacking.announcement(tmp_path / "report.html", files)
    assert files["trap.py"] == code
    assert all(c.isprintable() or c in "\n\t" for c in said)
