"""The whole workflow through the real snakemake command, on tiny configurations."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import ROOT, SUPPORT
from support.workflow import FINISHED, copy_of, jobs, prepare, snakemake, tiny

from jaxmorph import store
from jaxmorph.configuration import Run
from jaxmorph.configuration.specify import Specifications
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import figure_names
from jaxmorph.integrity import seal
from jaxmorph.jobs.study import describe_study


def test_a_run_ends_with_where_its_report_is(finished: Path) -> None:
    printed = (finished.parent / "snakemake.out").read_text()
    assert printed.splitlines()[-1] == "Report of tiny: results/tiny/report.html"
    assert "100%" in printed


def files_of(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in (folder / "results").rglob("*") if p.is_file()}


def wanted_of(run: str, method: str) -> set[str]:
    names = ["study.json", "design.json", "design.nc", "checks.nc", "corners.nc", "sensitivity.nc"]
    names += ["cost.json", "report.html", "provenance.json"]
    names += [f"figures/{f}.{e}" for f in figure_names(method, 2) for e in ("svg", "pdf", "csv")]
    names += [f"animations/{film}.{e}" for film in ("corners", "cells") for e in ("mp4", "png")]
    names += ["batches/000-000.nc", "figures/checksums.json", "animations/checksums.json"]
    return {f"results/{run}/{name}" for name in names}


TINY = wanted_of("tiny", "sobol") | {"results/tiny/batches/000-001.nc"}


def test_every_file_of_the_design_document_is_there(finished: Path) -> None:
    made = files_of(finished)
    assert {name for name in made if name.startswith("results/tiny/")} == TINY
    assert made - TINY < wanted_of("own", "grid")


@pytest.mark.slow
def test_two_runs_are_made_together(both_finished: Path) -> None:
    printed = (both_finished.parent / "snakemake.out").read_text()
    assert printed.splitlines()[-2:] == [
        "Report of tiny: results/tiny/report.html",
        "Report of own: results/own/report.html",
    ]
    assert files_of(both_finished) == TINY | wanted_of("own", "grid")
    assert "Nothing to be done" in (done := snakemake(both_finished, "-n")).stdout + done.stderr


def test_every_job_has_a_log_and_a_benchmark_and_says_how_far_it_is(finished: Path) -> None:
    logs = list((finished / "logs").rglob("*.log"))
    assert len(logs) == len(list((finished / "logs").rglob("*.tsv"))) == 17
    log = (finished / "logs/tiny/batches/000-000.log").read_text()
    assert "8/8" in log and "sim/s" in log and "gradient mode: forward (auto: " in log


@pytest.mark.slow
def test_jobs_import_the_package_that_the_workflow_has_read(tmp_path: Path) -> None:
    """Whatever else is called jaxmorph in the environment."""
    other = tmp_path / "other/jaxmorph"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise RuntimeError('another jaxmorph')")
    folder = prepare(tmp_path / "run", {"own": tiny()["own"]})
    done = snakemake(folder, "results/own/study.json", PYTHONPATH=str(other.parent))
    assert done.returncode == 0, done.stdout + done.stderr


def test_datasets_explain_themselves_and_where_they_came_from(finished: Path) -> None:
    for path in (finished / "results").rglob("*.nc"):
        with xr.open_dataset(path) as dataset:
            for name, variable in dataset.variables.items():
                assert variable.attrs.get("long_name"), (path, name)
                assert variable.attrs.get("units"), (path, name)
            assert json.loads(dataset.attrs["configuration"])["study"], path
            for key in (
                "code_version",
                "library_versions",
                "start",
                "end",
                "host",
                "job_id",
                "run",
                "Conventions",
            ):
                assert dataset.attrs[key], (path, key)
            if path.name != "design.nc":
                assert dataset.attrs["device"].startswith("cpu"), path
                assert dataset.attrs["precision"] == "float64", path
                assert dataset.attrs["random_key"] == 0, path
            if path.name not in ("design.nc", "sensitivity.nc"):
                assert len(dataset.attrs["code_digest"]) == 16, path


def test_the_fixed_parameter_and_the_trajectory_are_what_was_asked_for(finished: Path) -> None:
    design = xr.open_dataset(finished / "results/tiny/design.nc")
    assert json.loads(design.attrs["fixed_parameters"])["kT"] == 0.5
    batch = xr.open_dataset(finished / "results/tiny/batches/000-000.nc")
    assert batch["position"].dims == ("sample", "seed", "time", "cell", "space")
    position = batch["position"].sel(sample=0, seed=0)
    assert position.notnull().all() and batch["trajectory_stored"].sum() == 1
    squared = ((position - position.mean("cell")) ** 2).sum("space")
    distance = (squared**0.5).mean("cell")
    value = batch["value"].sel(sample=0, seed=0, observable="mean_distance")
    np.testing.assert_allclose(distance, value, rtol=1e-12)


def test_corners_are_at_the_ends_of_the_distributions(finished: Path) -> None:
    corners = xr.open_dataset(finished / "results/own/corners.nc")
    assert corners["corner"].values.tolist() == [
        "k low, x0 low", "k low, x0 high", "k high, x0 low", "k high, x0 high",
    ]  # fmt: skip
    np.testing.assert_array_equal(corners["parameter_value"], [[1, 1], [1, 2], [3, 1], [3, 2]])
    assert corners["value"].sizes["seed"] == 1 and "gradient" not in corners


def test_estimates_are_those_of_the_batches(finished: Path) -> None:
    """Read back with plain xarray and numpy, independently of the package."""
    estimates = xr.open_dataset(finished / "results/tiny/sensitivity.nc")
    parts = [xr.open_dataset(p) for p in sorted((finished / "results/tiny/batches").glob("*.nc"))]
    gradient = np.concatenate([p["gradient"].values for p in parts], axis=1)
    value = np.concatenate([p["value"].values for p in parts], axis=1)
    assert gradient.shape == (4, 4, 9, 2, 2)
    np.testing.assert_allclose(estimates["mean"], value.mean(1), rtol=1e-12)
    np.testing.assert_allclose(estimates["gradient_mean"], gradient.mean(1), rtol=1e-12)
    se = gradient.std(1, ddof=1) / 2
    np.testing.assert_allclose(estimates["gradient_se"], se, rtol=1e-9, atol=1e-15)
    average = estimates["gradient_average_se"]
    np.testing.assert_allclose(average, gradient.mean(0).std(0, ddof=1) / 2, rtol=1e-9, atol=1e-15)


def test_nothing_is_done_twice(finished: Path) -> None:
    assert "Nothing to be done" in (done := snakemake(finished, "-n", *FINISHED)).stdout + done.stderr


@pytest.mark.slow
def test_what_is_missing_is_made_again(finished: Path, tmp_path: Path) -> None:
    folder = copy_of(finished, tmp_path)
    before = jobs(snakemake(folder, "-n"))
    for file in ("figures/tornado.csv", "batches/000-001.nc", "animations/cells.mp4"):
        (folder / "results/tiny" / file).unlink()
    wanted = jobs(snakemake(folder, "-n"))
    assert wanted["batch"] == wanted["draw_tiny"] == 1 and "study" not in wanted
    # The films of the other run, which shares this rule, are not there yet.
    assert wanted["film_tiny"] == before["film_tiny"] + 1 == 2


@pytest.mark.slow
def test_growing_a_run_computes_only_what_is_new(finished: Path, tmp_path: Path) -> None:
    folder = copy_of(finished, tmp_path)
    runs = tiny()
    runs["tiny"]["seeds"] = 6
    prepare(folder, runs)
    assert jobs(snakemake(folder, "-n"))["batch"] == 1
    runs["tiny"]["seeds"], runs["tiny"]["design"]["samples"] = 4, 8
    prepare(folder, runs)
    before = {p.name: p.read_bytes() for p in (folder / "results/tiny/batches").iterdir()}
    assert jobs(snakemake(folder, "-n"))["batch"] == 2
    done = snakemake(folder, "results/tiny/sensitivity.nc")
    assert done.returncode == 0, done.stdout + done.stderr
    after = {p.name: p.read_bytes() for p in (folder / "results/tiny/batches").iterdir()}
    assert {name: after[name] for name in before} == before and len(after) == 4


def test_what_changes_the_numbers_reruns_them(finished: Path, tmp_path: Path) -> None:
    """What that is: tests/test_configuration.py (params of a batch) and tests/test_code.py (digests)."""
    folder = copy_of(finished, tmp_path)
    runs = tiny()
    runs["tiny"]["parameters"]["epsilon"]["high"] = 5.0
    prepare(folder, runs)
    with open(folder / "trap.py", "a", encoding="utf-8") as file:
        file.write("# a comment\n")
    again = jobs(snakemake(folder, "-n", *FINISHED))
    assert again["batch"] == again["corners"] + 1 == 2, "of the one run all, of the other nothing"


@pytest.mark.slow
def test_code_that_decides_the_numbers_reruns_them(finished: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("workflow", "jaxmorph"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "Snakefile", tree)
    with open(tree / "jaxmorph/env/growth.py", "a", encoding="utf-8") as stream:
        stream.write("EDITED = True\n")
    done = snakemake(finished, "-n", *FINISHED, snakefile=tree / "Snakefile", PYTHONPATH="")
    assert jobs(done)["batch"] == 3


@pytest.mark.slow
def test_figures_and_films_are_the_same_when_made_again(finished: Path, tmp_path: Path) -> None:
    folder = copy_of(finished, tmp_path)
    again = ["results/tiny/figures/response.svg", "results/tiny/animations/corners.mp4"]
    files = [*again, "results/tiny/figures/response.csv", "results/tiny/figures/response.pdf"]
    before = {file: (folder / file).read_bytes() for file in files}
    other = (folder / "results/tiny/figures/tornado.svg").stat().st_ino
    for file in files:
        (folder / file).unlink()
    done = snakemake(folder, *again)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {file: (folder / file).read_bytes() for file in files} == before
    assert (folder / "results/tiny/figures/tornado.svg").stat().st_ino == other, "it was left alone"


@pytest.mark.slow
def test_another_colour_makes_the_films_again_and_computes_nothing(finished: Path) -> None:
    colour = "runs={tiny: {animation: {colour: radius}}}"
    again = jobs(snakemake(finished, "-n", *FINISHED, "--config", colour))
    assert again == {"film_tiny": 1, "page": 1, "provenance": 1, "total": 3}


@pytest.mark.slow
def test_a_damaged_batch_stops_the_estimates_by_name(finished: Path, tmp_path: Path) -> None:
    folder = copy_of(finished, tmp_path)
    batch = folder / "results/own/batches/000-000.nc"
    content = bytearray(batch.read_bytes())
    content[2000] ^= 1  # its end is whole: only who reads all of it notices
    batch.write_bytes(content)
    (folder / "results/own/sensitivity.nc").unlink()
    done = snakemake(folder, "results/own/sensitivity.nc")
    assert done.returncode != 0
    line = (
        "error: results/own/batches/000-000.nc: is damaged: its bytes are not those that were written; "
        "make it again with: snakemake --force results/own/batches/000-000.nc (and your --configfile, "
        "if any)"
    )
    log = (folder / "logs/own/sensitivity.log").read_text().splitlines()
    assert log[-1].endswith(line)
    assert line in done.stdout + done.stderr and "Traceback" not in done.stdout + done.stderr
    assert not (folder / "results/own/sensitivity.nc").exists()
    done = snakemake(folder, "--force", "results/own/batches/000-000.nc")
    assert done.returncode == 0, done.stdout + done.stderr
    assert store.read_dataset(batch, "batch")["value"].notnull().all()
    # What is cut off is seen before anything starts, and made again.
    batch.write_bytes(bytes(content[:2000]))
    done = snakemake(folder, "results/own/sensitivity.nc")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "results/own/batches/000-000.nc" in done.stdout + done.stderr
    assert store.read_dataset(batch, "batch")["value"].notnull().all()


@pytest.fixture
def tiny_batches(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[xr.Dataset]]:
    """Read the batches of the tiny run, from a copy that a test has changed, as those of another run."""
    shutil.copytree(finished / "results/tiny/batches", tmp_path / "batches")

    def read(**changes: Any) -> list[xr.Dataset]:
        run = Run.model_validate(tiny()["tiny"] | changes)
        design = store.read_dataset(finished / "results/tiny/design.nc", "design")
        paths = {path.stem: str(path) for path in (tmp_path / "batches").iterdir()}
        monkeypatch.chdir(finished)
        return list(store.Slabs(Specifications(run), design, paths))

    return read


def test_a_batch_of_another_run_is_refused(tiny_batches: Callable, tmp_path: Path) -> None:
    assert tiny_batches()[0].sizes["seed"] == 4
    path = tmp_path / "batches/000-001.nc"
    shutil.copy(path.with_name("000-000.nc"), path)
    line = (
        f"{path}: it was made of something else: seeds = [0, 2], not [2, 4]; trajectories = "
        '{"samples": [0], "seeds": [0]}, not null; make it again with: '
        f"snakemake --force {path}"
    )
    with pytest.raises(JaxmorphError, match=re.escape(line)):
        tiny_batches()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"key": 1}, "key = 0, not 1"),
        ({"fixed": {"kT": 0.25}}, "fixed.kT = 0.5, not 0.25"),
        ({"gradient": "reverse"}, 'gradient = "auto", not "reverse"'),
        ({"estimator": "smoothed"}, 'estimator = "pathwise", not "smoothed"; smoothing = null, not'),
    ],
)
def test_batches_that_were_made_of_something_else_are_refused(
    tiny_batches: Callable, tmp_path: Path, changes: dict[str, Any], line: str
) -> None:
    """At the same places and points: what differs is named key by key, and the file."""
    path = tmp_path / "batches/000-000.nc"
    with pytest.raises(JaxmorphError, match=re.escape(f"{path}: it was made of something else: {line}")):
        tiny_batches(**changes)


def test_batches_of_other_code_are_refused(
    tiny_batches: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxmorph.configuration.specify.code_digest", lambda *_, **__: "0" * 16)
    path = tmp_path / "batches/000-000.nc"
    with pytest.raises(
        JaxmorphError, match=re.escape(f"{path}: it was made of something else: other c")
    ):
        tiny_batches()


def test_a_batch_with_other_times_is_refused(tiny_batches: Callable, tmp_path: Path) -> None:
    path = tmp_path / "batches/000-001.nc"
    batch = xr.load_dataset(path, engine="netcdf4")
    batch = batch.assign_coords(time=("time", batch["time"].values * 2, batch["time"].attrs))
    path.unlink()
    batch.to_netcdf(path)
    seal(path)
    line = f"{path}: its times are not those of the other batches; make it again with"
    with pytest.raises(JaxmorphError, match=re.escape(line)):
        tiny_batches()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "parameter": ({"parameters": {"kk": {"distribution": "uniform", "low": 1, "high": 2}}},
        "runs.parameter.parameters.kk: Trap has no such name; did you mean k?"),
    "fixed": ({"fixed": {"y0": 1.0}},
        "runs.fixed.fixed.y0: Trap has no such name; known: k, x0"),
    "observable": ({"observables": ["z"]},
        "runs.observable.observables.z: Trap has no such name; known: x"),
    "setting": ({"settings": {"n_step": 3}},
        "runs.setting.settings.n_step: Trap has no such setting; did you mean n_steps?"),
    "type": ({"settings": {"n_steps": "many"}},
        "runs.type.settings.n_steps = 'many': must be a valid integer"),
    "class": ({"study": "trap.py:Trip"},
        "runs.class.study = trap.py:Trip: no class Trip in trap.py; did you mean Trap?"),
    "module": ({"study": "nowhere.to_be:Found"},
        "runs.module.study = nowhere.to_be: importing it raised ModuleNotFoundError: "
        "No module named 'nowhere'"),
    "traced": ({"study": "broken.py:Broken"},
        "study Broken: simulate raised ZeroDivisionError when traced by JAX: division by zero, "
        "at broken.py line 31"),
}  # fmt: skip


def wrong(folder: Path, name: str) -> dict[str, Any]:
    """A folder with a run that does not fit its study."""
    run = tiny()["own"] | {"design": {"method": "sobol", "samples": 2}}
    del run["parameters"]["x0"]
    prepare(folder, {name: run | WRONG[name][0]})
    trap = (SUPPORT / "trap.py").read_text().replace("Trap", "Broken")
    (folder / "broken.py").write_text(trap.replace("0.1 * (1.0", "1 / 0 * (1.0"))
    return run | WRONG[name][0]


@pytest.mark.parametrize("name", WRONG)
def test_the_first_job_says_what_is_wrong_with_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run = Run.model_validate(wrong(tmp_path, name))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JaxmorphError) as raised:
        describe_study(
            name, Specifications(run).study, run.animation, run.seeds, "study.json", "cost.json"
        )
    assert str(raised.value) == WRONG[name][1]
    assert not (tmp_path / "study.json").exists()


def test_a_job_that_fails_says_why_in_one_line(tmp_path: Path) -> None:
    wrong(tmp_path, "traced")
    done = snakemake(tmp_path, "--keep-going")
    assert done.returncode != 0
    message = WRONG["traced"][1]
    last = (tmp_path / "logs/traced/study.log").read_text().splitlines()[-1]
    assert last.endswith(f"error: {message}"), last
    assert message in done.stdout + done.stderr and "Traceback" not in done.stdout + done.stderr
    assert not [p for p in (tmp_path / "results").rglob("*") if p.is_file()]


@pytest.mark.slow
def test_a_study_that_raises_leaves_the_sample_the_seed_and_the_parameters_in_the_log(
    tmp_path: Path,
) -> None:
    runs = {"raises": tiny()["own"] | {"study": "raises.py:Raises", "batch": {"samples": 4, "seeds": 2}}}
    folder = prepare(tmp_path / "raises", runs)
    trap = (SUPPORT / "trap.py").read_text().replace("Trap", "Raises")
    trap = trap.replace("import jax\n", "import equinox as eqx\nimport jax\n", 1)
    # Samples 6 to 8 have k = 3: sample 6 is the first of them, in the second batch.
    trap = trap.replace(
        "        return jxm.Recording",
        "        x = eqx.error_if(x, parameters['k'] > 2.5, 'the trap is too stiff')\n"
        "        return jxm.Recording",
    )
    (folder / "raises.py").write_text(trap)
    done = snakemake(folder, "results/raises/batches/001-000.nc")
    assert done.returncode != 0
    last = (folder / "logs/raises/batches/001-000.log").read_text().splitlines()[-1]
    assert "error: study Raises raised " in last and "the trap is too stiff" in last
    assert last.endswith("; sample 6, seed 0, k = 3, x0 = 1"), last
    assert not (folder / "results/raises/batches/001-000.nc").exists()


def test_a_wrong_configuration_stops_before_anything_is_written(tmp_path: Path) -> None:
    runs = tiny()
    runs["tiny"]["seeds"] = 0
    runs["own"]["sedes"] = 2
    folder = prepare(tmp_path / "bad", runs)
    before = sorted(folder.iterdir())
    done = snakemake(folder)
    assert done.returncode != 0
    assert (
        "The configuration is wrong; nothing was done.\n"
        "config.yaml: runs.tiny.seeds = 0: must be at least 1\n"
        "config.yaml: runs.own.sedes: unknown key; did you mean seeds?\n"
    ) in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert [p for p in sorted(folder.iterdir()) if p.name != ".snakemake"] == before


def test_parsing_does_not_import_jax(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "parse", tiny())
    (folder / "poison").mkdir()
    (folder / "poison/jax.py").write_text("raise RuntimeError('jax was imported')\n")
    done = snakemake(folder, "-n", PYTHONPATH=str(folder / "poison"))
    assert jobs(done)["batch"] == 3


def test_the_default_configuration_is_the_main_job() -> None:
    """`snakemake -n` in a checkout: two runs, of which one has at least 64 samples x 16 seeds."""
    from jaxmorph.configuration import read_configuration

    runs = read_configuration(ROOT / "config/config.yaml").runs
    assert list(runs) == ["notebook", "sweep"]
    notebook = runs["notebook"]
    assert set(notebook.parameters) == {"epsilon", "alpha", "max_radius", "growth_rate", "kT", "gamma"}
    assert notebook.n_samples >= 64 and notebook.n_seeds >= 16
    assert runs["sweep"].design.method == "grid" and set(runs["sweep"].parameters) == {
        "epsilon",
        "alpha",
    }


def test_snakemakes_own_report_can_be_made(finished: Path, tmp_path: Path) -> None:
    folder = prepare(copy_of(finished, tmp_path), {"tiny": tiny()["tiny"]})
    done = snakemake(folder, "--report", "snakemake-report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "snakemake-report.html").stat().st_size > 100_000
