"""Growing a run, failing batches and folders that cannot be had, through the real snakemake command."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, SUPPORT
from support.workflow import jobs, prepare, snakemake, tiny

OWN: dict[str, Any] = tiny()["own"] | {"checks": {"samples": 0}}
STUDY = "results/own/study.json"
ESTIMATES = "results/own/sensitivity.nc"


def written(folder: Path) -> dict[str, int]:
    """When each batch was written."""
    return {p.stem: p.stat().st_mtime_ns for p in (folder / "results/own/batches").glob("*.nc")}


def executed(folder: Path, run: dict[str, Any]) -> set[str]:
    """The batches that were computed to make the estimates of ``run``."""
    before = written(prepare(folder, {"own": run}))
    done = snakemake(folder, ESTIMATES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / ESTIMATES).exists()
    after = written(folder)
    changed = {name for name in after if after[name] != before.get(name)}
    made = (done.stdout + done.stderr).count("(Rule: batch)")
    assert before.keys() <= after.keys() and made == len(changed)
    return changed


@pytest.mark.slow
def test_growing_a_run_computes_what_is_new_and_nothing_else(tmp_path: Path) -> None:
    """Not cut at first, for it takes less than a minute; of a given size: tests/test_workflow.py."""
    run = OWN | {"design": {"method": "sobol", "samples": 64}, "seeds": 16, "batch": "auto"}
    assert executed(tmp_path, run) == {"000-000"}
    run["seeds"] = 24
    assert executed(tmp_path, run) == {"000-001"}
    run["design"] = {"method": "sobol", "samples": 128}
    assert executed(tmp_path, run) == {"001-000", "001-001"}
    run["fixed"] = {"x0": 1.2}  # another question, of 3,072 simulations at once
    run["parameters"] = {name: how for name, how in run["parameters"].items() if name != "x0"}
    assert executed(tmp_path, run) == {"000-000"}


@pytest.mark.slow
def test_a_batch_that_always_fails_does_not_take_the_others_down(tmp_path: Path) -> None:
    text = (
        (SUPPORT / "trap.py")
        .read_text()
        .replace("import jax\n", "import equinox as eqx\nimport jax\n", 1)
    )
    # Samples 3 to 5 have k = 2.
    text = text.replace(
        "        return jxm.Recording",
        "        x = eqx.error_if(x, abs(parameters['k'] - 2.0) < 0.1, 'no such trap')\n"
        "        return jxm.Recording",
    )
    folder = prepare(tmp_path, {"own": OWN | {"batch": {"samples": 3, "seeds": 2}}})
    (folder / "trap.py").write_text(text)
    done = snakemake(folder, "--keep-going", ESTIMATES)
    assert done.returncode != 0 and "no such trap" in done.stdout + done.stderr
    assert set(written(folder)) == {"000-000", "002-000"}
    assert not (folder / ESTIMATES).exists()
    # The next time, only what is missing.
    assert jobs(snakemake(folder, "-n", ESTIMATES)) == {"batch": 1, "sensitivity": 1, "total": 2}


@pytest.mark.slow
def test_two_workflows_on_one_folder_and_the_lock_of_a_dead_one(tmp_path: Path) -> None:
    folder = prepare(tmp_path, {"own": OWN})
    locks = folder / ".snakemake/locks"
    first = subprocess.Popen(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "1"),
            *("--directory", str(folder), "--configfile", str(folder / "config.yaml")),
            *("--replace-workflow-config", STUDY),
        ],
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 120
        while not list(locks.glob("*")):
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(first.pid, signal.SIGSTOP)  # so that it is still there when the second one starts
        second = snakemake(folder, STUDY)
        assert second.returncode != 0 and "cannot be locked" in second.stdout + second.stderr
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    stale = snakemake(folder, STUDY)
    assert stale.returncode != 0 and "--unlock" in stale.stdout + stale.stderr
    assert "Traceback" not in stale.stdout + stale.stderr
    assert snakemake(folder, "--unlock").returncode == 0
    done = snakemake(folder, STUDY)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(
    params=[
        "results",
        *(pytest.param(f, marks=pytest.mark.slow) for f in ("logs", ".snakemake/locks", ".snakemake")),
    ]
)
def closed(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder below ``tmp_path`` that cannot be written, by root neither."""
    folder = tmp_path / request.param
    folder.mkdir(parents=True)
    folder.chmod(0o555)
    is_root = os.access(folder, os.W_OK)
    if is_root and (
        shutil.which("chattr") is None
        or subprocess.run(["chattr", "+i", str(folder)], check=False, capture_output=True).returncode
    ):
        pytest.skip("root writes everywhere, and chattr does not work here")
    yield folder
    if is_root:
        subprocess.run(["chattr", "-i", str(folder)], check=True)
    folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_named_with_a_remedy(closed: Path, tmp_path: Path) -> None:
    folder = prepare(tmp_path, {"own": OWN})
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if ".snakemake/log" not in str(p)}
    done = snakemake(folder, STUDY)
    assert done.returncode != 0
    assert (
        f"Nothing was done.\n{closed}: cannot be written (read-only, or another user's); make it "
        "writable, or work in another folder: snakemake --directory FOLDER"
    ) in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    after = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if ".snakemake/log" not in str(p)}
    assert {p.name for p in after.keys() - before.keys()} <= {".snakemake"}
    # Who only looks is told, and may look.
    if closed.name != ".snakemake":
        looked = snakemake(folder, "-n", STUDY)
        assert jobs(looked)["study"] == 1 and f"Warning: {closed}: cannot be" in looked.stderr
