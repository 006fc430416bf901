"""The error of averages over samples that share their seeds, against closed forms."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from jaxmorph.sensitivity.local import elasticity_bias
from jaxmorph.sensitivity.two_way import Blocks, ends, factors_of_variance, interaction, spread_of


def test_one_source_without_skewness_is_students_interval() -> None:
    x = xr.DataArray([-2.0, -1.0, 0.0, 1.0, 2.0], dims="seed") + 3
    low, high = ends(x.mean(), [spread_of(x, "seed")])
    expected = stats.t.interval(0.95, 4, loc=3, scale=stats.sem(x))
    np.testing.assert_allclose([low, high], expected, rtol=1e-12)


def test_the_long_side_of_skewed_draws_is_moved_out_as_johnson_says() -> None:
    x = xr.DataArray(np.array([0.0, 0.1, 0.2, 0.4, 0.9, 3.0]), dims="seed")
    low, high = ends(x.mean(), [spread_of(x, "seed")])
    t = stats.t.ppf(0.975, 5)
    k3 = 36 / 20 * ((x - x.mean()) ** 3).mean().item()
    moved = k3 / (x.var(ddof=1).item() * 6) * (1 + 2 * t**2) / 6
    student = stats.t.interval(0.95, 5, loc=x.mean().item(), scale=stats.sem(x))
    np.testing.assert_allclose([low, high], [student[0], student[1] + moved], rtol=1e-12)


def test_what_both_sources_count_is_taken_off_once() -> None:
    """f_sr = a_s + b_r + c_sr: the mean has variance a / n + b / R + c / (n R) = 0.1 + 0.1 + 0.08."""
    rng, n, n_seeds, repeated = np.random.default_rng(4), 20, 10, 400
    f = np.sqrt(2) * rng.standard_normal((n, 1, repeated)) + rng.standard_normal((1, n_seeds, repeated))
    f = f + 4 * rng.standard_normal((n, n_seeds, repeated))
    x = xr.DataArray(f, dims=("sample", "seed", "repetition"))
    samples, seeds = spread_of(x.mean("seed"), "sample"), spread_of(x.mean("sample"), "seed")
    within = (x.var("seed", ddof=1) / n_seeds).sum("sample") / n**2
    twice = interaction(within, seeds, xr.DataArray(n)).mean().item()
    assert twice == pytest.approx(0.08, rel=0.05)
    both = (samples.variance + seeds.variance).mean().item()
    assert both - twice == pytest.approx(0.1 + 0.1 + 0.08, rel=0.05)


def test_blocks_of_groups_know_the_error_of_the_mean() -> None:
    """Of 1,000 groups in 256 blocks, with holes; slabs do not matter."""
    rng = np.random.default_rng(5)
    x = xr.DataArray(np.repeat(rng.standard_normal(1000), 3) + 7, dims="sample")
    x[::7] = np.nan
    blocks, slabs = (Blocks(np.arange(3000) // 3) for _ in range(2))
    blocks.add(np.arange(3000), {"x": x})
    for start in (0, 1000, 2000):
        slabs.add(np.arange(start, start + 1000), {"x": x[start : start + 1000]})
    assert blocks.spread("x").se.item() == pytest.approx(1000**-0.5, rel=0.1)
    assert slabs.spread("x").se.item() == pytest.approx(blocks.spread("x").se.item(), rel=1e-12)


def test_the_bias_of_an_elasticity_is_taken_off() -> None:
    """f = 1 + Z / 2, g = 1 + Z, 8 seeds: theta g / f of means has the bias (1/4 - 1/2) / 8."""
    z = np.random.default_rng(6).standard_normal((40_000, 8))
    dims = ("sample", "seed", "time", "observable")
    f = xr.DataArray((1 + z / 2)[..., None, None], dims=dims)
    g = xr.DataArray((1 + z)[..., None, None, None], dims=(*dims, "parameter"))
    theta = xr.DataArray(np.ones((40_000, 1)), dims=("sample", "parameter"))
    elasticity = theta * g.mean("seed") / f.mean("seed")
    assert float(elasticity.mean()) - 1 == pytest.approx(-0.25 / 8, abs=0.006)
    corrected = elasticity - elasticity_bias(f, g, theta, elasticity)
    assert abs(float(corrected.mean()) - 1) < 0.006


@pytest.mark.parametrize("n", [8, 16])
def test_the_interval_of_a_variance_of_few_skewed_seeds_covers_it(n: int) -> None:
    """Exponential draws of variance 1, 400 repetitions; Student's interval: 67 and 73 %."""
    x = np.random.default_rng(7).exponential(size=(400, n))
    without = [np.delete(x, i, axis=1).var(axis=1, ddof=1) for i in range(n)]
    left_out = xr.DataArray(np.stack(without), dims=("seed", "repetition"))
    nothing = spread_of(xr.DataArray(np.ones((3, 400)), dims=("sample", "repetition")), "sample")
    factors = factors_of_variance(nothing, left_out)
    variance = x.var(axis=1, ddof=1)
    held = (variance * factors.low <= 1) & (variance * factors.high >= 1)
    assert stats.binom.cdf(int(held.sum()), 400, 0.91) > 0.001
