"""Elementary effects, first-order shares by ranks, and PAWN against closed forms."""

import numpy as np
import pytest
import xarray as xr
from SALib.analyze import morris as salib_morris
from SALib.analyze import pawn as salib_pawn
from SALib.sample import morris as trajectories

from jaxmorph.sensitivity.given_data import (
    FEWEST_FOR_FIRST,
    FEWEST_FOR_PAWN,
    given_data,
)
from jaxmorph.sensitivity.morris import morris

ABC = ["a", "b", "c"]
UNIT_CUBE = {"num_vars": 3, "names": ABC, "bounds": [[0.0, 1.0]] * 3}
ISHIGAMI_FIRST = np.array([0.313905, 0.442411, 0.0])
SQUEEZED = 0.025, 0.95
"""Levels of an unbounded distribution leave out its tails: first level, share of the range."""

pytestmark = pytest.mark.filterwarnings("error")


def ishigami(unit: np.ndarray) -> np.ndarray:
    x = (2 * unit - 1) * np.pi
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def values(f: np.ndarray) -> xr.DataArray:
    """(sample[, seed[, observable]]) as the values of one time."""
    f = f.reshape(*f.shape, *[1] * (3 - f.ndim))
    return xr.DataArray(f[:, :, None, :], dims=("sample", "seed", "time", "observable"))


def inputs(unit: np.ndarray) -> xr.DataArray:
    return xr.DataArray(unit, dims=("sample", "parameter"), coords={"parameter": ABC[: unit.shape[1]]})


def only(result: dict[str, xr.DataArray], name: str) -> np.ndarray:
    return result[name].isel(time=0, observable=0).values


def levels(r: int, seed: int = 1) -> np.ndarray:
    return trajectories.sample(UNIT_CUBE, r, num_levels=4, seed=seed)


@pytest.mark.parametrize(("low", "share"), [(0.0, 1.0), SQUEEZED])
def test_elementary_effects_of_a_linear_function(low: float, share: float) -> None:
    """Its slopes, whatever the step, and no spread."""
    unit = low + share * levels(8)
    slopes = np.array([3.0, -2.0, 0.0])
    result = morris(values(7 + unit @ slopes), inputs(unit), stochastic=False)
    np.testing.assert_allclose(only(result, "morris_mu"), slopes, atol=1e-12)
    np.testing.assert_allclose(only(result, "morris_mu_star"), np.abs(slopes), atol=1e-12)
    np.testing.assert_allclose(only(result, "morris_sigma"), 0, atol=1e-12)
    assert result["morris_mu"].dims == ("time", "observable", "parameter")


@pytest.mark.parametrize("r", [50, 3200])
def test_elementary_effects_of_a_product(r: int) -> None:
    """f = a (b - 1/2): the effect of a is b - 1/2, with b at one of four levels by equal chance.

    Mean 0, mean absolute value 1/3, variance 5/36. The effect of b is a: 1/2, 1/2, 5/36.
    """
    unit = levels(r, seed=2)
    f = unit[:, 0] * (unit[:, 1] - 0.5)
    result = morris(values(f), inputs(unit), stochastic=False)
    tolerance = 4 * (5 / 36 / r) ** 0.5
    np.testing.assert_allclose(only(result, "morris_mu"), [0, 0.5, 0], atol=tolerance)
    np.testing.assert_allclose(only(result, "morris_mu_star"), [1 / 3, 0.5, 0], atol=tolerance)
    np.testing.assert_allclose(
        only(result, "morris_sigma") ** 2, [5 / 36, 5 / 36, 0], atol=tolerance / 2
    )


def test_one_seed_gives_the_elementary_effects_of_salib() -> None:
    unit = levels(12)
    y = 100 + ishigami(unit)
    reference = salib_morris.analyze(UNIT_CUBE, unit, y, num_levels=4)
    for f, stochastic in ((y, True), (np.column_stack([y, y]), False)):
        result = morris(values(f), inputs(unit), stochastic)
        for name in ("mu", "mu_star", "sigma"):
            np.testing.assert_allclose(only(result, f"morris_{name}"), reference[name], atol=1e-10)


@pytest.mark.parametrize(("r", "n_seeds"), [(100, 8), (800, 32)])
def test_noise_is_no_effect(r: int, n_seeds: int) -> None:
    """f = a (b - 1/2) + noise twice as large: c is inert, and a and b act as without noise.

    An effect of the mean over seeds has noise of standard deviation
    s = 2 sd(f) sqrt(2 / n_seeds) 3/2: the step is 2/3.
    """
    rng = np.random.default_rng(3)
    unit = levels(r, seed=4)
    f = unit[:, 0] * (unit[:, 1] - 0.5)
    sd = 2 * f.std()
    noise = sd * rng.standard_normal((len(f), n_seeds)) + rng.standard_normal(n_seeds)
    result = morris(values(f[:, None] + noise), inputs(unit), stochastic=True)
    s = sd * (2 / n_seeds) ** 0.5 * 1.5
    tolerance = 4 * ((5 / 36 + s**2) / r) ** 0.5
    np.testing.assert_allclose(only(result, "morris_mu"), [0, 0.5, 0], atol=tolerance)
    np.testing.assert_allclose(
        only(result, "morris_sigma") ** 2, [5 / 36, 5 / 36, 0], atol=8 * (5 / 36 + s**2) / r**0.5
    )
    mu_star = only(result, "morris_mu_star")
    np.testing.assert_allclose(mu_star[2], 0, atol=tolerance)
    without = np.array([1 / 3, 0.5])
    assert (mu_star[:2] < without + tolerance).all()
    assert (mu_star[:2] > without - 0.36 * s - tolerance).all()
    plain = morris(values(f + noise.mean(axis=1)), inputs(unit), stochastic=True)
    np.testing.assert_allclose(only(plain, "morris_mu_star")[2], (2 / np.pi) ** 0.5 * s, rtol=0.3)
    np.testing.assert_allclose(only(plain, "morris_sigma")[2], s, rtol=0.3)


def test_intervals_of_elementary_effects_cover_the_truth() -> None:
    """Over 200 repetitions (as so many observables), which tell 95 % to within 3.1 %."""
    rng = np.random.default_rng(5)
    unit = levels(40, seed=6)
    # The same steps, with a new factor of a for every trajectory and repetition, of mean 1 and sd 1/2.
    slope = np.repeat(1 + 0.5 * rng.standard_normal((40, 1, 200)), 4, axis=0)
    common = 0.5 * rng.standard_normal((1, 12, 200))
    f = (slope + common) * unit[:, :1, None] + 0.1 * rng.standard_normal((len(unit), 12, 200))
    result = morris(values(f), inputs(unit), stochastic=True)
    for name, expected in (("morris_mu", 1.0), ("morris_sigma", 0.5)):
        low, high = (result[f"{name}_{end}"].isel(time=0, parameter=0) for end in ("low", "high"))
        covered = float(((low <= expected) & (expected <= high)).mean())
        assert 0.91 <= covered <= 0.98, (name, covered)


def test_trajectories_with_a_row_that_failed_are_left_out_and_subsets_are_nested() -> None:
    rng = np.random.default_rng(7)
    unit = levels(17)
    f = ishigami(unit)[:, None] + rng.standard_normal((len(unit), 8))
    holes = f.copy()
    holes[4 * 6 + 1, 1:] = np.nan  # of trajectory 6: one seed is left
    result = morris(values(holes), inputs(unit), stochastic=True)
    rows = np.delete(np.arange(len(unit)), slice(24, 28))
    rest = morris(values(f[rows]), inputs(unit[rows]), stochastic=True)
    for name in ("morris_mu", "morris_mu_star", "morris_mu_star_low", "morris_sigma_high"):
        np.testing.assert_allclose(only(result, name), only(rest, name), rtol=1e-10)
    assert list(result["morris_mu_star_by_samples"]["n_samples"].values) == [16, 32, 68]
    shorter = morris(values(f[:16]), inputs(unit[:16]), stochastic=True)["morris_mu_star"]
    np.testing.assert_allclose(result["morris_mu_star_by_samples"].sel(n_samples=16), shorter)
    fewer = morris(values(holes[:, :4]), inputs(unit), stochastic=True)["morris_mu_star"]
    np.testing.assert_allclose(result["morris_mu_star_by_seeds"].sel(n_seeds=4), fewer)
    assert morris(values(np.full_like(f, np.nan)), inputs(unit), stochastic=True) == {}


@pytest.mark.slow
def test_simulations_that_fail_at_random_cost_no_trajectory_and_no_bias() -> None:
    """5 % of 16 seeds fail; the third parameter is inert, and noise is no effect of it."""
    rng = np.random.default_rng(31)
    names = ("morris_mu", "morris_mu_star", "morris_sigma")
    apart, inert, n = [], [], 10
    for i in range(n):
        unit = levels(24, seed=i)
        f = (unit[:, 0] + unit[:, 0] * unit[:, 1])[:, None] + rng.standard_normal((len(unit), 16))
        holes = np.where(rng.uniform(size=f.shape) < 0.05, np.nan, f)
        found, whole = (morris(values(x), inputs(unit), stochastic=True) for x in (holes, f))
        assert found["simulations_used"].item() == np.isfinite(holes).mean()
        apart.append(np.stack([only(found, name) - only(whole, name) for name in names]))
        inert.append(only(found, "morris_mu_star")[2])
    each = np.array(apart)
    error = each.std(axis=0, ddof=1) / n**0.5
    assert (np.abs(each.mean(axis=0)) < 4 * error).all(), (each.mean(axis=0), error)
    # The noise of a mean of 16 seeds has the standard error 0.5: its size would be 0.4.
    assert abs(np.mean(inert)) < 4 * np.std(inert) / n**0.5 and np.std(inert) < 0.3


def test_other_rows_are_no_morris_design() -> None:
    unit = levels(4)
    for rows in (unit[:-1], unit[1:-3], np.roll(unit, 1, axis=0)):
        with pytest.raises(ValueError, match="no Morris design"):
            morris(values(np.zeros(len(rows))), inputs(rows), stochastic=False)


def random_unit(n: int, d: int = 3, seed: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).random((n, d))


@pytest.mark.parametrize("n", [256, 2048])
def test_first_order_indices_from_any_sample(n: int) -> None:
    """Standard errors near 0.8 / sqrt(n)."""
    unit = random_unit(n)
    result = given_data(values(ishigami(unit)), inputs(unit), stochastic=False, independent=True)
    error = only(result, "sobol_first_given_data") - ISHIGAMI_FIRST
    assert np.abs(error).max() < 2.4 / n**0.5 + 0.003
    assert (np.abs(error) < 4 * only(result, "sobol_first_given_data_se_samples") + 0.003).all()


def test_pawn_of_one_seed_gives_the_numbers_of_salib() -> None:
    unit = random_unit(150)
    y = 100 + ishigami(unit)
    result = given_data(values(y), inputs(unit), stochastic=True, independent=True)
    np.testing.assert_allclose(
        only(result, "pawn"), salib_pawn.analyze(UNIT_CUBE, unit, y)["median"], atol=1e-12
    )
    ties = np.round(y)
    tied = given_data(values(ties), inputs(unit), stochastic=True, independent=True)
    reference = salib_pawn.analyze(UNIT_CUBE, unit, ties)["median"]
    np.testing.assert_allclose(only(tied, "pawn"), reference, atol=1e-12)


@pytest.mark.parametrize(("n", "r"), [(512, 32), (1024, 128)])
@pytest.mark.parametrize("rough", [True, False])
def test_first_order_indices_from_any_sample_without_noise(n: int, r: int, rough: bool) -> None:
    """f = a + b / 2 + noise of variance 4 Var: white, or c times a random number of each seed."""
    rng = np.random.default_rng(9)
    unit = random_unit(n)
    centred = (unit - 0.5) * 12**0.5
    signal = centred[:, :1] + centred[:, 1:2] / 2
    noise = rng.standard_normal((n, r)) if rough else centred[:, 2:] * rng.standard_normal(r)
    f = signal + 2 * 1.25**0.5 * noise
    result = given_data(values(f), inputs(unit), stochastic=True, independent=True)
    name = "sobol_first_given_data"
    error = np.abs(only(result, name) - np.array([0.8, 0.2, 0.0]))
    spread = np.hypot(only(result, f"{name}_se_samples"), only(result, f"{name}_se_seeds"))
    assert (error < 4 * spread + 0.003).all()
    # Of two seeds the product of their noise has standard deviation 4 Var, of r seeds 4 sqrt(2) / r.
    assert (spread < 8 / r + 2 / n**0.5).all()


def test_pawn_of_a_dummy_is_exceeded_in_5_percent_of_the_designs() -> None:
    """Over 400 random designs, within three standard errors; a parameter that acts is far above."""
    rng = np.random.default_rng(5)
    unit = rng.random((120, 401))
    points = xr.DataArray(
        unit, dims=("sample", "parameter"), coords={"parameter": [f"x{i}" for i in range(401)]}
    )
    result = given_data(values(unit[:, 400]), points, stochastic=False, independent=False)
    index = only(result, "pawn")
    above = (index[:400] > result["pawn_dummy"].item()).mean()
    assert abs(above - 0.05) < 3 * (0.05 * 0.95 / 400) ** 0.5
    assert index[400] > 2 * result["pawn_dummy"].item()


@pytest.mark.parametrize("n", [200, 5000])
def test_pawn_of_one_input(n: int) -> None:
    """f = a: the slice from k/10 to (k+1)/10 is at most max(k/10, 1 - (k+1)/10) away; the median is 0.7.

    The others stay at the noise of a slice of n/10, whose largest difference has mean 0.87 sqrt(10 / n).
    """
    unit = random_unit(n)
    result = given_data(values(unit[:, 0]), inputs(unit), stochastic=False, independent=False)
    index = only(result, "pawn")
    np.testing.assert_allclose(index[0], 0.7, atol=2 / n**0.5)
    assert (index[1:] < 1.2 * (10 / n) ** 0.5).all()
    assert (index[1:] > 0.5 * (10 / n) ** 0.5).all()
    assert "pawn_low" not in result  # its bias is as large as its error
    assert "sobol_first_given_data" not in result


def test_estimates_that_the_samples_cannot_give_are_absent() -> None:
    def names(unit: np.ndarray, independent: bool = True) -> set[str]:
        result = given_data(values(ishigami(unit)), inputs(unit), False, independent)
        return {name for name in result if name in {"pawn", "sobol_first_given_data"}}

    assert names(random_unit(FEWEST_FOR_FIRST - 1)) == set()
    assert names(random_unit(FEWEST_FOR_PAWN - 1)) == {"sobol_first_given_data"}
    assert names(random_unit(FEWEST_FOR_PAWN)) == {"sobol_first_given_data", "pawn"}
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 6)] * 3), axis=-1).reshape(-1, 3)
    assert names(grid) == {"pawn"}
    fixed = random_unit(FEWEST_FOR_PAWN)
    fixed[:, 1] = 0.5
    assert names(fixed) == set()


def test_given_data_without_variance_or_with_gaps() -> None:
    rng = np.random.default_rng(10)
    unit = random_unit(121)
    f = ishigami(unit)[:, None] + rng.standard_normal((121, 6))
    only_noise = np.broadcast_to(rng.standard_normal(6), f.shape)
    holes = np.stack([f, only_noise], axis=-1)
    holes[9, 1:, 0] = np.nan  # one seed is left, which has no noise to tell
    result = given_data(values(holes), inputs(unit), stochastic=True, independent=True)
    rows = np.delete(np.arange(121), 9)
    rest = given_data(values(f[rows]), inputs(unit[rows]), stochastic=True, independent=True)
    for name in ("sobol_first_given_data", "sobol_first_given_data_high", "pawn"):
        np.testing.assert_allclose(only(result, name), only(rest, name), rtol=1e-10)
    assert result["sobol_first_given_data"].isel(observable=1).isnull().all()
    assert (result["pawn"].isel(observable=1) == 0).all()
