"""The workflow on a real Slurm: three virtual nodes, with GPUs that are only schedulable.

Jobs are held half-way, with a piece of their work done, while a test does to them what happens on
clusters. Everything ends with the values of an undisturbed run without Slurm, to the last bit.
"""

import dataclasses
import os
import re
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from support.virtual_cluster import LEVEL_S, Cluster, Workflow, alive, assert_same_values, finished

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

GPUS = {"node1": 2, "node2": 1, "node3": 1}
ESTIMATES = "results/held/sensitivity.nc"


def run(batches: int, samples: int = 8) -> dict[str, Any]:
    """A run of so many batches along seeds, each of two pieces or more."""
    return {
        "study": "held.py:Held",
        "parameters": {"k": "default", "x0": "default"},
        "design": {"method": "sobol", "samples": samples},
        "seeds": 8 * batches,
        "batch": {"samples": 8, "seeds": 8},
        "checks": {"samples": 0, "seeds": 1},
    }


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A fresh Slurm; where none is installed, only if it was asked for: it has to be downloaded."""
    wanted = os.environ.get("JAXMORPH_REQUIRE_SLURM")
    if not wanted and shutil.which("slurmctld") is None:
        pytest.skip("there is no Slurm on this machine; make test-slurm downloads one and runs these")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # short: sockets lie in it
    slurm = Cluster(folder)
    done = slurm.control("up")
    try:
        if done.returncode:
            if wanted:
                pytest.fail(done.stderr)
            pytest.skip(f"no Slurm here: {done.stderr.strip()}")
        yield slurm
    finally:
        slurm.down()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def undisturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> dict[int, xr.Dataset]:
    """The estimates of runs of 3, 5 and 6 batches, made without Slurm."""
    workflow = Workflow(tmp_path_factory.mktemp("local"), cluster, run(3))
    estimates = {}
    for batches in (3, 5, 6):
        workflow.configure(run(batches))
        workflow.start("--cores", "2", ESTIMATES)
        workflow.finish(LEVEL_S * 3)
        estimates[batches] = workflow.estimates()
    return estimates


@dataclasses.dataclass(frozen=True)
class Disturbed:
    """A run of five batches to whose jobs everything happened.

    Attributes:
        workflow: The run, at its end.
        notes: Of the first four jobs, when all GPUs were taken.
        running: How many jobs ran on each node then, and how many waited.
        said: What Snakemake said.
        restarts: Fault -> how often Slurm queued the job again by itself.
    """

    workflow: Workflow
    notes: list[dict[str, Any]]
    running: Counter[str]
    waiting: int
    said: str
    restarts: dict[str, int]


@pytest.fixture(scope="module")
def disturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Disturbed:
    """Four jobs run and one waits: the controller is restarted, and each job meets another fault.

    After each, another job goes on from what was done.
    """
    workflow = Workflow(tmp_path_factory.mktemp("disturbed"), cluster, run(5))
    workflow.close_gate()
    workflow.on_slurm(ESTIMATES)
    notes = workflow.wait_for(
        "job on each GPU", lambda: (held := workflow.held())[3:] and held, 3 * LEVEL_S
    )
    running, jobs = cluster.running_per_node(), cluster.jobs()
    waiting = sum(state == "PENDING" for state, _, _ in jobs.values())
    restart_controller(workflow)

    on = {node: [n["SLURM_JOB_ID"] for n in notes if n["SLURMD_NODENAME"] == node] for node in GPUS}
    (killed, cancelled), (on_down_node,), (orphaned,) = on["node1"], on["node2"], on["node3"]
    pids = {note["SLURM_JOB_ID"]: note["pid"] for note in notes}
    cluster.do("kill", "node3")
    os.kill(pids[killed], signal.SIGKILL)
    cluster.slurm("scancel", cancelled)
    cluster.slurm("scontrol", "update", "NodeName=node2", "State=DOWN", "Reason=test")
    workflow.wait_for("end on the node set down", lambda: not alive(pids[on_down_node]), LEVEL_S)
    hurt = {"killed": killed, "cancelled": cancelled, "down": on_down_node, "orphaned": orphaned}
    batches = {fault: batch_of(jobs[job]) for fault, job in hurt.items()}
    # Nobody ends the orphan; it goes on writing when its successor has finished.
    workflow.open_gate(but_for=pids[orphaned])
    went_on: set[str] = set()

    def all_went_on() -> bool:
        """Logs are read as they come: where Snakemake sees a lost node before Slurm has queued its job
        again, it queues the job, too, and the second to start finds nothing to go on from."""
        went_on.update(fault for fault, name in batches.items() if goes_on(workflow, name))
        return went_on == set(hurt)

    workflow.wait_for("jobs that go on", all_went_on, 3 * LEVEL_S)
    batch = workflow.folder / f"results/held/batches/{batches['orphaned']}.nc"
    workflow.wait_for("batch by the orphan's successor", batch.exists, 2 * LEVEL_S)
    written = batch.stat().st_ino
    workflow.release(pids[orphaned])
    workflow.wait_for("batch by the orphan", lambda: batch.stat().st_ino != written, LEVEL_S)
    workflow.wait_for("end of the orphan", lambda: not alive(pids[orphaned]), LEVEL_S)
    cluster.do("start", "node3")
    said = workflow.finish(3 * LEVEL_S)
    cluster.count_anew()
    return Disturbed(
        workflow,
        notes,
        running,
        waiting,
        said,
        {fault: restarts(cluster, job) for fault, job in hurt.items()},
    )


def restart_controller(workflow: Workflow) -> None:
    """Kill slurmctld and start it again; jobs run on.

    Snakemake is stopped meanwhile: this cluster has no accounting, and the plugin forgets its jobs if it
    asks for them when neither the controller nor an accounting data base answers.
    """
    assert workflow.process is not None
    workflow.process.send_signal(signal.SIGSTOP)
    workflow.cluster.do("kill", "controller")
    workflow.cluster.do("start", "controller")
    workflow.wait_for("controller", workflow.cluster.answers, LEVEL_S)
    workflow.process.send_signal(signal.SIGCONT)


def batch_of(job: tuple[str, str, str]) -> str:
    """The batch of a job, from the comment that the plugin gave it."""
    return job[2].rpartition("_")[2]


def goes_on(workflow: Workflow, batch: str) -> bool:
    """Whether the last job of a batch took up what an earlier one had done."""
    log = workflow.folder / f"logs/held/batches/{batch}.log"
    return log.exists() and bool(re.search(r"resuming: [1-9]\d* of \d+ sim", log.read_text()))


def restarts(cluster: Cluster, job: str) -> int:
    """How often Slurm queued a job again by itself."""
    found = re.search(r"Restarts=(\d+)", cluster.slurm("scontrol", "show", "job", job))
    assert found
    return int(found[1])


def test_jobs_spread_over_the_nodes_and_take_the_gpus_that_they_were_given(disturbed: Disturbed) -> None:
    assert Counter(note["SLURMD_NODENAME"] for note in disturbed.notes) == GPUS
    assert disturbed.running == GPUS
    assert disturbed.waiting == 1
    given = {(note["SLURMD_NODENAME"], note["CUDA_VISIBLE_DEVICES"]) for note in disturbed.notes}
    assert given == {("node1", "0"), ("node1", "1"), ("node2", "0"), ("node3", "0")}


def test_snakemake_queues_failed_jobs_and_slurm_those_of_lost_nodes(
    disturbed: Disturbed,
) -> None:
    assert {fault: n > 0 for fault, n in disturbed.restarts.items()} == {
        "killed": False, "cancelled": False, "down": True, "orphaned": True,
    }  # fmt: skip
    for state in ("FAILED", "CANCELLED"):
        assert f"SLURM status is: '{state}'" in disturbed.said


def test_after_all_faults_of_jobs_and_nodes_the_values_are_those_of_an_undisturbed_run(
    disturbed: Disturbed, undisturbed: dict[int, xr.Dataset]
) -> None:
    assert finished(disturbed.said)["batch"] == 5
    assert_same_values(disturbed.workflow.estimates(), undisturbed[5])
    results = disturbed.workflow.folder / "results"
    names = {f"{i:03}" for i in range(5)}
    assert {path.name for path in (results / "held/batches").iterdir()} == {f"000-{n}.nc" for n in names}
    assert not list((disturbed.workflow.folder / "unfinished").rglob("*.*"))


def test_the_literal_command_on_a_grown_run_computes_only_what_is_new_and_makes_the_report(
    disturbed: Disturbed, undisturbed: dict[int, xr.Dataset]
) -> None:
    workflow = disturbed.workflow
    workflow.configure(run(6))
    workflow.on_slurm()
    said = workflow.finish(6 * LEVEL_S)
    assert finished(said)["batch"] == 1 and finished(said)["study"] == 0
    assert said.splitlines()[-1] == "Report of held: results/held/report.html"
    assert_same_values(workflow.estimates(), undisturbed[6])
    workflow.configure(run(6, samples=16))
    workflow.on_slurm("--dry-run")
    assert re.search(r"^batch +6$", workflow.finish(LEVEL_S), re.MULTILINE)


def test_a_job_at_its_time_limit_resumes_and_a_killed_snakemake_is_taken_up_again(
    cluster: Cluster, undisturbed: dict[int, xr.Dataset], tmp_path: Path
) -> None:
    workflow = Workflow(tmp_path / "copy", cluster, run(3))
    workflow.close_gate()
    workflow.on_slurm(ESTIMATES)
    first, *_ = workflow.wait_for(
        "three held jobs", lambda: (held := workflow.held())[2:] and held, 3 * LEVEL_S
    )
    job = first["SLURM_JOB_ID"]
    batch = batch_of(cluster.jobs()[job])
    cluster.slurm("scontrol", "update", f"JobId={job}", "EndTime=now")
    finished_batch = workflow.folder / f"results/held/batches/{batch}.nc"
    workflow.wait_for("batch after its time limit", finished_batch.exists, 2 * LEVEL_S)
    assert goes_on(workflow, batch), workflow.evidence()
    assert "TIMEOUT" in cluster.slurm("scontrol", "show", "job", job)

    assert workflow.process is not None
    workflow.process.kill()
    workflow.process.wait()
    workflow.on_slurm(ESTIMATES)
    assert "--unlock" in workflow.finish(LEVEL_S, succeeds=False)
    workflow.open_gate()
    workflow.wait_for("end of the jobs", lambda: not cluster.jobs(), LEVEL_S)
    workflow.on_slurm("--unlock")
    workflow.finish(LEVEL_S)
    workflow.on_slurm(ESTIMATES)
    assert set(finished(workflow.finish(3 * LEVEL_S))) <= {"design", "sensitivity"}
    assert_same_values(workflow.estimates(), undisturbed[3])


def test_a_gpu_that_was_asked_for_and_is_not_there_is_an_error_that_says_so(
    cluster: Cluster, tmp_path: Path
) -> None:
    workflow = Workflow(tmp_path / "copy", cluster, run(1))
    workflow.on_slurm(ESTIMATES, "--retries", "0", stand_in=False)
    said = workflow.finish(2 * LEVEL_S, succeeds=False)
    log = (workflow.folder / "logs/held/study.log").read_text()
    assert re.search(r"error: 1 GPU was asked for .*", log.splitlines()[-1]), log
    assert log.splitlines()[-1].partition("error: ")[2] in said
    assert "Failed: results/held/study.json" in said and "logs: logs/held/study.log" in said
    assert not (workflow.folder / ESTIMATES).exists()
