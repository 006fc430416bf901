"""A run as an RO-Crate: what is in it, and that a damaged run has none.

It was held against the SHACL shapes of its profiles by hand (``roc-validator``, docs/reproduce.md).
"""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate
from support.workflow import copy_of, jobs, snakemake

import jaxmorph as jxm
from jaxmorph.command import main
from jaxmorph.command.main import snakefile
from jaxmorph.configuration import read_configuration
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs.crate import write_crate


@pytest.fixture(scope="module")
def crate(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpacked."""
    folder = tmp_path_factory.mktemp("crate")
    write_crate(finished / "results/tiny", snakefile(), folder / "tiny.zip")
    with zipfile.ZipFile(folder / "tiny.zip") as file:
        file.extractall(folder / "tiny")
    return folder / "tiny"


def test_it_describes_every_file_of_the_run_and_no_other(crate: Path, finished: Path) -> None:
    graph = json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    described = {one["@id"] for one in graph if "File" in one["@type"]}
    there = {str(path.relative_to(crate)) for path in crate.rglob("*") if path.is_file()}
    assert described == there - {"ro-crate-metadata.json"}
    run = finished / "results/tiny"
    files = {f"run/{path.relative_to(run)}" for path in run.rglob("*") if path.is_file()}
    assert files <= described
    for name in files:
        assert (crate / name).read_bytes() == (run / name.removeprefix("run/")).read_bytes()


def test_other_programs_find_the_workflow_and_what_it_did(crate: Path) -> None:
    read = ROCrate(crate)
    assert set(read.mainEntity.type) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert {one.id.split("/")[-2] for one in read.root_dataset["conformsTo"]} == {
        *("process", "workflow", "workflow-ro-crate"),
    }
    action = read.root_dataset["mentions"]
    assert action["instrument"].id == read.mainEntity.id
    assert {"reproduce/config.yaml", "reproduce/requirements.txt"} <= {
        one.id for one in action["object"]
    }
    assert {"run/report.html", "run/sensitivity.nc"} <= {one.id for one in action["result"]}
    assert action["startTime"] <= action["endTime"]


def test_it_carries_what_makes_the_run_again(crate: Path, finished: Path) -> None:
    again = read_configuration(crate / "reproduce/config.yaml")
    assert again.runs["tiny"].design == jxm.open(finished / "results/tiny").run.design
    assert (crate / "workflow/Snakefile").is_file()
    assert (crate / "workflow/rules/simulate.smk").is_file()


def test_a_damaged_or_unfinished_run_has_none(finished: Path, tmp_path: Path) -> None:
    run = tmp_path / "tiny"
    shutil.copytree(finished / "results/tiny", run)
    batch = next(run.glob("batches/*.nc"))
    content = bytearray(batch.read_bytes())
    content[len(content) // 2] ^= 1
    batch.write_bytes(content)
    with pytest.raises(JaxmorphError, match=batch.name):
        write_crate(run, snakefile(), tmp_path / "crate.zip")
    (run / "report.html").unlink()
    with pytest.raises(JaxmorphError, match=r"has no report.html; name the folder of a run"):
        write_crate(run, snakefile(), tmp_path / "crate.zip")
    assert not (tmp_path / "crate.zip").exists()


def test_the_command_names_it_after_the_run(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(finished / "results/tiny")]) == 0
    assert capsys.readouterr().out == "tiny.zip\n"
    assert zipfile.is_zipfile("tiny.zip")
    assert main(["export", str(finished / "results/tiny"), "tiny.tar"]) == 1
    assert "a crate is a zip file; name it tiny.zip" in capsys.readouterr().err


@pytest.mark.slow
def test_the_workflow_makes_it_when_asked(finished: Path, tmp_path: Path) -> None:
    folder = copy_of(finished, tmp_path)
    planned = snakemake(folder, "--dry-run", "results/tiny/ro-crate.zip")
    assert jobs(planned)["crate"] == 1
    done = snakemake(folder, "results/tiny/ro-crate.zip")
    assert done.returncode == 0, done.stdout + done.stderr
    assert zipfile.is_zipfile(folder / "results/tiny/ro-crate.zip")
