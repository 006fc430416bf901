"""Mistakes in a configuration or on the command line: each is one line that names it, and what to do."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jaxmorph.command.main import main
from jaxmorph.configuration import check_syntax, read_configuration
from jaxmorph.configuration.folders import unwritable
from jaxmorph.errors import JaxmorphError

RUN = """\
runs:
  a:
    study: reference
    parameters:
      epsilon: {distribution: uniform, low: 2, high: 4}
      kT: {distribution: log-uniform, low: 0.5, high: 2.0}
    design: {method: sobol, samples: 64}
"""
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


class Case(NamedTuple):
    """A text of a file, and what its line must say besides the file's name."""

    text: str | bytes
    says: str


def run(line: str, says: str) -> Case:
    """One more line of a good run."""
    return Case(f"{RUN}    {line}\n", says)


def put(old: str, new: str, says: str) -> Case:
    """A good run with another text in place of one."""
    assert old in RUN
    return Case(RUN.replace(old, new), says)


TEXTS = [
    Case(LAUGHS + RUN, "its aliases (*) repeat 1.2 x 10^10 values; the most is 1,000,000"),
    Case(RUN + "    settings: &s {a: *s}\n", "line 8, column 15: an alias (*) repeats what it is in"),
    Case("runs: " + "[" * 500 + "]" * 500, "is nested more than 40 deep"),
    Case("runs: " + "{a: " * 60 + "1" + "}" * 60, "is nested more than 40 deep"),
    Case(RUN + "---\n" + RUN, "line 8, column 1: is not valid YAML: has a second document"),
    Case(RUN + "\tseeds: 3\n", "line 8, column 1: is not valid YAML: has a tab; indent with spaces"),
    Case(RUN.encode("utf-16"), "not a text in UTF-8 but in UTF-16"),
    Case(RUN.encode("utf-16-le"), "not a text in UTF-8 but in UTF-16"),
    Case(RUN.encode("utf-32"), "not a text in UTF-8 but in UTF-16"),
    Case((RUN + "# µ").encode("latin-1"), "line 8: is not a text in UTF-8 (byte b5); save it as UTF-8"),
    Case(b"\x89HDF\r\n\x1a\n\0\0\0", "or no text; save it as UTF-8"),
    Case(b"PK\x03\x04", "unacceptable character #x0003"),
    Case("- a\n- b\n", "must be a mapping with the key runs, not [a, b]"),
    Case("hello\n", "must be a mapping with the key runs, not hello"),
    Case("12\n", "must be a mapping with the key runs, not 12"),
    Case("", "the file is empty; it needs the key runs"),
    Case("---\n", "the file is empty; it needs the key runs"),
    Case("? [a, b]\n: 3\n" + RUN, "line 1, column 3: a key must be a text, not a list or a mapping"),
    Case("{runs: {a: }", "is not valid YAML"),
    Case("%YAML 2.0\n---\n" + RUN, "line 1, column 1: is not valid YAML: found incompatible YAML"),
    Case("x" * (2**25 + 1), "has 33,554,433 bytes; a configuration may have 33,554,432"),
    run("seeds: !!python/object:os.system 3", "line 8, column 12: is not valid YAML: has a tag (!...)"),
    run("seeds: !!int abc", "line 8, column 12: is not valid YAML: this cannot be read as a value"),
    run("seeds: " + "9" * 5000, "line 8, column 12: is not valid YAML: this cannot be read as a value"),
    run("settings: !!omap [a: 1]", "runs.a.settings = [[a, 1]]: must be a mapping of keys to values"),
    run("observables: !!set {x, y}", "must be the word all or a list of names"),
    run("settings: {a: !!binary aGk=}", "must be a text, a number, true or false"),
    run("seeds 3", "is not valid YAML: has no colon, followed by a space, behind a key"),
    run("seeds:3", "is not valid YAML: has no colon, followed by a space, behind a key"),
    run(" seeds: 3", "line 8, column 6: is not valid YAML: is indented unlike the lines above"),
    run("gradient: 'auto", "is not valid YAML: has a quote that is not closed"),
    run('figures: {names: {kT: {symbol: "\\kappa"}}}', "has a backslash in double quotes; take single"),
    run("seeds: *x", "line 8, column 12: is not valid YAML: found undefined alias 'x'"),
    run("<<: 3", "is not valid YAML: expected a mapping or list of mappings for merging"),
    run("study: a: b", "line 8, column 13: is not valid YAML: has a colon where none can be"),
    run("study: \x07", "is not valid YAML: unacceptable character #x0007"),
    run("seeds: 3\n    seeds: 4", "runs.a.seeds: is given twice, in lines 8 and 9"),
    # What YAML 1.1 reads as something else.
    run("seeds: 010", "line 8, column 12: runs.a.seeds = 010: is read as 8, to base 8; write 10"),
    run("seeds: -010", "runs.a.seeds = -010: is read as -8, to base 8; write -10"),
    run("seeds: 08", "must be a whole number, and is read as text; write 8"),
    run("seeds: 1:30", "line 8, column 12: runs.a.seeds = 1:30: is read in sixties"),
    run("smoothing: 1:30.5", "runs.a.smoothing = 1:30.5: is read in sixties"),
    put("kT:", "on:", 'line 6, column 7: runs.a.parameters: the key on is read as true or false'),
    put("kT:", "No:", 'runs.a.parameters: the key No is read as true or false; write "No"'),
    put("kT:", "010:", "runs.a.parameters: the key 010 is read as 8, to base 8; write 10"),
    put("kT:", "2024-01-01:", "the key 2024-01-01 is read as a date"),
    put("kT:", "~:", 'runs.a.parameters: the name null is not a text; write "null"'),
    put("kT:", "1.5:", 'runs.a.parameters: the name 1.5 is not a text; write "1.5"'),
    put("kT:", ".nan:", 'runs.a.parameters: the name nan is not a text; write "nan"'),
    put("low: 2", "low: 0,5", "line 5, column 47: runs.a.parameters.epsilon: 5 has no value; a number "
    "has"),
    put("low: 2", "low: '0,5'", "must be a number, and is read as text; write 0.5 (a point, not a "
    "comma)"),
    put("low: 2", "low: 2 um", 'low = 2 um: must be a number'),
    put("low: 2", "low: 1e-4", "must be a number, and is read as text; write 1.0e-4"),
    put("low: 2", "low: .nan", "must be a finite number"),
    put("low: 2", "low: -.inf", "must be a finite number"),
    put("low: 2", "low: -1e400", "and is read as text; write"),
    put("low: 2, high: 4", "low: -1.0e+308, high: 1.0e+308", "too wide for a floating-point number"),
    put("low: 2, high: 4", "low: 4, high: 2", "low must be less than high, got low = 4, high = 2"),
    put("low: 2, high: 4", "2, 4", "2 has no value"),
    put("low: 2, high: 4", "low:2, high:4", "low:2 has no value; write a space behind the colon"),
    put("{distribution: uniform, low: 2, high: 4}", "[2, 4]", "must be a distribution such as"),
    put("{distribution: uniform, low: 2, high: 4}", "uniform(2, 4)", "must be a distribution such as"),
    put("{distribution: uniform, low: 2, high: 4}", "", "must be a distribution such as"),
    put("uniform", "Uniform", "unknown distribution; did you mean uniform?"),
    put("uniform, low: 2", "uniform, min: 2", "unknown key of a uniform distribution"),
    put("uniform, low: 2, high: 4", "normal, mean: 3, std: 1", "std: unknown key of a normal "
    "distribution"),
    put("uniform, low: 2, high: 4", "normal, mean: 3, sd: 0", "sd = 0: must be greater than 0"),
    put("low: 0.5", "low: 0", "low = 0: must be greater than 0"),
    run("smoothing: 0,05", "write 0.05 (a point, not a comma)"),
    run("smoothing: 5%", "write 0.05"),
    run("smoothing: 5.0", "runs.a.smoothing = 5.0: must be at most 1"),
    run("seeds: 1,000", "write 1000, or 1.000"),
    run("seeds: 1 000", "write 1000"),
    run("seeds: 1,000,000", "write 1000000"),
    run("seeds: 1e3", "write 1000"),
    run("seeds: sixteen", "runs.a.seeds = sixteen: must be a whole number"),
    run("seeds: [16]", "runs.a.seeds = [16]: must be a whole number"),
    run("seeds: {n: 16}", "runs.a.seeds = {n: 16}: must be a whole number"),
    run("seeds: 16.0", "runs.a.seeds = 16.0: must be a whole number"),
    run("seeds: yes", "runs.a.seeds = true: must be a whole number"),
    run("seeds: ", "runs.a.seeds = null: must be a whole number"),
    run("seeds: none", "runs.a.seeds = none: must be a whole number"),
    run("Seeds: 4", "runs.a.Seeds: unknown key; did you mean seeds?"),
    run("seed: 4", "runs.a.seed: unknown key; did you mean seeds?"),
    run("observable: [x]", "runs.a.observable: unknown key; did you mean observables?"),
    run("observables: x", "must be the word all or a list of names"),
    run("observables: [no, x]", 'observables[0] = no: is read as true or false; write "no"'),
    run("observables: [x, 1]", "must be the word all or a list of names"),
    run("observables: x, y", "must be the word all or a list of names"),
    run("settings: [dt, 1]", "must be a mapping of keys to values"),
    run("settings: {dt: 0,1}", "1 has no value; a number has a point (0.1), not a comma"),
    run("settings: {when: 2024-01-01}", "is read as a date"),
    run("settings: {when: 2024-13-45}", "is read as a date"),
    run("settings: {dt: {a: 1}}", "must be a text, a number, true or false"),
    run("key: random", "runs.a.key = random: must be a whole number"),
    run("key: 2.5", "must be a whole number"),
    run("gradient: backward", "must be auto, forward or reverse"),
    run("gradient: Forward", "must be auto, forward or reverse"),
    run("estimator: pathways", "must be pathwise, smoothed, score or straight-through"),
    run("batch: all", "must be the word auto, a number of simulations, or"),
    run("batch: -1", "runs.a.batch = -1: must be at least 1"),
    run("batch: 64x16", "must be the word auto, a number of simulations, or"),
    run("batch: {seeds: 0}", "runs.a.batch.seeds = 0: must be at least 1"),
    run("batch: {first: 64}", "runs.a.batch.first = 64: must be a mapping"),
    run("trajectories: all", "must be a mapping"),
    run("trajectories: {samples: [64]}", "samples names 64, but the samples of the run are 0 to 63"),
    run("trajectories: {samples: 0-3}", "must be a list"),
    run("corners: epsilon", "must be a list"),
    run("corners: [epsilon, epsilon]", "names epsilon twice"),
    run("corners: [Epsilon]", "Epsilon is not varied by the run; did you mean epsilon?"),
    run("checks: no", "runs.a.checks = false: must be a mapping"),
    run("checks: {step: 0.1%}", "write 0.001"),
    run("checks: {line_points: 2}", "must be at least 5"),
    run("figures: {width: 89mm}", "must be a number"),
    run("figures: {width: 8.9}", "must be at least 60"),
    run("figures: {formats: png}", "must be a list"),
    run("figures: {formats: [jpg]}", "must be svg, pdf, png or tiff"),
    run("figures: {times: [40, 0]}", "the first time is after the last"),
    run("figures: {times: [0]}", "has too few items"),
    run("figures: {times: 10}", "must be a list"),
    run("figures: {names: {kT: noise}}", "must be a mapping"),
    run("figures: {names: {kT: {symbol: '$k$'}}}", "leave out the dollar signs"),
    run("figures: {names: {kT: {symbol: 'k_{B T'}}}", "Matplotlib cannot set it"),
    run("fixed: {kT: 1}", "kT is varied under parameters; name it only once"),
    run("fixed: {gamma: default}", "must be a number"),
    run("groups: {g: kT}", "must be a list"),
    run("groups: {g: [kT, epsilon]}", "one group has all parameters"),
    run("correlations: {kT: epsilon}", "must be a list"),
    run("correlations: [{between: kT, coefficient: 0.5}]", "must be a list"),
    run("summaries: {peak: {of: x, take: max}}", "must be maximum, minimum, integral or time of "
    "maximum"),
    run("findings: {time: end}", "must be the word last or a time"),
    run("estimates: {trim: 10%}", "write 0.1"),
    run("optimise: {}", "objective: is missing"),
    run("optimise: {objective: x}", "must be a list"),
    run("optimise: {objective: [x]}", "must be a mapping"),
    run("optimise: {objective: [{observable: x, goal: min}]}", "unknown goal"),
    run("optimise: {objective: [{observable: x, goal: target, value: 1, error: 0}]}", "greater than 0"),
    run("data: reads.csv", "must be a list"),
    run("data: [nowhere.csv]", "there is no file nowhere.csv in the working directory"),
    run("data: [.]", ""),
    run("allow_partial: maybe", "must be true or false"),
    put("study: reference", "study: Reference", "unknown study; did you mean reference?"),
    put("study: reference", "study: nowhere.py:A", "there is no file nowhere.py in the working "
    "directory"),
    put("study: reference", "study: .:A", ""),
    put("study: reference", f"study: {'x' * 300}.py:A", ""),
    run(f"data: [{'x' * 300}.csv]", "there is no file xxx"),
    run(
        f"optimise: {{objective: [{{observable: f, goal: time-course, data: {'x' * 300}.csv}}]}}",
        "there is no file xxx",
    ),
    put("study: reference", 'study: "a\\0b.py:A"', ""),
    put("study: reference", "study: [reference]", "must be a text"),
    put("study: reference\n    ", "", "runs.a.study: is missing"),
    put("design: {method: sobol, samples: 64}", "design: 64", "must be a mapping"),
    put("design: {method: sobol", "design: {method: Sobol", "unknown design method; did you mean "
    "sobol?"),
    put("method: sobol, ", "", "runs.a.design.method: is missing"),
    put("samples: 64", "samples: 100", "must be a power of two; the nearest are 64 and 128"),
    put("samples: 64", "n: 64", "unknown key of a sobol design"),
    put("samples: 64", "samples: 64, seed: -1", "must be at least 0"),
    put("  a:", "  a b:", '"a b" cannot be the name of a run'),
    put("  a:", "  ä:", "cannot be the name of a run"),
    put("  a:", "  ../a:", "cannot be the name of a run"),
    put("  a:", f"  {'a' * 300}:", "has 300 letters; the most is 100"),
    put("runs:\n", "run:\n", "run: unknown key; did you mean runs?"),
    put("runs:\n", "", "a: unknown key"),
    Case(RUN + "compare: [a, b]\n", "names the run b, which is not under runs"),
    Case(RUN + f"compare: {{{'c' * 300}: [a, a]}}\n", "has 300 letters; the most is 100"),
]  # fmt: skip


def error_of(do: Callable[[], Any]) -> str:
    with pytest.raises(JaxmorphError) as error:
        do()
    return str(error.value)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("case", TEXTS, ids=[repr(case.says)[:60] for case in TEXTS])
def test_a_mistake_in_a_file_is_one_line_that_names_it(case: Case) -> None:
    text = case.text if isinstance(case.text, bytes) else case.text.encode()
    Path("mine.yaml").write_bytes(text)
    said = error_of(lambda: read_configuration("mine.yaml"))
    assert case.says in said
    for line in said.splitlines():
        assert line.startswith(("mine.yaml: ", "mine.yaml, line ")) and len(line) < 900
        assert "Input should" not in line and "Traceback" not in line and line.isprintable()
    assert len(said.splitlines()) <= 3
    assert [path.name for path in Path().iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            RUN,
            RUN.replace("\n", "\r\n"),
            "\ufeff" + RUN,
            RUN + "    seeds: 0x10\n",
            RUN + "    seeds: 1_0\n",
        ),
        *(RUN + "    allow_partial: no\n", RUN + "    seeds: &n 4\n    key: *n\n"),
        RUN
        + "    checks: &c {seeds: 3}\n    findings: {}\n"
        + "  b:\n    <<: {seeds: 4}\n    seeds: 5\n    "
        "study: ishigami\n    parameters: {x1: default}\n    design: {method: sobol}\n    checks: *c\n",
        '{"runs": {"a": {"study": "reference", "parameters": {"kT": "default"}, "design": '
        '{"method": "sobol"}}}}',
    ],
)
def test_what_is_right_is_read(text: str) -> None:
    Path("mine.yaml").write_bytes(text.encode())
    assert "a" in read_configuration("mine.yaml").runs


def test_what_is_no_file() -> None:
    Path("folder.yaml").mkdir()
    os.mkfifo("pipe.yaml")
    for name, says in [
        ("folder.yaml", "folder.yaml: is a folder; name a file"),
        ("pipe.yaml", "pipe.yaml: is no regular file; name a file in YAML"),
        ("/dev/zero", "/dev/zero: is no regular file; name a file in YAML"),
        ("nothing.yaml", "nothing.yaml: cannot be read: No such file or directory"),
        ("x" * 300, f"{'x' * 300}: cannot be read: File name too long"),
        ("a\0b", "'a\\x00b': cannot be the name of a file"),
    ]:
        assert error_of(partial(read_configuration, name)) == says
        assert error_of(partial(check_syntax, name)) == says


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "empty.yaml"], "empty.yaml: the file is empty; it needs the key runs"),
        (["run", "nothing.yaml"], "nothing.yaml: cannot be read: No such file or directory"),
        (
            ["run", "good.yaml", "--configfile", "tab.yaml"],
            "tab.yaml, line 1, column 1: is not valid YAML",
        ),
        (
            ["run", "good.yaml", "--configfiles", "good.yaml", "list.yaml"],
            "list.yaml: must be a mapping",
        ),
        (["run", "good.yaml", "--configfile=two.yaml"], "two.yaml, line 2, column 1: is not valid YAML"),
        (["run", "good.yaml", "--configfile", "utf16.yaml", "-n"], "utf16.yaml: is not a text in UTF-8"),
        (["run", "good.yaml", "--configfile", "folder.yaml"], "folder.yaml: is a folder"),
        (["run", "good.yaml", "--configfile", "nothing.yaml"], "nothing.yaml: cannot be read"),
        (["run", "good.yaml", "--config", "runs"], "--config runs: must be KEY=VALUE, such as runs="),
        (["run", "good.yaml", "--config", "runs.a.seeds=3"], "--config runs.a.seeds=3: has a dot"),
        (["run", "good.yaml", "-C", "=3"], "--config =3: must be KEY=VALUE"),
        (["run", "settings.json"], "settings.json: a configuration is YAML; name it .yaml"),
        (["run", "laughs.yaml"], "laughs.yaml: its aliases (*) repeat"),
        (["check", "tab.yaml"], "tab.yaml, line 1, column 1: is not valid YAML: has a tab"),
        (["check", "list.yaml"], "list.yaml: must be a mapping with the key runs"),
        (["check", "folder.yaml"], "folder.yaml: is a folder"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_mistake_on_the_command_line_is_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str | bytes] = {
        "good.yaml": RUN,
        "jaxmorph.yaml": RUN,
        "tab.yaml": "\truns: {}\n",
        "list.yaml": "[a]\n",
        "empty.yaml": "",
        "two.yaml": "a: 1\n---\nb: 1\n",
        "utf16.yaml": RUN.encode("utf-16"),
        "settings.json": "{}",
        "laughs.yaml": LAUGHS,
    }
    for name, text in files.items():
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    Path("folder.yaml").mkdir()
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"error: {says}") and said.err.count("\n") == 1
    assert {path.name for path in Path().iterdir()} == {*files, "folder.yaml"}


class _Disk(NamedTuple):
    f_files: int = 1000
    f_ffree: int = 10
    f_bavail: int = 10**9
    f_frsize: int = 4096


@pytest.mark.parametrize(
    ("disk", "says"),
    [
        (_Disk(f_ffree=0), "no inode is left on its file system: remove files there"),
        (_Disk(f_bavail=10), "its disk has less than 20 MB left: make room"),
        (_Disk(), None),
        (_Disk(f_files=0, f_ffree=0), None),  # a file system without inodes
    ],
)
def test_a_full_disk_is_said_before_anything_starts(
    disk: _Disk, says: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    lines = unwritable(["a"])
    assert len(lines) == (says is not None)
    assert all(says in line and "--directory FOLDER" in line for line in lines if says)
