"""Sobol' indices of Saltelli and FAST designs against closed forms."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from SALib.analyze import fast as salib_fast
from SALib.analyze import sobol as salib_sobol
from SALib.sample import fast_sampler
from SALib.sample import sobol as saltelli
from scipy import stats

from jaxmorph.sensitivity.failures import completed
from jaxmorph.sensitivity.fourier import fast
from jaxmorph.sensitivity.sobol_indices import sobol_indices

ABC = ["a", "b", "c"]
CUBE = {"num_vars": 3, "names": ABC, "bounds": [[-np.pi, np.pi]] * 3}
ISHIGAMI_FIRST = np.array([0.313905, 0.442411, 0.0])
ISHIGAMI_TOTAL = np.array([0.557589, 0.442411, 0.243684])
ROOT3 = 3**0.5  # uniform inputs on (-root 3, root 3) have variance 1

pytestmark = pytest.mark.filterwarnings("error")


def ishigami(x: np.ndarray) -> np.ndarray:
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def values(f: np.ndarray) -> xr.DataArray:
    """(sample[, seed[, observable]]) as the values of one time."""
    f = f.reshape(*f.shape, *[1] * (3 - f.ndim))
    return xr.DataArray(f[:, :, None, :], dims=("sample", "seed", "time", "observable"))


def only(result: dict[str, xr.DataArray], name: str) -> np.ndarray:
    return result[name].isel(time=0, observable=0).values


def se(result: dict[str, xr.DataArray], name: str) -> np.ndarray:
    return np.hypot(only(result, f"{name}_se_samples"), only(result, f"{name}_se_seeds"))


def independent_rows(rng: np.random.Generator, n: int, d: int = 2) -> np.ndarray:
    """Saltelli rows of independent base samples with variance 1."""
    a, b = rng.uniform(-ROOT3, ROOT3, (2, n, d))
    mixed = [np.where(np.arange(d) == i, b, a) for i in range(d)]
    return np.stack([a, *mixed, b], axis=1).reshape(-1, d)


# A stochastic study in closed form: f = theta1 + theta2^2 + (s0 + s1 theta1) Z + w e, with Z common to
# all samples of a seed, and e different for each. Var(theta1) = 1, Var(theta2^2) = 9/5 - 1.
SIGNAL = np.array([1.0, 0.8])


def noisy(
    rng: np.random.Generator, theta: np.ndarray, r: int, s0: float, s1: float, w: float
) -> np.ndarray:
    mean = theta[:, :1] + theta[:, 1:2] ** 2
    common = (s0 + s1 * theta[:, :1]) * rng.standard_normal(r)
    return mean + common + w * rng.standard_normal((len(theta), r))


def truth(s0: float, s1: float, w: float) -> dict[str, np.ndarray]:
    whole = SIGNAL.sum() + s0**2 + s1**2 + w**2
    return {
        "sobol_first": SIGNAL / SIGNAL.sum(),
        "sobol_total": SIGNAL / SIGNAL.sum(),
        "sobol_first_with_noise": SIGNAL / whole,
        # At fixed noise theta1 has the slope 1 + s1 Z; e changes whenever a parameter does.
        "sobol_total_with_noise": (SIGNAL + np.array([s1**2, 0.0]) + w**2) / whole,
        "sobol_noise_first": np.array(s0**2 / whole),
    }


@pytest.mark.parametrize("n", [64, 512, 4096])
def test_the_indices_of_the_ishigami_function(n: int) -> None:
    """Independent base samples have standard errors up to 1.3 / sqrt(n); a Sobol' sequence errs less."""
    x = saltelli.sample(CUBE, n, calc_second_order=False, seed=1)
    result = sobol_indices(values(ishigami(x)), ABC, stochastic=False)
    assert np.abs(only(result, "sobol_first") - ISHIGAMI_FIRST).max() < 1.3 / n**0.5
    assert np.abs(only(result, "sobol_total") - ISHIGAMI_TOTAL).max() < 1.3 / n**0.5
    assert result["sobol_first"].dims == ("time", "observable", "parameter")
    assert list(result["sobol_first"]["parameter"].values) == ABC
    assert not [name for name in result if "noise" in name or "seeds" in name]


@pytest.mark.parametrize("n", [128, 2048])
def test_the_indices_of_a_linear_function(n: int) -> None:
    """S_i = c_i^2 Var_i / sum; without interactions the total is the same."""
    c, widths = np.array([1.0, 2.0, -3.0]), np.array([2.0, 1.0, 0.5])
    cube = {"num_vars": 3, "names": ABC, "bounds": [[0.0, w] for w in widths]}
    x = saltelli.sample(cube, n, calc_second_order=False, seed=2)
    result = sobol_indices(values(5.0 + x @ c), ABC, stochastic=False)
    expected = c**2 * widths**2 / np.sum(c**2 * widths**2)
    for name in ("sobol_first", "sobol_total"):
        np.testing.assert_allclose(only(result, name), expected, atol=1 / n**0.5)


def test_one_seed_gives_the_numbers_of_salib() -> None:
    x = saltelli.sample(CUBE, 64, calc_second_order=False, seed=3)
    y = 100 + ishigami(x)
    reference = salib_sobol.analyze(CUBE, y, calc_second_order=False)
    for result in (
        sobol_indices(values(y), ABC, stochastic=True),
        sobol_indices(values(np.column_stack([y, y, y])), ABC, stochastic=False),
    ):
        np.testing.assert_allclose(only(result, "sobol_first"), reference["S1"], atol=1e-10)
        np.testing.assert_allclose(only(result, "sobol_total"), reference["ST"], atol=1e-10)


def test_of_many_outputs_each_has_the_numbers_of_salib() -> None:
    """300 of them, in array operations; with a second order, too."""
    x = saltelli.sample(CUBE, 16, calc_second_order=True, seed=3)
    slopes = np.random.default_rng(0).standard_normal((3, 30, 10))
    y = np.einsum("sp,pto->sto", x, slopes) + (100 + ishigami(x))[:, None, None]
    value = xr.DataArray(y[:, None], dims=("sample", "seed", "time", "observable"))
    result = sobol_indices(value, ABC, stochastic=False, second_order=True)
    for t, o in [(0, 0), (17, 3), (29, 9)]:
        reference = salib_sobol.analyze(CUBE, y[:, t, o], num_resamples=2, seed=1)
        at = {name: array.isel(time=t, observable=o).values for name, array in result.items()}
        np.testing.assert_allclose(at["sobol_first"], reference["S1"], atol=1e-10)
        np.testing.assert_allclose(at["sobol_total"], reference["ST"], atol=1e-10)
        upper = np.triu_indices(3, 1)
        np.testing.assert_allclose(at["sobol_second"][upper], reference["S2"][upper], atol=1e-10)
        both = at["sobol_first"][:, None] + at["sobol_first"]
        closed = reference["S2"] + both
        np.testing.assert_allclose(at["sobol_closed_of_pair"][upper], closed[upper], atol=1e-10)
        assert (at["sobol_second"] == at["sobol_second"].T)[~np.eye(3, dtype=bool)].all()


def test_second_order_indices_of_the_ishigami_function_with_noise() -> None:
    """S_13 = 0.243684, the others 0; noise of four times the variance leaves half of it in a mean."""
    x = saltelli.sample(CUBE, 1024, calc_second_order=True, seed=1)
    y = ishigami(x)
    f = y[:, None] + 2 * y.std() * np.random.default_rng(0).standard_normal((len(y), 8))
    result = sobol_indices(values(f), ABC, stochastic=True, second_order=True)
    second = np.full((3, 3), 0.0)
    second[0, 2] = second[2, 0] = 0.243684
    closed = second + ISHIGAMI_FIRST[:, None] + ISHIGAMI_FIRST
    for name, expected in [("sobol_second", second), ("sobol_closed_of_pair", closed)]:
        low, high = only(result, f"{name}_low"), only(result, f"{name}_high")
        off = ~np.eye(3, dtype=bool)
        assert ((low <= expected) & (expected <= high))[off].all(), (name, low, high)
        assert (high - low)[off].max() < 0.6
        assert np.isnan(np.diag(only(result, name))).all()
    plain = salib_sobol.analyze(CUBE, f.mean(axis=1), num_resamples=2, seed=1)
    assert plain["S2"][0, 2] < 0.2  # noise is taken for variance


@pytest.mark.parametrize(("s0", "s1", "w"), [(1.0, 0.5, 0.0), (0.0, 0.0, 2.7), (2.0, 0.5, 1.0)])
@pytest.mark.parametrize(("n", "r"), [(256, 16), (4096, 64)])
def test_both_readings_of_a_stochastic_study(n: int, r: int, s0: float, s1: float, w: float) -> None:
    """Within four standard errors, which shrink with the samples and seeds."""
    rng = np.random.default_rng(4)
    f = noisy(rng, independent_rows(rng, n), r, s0, s1, w)
    result = sobol_indices(values(f), ABC[:2], stochastic=True)
    for name, expected in truth(s0, s1, w).items():
        assert (np.abs(only(result, name) - expected) < 4 * se(result, name)).all(), name
        assert (se(result, name) < 4 / n**0.5 + 2 / r**0.5).all(), name


def test_noise_twice_as_large_as_the_signal_is_not_counted() -> None:
    """Of four seeds, noise of variance 4 V leaves V in the average: the plain indices lose one half."""
    rng = np.random.default_rng(5)
    theta = independent_rows(rng, 4096)
    f = noisy(rng, theta, 4, 0.0, 0.0, 2 * SIGNAL.sum() ** 0.5)
    half = {"num_vars": 2, "names": ABC[:2], "bounds": [[0, 1]] * 2}
    plain = salib_sobol.analyze(half, f.mean(axis=1), calc_second_order=False)
    result = sobol_indices(values(f), ABC[:2], stochastic=True)
    expected = SIGNAL / SIGNAL.sum()
    # Standard errors are near 2 x 1.3 / sqrt(4096) = 0.04.
    np.testing.assert_allclose(plain["S1"], expected / 2, atol=0.1)
    np.testing.assert_allclose(plain["ST"], (expected + 1) / 2, atol=0.1)
    np.testing.assert_allclose(only(result, "sobol_first"), expected, atol=0.12)
    np.testing.assert_allclose(only(result, "sobol_total"), expected, atol=0.12)


@pytest.mark.slow
def test_intervals_cover_the_truth() -> None:
    """Over 400 repetitions (as so many observables): 91 % or more, and by their number not above 98 %.

    Errors of samples and of seeds add as if each were alone, which is too wide by a little for
    ``sobol_total_with_noise``.
    """
    rng = np.random.default_rng(6)
    parts = 0.5, 0.3, 0.5
    f = [noisy(rng, independent_rows(rng, 128), 12, *parts) for _ in range(400)]
    result = sobol_indices(values(np.stack(f, axis=-1)), ABC[:2], stochastic=True)
    for name, expected in truth(*parts).items():
        low, high = result[f"{name}_low"].values[0], result[f"{name}_high"].values[0]
        covered = np.sum((low <= expected) & (expected <= high), axis=0)
        assert (covered >= 0.91 * len(f)).all(), (name, covered)
        assert (stats.binom.sf(covered - 1, len(f), 0.98) > 0.001).all(), (name, covered)


@pytest.mark.slow
def test_intervals_of_pairs_cover_the_truth() -> None:
    """Of 400 repetitions of a product of three, 1 + a z, with noise: variances are products of a^2."""
    rng = np.random.default_rng(6)
    a, n = np.array([1.0, 0.7, 0.4]), 128
    f = []
    for _ in range(400):
        first, last = rng.uniform(-ROOT3, ROOT3, (2, n, 3))
        mixed = [np.where(np.arange(3) == i, last, first) for i in range(3)]
        back = [np.where(np.arange(3) == i, first, last) for i in range(3)]
        theta = np.stack([first, *mixed, *back, last], axis=1).reshape(-1, 3)
        f.append((1 + a * theta).prod(axis=1)[:, None] + noise_of_both(rng, len(theta)))
    found = sobol_indices(values(np.stack(f, axis=-1)), ABC, stochastic=True, second_order=True)
    whole = np.prod(1 + a**2) - 1
    pairs = np.outer(a**2, a**2) / whole
    expected = {
        "sobol_second": pairs,
        "sobol_closed_of_pair": pairs + (a**2 + a[:, None] ** 2) / whole,
    }
    for name, true in expected.items():
        low, high = found[f"{name}_low"].values[0], found[f"{name}_high"].values[0]
        covered = np.mean((low <= true) & (true <= high), axis=0)[np.triu_indices(3, 1)]
        assert (covered >= 0.91).all() and (covered <= 0.99).all(), (name, covered)


def noise_of_both(rng: np.random.Generator, n: int) -> np.ndarray:
    """Of twelve seeds, in part the same at all samples."""
    return 0.5 * rng.standard_normal(12) + 0.5 * rng.standard_normal((n, 12))


@pytest.mark.parametrize("unit", [1e-10, 1e10])
def test_indices_have_no_unit(unit: float) -> None:
    rng = np.random.default_rng(7)
    f = noisy(rng, independent_rows(rng, 32), 4, 1.0, 0.5, 0.5)
    result = sobol_indices(values(f), ABC[:2], stochastic=True)
    scaled = sobol_indices(values(unit * f), ABC[:2], stochastic=True)
    for name, estimate in result.items():
        np.testing.assert_allclose(scaled[name], estimate, rtol=1e-9)


@pytest.mark.parametrize("stochastic", [True, False])
def test_an_observable_without_variance_has_no_indices(stochastic: bool) -> None:
    """Constant but for the last bit, constant for each seed, and one that varies."""
    rng = np.random.default_rng(8)
    theta = independent_rows(rng, 32)
    nothing = 0.1 * (1 + np.finfo(float).eps * rng.integers(0, 2, (len(theta), 6)))
    only_noise = np.broadcast_to(rng.standard_normal(6), nothing.shape)
    f = np.stack([nothing, only_noise, noisy(rng, theta, 6, 0.1, 0.0, 0.0)], axis=-1)
    result = sobol_indices(values(f), ABC[:2], stochastic)
    for name in ("sobol_first", "sobol_total", "sobol_first_low", "sobol_total_se_samples"):
        assert result[name].isel(observable=[0, 1]).isnull().all()
        assert result[name].isel(observable=2).notnull().all()
    if stochastic:
        with_noise = [name for name in result if "noise" in name]
        assert all(result[name].isel(observable=0).isnull().all() for name in with_noise)
        noise = {name: result[name].isel(time=0, observable=1).values for name in with_noise}
        np.testing.assert_allclose(noise["sobol_first_with_noise"], 0, atol=1e-12)
        np.testing.assert_allclose(noise["sobol_total_with_noise"], 0, atol=1e-12)
        np.testing.assert_allclose(noise["sobol_noise_first"], 1)


def test_base_samples_with_a_row_that_failed_are_left_out_whole() -> None:
    rng = np.random.default_rng(9)
    f = noisy(rng, independent_rows(rng, 33), 6, 1.0, 0.5, 0.5)
    holes = f.copy()
    holes[4 * 7 + 2, 1:] = np.nan  # of base sample 7: one seed is left
    result = sobol_indices(values(holes), ABC[:2], stochastic=True)
    rest = sobol_indices(values(np.delete(f, slice(28, 32), axis=0)), ABC[:2], stochastic=True)
    for name in truth(1, 1, 1):
        np.testing.assert_allclose(only(result, name), only(rest, name), rtol=1e-12)
        np.testing.assert_allclose(only(result, f"{name}_low"), only(rest, f"{name}_low"), rtol=1e-9)
    assert result["simulations_used"].item() == 32 / 33 and rest["simulations_used"].item() == 1
    assert sobol_indices(values(np.full_like(f, np.nan)), ABC[:2], stochastic=True) == {}


def failing(f: np.ndarray, share: float, seed: int) -> np.ndarray:
    return np.where(np.random.default_rng(seed).uniform(size=f.shape) < share, np.nan, f)


def test_what_stands_for_a_failed_seed_has_the_products_of_the_others() -> None:
    """A mean over pairs of different seeds of what is there, row by row."""
    x = failing(np.random.default_rng(1).standard_normal((400, 6)) + 3, 0.3, 2)
    x = x[np.isfinite(x).sum(axis=1) > 1]
    full = completed(x)
    found = (full.sum(axis=1) ** 2 - (full**2).sum(axis=1)) / (6 * 5)
    there = np.isfinite(x)
    pairs = np.nansum(x, axis=1) ** 2 - np.nansum(x**2, axis=1)
    n = there.sum(axis=1)
    np.testing.assert_allclose(found, pairs / (n * (n - 1)), rtol=1e-12)
    np.testing.assert_allclose(full.mean(axis=1), np.nanmean(x, axis=1), rtol=1e-12)


def test_simulations_that_fail_at_random_cost_no_base_sample_and_no_bias() -> None:
    """5 % of 16 seeds fail: without these, no base sample of 64 would be whole."""
    rng = np.random.default_rng(21)
    expected = truth(1.0, 0.5, 0.5)
    inside, n = [], 8
    apart: dict[str, list[np.ndarray]] = {name: [] for name in expected}
    for i in range(n):
        f = noisy(rng, independent_rows(rng, 64), 16, 1.0, 0.5, 0.5)
        whole = sobol_indices(values(f), ABC[:2], stochastic=True)
        holes = failing(f, 0.05, i)
        found = sobol_indices(values(holes), ABC[:2], stochastic=True)
        assert found["simulations_used"].item() == np.isfinite(holes).mean()
        for name, true in expected.items():
            low, high = only(found, f"{name}_low"), only(found, f"{name}_high")
            inside.append(np.mean((low <= true) & (true <= high)))
            apart[name].append(only(found, name) - only(whole, name))
    assert 0.9 < np.mean(inside) < 0.99
    for name, deviations in apart.items():
        each = np.array(deviations)
        error = each.std(axis=0, ddof=1) / n**0.5
        assert (np.abs(each.mean(axis=0)) < 4 * error + 1e-12).all(), (name, each.mean(axis=0), error)
        assert (np.abs(each.mean(axis=0)) < 0.02).all(), (name, each.mean(axis=0))


def test_fast_of_simulations_that_fail_at_random_has_no_bias() -> None:
    y = ishigami(curves(129))
    apart = []
    for i in range(12):
        f = y[:, None] + 4 * np.random.default_rng(i).standard_normal((len(y), 16))
        found, whole = (fast(values(x), ABC, 4, stochastic=True) for x in (failing(f, 0.05, i), f))
        apart.append(np.stack([only(found, n) - only(whole, n) for n in ("sobol_first", "sobol_total")]))
    error = np.std(apart, axis=0, ddof=1) / 12**0.5
    assert (np.abs(np.mean(apart, axis=0)) < 4 * error).all() and (error < 0.02).all()


def test_convergence_is_that_of_shorter_designs_and_fewer_seeds() -> None:
    rng = np.random.default_rng(10)
    f = noisy(rng, independent_rows(rng, 64), 9, 1.0, 0.5, 0.5)
    result = sobol_indices(values(f), ABC[:2], stochastic=True)
    assert list(result["sobol_first_by_samples"]["n_samples"].values) == [16, 32, 64, 128, 256]
    assert list(result["sobol_first_by_seeds"]["n_seeds"].values) == [4, 9]
    for name in ("sobol_first", "sobol_total"):
        shorter = sobol_indices(values(f[:64]), ABC[:2], stochastic=True)
        by_samples = result[f"{name}_by_samples"].sel(n_samples=64)
        np.testing.assert_allclose(by_samples, shorter[name], rtol=1e-10)
        fewer = sobol_indices(values(f[:, :4]), ABC[:2], stochastic=True)
        np.testing.assert_allclose(result[f"{name}_by_seeds"].sel(n_seeds=4), fewer[name], rtol=1e-10)
        np.testing.assert_allclose(result[f"{name}_by_seeds"].sel(n_seeds=9), result[name], rtol=1e-10)


@pytest.mark.parametrize("rows", [63, 66])
@pytest.mark.parametrize(
    "estimate",
    [
        lambda value: sobol_indices(value, ABC[:2], stochastic=False),
        lambda value: fast(value, ["a", "b", "c", "d"], 4, stochastic=False),
    ],
)
def test_rows_of_another_design_are_refused(estimate: Callable, rows: int) -> None:
    with pytest.raises(ValueError, match=f"{rows} samples are no"):
        estimate(values(np.zeros(rows)))


def curves(n: int, seed: int = 1) -> np.ndarray:
    return fast_sampler.sample(CUBE, n, M=4, seed=seed)


@pytest.mark.parametrize("n", [257, 512, 1025])
def test_fast_gives_the_indices_of_the_ishigami_function(n: int) -> None:
    """What is left is systematic: interfering frequencies and harmonics above the fourth."""
    result = fast(values(ishigami(curves(n))), ABC, 4, stochastic=False)
    np.testing.assert_allclose(only(result, "sobol_first"), ISHIGAMI_FIRST, atol=0.05)
    np.testing.assert_allclose(only(result, "sobol_total"), ISHIGAMI_TOTAL, atol=0.06)


@pytest.mark.parametrize("n", [257, 512])
def test_fast_of_one_seed_gives_the_numbers_of_salib(n: int) -> None:
    y = 100 + ishigami(curves(n))
    with pytest.warns(UserWarning, match="FAST confidence intervals"):
        reference = salib_fast.analyze(CUBE, y, M=4, num_resamples=2)
    result = fast(values(y), ABC, 4, stochastic=True)
    np.testing.assert_allclose(only(result, "sobol_first"), reference["S1"], atol=1e-10)
    np.testing.assert_allclose(only(result, "sobol_total"), reference["ST"], atol=1e-10)


@pytest.mark.parametrize("r", [4, 64])
def test_fast_does_not_count_noise(r: int) -> None:
    """Noise four times the variance; from the answer without any, within four standard errors of seeds.

    White noise of variance s^2 has spectral powers of mean s^2 / n each, so a share of 8 / n of the
    power falls on the harmonics, and the estimate of V errs by about 2 s^2 sqrt(2 / n) / r.
    """
    rng = np.random.default_rng(11)
    y = ishigami(curves(513))
    sd = 2 * y.std()
    f = y[:, None] + sd * rng.standard_normal((len(y), r)) + rng.standard_normal(r)
    expected = fast(values(y), ABC, 4, stochastic=False)
    result = fast(values(f), ABC, 4, stochastic=True)
    tolerance = 4 * (4 * (2 / 513) ** 0.5 / r + 2 * 2 * (4 / 513 / r) ** 0.5)
    for name in ("sobol_first", "sobol_total"):
        error = np.abs(only(result, name) - only(expected, name))
        assert (error < tolerance).all()
        assert (error < 4 * only(result, f"{name}_se_seeds")).all()
        # Its own error is systematic: no interval knows it.
        assert not {f"{name}_se_samples", f"{name}_low", f"{name}_high"} & set(result)
    plain = fast(values(f.mean(axis=1)), ABC, 4, stochastic=False)
    biased = only(expected, "sobol_first") / (1 + 4 / r)
    np.testing.assert_allclose(only(plain, "sobol_first"), biased, atol=tolerance)


def test_fast_needs_every_row_and_knows_no_variance() -> None:
    rng = np.random.default_rng(12)
    y = ishigami(curves(65))
    f = y[:, None] + rng.standard_normal((len(y), 9))
    holes = f.copy()
    holes[5, 2] = np.nan
    result = fast(values(np.stack([holes, np.ones_like(f)], axis=-1)), ABC, 4, stochastic=True)
    whole = fast(values(f), ABC, 4, stochastic=True)
    np.testing.assert_allclose(only(result, "sobol_first"), only(whole, "sobol_first"), atol=2e-3)
    assert result["simulations_used"].values[0, 0] == pytest.approx(1 - 1 / f.size)
    assert list(result["sobol_first_by_seeds"]["n_seeds"].values) == [4, 9]
    assert result["sobol_total"].isel(observable=1).isnull().all()
    holes[5, 1:] = np.nan
    assert fast(values(holes), ABC, 4, stochastic=True) == {}
