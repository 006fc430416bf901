"""The closed forms that the figures of docs/concepts are drawn from, against draws."""

import importlib.util
from importlib.machinery import SourceFileLoader
from types import ModuleType

import numpy as np
import pytest
from support import ROOT

N = 400_000


@pytest.fixture(scope="module")
def concepts() -> ModuleType:
    loader = SourceFileLoader("concepts", str(ROOT / "scripts/concepts"))
    spec = importlib.util.spec_from_loader("concepts", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def near(draws: np.ndarray, truth: float) -> bool:
    return bool(abs(draws.mean() - truth) < 4 * draws.std() / len(draws) ** 0.5 + 1e-12)


def test_slopes_with_common_and_with_other_noise(concepts: ModuleType) -> None:
    one, two = np.random.default_rng(0).standard_normal((2, N))
    same, other = concepts.spread_of_differences(1.0, np.array([0.5]))
    here, common, apart = one**2, one**2 / 1.5, two**2 / 1.5
    np.testing.assert_allclose(((common - here) / 0.5).std(), same[0], rtol=0.02)
    np.testing.assert_allclose(((apart - here) / 0.5).std(), other[0], rtol=0.02)
    assert near(concepts.one_path(2.0, one), -1 / 4)


def test_the_share_and_the_bound_of_a_wave(concepts: ModuleType) -> None:
    x, y = np.random.default_rng(0).uniform(size=(2, N))
    wave = np.sin(2 * np.pi * 3 * x)
    variance = (wave + 2 * y).var()
    steep = (2 * np.pi * 3 * np.cos(2 * np.pi * 3 * x)) ** 2
    index, bound = concepts.wave_shares(np.array([3]), 2.0)
    np.testing.assert_allclose(wave.var() / variance, index[0], rtol=0.02)
    np.testing.assert_allclose(steep.mean() / np.pi**2 / variance, bound[0], rtol=0.02)


def test_four_estimators_of_one_choice(concepts: ModuleType) -> None:
    theta, s = 0.7, 0.8
    rng = np.random.default_rng(0)
    u, z = rng.uniform(size=N), rng.standard_normal(N)

    def p(at: np.ndarray | float) -> np.ndarray:
        return 1 / (1 + np.exp(-np.asarray(at)))

    def f(at: np.ndarray | float) -> np.ndarray:
        return (1.0 + (u < p(at))) ** 2

    c = u < p(theta)
    slope = p(theta) * (1 - p(theta))
    draws = {
        "score": f(theta) * (c - p(theta)),
        "smoothed": z / (2 * s) * (f(theta + s * z) - f(theta - s * z)),
        "straight-through": 2 * (1.0 + c) * slope,
    }
    forms = concepts.choice_gradients(np.array([theta]), s)
    assert forms["pathwise"][0] == 0 and forms["truth"][0] == 3 * slope
    for name, drawn in draws.items():
        mean, sd = (x.item() for x in forms[name])
        assert near(drawn, mean), name
        np.testing.assert_allclose(drawn.std(), sd, rtol=0.02, err_msg=name)


def test_gradients_of_paths_grow_and_that_of_their_mean_vanishes(concepts: ModuleType) -> None:
    noise = 0.05 * np.random.default_rng(0).standard_normal(N)
    path, mean = concepts.doubling_gradients(np.array([4.0]), 0.05)
    theta = np.linspace(0, 2 * np.pi, 64, endpoint=False)[:, None]
    drawn = -16 * np.sin(16 * (theta + noise[:20_000]))
    np.testing.assert_allclose(np.sqrt((drawn**2).mean()), path[0], rtol=0.02)
    np.testing.assert_allclose(np.sqrt((drawn.mean(axis=1) ** 2).mean()), mean[0], rtol=0.02)


def test_every_figure_is_drawn_and_shown(concepts: ModuleType) -> None:
    for name in concepts.FIGURES:
        assert (concepts.PLACE / f"{name}.svg").read_text().startswith("<?xml")
        assert f"]({name}.svg)" in (concepts.PLACE / f"{name}.md").read_text()
