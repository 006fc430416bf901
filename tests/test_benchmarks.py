"""The benchmark: what it refuses to time, how it times, and the files that it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import __main__ as benchmark
from benchmarks import others, workflow
from benchmarks.measure import check_same, compare, compare_jax
from benchmarks.output import kind
from benchmarks.plan import PEERS, Plan
from benchmarks.processes import Processes, ratio, share
from benchmarks.task import Case, Task
from jaxmorph import JaxmorphError

ROOT = Path(__file__).parents[1]
TINY = Task(cells=2, steps=2, relaxation_steps=5, samples=1, seeds=16)
PACKAGES = ROOT / ".bench-packages"  # where `make bench` installs jax-morph


def test_other_physics_is_refused() -> None:
    value, gradient = np.array([[1.0, 2.0]]), np.array([[[3.0, 1e-3], [-4.0, 2e-3]]])
    ours = value[..., None, None], gradient[:, :, None, None]
    same = {"values_differ_by": 0, "derivatives_differ_by": 0}
    assert check_same("peer", (1e-12, 1e-12), ours, (value, gradient)) == same
    assert check_same("peer", (1e-12, 1e-12), ours, ours) == same
    wrong = gradient * [1, 1.01]  # the small one of two derivatives
    with pytest.raises(JaxmorphError, match=r"peer: its derivatives differ .* by 0.0099 .* nothing was"):
        check_same("peer", (1e-12, 1e-3), ours, (value, wrong))
    with pytest.raises(JaxmorphError, match="values differ"):
        check_same("peer", (1e-3, 1e-3), ours, (value * np.nan, gradient))


def test_a_case_is_made_of_fields_of_the_task_of_its_own_and_of_the_setting() -> None:
    case = Case.of("md", TINY, samples=3, devices=2, checkpoint=False)
    assert case == Case("md", TINY.but(samples=3), {"checkpoint": False}, 2)


def test_all_devices_of_a_machine_with_one_are_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting is not tried twice there."""
    asked = []

    def ask(self: Processes, do: str, case: Case) -> object:
        asked.append((do, case.program, case.devices, case.setting.get("unroll", 1)))
        result = np.ones((2, 2, 1, 1)), np.ones((2, 2, 1, 1, 2))
        return {"results": result, "call": 1.0, "about": {"jax": ""}, "build": {}}[do]

    monkeypatch.setattr(Processes, "ask", ask)
    for n, tried in ((1, [(1, 1), (1, 4)]), (2, [(1, 1), (1, 4), (2, 1), (2, 4)])):
        asked.clear()
        rows = list(compare("morph", Plan(task=TINY, rounds=1), Processes(tmp_path, n)))
        assert [row["measured"] for row in rows] == ["setting"] * len(tried) + ["beside"] * 5
        called = [
            (devices, unroll) for do, peer, devices, unroll in asked if (do, peer) == ("call", "morph")
        ]
        assert list(dict.fromkeys(called)) == tried


def test_ratio_is_of_medians_and_its_range_of_rounds() -> None:
    assert ratio((2.0, 2.25, 7.5), (0.25, 0.125, 0.125)) == (18.0, 8.0, 60.0)


def test_a_share_of_the_gpus_is_the_first_of_those_that_are_visible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peer, ours = (Case(program, TINY, devices=2) for program in ("md", "engine"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,6")
    of_gpus = {"JAX_NUM_CPU_DEVICES": "1", "CUDA_VISIBLE_DEVICES": "3,5"}
    assert share(ours, on_cpu=False) == share(peer, on_cpu=False) == of_gpus
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert share(ours, on_cpu=False)["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert share(ours, on_cpu=True) == {"JAX_NUM_CPU_DEVICES": "2", "PJRT_NPROC": "2"}
    assert share(peer, on_cpu=True) == {"JAX_NUM_CPU_DEVICES": "2"}


def test_a_folder_of_results_is_named_after_the_kind_of_machine() -> None:
    machine = {"devices": "cpu x 2", "cpu": "AMD EPYC", "cpus": 2, "vectors": "AVX2"}
    assert kind(machine) == "cpu-2-amd-epyc-avx2"
    assert kind(machine | {"devices": "gpu NVIDIA H100 80GB HBM3"}) == "gpu-nvidia-h100-80gb-hbm3"


def test_everything_that_was_promised_is_measured() -> None:
    """On a machine with four devices: what grows, of which program in which mode, and how often."""
    found = {
        (s.measured, c.program, c.setting.get("mode"))
        for s in Plan().series(4, list(PEERS))
        for c in s.cases
    }
    modes = {"none", "reverse", "forward"}
    assert {mode for what, _, mode in found if what == "batch"} == modes
    assert {mode for what, _, mode in found if what == "parameters"} == modes
    assert {mode for what, of, mode in found if what == "cells" and of == "engine"} == {
        "reverse",
        "forward",
    }
    assert {what for what, of, _ in found if of == "engine"} == (
        {"batch", "parameters", "cells", "clusters", "memory", "devices"}
    )
    assert {(what, of) for what, of, _ in found if of != "engine"} == {
        ("cells", "morph"),
        ("memory", "md"),
    }
    sizes = {
        s.measured: s.cases for s in Plan().series(4, list(PEERS)) if s.cases[0].program == "engine"
    }
    assert [c.task.simulations for c in sizes["batch"]] == [4**i for i in range(3, 10)]
    assert [c.devices for c in sizes["devices"]] == [1, 2, 4]
    assert [c.task.cells for c in sizes["clusters"]] == [1000, 20_000]
    assert set(PEERS) == {"morph", "md", "notebook", "plain"}


@pytest.mark.slow
def test_everything_in_miniature(tmp_path: Path) -> None:
    # Most programs of it are the same one: compiling is what takes the time.
    plan = Plan(
        task=TINY,
        rounds=1,
        calls=1,
        batches=(16,),
        cells=(2,),
        cell_steps=2,
        clusters=(),
        parameters=(),
        steps=(2,),
        whole=False,
    )
    where = benchmark.run(plan, ["plain"], tmp_path, tmp_path / "no-python")
    written = {path.name for path in where.iterdir()}
    assert written == {"measurements.csv", "README.md", "machine.json", "benchmark.svg"}
    assert json.loads((where / "machine.json").read_text())["versions"]["jax"]
    rows = pd.read_csv(where / "measurements.csv")
    beside = rows[rows.measured == "beside"]
    assert list(beside["mode"]) == ["reverse", "reverse", "forward"]
    assert (beside.values_differ_by[1:] < 1e-10).all() and (beside.times_faster[1:] > 0).all()
    measured = {tuple(row) for row in rows[["measured", "mode"]].values}
    both = {(what, mode) for what in ("batch", "cells", "memory") for mode in ("forward", "reverse")}
    assert both | {("batch", "none")} <= measured
    batch = rows[rows.measured == "batch"]
    longest = batch[["arithmetic_ms", "bytes_ms"]].max(axis=1)
    assert np.allclose(batch.floor_ms, longest) and (batch.floor_ms < batch.ms).all()
    assert (batch.sums_per_s > batch.divisions_per_s).all() and (batch.most_bytes_per_s > 1e8).all()
    page = (where / "README.md").read_text()
    assert "| jaxmorph by plain vmap |" in page and "## Against the floor" in page


@pytest.mark.slow
def test_two_interpreters_are_held_against_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = {"values alone": {"mode": "none"}}
    monkeypatch.setattr("benchmarks.measure.ON_BOTH_JAX", modes)
    here = Path(sys.executable)  # another process of the same environment
    other = here.with_name("python3" if here.name == "python" else "python")
    with Processes(tmp_path, 1) as processes:
        rows = list(compare_jax(str(other), Plan(task=TINY, rounds=1), processes))
    assert [row.get("computes") for row in rows[1::2]] == list(modes)
    assert all(row["values_differ_by"] == 0 for row in rows[1::2])
    assert all(row["measured"] == "jax" and "Python" in row["jax"] for row in rows)


@pytest.mark.slow
@pytest.mark.skipif(not PACKAGES.exists(), reason="jax-morph is installed by make bench")
def test_jax_morph_with_noise_of_its_own_is_not_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PACKAGES))
    two = {"samples": 2, "seeds": 2, "parameters": ("epsilon", "alpha"), "growth": False}
    task = TINY.but(**two, precision="float64")
    with Processes(tmp_path, 1) as processes:
        ours = processes.ask("results", Case("engine", task))
        same = processes.ask("results", Case("morph", task, {"same_noise": True}))
        other = processes.ask("results", Case("morph", task))
    check_same("jax-morph", (1e-13, 1e-12), ours, same)
    with pytest.raises(JaxmorphError, match="not the same physics"):
        check_same("jax-morph", (1e-6, 1e-6), ours, other)


def test_a_worker_says_in_one_line_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with (
        Processes(tmp_path, 1) as processes,
        pytest.raises(JaxmorphError, match=r"^benchmark: ModuleNotFoundError: .*jax_morph'$"),
    ):
        processes.ask("build", Case("morph", TINY))


def test_the_command_line_names_the_peers() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--peers", "nobody"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "'morph', 'md', 'notebook', 'plain'" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_films_are_measured_in_miniature(capsys: pytest.CaptureFixture[str]) -> None:
    others.films(cells=3, frames=2)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == (
        ["circles", "spheres", "background"]
    )


@pytest.mark.verify
def test_plans_jobs_estimates_and_clusters_are_measured_in_miniature(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow.dag(batches=(8,))
    lines = capsys.readouterr().out.splitlines()
    assert [line[9:26].strip() for line in lines[1:]] == ["new run", "everything there", "one batch"]
    workflow.many_runs(numbers=(2,))
    assert "new runs" in capsys.readouterr().out
    workflow.job(samples=(8, 16), seeds=4)
    assert "the rest" in capsys.readouterr().out
    workflow.aggregation(str(tmp_path), batches=(2,), samples=8, seeds=2)
    assert "2 batch files: " in capsys.readouterr().out
    others.clusters(cells=(20,), forces=("kernels", "lists"), modes=("none",))
    assert [line.split(" | ")[1] for line in capsys.readouterr().out.splitlines()[2:]] == (
        ["kernels", "lists"]
    )
