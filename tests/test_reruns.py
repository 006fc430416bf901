"""Files are made again by what decides them, not by their times; what is damaged is made again."""

import os
import random
import shutil
from pathlib import Path

import pytest
from support import ROOT
from support.workflow import FINISHED, copy_of, jobs, prepare, snakemake, tiny
from test_integrity import flip

from jaxmorph import integrity, store
from jaxmorph.command.main import main
from jaxmorph.upkeep import Made, SnakemakeRecords, damaged_files, in_words, told

NO_SEAL = "it has no checksum at its end: it is cut off, was edited, or is of an earlier version"


def with_its_time(path: Path, content: bytes) -> None:
    """Other content, the time that the file had."""
    about = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout that was made just now, with comments in scripts, rules and package."""
    folder = tmp_path / "tree"
    for name in ("workflow", "jaxmorph", "profiles"):
        shutil.copytree(
            ROOT / name,
            folder / name,
            ignore=shutil.ignore_patterns("__pycache__"),
            copy_function=shutil.copy,
        )
    shutil.copy(ROOT / "Snakefile", folder)
    for name in ("workflow/scripts/batch.py", "workflow/rules/simulate.smk", "jaxmorph/env/growth.py"):
        with open(folder / name, "a", encoding="utf-8") as stream:
            stream.write("# a comment\n")
    return folder


def test_copies_comments_and_new_times_make_nothing_again(
    finished: Path, tmp_path: Path, tree: Path
) -> None:
    """``cp -r``, ``git stash`` and ``git stash pop``, an editor: no time is what it was."""
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, copy_function=shutil.copy)
    # A copy has files in any order: what is made of others first.
    made = sorted(p for p in (folder / "results").rglob("*") if p.is_file())
    for second, path in enumerate(reversed(made), start=2_000_000_000):
        os.utime(path, (second, second))
    (folder / "trap.py").write_text((folder / "trap.py").read_text() + "# a comment\n")
    done = snakemake(folder, "-n", *FINISHED, snakefile=tree / "Snakefile", PYTHONPATH="")
    assert "Nothing to be done" in done.stdout + done.stderr, done.stdout + done.stderr
    before = (finished / "results/tiny/sensitivity.nc").stat().st_mtime
    assert abs((folder / "results/tiny/sensitivity.nc").stat().st_mtime - before) < 1e-5


def test_other_estimators_estimate_again_and_simulate_nothing(
    finished: Path, tmp_path: Path, tree: Path
) -> None:
    folder = copy_of(finished, tmp_path)
    with open(tree / "jaxmorph/sensitivity/fisher.py", "a", encoding="utf-8") as file:
        file.write("OTHER = 1\n")
    done = snakemake(folder, "-n", *FINISHED, snakefile=tree / "Snakefile", PYTHONPATH="")
    planned, said = jobs(done), done.stdout + done.stderr
    assert planned["sensitivity"] == 2 and not {"study", "batch", "checks", "corners"} & planned.keys()
    assert "tiny: made again: sensitivity: it was made of something else: other estimators" in said


def test_what_is_damaged_with_an_old_time_is_named_and_made_again(
    finished: Path, tmp_path: Path
) -> None:
    folder = copy_of(finished, tmp_path)
    emptied, edited, drawn = (
        folder / f"results/{name}"
        for name in ("own/corners.nc", "own/batches/000-000.nc", "tiny/figures/tornado.csv")
    )
    with_its_time(emptied, b"")
    with_its_time(edited, edited.read_bytes()[:-200])
    with_its_time(drawn, drawn.read_bytes() + b"1\n")
    done = snakemake(folder, "-n", *FINISHED)
    assert jobs(done) == {
        **{"corners": 1, "batch": 1, "sensitivity": 1, "draw_tiny": 1, "page": 1},
        "total": 5,
    }
    said = done.stdout + done.stderr
    for path, what in ((emptied, "it is empty"), (edited, NO_SEAL)):
        line = f"Warning: {path.relative_to(folder)}: damaged: {what}; made again when it is needed"
        assert line in said
        assert f": damaged ({what})\n" in said
    assert "results/tiny/figures/tornado.csv: damaged: it has" in said
    assert "own: made again: sensitivity: made of what is made again" in said


def test_what_is_asked_for_otherwise_is_named_before_it_is_computed(
    finished: Path, tmp_path: Path
) -> None:
    folder = copy_of(finished, tmp_path)
    runs = tiny()
    runs["own"]["key"] = 5
    prepare(folder, runs)
    done = snakemake(folder, "-n", *FINISHED)
    assert jobs(done)["batch"] == 1
    said = done.stdout + done.stderr
    assert "own: made again: study: it was made of something else: key = 0, not 5" in said
    assert ": made of what is made again" in said and "tiny: made again" not in said


def test_a_damaged_measurement_costs_no_batch(finished: Path, tmp_path: Path) -> None:
    """What is above a batch is made again, the batch itself is kept: it is made of the same."""
    folder = copy_of(finished, tmp_path)
    wanted = "results/own/batches/000-000.nc"
    before = (folder / wanted).read_bytes()
    with_its_time(folder / "results/own/cost.json", b"{}")
    done = snakemake(folder, wanted)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "results/own/cost.json: damaged: " in done.stdout + done.stderr
    log = (folder / "logs/own/batches/000-000.log").read_text()
    assert f"{wanted}: is kept: it is whole, and made of the same" in log
    assert (folder / wanted).read_bytes() == before
    assert integrity.damage(folder / "results/own/cost.json") is None


@pytest.mark.slow
def test_a_forced_batch_is_computed_and_an_interrupted_chain_leaves_no_old_report(
    finished: Path, tmp_path: Path
) -> None:
    """A batch of another question is made, nothing else: the next command makes what is made of it."""
    folder = copy_of(finished, tmp_path)
    wanted = "results/own/batches/000-000.nc"
    before = store.read_attributes(folder / wanted)
    assert snakemake(folder, "--force", wanted).returncode == 0
    assert store.read_attributes(folder / wanted)["end"] != before["end"]
    assert jobs(snakemake(folder, "-n", *FINISHED)) == {"sensitivity": 1, "total": 1}
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied, copy_function=shutil.copy)
    assert jobs(snakemake(copied, "-n", *FINISHED)) == {"sensitivity": 1, "total": 1}


def test_verify_reads_every_byte_and_has_the_next_command_make_what_is_damaged(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder := copy_of(finished, tmp_path))
    assert main(["verify"]) == 0
    assert capsys.readouterr().out == "".join(
        f"results/{run}: every file is as it was written\n" for run in ("own", "tiny")
    )
    path = folder / "results/own/batches/000-000.nc"
    flip(path, random.Random(0))
    assert main(["verify", "results/own"]) == 1
    said = capsys.readouterr()
    place = path.relative_to(folder)
    assert said.out.startswith(f"{place}: is damaged: ")
    assert said.err == "error: 1 file is damaged; the next command makes it again\n"
    assert main(["verify", "nowhere"]) == 1
    assert "nowhere: no such folder" in capsys.readouterr().err
    assert jobs(snakemake(folder, "-n", *FINISHED)) == {"batch": 1, "sensitivity": 1, "total": 2}


def test_only_files_of_a_run_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "batches").mkdir()
    for name in ("notes.json", "mine.nc", "study.json", "batches/000-000.nc", "batches/001-000.nc"):
        (tmp_path / name).write_text("mine")
    found = damaged_files(tmp_path, ["000-000"])
    assert found == dict.fromkeys([tmp_path / "study.json", tmp_path / "batches/000-000.nc"], NO_SEAL)
    assert in_words({Path(f"r/{i}.nc"): "it is empty" for i in range(6)}) == [
        "r/0.nc, 1.nc, 2.nc, 3.nc and 2 more: damaged: it is empty"
    ]


def test_reasons_are_told_in_a_line_each() -> None:
    made = [
        Made("batch", "a", "it was made of something else: other code"),
        Made("batch", "b", "it was made of something else: other code"),
        Made("corners", "c", "it was made of something else: other code"),
        Made("page", "d", ""),
    ]
    assert told("r", made) == [
        "r: made again: 2 x batch, corners: it was made of something else: other code",
        "r: made again: page: made of what is made again",
    ]


def test_records_are_found_by_names_of_any_length(tmp_path: Path) -> None:
    """As Snakemake cuts them."""
    persistence = pytest.importorskip("snakemake.persistence.file").FilePersistence
    (tmp_path / ".snakemake").mkdir()
    records = SnakemakeRecords(tmp_path / ".snakemake")
    for name in ("results/a.nc", f"results/{'long' * 60}/a.nc"):
        records.mark(Path(name))
        theirs = persistence(nolock=True, path=tmp_path / ".snakemake")
        assert theirs._filter_incomplete_keys([name, "other"]) == {name}
    assert records.made_at(Path("results/a.nc")) is None
