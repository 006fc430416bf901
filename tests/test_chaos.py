"""Indices from an expansion in the dataset of a run: names, intervals, and when there are none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.stats import qmc
from support.arrangement import check_arrangement
from support.shares import FUNCTIONS, cases, common_noise, linear_shares, noisy

from jaxmorph.designs import Correlation, SaltelliDesign, correlation_factor, make_design
from jaxmorph.distributions import Distribution, LogNormal, LogUniform, Normal, Uniform
from jaxmorph.figures import draw
from jaxmorph.quantities import absent
from jaxmorph.report import expansion
from jaxmorph.sensitivity import chaos, from_arrays
from jaxmorph.sensitivity.chaos_quantities import LEAST_Q2

UNIFORM = Uniform(low=0, high=1)
OWN = ("expansion_first", "expansion_total")


FEW = 60
"""With 64 samples or more there would be estimates by ranks, too, which take most of the time."""


def sobol(n: int, d: int, seed: int = 1) -> np.ndarray:
    return qmc.Sobol(d, rng=seed).random_base2(int(np.ceil(np.log2(n))))[:n]


def found(unit: np.ndarray, f: np.ndarray, g: np.ndarray, **known: Any) -> xr.Dataset:
    """All estimates of f (sample, seed) at one time."""
    names = {f"p{i}": UNIFORM for i in range(unit.shape[1])}
    return from_arrays(unit, f, g, names, **known).isel(time=0, observable=0)


def ishigami(unit: np.ndarray, seeds: int = 8, size: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    return common_noise(*FUNCTIONS["ishigami"](unit), unit, seeds, size, np.random.default_rng(0))


def holds(data: xr.Dataset, name: str, truth: np.ndarray) -> None:
    low, high = (data[name + end].values for end in ("_low", "_high"))
    assert (low <= truth + 1e-9).all() and (truth <= high + 1e-9).all(), (name, low, high)
    assert (high - low < 0.5).all()


def test_a_default_design_has_indices_interactions_and_shapley_effects() -> None:
    unit = sobol(FEW, 3)
    data = found(unit, *ishigami(unit))
    parts = cases()["ishigami"].parts
    for name, truth in zip(
        ("sobol_first", "sobol_total", "shapley"), np.split(parts[:9], 3), strict=True
    ):
        holds(data, name, truth)
        assert {f"{name}_se_samples", f"{name}_se_seeds"} <= set(data)
    assert data["shapley"].sum() == pytest.approx(1)
    second = data["sobol_second"].values
    np.testing.assert_allclose(second[np.triu_indices(3, 1)], parts[9:], atol=0.1)
    assert (second == second.T)[~np.eye(3, dtype=bool)].all() and np.isnan(np.diag(second)).all()
    assert 0.9 < data["expansion_q2"] <= 1
    assert data["expansion_with_gradients"]
    assert data["expansion_variance_low"] < 13.8446 < data["expansion_variance_high"]
    assert data["expansion_mean_low"] < 3.5 < data["expansion_mean_high"]
    assert not {name for name in OWN if name in data}
    x = np.pi * (2 * data["probability"].values - 1)
    curves = [(1 + 0.1 * np.pi**4 / 5) * np.sin(x), 7 * np.sin(x) ** 2 - 3.5, 0 * x]
    low, high = data["main_effect_low"].values, data["main_effect_high"].values
    assert ((low <= curves) & (curves <= high)).mean() > 0.9
    assert np.median(high - low) < 2


def test_without_noise_one_seed_is_enough() -> None:
    unit = sobol(FEW, 3)
    f, g = FUNCTIONS["ishigami"](unit)
    data = found(unit, f[:, None], g[:, None], stochastic=False)
    np.testing.assert_allclose(data["sobol_total"], cases()["ishigami"].parts[3:6], atol=1e-3)
    assert "sobol_total_se_seeds" not in data


def test_logarithmic_and_normal_parameters_are_taken_on_their_own_scale() -> None:
    """Variances 1, 4, 1: ln a uniform, b normal, their product."""
    unit = sobol(FEW, 2)
    given: dict[str, Distribution] = {"a": LogUniform(low=0.1, high=10), "b": Normal(mean=5, sd=2)}
    a, b = (d.ppf(u) for d, u in zip(given.values(), unit.T, strict=True))
    x, y = np.log(a) / (np.log(10) / 3**0.5), (b - 5) / 2
    f, slope = x + 2 * y + x * y, np.log(10) / 3**0.5
    g = np.stack([(1 + y) / slope / a, (2 + x) / 2], axis=1)
    theta = np.stack([a, b], axis=1)
    data = from_arrays(theta, f[:, None], g[:, None], given, stochastic=False)
    np.testing.assert_allclose(data["sobol_first"].squeeze(), [1 / 6, 4 / 6], atol=1e-6)
    np.testing.assert_allclose(data["sobol_total"].squeeze(), [2 / 6, 5 / 6], atol=1e-6)


@pytest.mark.slow
def test_beside_the_indices_of_a_design_they_have_names_of_their_own() -> None:
    design = SaltelliDesign(samples=16, seed=0)
    unit, _ = make_design(design, {f"p{i}": UNIFORM for i in range(3)})
    data = found(unit, *ishigami(unit), design=design)
    np.testing.assert_allclose(data["expansion_total"], cases()["ishigami"].parts[3:6], atol=0.15)
    assert abs(data["sobol_total"] - data["expansion_total"]).max() > 1e-3
    assert {"shapley", "sobol_second"} <= set(data)


def test_gradients_that_miss_something_are_not_used() -> None:
    unit = sobol(128, 2)
    f = 3 * unit[:, 0] + np.floor(4 * unit[:, 1]) + unit[:, 1] ** 2
    g = np.stack([np.full(128, 3.0), 2 * unit[:, 1]], axis=1)
    data = found(unit, f[:, None], g[:, None], stochastic=False)
    assert data["some_gradient_incomplete"]
    assert not data["expansion_with_gradients"]
    assert data["sobol_total"][1] == pytest.approx(0.74, abs=0.03)


@pytest.mark.parametrize("seeds", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_what_jumps_about_has_no_indices_and_the_reason_is_told(seeds: int) -> None:
    unit = sobol(FEW, 2)
    f = np.floor(7 * unit[:, 0]) % 2 + np.floor(5 * unit[:, 1]) % 2
    noise = 0.1 * np.random.default_rng(1).standard_normal((FEW, seeds)) * (seeds > 1)
    data = found(unit, f[:, None] + noise, np.zeros((FEW, seeds, 2)), stochastic=seeds > 1)
    assert data["expansion_q2"] < LEAST_Q2
    why = absent(data)["sobol_total"]
    assert why.startswith("needs an expansion that predicts 80% of the variance at left-out samples")
    assert not {"sobol_total", "sobol_first", "shapley", "sobol_second", "expansion_variance"} & set(
        data
    )


@pytest.mark.parametrize(
    ("n", "seeds", "known"),
    [
        (16, 8, {}),
        pytest.param(FEW, 3, {}, marks=pytest.mark.slow),
        pytest.param(FEW, 8, {"independent": False}, marks=pytest.mark.slow),
    ],
)
def test_refused_in_one_line(n: int, seeds: int, known: dict[str, Any]) -> None:
    """Few samples, few seeds, parameters that are correlated nobody knows how."""
    unit = sobol(n, 3)
    data = found(unit, *ishigami(unit, seeds), **known)
    why = absent(data)["shapley"]
    assert "24 or more samples" in why and "by known correlations" in why and "4 or more seeds" in why
    assert not {"shapley", "sobol_total", "expansion_q2"} & set(data)


def test_correlated_parameters_have_indices_of_their_own() -> None:
    """f = b's of the normal scores, of parameters with three distributions, and noise of all samples."""
    rng, names = np.random.default_rng(6), ["a", "b", "c"]
    couples = [Correlation(between=("a", "b"), coefficient=0.6)]
    couples += [Correlation(between=("b", "c"), coefficient=-0.5)]
    factor = np.array(correlation_factor(names, couples))
    given: dict[str, Distribution] = {
        "a": Normal(mean=1, sd=2),
        "b": LogNormal(median=3, sd_log=0.5),
        "c": Normal(mean=0, sd=1),
    }
    s = stats.norm.ppf(sobol(FEW, 3)) @ factor.T
    theta = np.stack([1 + 2 * s[:, 0], 3 * np.exp(0.5 * s[:, 1]), s[:, 2]], axis=1)
    slope = np.array([1.0, 2.0, -0.5])
    g = slope / np.stack([np.full(FEW, 2), 0.5 * theta[:, 1], np.ones(FEW)], axis=1)
    noise = rng.standard_normal((FEW, 8))
    f, g = (s @ slope)[:, None] + noise, np.repeat(g[:, None], 8, axis=1)
    data = from_arrays(theta, f, g, given, correlations=couples).isel(time=0, observable=0)
    whole, *parts = linear_shares(slope, factor @ factor.T)
    for name, part in zip(("kucherenko_first", "kucherenko_total", "shapley"), parts, strict=True):
        holds(data, name, part / whole)
    np.testing.assert_allclose(data["shapley"], parts[2] / whole, atol=0.03)
    curve = np.outer(np.sqrt(parts[0]) * [1, 1, -1], stats.norm.ppf(data["probability"]))
    np.testing.assert_allclose(data["main_effect"], curve, atol=0.4)
    assert not {"sobol_first", "sobol_total", "sobol_second"} & set(data)


@pytest.mark.slow
def test_simulations_that_failed_cost_themselves() -> None:
    unit = sobol(64, 3)
    f, g = ishigami(unit)
    whole = found(unit, f, g)
    f[np.random.default_rng(2).random(f.shape) < 0.05] = np.nan
    data = found(unit, f, g)
    np.testing.assert_allclose(data["sobol_total"], whole["sobol_total"], atol=0.06)


@pytest.mark.slow
def test_more_samples_than_memory_has_room_for_are_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = sobol(256, 3)
    f, g = ishigami(unit, 32)
    whole = found(unit, f, g)
    monkeypatch.setattr(chaos, "_MOST_BYTES", 16 * 4 * 8 * 64)
    kept = found(unit, f, g)
    assert kept["sobol_total_se_samples"].max() > whole["sobol_total_se_samples"].max()
    np.testing.assert_allclose(kept["sobol_total"], whole["sobol_total"], atol=0.06)


@pytest.mark.verify
@pytest.mark.parametrize("make", [noisy, common_noise])
def test_a_parameter_of_no_effect_is_hardly_ever_said_to_have_one(
    record_property: Callable[[str, object], None], make: Callable[..., tuple[np.ndarray, np.ndarray]]
) -> None:
    """200 repetitions: the lower end of its total index is above 0 in no more than 5 %."""
    rng, said = np.random.default_rng(3), np.zeros(2)
    for repetition in range(200):
        unit = sobol(64, 4, repetition)
        f = np.exp(unit[:, 0]) + unit[:, 1] ** 2
        g = np.stack([np.exp(unit[:, 0]), 2 * unit[:, 1], *np.zeros((2, 64))], axis=1)
        f, g = make(f, g, unit, 8, 0.5, rng)
        data = found(unit, f, g)
        if "sobol_total" in data:
            said += data["sobol_total_low"].values[2:] > 0
    record_property("false alarms in 400", int(said.sum()))
    assert (stats.binom.sf(said - 1, 200, 0.05) > 0.001).all(), said


def test_the_report_says_what_gradients_added() -> None:
    """Ishigami's function needs them at 60 samples, a straight line does not, and a step has none."""
    unit = sobol(FEW, 3)
    f, g = FUNCTIONS["ishigami"](unit)
    line = unit @ [1.0, 2.0, 3.0]
    step = np.floor(4 * unit[:, 0]) + unit[:, 1]
    value = np.stack([f, line, step], axis=-1)[:, None, None]
    slopes = [g, np.broadcast_to([1.0, 2, 3], g.shape), np.broadcast_to([0.0, 1, 0], g.shape)]
    names = {f"p{i}": UNIFORM for i in range(3)}
    data = from_arrays(
        unit,
        value,
        np.stack(slopes, axis=1)[:, None, None],
        names,
        observables=["wave", "line", "step"],
        stochastic=False,
    )
    by_values = data["expansion_q2_values"].isel(time=0).values
    assert by_values[0] < 0.99 < data["expansion_q2"].isel(time=0).values[0]
    assert by_values[1] == pytest.approx(1)
    said = expansion.predicts(data)
    assert "With gradients it misses 0.0 % instead of" in said and "for wave." in said
    assert "For line values alone would do as well" in said
    assert "For step values alone are used" in said


def test_interactions_are_drawn_beside_what_each_does_alone() -> None:
    unit = sobol(FEW, 3)
    f, g = FUNCTIONS["ishigami"](unit)
    rough = np.floor(50 * unit[:, 0]) % 2
    names = {f"p{i}": UNIFORM for i in range(3)}
    value = np.stack([f, rough], axis=-1)[:, None, None]
    gradient = np.stack([g, 0 * g], axis=1)[:, None, None]
    data = from_arrays(unit, value, gradient, names, observables=["f", "rough"], stochastic=False)
    figure, table = draw("interactions", data)
    check_arrangement(figure)
    left, right = figure.axes
    written = [text.get_text() for text in left.texts]
    assert written == ["0.31", "0.24", "0.44", "0.24"]  # the others are 0
    assert "do not predict" in right.texts[0].get_text()
    row = table[(table["observable"] == "f") & (table["parameter"] == "p0")].iloc[0]
    assert row["sobol_second_with_p2"] == pytest.approx(0.2437, abs=1e-3)
