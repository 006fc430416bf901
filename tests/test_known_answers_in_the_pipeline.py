"""Runs of config/known-answers.yaml through the real snakemake, against what must come out."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from support import ROOT
from support.workflow import snakemake

RUNS = ("ishigami", "linear", "screening", "fourier", "inverted-trap", "trap")
FIRST, TOTAL = (0.313905, 0.442411, 0.0), (0.557589, 0.442411, 0.243684)
VARIANCE = 13.844588

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, xr.Dataset]:
    """``sensitivity.nc`` of every run, at the last time of the first observable."""
    folder = tmp_path_factory.mktemp("known")
    shutil.copy(ROOT / "config/known-answers.yaml", folder / "config.yaml")
    files = ("sensitivity.nc", "checks.nc")
    done = snakemake(folder, *(f"results/{run}/{file}" for file in files for run in RUNS))
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        run: xr.open_dataset(folder / f"results/{run}/{name}.nc")
        for name in ("sensitivity", "checks")
        for run in (RUNS if name == "sensitivity" else ())
    } | {f"{run} checks": xr.open_dataset(folder / f"results/{run}/checks.nc") for run in RUNS}


def last(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.isel(time=-1, observable=0)


def within(dataset: xr.Dataset, name: str, truth: tuple[float, ...], widest: float) -> None:
    """The truth is in the interval, widened by half (one in twenty misses), and it is narrow."""
    one = last(dataset)
    low, high = one[f"{name}_low"].values, one[f"{name}_high"].values
    half = (high - low) / 2
    assert (half < widest).all(), (name, half)
    # An effect that is zero without any scatter has an interval of no width.
    slack = half / 2 + 1e-9
    assert (low - slack <= truth).all() and (truth <= high + slack).all(), (name, low, high)


def test_sobol_indices_of_the_ishigami_function_with_noise(results: dict[str, xr.Dataset]) -> None:
    data = results["ishigami"]
    within(data, "sobol_first", FIRST, 0.12)
    within(data, "sobol_total", TOTAL, 0.12)
    share = 4 / (4 + VARIANCE)
    within(data, "sobol_first_with_noise", tuple(s * (1 - share) for s in FIRST), 0.15)
    # Additive noise takes part in no interaction.
    within(data, "sobol_total_with_noise", tuple(s * (1 - share) for s in TOTAL), 0.2)
    assert last(data)["noise_share"].item() == pytest.approx(share, abs=0.12)  # 8 seeds
    assert last(data)["variance"].item() == pytest.approx(VARIANCE, rel=0.05)


def test_derivative_based_measures_of_the_ishigami_function(results: dict[str, xr.Dataset]) -> None:
    within(results["ishigami"], "dgsm", (7.719588, 24.5, 10.987305), 3.0)
    within(results["ishigami"], "total_bound", (2.230355, 7.078578, 3.174469), 0.9)


def test_the_linear_function(results: dict[str, xr.Dataset]) -> None:
    data = last(results["linear"])
    c = np.array([1.0, -2.0, 0.5, 3.0, -1.5])
    total = c**2 / (c**2).sum()
    np.testing.assert_allclose(data["dgsm"], c**2, rtol=1e-9)
    np.testing.assert_allclose(data["gradient_average"], c, rtol=1e-12)
    # 1024 Sobol' points give the variance to a thousandth.
    np.testing.assert_allclose(data["total_bound"], 12 / np.pi**2 * total, rtol=3e-3)
    np.testing.assert_allclose(data["sobol_first_given_data"], total, atol=0.03)
    direction = data["active_direction"].sel(component=1).values
    np.testing.assert_allclose(abs(direction @ c) / np.linalg.norm(c), 1, rtol=1e-9)
    np.testing.assert_allclose(data["activity_score"], c**2 / 3, rtol=1e-9)
    np.testing.assert_allclose(data["eigenvalue"].values[1:], 0, atol=1e-9)
    assert data["active_dimension"].item() == 1


def test_morris_and_fast(results: dict[str, xr.Dataset]) -> None:
    """mu* of x2 alone is known in closed form; FAST is biased by a percent or two at this size."""
    fourier, screening = last(results["fourier"]), last(results["screening"])
    np.testing.assert_allclose(fourier["sobol_first"], FIRST, atol=0.02)
    np.testing.assert_allclose(fourier["sobol_total"], TOTAL, atol=0.05)
    # Steps of 4/7 of the range: a (sin^2 x' - sin^2 x) / (4/7) at levels 0, 1/7, 2/7, 3/7.
    x = -np.pi + 2 * np.pi * np.arange(4) / 7
    effect = 7 * (np.sin(x + 2 * np.pi * 4 / 7) ** 2 - np.sin(x) ** 2) / (4 / 7)
    expected = np.abs(effect).mean()
    standard_error = np.abs(effect).std() / 16
    assert screening["morris_mu_star"][1].item() == pytest.approx(expected, abs=3 * standard_error)
    assert {"dgsm", "total_bound", "noise_share", "eigenvalue"}.isdisjoint(screening)


def test_the_inverted_trap_raises_the_flag_and_the_ordinary_one_does_not(
    results: dict[str, xr.Dataset],
) -> None:
    inverted, ordinary = results["inverted-trap"], results["trap"]
    assert inverted["gradient_unreliable"].sel(observable="squared_position").all()
    assert not ordinary["gradient_unreliable"].any()
    exponent = results["inverted-trap checks"]["lyapunov_exponent"].isel(time=-1)
    k = results["inverted-trap checks"]["parameter_value"].sel(parameter="k")
    np.testing.assert_allclose(exponent, np.log(1 - k * 0.01 / 0.8) / 0.01 + 0 * exponent, rtol=1e-9)
    assert (results["trap checks"]["lyapunov_exponent"].isel(time=-1) < 0).all()


def test_forward_and_reverse_agree_everywhere(results: dict[str, xr.Dataset]) -> None:
    for run in RUNS:
        checks = results[f"{run} checks"]
        assert checks["mode_difference"].max() < 1e-10, run
        assert json.loads(checks.attrs["configuration"])["study"]
