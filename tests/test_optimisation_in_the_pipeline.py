"""Optimisations through the real snakemake: the whole chain in miniature, its errors, what is rerun."""

import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import SUPPORT
from support.workflow import jobs, prepare, snakemake

from jaxmorph.report import reproduce

K, X0, GAMMA, DT = 2.0, 1.5, 0.8, 0.01
TIMES = DT * np.array([0, 10, 20, 30, 40])
MEANS = (1 - K * DT / GAMMA) ** np.array([0, 10, 20, 30, 40]) * X0


def trap(**optimise: Any) -> dict[str, Any]:
    """A particle whose stiffness and starting point are calibrated against a file."""
    return {
        "study": "ornstein-uhlenbeck",
        "settings": {"n_steps": 40, "record_every": 10},
        "parameters": {
            "k": {"distribution": "uniform", "low": 0.5, "high": 6.0},
            "x0": "default",
            "gamma": {
                "distribution": "truncated-normal",
                "mean": 0.8,
                "sd": 0.1,
                "low": 0.6,
                "high": 1.0,
            },
        },
        "fixed": {"kT": 0.05},
        "design": {"method": "sobol", "samples": 4},
        "seeds": 2,
        "optimise": {
            "objective": [{"observable": "position", "goal": "time-course", "data": "course.nc"}],
            "free": ["k", "x0"],
            "optimiser": {"learning_rate": 0.05},
            "starts": {"method": "sobol", "samples": 4},
            "starts_per_job": 2,
            "steps": 120,
            "evaluation_seeds": 16,
        }
        | optimise,
    }


def write_course(folder: Path, unit: str = "1") -> None:
    course = xr.Dataset(
        {
            "position": ("time", MEANS, {"units": unit}),
            "position_error": ("time", np.full(5, 0.05), {"units": unit}),
        },
        coords={"time": ("time", TIMES, {"units": "1"})},
    )
    folder.mkdir(parents=True, exist_ok=True)
    course.to_netcdf(folder / "course.nc")


NAMES = ("optimisation.nc", "optimisation_cells.nc")


@pytest.fixture(scope="module")
def optimised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("optimisation")
    write_course(folder)
    prepare(folder, {"trap": trap()})
    done = snakemake(folder, "results/trap/optimisation.nc", "results/trap/sensitivity.nc")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_whole_chain_recovers_what_made_the_data(optimised: Path) -> None:
    found = xr.open_dataset(optimised / "results/trap/optimisation.nc", decode_times=False)
    # The refinement is one more step.
    assert found.sizes["start"] == 4 and found.sizes["step"] == 122
    assert found["parameter"].values.tolist() == ["k", "x0"]
    assert found["optimum_of_start"].values.tolist() == [0, 0, 0, 0]
    assert set(found["stop_reason"].values) == {"steps"} and set(found["steps_done"].values) == {121}
    assert found["refined"].values.tolist() == [1, 1, 1, 1]
    # The minimum for the seeds of the refinement, from wherever it was reached.
    ends = found["parameter_value"].isel(step=-1)
    interval = found["parameter_high"][0] - found["parameter_low"][0]
    assert np.all(ends.max("start") - ends.min("start") < 0.02 * interval)
    truth = xr.DataArray([K, X0], coords={"parameter": ["k", "x0"]})
    best = found.isel(optimum=0)
    assert np.all((best["parameter_low"] < truth) & (truth < best["parameter_high"]))
    assert found.attrs["covariance_kind"] == "Fisher"
    assert np.all(found["improvement"] > found["improvement_low"])
    assert found["improvement_low"].max() > 0
    np.testing.assert_allclose(found["target_value"].values[:, 0], MEANS, rtol=1e-12)
    np.testing.assert_allclose(found["target_error"].values[:, 0], 0.05, rtol=1e-12)
    assert found["goal"].values.tolist() == ["time-course"]
    assert found["course_after"].dims == ("start", "evaluation_seed", "time", "observable")
    assert found["map_loss"].dims == ("map_0", "map_1") and np.isfinite(found["map_loss"]).all()
    assert np.all(found["hessian_eigenvalue"].diff("direction") <= 0)
    for name, variable in found.variables.items():
        assert variable.attrs.get("long_name") and variable.attrs.get("units"), name
    for name in ("configuration", "git_commit", "library_versions", "code_digest", "device"):
        assert found.attrs[name], name
    assert json.loads(found.attrs["library_versions"])["optax"]


@pytest.mark.slow
def test_the_best_start_is_simulated_in_full_before_and_after(optimised: Path) -> None:
    cells = xr.open_dataset(optimised / "results/trap/optimisation_cells.nc", decode_times=False)
    found = xr.open_dataset(optimised / "results/trap/optimisation.nc", decode_times=False)
    assert cells["stage"].values.tolist() == ["before", "after"]
    assert cells["position"].dims == ("sample", "seed", "time", "cell", "space")
    best = int(found["optimum_start"][0])
    path = found["parameter_value"].sel(start=best)
    np.testing.assert_array_equal(cells["parameter_value"], path.isel(step=[0, -1]))
    np.testing.assert_allclose(
        cells["value"].isel(seed=0, sample=1),
        found["course_after"].sel(start=best).isel(evaluation_seed=0),
        rtol=1e-12,
    )


@pytest.mark.slow
def test_what_a_report_carries_makes_the_starts_again(optimised: Path, tmp_path: Path) -> None:
    """With the data, which were a NetCDF file, as CSV; numbers equal to the last bit."""
    estimates, found = (
        xr.load_dataset(optimised / f"results/trap/{name}") for name in ("sensitivity.nc", NAMES[0])
    )
    # As the job of the page does: the estimates know only what decides them.
    estimates.attrs["configuration"] = json.dumps(trap())
    for file in reproduce.attachments("trap", estimates, found):
        (tmp_path / file.name).write_text(file.text)
    assert (tmp_path / "course.csv").exists() and not (tmp_path / "course.nc").exists()
    wanted = "results/trap/optimisation/starts-000.nc"
    done = snakemake(tmp_path, wanted)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = (xr.load_dataset(folder / wanted) for folder in (optimised, tmp_path))
    assert first.equals(second)


@pytest.mark.slow
def test_only_what_a_change_decides_is_done_again(optimised: Path) -> None:
    wanted = ["results/trap/optimisation.nc", "results/trap/sensitivity.nc"]

    def would_do(**changes: Any) -> dict[str, int]:
        prepare(optimised, {"trap": trap(**changes)})
        found = jobs(snakemake(optimised, "-n", *wanted))
        prepare(optimised, {"trap": trap()})
        return {rule: n for rule, n in found.items() if rule not in ("total", "sensitivity")}

    assert would_do() == {}
    assert would_do(starts={"method": "sobol", "samples": 8}) == {"starts": 2, "optimisation": 1}
    assert would_do(evaluation_seeds=32) == {"optimisation": 1}
    assert would_do(steps=50) == {"starts": 2, "optimisation": 1}
    assert would_do(free=["k"]) == {"objective": 1, "starts": 2, "optimisation": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "unit", "message"),
    [
        (
            {},
            "um",
            "trap.optimise.objective[0].data = course.nc: the unit of position is um, that of the",
        ),
        (
            {"optimiser": {"name": "lbfgs"}},
            "1",
            "runs.trap.optimise.optimiser.name = lbfgs: searches along lines, which fresh seeds mislead",
        ),
        (
            {"objective": [{"observable": "squared_position", "goal": "target", "value": -2.0}]},
            "1",
            "objective[0].value = -2: squared_position cannot be -2; it is at least 0",
        ),
    ],
)
def test_what_the_study_cannot_have_is_said_by_the_first_job(
    tmp_path: Path, changes: dict[str, Any], unit: str, message: str
) -> None:
    write_course(tmp_path, unit)
    prepare(tmp_path, {"trap": trap(**changes)})
    done = snakemake(tmp_path, "results/trap/optimisation.nc")
    assert done.returncode != 0
    said = (done.stdout + done.stderr).splitlines()
    assert sum(message in line for line in said) == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert not list((tmp_path / "results/trap/optimisation").glob("*"))


# Read by the job of the starts: a state is saved after each ten steps, and not each 30 s.
FAST_CLOCK = """
import time

real = time.monotonic
time.monotonic = lambda: 1e6 * real()
"""


def states(folder: Path) -> list[Path]:
    return list((folder / "unfinished/trap/starts-000").glob("*.npz"))


def job_of_starts(folder: Path) -> int:
    """The process that optimises, by its script and its working directory."""
    found = [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit()
        and b"starts.py" in (process / "cmdline").read_bytes()
        and (process / "cwd").resolve() == folder.resolve()
    ]
    return found[0]


@pytest.mark.slow
def test_a_job_that_is_killed_goes_on_through_snakemake_with_the_same_bits(tmp_path: Path) -> None:
    run = trap(
        objective=[{"observable": "x", "goal": "target", "value": 0.3}],
        starts={"method": "sobol", "samples": 2},
        steps=5000,
        free="all",
    )
    run |= {"study": "fast.py:Trap", "settings": {}, "parameters": {"k": "default", "x0": "default"}}
    wanted = "results/trap/optimisation/starts-000.nc"
    folders = [prepare(tmp_path / name, {"trap": run | {"fixed": {}}}) for name in ("killed", "whole")]
    for folder in folders:
        (folder / "fast.py").write_text(FAST_CLOCK + (SUPPORT / "trap.py").read_text())
    killed, whole = folders
    with ThreadPoolExecutor() as pool:
        first = pool.submit(snakemake, killed, wanted)
        while not states(killed):
            assert not first.done(), first.result().stdout + first.result().stderr
            time.sleep(0.02)
        os.kill(job_of_starts(killed), signal.SIGKILL)
        assert first.result().returncode != 0
    assert not (killed / wanted).exists() and states(killed)
    for folder in folders:
        done = snakemake(folder, wanted)
        assert done.returncode == 0, done.stdout + done.stderr
    log = (killed / "logs/trap/optimisation/starts-000.log").read_text()
    (steps,) = re.findall(r"resuming after (\d+) steps", log)
    assert 0 < int(steps) < 5000
    assert "resuming" not in (whole / "logs/trap/optimisation/starts-000.log").read_text()
    one, two = (xr.load_dataset(folder / wanted) for folder in folders)
    for name, variable in one.data_vars.items():
        assert variable.values.tobytes() == two[name].values.tobytes(), name


def test_a_run_without_an_optimisation_says_so(tmp_path: Path) -> None:
    run = trap()
    del run["optimise"]
    prepare(tmp_path, {"trap": run})
    done = snakemake(tmp_path, "-n", "results/trap/optimisation.nc")
    assert done.returncode != 0
    assert "runs.trap has no optimisation: give it the key optimise" in done.stdout + done.stderr
