"""A job that is a fork of a server is in nothing else than one that starts by itself."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT

from jaxmorph.jobs.forks import FOLDER

# A script as Snakemake writes it, in so far as jobs look at it.
HEAD = """
__real_file__ = __file__
import os, sys, time
from types import SimpleNamespace
from jaxmorph.jobs import job
snakemake = SimpleNamespace(log=["NAME.log"], input=[], output=[], threads=1, resources={})
with job(snakemake, computes=COMPUTES):
"""
# The main process of a workflow: it offers forks, and lives as long as its input.
WORKFLOW = """
import os, sys
from jaxmorph.jobs.forks import FOLDER, offer_forks
offer_forks()
print(os.environ[FOLDER], flush=True)
sys.stdin.read()
"""
CLEAN = {k: v for k, v in os.environ.items() if k != FOLDER} | {
    "PYTHONPATH": str(ROOT),
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture(scope="module")
def workflow() -> Iterator[str]:
    """The folder of a workflow that offers forks."""
    with _workflow() as folder:
        yield folder


@contextlib.contextmanager
def _workflow() -> Iterator[str]:
    main = subprocess.Popen(
        [sys.executable, "-c", WORKFLOW],
        env=CLEAN,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with main:
        assert main.stdout is not None
        yield main.stdout.readline().strip()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all jobs run: a server serves those of its folder."""
    return tmp_path_factory.mktemp("forks")


def start(
    place: Path, body: str, folder: str, name: str = "job", computes: bool = False, **environment: str
) -> "subprocess.Popen[str]":
    head = HEAD.replace("NAME", name).replace("COMPUTES", str(computes))
    script = place / f"{name}.py"
    script.write_text(head + "".join(f"    {line}\n" for line in body.splitlines()))
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=place,
        env=CLEAN | {FOLDER: folder} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str | Path, **more: str | bool) -> tuple[int, str, str]:
    process = start(*arguments, **more)  # type: ignore[arg-type]
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


WHO = """
import json
print(json.dumps([os.getpid(), os.getcwd(), sys.path[0], dict(os.environ)]))
"""


def test_a_fork_has_folder_path_and_environment_of_its_job(place: Path, workflow: str) -> None:
    process = start(place, WHO, workflow)
    pid, *where, environment = json.loads(process.communicate()[0])
    assert process.returncode == 0 and pid != process.pid
    _, *there, expected = json.loads(run(place, WHO, "")[1])
    assert where == there
    assert expected.items() - environment.items() == {(FOLDER, "")}  # libraries have added some
    log = (place / "job.log").read_text()
    assert log.count("\n") == 1 and "done in" in log
    header, row = (place / "job.tsv").read_text().splitlines()
    used = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    assert 0 <= float(used["cpu_time"]) < 5 and 50 < float(used["max_rss"]) < 2000


def test_a_fork_computes_on_the_cpus_of_its_job(place: Path, workflow: str) -> None:
    body = "import jax\nprint(jax.local_device_count(), os.environ['PJRT_NPROC'], jax.numpy.sum(3))"
    assert run(place, body, workflow, computes=True) == (0, "1 1 3\n", "")


ENDED = (
    "job.log: error: a study or what it calls ended the process (sys.exit({})); let it raise an error "
    "instead\n"
)
WRONG = "from jaxmorph.errors import JaxmorphError\nraise JaxmorphError('wrong')"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("sys.exit(3)", 1, ENDED.format(3)),
        ("sys.exit('no')", 1, ENDED.format("'no'")),
        (WRONG, 1, "job.log: error: wrong\n"),
        ("os.kill(os.getpid(), 9)", -9, ""),
        ("os.abort()", -6, ""),
    ],
)  # fmt: skip
def test_a_job_ends_as_its_fork_has_ended(
    place: Path, workflow: str, body: str, status: int, said: str
) -> None:
    assert run(place, body, workflow) == (status, "", said)
    assert run(place, body, "")[0] == status


WAIT = "print(os.getpid(), flush=True)\ntime.sleep(100)"


def gone(pid: int) -> bool:
    for _ in range(600):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_fork_ends_with_its_job(place: Path, workflow: str, number: signal.Signals) -> None:
    with start(place, WAIT, workflow) as job:
        assert job.stdout is not None
        fork = int(job.stdout.readline())
        assert fork != job.pid
        job.send_signal(number)
        job.communicate(timeout=20)
    assert job.returncode == -number and gone(fork)


TOGETHER = """
from pathlib import Path
Path("here-NUMBER").touch()
while len(list(Path().glob("here-*"))) < 6:
    time.sleep(0.05)
print(NUMBER)
"""


def test_jobs_run_beside_one_another(place: Path, workflow: str) -> None:
    """Each waits for all others."""
    bodies = [TOGETHER.replace("NUMBER", str(i)) for i in range(6)]
    all_of_them = [start(place, body, workflow, f"job{i}") for i, body in enumerate(bodies)]
    assert [job.communicate(timeout=60)[0] for job in all_of_them] == [f"{i}\n" for i in range(6)]


def test_a_server_ends_with_its_workflow_and_a_job_without_one_says_so(place: Path) -> None:
    with _workflow() as folder:
        status, out, _ = run(place, "print(os.getppid())", folder)
        assert status == 0
        server = int(out)
        os.kill(server, signal.SIGKILL)
        assert gone(server)
        # Its socket is still there, but nobody listens.
        assert run(place, "print(1)", folder) == (0, "1\n", "")
        assert "no fork (Connection refused)" in (place / "job.log").read_text()
        # A job in another environment has a server of its own.
        other = int(run(place, "print(os.getppid())", folder, OTHER="1")[1])
    assert gone(other) and not Path(folder).exists()
    # The variable without the folder is that of a workflow on another machine.
    assert run(place, "print(1)", folder) == (0, "1\n", "")
