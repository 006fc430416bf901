"""Fisher information of models whose information is known in closed form."""

import numpy as np
import pytest
import xarray as xr

from jaxmorph.sensitivity.identifiability import (
    fisher_information,
    identifiability,
    indistinguishable,
)
from jaxmorph.sensitivity.resampling import RESAMPLES, seed_weights

NAMES = ["a", "b", "c", "d"]


def arrays(value: np.ndarray, gradient: np.ndarray) -> tuple[xr.DataArray, xr.DataArray]:
    """Value (..., seed, time, observable) and gradient; a leading dimension is that of samples."""
    dims = ["sample"] * (value.ndim - 3) + ["seed", "time", "observable"]
    coords = {"parameter": NAMES[: gradient.shape[-1]]}
    return xr.DataArray(value, dims=dims), xr.DataArray(gradient, coords, [*dims, "parameter"])


def information(value: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    return fisher_information(*arrays(value, gradient))["fisher_information"].values


def analysed(
    value: np.ndarray, gradient: np.ndarray, resamples: int = RESAMPLES
) -> dict[str, xr.DataArray]:
    n = value.shape[0]
    draws = fisher_information(*arrays(value, gradient), seed_weights(n, resamples))[
        "fisher_information"
    ]
    return identifiability(draws, n)


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


@pytest.mark.parametrize(("seeds", "kind"), [(6, "full"), (16, "full"), (64, "full")])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_a_linear_gaussian_model_has_its_information_in_expectation(
    seeds: int, kind: str, noise: float
) -> None:
    """Mean over samples with independent seeds, within four of its own standard errors."""
    n = 3000 if seeds < 64 else 500
    data = linear(np.random.default_rng(1), (n, seeds), noise, SLOPE, ROOT)
    result = fisher_information(*arrays(*data))
    f = result["fisher_information"].values
    assert (result["fisher_covariance"] == kind).all() and result["fisher_entry_used"].all()
    se = f.std(axis=0) / np.sqrt(n)
    assert (np.abs(f.mean(axis=0) - TRUTH) < 4 * se).all()
    assert (se < 0.1 * np.abs(TRUTH).max()).all()


@pytest.mark.parametrize("seeds", [4, 5])
def test_few_seeds_use_variances_alone_and_say_so(seeds: int) -> None:
    """Independent observables: then the diagonal is right, too."""
    root = np.eye(2) * np.array([1.0, 2.0, 0.5])[:, None, None]
    truth = np.einsum("top,t,tos->ps", SLOPE, np.array([1, 0.25, 4.0]), SLOPE)
    n = 40_000 if seeds == 4 else 5000
    data = linear(np.random.default_rng(2), (n, seeds), 0.0, SLOPE, root)
    result = fisher_information(*arrays(*data))
    assert (result["fisher_covariance"] == "diagonal").all()
    f = result["fisher_information"].values
    if seeds == 4:  # of (R - 3) / (R - 1) / s^2 not even the variance is finite: compare the scale
        median = np.median(np.trace(f, axis1=1, axis2=2)) / np.trace(truth)
        assert 0.3 < median < 1.0
    else:
        assert np.abs(np.trace(f.mean(axis=0)) / np.trace(truth) - 1) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [16, 48])
def test_intervals_cover_the_information(seeds: int) -> None:
    """95 %, within four binomial standard errors of the repetitions, and not always."""
    truth, inverse = np.linalg.eigvalsh(TRUTH[:2, :2])[::-1], np.linalg.inv(TRUTH[:2, :2])
    expected = {"fisher_eigenvalue": truth, "cramer_rao_sd": np.sqrt(np.diag(inverse))}
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
    weights = seed_weights(seeds, 40)
    estimates, variances = [], []
    for _ in range(repetitions):
        noise = rng.exponential(size=(seeds, 3, 2)) - 1
        gradient = SLOPE[:, :, :2] * (1 + 0.5 * sign * noise[..., None])
        value = np.einsum("toq,rtq->rto", ROOT, noise)
        draws = fisher_information(*arrays(value, gradient), weights)["fisher_information"].values
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
    bound = result["cramer_rao_sd"].values
    assert np.isinf(bound[:2]).all() and np.isinf(result["cramer_rao_sd_high"].values[:2]).all()
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
        assert np.isinf(result["cramer_rao_sd_high"].values).sum() in (0, 2)
    assert min(smallest) < 0 < max(smallest)  # noise around 0, on both sides
    # Counted, the noise of two gradients of variance 9 / 16 would be 2 x 9 / 16 = 1.1 of information.
    assert abs(np.mean(smallest)) < 4 * np.std(smallest) / np.sqrt(20) + 0.3


def test_a_parameter_without_any_effect_has_no_bound() -> None:
    rng = np.random.default_rng(6)
    gradient = np.stack([np.ones((16, 3, 1)), np.zeros((16, 3, 1))], axis=-1)
    result = analysed(rng.standard_normal((16, 3, 1)), gradient)
    assert np.isfinite(result["cramer_rao_sd"][0]) and np.isinf(result["cramer_rao_sd"][1])
    np.testing.assert_allclose(result["parameter_correlation"], np.eye(2), atol=1e-12)


def test_the_ornstein_uhlenbeck_mean_has_the_information_of_its_stationary_variance() -> None:
    """x ~ N(mu, D / k): information k / D on mu at each of T times, bound sqrt(D / (k T))."""
    k, diffusion, seeds, times = 2.0, 0.5, 400, 8
    x = 1 + np.sqrt(diffusion / k) * np.random.default_rng(7).standard_normal((seeds, times, 1))
    result = analysed(x, np.ones((seeds, times, 1, 1)))
    exact = np.sqrt(diffusion / (k * times))
    error = 1 / np.sqrt(2 * seeds * times)
    assert abs(float(result["cramer_rao_sd"][0]) / exact - 1) < 4 * error


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
    assert list(result["fisher_covariance"].values) == ["none", "full", "full", "full"]
    np.testing.assert_allclose(result["fisher_information"], expected, rtol=1e-9)


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
    assert identifiability(nothing, 8) == {}
