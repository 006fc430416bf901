"""The workflow as a Snakemake module of another one, deployed as the catalogue does it, and its root."""

import os
import shutil
import subprocess
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ROOT
from support.workflow import PROGRAMS, jobs, prepare, tiny

from jaxmorph.configuration import load_configuration
from jaxmorph.configuration.callers import place_in
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs import import_alike

OWN = tiny()["own"] | {"design": {"method": "sobol", "samples": 4}}

MODULE = f"""
module jaxmorph:
    snakefile: "{ROOT}/workflow/Snakefile"
    config: config["mine"]["jaxmorph"]
    prefix: "there"
"""

CALLER = f"""
configfile: "settings.yaml"

localrules: extremes

{MODULE}

rule all:
    input: "extremes.txt"

use rule * from jaxmorph as jaxmorph_*

use rule batch from jaxmorph as jaxmorph_batch with:
    resources:
        mem_mb=1234

use rule sensitivity from jaxmorph as jaxmorph_sensitivity with:
    priority: 30

rule extremes:
    input: "there/results/own/sensitivity.nc"
    output: "extremes.txt"
    params: given=" ".join(config["mine"]["jaxmorph"])
    shell: "basename {{input}} > {{output}}; echo {{params.given}} >> {{output}}"

onsuccess:
    print("The caller's own end.")
    jaxmorph.onsuccess()
"""

SECOND = f"""
module again:
    snakefile: "{ROOT}/workflow/Snakefile"
    config: {{"runs": config["other"]}}
    replace_prefix: {{"results/": "again/", "logs/": "again-logs/"}}

use rule * from again as again_*

use rule extremes as both with:
    input: "there/results/own/report.html", "again/fitted/report.html"
    output: "both.txt"
"""


def caller(folder: Path, snakefile: str, run: Mapping[str, Any], **more: Any) -> Path:
    """A folder with another workflow, and with a default configuration that nobody may read."""
    prepare(folder, {})
    (folder / "config.yaml").unlink()
    (folder / "Snakefile").write_text(snakefile)
    settings = {"mine": {"jaxmorph": {"runs": {"own": dict(run)}}}, **more}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text("runs: [")
    return folder


def snakemake(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor", *arguments],
        cwd=folder,
        env=os.environ | PROGRAMS | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_two_modules_with_other_names_paths_and_configurations(tmp_path: Path) -> None:
    data = tmp_path / "caller/measured.csv"
    fitted = OWN | {
        "optimise": {
            "objective": [{"observable": "x", "goal": "time-course", "data": "measured.csv"}],
        }
    }
    folder = caller(tmp_path / "caller", CALLER + SECOND, OWN, other={"fitted": fitted})
    data.write_text("time,x\n0.1,1.0\n0.2,0.9\n")
    done = snakemake(folder, "-n", "both.txt")
    counts = jobs(done)
    assert counts["both"] == counts["jaxmorph_batch"] == counts["again_batch"] == 1
    assert counts["jaxmorph_page"] == counts["again_page"] == counts["again_objective"] == 1
    said = done.stdout + done.stderr
    assert "mem_mb=1234" in said
    assert "input: again/fitted/study.json, measured.csv, again/fitted/cost.json" in said
    assert (
        "output: there/results/own/report.html" in said and "log: again-logs/fitted/report.log" in said
    )
    assert "localrules directive" not in said


def test_a_mistake_is_named_with_the_caller_s_file_and_keys(tmp_path: Path) -> None:
    """With the Snakefile of the documentation, and what that says of its mistakes."""
    page = (ROOT / "docs/module.md").read_text()
    snakefile = (
        page.partition("```python\n")[2].partition("```")[0].replace("path/to/jaxmorph", str(ROOT))
    )
    folder = caller(tmp_path / "caller", snakefile, {}, jaxmorph={"runs": {"trap": OWN | {"seeds": 0}}})
    done = snakemake(folder, "-n")
    assert done.returncode == 1
    line = done.stderr.removeprefix("The configuration is wrong; nothing was done.\n").strip()
    assert f"`{line}`" in page and line.startswith("settings.yaml: jaxmorph.runs.trap.seeds = 0: ")


def test_where_a_part_of_a_configuration_is() -> None:
    part = {"runs": {"a": 1}}
    like = {"runs": {"a": 1}}
    assert place_in(part, part) == ()
    assert place_in({"x": like, "y": {"z": part}}, part) == ("y", "z")
    assert place_in({"x": like}, part) is None


def test_a_module_s_configuration_is_checked_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(prepare(tmp_path / "here", {}))
    own = yaml.safe_dump(OWN, default_flow_style=True, width=999)
    text = f"a: 1\na: 2\nmine: {{runs: {{own: {own}}}}}"
    Path("settings.yaml").write_text(text)
    given: dict[str, Any] = {"files": ["settings.yaml"], "below": ("mine",)}
    # What is given twice elsewhere in the file is the caller's; values of --config come as texts.
    typed = {"mine": {"runs": {"own": {"seeds": "5"}}}}
    assert load_configuration({"runs": {"own": OWN}}, overrides=typed, **given).runs["own"].seeds == 5
    twice = text.replace("mine: {", "mine: {runs: {own: {seeds: 1}}, ", 1)
    Path("settings.yaml").write_text(twice)
    line = "settings.yaml: mine.runs: is given twice, in lines 3 and 3"
    with pytest.raises(JaxmorphError, match=f"^{line}$"):
        load_configuration({"runs": {"own": OWN}}, **given)
    for config, line in (
        ({"runs": {"own": OWN | {"sees": 1}}}, "here: runs.own.sees: unknown key; did you mean seeds?"),
        (["own"], "here: must be a mapping with the key runs, not [own]"),
    ):
        with pytest.raises(JaxmorphError) as raised:
            load_configuration(config, place="here")
        assert str(raised.value) == line


def package(around: str) -> dict[str, Any]:
    """What ``workflow/rules/package.smk`` defines, for a workflow at ``around``."""
    names = {"workflow": types.SimpleNamespace(current_basedir=f"{around}/workflow/rules")}
    exec((ROOT / "workflow/rules/package.smk").read_text(), names)
    return names


def test_the_package_is_the_one_beside_the_workflow_or_fits_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert package(str(ROOT))["folder"] == ROOT and sys.path[0] == str(ROOT)
    # In a wheel it is around the workflow.
    (tmp_path / "jaxmorph/jobs").mkdir(parents=True)
    (tmp_path / "jaxmorph/jobs/__init__.py").touch()
    with pytest.raises(SystemExit, match=f"{tmp_path}, but {ROOT} was imported before; use one of them"):
        package(f"{tmp_path}/jaxmorph/_workflow")
    # A clone at the top of a file system has nothing around it.
    assert package("/app")["folder"] is None
    # Of a host, only an address is known.
    host = "https://example.org/owner/jaxmorph/raw/v1"
    monkeypatch.chdir(ROOT)
    assert package(host)["folder"] is None
    fake = types.ModuleType("jaxmorph")
    fake.__dict__.update(__version__="0.0.9", __file__=str(tmp_path / "jaxmorph/__init__.py"))
    monkeypatch.setitem(sys.modules, "jaxmorph", fake)
    with pytest.raises(SystemExit, match=f"same version, but 0.0.9 is installed in {tmp_path}; install"):
        package(host)
    monkeypatch.setitem(sys.modules, "jaxmorph", None)
    with pytest.raises(SystemExit, match="which is neither beside it nor installed; install it for "):
        package(host)


def test_jobs_with_another_python_get_the_package_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "lib/site-packages"
    (site / "jaxmorph/jobs").mkdir(parents=True)
    (site / "jaxmorph/__init__.py").write_text("FOUND = True\n")
    (site / "yaml.py").write_text("raise RuntimeError('of another Python')\n")
    monkeypatch.setattr("jaxmorph.jobs.run.__file__", str(site / "jaxmorph/jobs/run.py"))
    monkeypatch.setenv("PYTHONPATH", "before")
    monkeypatch.chdir(tmp_path)
    import_alike()
    assert os.environ["PYTHONPATH"] == f"{site}:before"
    import_alike(["conda"])
    import_alike(["conda"])  # as each `use rule` does
    alone, *others = os.environ["PYTHONPATH"].split(":")
    assert others == [str(site), "before"]
    assert [path.name for path in Path(alone).iterdir()] == ["jaxmorph"]
    # Snakemake keeps PYTHONPATH from the jobs of an environment: it is told once, when it is made.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    python = tmp_path / "env/bin"
    # What else it has comes from the lock file in the package; this pip says what it was asked for.
    (site / "jaxmorph/_workflow").mkdir()
    (site / "jaxmorph/_workflow/requirements.lock").write_text("setuptools==1\n# via\nnumpy==1\n")
    (installed,) = (tmp_path / "env/lib").glob("*/site-packages")
    asked = (
        "import sys; print(*sys.argv[1:], open(sys.argv[-1]).read().split(), file=open('asked', 'a'))"
    )
    (installed / "pip.py").write_text(asked)
    environment = os.environ | {"PATH": f"{python}:{os.environ['PATH']}"}
    subprocess.run(["sh", ROOT / "envs/jaxmorph.post-deploy.sh"], check=True, env=environment)
    first, second = Path("asked").read_text().splitlines()
    assert "--require-hashes --no-deps" in first and "['setuptools==1'" in first and "numpy" not in first
    assert "--require-hashes --no-deps" in second and "'numpy==1'" in second
    program = "import jaxmorph; assert jaxmorph.FOUND"
    subprocess.run([python / "python", "-c", program], check=True, env={"PATH": environment["PATH"]})


def test_the_layout_is_that_of_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(prepare(tmp_path / "here", {}))
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert any(usage["software-stack-deployment"].values())
    for name in ("README.md", "LICENSE", "workflow/Snakefile", "workflow/rules/common.smk"):
        assert (ROOT / name).is_file()
    told = (ROOT / "config/README.md").read_text()
    required = ("study", "parameters", "design")
    for key in ("runs", *required):
        assert f"`{key}`" in told
    # Its example is a good configuration.
    example = yaml.safe_load(told.partition("```yaml\n")[2].partition("```")[0])
    assert set(required) < set(load_configuration(example).runs["trap"].plain())
    # The root has nothing of its own.
    lines = [line for line in (ROOT / "Snakefile").read_text().splitlines() if line and line[0] != "#"]
    assert len(lines) == 2


@pytest.mark.slow
def test_a_caller_has_its_file_from_the_estimates_of_the_module(tmp_path: Path) -> None:
    # How the run is cut is known after its first job: what another `use rule` changed waits for it, too.
    auto = {key: value for key, value in OWN.items() if key != "batch"}
    folder = caller(tmp_path / "caller", CALLER, auto)
    done = snakemake(folder, "all", "there/results/own/report.html")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert (folder / "extremes.txt").read_text().split() == ["sensitivity.nc", "runs"]
    assert "The caller's own end." in said
    assert said.count("own: 8 simulations of ") == 1, "what a simulation costs is said, and once"
    assert done.stdout.splitlines()[-1] == "Report of own: there/results/own/report.html"
    assert (folder / "there/logs/own/batches/000-000.log").is_file()
    assert not (folder / "results").exists()
    assert "Nothing to be done" in (again := snakemake(folder, "-n")).stdout + again.stderr


DEPLOYED = """
from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


module jaxmorph:
    snakefile:
        github("owner/jaxmorph", path="workflow/Snakefile", tag="v0.1.0")
    config:
        config


use rule * from jaxmorph
"""
"""What snakedeploy writes."""


@pytest.mark.slow
def test_what_is_deployed_makes_a_report_with_the_installed_package(tmp_path: Path) -> None:
    """The workflow comes from a host, of which Snakemake has a copy: only its own files are there."""
    source, folder = tmp_path / "source", prepare(tmp_path / "deployed", {"own": OWN})
    cache = "cache/snakemake/snakemake/source-cache/snakemake-git-cache/github.com/owner/jaxmorph"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("workflow", "envs"):
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a", "-c", "init.defaultBranch=main"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"], ["tag", "v0.1.0"]):
        subprocess.run([*git, *command], cwd=source, check=True)
    subprocess.run([*git, "clone", "-q", "--bare", source, tmp_path / cache], check=True)
    # What snakedeploy copies, and writes; then the configuration is edited.
    for name in ("config", "profiles"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "config.yaml").replace(folder / "config/config.yaml")
    (folder / "workflow").mkdir()
    (folder / "workflow/Snakefile").write_text(DEPLOYED)
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = snakemake(folder, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "profiles/default" in done.stderr
    assert (folder / "results/own/report.html").is_file()
    done = snakemake(folder, "-n", "--config", "runs={own: {seeds: 4}}", **environment)
    assert jobs(done)["batch"] == 1, "values of --config reach the module"
    done = snakemake(folder, "--report", "report.html", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
