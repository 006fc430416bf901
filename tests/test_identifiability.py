"""Fisher information of models whose information is known in closed form."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from support.ornstein_uhlenbeck import INFORMATION_BY_RECORDS, OrnsteinUhlenbeck

from jaxmorph import store
from jaxmorph.configuration import GRADIENT_ESTIMATORS
from jaxmorph.distributions import Uniform
from jaxmorph.figures import nothing_because
from jaxmorph.quantities import absent
from jaxmorph.sensitivity import (
    Question,
    estimate,
    fisher_information,
    indistinguishable,
    smallest_sd,
    smallest_sd_alone,
    spectrum,
)
from jaxmorph.sensitivity.fisher import information as parts_of
from jaxmorph.sensitivity.records import Records, best_order
from jaxmorph.sensitivity.resampling import RESAMPLES, seed_weights

NAMES = ["a", "b", "c", "d"]


def arrays(value: np.ndarray, gradient: np.ndarray) -> tuple[xr.DataArray, xr.DataArray]:
    """Value ([sample,] seed, time, observable) and gradient."""
    dims = ["sample"] * (value.ndim - 3) + ["seed", "time", "observable"]
    coords = {"parameter": NAMES[: gradient.shape[-1]]}
    return xr.DataArray(value, dims=dims), xr.DataArray(gradient, coords, [*dims, "parameter"])


def information(value: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Of the mean."""
    return fisher_information(*arrays(value, gradient))["fisher_information_of_mean"].values


def analysed(
    value: np.ndarray, gradient: np.ndarray, resamples: int = RESAMPLES, of: str = "_of_mean"
) -> dict[str, xr.DataArray]:
    n = value.shape[0]
    made = fisher_information(*arrays(value, gradient), seed_weights(n, resamples))
    draws = made[f"fisher_information{of}"]
    return spectrum(draws, n) | smallest_sd("sd", draws, n) | smallest_sd_alone("sd_alone", draws, n)


def linear(
    rng: np.random.Generator, shape: tuple[int, ...], noise: float, slope: np.ndarray, root: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """y_t = A_t theta + L_t e with gradients A_t + noise; slope (time, O, P), root (time, O, O)."""
    value = np.einsum("toq,...tq->...to", root, rng.standard_normal((*shape, *slope.shape[:2])))
    return value, slope + noise * rng.standard_normal((*shape, *slope.shape))


RNG = np.random.default_rng(0)
SLOPE = RNG.standard_normal((3, 2, 3))
ROOT = np.linalg.cholesky(
    np.array([[[2.0, 0.9], [0.9, 1.0]]] * 3) * np.array([1, 4, 0.25])[:, None, None]
)
TRUTH = np.einsum("top,toq,tqs->ps", SLOPE, np.linalg.inv(ROOT @ ROOT.swapaxes(1, 2)), SLOPE)


def of_mean_at(order: int, data: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    value, gradient = data
    records = Records(value, np.isfinite(value))
    return parts_of(records, gradient, np.full(len(value), order)).of_mean


@pytest.mark.parametrize(("seeds", "order"), [(12, 0), (16, 0), (16, 1), (64, 1)])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_a_linear_gaussian_model_has_its_information_in_expectation(
    seeds: int, order: int, noise: float
) -> None:
    """Mean over samples with independent seeds, within four of its own standard errors.

    Also where records are regressed on others that say nothing of them.
    """
    n = 2000 if seeds < 64 else 400
    f = of_mean_at(order, linear(np.random.default_rng(1), (n, seeds), noise, SLOPE, ROOT))
    se = f.std(axis=0) / np.sqrt(n)
    assert (np.abs(f.mean(axis=0) - TRUTH) < 4 * se).all()
    assert (se < 0.1 * np.abs(TRUTH).max()).all()


@pytest.mark.parametrize("seeds", [16, 48])
@pytest.mark.parametrize("records", [10, 40])
def test_information_of_correlated_records_has_hardly_a_bias(records: int, seeds: int) -> None:
    """The mean over runs, per part, within 4 of its own errors and a tenth of what there is."""
    value, gradient = OrnsteinUhlenbeck(records).simulated(np.random.default_rng(20), 300, seeds)
    all_records = Records(value, np.isfinite(value))
    parts = parts_of(all_records, gradient, np.ones(300, int))
    both = zip((parts.of_mean, parts.of_covariance), INFORMATION_BY_RECORDS[records], strict=True)
    for f, exact in both:
        error = np.abs(f.mean(axis=0) - exact)
        size = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
        assert (error < 4 * f.std(axis=0) / np.sqrt(300) + 0.1 * size + 1e-9).all()


@pytest.mark.parametrize("records", [10, 40, 400])
def test_what_one_experiment_tells_of_an_ornstein_uhlenbeck_process(records: int) -> None:
    """Known answer 8, and its like for 10 and 400 records: within 15 %, with 256 seeds."""
    value, gradient = OrnsteinUhlenbeck(records).simulated(np.random.default_rng(21), 256)
    of_mean, of_covariance = INFORMATION_BY_RECORDS[records]
    made = fisher_information(*arrays(value, gradient), seed_weights(256, 50))
    assert made["why_none"].item() == "" and made["why_mean_alone"].item() == ""
    assert made["fisher_order"].item() in (1, 2)
    together = smallest_sd("sd", made["fisher_information"], 256)["sd"].values
    alone = smallest_sd_alone("sd", made["fisher_information"], 256)["sd"].values
    by_mean = smallest_sd("sd", made["fisher_information_of_mean"], 256)
    exact = of_mean + of_covariance
    np.testing.assert_allclose(together, np.diag(np.linalg.inv(exact)) ** 0.5, rtol=0.15)
    np.testing.assert_allclose(alone, np.diag(exact) ** -0.5, rtol=0.15)
    np.testing.assert_allclose(by_mean["sd"][0], of_mean[0, 0] ** -0.5, rtol=0.15)
    # D cannot be told from the mean.
    assert by_mean["sd"][1] > 10 * together[1] and np.isinf(by_mean["sd_high"][1])


def test_the_closed_forms_are_those_of_the_known_answer() -> None:
    of_mean, of_covariance = INFORMATION_BY_RECORDS[40]
    exact = of_mean + of_covariance
    assert of_mean[0, 0] ** -0.5 == pytest.approx(1.0097, abs=5e-5)
    np.testing.assert_allclose(np.diag(exact) ** -0.5, [0.7592, 0.2236], atol=5e-5)
    np.testing.assert_allclose(np.diag(np.linalg.inv(exact)) ** 0.5, [0.7700, 0.2268], atol=5e-5)


def test_two_observables_that_drive_each_other() -> None:
    """x_(n+1) = A x_n + b + S xi: closed form by complex steps through the recursions of m and C."""
    at = np.array([0.3, 1.0, 0.5, 0.8])

    def made(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        zero = np.zeros_like(theta[0])
        push = np.array([[0.7 + zero, theta[0]], [-0.2 + zero, 0.6 + zero]])
        spread = np.array([[theta[2], zero], [0.3 + zero, theta[3]]])
        return push, np.array([theta[1], zero]), spread

    def moments(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        push, constant, spread = made(theta)
        mean, means = np.zeros(2, complex), []
        whole = np.zeros((2 * n, 2 * n), complex)
        for i in range(n):
            rows = slice(2 * i, 2 * i + 2)
            if i:
                before = slice(2 * i - 2, 2 * i)
                whole[rows, : 2 * i] = push @ whole[before, : 2 * i]
                whole[: 2 * i, rows] = whole[rows, : 2 * i].T
                whole[rows, rows] = push @ whole[before, before] @ push.T
            whole[rows, rows] += spread @ spread.T
            mean = push @ mean + constant
            means.append(mean)
        return np.concatenate(means), whole

    n, seeds, tiny = 30, 256, 1e-30
    covariance = moments(at + 0j)[1].real
    moved = [moments(at + 1j * tiny * unit) for unit in np.eye(4)]
    slope = np.stack([m.imag / tiny for m, _ in moved], axis=-1)
    relative = [np.linalg.solve(covariance, c.imag / tiny) for _, c in moved]
    exact = slope.T @ np.linalg.solve(covariance, slope)
    exact = exact + [[np.trace(p @ q) / 2 for q in relative] for p in relative]

    xi = np.random.default_rng(22).standard_normal((n, 2, seeds))

    def path(theta: np.ndarray) -> np.ndarray:
        push, constant, spread = made(theta)
        x, xs = np.zeros((2, seeds), complex), []
        for one in xi:
            x = push @ x + constant[:, None] + spread @ one
            xs.append(x)
        return np.transpose(xs, (2, 0, 1))

    tangents = [path(at + 1j * tiny * unit).imag / tiny for unit in np.eye(4)]
    made_of = fisher_information(*arrays(path(at + 0j).real, np.stack(tangents, axis=-1)))
    f = made_of["fisher_information"].values
    np.testing.assert_allclose(
        np.diag(np.linalg.inv(f)) ** 0.5, np.diag(np.linalg.inv(exact)) ** 0.5, rtol=0.15
    )


def test_too_few_seeds_give_no_number_but_what_would_be_enough() -> None:
    value, gradient = OrnsteinUhlenbeck(10).simulated(np.random.default_rng(23), 8)
    made = fisher_information(*arrays(value, gradient))
    assert np.isnan(made["fisher_information"]).all() and not made["fisher_entry_used"].any()
    assert np.isnan(made["fisher_information_of_mean"]).all()
    assert (
        made["why_none"].item().startswith("8 seeds do not tell how the noise of records is correlated")
    )
    assert "use 10 seeds or more" in made["why_none"].item()
    value, gradient = linear(np.random.default_rng(24), (8,), 0.0, SLOPE, ROOT)
    why = fisher_information(*arrays(value, gradient))["why_none"].item()
    assert why.startswith(
        "8 seeds do not tell how the noise of the observables is correlated: use 11 or"
    )


def test_regressions_that_would_be_too_long_are_said_to_be_so() -> None:
    """32 observables: windows of two records, and no longer ones to tell that two are enough."""
    x = np.random.default_rng(33).standard_normal((160, 8, 32))
    for t in range(2, 8):
        x[:, t] += 0.9 * x[:, t - 1]
    why = fisher_information(*arrays(x, np.ones((160, 8, 32, 1))))["why_none"].item()
    assert why.startswith("the noise of records is correlated over 1 records or more")


def test_an_offset_of_each_seed_that_short_regressions_do_not_see_is_noticed() -> None:
    """The information on a shift is at most 1 / (variance of the offset), however many records."""
    rng = np.random.default_rng(25)
    noise = OrnsteinUhlenbeck(200, interval=0.3).simulated(rng, 256)[0]
    value = noise + rng.standard_normal((256, 1, 1))
    made = fisher_information(*arrays(value, np.ones((256, 200, 1, 1))))
    assert made["why_none"].item().startswith("the noise that matters for a has ")
    assert np.isnan(made["fisher_information_of_mean"]).all()
    # Without it, nothing is refuted.
    made = fisher_information(*arrays(noise, np.ones((256, 200, 1, 1))))
    assert made["why_none"].item() == "" and np.isfinite(made["fisher_information_of_mean"]).all()


def test_of_noise_that_is_not_gaussian_the_mean_alone_is_told() -> None:
    """Squares of skewed noise vary more than those of Gaussian noise, and tell less of a size."""
    noise = np.random.default_rng(26).exponential(size=(256, 20, 1)) - 1
    gradient = np.stack([np.ones_like(noise), noise], axis=-1)  # of a shift, and of a size
    made = fisher_information(*arrays(noise, gradient))
    assert made["why_none"].item() == ""
    assert made["why_mean_alone"].item().startswith("the score of b has ")
    assert np.isnan(made["fisher_information"]).all()
    assert made["fisher_information_of_mean"].values[0, 0] == pytest.approx(20, rel=0.15)


@pytest.mark.parametrize("seeds", [16, 64])
def test_what_is_right_is_seldom_refuted(seeds: int) -> None:
    """At most 2 % of runs by the level of the test; 5 of 100 would be improbable (0.05)."""
    value, gradient = OrnsteinUhlenbeck(10).simulated(np.random.default_rng(27), 100, seeds)
    made = fisher_information(*arrays(value, gradient))
    assert (made["why_mean_alone"] != "").sum() <= 5


def test_the_order_is_that_of_the_process() -> None:
    rng = np.random.default_rng(28)
    x = rng.standard_normal((3, 64, 40, 1))
    for t in range(2, 40):  # independent, of the first order, of the second
        x[1, :, t] += 0.8 * x[1, :, t - 1]
        x[2, :, t] += 1.2 * x[2, :, t - 1] - 0.8 * x[2, :, t - 2]
    order, settled = best_order(Records(x, np.isfinite(x)))
    assert order.tolist() == [0, 1, 2] and settled.all()


def test_memory_is_bounded_by_windows_not_by_the_square_of_the_records() -> None:
    """400 records of 4 observables: a matrix of all entries would have 20 MB, one a resample 8 GB."""
    rng = np.random.default_rng(29)
    value, gradient = rng.standard_normal((16, 400, 4)), rng.standard_normal((16, 400, 4, 4))
    tracemalloc.start()
    try:
        fisher_information(*arrays(value, gradient), seed_weights(16))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 120e6


@pytest.mark.verify
@pytest.mark.parametrize(
    ("records", "seeds"), [(10, 16), (40, 16), (10, 64), (40, 64), (10, 256), (40, 256)]
)
def test_intervals_cover_the_closed_forms(records: int, seeds: int) -> None:
    """95 %, not below what an exact binomial test at 0.1 % allows for 91 % of 200 repetitions."""
    repetitions = 200
    of_mean, of_covariance = INFORMATION_BY_RECORDS[records]
    exact = {
        "cramer_rao_sd": np.diag(np.linalg.inv(of_mean + of_covariance)) ** 0.5,
        "cramer_rao_sd_alone": np.diag(of_mean + of_covariance) ** -0.5,
        "sd_from_mean": np.array([of_mean[0, 0] ** -0.5, np.inf]),
    }
    rng = np.random.default_rng(30)
    count = {name: np.zeros(2, int) for name in exact}
    told = dict.fromkeys(exact, 0)
    process, weights = OrnsteinUhlenbeck(records), seed_weights(seeds)
    for _ in range(repetitions):
        made = fisher_information(*arrays(*process.simulated(rng, seeds)), weights)
        both, mean = made["fisher_information"], made["fisher_information_of_mean"]
        found = smallest_sd("cramer_rao_sd", both, seeds)
        found |= smallest_sd_alone("cramer_rao_sd_alone", both, seeds)
        found |= smallest_sd("sd_from_mean", mean, seeds)
        for name in [name for name in exact if name in found]:
            low, high = found[f"{name}_low"].values, found[f"{name}_high"].values
            # Of D nothing but round-off is left where it is alone: its gradient is a multiple of x.
            count[name] += (low <= exact[name] * (1 + 1e-9)) & (exact[name] * (1 - 1e-9) <= high)
            told[name] += 1
    for name, n in told.items():
        assert n > 0.9 * repetitions, name
        assert (stats.binom.cdf(count[name], n, 0.91) > 0.001).all(), (name, count[name], n)


@pytest.mark.verify
@pytest.mark.parametrize("records", [10, 40, 400])
def test_20_runs_are_within_15_percent_of_the_closed_forms(records: int, record_property: Any) -> None:
    """With 256 seeds, wherever there is a number, which a run lacks by chance in 2 %."""
    rng, told = np.random.default_rng(40), 0
    exact = sum(INFORMATION_BY_RECORDS[records])
    for _ in range(20):
        made = fisher_information(*arrays(*OrnsteinUhlenbeck(records).simulated(rng, 256)))
        f = made["fisher_information"].values
        if np.isfinite(f).all():
            told += 1
            together = np.diag(np.linalg.inv(f)) ** 0.5
            np.testing.assert_allclose(together, np.diag(np.linalg.inv(exact)) ** 0.5, rtol=0.15)
            np.testing.assert_allclose(np.diag(f) ** -0.5, np.diag(exact) ** -0.5, rtol=0.15)
    record_property("runs", 20)
    record_property("runs with a number", told)
    assert told >= 18


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [16, 48])
def test_intervals_cover_the_information(seeds: int) -> None:
    """95 %, within four binomial standard errors of the repetitions, and not always."""
    truth, inverse = np.linalg.eigvalsh(TRUTH[:2, :2])[::-1], np.linalg.inv(TRUTH[:2, :2])
    expected = {"fisher_eigenvalue": truth, "sd": np.sqrt(np.diag(inverse))}
    rng = np.random.default_rng(3)
    repetitions = 100
    covered = {name: np.zeros(2) for name in expected}
    for _ in range(repetitions):
        result = analysed(*linear(rng, (seeds,), 0.5, SLOPE[:, :, :2], ROOT), resamples=100)
        for name, exact in expected.items():
            low, high = result[f"{name}_low"].values, result[f"{name}_high"].values
            covered[name] += (low <= exact) & (exact <= high)
    for name, count in covered.items():
        assert (count > repetitions * 0.95 - 4 * np.sqrt(repetitions * 0.05 * 0.95)).all(), name
        assert (count < repetitions).any(), name


@pytest.mark.parametrize("sign", [-1, 1])
def test_draws_spread_as_estimates_do_also_where_noise_is_skew_and_moves_gradients(sign: int) -> None:
    """Errors of J and Sigma are correlated then; 1 / sqrt(2 n) is the error of a standard deviation."""
    rng = np.random.default_rng(5)
    repetitions, seeds = 100, 100
    weights = seed_weights(seeds, 40).values[1:]
    estimates, variances = [], []
    for _ in range(repetitions):
        noise = rng.exponential(size=(seeds, 3, 2)) - 1
        gradient = SLOPE[:, :, :2] * (1 + 0.5 * sign * noise[..., None])
        value = np.einsum("toq,rtq->rto", ROOT, noise)
        records = Records(value[None], np.ones_like(value[None], bool))
        draws = parts_of(records, gradient[None], np.zeros(1, int), weights).of_mean[:, 0]
        estimates.append(np.trace(draws[0]))
        variances.append(np.trace(draws[1:], axis1=1, axis2=2).var())
    ratio = np.sqrt(np.mean(variances)) / np.std(estimates)
    assert abs(ratio - 1) < 4 / np.sqrt(2 * repetitions)


def test_two_parameters_that_enter_as_a_sum_cannot_be_told_apart() -> None:
    """And a third one is not harmed, however little information it has."""
    rng = np.random.default_rng(4)
    value = rng.standard_normal((32, 5, 2))
    of_sum = 10 + rng.standard_normal((32, 5, 2))
    # The third moves the second observable, the sum the first.
    of_sum[..., 1] = 0
    third = np.where([False, True], 1e-4, 0.0) * (1 + 0.1 * rng.standard_normal((32, 5, 2)))
    result = analysed(value, np.stack([of_sum, of_sum, third], axis=-1))
    direction, eigenvalue = result["fisher_direction"].values, result["fisher_eigenvalue"].values
    assert abs(eigenvalue[-1]) < 1e-10 * eigenvalue[0]
    np.testing.assert_allclose(np.abs(direction[0, :2]), np.sqrt(0.5), atol=1e-6)
    bound = result["sd"].values
    assert np.isinf(bound[:2]).all() and np.isinf(result["sd_high"].values[:2]).all()
    # One Gaussian measurement at each of five times.
    assert abs(bound[2] * np.sqrt(5) * 1e-4 - 1) < 4 * np.sqrt(1 / (2 * 31 * 5)) + 0.05
    assert result["parameter_correlation"].values[0, 1] == pytest.approx(-1, abs=1e-6)
    last = indistinguishable(result)
    assert len(last) == 2 and all(one.certain for one in last)
    apart = max(last, key=lambda one: one.sd)
    assert np.abs([apart.weights["a"], apart.weights["b"]]) == pytest.approx(np.sqrt(0.5), abs=1e-4)
    assert apart.weights["a"] == pytest.approx(-apart.weights["b"], abs=1e-4)


def test_noisy_gradients_do_not_tell_apart_what_their_means_do_not() -> None:
    """A sum again, with noise of its own on each gradient: never a certain, never a small bound."""
    rng = np.random.default_rng(5)
    smallest = []
    for _ in range(20):
        value = rng.standard_normal((16, 2, 1))
        result = analysed(value, 10 + 3 * rng.standard_normal((16, 2, 1, 2)))
        smallest.append(float(result["fisher_eigenvalue"][-1]))
        assert np.isinf(result["sd_high"].values).sum() in (0, 2)
    assert min(smallest) < 0 < max(smallest)  # noise around 0, on both sides
    # Counted, the noise of two gradients of variance 9 / 16 would be 2 x 9 / 16 = 1.1 of information.
    assert abs(np.mean(smallest)) < 4 * np.std(smallest) / np.sqrt(20) + 0.3


def test_a_parameter_without_any_effect_has_no_bound() -> None:
    rng = np.random.default_rng(6)
    gradient = np.stack([np.ones((16, 3, 1)), np.zeros((16, 3, 1))], axis=-1)
    result = analysed(rng.standard_normal((16, 3, 1)), gradient)
    assert np.isfinite(result["sd"][0]) and np.isinf(result["sd"][1])
    np.testing.assert_allclose(result["parameter_correlation"], np.eye(2), atol=1e-12)


def test_the_ornstein_uhlenbeck_mean_has_the_information_of_its_stationary_variance() -> None:
    """x ~ N(mu, D / k): information k / D on mu at each of T times, bound sqrt(D / (k T))."""
    k, diffusion, seeds, times = 2.0, 0.5, 400, 8
    x = 1 + np.sqrt(diffusion / k) * np.random.default_rng(7).standard_normal((seeds, times, 1))
    result = analysed(x, np.ones((seeds, times, 1, 1)))
    exact = np.sqrt(diffusion / (k * times))
    error = 1 / np.sqrt(2 * seeds * times)
    assert abs(float(result["sd"][0]) / exact - 1) < 4 * error


def test_entries_without_noise_and_copies_carry_no_infinite_information() -> None:
    rng = np.random.default_rng(8)
    value, gradient = linear(rng, (16,), 0.3, SLOPE, ROOT)
    expected = information(value, gradient)
    # A deterministic radius (round-off apart), a copy in other units, and a start without noise.
    radius = 2 + 1e-15 * rng.standard_normal((16, 3, 1))
    more = np.concatenate([value, radius, -3 * value[..., :1]], axis=-1)
    slopes = np.concatenate([gradient, np.ones((16, 3, 1, 3)), -3 * gradient[..., :1, :]], axis=-2)
    more = np.concatenate([np.full((16, 1, 4), 1.0), more], axis=1)
    slopes = np.concatenate([np.ones((16, 1, 4, 3)), slopes], axis=1)
    result = fisher_information(*arrays(more, slopes))
    used = result["fisher_entry_used"].values
    np.testing.assert_array_equal(used[0], [False] * 4)
    np.testing.assert_array_equal(used[1:], [[True, True, False, False]] * 3)
    np.testing.assert_allclose(result["fisher_information_of_mean"], expected, rtol=1e-9)


def test_units_and_order_of_observables_do_not_matter() -> None:
    value, gradient = linear(np.random.default_rng(9), (12,), 0.3, SLOPE, ROOT)
    scale = np.array([1e-9, 1e6])
    other = information((value * scale)[..., ::-1], (gradient * scale[:, None])[..., ::-1, :])
    np.testing.assert_allclose(other, information(value, gradient), rtol=1e-9)


def test_pairs_that_are_not_finite_are_left_out() -> None:
    value, gradient = linear(np.random.default_rng(10), (2, 20), 0.3, SLOPE, ROOT)
    expected = information(value[0, :17], gradient[0, :17])
    value[0, 17:, :, 0] = np.nan
    gradient[0, 18:, 1] = np.inf
    value[1] = np.nan
    with np.errstate(all="raise"):
        f = information(value, gradient)
    np.testing.assert_allclose(f[0], expected, rtol=1e-12)
    assert np.isnan(f[1]).all()
    # An observable that is never finite costs itself, not the others.
    value, gradient = linear(np.random.default_rng(11), (20,), 0.3, SLOPE, ROOT)
    alone = information(value[..., :1], gradient[..., :1, :])
    value[..., 1] = np.nan
    np.testing.assert_allclose(information(value, gradient), alone, rtol=1e-12)


def test_samples_are_independent_of_each_other() -> None:
    value, gradient = linear(np.random.default_rng(12), (3, 12), 0.3, SLOPE, ROOT)
    together = information(value, gradient)
    np.testing.assert_allclose(together[1], information(value[1], gradient[1]), rtol=1e-12)


def test_without_noise_or_seeds_there_is_no_information_to_speak_of() -> None:
    value, gradient = linear(np.random.default_rng(13), (3,), 0.3, SLOPE, ROOT)
    assert fisher_information(*arrays(value, gradient)) == {}
    assert fisher_information(*arrays(np.ones((16, 3, 2)), np.ones((16, 3, 2, 3)))) == {}
    nothing = xr.DataArray(np.full((1, 2, 2), np.nan), dims=("draw", "parameter", "parameter_2"))
    assert spectrum(nothing, 8) == {} and smallest_sd("sd", nothing, 8) == {}
    assert smallest_sd_alone("sd", nothing, 8) == {}


def a_run(seeds: int, complete: bool = True) -> xr.Dataset:
    """Estimates of two samples of the process: parameters uniform within 1/2 of k = D = 1."""
    value, gradient = OrnsteinUhlenbeck(10).simulated(np.random.default_rng(31), 2, seeds)
    dims = ("sample", "seed", "time", "observable")
    theta = (("sample", "parameter"), [[1.0, 1.0], [1.0, 1.0]])
    slab = xr.Dataset(
        {"value": (dims, value), "gradient": ((*dims, "parameter"), gradient), "parameter_value": theta},
        {"sample": [0, 1], "seed": np.arange(seeds), "observable": ["x"], "parameter": ["k", "D"]},
    )
    slab = slab.assign_coords(time=("time", np.arange(1.0, 11.0), {"long_name": "time", "units": "s"}))
    points = slab[["parameter_value"]].assign(unit_value=(theta[0], np.full((2, 2), 0.5)))
    question = Question([Uniform(low=0.5, high=1.5)] * 2, complete=complete)
    return estimate([slab], points, question)


def test_a_run_has_the_bound_in_units_of_the_design(tmp_path: Path) -> None:
    """The standard deviation of a parameter is 12^-1/2 there."""
    store.write_dataset(a_run(256), tmp_path / "sensitivity.nc", "sensitivity")
    data = store.read_dataset(tmp_path / "sensitivity.nc", "sensitivity")
    of_mean, of_covariance = (f / 12 for f in INFORMATION_BY_RECORDS[10])
    exact = of_mean + of_covariance
    together, alone = np.diag(np.linalg.inv(exact)) ** 0.5, np.diag(exact) ** -0.5
    np.testing.assert_allclose(data["cramer_rao_sd"], together, rtol=0.15)
    np.testing.assert_allclose(data["cramer_rao_sd_alone"], alone, rtol=0.15)
    assert data["sd_from_mean"].values[0] == pytest.approx(of_mean[0, 0] ** -0.5, rel=0.15)
    assert data["fisher_part"].item() == "mean and covariance" and data["fisher_order"] == 1
    assert data["fisher_information_by_sample"].notnull().all()
    assert "cramer_rao_sd" not in absent(data)


def test_gradients_of_another_estimator_tell_of_the_mean_alone() -> None:
    """Their covariance with the values is no derivative: what they give is no Cramer-Rao bound."""
    assert [name for name, one in GRADIENT_ESTIMATORS.items() if one.is_complete] == ["pathwise"]
    data = a_run(256, complete=False)
    assert "cramer_rao_sd" not in data and "cramer_rao_sd_alone" not in data
    assert "gradients that are whole derivatives" in absent(data)["cramer_rao_sd"]
    assert data["fisher_part"].item() == "mean"
    xr.testing.assert_equal(data["fisher_information"], data["fisher_information_of_mean"])
    exact = (INFORMATION_BY_RECORDS[10][0][0, 0] / 12) ** -0.5
    assert data["sd_from_mean"].values[0] == pytest.approx(exact, rel=0.15)


def test_a_run_with_too_few_seeds_says_what_would_be_enough() -> None:
    data = a_run(8)
    names = ("fisher_information", "fisher_eigenvalue", "cramer_rao_sd", "sd_from_mean")
    for name in (*names, "fisher_information_by_sample", "fisher_part"):
        assert name not in data
        assert absent(data)[name].startswith(
            "8 seeds do not tell how the noise of records is correlated"
        )
    assert "8 seeds" in str(nothing_because("identifiability", data))
