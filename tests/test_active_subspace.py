"""Active subspaces of functions whose mean outer product of gradients is known in closed form."""

import numpy as np
import pytest
import xarray as xr

from jaxmorph.sensitivity.active_subspace import active_subspace, active_variable
from jaxmorph.sensitivity.resampling import sample_weights, seed_weights

DIMS = ("draw", "time", "observable", "parameter", "parameter_2")
Draws = tuple[xr.DataArray, int, xr.DataArray | None, int | None]


def stacked(matrix: np.ndarray) -> xr.DataArray:
    """One time and observable of draws (draw, parameter, parameter_2)."""
    names = [f"p{i}" for i in range(matrix.shape[-1])]
    coords = {"time": [1.0], "observable": ["f"], "parameter": names, "parameter_2": names}
    return xr.DataArray(matrix[:, None, None], coords, DIMS)


def without_noise(gradient: np.ndarray) -> Draws:
    """Mean outer products of gradients (sample, parameter), of samples and of resamples."""
    weight = sample_weights(len(gradient)).values / len(gradient)
    outer = np.einsum("bn,np,nq->bpq", weight, gradient, gradient)
    return stacked(outer), len(gradient), None, None


def with_noise(gradient: np.ndarray) -> Draws:
    """The same of gradients (sample, seed, parameter), from products of different seeds."""
    n, seeds, _ = gradient.shape
    total = gradient.sum(axis=1)
    same = np.einsum("nrp,nrq->npq", gradient, gradient)
    each = (np.einsum("np,nq->npq", total, total) - same) / (seeds * (seeds - 1))
    over_samples = np.einsum("bn,npq->bpq", sample_weights(n).values / n, each)
    w = seed_weights(seeds).values.astype(float)
    total = np.einsum("br,nrp->bnp", w, gradient)
    same = np.einsum("br,rpq->bpq", w**2, np.einsum("nrp,nrq->rpq", gradient, gradient))
    pairs = w.sum(axis=1) ** 2 - (w**2).sum(axis=1)
    over_seeds = (total.swapaxes(1, 2) @ total - same) / n / pairs[:, None, None]
    return stacked(over_samples), n, stacked(over_seeds), seeds


def at(result: dict[str, xr.DataArray], name: str) -> np.ndarray:
    return result[name].isel(time=0, observable=0).values


def rotation(n: int, seed: int = 3) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def test_a_linear_function_has_rank_one_along_its_scaled_coefficients() -> None:
    scaled = np.array([1.0, -4.0, 2.0])  # c_i sd_i
    result = active_subspace(*without_noise(np.tile(scaled, (16, 1))))
    np.testing.assert_allclose(at(result, "eigenvalue"), [21.0, 0, 0], atol=1e-13)
    expected = -scaled / np.sqrt(21)  # the largest weight is positive
    np.testing.assert_allclose(at(result, "active_direction")[0], expected, atol=1e-14)
    assert at(result, "active_dimension") == 1
    np.testing.assert_allclose(at(result, "activity_score"), scaled**2, rtol=1e-12)
    np.testing.assert_allclose(at(result, "subspace_distance")[0], 0, atol=1e-7)
    gap = at(result, "eigenvalue_gap")
    assert gap[0] > 1e10 and np.isfinite(gap[:-1]).all() and np.isnan(gap[-1])
    # All samples agree: so does the interval.
    np.testing.assert_allclose(at(result, "activity_score_low"), scaled**2, rtol=1e-12)


@pytest.mark.parametrize("n", [500, 8000])
def test_a_quadratic_form_of_normal_inputs_has_the_square_of_its_matrix(n: int) -> None:
    """f = x^T A x / 2 has gradient A x and C = A E[x x^T] A = A^2."""
    turn = rotation(3)
    a = turn @ np.diag([2.0, 1.5, 0.2]) @ turn.T
    x = np.random.default_rng(1).standard_normal((n, 3))
    result = active_subspace(*without_noise(x @ a))
    # lambda is a mean of n terms lambda chi2(1): four standard errors.
    expected = np.array([4.0, 2.25, 0.04])
    assert (np.abs(at(result, "eigenvalue") - expected) < 4 * expected * np.sqrt(2 / n)).all()
    direction = at(result, "active_direction")
    np.testing.assert_allclose(direction @ direction.T, np.eye(3), atol=1e-12)
    # First order: the error of w_1 along w_j is sqrt(l_1 l_j / n) / (l_1 - l_j).
    error = 4 * np.sqrt(4 * 2.25 / n) / (4 - 2.25)
    assert np.abs(np.abs(direction @ turn) - np.eye(3)).max() < error
    assert at(result, "active_dimension") == 2
    score = (turn[:, :2] ** 2 * expected[:2]).sum(axis=1)
    assert (np.abs(at(result, "activity_score") / score - 1) < 6 * np.sqrt(2 / n)).all()


def test_activity_scores_of_all_directions_are_the_mean_squared_derivatives() -> None:
    """With no gap but the last, n = P - 1; the last eigenvalue is 0, so nothing is lost."""
    x = np.random.default_rng(2).standard_normal((64, 2))
    gradient = np.concatenate([x, x[:, :1] + x[:, 1:]], axis=1)  # rank 2 of 3
    result = active_subspace(*without_noise(gradient))
    assert at(result, "active_dimension") == 2
    np.testing.assert_allclose(at(result, "activity_score"), (gradient**2).mean(axis=0), rtol=1e-12)


def test_without_a_wide_gap_every_direction_is_active() -> None:
    """The Ishigami function: C is diagonal, 24.5 to 7.7; no score may be cut to 0."""
    x = np.random.default_rng(5).uniform(-np.pi, np.pi, (4000, 3))
    first = np.cos(x[:, 0]) * (1 + 0.1 * x[:, 2] ** 4)
    gradient = np.stack([first, 7 * np.sin(2 * x[:, 1]), 0.4 * x[:, 2] ** 3 * np.sin(x[:, 0])], axis=1)
    result = active_subspace(*without_noise(gradient))
    assert at(result, "active_dimension") == 3
    expected = np.array([7.719588, 24.5, 10.987305])
    error = 4 * (gradient**2).std(axis=0) / np.sqrt(4000)
    assert (np.abs(at(result, "activity_score") - expected) < error).all()


@pytest.mark.parametrize("seeds", [8, 32])
def test_noise_does_not_reach_the_eigenvalues(seeds: int) -> None:
    """A ridge function of w: the mean over repetitions is right, and noise adds no dimension."""
    w = rotation(4)[0]
    rng = np.random.default_rng(4)
    sums = np.zeros(4)
    repetitions, n, noise = 60, 32, 1.0
    for _ in range(repetitions):
        slope = 2 + 0.5 * rng.uniform(-1, 1, (n, 1, 1))
        gradient = slope * w + noise * rng.standard_normal((n, seeds, 4))
        over_samples, *_ = with_noise(gradient)
        result = active_subspace(over_samples[:1], n)
        sums += at(result, "eigenvalue")
        assert at(result, "active_dimension") == 1
    truth = 4 + 0.25 / 3
    # The error of lambda_1: 2 * slope * noise / sqrt(n R), and of the samples' slopes.
    se = np.sqrt((2 * 2 * noise) ** 2 / (n * seeds) + 16 * 0.25 / 3 * 0.25 / n) / np.sqrt(repetitions)
    assert abs(sums[0] / repetitions - truth) < 4 * se + noise**2 * 4 / (n * seeds)
    # Those of pure noise spread around 0, as much below as above; counted, they would be 1 / R.
    spread = 2 * 2 * noise**2 / (seeds * np.sqrt(n))
    assert sums[-1] < 0 and (np.abs(sums[1:] / repetitions) < spread).all()
    assert abs(sums[1:].mean() / repetitions) < noise**2 / seeds / 10


@pytest.mark.slow
def test_intervals_of_eigenvalues_and_scores_cover_the_truth() -> None:
    """95 % of 200 repetitions, within four binomial standard errors (6 %)."""
    turn = rotation(3)
    a = turn @ np.diag([2.0, 1.0, 0.0]) @ turn.T
    truth, score = np.array([4.0, 1.0, 0.0]), (turn**2 @ np.array([4.0, 1.0, 0.0]))
    rng = np.random.default_rng(5)
    covered, repetitions, n, seeds = np.zeros((2, 3)), 200, 48, 12
    for _ in range(repetitions):
        noise = rng.standard_normal((1, seeds, 3)) + rng.standard_normal((n, seeds, 3))
        gradient = (rng.standard_normal((n, 3)) @ a)[:, None] + 0.3 * noise
        result = active_subspace(*with_noise(gradient))
        for i, (name, expected) in enumerate((("eigenvalue", truth), ("activity_score", score))):
            low, high = at(result, f"{name}_low"), at(result, f"{name}_high")
            covered[i] += (low <= expected) & (expected <= high)
    share = covered / repetitions
    assert (share > 0.89).all(), share
    assert (share[0, :2] < 0.995).all(), share


def test_the_subspace_distance_tells_a_sure_subspace_from_an_arbitrary_one() -> None:
    x = np.random.default_rng(6).standard_normal((256, 3))
    sure = active_subspace(*without_noise(x * [3.0, 1.0, 1.0]))
    # Two directions of the same eigenvalue: the second alone is arbitrary, both together are not.
    distance = at(sure, "subspace_distance")
    assert distance[1] > 5 * distance[0] and distance[2] == 0
    larger = np.random.default_rng(6).standard_normal((4096, 3))
    again = at(active_subspace(*without_noise(larger * [3.0, 1.0, 1.0])), "subspace_distance")
    assert again[0] < 0.5 * distance[0]  # 1 / sqrt(n): a quarter


def test_where_nothing_varies_nothing_is_active() -> None:
    x = np.random.default_rng(7).standard_normal((16, 2))
    over_samples, n, *_ = without_noise(x)
    both = xr.concat([0 * over_samples, over_samples], "time").assign_coords(time=[0.0, 1.0])
    with np.errstate(all="raise"):
        result = active_subspace(both, n)
    start = {name: array.isel(time=0, observable=0) for name, array in result.items()}
    assert int(start["active_dimension"]) == 0
    for name in ("eigenvalue", "eigenvalue_high", "active_direction", "activity_score"):
        assert not start[name].any(), name
    assert not start["subspace_distance"].any()
    assert float(start["eigenvalue_gap"][0]) == 1.0
    assert result["eigenvalue"].isel(time=1).all()


def test_one_draw_gives_estimates_without_intervals() -> None:
    gradient = np.random.default_rng(8).standard_normal((16, 2))
    over_samples, n, *_ = without_noise(gradient)
    with_ends = active_subspace(over_samples, n)
    alone = active_subspace(over_samples[:1], n)
    assert not any(name.endswith(("_low", "_high", "distance")) for name in alone)
    np.testing.assert_allclose(alone["eigenvalue"], with_ends["eigenvalue"], rtol=1e-12)


def test_matrices_that_are_not_known_have_no_eigenvalues() -> None:
    matrix = np.full((1, 2, 2), np.nan)
    result = active_subspace(stacked(matrix), 1)
    assert np.isnan(at(result, "eigenvalue")).all() and at(result, "active_dimension") == 0


def test_the_active_variable_orders_the_samples_by_a_ridge_function() -> None:
    w = np.array([0.6, -0.8, 0.0])
    x = np.random.default_rng(9).standard_normal((50, 3))
    gradient = np.cosh(x @ w)[:, None] * w
    result = active_subspace(*without_noise(gradient))
    inputs = xr.DataArray(
        x, {"parameter": result["active_direction"]["parameter"]}, ("sample", "parameter")
    )
    variable = active_variable(inputs, result["active_direction"])
    assert variable.dims == ("sample", "time", "observable")
    np.testing.assert_allclose(variable.values[:, 0, 0], -x @ w, rtol=1e-10)
