"""The command ``jaxmorph`` in a folder of its own, from the package alone."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import ROOT
from support.workflow import PROGRAMS

from jaxmorph.command import main
from jaxmorph.command.main import _with_profile


@pytest.mark.slow
def test_init_writes_what_check_finds_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert capsys.readouterr().out.splitlines() == ["jaxmorph.yaml", "cells.py", "Next: jaxmorph run"]
    assert main(["check"]) == 0
    tissue, cells = capsys.readouterr().out.splitlines()
    assert tissue.startswith("jaxmorph.yaml: tissue is good: 3 parameters of growing-disc, 128 simul")
    assert cells.startswith("jaxmorph.yaml: cells is good: 3 parameters of cells.py:Cells, 512 simul")
    # What is there is the user's.
    assert main(["init"]) == 1
    assert capsys.readouterr().err == "error: jaxmorph.yaml: is there already; name another folder\n"
    assert {path.name for path in tmp_path.iterdir()} <= {"jaxmorph.yaml", "cells.py", "__pycache__"}


def test_mistakes_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["run"], ["check"]):
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert said.startswith("error: there is no jaxmorph.yaml and no config/config.yaml in ")
        assert said.endswith("jaxmorph init\n") and said.count("\n") == 1
    assert main(["report", "nothing"]) == 1
    assert "nothing: has no design.json" in capsys.readouterr().err
    assert main(["init", "new"]) == 0
    Path("new/jaxmorph.yaml").write_text("runs: {a: {study: nowhere.py:A, parameters: {x: default}}}")
    assert main(["check", "new/jaxmorph.yaml"]) == 1
    assert "runs.a" in capsys.readouterr().err


def test_check_knows_the_times_and_names_of_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What only the study tells: the first job would stop there."""
    monkeypatch.chdir(tmp_path)
    run = "study: linear, parameters: {x1: default}, design: {method: sobol, samples: 4}"
    for key, named in (
        ("findings: {time: 99}", "runs.a.findings.time = 99"),
        ("summaries: {peak: {of: nothing, take: maximum}}", "runs.a.summaries.peak.of = nothing"),
        ("summaries: {peak: {of: weighted_sum, take: maximum}}", "the study records 1 time, and"),
        ("figures: {names: {nothing: {name: x}}}", "runs.a.figures: names has nothing, which is"),
    ):
        Path("my.yaml").write_text(f"runs: {{a: {{{run}, {key}}}}}")
        assert main(["check", "my.yaml"]) == 1
        said = capsys.readouterr().err
        assert named in said and said.count("\n") == 1, said


def test_the_workflow_s_own_profile_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = str(ROOT / "profiles/slurm")
    assert _with_profile(["-n", "--profile", "slurm"]) == ["-n", "--profile", own]
    assert _with_profile(["--profile", "mine"]) == ["--profile", "mine"]
    (tmp_path / "slurm").mkdir()
    assert _with_profile(["--profile", "slurm"]) == ["--profile", "slurm"]


@pytest.mark.slow
def test_a_wheel_makes_a_report_in_an_empty_folder(tmp_path: Path) -> None:
    """Nothing of the checkout is there: the wheel, unpacked, has package and workflow."""
    build = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run([*build, "--wheel-dir", tmp_path, "-qq", ROOT], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("jaxmorph-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    environment = os.environ | PROGRAMS | {"PYTHONPATH": str(tmp_path / "installed")}

    def jaxmorph(*arguments: str, folder: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "jaxmorph.command", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "Next: jaxmorph run" in jaxmorph("init", folder=empty)
    said = jaxmorph("run", "--cores", "2", folder=empty)
    for run in ("tissue", "cells"):
        assert f"Report of {run}: results/{run}/report.html" in said
        assert (empty / f"results/{run}/animations/cells.mp4").is_file()
    assert "Nothing to be done" in jaxmorph("run", "-n", folder=empty)
    assert jaxmorph("report", "results/cells", folder=empty).strip() == "cells.html"
    again = jaxmorph("reproduce", "results/cells/report.html", "again", folder=empty)
    assert again.splitlines()[-1] == "Next: cd again && jaxmorph run config.yaml"
    plan = jaxmorph("run", "config.yaml", "-n", folder=empty / "again")
    assert "Report of" not in plan and "sensitivity" in plan
