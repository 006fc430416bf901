"""Where files come from; a run made again from its report alone; runs that are not all there yet."""

import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from support import ROOT, SUPPORT
from support.workflow import PROGRAMS, jobs, prepare, snakemake, tiny

from jaxmorph import store
from jaxmorph.configuration import Run
from jaxmorph.configuration.specify import Specifications
from jaxmorph.integrity import seal
from jaxmorph.jobs.account import write_provenance
from jaxmorph.report import reproduce

# The package has the function of this name in its place.
provenance = importlib.import_module("jaxmorph.store.provenance")


@pytest.mark.slow
@pytest.mark.parametrize("run", ["tiny", "own"])
def test_a_run_is_made_again_from_its_report_alone(
    both_finished: Path, tmp_path: Path, run: str
) -> None:
    """In an empty folder, by the commands of the page; numbers equal to the last bit."""
    report = shutil.copy(both_finished / f"results/{run}/report.html", tmp_path)
    unpacking = [sys.executable, "-m", "jaxmorph.report", str(report), "again"]
    subprocess.run(unpacking, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    page = unescape(Path(report).read_text())
    (command,) = re.findall(r"^snakemake .*config\.yaml.*$", page.replace("</code>", "\n"), re.MULTILINE)
    words = shlex.split(command.replace("../Snakefile", str(ROOT / "Snakefile")))[1:]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words, "--cores", "2", f"results/{run}/sensitivity.nc"],
        cwd=tmp_path / "again",
        env=os.environ | PROGRAMS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names = ["sensitivity.nc", "design.nc", *(f"batches/{b}.nc" for b in Run(**tiny()[run]).batches)]
    for name in names:
        with (
            xr.open_dataset(both_finished / f"results/{run}/{name}") as first,
            xr.open_dataset(tmp_path / f"again/results/{run}/{name}") as second,
        ):
            assert first.equals(second), name
            assert first.attrs["design_hash"] == second.attrs["design_hash"]


@pytest.mark.slow
def test_every_file_says_where_it_comes_from(finished: Path) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    hashes = {}
    for path in (finished / "results").rglob("*.nc"):
        attributes = store.read_attributes(path)
        assert attributes["git_commit"] == (commit or "none"), path
        assert attributes["git_dirty"] in (("yes", "no") if commit else ("unknown",))
        assert attributes["random_key"] == 0 and attributes["host"] and attributes["device"]
        assert re.fullmatch(r"\w+ \d+", str(attributes["job_id"]))
        assert str(attributes["start"]) <= str(attributes["end"])
        with xr.open_dataset(path) as dataset:
            points = dataset["parameter_value"].values
        assert attributes["design_hash"] == store.design_hash(points)
        hashes[str(path.relative_to(finished / "results"))] = attributes["design_hash"]
    assert hashes["tiny/sensitivity.nc"] == hashes["tiny/design.nc"] != hashes["own/design.nc"]


@pytest.mark.slow
def test_provenance_json_tells_a_paper_what_was_done(finished: Path) -> None:
    record = store.read_json(finished / "results/tiny/provenance.json")
    files = {file["file"]: file for file in record["files"]}
    made = (finished / "results/tiny").rglob("*.nc")
    assert set(files) == {str(path.relative_to(finished)) for path in made}
    assert record["totals"]["simulations"] == 16 and record["missing_batches"] == []
    assert record["totals"]["jobs"] == len(files) == 6
    of_files = sum(file["cpu_time_s"] for file in files.values())
    assert record["totals"]["cpu_time_s"] == pytest.approx(of_files, abs=0.1)
    assert record["totals"]["gpu_time_s"] == 0
    assert Run.model_validate(record["configuration"]) == Run(**tiny()["tiny"])
    assert "estimated from 16 simulations" in record["methods"]
    assert "(forward mode) in float64" in record["methods"]


# k = 3 is too stiff while a file says so: the last three of nine samples, in two of three batches.
BROKEN = """\
        stiffest = 2.5 if Path("broken").exists() else 9.0
        x = eqx.error_if(x, parameters["k"] > stiffest, "the trap is too stiff")
        return jxm.Recording"""


@pytest.mark.slow
def test_a_run_with_a_batch_that_always_fails_has_a_report_of_the_others(tmp_path: Path) -> None:
    batch, checks = {"samples": 4, "seeds": 2}, {"samples": 0}
    weak = tiny()["own"] | {"study": "weak.py:Trap", "batch": batch, "checks": checks}
    runs = {"weak": weak}
    folder = prepare(tmp_path / "weak", runs)
    trap = (SUPPORT / "trap.py").read_text().replace("        return jxm.Recording", BROKEN)
    (folder / "weak.py").write_text(
        trap.replace(
            "import jax\n", "from pathlib import Path\n\nimport equinox as eqx\nimport jax\n", 1
        )
    )
    partial = {"weak": runs["weak"] | {"allow_partial": True}}
    (folder / "broken").touch()
    prepare(folder, partial)
    none = snakemake(folder)
    assert none.returncode != 0 and "Traceback" not in none.stderr
    assert "runs.weak.allow_partial = true: no batch of weak is there yet" in none.stderr
    prepare(folder, runs)
    assert snakemake(folder, "--keep-going").returncode != 0
    made = sorted(path.name for path in (folder / "results/weak/batches").iterdir())
    assert made == ["000-000.nc"]
    prepare(folder, partial)
    (folder / "broken").rename(folder / "mended")  # corners are not batches
    wanted = jobs(snakemake(folder, "-n"))
    assert "batch" not in wanted and wanted["sensitivity"] == 1
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last == (
        "Report of weak: results/weak/report.html (of 1 of 3 batches; the others are missing)"
    )
    page = " ".join((folder / "results/weak/report.html").read_text().split())
    assert "2 of 3 batches are missing (<code>001-000</code>, <code>002-000</code>)" in page
    assert "from the 8 of 18 simulations that were made" in page
    assert "allow_partial" not in page.partition('<section id="reproduce">')[2].partition("<pre")[2]
    with xr.open_dataset(folder / "results/weak/sensitivity.nc") as data:
        assert data["mean"].notnull().sum("sample").values.tolist() == [[4]] * 12
        assert data["non_finite_count"].item() == 0
    assert "2 of 3 batches are not there" in (folder / "logs/weak/sensitivity.log").read_text()
    record = store.read_json(folder / "results/weak/provenance.json")
    assert record["missing_batches"] == ["001-000", "002-000"]
    assert "8 simulations (of 18 planned; 2 batches are missing)" in record["methods"]
    assert "Nothing to be done" in (again := snakemake(folder, "-n")).stdout + again.stderr
    # A batch that comes later is included; the first is not made again.
    assert snakemake(folder, "results/weak/batches/001-000.nc").returncode == 0
    assert jobs(snakemake(folder, "-n", "results/weak/sensitivity.nc")).get("sensitivity") == 1
    prepare(folder, runs)
    wanted = jobs(snakemake(folder, "-n", "results/weak/report.html"))
    assert wanted["batch"] == 1 and "design" not in wanted
    if keep := os.environ.get("KEEP_REPORT"):
        shutil.copy(folder / "results/weak/report.html", keep)


def test_the_hash_of_a_design_is_that_of_its_numbers() -> None:
    points = np.arange(6.0).reshape(3, 2)
    known = "84a6e8b7"  # struct.pack("<6d", *range(6)), by hashlib
    found = store.design_hash(points)
    assert (
        found == store.design_hash(np.asfortranarray(points)) == store.design_hash(points.astype("f4"))
    )
    assert found != store.design_hash(points[::-1]) and found.startswith(known)


def test_the_job_and_its_node_come_from_the_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "SLURMD_NODENAME"):
        monkeypatch.delenv(name, raising=False)
    assert store.provenance("a", {})["job_id"] == f"local {os.getpid()}"
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("SLURMD_NODENAME", "node2")
    made = store.provenance("a", {"key": 3})
    assert made["job_id"] == "slurm 4711" and made["host"] == "node2"
    assert made["random_key"] == 3


def git(folder: Path, *arguments: str) -> None:
    names = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def test_the_commit_is_that_of_the_checkout_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "_ROOT", tmp_path / "inside")
    (tmp_path / "inside").mkdir()
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "one")
    look = provenance._git.__wrapped__
    assert look() == ("none", "unknown"), "the repository around it is another's"
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    commit, dirty = look()
    assert re.fullmatch("[0-9a-f]{40}", commit) and dirty == "no"
    (tmp_path / "stray").write_text("not tracked")
    assert look()[1] == "no"
    (tmp_path / "file").write_text("2")
    assert look() == (commit, "yes")
    monkeypatch.setenv("PATH", "")
    assert look() == ("none", "unknown"), "without git"


def test_a_summary_of_many_files_is_small() -> None:
    summary = store.Summary()
    for i in range(20_000):
        about = {"job_id": f"slurm {i}", "host": f"node{i % 30}", "start": f"2030-01-01T00:{i % 60:02d}"}
        summary.add(about | {"end": "2030-01-02", "device": "gpu H100", "wall_time_s": 2.0})
    found = summary.attributes()
    assert sum(len(str(value)) for value in found.values()) < 4000
    assert found["batch_count"] == 20_000 and found["batch_wall_time_s"] == 40_000
    assert json.loads(str(found["batch_job_id"]))["different"] == 20_000
    hosts = json.loads(str(found["batch_host"]))
    assert hosts["different"] == 30 and set(hosts["files"].values()) <= {666, 667}
    assert (found["batch_start"], found["batch_end"]) == ("2030-01-01T00:00", "2030-01-02")


def test_a_file_of_many_gpus_counts_the_time_of_each(tmp_path: Path) -> None:
    """Two batches of 100 s on four GPUs, an hour of estimates on none."""
    run = Run(**tiny()["tiny"])
    specs = Specifications(run)
    common = store.provenance("tiny", run.model_dump(mode="json")) | {"design_hash": "0" * 64}
    batch = {"jaxmorph_file": "batch", "device": "gpu H100 x 4", "wall_time_s": 100.0}
    estimates = {
        "jaxmorph_file": "sensitivity", "simulations": 16, "simulations_wanted": 16,
        "study": "reference", "study_description": "cells", "design_method": "sobol",
        "estimator": "pathwise", "gradient_mode": "forward", "precision": "float64",
    }  # fmt: skip
    paths = []
    for name, more in {"000-000": batch, "000-001": batch, "sensitivity": estimates}.items():
        paths.append(str(tmp_path / f"{name}.nc"))
        made_of = specs.batch(name) if "-" in name else None
        known = (made_of.identity if made_of else specs.of_estimates).attributes()
        xr.Dataset(attrs=common | more | known).to_netcdf(paths[-1])
        seal(Path(paths[-1]))
    write_provenance("tiny", run, paths, str(tmp_path / "provenance.json"))
    record = store.read_json(tmp_path / "provenance.json")
    assert record["totals"]["gpu_time_s"] == 800
    assert "13.3 min of GPU time" in record["methods"] and "on gpu H100 x 4" in record["methods"]


def test_a_configuration_is_one_of_the_run_alone() -> None:
    run = Run(**tiny()["own"] | {"study": "far/away/trap.py:Trap", "allow_partial": True})
    text = reproduce.configuration("own", run.model_dump(mode="json"))
    again = Run(**yaml.safe_load(text)["runs"]["own"])
    assert again.study == "trap.py:Trap" and not again.allow_partial
    assert again == run.model_copy(update={"study": again.study, "allow_partial": False})


def test_measured_data_travel_under_names_of_their_own() -> None:
    """Two files of one name, in one of them a time course of each of two observables."""
    course = {"goal": "time-course", "weight": 1.0}
    terms: list[dict[str, object]] = [
        course | {"observable": "x", "data": "one/course.nc"},
        {"goal": "minimise", "observable": "x"},
        course | {"observable": "x", "data": "two/course.csv"},
    ]
    settings = tiny()["tiny"] | {"optimise": {"objective": terms}}
    attributes = {"configuration": json.dumps(settings), "library_versions": "{}"}
    texts = {"one/course.nc": "time,x\n0.0,1.0\n", "two/course.csv": "time,x\n0.0,2.0\n"}
    optimised = xr.Dataset(attrs={"measured_data": json.dumps(texts)})
    found = reproduce.attachments("tiny", xr.Dataset(attrs=attributes), optimised)
    carried = {one.name: one.text for one in found}
    again = yaml.safe_load(carried["config.yaml"])["runs"]["tiny"]["optimise"]["objective"]
    assert again[0]["data"] != again[2]["data"] and again[1] == terms[1]
    assert [carried[again[i]["data"]] for i in (0, 2)] == list(texts.values())
    assert again[0] == {**terms[0], "data": again[0]["data"]}


def test_what_a_study_reads_travels_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "far/force.csv"
    place.parent.mkdir()
    place.write_text("1,2\n")
    (tmp_path / "image.bin").write_bytes(b"\xff\xfe")
    texts = reproduce.texts_of([str(place), str(tmp_path / "image.bin")])
    settings = tiny()["own"] | {"data": [str(place), "image.bin"]}
    about = {"configuration": settings, "library_versions": {}, "study_data": texts}
    attributes = {name: json.dumps(value) for name, value in about.items()}
    carried = {one.name: one.text for one in reproduce.attachments("own", xr.Dataset(attrs=attributes))}
    assert yaml.safe_load(carried["config.yaml"])["runs"]["own"]["data"] == ["force.csv", "image.bin"]
    assert carried["force.csv"] == "1,2\n" and "image.bin" not in carried
