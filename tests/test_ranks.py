"""First-order shares by ranks: algebra of the windows, closed forms on random and Sobol' points."""

import importlib
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy import fft, stats
from scipy.stats import qmc

from jaxmorph.sensitivity import ranks
from jaxmorph.sensitivity.given_data import given_data
from jaxmorph.sensitivity.main_effects import main_effects, separated
from jaxmorph.sensitivity.ranks import windows

NAME = "sobol_first_given_data"


def shares(
    unit: np.ndarray, f: np.ndarray, bounded: bool = True, random: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The shares of the parameters and the ends of their intervals; f (sample[, seed])."""
    value = xr.DataArray(
        f.reshape(len(f), -1)[:, :, None, None], dims=("sample", "seed", "time", "observable")
    )
    names = [f"p{i}" for i in range(unit.shape[1])]
    points = xr.DataArray(unit, dims=("sample", "parameter"), coords={"parameter": names})
    found = given_data(value, points, f.ndim > 1, True, [bounded] * len(names), random)
    value_, low, high = (found[NAME + end].values[0, 0] for end in ("", "_low", "_high"))
    return value_, low, high


def sobol(n: int, d: int, seed: int = 3) -> np.ndarray:
    return qmc.Sobol(d, rng=seed).random(n)


def wave(unit: np.ndarray) -> np.ndarray:
    return 3 * np.sin(4 * np.pi * unit[:, 0]) + unit[:, 1] / 2


def product(unit: np.ndarray) -> np.ndarray:
    return (2 * unit[:, 0] - 1) * (2 * unit[:, 1] - 1)


def steps(unit: np.ndarray) -> np.ndarray:
    return np.floor(1 + 4 * unit[:, 0]) + unit[:, 1] / 2


def test_a_window_is_the_line_through_mirrored_differences() -> None:
    """By loops: half the mean squared difference at each rank distance, and numpy's straight line.

    Of values whose spectrum is flat beyond the band, where a window takes the mean.
    """
    n, rng = 40, np.random.default_rng(0)
    beyond = n - ranks.band(n)
    amplitudes = ranks.cosine_amplitudes(rng.standard_normal(n))
    amplitudes[0], amplitudes[-beyond:] = 0, 3 * rng.choice([-1, 1], beyond)
    y = fft.idct(amplitudes)
    mirrored = np.concatenate([np.arange(n), np.arange(n)[::-1]])
    m = 8
    squares, distances = [], []
    for k in range(1, m + 1):
        pairs = [(mirrored[i], mirrored[(i + k) % (2 * n)]) for i in range(2 * n)]
        pairs = [(i, j) for i, j in pairs if i != j]
        squares.append(np.mean([(y[i] - y[j]) ** 2 / 2 for i, j in pairs]))
        distances.append(np.mean([float(i - j) ** 2 for i, j in pairs]))
    expected = np.polyfit(distances, squares, 1)[1]
    window = 2  # 4, 6, 8, ...: each 1.4 times the last
    assert ranks.windows(n).residual[window] @ amplitudes**2 == pytest.approx(expected, rel=1e-10)
    share = ranks.explained(amplitudes[:, None], window)[0, 0]
    assert share == pytest.approx(np.var(y, ddof=1) - expected, rel=1e-10)


def test_noise_alone_leaves_no_share_on_average() -> None:
    """The diagonal of each quadratic form is 1 / n, but for the outermost: unbiased for any noise."""
    n = 64
    amplitudes = ranks.cosine_amplitudes(np.eye(n))
    for weights in ranks.windows(n).residual:
        diagonal = weights @ amplitudes**2
        np.testing.assert_allclose(diagonal[2:-2], 1 / n, rtol=0.15)
        assert diagonal.sum() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("points", [sobol, lambda n, d: np.random.default_rng(8).random((n, d))])
@pytest.mark.parametrize(
    ("function", "expected", "within"),
    [
        (product, [0, 0], 0.06),
        (wave, [4.5 / (4.5 + 0.25 / 12), 0.25 / 12 / (4.5 + 0.25 / 12)], 0.04),
        (steps, [1.25 / (1.25 + 0.25 / 12), 0.25 / 12 / (1.25 + 0.25 / 12)], 0.04),
    ],
)
def test_interactions_waves_and_jumps(
    points: Callable[[int, int], np.ndarray],
    function: Callable[[np.ndarray], np.ndarray],
    expected: list[float],
    within: float,
) -> None:
    unit = points(256, 2)
    found, low, high = shares(unit, function(unit))
    np.testing.assert_allclose(found, expected, atol=within)
    assert (low <= expected).all() and (expected <= high).all()


@pytest.mark.parametrize("scrambling", range(4))
def test_what_others_do_alone_is_no_error_on_a_sobol_sequence(scrambling: int) -> None:
    """Five inputs of a linear function: 0.31 for the 0.136 of the last, if it were taken for noise."""
    unit = sobol(1024, 5, scrambling)
    slopes = np.array([1, -2, 0.5, 3, -1.5])
    found, low, high = shares(unit, unit @ slopes)
    expected = slopes**2 / (slopes**2).sum()
    np.testing.assert_allclose(found, expected, atol=0.003)
    assert (low <= expected).all() and (expected <= high).all()


@pytest.mark.parametrize("scrambling", range(3))
def test_interactions_of_half_the_variance_on_a_sobol_sequence(scrambling: int) -> None:
    unit = sobol(1024, 5, scrambling)
    x = np.sqrt(3) * (2 * unit - 1)  # of variance 1
    f = x[:, 0] + x[:, 1] * x[:, 2] + x[:, 3] * x[:, 0] / 2 + 0.3 * x[:, 3]
    found, low, high = shares(unit, f)
    expected = np.array([1, 0, 0, 0.09, 0]) / (1 + 1 + 0.25 + 0.09)
    np.testing.assert_allclose(found, expected, atol=0.015)
    assert (low <= expected).all() and (expected <= high).all()


@pytest.mark.parametrize(("n", "within"), [(64, 0.3), (256, 0.14)])
def test_three_of_fifty_parameters(n: int, within: float) -> None:
    """Few samples do not tell fifty effects from noise, and none is made of it."""
    unit = np.random.default_rng(4).random((n, 50))
    x = np.sqrt(3) * (2 * unit - 1)
    f = 2 * x[:, 3] + x[:, 17] + x[:, 40] * x[:, 17]
    found, _, _ = shares(unit, f)
    expected = np.zeros(50)
    expected[[3, 17]] = 4 / 6, 1 / 6
    np.testing.assert_allclose(found, expected, atol=within)
    assert np.sqrt(np.mean((found - expected) ** 2)) < within / 4
    orders = np.argsort(unit, axis=0).T
    chosen = main_effects(f - f.mean(), orders)
    assert {3, 17} <= set(chosen) and len(chosen) <= 8
    assert windows(n).freedom[list(chosen.values())].sum() < n / 3


def test_what_is_taken_off_is_linear_in_the_values() -> None:
    """So that products of different seeds have no noise in them."""
    rng = np.random.default_rng(5)
    unit = rng.random((128, 3))
    orders = np.argsort(unit, axis=0).T
    values = unit @ rng.standard_normal((3, 4)) + rng.standard_normal((128, 4))
    chosen = {2: 1, 0: 4}
    rest, effects = separated(values, orders, chosen)
    weights = rng.standard_normal(4)
    of_sum, effects_of_sum = separated(values @ weights, orders, chosen)
    np.testing.assert_allclose(of_sum, rest @ weights, atol=1e-12)
    np.testing.assert_allclose(effects_of_sum[2], effects[2] @ weights, atol=1e-12)
    np.testing.assert_allclose(rest + effects[0] + effects[2], values, atol=1e-12)


def test_the_next_neighbour_alone_would_be_wrong_on_a_sobol_sequence() -> None:
    """Why windows are wide: at 1024 points, the share of a parameter of no effect is off by a third."""
    unit = sobol(1024, 2)
    f = unit[:, 1]
    ordered = f[np.argsort(unit[:, 0])]
    alone = 1 - np.mean(np.diff(ordered) ** 2) / 2 / np.var(f)
    assert abs(alone) > 0.1
    assert abs(shares(unit, f)[0][0]) < 0.01


def test_an_unbounded_input_has_a_share() -> None:
    """exp(z) and z': variances e (e - 1) and 1; RBD-FAST had 71 % of the first."""
    unit = sobol(1024, 2)
    z = stats.norm.ppf(unit)
    found, low, high = shares(unit, np.exp(z[:, 0]) + z[:, 1], bounded=False)
    first = np.e * (np.e - 1)
    expected = np.array([first, 1]) / (first + 1)
    np.testing.assert_allclose(found, expected, atol=0.12)
    assert (low <= expected).all() and (expected <= high).all()


def test_noise_between_seeds_is_no_share_and_no_variance() -> None:
    """Noise of four times the variance, of a size that follows a parameter: the shares stay."""
    rng = np.random.default_rng(2)
    unit = rng.random((512, 2))
    signal = wave(unit)
    noise = 2 * signal.std() * (0.5 + unit[:, 1:]) * rng.standard_normal((512, 32))
    found, low, high = shares(unit, signal[:, None] + noise)
    expected = np.array([4.5, 0.25 / 12]) / (4.5 + 0.25 / 12)
    np.testing.assert_allclose(found, expected, atol=0.06)
    assert (low <= expected).all() and (expected <= high).all()


def test_simulations_that_fail_at_random_cost_no_sample_and_no_bias() -> None:
    """One of 20 fails: more than half of the samples lack a seed, and too few would be left without."""
    rng = np.random.default_rng(4)
    unit = rng.random((128, 2))
    f = wave(unit)[:, None] + rng.standard_normal((128, 16))
    whole, *_ = shares(unit, f)
    f[rng.random(f.shape) < 0.05] = np.nan
    assert np.isfinite(f).all(axis=1).sum() < 64
    found, low, high = shares(unit, f)
    np.testing.assert_allclose(found, whole, atol=0.01)
    expected = np.array([4.5, 0.25 / 12]) / (4.5 + 0.25 / 12)
    assert (low <= expected).all() and (expected <= high).all()


EXPONENTIAL = np.array([np.e * (np.e - 1), 1, 0]) / (np.e * (np.e - 1) + 1)
KINK = np.array([1 / 12, 0, 0, 0.25 * 0.21]) / (1 / 12 + 0.25 / 9 + 0.25 * 0.21)
G = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])
G_VARIANCE = 1 / 3 / (1 + G) ** 2
COVERED: dict[str, np.ndarray | list[float]] = {
    "ishigami": [0.313905, 0.442411, 0.0],
    "linear": np.array([16, 4, 1]) / 21,
    "product": [0, 0, 0],
    "kink": KINK,
    "inert": np.append([0.8, 0.2], np.zeros(18)),
    "exponential": EXPONENTIAL,
    "g": G_VARIANCE / (np.prod(1 + G_VARIANCE) - 1),
}
"""Shares of functions whose intervals are tried."""


def exponential(unit: np.ndarray) -> np.ndarray:
    z = stats.norm.ppf(unit)
    return np.exp(z[:, 0]) + z[:, 1]


def ishigami(unit: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * unit - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def kink(unit: np.ndarray) -> np.ndarray:
    return np.abs(2 * unit[:, 0] - 1) + product(unit[:, 1:3]) / 2 + (unit[:, 3] > 0.7) / 2


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ishigami": ishigami,
    "linear": lambda unit: unit @ [4.0, 2.0, 1.0],
    "product": product,
    "kink": kink,
    "inert": lambda unit: 2 * unit[:, 0] + unit[:, 1],
    "exponential": exponential,
    "g": lambda unit: np.prod((np.abs(4 * unit - 2) + G) / (1 + G), axis=1),
}


@pytest.mark.verify
@pytest.mark.parametrize("name", COVERED)
@pytest.mark.parametrize("n", [64, 256])
@pytest.mark.parametrize("noise", [0, 16])
@pytest.mark.parametrize("even", [False, True])
def test_intervals_cover(
    monkeypatch: pytest.MonkeyPatch, name: str, n: int, noise: int, even: bool
) -> None:
    """200 repetitions on random points and Sobol' sequences; alone and with skewed noise.

    An exact binomial test at 0.1 % refutes 91 % nowhere.
    """
    module = importlib.import_module("jaxmorph.sensitivity.given_data")  # not the function of that name
    monkeypatch.setattr(module, "FEWEST_FOR_PAWN", n + 1)  # it takes most of the time
    truth = np.asarray(COVERED[name])
    rng, covered, d = np.random.default_rng(6), np.zeros(len(truth)), len(truth)
    for repetition in range(200):
        unit = sobol(n, d, 1000 + repetition) if even else rng.random((n, d))
        f = FUNCTIONS[name](unit)
        if noise:
            f = f[:, None] + f.std() * (rng.standard_exponential((n, noise)) - 1)
        _, low, high = shares(unit, f, name != "exponential", not even)
        covered += (low <= truth) & (truth <= high)
    assert (stats.binom.cdf(covered, 200, 0.91) > 0.001).all(), covered


def test_units_do_not_matter() -> None:
    unit = sobol(64, 2)
    plain = shares(unit, wave(unit))
    for scale in (1e-150, 1e150):
        np.testing.assert_allclose(shares(unit, scale * (wave(unit) + 3)), plain, rtol=1e-9, atol=1e-12)
