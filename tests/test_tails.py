"""Tail indices of gradients drawn from distributions whose tails are known."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from jaxmorph.sensitivity.tails import TailIndex

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
LIGHT: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.random(shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
    "log-normal": lambda rng, shape: np.exp(rng.standard_normal(shape)),
}
HEAVY: dict[str, Draw] = {
    "cauchy": lambda rng, shape: rng.standard_cauchy(shape),
    "student 1.5": lambda rng, shape: rng.standard_t(1.5, shape),
}


def gradients(values: np.ndarray) -> xr.DataArray:
    """(sample, seed, observable), at two times (zeros first), of one parameter."""
    last = values[:, :, None, :, None]
    dims = ("sample", "seed", "time", "observable", "parameter")
    return xr.DataArray(np.concatenate([0 * last, last], axis=2), dims=dims)


def estimates(values: np.ndarray) -> dict[str, np.ndarray]:
    tails = TailIndex()
    tails.add(gradients(values))
    return {name: array.values[:, 0] for name, array in tails.estimates().items()}


@pytest.mark.parametrize("shape", [(25, 8), (100, 16), (32, 64)])
@pytest.mark.parametrize("name", LIGHT)
def test_gradients_of_finite_variance_are_not_flagged(name: str, shape: tuple[int, int]) -> None:
    """Of 100 repetitions at most 10: four standard errors above the 4 % of log-normal ones."""
    sizes = 10 ** np.random.default_rng(1).uniform(-3, 3, (shape[0], 1, 100))
    draws = sizes * LIGHT[name](np.random.default_rng(2), (*shape, 100))
    assert estimates(draws)["gradient_heavy_tailed"].sum() <= (10 if name == "log-normal" else 2)


@pytest.mark.parametrize(
    ("name", "shape", "power"),
    [("cauchy", (25, 8), 0.5), ("cauchy", (64, 16), 0.9), ("student 1.5", (1000, 32), 0.7)],
)
def test_gradients_of_infinite_variance_are_flagged(
    name: str, shape: tuple[int, int], power: float
) -> None:
    draws = HEAVY[name](np.random.default_rng(3), (*shape, 20))
    assert estimates(draws)["gradient_heavy_tailed"].mean() >= power


@pytest.mark.parametrize("alpha", [1.0, 1.5, 3.0])
def test_the_index_of_student_t_is_its_degrees_of_freedom(alpha: float) -> None:
    """P(|t| > x) ~ x^-nu; alpha / sqrt(k) of the estimate, k = sqrt(n); 5 % for the curvature."""
    n_samples, n_seeds = 1000, 64
    draws = np.random.default_rng(4).standard_t(alpha, (n_samples, n_seeds, 4))
    error = alpha / (n_samples * n_seeds) ** 0.25 / np.sqrt(4)
    assert abs(estimates(draws)["gradient_tail_index"].mean() - alpha) < 4 * error + 0.05 * alpha


def test_the_same_noise_at_all_samples_counts_once() -> None:
    """8 seeds, 1000 times over, tell nothing about a tail; 64 do not make normal noise heavy."""
    rng = np.random.default_rng(5)
    few = np.broadcast_to(rng.standard_cauchy((1, 8, 20)), (1000, 8, 20))
    result = estimates(few)
    assert np.isnan(result["gradient_tail_index"]).all()
    assert not result["gradient_heavy_tailed"].any()
    for name, draw in LIGHT.items():
        shared = np.broadcast_to(draw(rng, (1, 64, 100)), (20, 64, 100))
        allowed = 15 if name == "log-normal" else 5
        assert estimates(shared)["gradient_heavy_tailed"].sum() <= allowed, name
    shared = np.broadcast_to(rng.standard_cauchy((1, 1024, 20)), (10, 1024, 20))
    assert estimates(shared)["gradient_heavy_tailed"].mean() > 0.5


def test_slabs_may_be_cut_anywhere() -> None:
    draws = np.random.default_rng(6).standard_t(2, (120, 16, 5))
    draws[3, 4] = np.nan
    whole, parts = TailIndex(), TailIndex()
    whole.add(gradients(draws))
    for part in np.split(draws, [1, 50, 97]):
        parts.add(gradients(part))
    for name, expected in whole.estimates().items():
        np.testing.assert_allclose(parts.estimates()[name], expected, rtol=1e-12)


def test_too_few_seeds_or_pairs_give_nothing() -> None:
    rng = np.random.default_rng(7)
    assert estimates(rng.standard_normal((1000, 7, 1))) == {}
    assert estimates(rng.standard_normal((24, 8, 1))) == {}
    assert "gradient_tail_index" in estimates(rng.standard_normal((25, 8, 1)))


def test_constant_gradients_have_no_tail_and_unusable_ones_no_index() -> None:
    draws = np.random.default_rng(8).standard_normal((50, 16, 4))
    draws[..., 0] = 3.0
    draws[..., 1] = 0.0
    draws[..., 2] = np.where(draws[..., 2] > 1.5, 1.0, 0.0)  # the same for most seeds, not for all
    draws[..., 3] = np.nan
    with np.errstate(all="raise"):
        result = estimates(draws)
    np.testing.assert_array_equal(result["gradient_tail_index"], [np.inf, np.inf, np.nan, np.nan])
    assert not result["gradient_heavy_tailed"].any()
