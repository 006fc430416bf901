"""First-order shares by ranks: algebra of the windows, closed forms on random and Sobol' points."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.stats import qmc

from jaxmorph.sensitivity import ranks
from jaxmorph.sensitivity.given_data import given_data

NAME = "sobol_first_given_data"


def shares(
    unit: np.ndarray, f: np.ndarray, bounded: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The shares of the parameters and the ends of their intervals; f (sample[, seed])."""
    value = xr.DataArray(
        f.reshape(len(f), -1)[:, :, None, None], dims=("sample", "seed", "time", "observable")
    )
    names = [f"p{i}" for i in range(unit.shape[1])]
    points = xr.DataArray(unit, dims=("sample", "parameter"), coords={"parameter": names})
    found = given_data(value, points, f.ndim > 1, True, [bounded] * len(names))
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
    """By loops: half the mean squared difference at each rank distance, and numpy's straight line."""
    n, rng = 40, np.random.default_rng(0)
    y = rng.standard_normal(n)
    y -= y.mean()
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
    amplitudes = ranks.spectrum(y)
    assert ranks.residual(amplitudes[:, None], window)[0] == pytest.approx(expected, rel=1e-10)


def test_noise_alone_leaves_no_share_on_average() -> None:
    """The diagonal of each quadratic form is 1 / n, but for the outermost: unbiased for any noise."""
    n = 64
    amplitudes = ranks.spectrum(np.eye(n))
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


EXPONENTIAL = np.array([np.e * (np.e - 1), 1, 0]) / (np.e * (np.e - 1) + 1)
COVERED = {
    "ishigami": ([0.313905, 0.442411, 0.0], 0.88),
    "linear": (np.array([16, 4, 1]) / 21, 0.88),
    "product": ([0, 0, 0], 0.88),
    "exponential": (EXPONENTIAL, 0.72),  # its variance is mostly that of the rarest samples
}
"""Shares, and the coverage of a 95 % interval that 200 repetitions do not fall below."""


def functions(name: str, unit: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * unit - 1)
    if name == "ishigami":
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    if name == "linear":
        return unit @ [4.0, 2.0, 1.0]
    if name == "product":
        return product(unit)
    z = stats.norm.ppf(unit)
    return np.exp(z[:, 0]) + z[:, 1]


@pytest.mark.verify
@pytest.mark.parametrize("name", COVERED)
@pytest.mark.parametrize("n", [64, 256])
@pytest.mark.parametrize("noise", [0, 16])
@pytest.mark.parametrize("even", [False, True])
def test_intervals_cover(name: str, n: int, noise: int, even: bool) -> None:
    """200 repetitions on random points and Sobol' sequences; alone and with skewed noise."""
    truth, least = COVERED[name]
    rng, covered = np.random.default_rng(6), np.zeros(3)
    for repetition in range(200):
        unit = sobol(n, 3, 1000 + repetition) if even else rng.random((n, 3))
        f = functions(name, unit)
        if noise:
            f = f[:, None] + f.std() * (rng.standard_exponential((n, noise)) - 1)
        _, low, high = shares(unit, f, name != "exponential")
        covered += (low <= truth) & (truth <= high)
    assert (covered / 200 >= least).all(), covered / 200


def test_units_do_not_matter() -> None:
    unit = sobol(64, 2)
    plain = shares(unit, wave(unit))
    for scale in (1e-150, 1e150):
        np.testing.assert_allclose(shares(unit, scale * (wave(unit) + 3)), plain, rtol=1e-9, atol=1e-12)
