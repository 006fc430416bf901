"""The benchmark: what it refuses to time, how it times, and the files that it leaves."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as benchmark
from benchmarks.comparisons import check_same
from benchmarks.machine import kind
from benchmarks.plan import Plan, Setting
from benchmarks.processes import Share, Timing, Worker, ratio
from benchmarks.task import Task
from jaxmorph import JaxmorphError

ROOT = Path(__file__).parents[1]
TINY = Task(cells=2, steps=2, relaxation_steps=5, samples=1, seeds=16)
PEERS = ROOT / ".bench-packages"  # where `make bench` installs jax-morph


def test_other_physics_is_refused() -> None:
    value, gradient = np.array([[1.0, 2.0]]), np.array([[[3.0, 1e-3], [-4.0, 2e-3]]])
    ours = value[..., None, None], gradient[:, :, None, None]
    assert check_same("peer", ours, (value, gradient), (1e-12, 1e-12)) == (0, 0)
    wrong = gradient * [1, 1.01]  # the small one of two derivatives
    with pytest.raises(JaxmorphError, match=r"peer: its derivatives differ .* by 0.0099 .* nothing was"):
        check_same("peer", ours, (value, wrong), (1e-12, 1e-3))
    with pytest.raises(JaxmorphError, match="values differ"):
        check_same("peer", ours, (value * np.nan, gradient), (1e-3, 1e-3))


def test_all_devices_of_a_machine_with_one_are_one() -> None:
    words = [Setting(1).words(1), Setting(None).words(1), Setting(None, {"unroll": 4}).words(1)]
    assert words == ["1 device", "1 device", "1 device, unroll = 4"]
    assert Setting(None).words(2) == "all devices" and Setting(None).n_devices(8) == 8


def test_ratio_is_of_medians_for_each_simulation_and_its_range_of_rounds() -> None:
    slow, fast = Timing((8.0, 9.0, 30.0), 4), Timing((2.0, 1.0, 1.0), 8)
    assert ratio(slow, fast) == (18.0, 8.0, 60.0)


def test_a_share_of_the_gpus_is_the_first_of_those_that_are_visible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,6")
    assert Share(1, gpus=2).environment() == {"JAX_NUM_CPU_DEVICES": "1", "CUDA_VISIBLE_DEVICES": "3,5"}
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert Share(1, gpus=2).environment()["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert Share(2, cpus=1).environment() == {"JAX_NUM_CPU_DEVICES": "2", "PJRT_NPROC": "1"}


def test_a_folder_of_results_is_named_after_the_kind_of_machine() -> None:
    machine = {"devices": "cpu x 2", "cpu": "AMD EPYC", "cpus": 2, "vectors": "AVX2"}
    assert kind(machine) == "cpu-2-amd-epyc-avx2"
    assert kind(machine | {"devices": "gpu NVIDIA H100 80GB HBM3"}) == "gpu-nvidia-h100-80gb-hbm3"


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
        devices=False,
        start=False,
        settings={"md": (Setting(1),)},
    )
    where = benchmark.run(plan, ["md"], tmp_path)
    written = {path.name for path in where.iterdir()}
    tables = {"comparisons.csv", "settings.csv", "scalings.csv", "README.md"}
    assert written == tables | {"machine.json", "benchmark.svg"}
    assert json.loads((where / "machine.json").read_text())["versions"]["jax"]
    with (where / "comparisons.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["mode"] for row in rows] == ["reverse", "forward"]
    for row in rows:
        assert float(row["values_differ_by"]) < 1e-10 and float(row["times_faster"]) > 0
    with (where / "scalings.csv").open() as file:
        measured = {(row["measured"], row["mode"]) for row in csv.DictReader(file)}
        wanted = {
            (what, mode) for what in ("batch", "cells", "memory") for mode in ("forward", "reverse")
        }
    assert wanted | {("batch", "none")} == measured
    with (where / "scalings.csv").open() as file:
        floors = [row for row in csv.DictReader(file) if row["measured"] == "batch"]
    for row in floors:
        terms = [float(row[f"{name}_ms"]) for name in ("arithmetic", "bytes", "launches")]
        # To the four digits that are written.
        assert 0.999 * max(terms) <= float(row["floor_ms"]) <= 1.001 * sum(terms)
        assert int(row["kernels"]) > 10 and float(row["launch_s"]) > 0
    page = (where / "README.md").read_text()
    assert "| jax-md (1 device) | 6, growth |" in page and "## Against the floor" in page


@pytest.mark.slow
@pytest.mark.skipif(not PEERS.exists(), reason="jax-morph is installed by make bench")
def test_jax_morph_with_noise_of_its_own_is_not_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PEERS))
    task = Task(
        cells=2,
        steps=2,
        relaxation_steps=5,
        samples=2,
        seeds=2,
        parameters=("epsilon", "alpha"),
        growth=False,
        precision="float64",
    )
    with Worker(Share(1), tmp_path) as worker:
        ours = worker.build("engine", task).results()
        same = worker.build("morph", task, same_noise=True).results()
        other = worker.build("morph", task).results()
    check_same("jax-morph", ours, same, (1e-13, 1e-12))
    with pytest.raises(JaxmorphError, match="not the same physics"):
        check_same("jax-morph", ours, other, (1e-6, 1e-6))


def test_a_worker_says_in_one_line_what_is_missing(tmp_path: Path) -> None:
    with Worker(Share(1), tmp_path) as worker, pytest.raises(JaxmorphError, match="no_such"):
        worker.build("no_such", TINY)


def test_the_command_line_names_the_peers() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--peers", "nobody"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "'morph', 'md', 'notebook', 'plain'" in done.stderr.splitlines()[-1]
