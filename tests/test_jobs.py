"""What surrounds the work of a job: its devices, its caches, clocks of other nodes, what it leaves."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jaxmorph import atomic
from jaxmorph.jobs import programs

HEAD = """
import os
from types import SimpleNamespace
from jaxmorph.jobs import job
snakemake = SimpleNamespace(
    log=["job.log"], input=["in.nc"], output=["out.nc"], threads=THREADS, resources=RESOURCES
)
"""


def run(
    folder: Path, body: str, *, threads: int = 1, gpu: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A script of the workflow with a stand-in for Snakemake's object."""
    head = HEAD.replace("THREADS", str(threads)).replace("RESOURCES", str({"gpu": gpu}))
    (folder / "in.nc").touch()
    # JAX, if this process has loaded it, has set its own level of messages.
    inherited = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-c", head + body],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(Path(__file__).parents[1])} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


COMPUTE = """
with job(snakemake, computes=True):
    import jax, jax.numpy as jnp
    print(len(jax.local_devices()), os.environ["PJRT_NPROC"])
    @jax.jit
    def slow_to_compile(x):
        for _ in range(60):
            x = jnp.sin(x) @ x
        return x
    print(float(slow_to_compile(jnp.eye(4)).sum()))
"""


ALWAYS: Any = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}


@pytest.mark.slow
def test_a_job_computes_on_the_cpus_it_was_given_and_no_more(tmp_path: Path) -> None:
    n_cpus = len(os.sched_getaffinity(0))
    for threads in (1, 2, 64):
        done = run(tmp_path, COMPUTE, threads=threads)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[:2] == [str(min(threads, n_cpus))] * 2


@pytest.mark.slow
def test_a_job_without_the_gpu_that_it_asked_for_ends_with_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, COMPUTE, gpu=1)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("job.log: error: 1 GPU was asked for on ") and "ask for no GPU" in line
    # What Slurm gives counts as asked for, however it was asked for.
    given = run(tmp_path, COMPUTE, SLURM_JOB_ID="7", CUDA_VISIBLE_DEVICES="0")
    assert "1 GPU was asked for" in given.stderr
    tried = run(tmp_path, COMPUTE, gpu=1, JAXMORPH_CPU_FOR_GPU="1")
    assert tried.returncode == 0, tried.stderr
    assert "computing on whatever is there" in (tmp_path / "job.log").read_text()


def test_compiled_programs_are_kept_for_later_jobs(tmp_path: Path) -> None:
    assert run(tmp_path, COMPUTE, **ALWAYS).returncode == 0
    (kept,) = (tmp_path / ".jaxmorph-cache").rglob("*slow_to_compile*")
    before = kept.stat().st_ino
    again = run(tmp_path, COMPUTE, **ALWAYS)
    assert again.returncode == 0 and again.stderr == ""
    assert kept.stat().st_ino == before
    # What is damaged is replaced.
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    damaged = run(tmp_path, COMPUTE, **ALWAYS)
    assert damaged.returncode == 0 and damaged.stderr == ""
    assert f"{kept.name} is damaged; it is removed" in (tmp_path / "job.log").read_text()
    (new,) = (tmp_path / ".jaxmorph-cache").rglob("*slow_to_compile*")
    assert new.name.endswith(f"~{hashlib.sha256(new.read_bytes()).hexdigest()[:32]}")
    assert new.stat().st_mode & 0o077 == new.parent.stat().st_mode & 0o077 == 0


def shared_cache(place: Path) -> programs.SharedPrograms:
    """A cache with one program."""
    shared = programs.SharedPrograms(place, "cpu-1")
    assert shared.obstacle() is None
    made = place.parent / "made"
    made.mkdir()
    (made / "f-cache").write_bytes(b"program")
    shared.add_from(made, set())
    return shared


def test_programs_are_taken_only_from_a_folder_that_nobody_else_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, own = tmp_path / "cache", tmp_path / "own"
    shared = shared_cache(place)
    own.mkdir()
    assert shared.link_into(own) == {"f-cache"} and (own / "f-cache").read_bytes() == b"program"
    for folder in (place, place / "cpu-1"):
        folder.chmod(0o770)
        assert shared.obstacle() == f"{folder} can be written by others (mode 770)"
        folder.chmod(0o755)
        assert shared.obstacle() is None
    (linked := tmp_path / "linked").symlink_to(place)
    assert programs.SharedPrograms(linked, "cpu-1").obstacle() is None, "a link of the user's own"
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert f"{place} belongs to another user (number {os.getuid()})" == shared.obstacle()


def test_programs_that_somebody_else_could_have_put_there_are_left_alone(tmp_path: Path) -> None:
    shared = shared_cache(tmp_path / "cache")
    (entry,) = (tmp_path / "cache/cpu-1").iterdir()
    (tmp_path / "cache/cpu-1/old-cache").write_bytes(b"without a digest")
    (tmp_path / "cache/cpu-1/g-cache~0").symlink_to(entry)
    (tmp_path / "own").mkdir()
    entry.chmod(0o622)
    assert shared.link_into(tmp_path / "own") == set()
    entry.chmod(0o644)
    assert shared.link_into(tmp_path / "own") == {"f-cache"}


def test_a_cache_that_others_can_write_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "group").mkdir()
    (tmp_path / "group").chmod(0o777)
    done = run(tmp_path, COMPUTE, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "group"), **ALWAYS)
    assert done.returncode == 0 and done.stderr == "" and os.listdir(tmp_path / "group") == []
    assert "group can be written by others (mode 777)" in (tmp_path / "job.log").read_text()


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / ".jaxmorph-cache").write_text("a file where the folder should be")
    done = run(tmp_path, COMPUTE)
    assert done.returncode == 0 and done.stderr == ""
    log = (tmp_path / "job.log").read_text()
    assert ".jaxmorph-cache" in log and "set JAX_COMPILATION_CACHE_DIR to a folder that can" in log


def test_a_disk_that_is_full_for_the_cache_does_not_fail_the_job(tmp_path: Path) -> None:
    """The work of the job is done by then."""
    full = """
replace = os.replace
def refused(source, target):
    if ".jaxmorph-cache" in str(target):
        raise OSError(28, "No space left on device")
    replace(source, target)
os.replace = refused
"""
    done = run(tmp_path, full + COMPUTE, **ALWAYS)
    assert done.returncode == 0 and done.stderr == ""
    log = (tmp_path / "job.log").read_text()
    assert "compiled programs cannot be kept" in log and "No space left on device" in log


def test_an_input_from_the_future_is_reported_and_nothing_is_made_again(tmp_path: Path) -> None:
    body = """
future = os.path.getmtime("in.nc") + 3600
os.utime("in.nc", (future, future))
with job(snakemake):
    open("out.nc", "w").close()
"""
    done = run(tmp_path, body)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert " s behind that of the machine that wrote in.nc; have both set by NTP" in line
    assert (tmp_path / "out.nc").stat().st_mtime >= (tmp_path / "in.nc").stat().st_mtime


# --- what a job leaves ---------------------------------------------------------------------------


def test_a_killed_job_leaves_nothing_beside_finished_files(tmp_path: Path) -> None:
    body = """
import signal
from pathlib import Path
from jaxmorph.atomic import written_aside
with job(snakemake):
    with written_aside(Path("results/run/out.nc")) as aside:
        aside.write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(tmp_path, body).returncode == -9
    assert not list((tmp_path / "results").rglob("*.*"))
    (rest,) = (tmp_path / "unfinished").iterdir()
    # It is swept away when it is so old that nobody can be writing it; saved pieces are not.
    piece = tmp_path / "unfinished/run/000-000/key.0-1-0-1.npz"
    piece.parent.mkdir(parents=True)
    piece.touch()
    atomic.sweep(tmp_path / "unfinished")
    assert rest.exists() and piece.exists()
    old = time.time() - 7200
    for path in (rest, piece):
        os.utime(path, (old, old))
    atomic.sweep(tmp_path / "unfinished")
    assert not rest.exists() and piece.exists()
    piece.unlink()
    atomic.sweep(tmp_path / "unfinished")
    assert not (tmp_path / "unfinished").exists()


def test_a_file_is_renamed_across_two_mounts_of_one_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def refused(source: Path, target: Path) -> None:
        if source.parent != target.parent:
            raise OSError(18, "Invalid cross-device link")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refused)
    path = tmp_path / "results" / "out.txt"
    with atomic.asides_in(tmp_path / "unfinished"), atomic.written_aside(path) as aside:
        assert aside.parent.name == "unfinished"
        aside.write_text("whole")
    assert path.read_text() == "whole"
    assert [p.name for p in path.parent.iterdir()] == ["out.txt"]
    assert not list((tmp_path / "unfinished").iterdir())
