"""Estimates against populations whose answers are known."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxmorph import sensitivity
from jaxmorph.distributions import Distribution, LogNormal, LogUniform, Normal, Uniform
from jaxmorph.sensitivity.average import DesignAverage
from jaxmorph.sensitivity.local import square_without_noise
from jaxmorph.sensitivity.whole_design import noise_share, variance_over_design

UNIT = Uniform(low=0, high=1)


def arrays(value: np.ndarray, gradient: np.ndarray) -> tuple[xr.DataArray, xr.DataArray]:
    """Value (sample, seed) and gradient (sample, seed, parameter), at one time, of one observable."""
    dims = ("sample", "seed", "time", "observable")
    return (
        xr.DataArray(value[:, :, None, None], dims=dims),
        xr.DataArray(gradient[:, :, None, None, :], dims=(*dims, "parameter")),
    )


def slab(value: np.ndarray, gradient: np.ndarray, theta: np.ndarray, first: int = 0) -> xr.Dataset:
    v, g = arrays(value, gradient)
    dataset = xr.Dataset(
        {"value": v, "gradient": g, "parameter_value": (("sample", "parameter"), theta)}
    )
    names = [f"p{i}" for i in range(theta.shape[1])]
    return dataset.assign_coords(
        sample=first + np.arange(len(theta)),
        seed=np.arange(value.shape[1]),
        time=("time", [0.0], {"long_name": "time", "units": "h"}),
        observable=["f"],
        parameter=names,
    )


def design(unit: np.ndarray, distributions: list[Distribution]) -> xr.Dataset:
    theta = np.column_stack([d.ppf(u) for d, u in zip(distributions, unit.T, strict=True)])
    dims = ("sample", "parameter")
    attrs = {"long_name": "x", "units": "1"}
    dataset = xr.Dataset({"parameter_value": (dims, theta, attrs), "unit_value": (dims, unit, attrs)})
    return dataset.assign_coords(
        sample=np.arange(len(unit)), parameter=[f"p{i}" for i in range(unit.shape[1])]
    )


def test_squares_of_noisy_gradients_do_not_count_the_noise() -> None:
    """The toy of the literature: truth 1, noise of variance 9; squaring single seeds gives 10."""
    rng = np.random.default_rng(1)
    gradient = 1.0 + 3.0 * rng.standard_normal((4000, 8, 1))
    _, g = arrays(gradient[..., 0], gradient)
    used = xr.ones_like(g.isel(parameter=0), dtype=bool)
    estimate = square_without_noise(g, used)
    assert float((g**2).mean()) == pytest.approx(10, rel=0.03)
    assert float((g.mean("seed") ** 2).mean()) == pytest.approx(1 + 9 / 8, rel=0.05)
    error = float(estimate.std()) / np.sqrt(4000)
    assert abs(float(estimate.mean()) - 1) < 4 * error < 0.2


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_the_square_without_noise_is_the_mean_product_of_different_seeds(n: int, seed: int) -> None:
    g = np.random.default_rng(seed).normal(size=n)
    pairs = [g[i] * g[j] for i in range(n) for j in range(n) if i != j]
    _, array = arrays(g[None], g[None, :, None])
    used = xr.ones_like(array.isel(parameter=0), dtype=bool)
    np.testing.assert_allclose(
        square_without_noise(array, used).item(), np.mean(pairs), rtol=1e-9, atol=1e-12
    )


def test_the_variance_over_the_design_is_free_of_noise_with_common_seeds() -> None:
    """f = theta + noise whose size depends on the sample: Var(theta) = 1 / 12 whatever the noise."""
    rng = np.random.default_rng(2)
    theta = rng.uniform(size=(3000, 1))
    noise = rng.standard_normal((1, 6)) + rng.standard_normal((3000, 6))
    value, _ = arrays(theta + noise, np.ones((3000, 6, 1)))
    weights = xr.DataArray(np.ones((1, 3000)), dims=("resample", "sample"))
    variance = float(variance_over_design(value, weights).squeeze())
    assert variance == pytest.approx(1 / 12, abs=0.03)
    # Var_seed = 1 (common) + 1 (own); six common draws scatter, hence the wide tolerance.
    assert 0.85 < float(noise_share(value).squeeze()) < 0.99


def test_the_error_of_a_design_average_knows_that_samples_share_their_seeds() -> None:
    """All noise common to all samples: averaging over samples does not make it smaller."""
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((1, 10))
    theta = np.linspace(1, 2, 50)[:, None]
    value, gradient = 5 + theta + noise, np.repeat((2 + noise)[:, :, None], 50, axis=0)
    data = slab(value, gradient, theta)
    result = sensitivity.estimate(
        [data], design((theta - 1), [Uniform(low=1, high=2)]), [Uniform(low=1, high=2)]
    )
    expected = noise.std(ddof=1) / np.sqrt(10)
    assert result["gradient_average_se"].item() == pytest.approx(expected, rel=1e-12)
    assert result["value_average_se"].item() == pytest.approx(expected, rel=1e-12)
    pooled = float(result["gradient_se"].mean()) / np.sqrt(50)
    assert pooled < 0.2 * expected


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """150 repetitions with 5 seeds and noise common to the samples: 95 % +- 4 standard errors."""
    rng = np.random.default_rng(4)
    theta = np.linspace(1, 2, 3)[:, None]
    hits = 0
    for _ in range(150):
        noise = rng.standard_normal((1, 5))
        data = slab(5 + noise + theta, np.repeat((2 + noise)[:, :, None], 3, axis=0), theta)
        arguments = data["value"], data["gradient"], data["parameter_value"]
        local = sensitivity.local_estimates(*arguments)
        average = DesignAverage()
        average.add(*arguments, local)
        result = average.estimates(local)
        hits += result["gradient_average_low"].item() <= 2 <= result["gradient_average_high"].item()
    assert abs(hits / 150 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 150)


def test_a_power_law_has_its_exponent_as_elasticity_without_any_spread() -> None:
    """f = z theta^3 with a random factor z: the elasticity is 3 for every seed, so its error is 0."""
    rng = np.random.default_rng(5)
    theta = rng.uniform(1, 2, (8, 1))
    z = rng.lognormal(size=(1, 12))
    data = slab(z * theta**3, (3 * z * theta**2)[..., None], theta)
    result = sensitivity.estimate(
        [data], design(theta - 1, [Uniform(low=1, high=2)]), [Uniform(low=1, high=2)]
    )
    np.testing.assert_allclose(result["elasticity"], 3, rtol=1e-12)
    np.testing.assert_allclose(result["elasticity_se"], 0, atol=1e-12)
    np.testing.assert_allclose(result["elasticity_average_high"] - 3, 0, atol=1e-12)
    np.testing.assert_allclose(result["elasticity_spread"], 3, rtol=1e-12)


def test_the_error_of_an_elasticity_is_that_of_repeated_experiments() -> None:
    rng = np.random.default_rng(6)
    n, theta = 4000, 2.0

    def experiment(seeds: int) -> tuple[np.ndarray, np.ndarray]:
        noise = rng.standard_normal((n, seeds))
        value = 4 + noise
        gradient = 1 + 0.5 * noise + 0.3 * rng.standard_normal((n, seeds))
        local = sensitivity.local_estimates(
            *arrays(value, gradient[..., None]),
            xr.DataArray(np.full((n, 1), theta), dims=("sample", "parameter")),
        )
        return local["elasticity"].values.ravel(), local["elasticity_se"].values.ravel()

    elasticity, se = experiment(100)
    assert elasticity.mean() == pytest.approx(theta / 4, rel=0.01)
    assert np.sqrt((se**2).mean()) == pytest.approx(elasticity.std(), rel=0.05)


def test_elasticity_is_undefined_where_the_mean_is_not_told_from_zero() -> None:
    value = np.array([[1.0, -1.0, 1.0, -0.9], [5.0, 5.1, 4.9, 5.0]])
    local = sensitivity.local_estimates(
        *arrays(value, np.ones((2, 4, 1))), xr.DataArray(np.ones((2, 1)), dims=("sample", "parameter"))
    )
    assert np.isnan(local["elasticity"][0]).all() and np.isfinite(local["elasticity"][1]).all()


def test_what_is_not_finite_is_left_out_counted_and_named() -> None:
    rng = np.random.default_rng(7)
    theta = rng.uniform(1, 2, (6, 2))
    value, gradient = 9 * theta[:, :1] + rng.normal(5, 1, (6, 4)), rng.normal(1, 1, (6, 4, 2))
    clean = gradient.copy()
    value[2, 1] = np.nan
    gradient[4, 3, 0] = np.inf
    distributions: list[Distribution] = [Uniform(low=1, high=2)] * 2
    parts = [slab(value[:3], gradient[:3], theta[:3]), slab(value[3:], gradient[3:], theta[3:], first=3)]
    result = sensitivity.estimate(parts, design(theta - 1, distributions), distributions)
    assert result["non_finite_count"].item() == 2
    pairs = zip(result["excluded_sample"].values, result["excluded_seed"].values, strict=True)
    assert [(int(a), int(b)) for a, b in pairs] == [(2, 1), (4, 3)]
    assert result["seeds_used"].values.ravel().tolist() == [4, 4, 3, 4, 3, 4]
    np.testing.assert_allclose(result["mean"][2].item(), value[2, [0, 2, 3]].mean())
    # The pair is left out as a whole: also its finite gradient in the other parameter.
    np.testing.assert_allclose(result["gradient_mean"][4, 0, 0], clean[4, :3].mean(0))
    for name, variable in result.data_vars.items():
        # Resamples of the four complete samples can be of one sample only: no bound then.
        assert np.isfinite(variable).all() or name == "total_bound_high", name


def test_slabs_do_not_change_the_estimates() -> None:
    rng = np.random.default_rng(8)
    theta = rng.uniform(1, 2, (8, 2))
    value, gradient = rng.normal(5, 1, (8, 5)), rng.normal(1, 1, (8, 5, 2))
    distributions: list[Distribution] = [Uniform(low=1, high=2), LogUniform(low=1, high=2)]
    points = design(theta - 1, distributions)
    whole = sensitivity.estimate([slab(value, gradient, theta)], points, distributions)
    parts = [slab(value[i : i + 3], gradient[i : i + 3], theta[i : i + 3], first=i) for i in (0, 3, 6)]
    xr.testing.assert_allclose(sensitivity.estimate(parts, points, distributions), whole, rtol=1e-12)


def test_one_seed_gives_no_standard_errors() -> None:
    theta = np.linspace(1, 2, 4)[:, None]
    data = slab(theta**2, 2 * theta[:, :, None], theta)
    result = sensitivity.estimate(
        [data], design(theta - 1, [Uniform(low=1, high=2)]), [Uniform(low=1, high=2)]
    )
    absent = {"mean_se", "gradient_se", "signal_to_noise", "gradient_average_low", "dgsm", "noise_share"}
    assert not absent & set(result)
    np.testing.assert_allclose(result["elasticity"].values.ravel(), 2)


@pytest.mark.parametrize(
    ("distribution", "value", "derivative", "dgsm", "constant"),
    [
        (Uniform(low=0, high=3), lambda x: 2 * x, lambda x: 2 + 0 * x, 4, 9 / np.pi**2),
        (Normal(mean=1, sd=0.5), lambda x: 2 * x, lambda x: 2 + 0 * x, 4, 0.25),
        # ln x is linear in u = ln x: df/du = 1.
        (LogUniform(low=1, high=np.e**2), np.log, lambda x: 1 / x, 1, 4 / np.pi**2),
        (LogNormal(median=2, sd_log=0.3), np.log, lambda x: 1 / x, 1, 0.09),
    ],
)
def test_derivative_based_measures_on_the_natural_scale(
    distribution: Distribution, value: Any, derivative: Any, dgsm: float, constant: float
) -> None:
    """Functions linear on the natural scale: the bound is 12 / pi^2 (uniform) or 1 (normal)."""
    unit = (np.arange(4096)[:, None] + 0.5) / 4096
    theta = distribution.ppf(unit)
    f, g = np.repeat(value(theta), 2, axis=1), np.repeat(derivative(theta)[:, :, None], 2, axis=1)
    result = sensitivity.estimate([slab(f, g, theta)], design(unit, [distribution]), [distribution])
    assert result["dgsm"].item() == pytest.approx(dgsm, rel=1e-9)
    assert result["poincare_constant"].item() == pytest.approx(constant, rel=1e-12)
    uniform = isinstance(distribution, Uniform | LogUniform)
    expected = 12 / np.pi**2 if uniform else 1.0
    assert result["total_bound"].item() == pytest.approx(expected, rel=1e-3)
    assert result["total_bound_low"].item() < expected < result["total_bound_high"].item()
    assert result["gradient_outer_product"].item() == pytest.approx(
        dgsm * natural_variance(distribution), rel=1e-9
    )


def natural_variance(distribution: Distribution) -> float:
    match distribution:
        case Uniform(low=low, high=high):
            return (high - low) ** 2 / 12
        case LogUniform(low=low, high=high):
            return float(np.log(high / low) ** 2 / 12)
        case LogNormal(sd_log=sd) | Normal(sd=sd):
            return sd**2
    raise AssertionError


@pytest.mark.parametrize(
    ("course", "rate", "exploding"),
    [
        (lambda t: np.exp(3 * t), 3.0, True),
        (lambda t: t**2 * np.exp(2 * t), 2.0, True),
        (lambda t: t**3, 0.0, False),
        (np.sqrt, 0.0, False),
        (lambda t: np.exp(-t), -1.0, False),
        (lambda t: 0 * t, 0.0, False),
    ],
)
def test_exponential_growth_is_told_from_powers_of_time(
    course: Any, rate: float, exploding: bool
) -> None:
    time = np.linspace(0, 2, 21)
    rms = xr.DataArray(
        course(time)[:, None, None], dims=("time", "observable", "parameter"), coords={"time": time}
    )
    result = sensitivity.gradient_growth(rms, xr.full_like(rms, 2.0))
    assert result["gradient_growth_rate"].item() == pytest.approx(rate, abs=1e-6)
    assert result["gradient_exploding"].item() is exploding
    small = sensitivity.gradient_growth(rms, xr.full_like(rms, 0.5))
    assert not small["gradient_exploding"].item()


def test_estimates_do_not_carry_the_description_of_what_they_came_from() -> None:
    theta = np.linspace(1, 2, 4)[:, None]
    data = slab(np.repeat(theta, 3, axis=1), np.ones((4, 3, 1)), theta)
    for name in ("value", "gradient"):
        data[name].attrs = {"long_name": "of the batch", "units": "furlong"}
    result = sensitivity.estimate([data], design(theta - 1, [UNIT]), [UNIT])
    for key, variable in result.variables.items():
        assert variable.attrs["long_name"] != "of the batch", key
        assert variable.attrs["units"] != "furlong", key
    assert result["gradient_se"].attrs["long_name"].startswith("standard error of the mean over seeds")
    assert result["time"].attrs["units"] == "h"
    assert result["elasticity"].attrs["units"] == result["signal_to_noise"].attrs["units"] == "1"
    assert "elasticity" in result["elasticity_average_low"].attrs["long_name"]


def test_dimensions_come_in_one_order() -> None:
    rng = np.random.default_rng(9)
    theta = rng.uniform(1, 2, (4, 2))
    data = slab(rng.normal(5, 1, (4, 3)), rng.normal(1, 1, (4, 3, 2)), theta)
    result = sensitivity.estimate([data], design(theta - 1, [UNIT, UNIT]), [UNIT, UNIT])
    order = ["quantile", "sample", "seed", "time", "observable", "parameter", "parameter_2", "excluded"]
    for name, variable in result.data_vars.items():
        assert [order.index(str(d)) for d in variable.dims] == sorted(
            order.index(str(d)) for d in variable.dims
        ), name
    assert result["elasticity_average"].dims == ("time", "observable", "parameter")
    assert result["elasticity_spread"].dims == ("quantile", "time", "observable", "parameter")
