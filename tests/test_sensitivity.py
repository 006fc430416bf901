"""Estimates against populations whose answers are known."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sweeps import Recorder, record_intervals

from jaxmorph import sensitivity
from jaxmorph.designs import SaltelliDesign
from jaxmorph.distributions import Distribution, LogNormal, LogUniform, Normal, Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.sensitivity.average import DesignAverage
from jaxmorph.sensitivity.local import finite_pairs
from jaxmorph.sensitivity.moments import DesignMoments, Draws, Sampling
from jaxmorph.sensitivity.resampling import nested, sample_weights, seed_weights, with_interval
from jaxmorph.sensitivity.trimmed import trimmed_mean

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


def estimate(
    slabs: list[xr.Dataset], points: xr.Dataset, distributions: list[Distribution], **known: Any
) -> xr.Dataset:
    return sensitivity.estimate(slabs, points, sensitivity.Question(distributions, **known))


def moments(value: np.ndarray, gradient: np.ndarray, **known: Any) -> DesignMoments:
    """Of value (sample, seed) and gradient (sample, seed, parameter), in two slabs."""
    v, g = arrays(value, gradient)
    v = v.assign_coords(sample=np.arange(len(value)), time=[0.0], observable=["f"])
    g = g.assign_coords(v.coords).assign_coords(parameter=[f"p{i}" for i in range(g.shape[-1])])
    used = finite_pairs(v, g)
    result = DesignMoments(Sampling(len(value), **known))
    for part in (slice(0, len(value) // 3), slice(len(value) // 3, None)):
        result.add(v[part], g[part], used[part])
    return result


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
    assert (gradient**2).mean() == pytest.approx(10, rel=0.03)
    assert (gradient.mean(1) ** 2).mean() == pytest.approx(1 + 9 / 8, rel=0.05)
    square = moments(gradient[..., 0], gradient).over_samples().outer(slice(None)).squeeze()
    error = float(square[1:401].std())
    assert abs(float(square[0]) - 1) < 4 * error < 0.2


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_products_without_noise_are_means_over_pairs_of_different_seeds(n: int, seed: int) -> None:
    g = np.random.default_rng(seed).normal(size=(3, n, 2))
    pairs = [g[:, i, 0] * g[:, j, 1] for i in range(n) for j in range(n) if i != j]
    outer = moments(g[..., 0], g).over_samples().outer(slice(None)).isel(draw=0).squeeze()
    np.testing.assert_allclose(outer[0, 1], np.mean(pairs), rtol=1e-9, atol=1e-12)


def test_over_samples_and_over_seeds_begin_with_the_same_data() -> None:
    """Also where a pair is missing, and where seeds are averaged in blocks."""
    rng = np.random.default_rng(12)
    f, g = rng.normal(size=(30, 7)), rng.normal(1, 1, (30, 7, 2))
    m = moments(f, g)
    samples, seeds = m.over_samples(), m.over_seeds()
    assert seeds is not None
    for one in (samples, seeds):
        diagonal = np.diagonal(one.outer(slice(None)).values, axis1=-2, axis2=-1)
        np.testing.assert_allclose(one.squares, diagonal, rtol=1e-12)
    np.testing.assert_allclose(samples.matrices(0, 0)[0], seeds.matrices(0, 0)[0], rtol=1e-12)
    for name in ("squares", "variance", "noise_variance"):
        np.testing.assert_allclose(
            getattr(samples, name)[0], getattr(seeds, name)[0], rtol=1e-12, atol=1e-15
        )
    assert samples.sizes == [7, 15, 30] and seeds.sizes == [7]
    first = moments(f[:7], g[:7]).over_samples()
    nested_first = samples.nested(samples.variance, "n_samples").sel(n_samples=7)
    np.testing.assert_allclose(nested_first, first.variance[0], rtol=1e-10)


def test_products_that_would_fill_the_memory_are_kept_of_blocks_of_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The estimate is the same, and its error about the same."""
    rng = np.random.default_rng(13)
    f, g = rng.normal(size=(512, 4)), rng.normal(1, 1, (512, 4, 3)) + rng.normal(size=(512, 1, 3))
    every = moments(f, g)
    monkeypatch.setattr("jaxmorph.sensitivity.moments._PRODUCTS_BYTES", 8 * 9 * 64)
    blocks = moments(f, g)
    assert (every.n_groups, blocks.n_groups) == (512, 64)
    one, other = every.over_samples(), blocks.over_samples()
    np.testing.assert_allclose(one.matrices(0, 0)[0], other.matrices(0, 0)[0], rtol=1e-12)
    assert one.sizes == other.sizes
    np.testing.assert_allclose(one.outer(slice(-5, None)), other.outer(slice(-5, None)), rtol=1e-12)
    for name in ("squares", "variance"):
        spread = [one.resampled(getattr(d, name)).std("draw") for d in (one, other)]
        np.testing.assert_allclose(spread[0], spread[1], rtol=0.35)


def test_moments_of_a_hundred_parameters_take_bounded_memory() -> None:
    """40 times and observables: 400 resamples of all matrices would take 1.3 GB."""
    rng = np.random.default_rng(14)
    shape, n = (8, 4, 10, 4), 100
    dims = ("sample", "seed", "time", "observable")
    v = xr.DataArray(rng.standard_normal(shape), dims=dims, coords={"sample": np.arange(8)})
    v = v.assign_coords(time=np.arange(10), observable=list("abcd"))
    g = xr.DataArray(rng.standard_normal((*shape, n)), dims=(*dims, "parameter"), coords=v.coords)
    result = DesignMoments(Sampling(8))
    result.add(v, g.assign_coords(parameter=np.arange(n)), xr.ones_like(v, bool))
    assert sum(x.nbytes for x in result._sums.values()) < 1e8
    assert result.over_samples().outer(slice(1)).nbytes == 8 * 40 * n**2


def test_many_seeds_are_averaged_in_blocks_without_bias() -> None:
    rng = np.random.default_rng(13)
    g = 1 + 2 * rng.standard_normal((400, 100, 1))
    m = moments(3 * g[..., 0], g)
    seeds = m.over_seeds()
    assert m.n_blocks == 32 and seeds is not None and seeds.sizes[-1] == 100
    assert m.over_samples().outer(slice(None))[0].item() == pytest.approx(
        1, abs=0.05
    )  # SE 2 * 2 / sqrt(40000)
    assert seeds.noise_variance[0].item() == pytest.approx(36, rel=0.03)


def test_without_noise_one_seed_says_everything() -> None:
    rng = np.random.default_rng(14)
    theta = rng.uniform(size=(500, 1))
    samples = moments(theta**2, 2 * theta[:, :, None], stochastic=False).over_samples()
    np.testing.assert_allclose(
        samples.outer(slice(None)).squeeze()[0], (4 * theta**2).mean(), rtol=1e-12
    )
    np.testing.assert_allclose(samples.variance.squeeze()[0], (theta**2).var(ddof=1), rtol=1e-10)
    assert moments(theta, theta[:, :, None], stochastic=False).over_seeds() is None


def test_the_variance_over_the_design_is_free_of_noise_with_common_seeds() -> None:
    """f = theta + noise whose size depends on the sample: Var(theta) = 1 / 12 whatever the noise."""
    rng = np.random.default_rng(2)
    theta = rng.uniform(size=(3000, 1))
    noise = rng.standard_normal((1, 6)) + rng.standard_normal((3000, 6))
    samples = moments(theta + noise, np.ones((3000, 6, 1))).over_samples()
    assert float(samples.variance.squeeze()[0]) == pytest.approx(1 / 12, abs=0.03)
    # Var_seed = 1 (common) + 1 (own); six common draws scatter, hence the wide tolerance.
    assert 1.1 < float(samples.noise_variance.squeeze()[0]) < 3


def test_a_quadrature_weighs_its_nodes_and_has_no_error_of_sampling() -> None:
    """Trapezoid weights on [0, 1]: E x = 1/2 and E (2x)^2 = 4/3 up to the rule's own error."""
    x = np.linspace(0, 1, 101)[:, None]
    weights = np.full(101, 0.01)
    weights[[0, -1]] = 0.005
    m = moments(x**2, 2 * x[:, :, None], weights=weights, stochastic=False).over_samples()
    assert m.squares.sizes["draw"] == 1
    assert m.outer(slice(None)).item() == pytest.approx(4 / 3, rel=1e-4)
    assert m.variance.item() == pytest.approx(1 / 5 - 1 / 9, rel=1e-3)


def test_resamples_are_counts_of_whole_groups() -> None:
    weights = sample_weights(12, size=3, resamples=50)
    assert weights.shape == (51, 12) and (weights[0] == 1).all()
    assert (weights.sum("sample") == 12).all()
    assert (weights.values.reshape(51, 4, 3).std(-1) == 0).all()
    seeds = seed_weights(4, resamples=200)
    assert ((seeds > 0).sum("seed") >= 2).all() and (seeds.sum("seed") == 4).all()
    assert nested(64) == [4, 8, 16, 32, 64] and nested(24, 8) == [] and nested(3) == []
    assert nested(40, 5) == [20, 40]


def test_an_interval_adds_the_errors_of_samples_and_seeds() -> None:
    rng = np.random.default_rng(15)
    draws = [xr.DataArray(np.r_[5.0, 5 + s * rng.standard_normal(4000)], dims="draw") for s in (3, 4)]
    result = with_interval("x", draws[0], 1000, draws[1], 1000)
    assert result["x_se_samples"].item() == pytest.approx(3, rel=0.05)
    assert result["x_se_seeds"].item() == pytest.approx(4, rel=0.05)
    assert result["x_high"].item() - result["x_low"].item() == pytest.approx(2 * 1.96 * 5, rel=0.06)
    assert set(with_interval("x", draws[0], 3)) == {"x"}


class Problem:
    """f = 3 t1^2 + t2 (1 + Z/2) + W/2 + noise of its own, t uniform on [-1, 1]; Z, W common noise."""

    def __init__(self, n_samples: int, n_seeds: int, seed: int):
        self.rng = np.random.default_rng(seed)
        self.n_samples, self.n_seeds = n_samples, n_seeds

    truth = {  # noqa: RUF012
        "dgsm_1": 12.0,
        "dgsm_2": 1.0,
        "variance": 9 * (1 / 5 - 1 / 9) + 1 / 3,
        "noise_variance": 1 / 12 + 1 / 4 + 1 / 4,
    }
    truth["total_bound"] = 4 / np.pi**2 * 12 / truth["variance"]
    truth["noise_share"] = truth["noise_variance"] / (truth["variance"] + truth["noise_variance"])

    statistics = {  # noqa: RUF012
        "dgsm_1": lambda d: d.squares[..., 0],
        "dgsm_2": lambda d: d.squares[..., 1],
        "variance": lambda d: d.variance,
        "noise_variance": lambda d: d.noise_variance,
        "total_bound": lambda d: 4 / np.pi**2 * d.squares[..., 0] / d.variance,
        "noise_share": lambda d: d.noise_variance / (d.variance + d.noise_variance),
    }

    def draws(self) -> tuple[Draws, Draws]:
        rng, n, r = self.rng, self.n_samples, self.n_seeds
        t = rng.uniform(-1, 1, (n, 2))
        z, w = rng.standard_normal((2, 1, r))
        own = 0.5 * rng.standard_normal((3, n, r))
        f = 3 * t[:, :1] ** 2 + t[:, 1:] * (1 + z / 2) + w / 2 + own[0]
        g = np.stack([6 * t[:, :1] + 0.8 * w + own[1], 1 + z / 2 + own[2]], axis=-1)
        m = moments(f, g)
        samples, seeds = m.over_samples(), m.over_seeds()
        assert seeds is not None
        return samples, seeds


@pytest.mark.parametrize(
    "n", [pytest.param(300, marks=pytest.mark.slow), pytest.param(1000, marks=pytest.mark.verify)]
)
def test_intervals_over_the_design_cover_the_truth_as_often_as_they_say(
    n: int, record_property: Recorder
) -> None:
    """95 % intervals cover between 91 and 98 %, over n repetitions."""
    problem = Problem(64, 16, seed=1)
    hits = dict.fromkeys(problem.truth, 0)
    for _ in range(n):
        samples, seeds = problem.draws()
        for name, statistic in problem.statistics.items():
            over = [d.resampled(statistic(d)) for d in (samples, seeds)]
            found = with_interval("x", over[0], 64, over[1], 16)
            hits[name] += found["x_low"].item() <= problem.truth[name] <= found["x_high"].item()
    record_intervals(record_property, sum(hits.values()), n * len(hits))
    shares = {name: count / n for name, count in hits.items()}
    assert all(0.91 <= share <= 0.98 for share in shares.values()), shares


def test_trimming_leaves_out_the_wild_seeds() -> None:
    x = xr.DataArray(np.array([1.0, 2, 3, 4, 1000, np.nan]), dims="seed")
    mean, se = trimmed_mean(x, 0.2)
    assert mean.item() == 3
    # Winsorised: 2, 2, 3, 4, 4, whose variance is 1; h = 1 - 2/5.
    assert se.item() == pytest.approx(1 / np.sqrt(5) / 0.6, rel=1e-12)
    plain, plain_se = trimmed_mean(x, 0.0)
    assert plain.item() == 202
    assert plain_se.item() == pytest.approx(np.nanstd(x, ddof=1) / np.sqrt(5), rel=1e-12)


def test_a_trimmed_mean_of_heavy_tails_is_better_and_knows_its_error() -> None:
    """Student's t with 2 degrees of freedom: the mean has no variance; 500 experiments of 40 seeds."""
    x = np.random.default_rng(16).standard_t(2, (500, 40))
    mean, se = trimmed_mean(xr.DataArray(x, dims=("sample", "seed")), 0.1)
    assert float(mean.std()) < 0.6 * x.mean(1).std()
    assert float((se**2).mean()) ** 0.5 == pytest.approx(float(mean.std()), rel=0.15)


def test_the_seeds_needed_are_enough() -> None:
    rng = np.random.default_rng(17)

    def local(n: int) -> xr.Dataset:
        gradient = 1 + 4 * rng.standard_normal((2000, n, 1))
        theta = xr.DataArray(np.ones((2000, 1)), dims=("sample", "parameter"))
        return sensitivity.local_estimates(*arrays(gradient[..., 0], gradient), theta)

    needed = float(local(64)["seeds_needed"].median())
    assert needed == pytest.approx(9 * 16, rel=0.1)  # (3 x 4 / 1)^2
    assert float(local(round(needed))["signal_to_noise"].median()) == pytest.approx(3, rel=0.1)


def test_the_error_of_a_design_average_knows_that_samples_share_their_seeds() -> None:
    """All noise common to all samples: averaging over samples does not make it smaller."""
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((1, 10))
    theta = np.linspace(1, 2, 50)[:, None]
    value, gradient = 5 + theta + noise, np.repeat((2 + noise)[:, :, None], 50, axis=0)
    data = slab(value, gradient, theta)
    result = estimate([data], design((theta - 1), [Uniform(low=1, high=2)]), [Uniform(low=1, high=2)])
    expected = noise.std(ddof=1) / np.sqrt(10)
    assert result["gradient_average_se"].item() == pytest.approx(expected, rel=1e-12)
    assert result["value_average_se"].item() == pytest.approx(expected, rel=1e-12)
    pooled = float(result["gradient_se"].mean()) / np.sqrt(50)
    assert pooled < 0.2 * expected


def test_intervals_of_averages_cover_the_truth_as_often_as_they_say() -> None:
    """1000 repetitions (as observables) of 5 seeds, noise common to the samples; +- 4 SE of 95 %."""
    n, rng = 1000, np.random.default_rng(4)
    theta = np.linspace(1, 2, 3)[:, None]
    noise = rng.standard_normal((1, 5, 1, n))
    dims = ("sample", "seed", "time", "observable")
    value = xr.DataArray(5 + noise + theta[:, :, None, None], dims=dims)
    gradient = xr.DataArray(np.repeat(2 + noise, 3, axis=0)[..., None], dims=(*dims, "parameter"))
    arguments = value, gradient, xr.DataArray(theta, dims=("sample", "parameter"))
    local = sensitivity.local_estimates(*arguments)
    average = DesignAverage(trim=0.2)
    average.add(*arguments, local)
    result = average.estimates()
    for name in ("gradient_average", "gradient_trimmed_average"):
        hit = (result[f"{name}_low"] <= 2) & (result[f"{name}_high"] >= 2)
        assert abs(float(hit.mean()) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / n), name


def test_a_power_law_has_its_exponent_as_elasticity_without_any_spread() -> None:
    """f = z theta^3 with a random factor z: the elasticity is 3 for every seed, so its error is 0."""
    rng = np.random.default_rng(5)
    theta = rng.uniform(1, 2, (8, 1))
    z = rng.lognormal(size=(1, 12))
    data = slab(z * theta**3, (3 * z * theta**2)[..., None], theta)
    result = estimate([data], design(theta - 1, [Uniform(low=1, high=2)]), [Uniform(low=1, high=2)])
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
    result = estimate(parts, design(theta - 1, distributions), distributions)
    assert result["non_finite_count"].item() == 2
    pairs = zip(result["excluded_sample"].values, result["excluded_seed"].values, strict=True)
    assert [(int(a), int(b)) for a, b in pairs] == [(2, 1), (4, 3)]
    assert result["seeds_used"].values.ravel().tolist() == [4, 4, 3, 4, 3, 4]
    np.testing.assert_allclose(result["mean"][2].item(), value[2, [0, 2, 3]].mean())
    # The pair is left out as a whole: also its finite gradient in the other parameter.
    np.testing.assert_allclose(result["gradient_mean"][4, 0, 0], clean[4, :3].mean(0))
    for name, variable in result.data_vars.items():
        # Resamples of the four complete samples can be of one sample only: no interval then. Three
        # seeds are too few for the covariance in a Fisher information.
        # The last eigenvalue has no next one.
        if str(name).endswith(("_low", "_high", "_se_samples", "_se_seeds", "_by_sample", "_gap")):
            continue
        assert variable.dtype.kind in "OU" or np.isfinite(variable).all(), name


def test_slabs_do_not_change_the_estimates() -> None:
    rng = np.random.default_rng(8)
    theta = rng.uniform(1, 2, (8, 2))
    value, gradient = rng.normal(5, 1, (8, 5)), rng.normal(1, 1, (8, 5, 2))
    distributions: list[Distribution] = [Uniform(low=1, high=2), LogUniform(low=1, high=2)]
    points = design(theta - 1, distributions)
    whole = estimate([slab(value, gradient, theta)], points, distributions)
    parts = [slab(value[i : i + 3], gradient[i : i + 3], theta[i : i + 3], first=i) for i in (0, 3, 6)]
    xr.testing.assert_allclose(estimate(parts, points, distributions), whole, rtol=1e-12)


def test_one_seed_gives_no_standard_errors() -> None:
    theta = np.linspace(1, 2, 4)[:, None]
    data = slab(theta**2, 2 * theta[:, :, None], theta)
    result = estimate([data], design(theta - 1, [Uniform(low=1, high=2)]), [Uniform(low=1, high=2)])
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
    f, g = np.repeat(value(theta), 4, axis=1), np.repeat(derivative(theta)[:, :, None], 4, axis=1)
    result = estimate([slab(f, g, theta)], design(unit, [distribution]), [distribution])
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


@pytest.mark.parametrize("begin", [-10.0, -4.0, 0.0])
def test_growth_is_that_of_time_since_the_first_record(begin: float) -> None:
    """exp(0.7 t) of a parameter whose effect is as large as the observable, with times before 0."""
    elapsed = np.linspace(0, 10, 21)
    time, size = begin + elapsed, np.exp(0.7 * elapsed)[:, None, None]
    rms = xr.DataArray(size, {"time": time}, ("time", "observable", "parameter"))
    found = sensitivity.gradient_growth(rms, rms)
    np.testing.assert_allclose(found["gradient_growth_rate"], 0.7, rtol=1e-9)
    assert found["gradient_exploding"].all()


def test_only_pathwise_gradients_explode() -> None:
    """Gradients that grow by exp(4) to a large size: a fault of paths, or what the mean does."""
    rng = np.random.default_rng(18)
    growth = np.exp(4 * np.linspace(0, 1, 8))[:, None, None]
    theta = rng.uniform(1, 2, (8, 1))
    shape = (8, 8, 8, 1)
    data = slab(np.ones((8, 8)), np.ones((8, 8, 1)), theta).isel(time=0, drop=True)
    data = data.drop_vars(["value", "gradient"]).assign(
        value=(("sample", "seed", "time", "observable"), np.ones(shape) + rng.random(shape)),
        gradient=(
            ("sample", "seed", "time", "observable", "parameter"),
            growth * (1 + rng.random((*shape, 1))),
        ),
    )
    attrs = {"long_name": "time", "units": "h"}
    data = data.assign_coords(time=("time", np.linspace(0, 1, 8), attrs))
    points = design(theta - 1, [UNIT])
    pathwise = estimate([data], points, [UNIT])
    assert pathwise["gradient_exploding"].item() and pathwise["gradient_unreliable"].item()
    other = estimate([data], points, [UNIT], pathwise=False)
    assert "gradient_exploding" not in other
    assert not other.get("gradient_unreliable", xr.DataArray(False)).any()


def test_estimates_do_not_carry_the_description_of_what_they_came_from() -> None:
    theta = np.linspace(1, 2, 4)[:, None]
    data = slab(np.repeat(theta, 3, axis=1), np.ones((4, 3, 1)), theta)
    for name in ("value", "gradient"):
        data[name].attrs = {"long_name": "of the batch", "units": "furlong"}
    result = estimate([data], design(theta - 1, [UNIT]), [UNIT])
    for key, variable in result.variables.items():
        assert variable.attrs["long_name"] != "of the batch", key
        assert variable.attrs["units"] != "furlong", key
        assert key in ("unit_value", "parameter_value", "time") or variable.attrs["long_name"] != key
    assert result["gradient_se"].attrs["long_name"].startswith("standard error over seeds of the mean")
    assert result["time"].attrs["units"] == "h"
    assert result["elasticity"].attrs["units"] == result["signal_to_noise"].attrs["units"] == "1"
    assert "elasticity" in result["elasticity_average_low"].attrs["long_name"]


def test_dimensions_come_in_one_order() -> None:
    rng = np.random.default_rng(9)
    theta = rng.uniform(1, 2, (4, 2))
    data = slab(rng.normal(5, 1, (4, 3)), rng.normal(1, 1, (4, 3, 2)), theta)
    result = estimate([data], design(theta - 1, [UNIT, UNIT]), [UNIT, UNIT])
    order = ["quantile", "n_samples", "n_seeds", "sample", "seed", "time", "observable", "component"]
    order += ["parameter", "parameter_2", "excluded"]
    for name, variable in result.data_vars.items():
        assert [order.index(str(d)) for d in variable.dims] == sorted(
            order.index(str(d)) for d in variable.dims
        ), name
    assert result["elasticity_average"].dims == ("time", "observable", "parameter")
    assert result["elasticity_spread"].dims == ("quantile", "time", "observable", "parameter")


def test_an_average_elasticity_is_not_one_over_a_selection_by_noise() -> None:
    """f = theta + noise, elasticity 1: what passes where f is not told from 0 has lucky noise."""
    rng = np.random.default_rng(20)
    theta = rng.uniform(1, 3, (64, 1))
    gradient = np.ones((64, 16, 1))
    clear, drowned = (theta + sd * rng.standard_normal((64, 16)) for sd in (0.5, 12))
    result = [
        estimate([slab(f, gradient, theta)], design(theta, [UNIT]), [UNIT]) for f in (clear, drowned)
    ]
    assert result[0]["elasticity_defined_share"].item() == 1
    # Of 64 samples, each with an error of about 0.125 / theta.
    standard_error = 0.125 * np.sqrt((1 / theta**2).mean() / 64)
    assert result[0]["elasticity_average"].item() == pytest.approx(1, abs=5 * standard_error)
    assert result[1]["elasticity_defined_share"].item() < 0.9
    for name in ("elasticity_average", "elasticity_average_low", "elasticity_spread"):
        assert result[1][name].isnull().all(), name
    assert result[1]["semi_elasticity_average"].item() == pytest.approx(theta.mean(), rel=1e-12)


def test_a_seed_that_always_fails_costs_only_itself() -> None:
    rng = np.random.default_rng(21)
    theta = rng.uniform(size=(200, 1))
    f = 3 * theta + rng.standard_normal((200, 8))
    g = 3 + rng.standard_normal((200, 8, 1))
    good = estimate([slab(f, g, theta)], design(theta, [UNIT]), [UNIT])
    f = np.concatenate([f, np.full((200, 2), np.nan)], axis=1)
    g = np.concatenate([g, np.full((200, 2, 1), np.nan)], axis=1)
    bad = estimate([slab(f, g, theta)], design(theta, [UNIT]), [UNIT])
    for name in ("variance", "dgsm", "total_bound", "noise_share", "total_bound_low"):
        np.testing.assert_allclose(bad[name], good[name], rtol=1e-12, err_msg=name)
    # The same beside an observable in which these seeds are good.
    fine = slab(np.nan_to_num(f, nan=1.0), np.nan_to_num(g, nan=1.0), theta)
    both = xr.concat(
        [slab(f, g, theta), fine.assign_coords(observable=["h"])],
        "observable",
        data_vars=["value", "gradient"],
    )
    bad = estimate([both], design(theta, [UNIT]), [UNIT]).sel(observable=["f"])
    np.testing.assert_allclose(bad["dgsm"], good["dgsm"], rtol=1e-12)
    np.testing.assert_allclose(bad["variance"], good["variance"], rtol=1e-12)


def test_one_observable_that_fails_costs_the_others_nothing() -> None:
    """Saltelli rows of f = 2 x1 + x2; a second observable is not finite at every base sample."""
    from SALib.sample import sobol

    problem = {"num_vars": 2, "names": ["p0", "p1"], "bounds": [[0, 1]] * 2}
    theta = sobol.sample(problem, 64, calc_second_order=False, seed=1)
    value = (theta @ [2.0, 1.0])[:, None]
    data = slab(value, np.tile([2.0, 1.0], (256, 1, 1)), theta)
    broken = data.assign_coords(observable=["g"]).copy(deep=True)
    broken["value"][::4] = np.nan
    known = {"design": SaltelliDesign(samples=64), "stochastic": False}
    both = xr.concat([data, broken], "observable", data_vars=["value", "gradient"])
    result = estimate([both], design(theta, [UNIT] * 2), [UNIT] * 2, **known)
    np.testing.assert_allclose(
        result["sobol_total"].sel(observable="f").squeeze(), [0.8, 0.2], atol=0.02
    )
    assert result["sobol_total"].sel(observable="g").isnull().all()


def test_a_study_that_denies_its_noise_is_found_out() -> None:
    theta = np.linspace(0, 1, 8)[:, None]
    noise = np.random.default_rng(22).standard_normal((1, 4))
    data = slab(theta + noise, np.ones((8, 4, 1)), theta)
    with pytest.raises(JaxmorphError, match="declares stochastic = False, but its values differ"):
        estimate([data], design(theta, [UNIT]), [UNIT], stochastic=False)
    same = slab(np.repeat(theta, 4, axis=1), np.ones((8, 4, 1)), theta)
    once = slab(theta, np.ones((8, 1, 1)), theta)
    four, one = (estimate([d], design(theta, [UNIT]), [UNIT], stochastic=False) for d in (same, once))
    np.testing.assert_allclose(four["dgsm"], one["dgsm"], rtol=1e-12)


def test_round_off_is_no_variance() -> None:
    """An observable of size 1e3 that depends on nothing, but for its last digits."""
    rng = np.random.default_rng(23)
    theta = rng.uniform(size=(32, 1))
    value = 1e3 * (1 + 2e-16 * rng.integers(0, 2, (32, 6)))
    result = estimate([slab(value, np.zeros((32, 6, 1)), theta)], design(theta, [UNIT]), [UNIT])
    assert result["variance"].item() == 0 and result["noise_variance"].item() == 0
    gradient = 1e3 * value[..., None]
    result = estimate([slab(value, gradient, theta)], design(theta, [UNIT]), [UNIT])
    assert result["gradient_variance"].item() == 0
    gradient[:, 0] *= 1 + 1e-13
    result = estimate([slab(value, gradient, theta)], design(theta, [UNIT]), [UNIT])
    # One of six seeds is larger by d: the variance between seeds is d^2 / 6.
    assert result["gradient_variance"].item() == pytest.approx((1e6 * 1e-13) ** 2 / 6, rel=0.02)
