import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import netCDF4
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from jaxmorph.configuration import (
    Configuration,
    Run,
    load_configuration,
    read_configuration,
)
from jaxmorph.configuration.code import code_digest
from jaxmorph.configuration.courses import MeasuredCourse, read_course
from jaxmorph.configuration.document import json_schema, outdated, write
from jaxmorph.configuration.specify import Specifications
from jaxmorph.errors import JaxmorphError

ROOT = Path(__file__).parents[1]
GOOD = """\
study: reference
parameters:
  epsilon: {distribution: uniform, low: 2, high: 4}
  kT: {distribution: log-uniform, low: 0.5, high: 2.0}
design: {method: sobol, samples: 64, seed: 0}
"""


def good(**changes: Any) -> dict[str, Any]:
    return yaml.safe_load(GOOD) | changes


def make_run(**changes: Any) -> Run:
    return load_configuration({"runs": {"a": good(**changes)}}).runs["a"]


def message(config: Mapping[str, Any], **kwargs: Any) -> str:
    with pytest.raises(JaxmorphError) as error:
        load_configuration(config, **kwargs)
    return str(error.value)


# What replaces the keys of a good run, in YAML, and the whole message.
_DISTRIBUTION = (
    "must be a distribution such as {distribution: uniform, low: 0, high: 1}, or the word default"
)
BAD_RUNS = [
    ("findings: {time: lst}", "runs.a.findings.time = lst: must be the word last or a time"),
    ("findings: {time: true}", "runs.a.findings.time = true: must be the word last or a time"),
    ("findings: {when: 3}", "runs.a.findings.when: unknown key; known: time"),
    (
        "summaries: {peak: {of: x, take: median}}",
        "runs.a.summaries.peak.take = median: must be maximum, minimum, integral or time of maximum",
    ),
    (
        "summaries: {peak: {of: x}}",
        "runs.a.summaries.peak.take: is missing (what is taken of its recorded values: the largest or "
        "smallest, the integral over time (trapezoidal rule), or the time of the largest (of the "
        "parabola through it and its neighbours))",
    ),
    (
        "summaries: {a peak: {of: x, take: maximum}}",
        'runs.a.summaries: "a peak" cannot be the name of a summary; use letters, digits and _',
    ),
    ("seeds: 0", "runs.a.seeds = 0: must be at least 1"),
    ("seeds: -3", "runs.a.seeds = -3: must be at least 1"),
    ("seeds: 1.5", "runs.a.seeds = 1.5: must be a whole number"),
    ("seeds: true", "runs.a.seeds = true: must be a whole number"),
    ("seeds:", "runs.a.seeds = null: must be a whole number"),
    ("seeds: many", "runs.a.seeds = many: must be a whole number"),
    (
        'seeds: "16"',
        'runs.a.seeds = "16": must be a whole number, not a text; write it without quotes',
    ),
    (
        "seeds: 1e3",
        "runs.a.seeds = 1e3: must be a whole number, and is read as text; write 1000",
    ),
    ("key: -1", "runs.a.key = -1: must be at least 0"),
    ("key: 4294967296", "runs.a.key = 4294967296: must be at most 4294967295"),
    ("sedes: 4", "runs.a.sedes: unknown key; did you mean seeds?"),
    ("parameter: {}", "runs.a.parameter: unknown key; did you mean parameters?"),
    (
        "wall_clock: 4",
        "runs.a.wall_clock: unknown key; known: study, settings, data, parameters, correlations, "
        "groups, fixed, design, seeds, key, observables, gradient, estimator, smoothing, summaries, "
        "batch, trajectories, corners, animation, figures, checks, estimates, findings, optimise, "
        "allow_partial",
    ),
    ("allow_partial: perhaps", "runs.a.allow_partial = perhaps: must be true or false"),
    (
        "fixed: {kT: 2}",
        "runs.a.fixed: kT is varied under parameters; name it only once",
    ),
    ("fixed: {gamma: high}", "runs.a.fixed.gamma = high: must be a number"),
    (
        "study: refrence",
        "runs.a.study = refrence: unknown study; did you mean reference? A study of your own is "
        "path/to/file.py:ClassName or package.module:ClassName",
    ),
    (
        "study: studies/mine.py",
        "runs.a.study = studies/mine.py: must name the class too; write studies/mine.py:ClassName",
    ),
    (
        "study: nowhere/mine.py:Mine",
        "runs.a.study = nowhere/mine.py:Mine: there is no file nowhere/mine.py in the working "
        f"directory, {ROOT}",
    ),
    (
        "study: 'package.module:'",
        "runs.a.study = package.module:: must end with the name of a class, not with ''",
    ),
    (
        "study: my package:Mine",
        "runs.a.study = my package:Mine: must be path/to/file.py:ClassName or package.module:ClassName",
    ),
    ("study: 3", 'runs.a.study = 3: must be a text; write "3"'),
    ("settings: {dt: [1]}", "runs.a.settings.dt = [1]: must be a text, a number, true or false"),
    ("settings: {dt: .nan}", "runs.a.settings.dt = nan: must be a finite number"),
    ("settings: {dt: 1e-4}", "runs.a.settings.dt = 1e-4: is read as text; write 1.0e-4"),
    ("settings: {1: 2}", 'runs.a.settings: the name 1 is not a text; write "1"'),
    ("parameters: {}", "runs.a.parameters = {}: must not be empty"),
    (
        "parameters: [epsilon]",
        "runs.a.parameters = [epsilon]: must be a mapping of keys to values; write {epsilon: default}",
    ),
    ("parameters: {on: default}", 'runs.a.parameters: the name true is not a text; write "true"'),
    ("parameters: {kT: 3}", f"runs.a.parameters.kT = 3: {_DISTRIBUTION}"),
    ("parameters: {kT: defualt}", f"runs.a.parameters.kT = defualt: {_DISTRIBUTION}"),
    (
        "parameters: {kT: {low: 1, high: 2}}",
        "runs.a.parameters.kT.distribution: is missing (one of uniform, log-uniform, normal, "
        "log-normal, truncated-normal, triangular, log-triangular, beta, gamma, "
        "discrete, categorical)",
    ),
    (
        "parameters: {kT: {distribution: loguniform, low: 1, high: 2}}",
        "runs.a.parameters.kT.distribution = loguniform: unknown distribution; "
        "did you mean log-uniform?",
    ),
    (
        "parameters: {kT: {distribution: uniform, low: 2, high: 2}}",
        "runs.a.parameters.kT: low must be less than high, got low = 2, high = 2",
    ),
    (
        "parameters: {kT: {distribution: uniform, low: 2}}",
        "runs.a.parameters.kT.high: is missing (largest value)",
    ),
    (
        "parameters: {kT: {distribution: uniform, low: 2, hihg: 3, high: 4}}",
        "runs.a.parameters.kT.hihg: unknown key of a uniform distribution; did you mean high?",
    ),
    (
        "parameters: {kT: {distribution: uniform, low: 2, high: .inf}}",
        "runs.a.parameters.kT.high = inf: must be a finite number",
    ),
    (
        "parameters: {kT: {distribution: uniform, low: 1e-4, high: 1}}",
        "runs.a.parameters.kT.low = 1e-4: must be a number, and is read as text; write 1.0e-4",
    ),
    (
        "parameters: {kT: {distribution: log-uniform, low: 0, high: 1}}",
        "runs.a.parameters.kT.low = 0: must be greater than 0",
    ),
    (
        "parameters: {kT: {distribution: normal, mean: 0, sd: -1}}",
        "runs.a.parameters.kT.sd = -1: must be greater than 0",
    ),
    (
        "parameters: {kT: {distribution: truncated-normal, mean: 0, sd: 1, low: 20, high: 30}}",
        "runs.a.parameters.kT: the interval from low = 20 to high = 30 holds no probability of a "
        "normal distribution with mean = 0, sd = 1",
    ),
    (
        "design: sobol",
        "runs.a.design = sobol: must be a mapping of keys to values; write {method: sobol}",
    ),
    (
        "design: {samples: 4}",
        "runs.a.design.method: is missing (one of sobol, latin-hypercube, saltelli, morris, fast, "
        "one-at-a-time, grid, list)",
    ),
    (
        "design: {method: latin_hypercube}",
        "runs.a.design.method = latin_hypercube: unknown design method; did you mean latin-hypercube?",
    ),
    (
        "design: {method: sobol, samples: 100}",
        "runs.a.design.samples = 100: must be a power of two; the nearest are 64 and 128",
    ),
    ("design: {method: sobol, samples: 1}", "runs.a.design.samples = 1: must be at least 2"),
    (
        "design: {method: sobol, samples: 2147483648}",
        "runs.a.design.samples = 2147483648: must be at most 1073741824",
    ),
    (
        "design: {method: saltelli, samples: 48}",
        "runs.a.design.samples = 48: must be a power of two; the nearest are 32 and 64",
    ),
    ("design: {method: saltelli, samples: 0}", "runs.a.design.samples = 0: must be at least 2"),
    (
        "design: {method: saltelli, groups: {adhesion: [epsilon, kT]}}",
        "runs.a.design.groups: is a key of the run, not of its design; write it beside parameters and "
        "design",
    ),
    (
        "design: {method: morris, groups: {adhesion: [epsilon, kT]}}",
        "runs.a.design.groups: is a key of the run, not of its design; write it beside parameters and "
        "design",
    ),
    (
        "design: {method: sobol, groups: {adhesion: [epsilon, kT]}}",
        "runs.a.design.groups: is a key of the run, not of its design; write it beside parameters and "
        "design",
    ),
    (
        "design: {method: morris, levels: 5}",
        "runs.a.design.levels = 5: must be even; the nearest are 4 and 6",
    ),
    (
        "design: {method: morris, trajectories: 1}",
        "runs.a.design.trajectories = 1: must be at least 2",
    ),
    (
        "design: {method: fast, samples: 64}",
        "runs.a.design: samples must be at least 65 for 4 harmonics, got 64",
    ),
    (
        "design: {method: fast, harmonics: 6}",
        "runs.a.design: samples must be at least 145 for 6 harmonics, got 129",
    ),
    (
        "design: {method: one-at-a-time, points: 1}",
        "runs.a.design.points = 1: must be at least 2",
    ),
    *(
        (
            f"{{correlations: [{{between: [epsilon, kT], coefficient: 0.5}}], design: {design}}}",
            f"runs.a.design: a {method} design needs independent parameters; correlations couples "
            "epsilon and kT: use sobol or latin-hypercube",
        )
        for method, design in [
            ("saltelli", "{method: saltelli}"),
            ("morris", "{method: morris}"),
            ("fast", "{method: fast}"),
            ("one-at-a-time", "{method: one-at-a-time}"),
            ("grid", "{method: grid}"),
            ("list", "{method: list, points: [{epsilon: 1, kT: 1}]}"),
        ]
    ),
    (
        "correlations: [{between: [epsilon, kt], coefficient: 0.5}]",
        "runs.a.correlations = [{between: [epsilon, kt], coefficient: 0.5}]: kt is not varied by the "
        "run; did you mean kT?",
    ),
    (
        "correlations: [{between: [kT, epsilon], coefficient: 0.5}, {between: [epsilon, kT], "
        "coefficient: 0.4}]",
        "runs.a.correlations = [{between: [kT, epsilon], coefficient: 0.5}, {between: [e...: couples "
        "epsilon and kT twice",
    ),
    (
        "correlations: [{between: [kT, epsilon], coefficient: 1}]",
        "runs.a.correlations[0].coefficient = 1: must be less than 1",
    ),
    (
        "correlations: [{between: [kT, epsilon], coefficient: -1.0}]",
        "runs.a.correlations[0].coefficient = -1.0: must be greater than -1",
    ),
    (
        "correlations: [{between: [kT], coefficient: 0.5}]",
        "runs.a.correlations[0].between = [kT]: must name two different parameters",
    ),
    (
        "correlations: [{between: [kT, kT], coefficient: 0.5}]",
        "runs.a.correlations[0].between = [kT, kT]: must name two different parameters",
    ),
    (
        "correlations: [{between: [kT, epsilon], coeficient: 0.5, coefficient: 0.5}]",
        "runs.a.correlations[0].coeficient: unknown key of a correlation; did you mean coefficient?",
    ),
    (
        "correlations: [{between: [kT, epsilon]}]",
        "runs.a.correlations[0].coefficient: is missing (correlation of their normal scores)",
    ),
    ("correlations: 0.5", "runs.a.correlations = 0.5: must be a list of mappings"),
    (
        "{parameters: {a: default, b: default, c: default}, correlations: [{between: [a, b], "
        "coefficient: 0.9}, {between: [b, c], coefficient: 0.9}, {between: [a, c], coefficient: -0.9}]}",
        "runs.a.correlations = [{between: [a, b], coefficient: 0.9}, {between: [b, c], c...: no "
        "parameters can be correlated like that (the matrix of the coefficients is not positive "
        "definite); weaken them",
    ),
    (
        "design: {method: grid, points: 3, samples: 64}",
        "runs.a.design.samples: unknown key of a grid design; known: method, points",
    ),
    (
        "design: {method: grid, points: 1}",
        "runs.a.design.points = 1: a grid needs 2 or more points per parameter; every parameter has 1",
    ),
    (
        "design: {method: grid, points: {epsilon: 3, kT: 1}}",
        "runs.a.design.points: a grid needs 2 or more points per parameter; kT has 1",
    ),
    (
        "design: {method: grid, points: {epsilon: 3, kt: 3}}",
        "runs.a.design: points lacks kT and has kt, which the run does not vary",
    ),
    (
        "{parameters: {kT: {distribution: normal, mean: 0, sd: 1}}, design: {method: grid}}",
        "runs.a.design: a grid needs a uniform or log-uniform distribution for every parameter; "
        "kT is normal",
    ),
    ("design: {method: list, points: []}", "runs.a.design.points = []: must not be empty"),
    ("design: {method: list, points: 7}", "runs.a.design.points = 7: must be a list of mappings"),
    (
        "design: {method: list, points: [{epsilon: 1, kT: 1}, {epsilon: 1}]}",
        "runs.a.design: points[1] lacks kT",
    ),
    (
        "design: {method: list, points: [{epsilon: 1, kT: -.inf}]}",
        "runs.a.design.points[0].kT = -inf: must be a finite number",
    ),
    (
        "observables: everything",
        "runs.a.observables = everything: must be the word all or a list of names",
    ),
    ("observables: [x, y, x]", "runs.a.observables = [x, y, x]: names x twice"),
    ("observables: []", "runs.a.observables = []: must be the word all or name at least one"),
    ("gradient: foward", "runs.a.gradient = foward: must be auto, forward or reverse"),
    (
        "estimator: smooth",
        "runs.a.estimator = smooth: must be pathwise, smoothed, score or straight-through",
    ),
    ("smoothing: 0", "runs.a.smoothing = 0: must be greater than 0"),
    ("estimates: {trim: 0.5}", "runs.a.estimates.trim = 0.5: must be less than 0.5"),
    ("estimates: {trim: -0.1}", "runs.a.estimates.trim = -0.1: must be at least 0"),
    (
        "estimates: {signal_to_noise: 0}",
        "runs.a.estimates.signal_to_noise = 0: must be greater than 0",
    ),
    ("estimates: {trimm: 0.1}", "runs.a.estimates.trimm: unknown key; did you mean trim?"),
    ("batch: {samples: 0}", "runs.a.batch.samples = 0: must be at least 1"),
    ("batch: {sample: 4}", "runs.a.batch.sample: unknown key; did you mean samples?"),
    (
        "{design: {method: sobol, samples: 1048576}, batch: {samples: 1}}",
        "runs.a.batch: 1,048,576 points x 16 seeds are 1,048,576 jobs of 1 samples x 16 seeds; the most "
        "is "
        "100,000; write a larger number of simulations",
    ),
    (
        "{design: {method: sobol, samples: 1048576}, batch: 100}",
        "runs.a.batch = 100: 1,048,576 points x 16 seeds are 167,773 jobs of 100 simulations; the most "
        "is "
        "100,000; write a larger number of simulations",
    ),
    ("batch: 0", "runs.a.batch = 0: must be at least 1"),
    ("batch: 1e5", "runs.a.batch = 1e5: must be a whole number, and is read as text; write 100000"),
    *(
        (
            f"batch: {value}",
            f"runs.a.batch = {value}: must be the word auto, a number of simulations, or "
            "{samples: 64, seeds: 16}",
        )
        for value in ("automatic", "1.5", "null", "[64, 16]", '"1024"')
    ),
    (
        "trajectories: {samples: [0, 64], seeds: [16]}",
        "runs.a.trajectories: samples names 64, but the samples of the run are 0 to 63; "
        "seeds names 16, but the seeds of the run are 0 to 15",
    ),
    ("trajectories: {seeds: [1, 1]}", "runs.a.trajectories.seeds = [1, 1]: names 1 twice"),
    ("trajectories: {seeds: [-1]}", "runs.a.trajectories.seeds[0] = -1: must be at least 0"),
    ("trajectories: {seeds: 3}", "runs.a.trajectories.seeds = 3: must be a list; write [3]"),
    (
        "corners: [epsilon, kt]",
        "runs.a.corners = [epsilon, kt]: kt is not varied by the run; did you mean kT?",
    ),
    ("corners: [kT, kT]", "runs.a.corners = [kT, kT]: names kT twice"),
    ("corners: []", "runs.a.corners = []: must not be empty"),
    ("corners: [a, b, c]", "runs.a.corners = [a, b, c]: must have at most 2 items"),
    ("checks: {step: 0}", "runs.a.checks.step = 0: must be greater than 0"),
    ("checks: {step: 1}", "runs.a.checks.step = 1: must be less than 1"),
    (
        "checks: {step: 1e-5}",
        "runs.a.checks.step = 1e-5: must be a number, and is read as text; write 1.0e-5",
    ),
    ("checks: {samples: -1}", "runs.a.checks.samples = -1: must be at least 0"),
    (
        "checks: 3",
        "runs.a.checks = 3: must be a mapping of keys to values, such as samples, seeds, step, "
        "line_points",
    ),
]
OPTIMISE = "objective: [{observable: x, goal: minimise}]"
COURSE = "optimise: {objective: [{observable: x, goal: time-course, data: %s}]}"
BAD_RUNS += [
    (f"optimise: {{{text}}}", f"runs.a.optimise{expected}")
    for text, expected in [
        (
            "free: all",
            ".objective: is missing (terms whose weighted sum is minimised: the loss)",
        ),
        ("objective: []", ".objective = []: must not be empty"),
        (
            "objective: [{observable: x, goal: maximize}]",
            ".objective[0].goal = maximize: unknown goal; did you mean maximise?",
        ),
        (
            "objective: [{observable: x, goal: target}]",
            ".objective[0].value: is missing (what the observable should be, in its unit)",
        ),
        (
            "objective: [{observable: x, goal: minimise, value: 1.0}]",
            ".objective[0].value: unknown key of a minimise term; known: observable, when, weight, goal",
        ),
        (
            f"{OPTIMISE}, refine: {{seeds: 64}}",
            ".refine: needs an objective of data alone (target, time-course); objective[0] is to "
            "minimise x; leave it out",
        ),
        (f"{OPTIMISE}, refine: {{seed: 64}}", ".refine.seed: unknown key; did you mean seeds?"),
        (
            f"{OPTIMISE}, refine: true",
            ".refine = true: must be a mapping of keys to values, such as seeds, steps",
        ),
        (f"{OPTIMISE}, free: []", ".free = []: must be the word all or name at least one"),
        (
            f"{OPTIMISE}, free: [alpa]",
            ": free: alpa is not varied by the run; known: epsilon, kT",
        ),
        (
            f"{OPTIMISE}, optimiser: {{name: adamm}}",
            ".optimiser.name = adamm: unknown optimiser; did you mean adam?",
        ),
        (
            f"{OPTIMISE}, optimiser: {{settings: {{beta1: 0.9}}}}",
            ".optimiser.settings: the optimiser adam has no setting beta1; known: b1, b2, eps, "
            "eps_root, nesterov",
        ),
        (
            f"{OPTIMISE}, optimiser: {{name: lbfgs, learning_rate: 0.1}}",
            ".optimiser: lbfgs finds the length of a step itself; leave out learning_rate",
        ),
        (
            f"{OPTIMISE}, optimiser: {{schedule: {{name: cosine_decay}}}}",
            ".optimiser.schedule.name = cosine_decay: unknown schedule; did you mean "
            "cosine_decay_schedule?",
        ),
        (
            f"{OPTIMISE}, optimiser: {{schedule: {{name: linear_schedule, settings: {{power: 1}}}}}}",
            ".optimiser.schedule.settings: the schedule linear_schedule has no setting power; known: "
            "init_value, end_value, transition_steps, transition_begin",
        ),
        (
            f"{OPTIMISE}, optimiser: {{schedule: {{name: constant_schedule}}}}",
            ".optimiser.schedule: the schedule constant_schedule needs the settings value",
        ),
        (
            f"{OPTIMISE}, starts: {{method: list, points: [{{epsilon: 1.0}}]}}",
            ": starts.points[0] lacks kT",
        ),
        (
            f"{OPTIMISE}, starts: {{method: sobl}}",
            ".starts.method = sobl: unknown design method; did you mean sobol?",
        ),
        (f"{OPTIMISE}, stop: {{los: 1.0}}", ".stop.los: unknown key; did you mean loss?"),
        (f"{OPTIMISE}, steps: 0", ".steps = 0: must be at least 1"),
    ]
]
BAD_CONFIGURATIONS = [
    ("runs: {}", "runs = {}: must not be empty"),
    ("runs:", "runs = null: must be a mapping of keys to values; indent its keys below it"),
    (
        "runs: {a: }",
        "runs.a = null: must be a mapping of keys to values; indent its keys below it",
    ),
    ("{}", "runs: is missing (the runs by name; results/<run>/ holds the output of each)"),
    (
        "runs: {my run: GOOD}",
        'runs: "my run" cannot be the name of a run; use letters, digits, - and _, beginning '
        "with a letter or a digit",
    ),
    ("runs: {12: GOOD}", 'runs: the name 12 is not a text; write "12"'),
    ("{1: 2, runs: {a: GOOD}}", 'the name 1 is not a text; write "1"'),
    ("{run: {}, runs: {a: GOOD}}", "run: unknown key; did you mean runs?"),
    (
        "runs: {compare-a: GOOD}",
        'runs: "compare-a" cannot be the name of a run; compare-... are pages of several runs',
    ),
    *[
        (f"{{compare: {value}, runs: {{control: GOOD, mutant: GOOD}}}}", f"compare{text}")
        for value, text in [
            (
                "{drug: [control, mutnt]}",
                ": drug names the run mutnt, which is not under runs; did you mean mutant?",
            ),
            (
                "[control, other]",
                " = [control, other]: control-other names the run other, which is not under "
                "runs; known: control, mutant",
            ),
            ("{drug: [control]}", ": drug must name two runs or more"),
            ("[control]", " = [control]: must name two runs or more"),
            ("{drug: [control, control]}", ": drug names control twice"),
            ("{drug: control}", ": drug must be a list of runs, such as [control, mutant]"),
            (
                "{a b: [control, mutant]}",
                ": 'a b' cannot be the name of a comparison; use letters, digits, - and _, beginning "
                "with a letter or a digit",
            ),
            (
                "control",
                " = control: must be a mapping such as {drug: [control, mutant]}, or a list of runs",
            ),
            ("null", " = null: must be a mapping such as {drug: [control, mutant]}, or a list of runs"),
        ]
    ],
    (
        "runs: {a: {study: reference, parameters: {kT: default}}}",
        "runs.a.design: is missing (which points of parameter space are evaluated)",
    ),
]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(("text", "expected"), BAD_RUNS, ids=[text for text, _ in BAD_RUNS])
def test_a_bad_run_is_one_readable_line(text: str, expected: str) -> None:
    assert message({"runs": {"a": good(**yaml.safe_load(text))}}) == f"configuration: {expected}"


@pytest.mark.parametrize(
    ("text", "expected"), BAD_CONFIGURATIONS, ids=[text for text, _ in BAD_CONFIGURATIONS]
)
def test_a_bad_configuration_is_one_readable_line(text: str, expected: str) -> None:
    flow = yaml.safe_dump(good(), default_flow_style=True, width=10_000).strip()
    config = yaml.safe_load(text.replace("GOOD", flow))
    assert message(config) == f"configuration: {expected}"


@pytest.mark.parametrize(
    ("compare", "expected"),
    [
        ({"drug": ["a", "b"]}, {"drug": ("a", "b")}),
        (["b", "a"], {"b-a": ("b", "a")}),
        ({}, {}),
    ],
)
def test_runs_to_compare_have_a_page_of_a_name(compare: Any, expected: dict[str, Any]) -> None:
    config = {"runs": {"a": good(), "b": good()}, "compare": compare}
    assert load_configuration(config).compare == expected
    assert Draft202012Validator(json_schema()).is_valid(config)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "there is no file course.csv in the working directory, "),
        ("", "has no column time and no column x; it is empty, and must have time, x and, for errors, "),
        (
            "time,y\n1,2\n",
            "has no column x; it has time, y, and must have time, x and, for errors, x_error",
        ),
        ("time,x\n", "has no rows"),
        ("time,x\n0,1\n0,2\n", "line 3: its times must increase, and 0 follows 0"),
        ("time,x\n0,1\n1,many\n", 'line 3, column x: "many" is not a number'),
        ("time,x,x_error\n0,1,0\n", "line 2, column x_error: an error must be positive, not 0"),
    ],
)
def test_a_wrong_time_course_is_one_readable_line(
    project: Path, content: str | None, expected: str
) -> None:
    if content is not None:
        Path("course.csv").write_text(content)
    config = {"runs": {"a": good(**yaml.safe_load(COURSE % "course.csv"))}}
    said = message(config)
    place = "configuration: runs.a.optimise.objective[0].data = course.csv: "
    assert said.startswith(place + expected) and "\n" not in said


def test_a_time_course_knows_its_units(project: Path) -> None:
    Path("course.csv").write_text("time [h], x [um],x_error,note\n0,1,.5,first\n1.5,2,.25,last\n")
    course = read_course("course.csv", "x")
    assert course == MeasuredCourse((0.0, 1.5), (1.0, 2.0), (0.5, 0.25), {"time": "h", "x": "um"})
    with netCDF4.Dataset("course.nc", "w") as file:
        file.createDimension("time", 2)
        for name, values, unit in (("time", [0.0, 1.5], "h"), ("x", [1.0, 2.0], "um")):
            file.createVariable(name, "f8", ("time",))[:] = values
            file[name].units = unit
    assert read_course("course.nc", "x") == MeasuredCourse(
        (0.0, 1.5), (1.0, 2.0), None, {"time": "h", "x": "um"}
    )


@pytest.mark.parametrize(
    ("changes", "refined"),
    [
        ({}, {"seeds": 256, "steps": 10}),
        ({"refine": {"seeds": 64}}, {"seeds": 64, "steps": 10}),
        ({"refine": None}, None),
        ({"fresh": False}, None),
        ({"objective": [{"observable": "x", "goal": "maximise"}]}, None),
    ],
)
def test_calibrations_by_data_are_refined(changes: dict[str, Any], refined: dict | None) -> None:
    target = {"observable": "x", "goal": "target", "value": 1.0}
    run = make_run(optimise={"objective": [target], **changes})
    assert Specifications(run).starts("000").plain()["refine"] == refined
    assert Run.from_json(run.to_json()) == run


def test_all_problems_are_reported_at_once() -> None:
    bad = good(
        study="gone.py:Study", seeds=0, corners=["x"], sedes=1, checks={"samples": -1, "step": 2.0}
    )
    assert message({"runs": {"a": bad, "b": good(key=-1)}}).splitlines() == [
        "configuration: runs.a.study = gone.py:Study: there is no file gone.py in the working "
        f"directory, {ROOT}",
        "configuration: runs.a.seeds = 0: must be at least 1",
        "configuration: runs.a.corners = [x]: x is not varied by the run; known: epsilon, kT",
        "configuration: runs.a.checks.samples = -1: must be at least 0",
        "configuration: runs.a.checks.step = 2.0: must be less than 1",
        "configuration: runs.a.sedes: unknown key; did you mean seeds?",
        "configuration: runs.b.key = -1: must be at least 0",
    ]


def test_what_only_follows_from_a_wrong_value_is_no_second_problem() -> None:
    bad = good(parameters={"kT": {"distribution": "normal", "mean": 0, "sd": 0}}, corners=[1])
    assert message({"runs": {"a": bad}}).splitlines() == [
        "configuration: runs.a.parameters.kT.sd = 0: must be greater than 0",
        'configuration: runs.a.corners[0] = 1: must be a text; write "1"',
    ]


NODES: list[tuple[Any, ...]] = [
    (),
    ("runs",),
    ("runs", "a"),
    ("compare",),
    *(("runs", "a", key) for key in Run.model_fields),
    ("runs", "a", "parameters", "kT"),
    ("runs", "a", "parameters", "kT", "distribution"),
    ("runs", "a", "parameters", "kT", "low"),
    ("runs", "a", "design", "method"),
    ("runs", "a", "design", "samples"),
    ("runs", "a", "design", "points"),
    ("runs", "a", "correlations", 0),
    ("runs", "a", "correlations", 0, "between"),
    ("runs", "a", "correlations", 0, "coefficient"),
    ("runs", "a", "estimates", "trim"),
    ("runs", "a", "trajectories", "samples"),
    ("runs", "a", "checks", "step"),
    ("runs", "a", "settings", "dt"),
]
KEYS = st.sampled_from(["distribution", "method", "points", "low", "kT", "a\nb", "", 1, None])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 70)
    | st.just(10**400)
    | st.floats()
    | st.sampled_from(
        ["grid", "list", "morris", "uniform", "normal", "default", "all", "1e4", "", "x:Y"]
    )
    | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(NODES), VALUES)
def test_whatever_is_wrong_the_answer_is_readable(node: tuple[Any, ...], value: Any) -> None:
    config: Any = {"runs": {"a": good(trajectories={}, checks={}, settings={}, estimates={})}}
    config["runs"]["a"]["correlations"] = [{"between": ["epsilon", "kT"], "coefficient": 0.5}]
    if node:
        place = config
        for key in node[:-1]:
            place = place[key]
        place[node[-1]] = value
    elif isinstance(value, dict):
        config = value
    try:
        load_configuration(config)
    except JaxmorphError as error:
        for line in str(error).splitlines():
            assert line.startswith("configuration: ")
            assert "Input should" not in line


def test_long_values_are_shortened() -> None:
    line = message({"runs": {"a": good(observables=["name"] * 30)}})
    assert line == (
        "configuration: runs.a.observables = [name, name, name, name, name, name, name, name, "
        "name, na...: names name twice"
    )


def test_a_value_of_several_lines_stays_on_one() -> None:
    line = message({"runs": {"a": good(gradient="for\nward")}})
    assert line == (r'configuration: runs.a.gradient = "for\nward": must be auto, forward or reverse')


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    yield tmp_path


def test_the_last_file_that_has_the_key_is_named(project: Path) -> None:
    default, own = Path("config/config.yaml"), Path("own.yaml")
    default.write_text(yaml.safe_dump({"runs": {"a": good(seeds=0, key=-1)}}))
    own.write_text("runs: {a: {seeds: -1, batch: {samples: 4}, checks: {samples: -1}}}\n")
    config = {
        "runs": {"a": good(seeds=-1, key=-1, batch={"samples": 4}, checks={"samples": -1, "step": 2.0})}
    }
    overrides = {"runs": {"a": {"checks": {"step": "2.0"}}}}
    # Snakemake gives absolute paths.
    lines = message(config, files=[default.absolute(), own.absolute()], overrides=overrides)
    assert lines.splitlines() == [
        "own.yaml: runs.a.seeds = -1: must be at least 1",
        "config/config.yaml: runs.a.key = -1: must be at least 0",
        "own.yaml: runs.a.checks.samples = -1: must be at least 0",
        "--config: runs.a.checks.step = 2.0: must be less than 1",
    ]


def test_a_missing_key_is_blamed_on_the_file_that_has_its_parent(project: Path) -> None:
    Path("one.yaml").write_text(yaml.safe_dump({"runs": {"a": good()}}))
    Path("two.yaml").write_text("runs: {b: {study: reference, parameters: {kT: default}}}\n")
    config = {"runs": {"a": good(), "b": {"study": "reference", "parameters": {"kT": "default"}}}}
    assert message(config, files=["two.yaml", "one.yaml"]) == (
        "two.yaml: runs.b.design: is missing (which points of parameter space are evaluated)"
    )
    assert message({}, files=["two.yaml", "one.yaml"]).startswith("one.yaml: runs: is missing")


def test_a_key_given_twice_is_found_behind_snakemakes_back(project: Path) -> None:
    text = "runs:\n  a:\n" + "".join(f"    {line}\n" for line in GOOD.splitlines())
    Path("config/config.yaml").write_text(text + "    seeds: 4\n    seeds: 8\n")
    merged = {"runs": {"a": good(seeds=8, key=-1)}}
    expected = "config/config.yaml: runs.a.seeds: is given twice, in lines 8 and 9"
    assert message(merged, files=["config/config.yaml"]).splitlines() == [
        expected,
        "config/config.yaml: runs.a.key = -1: must be at least 0",
    ]
    with pytest.raises(JaxmorphError) as error:
        read_configuration("config/config.yaml")
    assert str(error.value) == expected


def test_texts_inside_a_command_line_mapping_become_numbers() -> None:
    # Snakemake reads --config 'runs={a: {...}}' with every scalar as text.
    overrides = {
        "runs": {
            "a": {
                "seeds": "8",
                "settings": {"flag": "true", "precision": "float32", "dt": "1.0e-4"},
                "trajectories": {"seeds": ["1", "2"]},
            }
        }
    }
    config = {"runs": {"a": good(**overrides["runs"]["a"])}}
    run = load_configuration(config, overrides=overrides).runs["a"]
    assert run.seeds == 8
    assert run.settings == {"flag": True, "precision": "float32", "dt": 1.0e-4}
    assert run.trajectories.seeds == (1, 2)
    overrides["runs"]["a"]["seeds"] = "none"
    assert message(config, overrides=overrides) == (
        "--config: runs.a.seeds = none: must be a whole number"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "bad.yaml: cannot be read: No such file or directory"),
        (b"", "bad.yaml: the file is empty; it needs the key runs"),
        (b"# only a comment\n", "bad.yaml: the file is empty; it needs the key runs"),
        (b"- runs\n", "bad.yaml: must be a mapping with the key runs, not [runs]"),
        (
            "runs: {}".encode("utf-16"),
            "bad.yaml: is not a text in UTF-8 but in UTF-16, or no text; save it as UTF-8",
        ),
        (
            "runs: {}\n# \xb5m".encode("latin-1"),
            "bad.yaml, line 2: is not a text in UTF-8 (byte b5); save it as UTF-8",
        ),
        (
            b"runs:\n  a: {study: reference\n  b: 3\n",
            "bad.yaml, line 3, column 4: is not valid YAML: before this place a bracket or brace is not "
            "closed, or a comma is missing or too many",
        ),
        (
            b"runs:\n\ta: 3\n",
            "bad.yaml, line 2, column 1: is not valid YAML: has a tab; indent with spaces",
        ),
        (
            b"runs: \x01\n",
            "bad.yaml: is not valid YAML: unacceptable character #x0001: special characters are "
            'not allowed in "<unicode string>", position 6',
        ),
    ],
)
def test_a_file_that_is_no_configuration(project: Path, content: bytes | None, expected: str) -> None:
    if content is not None:
        Path("bad.yaml").write_bytes(content)
    with pytest.raises(JaxmorphError) as error:
        read_configuration("bad.yaml")
    assert str(error.value) == expected


def test_the_default_configuration() -> None:
    runs = read_configuration(ROOT / "config/config.yaml").runs
    assert list(runs) == ["notebook", "sweep"]
    notebook, sweep = runs["notebook"], runs["sweep"]
    assert list(notebook.parameters) == [
        "epsilon",
        "alpha",
        "max_radius",
        "growth_rate",
        "kT",
        "gamma",
    ]
    assert notebook.n_samples >= 64 and notebook.n_seeds >= 16
    assert list(sweep.parameters) == ["epsilon", "alpha"] and sweep.design.method == "grid"


def test_defaults() -> None:
    run = make_run()
    assert run == make_run(
        seeds=16,
        key=0,
        observables="all",
        gradient="auto",
        estimator="pathwise",
        smoothing=0.05,
        settings={},
        correlations=[],
        fixed={},
        batch="auto",
        trajectories={"samples": [0], "seeds": [0]},
        corners=["epsilon", "kT"],
        checks={"samples": 4, "seeds": 2, "step": 1.0e-3},
        estimates={"signal_to_noise": 3, "trim": 0.1},
    )
    assert make_run(parameters={"kT": "default"}).corners == ("kT",)


@pytest.mark.parametrize(
    ("study", "target"),
    [
        ("ishigami", "jaxmorph.studies.ishigami:IshigamiStudy"),
        ("my.package:Mine", "my.package:Mine"),
        ("studies/mine.py:Mine", "studies/mine.py:Mine"),
    ],
)
def test_where_a_study_is(project: Path, study: str, target: str) -> None:
    Path("studies").mkdir()
    Path("studies/mine.py").touch()
    assert make_run(study=study).study_target == target


@pytest.mark.parametrize(
    ("design", "samples"),
    [
        ({"method": "sobol"}, 64),
        ({"method": "latin-hypercube", "samples": 10}, 10),
        ({"method": "grid", "points": 5}, 25),
        ({"method": "grid", "points": {"kT": 3, "epsilon": 7}}, 21),
        ({"method": "list", "points": [{"epsilon": 1, "kT": 2}]}, 1),
        ({"method": "saltelli", "samples": 8}, 32),
        ({"method": "morris", "trajectories": 5}, 15),
        ({"method": "fast", "samples": 65}, 130),
        ({"method": "one-at-a-time", "points": 3}, 7),
    ],
)
def test_number_of_samples(design: dict[str, Any], samples: int) -> None:
    assert make_run(design=design).n_samples == samples


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 70), st.integers(1, 50))
def test_batches_tile_samples_and_seeds(
    n_samples: int, n_seeds: int, batch_samples: int, batch_seeds: int
) -> None:
    points = [{"epsilon": float(i), "kT": 1.0} for i in range(n_samples)]
    run = make_run(
        design={"method": "list", "points": points},
        seeds=n_seeds,
        batch={"samples": batch_samples, "seeds": batch_seeds},
    )
    pairs = [(s, r) for b in run.batches.values() for s in b.samples for r in b.seeds]
    assert len(pairs) == len(set(pairs)) == n_samples * n_seeds
    assert set(pairs) == {(s, r) for s in range(n_samples) for r in range(n_seeds)}
    for batch_id, batch in run.batches.items():
        slab, seed_slab = map(int, batch_id.split("-"))
        assert batch.samples.start == slab * batch_samples
        assert batch.seeds.start == seed_slab * batch_seeds


def test_batch_ids() -> None:
    run = make_run(seeds=24, batch={"samples": 32, "seeds": 16})
    assert list(run.batches) == ["000-000", "000-001", "001-000", "001-001"]
    assert run.batches["001-001"].samples == range(32, 64)
    assert run.batches["001-001"].seeds == range(16, 24)


def batch_params(run: Run, batch_id: str = "000-000") -> dict[str, Any]:
    return Specifications(run).plain_batch(batch_id)


def all_params(run: Run) -> dict[str, dict[str, Any]]:
    return {batch_id: batch_params(run, batch_id) for batch_id in run.batches}


@pytest.mark.parametrize(
    "larger",
    [
        {"design": {"method": "sobol", "samples": 128}},
        {"seeds": 24},
        {"design": {"method": "sobol", "samples": 256}, "seeds": 64},
    ],
)
def test_growing_a_run_keeps_its_batches(larger: dict[str, Any]) -> None:
    batch = {"samples": 16, "seeds": 8}
    before, after = make_run(batch=batch), make_run(batch=batch, **larger)
    assert len(after.batches) > len(before.batches)
    assert all_params(before).items() <= all_params(after).items()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Of 64 base samples with 4 points each, and of 16 trajectories with 3 points each.
        ({"method": "saltelli", "samples": 64}, {"method": "saltelli", "samples": 128}),
        ({"method": "morris", "trajectories": 16}, {"method": "morris", "trajectories": 23}),
    ],
)
@pytest.mark.parametrize("batch", [16, 48, 7])
def test_growing_groups_of_samples_keeps_the_whole_batches(
    before: dict[str, Any], after: dict[str, Any], batch: int
) -> None:
    short, long = (make_run(design=d, batch={"samples": batch}) for d in (before, after))
    whole = {k: v for k, v in all_params(short).items() if len(short.batches[k].samples) == batch}
    assert len(whole) == short.n_samples // batch
    assert whole.items() <= all_params(long).items()


def test_growing_a_list_keeps_its_batches() -> None:
    points = [{"epsilon": float(i), "kT": 1.0} for i in range(8)]
    before, after = (
        make_run(design={"method": "list", "points": points[:n]}, batch={"samples": 4}) for n in (4, 8)
    )
    assert all_params(before).items() <= all_params(after).items()


@pytest.mark.parametrize(
    "changes",
    [
        {"study": "ishigami"},
        {"settings": {"dt": 0.1}},
        {"key": 1},
        {"gradient": "forward"},
        {"observables": ["x"]},
        {"trajectories": {"seeds": [1]}},
        {"design": {"method": "sobol", "seed": 1}},
        {"design": {"method": "latin-hypercube", "samples": 64}},
        {"design": {"method": "saltelli", "samples": 64}},
        {"correlations": [{"between": ["epsilon", "kT"], "coefficient": 0.5}]},
        {"estimator": "smoothed"},
        {"estimator": "score"},
        {"parameters": dict(reversed(good()["parameters"].items()))},
        {"parameters": good()["parameters"] | {"kT": "default"}},
    ],
    ids=str,
)
def test_what_decides_the_numbers_of_a_batch_is_in_its_params(changes: dict[str, Any]) -> None:
    assert batch_params(make_run(**changes)) != batch_params(make_run())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"checks": {"samples": 0}}),
        ({}, {"corners": ["kT"]}),
        ({}, {"estimates": {"signal_to_noise": 5, "trim": 0.2}}),
        ({}, {"smoothing": 0.1}),
        ({"estimator": "score"}, {"estimator": "score", "smoothing": 0.1}),
        (
            {"correlations": [{"between": ["epsilon", "kT"], "coefficient": 0.5}]},
            {"correlations": [{"between": ["kT", "epsilon"], "coefficient": 0.5}]},
        ),
        (
            {"batch": {"samples": 16}},
            {"batch": {"samples": 16}, "trajectories": {"samples": [0, 63]}},
        ),
        ({"settings": {"a": 1, "b": 2}}, {"settings": {"b": 2, "a": 1}}),
        (
            {"trajectories": {"samples": [], "seeds": [0]}},
            {"trajectories": {"samples": [63], "seeds": [8]}},
        ),
        (
            {"design": {"method": "grid", "points": 3}},
            {"design": {"method": "grid", "points": {"kT": 3, "epsilon": 3}}},
        ),
    ],
)
def test_what_decides_nothing_is_not_in_its_params(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = (json.dumps(batch_params(make_run(**c))) for c in (one, other))
    assert first == second


def test_the_length_of_a_latin_hypercube_is_in_the_params() -> None:
    one, other = (
        batch_params(make_run(design={"method": "latin-hypercube", "samples": n})) for n in (64, 65)
    )
    assert one != other


def test_smoothing_decides_the_numbers_of_the_smoothed_estimator() -> None:
    one, other = (batch_params(make_run(estimator="smoothed", smoothing=s)) for s in (0.05, 0.1))
    assert one["smoothing"] == 0.05
    assert one != other


@pytest.mark.parametrize("estimator", ["pathwise", "smoothed", "score"])
def test_the_study_is_timed_with_the_gradients_of_the_batches(estimator: str) -> None:
    """Else its compiled program would not be theirs, and the time that of another."""
    run = make_run(estimator=estimator, smoothing=0.3)
    study, batch = Specifications(run).study, Specifications(run).batch("000-000")
    for name in ("gradient", "estimator", "smoothing"):
        assert getattr(study, name) == getattr(batch, name)
    assert (study.smoothing is not None) == (estimator == "smoothed")


def test_params_of_a_batch() -> None:
    run = make_run(seeds=24, batch={"samples": 48}, trajectories={"samples": [0, 50], "seeds": [3, 20]})
    assert batch_params(run, "001-001") == {
        "study": "reference",
        "settings": {},
        "parameters": [
            ["epsilon", {"distribution": "uniform", "low": 2.0, "high": 4.0}],
            ["kT", {"distribution": "log-uniform", "low": 0.5, "high": 2.0}],
        ],
        "design": {"method": "sobol", "samples": 64, "seed": 0, "replicates": 1},
        "fixed": {},
        "observables": "all",
        "key": 0,
        "code": code_digest("jaxmorph.studies.reference:ReferenceStudy"),
        "data_digests": {},
        "correlations": [],
        "groups": [],
        "gradient": "auto",
        "estimator": "pathwise",
        "smoothing": None,
        "samples": [48, 64],
        "seeds": [16, 24],
        "trajectories": {"samples": [50], "seeds": [20]},
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {"flag": True, "n": 1, "x": 1.0, "name": "float32"}},
        {"design": {"method": "list", "points": [{"kT": 0.1, "epsilon": 1 / 3}]}},
        {"design": {"method": "grid", "points": {"kT": 3, "epsilon": 2}}},
        {"observables": ["b", "a"], "parameters": {"b": "default", "a": "default"}},
        {"correlations": [{"between": ["kT", "epsilon"], "coefficient": -1 / 3}]},
        {"design": {"method": "morris", "levels": 6}, "estimator": "smoothed", "smoothing": 0.2},
        {"study": "elsewhere/gone.py:Study"},
    ],
)
def test_a_run_comes_back_from_its_json(changes: dict[str, Any]) -> None:
    # A dataset may be opened where the study's file is not: only a parsed workflow asks for it.
    run = Run.model_validate(good(**changes))
    again = Run.from_json(run.to_json())
    assert again == run
    assert again.to_json() == run.to_json()
    assert list(again.parameters) == list(run.parameters)
    assert [type(v) for v in again.settings.values()] == [type(v) for v in run.settings.values()]


def test_generated_files_are_up_to_date() -> None:
    assert outdated(ROOT) == []


def test_the_check_names_what_is_out_of_date(project: Path) -> None:
    (project / "docs").mkdir()
    (project / "workflow/schemas").mkdir(parents=True)
    Path("docs/configuration.md").write_text((ROOT / "docs/configuration.md").read_text())
    write(project)
    command = [sys.executable, "-m", "jaxmorph.configuration", "--check"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    fresh = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (fresh.returncode, fresh.stderr) == (0, "")
    Path("workflow/schemas/config.schema.json").write_text("{}")
    stale = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (stale.returncode, stale.stderr) == (
        1,
        "workflow/schemas/config.schema.json is out of date; run python -m jaxmorph.configuration\n",
    )


def test_every_key_is_documented() -> None:
    document = (ROOT / "docs/configuration.md").read_text()
    for model in json_schema()["$defs"].values():
        for name, field in model["properties"].items():
            wanted = f"`{name}: {field['const']}`" if "const" in field else f"| `{name}` |"
            assert wanted in document


@pytest.mark.parametrize(
    ("changes", "is_valid"),
    [
        ({}, True),
        ({"design": {"method": "grid", "points": {"epsilon": 3, "kT": 3}}}, True),
        ({"parameters": {"kT": "default"}, "observables": ["x"]}, True),
        ({"seeds": 0}, False),
        ({"sedes": 1}, False),
        ({"design": {"method": "sobol", "points": 3}}, False),
        ({"design": {"samples": 64}}, False),
        ({"design": {"method": "fast"}, "estimator": "score", "estimates": {"trim": 0}}, True),
        ({"correlations": [{"between": ["epsilon", "kT"], "coefficient": 0.5}]}, True),
        ({"correlations": [{"between": ["epsilon"], "coefficient": 0.5}]}, False),
        ({"optimise": {"objective": [{"observable": "x", "goal": "minimise"}]}}, True),
        ({"optimise": {"objective": [{"observable": "x", "goal": "target"}]}}, False),
        ({"optimise": {"objective": []}}, False),
        ({"correlations": [{"between": ["epsilon", "kT"], "coefficient": 1}]}, False),
        ({"parameters": {"kT": {"distribution": "normal", "mean": 0, "sd": 0}}}, False),
    ],
)
def test_the_json_schema_agrees_with_the_models(changes: dict[str, Any], is_valid: bool) -> None:
    Draft202012Validator.check_schema(json_schema())
    config = {"runs": {"a": good(**changes)}}
    assert Draft202012Validator(json_schema()).is_valid(config) is is_valid
    if is_valid:
        assert isinstance(load_configuration(config), Configuration)
    else:
        message(config)


def test_the_default_configuration_fits_the_json_schema() -> None:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert Draft202012Validator(json_schema()).is_valid(config)


def test_validating_is_fast_and_imports_no_array_library() -> None:
    code = (
        "import sys, time\n"
        "from jaxmorph.configuration import read_configuration\n"
        "read_configuration('config/config.yaml')\n"
        "heavy = {'jax', 'equinox', 'numpy', 'scipy', 'SALib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print(time.process_time())\n"
    )
    seconds = []
    for _ in range(3):
        result = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        imported, spent = result.stdout.splitlines()
        assert imported == "[]"
        seconds.append(float(spent))
    # The best of three, interpreter included, on the processor's clock: other jobs do not decide.
    assert min(seconds) < 0.5
