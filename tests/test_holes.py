"""Runs of which some batches are not there: estimates are those of a run that never asked for them."""

import itertools
import json
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jaxmorph import sensitivity, store
from jaxmorph.configuration import Run
from jaxmorph.configuration.specify import Specifications
from jaxmorph.jobs import analyse
from jaxmorph.store import slabs

NAMES = ("a", "b")
UNIFORM = {"distribution": "uniform", "low": 1.0, "high": 2.0}
SLOPE = np.array([2.0, -1.0])
TIMES = np.array([0.5, 1.0])


def spec(design: dict[str, Any], seeds: int = 8, samples: int = 4) -> dict[str, Any]:
    return {
        "study": "linear",
        "parameters": dict.fromkeys(NAMES, UNIFORM),
        "design": design,
        "seeds": seeds,
        "batch": {"samples": samples, "seeds": 4},
        "trajectories": {"samples": [], "seeds": []},
        "allow_partial": True,
    }


def simulated(theta: np.ndarray, seeds: range) -> tuple[np.ndarray, np.ndarray]:
    """A linear model with noise: (sample, seed, time, observable[, parameter])."""
    noise = np.stack([np.random.default_rng(seed).standard_normal((2, 3)) for seed in seeds])
    value = (theta @ SLOPE)[:, None, None] * TIMES + noise[:, :, 0]
    gradient = SLOPE * TIMES[:, None] + noise[:, :, 1:] * theta[:, None, None, :1]
    return value[..., None], gradient[..., None, :]


def scores(theta: np.ndarray, seeds: range) -> np.ndarray:
    """Of 9 stretches (sample, seed, stretch, parameter): standard normal, over the parameters."""
    drawn = np.stack([np.random.default_rng(100 + seed).standard_normal((9, 2)) for seed in seeds])
    return drawn / theta[:, None, None]


def made(
    folder: Path, settings: dict[str, Any], missing: Collection[str] = (), scored: bool = False
) -> xr.Dataset:
    """The estimates of a run that lacks some batches, through its files; ``scored``: with scores."""
    run = Run.model_validate(settings)
    about: dict[str, Any] = {
        "study": "linear",
        "study_description": "made up",
        "study_source": "",
        "settings": {},
        "fixed_parameters": {},
        "cuts": [],
        "stochastic": True,
        "parameters": [
            {"name": n, "unit": "1", "description": n, "default": 1.5, "distribution": UNIFORM}
            for n in NAMES
        ],
    }
    specs = Specifications(run)
    record = store.StudyRecord.from_plain(about)
    store.write_record(record, folder / "study.json", specs.study.identity)
    files = [str(folder / name) for name in ("study.json", "design.nc", "design.json")]
    analyse.write_design("made", run, *files)
    points = store.read_dataset(files[1], "design")["parameter_value"].values
    described = [SimpleNamespace(name=n, unit="1", description=n) for n in NAMES]
    paths = []
    for name, batch in run.batches.items():
        if name in missing:
            continue
        theta = points[list(batch.samples)]
        value, gradient = simulated(theta, batch.seeds)
        dataset = store.batch_dataset(
            samples=np.array(batch.samples),
            seeds=np.array(batch.seeds),
            time=TIMES,
            time_unit="h",
            parameter_value=theta,
            parameters=described,
            observables=[SimpleNamespace(name="f", unit="m", description="f")],
            value=value,
            gradient=gradient,
            path_score=scores(theta, batch.seeds) if scored else None,
            attributes=store.provenance("made", {"key": 0})
            | specs.batch(name).identity.attributes()
            | dict.fromkeys(("precision", "gradient_mode", "gradient_mode_reason"), "none")
            | {"wall_time_s": 1.0},
        )
        paths.append(str(folder / "batches" / f"{name}.nc"))
        store.write_dataset(dataset, paths[-1], "batch")
    output = str(folder / "sensitivity.nc")
    analyse.estimate_sensitivity("made", run, files[1], paths, None, output)
    return store.read_dataset(output, "sensitivity")


def of_the_design(data: xr.Dataset) -> xr.Dataset:
    """What is not of single samples."""
    per_sample = [n for n, v in data.variables.items() if "sample" in v.dims]
    return data.drop_vars([*per_sample, "central_sample", "seed"], errors="ignore")


SOBOL = {"method": "sobol", "samples": 16}


@pytest.mark.slow
def test_the_first_samples_of_a_run_are_a_run_of_them(tmp_path: Path) -> None:
    """Sobol samples 8 to 15 missing: to the bit what the design of 8 gives."""
    missing = [f"{i:03d}-{j:03d}" for i, j in itertools.product((2, 3), (0, 1))]
    partial = made(tmp_path / "partial", spec(SOBOL), missing)
    whole = made(tmp_path / "whole", spec(SOBOL | {"samples": 8}))
    xr.testing.assert_equal(of_the_design(partial), of_the_design(whole))
    there = partial.isel(sample=slice(8)).drop_vars("seeds_there")
    xr.testing.assert_equal(there, whole)
    rest = partial.isel(sample=slice(8, None))
    assert rest["mean"].isnull().all() and (rest["seeds_used"] == 0).all()
    assert rest["parameter_value"].notnull().all()
    assert partial["seeds_there"].values.tolist() == [8] * 8 + [0] * 8
    assert partial.attrs["missing_batch_count"] == 4
    assert json.loads(partial.attrs["missing_batches"]) == missing
    assert partial.attrs["simulations"] == 64 and partial.attrs["simulations_wanted"] == 128
    assert partial["non_finite_count"] == 0 and partial.sizes["excluded"] == 0


@pytest.mark.slow
def test_scores_of_paths_come_through_the_files(tmp_path: Path) -> None:
    """Information 9 / theta^2 by each parameter, in units of its standard deviation 12^-1/2."""
    design = SOBOL | {"samples": 4}
    settings = spec(design, seeds=16) | {"estimator": "score"}
    whole = made(tmp_path / "whole", settings, scored=True)
    theta = whole["parameter_value"].sel(sample=whole["central_sample"].item())
    np.testing.assert_allclose(whole["cramer_rao_sd_path_alone"], theta * (12 / 9) ** 0.5, rtol=0.2)
    # Without the last seeds, of which there are more: to the bit the same.
    partial = made(tmp_path / "partial", settings | {"seeds": 20}, ["000-004"], scored=True)
    xr.testing.assert_equal(partial["path_information"], whole["path_information"])


@pytest.mark.slow
def test_samples_from_the_middle_leave_a_run_of_the_others(tmp_path: Path) -> None:
    partial = made(tmp_path / "partial", spec(SOBOL), ["001-000", "001-001"])
    kept = np.r_[0:4, 8:16]
    points = partial["parameter_value"].values[kept]
    others = {"method": "list", "points": [dict(zip(NAMES, map(float, p), strict=True)) for p in points]}
    whole = made(tmp_path / "whole", spec(others))
    xr.testing.assert_allclose(of_the_design(partial), of_the_design(whole), rtol=1e-12)
    per_sample = partial.isel(sample=kept).drop_vars("seeds_there").assign_coords(sample=np.arange(12))
    for name in ("mean", "gradient_se", "elasticity", "seeds_used"):
        np.testing.assert_allclose(per_sample[name], whole[name], rtol=1e-12, err_msg=name)
    assert kept[int(whole["central_sample"])] == partial["central_sample"]


@pytest.mark.slow
def test_seeds_that_no_sample_has_leave_a_run_of_the_others(tmp_path: Path) -> None:
    missing = [f"{i:03d}-001" for i in range(4)]
    partial = made(tmp_path / "partial", spec(SOBOL), missing)
    whole = made(tmp_path / "whole", spec(SOBOL, seeds=4))
    xr.testing.assert_equal(partial.drop_vars("seeds_there"), whole)
    assert partial["seed"].values.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("batch", ["000-001", "002-000"])
def test_samples_without_some_seeds_are_estimated_from_the_others(tmp_path: Path, batch: str) -> None:
    data = made(tmp_path, spec(SOBOL), [batch])
    row, column = (int(part) for part in batch.split("-"))
    theta = data["parameter_value"].values
    value, gradient = simulated(theta, range(8))
    pairs = (slice(4 * row, 4 * row + 4), slice(4 * column, 4 * column + 4))
    value[pairs] = gradient[pairs] = np.nan
    np.testing.assert_allclose(data["mean"], np.nanmean(value, axis=1), rtol=1e-12)
    np.testing.assert_allclose(data["gradient_mean"], np.nanmean(gradient, axis=1), rtol=1e-12)
    n = np.isfinite(value).sum(axis=1)
    np.testing.assert_array_equal(data["seeds_used"], n)
    se = np.nanstd(gradient, axis=1, ddof=1) / np.sqrt(n)[..., None]
    np.testing.assert_allclose(data["gradient_se"], se, rtol=1e-9)
    of_samples = np.nanmean(gradient, axis=1).mean(axis=0)
    np.testing.assert_allclose(data["gradient_average"], of_samples, rtol=1e-12)
    # The mean square without noise: products of different seeds that are there.
    g = np.nan_to_num(gradient)
    square = (g.sum(axis=1) ** 2 - (g**2).sum(axis=1)) / (n * (n - 1))[..., None]
    np.testing.assert_allclose(data["dgsm"], square.mean(axis=0), rtol=1e-9)
    # Covariances between seeds are over the samples with all of them.
    f = np.delete(value, np.arange(16)[pairs[0]], axis=0)
    f = f - f.mean(axis=0)
    products = f.sum(axis=1) ** 2 - (f**2).sum(axis=1)
    np.testing.assert_allclose(data["variance"], products.sum(axis=0) / 11 / 56, rtol=1e-9)
    assert data["non_finite_count"] == 0 and data.sizes["excluded"] == 0
    assert data["seeds_there"].values.tolist() == [4 if i // 4 == row else 8 for i in range(16)]
    assert int(data["central_sample"]) // 4 != row


def test_a_seed_at_few_samples_does_not_cost_the_others_theirs(tmp_path: Path) -> None:
    """Seeds 4 to 7 at one slab of four: the variance over the design is that of the other seeds."""
    partial = made(tmp_path / "partial", spec(SOBOL), [f"{i:03d}-001" for i in (0, 1, 2)])
    whole = made(tmp_path / "whole", spec(SOBOL, seeds=4))
    for name in ("variance", "dgsm", "dgsm_low", "eigenvalue"):
        np.testing.assert_allclose(partial[name], whole[name], rtol=1e-12, err_msg=name)
    last = simulated(partial["parameter_value"].values[12:], range(8))[0]
    np.testing.assert_allclose(partial["mean"][12:], last.mean(axis=1), rtol=1e-12)


def test_what_is_missing_is_not_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holes as NaN give the same averages, but are counted."""
    partial = made(tmp_path / "partial", spec(SOBOL), ["001-001"])
    known = simulated

    def failing(theta: np.ndarray, seeds: range) -> tuple[np.ndarray, np.ndarray]:
        value, gradient = known(theta, seeds)
        failing.calls += 1  # type: ignore[attr-defined]
        if failing.calls == 4:  # type: ignore[attr-defined]
            value[:] = np.nan
        return value, gradient

    failing.calls = 0  # type: ignore[attr-defined]
    monkeypatch.setattr(f"{__name__}.simulated", failing)
    failed = made(tmp_path / "failed", spec(SOBOL))
    assert failed["non_finite_count"] == 4 * 4 * 2 and failed.sizes["excluded"] == 16
    for name in ("mean", "gradient_average", "gradient_average_se", "dgsm", "variance", "eigenvalue"):
        np.testing.assert_allclose(partial[name], failed[name], rtol=1e-12, err_msg=name)
    assert partial["non_finite_count"] == 0 and partial.sizes["excluded"] == 0


def test_saltelli_groups_with_holes_drop_as_groups(tmp_path: Path) -> None:
    """Batches of 6 rows cut the groups of 4: without rows 6 to 11, groups 0 and 3 to 7 are whole."""
    settings = spec({"method": "saltelli", "samples": 8}, samples=6)
    data = made(tmp_path, settings, ["001-000", "001-001"])
    rows = np.r_[0:4, 12:32]
    value, _ = simulated(data["parameter_value"].values[rows], range(8))
    array = xr.DataArray(value, dims=("sample", "seed", "time", "observable"))
    wanted = sensitivity.sobol_indices(array, NAMES, stochastic=True)
    for name in ("sobol_first", "sobol_total_with_noise", "sobol_total_low", "sobol_first_se_seeds"):
        # An error that is nothing but round-off, 1e-16, is not the same twice.
        np.testing.assert_allclose(data[name], wanted[name], rtol=1e-9, atol=1e-14, err_msg=name)
    assert data["mean"].isnull().any(("time", "observable")).values.nonzero()[0].tolist() == [
        *range(6, 12)
    ]


@pytest.mark.parametrize(
    ("design", "rows"),
    [
        pytest.param(
            {"method": method, name: n},
            rows,
            id=method,
            marks=[pytest.mark.slow] if method in ("fast", "latin-hypercube") else [],
        )
        for method, name, n, rows in (
            ("morris", "trajectories", 8, 4),
            ("grid", "points", 5, 5),
            ("fast", "samples", 65, 13),
            ("one-at-a-time", "points", 5, 4),
            ("latin-hypercube", "samples", 120, 12),
        )
    ],
)
def test_every_design_can_have_holes(tmp_path: Path, design: dict[str, Any], rows: int) -> None:
    data = made(tmp_path, spec(design, samples=rows), ["000-000", "001-000", "001-001"])
    assert data["non_finite_count"] == 0 and data.sizes["excluded"] == 0
    theta = data["parameter_value"].values
    there = np.r_[0:rows, 2 * rows : len(theta)]
    used = [range(4, 8)] * rows + [range(8)] * (len(theta) - 2 * rows)
    mean = [
        simulated(theta[[i]], seeds)[0].mean(axis=1)[0] for i, seeds in zip(there, used, strict=True)
    ]
    np.testing.assert_allclose(data["mean"].values[there], mean, rtol=1e-12)
    assert data["mean"][rows : 2 * rows].isnull().all()
    # A search curve cannot spare a row; trajectories can be spared, and samples of an expansion.
    assert ("sobol_first" in data) == (design["method"] == "latin-hypercube")
    if "sobol_first" in data:
        np.testing.assert_allclose(data["sobol_first"][:, 0], [[0.8, 0.2]] * 2, atol=0.05)
    assert ("morris_mu" in data) == (design["method"] == "morris")
    if design["method"] == "morris":
        np.testing.assert_allclose(data["morris_mu"].values[:, 0], SLOPE * TIMES[:, None], rtol=1e-9)


def test_slabs_do_not_depend_on_the_size_of_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(tmp_path / "whole", spec(SOBOL, samples=16))
    monkeypatch.setattr(slabs, "_BYTES", 8 * 8 * 2 * 3 * 3)  # three samples
    sizes = []
    add = sensitivity.Estimation.add

    def counted(self: sensitivity.Estimation, slab: xr.Dataset) -> xr.Dataset:
        sizes.append(slab["sample"].values.tolist())
        return add(self, slab)

    monkeypatch.setattr(sensitivity.Estimation, "add", counted)
    parts = made(tmp_path / "parts", spec(SOBOL, samples=16))
    assert sizes == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12, 13, 14], [15]]
    xr.testing.assert_allclose(parts, whole, rtol=1e-10)
    monkeypatch.setattr(slabs, "_BYTES", 8 * 8 * 2 * 3 * 9)  # two small batches
    sizes.clear()
    together = made(tmp_path / "together", spec(SOBOL))
    assert [len(s) for s in sizes] == [8, 8]
    xr.testing.assert_allclose(together, whole, rtol=1e-10)
