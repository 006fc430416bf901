"""Indices of the variance between seeds: known answer 10 as a function of the parameters."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.stats import qmc
from support.arrangement import check_arrangement

from jaxmorph.distributions import Uniform
from jaxmorph.figures import draw
from jaxmorph.sensitivity import Estimates, Question, Samples, Slab
from jaxmorph.sensitivity.noise_chaos import FEWEST_SEEDS, NoiseChaos, variances

UNIFORM = Uniform(low=0.0, high=1.0)
Made = tuple[np.ndarray, np.ndarray, np.ndarray]
NAMES = ("noise_sobol_first", "noise_sobol_total", "noise_shapley")
OF_S: list[list[float]] = [[0, 1, 0]] * 3
TRUTH: dict[str, list[list[float]]] = {
    "product": [[20 / 56, 20 / 56, 0], [36 / 56, 36 / 56, 0], [0.5, 0.5, 0]],
    "sum": OF_S,
    "wave": OF_S,
}


def of_product(n: int, seeds: int, seed: int, common: bool) -> Made:
    """f = a (1 + s xi): Var = a^2 s^2, of which E[a^2] = 1/3 and Var a^2 = 4/45."""
    unit, xi = drawn(n, seeds, seed, common)
    a, s = unit[:, :1], unit[:, 1:2]
    f = a * (1 + s * xi)
    return unit, f, np.stack([1 + s * xi + 0 * f, a * xi, 0 * f], axis=-1)


def of_sum(n: int, seeds: int, seed: int, common: bool) -> Made:
    """f = a + s xi: Var = s^2."""
    unit, xi = drawn(n, seeds, seed, common)
    f = unit[:, :1] + unit[:, 1:2] * xi
    return unit, f, np.stack([1 + 0 * f, xi + 0 * f, 0 * f], axis=-1)


def of_wave(n: int, seeds: int, seed: int, common: bool) -> Made:
    """f = a + 2^(1/2) e^s sin(a wave of all parameters, another for each seed): Var = e^(2 s)."""
    unit, phase = drawn(n, seeds, seed, common)
    rng = np.random.default_rng(seed + 1000)
    slope = 3 * rng.standard_normal((1 if common else n, seeds, 3))
    phase = 2 * np.pi * stats.norm.cdf(phase) + (slope * unit[:, None]).sum(axis=-1)
    size = 2**0.5 * np.exp(unit[:, 1:2])
    f = unit[:, :1] + size * np.sin(phase)
    g = (size * np.cos(phase))[..., None] * slope
    g[..., 0] += 1
    g[..., 1] += size * np.sin(phase)
    return unit, f, g


def drawn(n: int, seeds: int, seed: int, common: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return qmc.Sobol(3, rng=rng).random(n), rng.standard_normal((1 if common else n, seeds))


MAKES: dict[str, Callable[[int, int, int, bool], Made]] = {
    "product": of_product,
    "sum": of_sum,
    "wave": of_wave,
}


def alone(unit: np.ndarray, f: np.ndarray, g: np.ndarray, complete: bool = True) -> Estimates:
    """This estimator alone, of one time and observable."""
    names = ["a", "s", "inert"]
    points = xr.Dataset(
        dict.fromkeys(("parameter_value", "unit_value"), (("sample", "parameter"), unit)),
        {"sample": np.arange(len(unit)), "parameter": names},
    )
    one = NoiseChaos(Samples(points, Question([UNIFORM] * 3, complete=complete), None))
    dims = ("sample", "seed", "time", "observable")
    value = xr.DataArray(f[:, :, None, None], points["sample"].coords, dims)
    scaled = xr.DataArray(g[:, :, None, None] / 12**0.5, points.coords, (*dims, "parameter"))
    theta = points["parameter_value"]
    one.add(Slab(value, scaled, scaled, theta, value.notnull(), None, xr.Dataset(), xr.Dataset()))
    with np.errstate(over="ignore", invalid="ignore"):  # as Estimation does
        return one.finish({})


def ends(found: Estimates, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    value, low, high = (found[f"{name}{end}"].values[0, 0] for end in ("", "_low", "_high"))
    return value, low, high


@pytest.mark.parametrize("common", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["product", "sum"])
def test_of_noise_that_parameters_control_the_indices_are_known(kind: str, common: bool) -> None:
    found = alone(*MAKES[kind](64, 64, 1, common))
    for name, truth in zip(NAMES, TRUTH[kind], strict=True):
        value, low, high = ends(found, name)
        np.testing.assert_allclose(value, truth, atol=0.01 if common else 0.08)
        assert (low - 1e-9 <= truth).all() and (truth <= high + 1e-9).all()
    second = found["noise_sobol_second"].values[0, 0]
    assert second[0, 1] == pytest.approx(TRUTH[kind][1][0] - TRUTH[kind][0][0], abs=0.08)
    assert found["noise_expansion_q2"].item() > 0.8


def test_blocks_have_the_variance_and_its_derivative_without_bias() -> None:
    """2 a^2 s and 2 a s^2 on average over seeds, of 3 or 4 seeds a block."""
    unit, f, g = of_product(4, 4000, 2, False)
    f, g = (x.reshape(-1, 16, *x.shape[2:]) for x in (f, g))
    dims = ("sample", "seed", "time", "observable")
    value = xr.DataArray(f[:, :, None, None], dims=dims)
    slope = xr.DataArray(g[:, :, None, None], dims=(*dims, "parameter"))
    found = variances(value, slope, np.dtype(float)).values[..., 0, 0, :]
    assert found.shape == (1000, 4, 5)
    mean = found.reshape(4, 250, 4, 5).mean(axis=(1, 3))
    a, s = unit[:, 0], unit[:, 1]
    exact = np.stack([a**2 * s**2, 2 * a * s**2, 2 * a**2 * s, 0 * a], axis=1)
    np.testing.assert_allclose(mean, exact, rtol=0.15, atol=1e-12)
    one = found[0, :, 1]  # seeds 4, 5 and 6
    assert one[0] == pytest.approx(f[0, 4:7].var(ddof=1))
    assert one[2] == pytest.approx(2 * np.cov(f[0, 4:7], g[0, 4:7, 1])[0, 1])


def test_seeds_that_differ_by_rounding_do_not_differ() -> None:
    unit, f, g = of_product(32, 16, 3, True)
    rounded = unit[:, :1] * (1 + 4 * np.finfo(float).eps * np.sign(f - f.mean(axis=1, keepdims=True)))
    assert "noise_sobol_total" not in alone(unit, rounded, g)


@pytest.mark.slow
def test_gradients_that_are_right_on_average_alone_do_not_count() -> None:
    unit, f, g = of_product(64, 64, 4, True)
    found = alone(unit, f, np.zeros_like(g), complete=False)
    assert not found["noise_expansion_with_gradients"].any()
    np.testing.assert_allclose(ends(found, "noise_sobol_total")[0], TRUTH["product"][1], atol=0.05)


@pytest.mark.slow
def test_seeds_that_failed_cost_themselves() -> None:
    unit, f, g = of_product(64, 64, 5, True)
    f[np.random.default_rng(6).random(f.shape) < 0.03] = np.nan
    g[np.isnan(f)] = np.nan
    np.testing.assert_allclose(ends(alone(unit, f, g), NAMES[1])[0], TRUTH["product"][1], atol=0.1)


def test_few_seeds_are_refused_in_one_line() -> None:
    assert not alone(*of_product(24, FEWEST_SEEDS - 1, 7, True))
    why = {quantity.name: quantity.absent for quantity in NoiseChaos.quantities}
    assert f"{FEWEST_SEEDS} or more seeds, 24 or more samples" in why["noise_sobol_total"]


def test_a_figure_shows_what_explains_the_spread() -> None:
    """Of an observable of which nothing is told a panel says why."""
    found = xr.Dataset(alone(*of_product(24, 24, 8, True)))
    data = found.assign_coords(observable=["f"], time=[1.0]).reindex(observable=["f", "still", "rough"])
    data["noise_expansion_q2"][:, 2] = 0.2
    figure, table = draw("noise_explained", data)
    check_arrangement(figure)
    rows = table[table["observable"] == "f"].set_index("parameter")
    assert rows.loc["s", "noise_sobol_total"] == pytest.approx(36 / 56, abs=0.02)
    assert len(figure.axes[0].patches) >= 2
    said = [ax.texts[0].get_text() for ax in figure.axes[1:]]
    assert "the same everywhere" in said[0] and "more seeds or samples" in said[1]


@pytest.mark.verify
@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("kind", MAKES)
@pytest.mark.parametrize("seeds", [16, 64])
def test_intervals_cover(
    record_property: Callable[[str, object], None], kind: str, seeds: int, common: bool
) -> None:
    """200 repetitions of 64 samples: an exact binomial test at 0.1 % does not tell it from 91 %."""
    used, covered, square = 0, np.zeros((3, 3)), np.zeros((3, 3))
    for repetition in range(200):
        found = alone(*MAKES[kind](64, seeds, repetition, common))
        if NAMES[0] not in found:
            continue
        used += 1
        for i, (name, truth) in enumerate(zip(NAMES, TRUTH[kind], strict=True)):
            value, low, high = ends(found, name)
            covered[i] += (low - 1e-9 <= truth) & (truth <= high + 1e-9)
            square[i] += (value - truth) ** 2
    record_property("used", used)
    record_property("covered", int(covered.sum()))
    record_property("intervals", 9 * used)
    print(kind, seeds, common, used, covered / used, np.sqrt(square / used))
    assert used > 50
    assert (stats.binom.cdf(covered, used, 0.91) > 0.001).all(), covered / used
