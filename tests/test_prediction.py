"""The expansion as a function: what a file keeps of it, and the band of what it predicts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import qmc
from support.expanded import PARAMETERS, expanded, of_expansion, truth
from support.shares import FUNCTIONS, Function, cases, common_noise, noisy

from jaxmorph import store
from jaxmorph.distributions import (
    Beta,
    Distribution,
    Gamma,
    LogNormal,
    LogTriangular,
    LogUniform,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
)
from jaxmorph.errors import JaxmorphError
from jaxmorph.expansion import equations
from jaxmorph.sensitivity import predict, prediction
from jaxmorph.sensitivity.chaos_quantities import LEAST_Q2

UNIFORM = Uniform(low=0, high=1)


def points(unit: np.ndarray) -> xr.DataArray:
    theta = [d.ppf(u) for d, u in zip(PARAMETERS.values(), unit.T, strict=True)]
    return xr.DataArray(np.stack(theta, axis=1), {"parameter": list(PARAMETERS)}, ("point", "parameter"))


def test_of_every_distribution_a_file_predicts_the_function_at_new_points(tmp_path: Path) -> None:
    data = expanded(stochastic=False, alone=True)
    store.write_dataset(data, tmp_path / "sensitivity.nc", "sensitivity")
    new = points(0.02 + 0.96 * np.random.default_rng(0).random((50, 4)))
    with store.open_dataset(tmp_path / "sensitivity.nc", "sensitivity") as read:
        # Names say which column is whose.
        found = predict(read, new.isel(parameter=[2, 0, 3, 1])).sel(observable="radius").load()
    assert found["value"].dims == ("point", "time") == found["half_width"].dims
    expected, _ = truth(new.values)
    assert np.isnan(found["value"][:, 0]).all(), "nothing varies at the first time"
    error = np.abs(found["value"].values - expected)[:, 1:]
    assert error.max() < 1e-3 * expected.std()
    assert (error <= found["half_width"].values[:, 1:]).mean() > 0.9


def test_only_terms_that_are_used_are_kept() -> None:
    data = expanded(alone=True)
    coefficient = data["expansion_coefficient"]
    assert coefficient.dims == ("time", "observable", "term")
    assert (coefficient.fillna(0) != 0).any(["time", "observable"]).all()
    assert coefficient.sel(observable="smooth_jump").isnull().all(), "withheld"
    assert len(data["degree"]) == data["expansion_degree"].max()
    assert data["polynomial_logarithmic"].values.tolist() == [True, False, False, False]


KINDS: list[Distribution] = [
    Uniform(low=-1, high=3),
    LogUniform(low=1e-3, high=2),
    Normal(mean=5, sd=2),
    LogNormal(median=3, sd_log=0.5),
    TruncatedNormal(low=0, high=1, mean=0.2, sd=0.4),
    Triangular(low=0, high=4, mode=1),
    LogTriangular(low=0.1, high=10, mode=2),
    Beta(low=1, high=2, alpha=2, beta=5),
    Gamma(shape=3, scale=0.1),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.distribution)
def test_what_is_kept_makes_the_polynomials_of_every_distribution(kind: Distribution) -> None:
    degrees = np.arange(9)[:, None]
    kept = xr.Dataset(prediction._polynomials(degrees, ["a"], [kind]))
    theta = kind.ppf(np.linspace(0.01, 0.99, 7))[:, None]
    at = xr.DataArray(theta, {"parameter": ["a"]}, ("point", "parameter"))
    expected = equations(theta, [kind], degrees)[:, 0]
    np.testing.assert_allclose(prediction._terms(kept, at), expected, rtol=1e-12, atol=1e-12)


def test_the_terms_are_orthonormal_and_their_squares_the_variance() -> None:
    data = expanded(stochastic=False, alone=True)
    low = data["expansion_degree"].sum("parameter") <= 3
    data = data.isel(term=low.values)
    grid = qmc.Sobol(4, rng=3).random(2**14)
    psi = prediction._terms(data, points(grid)).transpose("point", "term").values
    np.testing.assert_allclose(psi.T @ psi / len(grid), np.eye(psi.shape[1]), atol=0.03)
    one = data.isel(time=-1, observable=0)
    varying = (one["expansion_degree"] > 0).any("parameter")
    variance = float((one["expansion_coefficient"] ** 2).where(varying).sum())
    assert variance == pytest.approx(truth(points(grid).values)[0][:, -1].var(), rel=0.01)


def test_the_interval_of_a_coefficient_is_that_of_its_seeds() -> None:
    """The noise of a seed is a constant: all of it is in the first coefficient."""
    unit = qmc.Sobol(2, rng=1).random(32)
    shift = np.random.default_rng(0).standard_normal(16)
    f = (unit[:, 0] + unit[:, 1])[:, None] + shift
    g = np.ones((32, 16, 2))
    data = of_expansion(unit, f, g, {"a": UNIFORM, "b": UNIFORM}).squeeze()
    constant = (data["expansion_degree"] == 0).all("parameter").values
    ends = [data[f"expansion_coefficient_{end}"].values for end in ("low", "high")]
    expected = 1 + shift.mean()
    assert data["expansion_coefficient"].values[constant] == pytest.approx(expected)
    half = (ends[1] - ends[0]) / 2
    # Halves of the seeds choose for one another, and each has a mean of its own.
    se = np.sqrt((shift[::2].var(ddof=1) + shift[1::2].var(ddof=1)) / 2 / 16)
    assert half[constant] == pytest.approx(2.131 * se, rel=1e-3)
    assert np.abs(half[~constant]).max() < 1e-9
    slopes = data["expansion_coefficient"].values[~constant]
    assert np.sort(np.abs(slopes))[-2:] == pytest.approx(12**-0.5)


def test_without_an_expansion_there_is_nothing_to_predict_with() -> None:
    data = expanded(alone=True).drop_vars("expansion_coefficient")
    with pytest.raises(JaxmorphError, match="the run has no expansion: absent_estimates"):
        predict(data, points(np.full((1, 4), 0.5)))


def in_band(
    function: Function, unit: np.ndarray, f: np.ndarray, g: np.ndarray, new: np.ndarray
) -> np.ndarray | None:
    """Which new points have the truth in their band, and their change from a reference in its own.

    None where the expansion is withheld; else (2, point).
    """
    names = {f"p{i}": UNIFORM for i in range(unit.shape[1])}
    data = of_expansion(unit, f, g, names, stochastic=f.shape[1] > 1)
    if not data["expansion_q2"].item() >= LEAST_Q2 or "expansion_coefficient" not in data:
        return None
    theta = xr.DataArray(new, {"parameter": list(names)}, ("point", "parameter"))
    reference = 0.4 * xr.ones_like(theta[0])
    there, at_reference = function(new)[0], function(reference.values[None])[0]
    found = predict(data, theta).squeeze()
    change = predict(data, theta, reference).squeeze()
    return np.stack(
        [
            abs(found["value"] - there) <= found["half_width"],
            abs(change["value"] - (there - at_reference)) <= change["half_width"],
        ]
    )


def covered(
    name: str,
    n: int,
    seeds: int,
    noise: Callable[..., tuple[np.ndarray, np.ndarray]],
    size: float,
    repetitions: int,
) -> tuple[float, float, float]:
    """Share of new points in their band: drawn like the samples, and in the corners of the cube.

    And of changes from a reference to the former.
    """
    function, d = FUNCTIONS[name], cases()[name].n_parameters
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(repetitions):
        unit = qmc.Sobol(d, rng=rng).random(n)
        f, g = function(unit)
        f, g = (f[:, None], g[:, None]) if seeds == 1 else noise(f, g, unit, seeds, size, rng)
        new = rng.random((1000, d))
        corners = np.where(rng.random((1000, d)) < 0.5, 0.02 * new, 1 - 0.02 * new)
        found = in_band(function, unit, f, g, np.concatenate([new, corners]))
        if found is not None:
            inside.append([found[0, :1000].mean(), found[0, 1000:].mean(), found[1, :1000].mean()])
    assert len(inside) > 0.8 * repetitions
    like, corner, change = map(float, np.mean(inside, axis=0))
    return like, corner, change


CASES = [
    ("ishigami", 64, 16, common_noise, 1.0),
    ("product", 64, 16, common_noise, 1.0),
    ("exponential", 64, 16, common_noise, 1.0),
    ("ishigami", 64, 16, noisy, 1.0),
    ("exponential", 64, 16, noisy, 1.0),
    ("product", 64, 8, common_noise, 0.3),
    ("g", 128, 1, common_noise, 0.0),
    ("ishigami", 64, 1, common_noise, 0.0),
]
IN_CI = (CASES[0], CASES[3], CASES[6])
"""With noise that is common, with noise of each point, and without noise."""


def test_about_95_percent_of_new_points_are_in_the_band_of_a_noisy_run() -> None:
    like, corner, change = covered(*CASES[1], repetitions=2)
    assert 0.9 <= like <= 1 and corner > 0.8 and change > 0.9


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=pytest.mark.slow if c in IN_CI else pytest.mark.verify) for c in CASES],
    ids=lambda c: f"{c[0]}-{c[1]}-{c[2]}-{c[3].__name__}",
)
def test_the_band_covers_new_points_as_often_as_it_says(
    case: tuple[str, int, int, Callable[..., tuple[np.ndarray, np.ndarray]], float],
    record_property: Callable[[str, object], None],
) -> None:
    like, corner, change = covered(*case, repetitions=20)
    record_property("covered_like_samples", round(like, 3))
    record_property("covered_in_corners", round(corner, 3))
    record_property("covered_changes", round(change, 3))
    assert 0.93 <= like <= 1 and change > 0.93
    # Without noise, what is missed is the rest of a series, which is largest in the corners.
    assert corner > (0.9 if case[2] > 1 else 0.6)
