"""Lower bounds on total indices from gradients: near the truth of what is smooth, and not above it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.one_run import by_one
from support.shares import FUNCTIONS, cases, common_noise, noisy

from jaxmorph.designs import SaltelliDesign, SobolDesign, make_design
from jaxmorph.distributions import Distribution, LogUniform, Normal, Uniform
from jaxmorph.sensitivity.lower_bounds import LowerBounds

UNIT = Uniform(low=0, high=1)
NAME = "total_lower_bound"
MANY = make_design(SobolDesign(samples=4096), dict.fromkeys("abc", UNIT))[1]


def bounds(
    v: np.ndarray, f: np.ndarray, g: np.ndarray, distribution: Distribution = UNIT, **known: Any
) -> dict[str, np.ndarray]:
    """Of f (sample, seed), by the ends of the names."""
    varies = {"variance": xr.DataArray([[1.0]], dims=("time", "observable"))}
    arrays = [distribution] * v.shape[1], v, f[..., None], g[:, :, None]
    found = by_one(LowerBounds, *arrays, found=varies, **known)
    return {n.removeprefix(NAME): a.isel(observable=0).values for n, a in found.items()}


def without_noise(name: str, v: np.ndarray, **known: Any) -> dict[str, np.ndarray]:
    f, g = FUNCTIONS[name](v)
    return bounds(v, f[:, None], g[:, None], stochastic=False, **known)


@pytest.mark.parametrize("distribution", [UNIT, Normal(mean=2, sd=0.5), LogUniform(low=0.1, high=10)])
def test_it_is_nearly_the_index_of_a_linear_function(distribution: Distribution) -> None:
    """On the natural scale: of a uniform one, four waves have 96 / pi^4 (1 + 1 / 81) of the variance."""
    slopes = np.array([3.0, 1.0, 0.0])
    theta = np.asarray(distribution.ppf(MANY))
    logarithmic = isinstance(distribution, LogUniform)
    f = (np.log(theta) if logarithmic else theta) @ slopes
    g = slopes / theta if logarithmic else np.broadcast_to(slopes, MANY.shape)
    found = bounds(MANY, f[:, None], g[:, None], distribution, stochastic=False)[""]
    p = (np.arange(10**5) + 0.5) / 10**5
    waves = 2**0.5 * np.cos(np.pi * np.arange(1, 5)[:, None] * p)
    u = np.log(distribution.ppf(p)) if logarithmic else distribution.ppf(p)
    share = ((waves @ u / len(p)) ** 2).sum() / u.var()
    if not isinstance(distribution, Normal):
        assert share == pytest.approx(96 / np.pi**4 * (1 + 1 / 81), rel=1e-3)
    np.testing.assert_allclose(found, share * np.array([0.9, 0.1, 0.0]), rtol=0.005, atol=1e-12)


def test_it_sees_interactions_and_stays_below_the_index() -> None:
    """Ishigami: c acts with a alone, in products of which half is of the waves that are taken."""
    found, total = without_noise("ishigami", MANY)[""], cases()["ishigami"].parts[3:6]
    assert (found < total).all()
    np.testing.assert_allclose(found / total, [0.77, 0.99, 0.51], atol=0.02)


def test_slabs_and_seeds_that_failed_change_nothing_but_what_they_must() -> None:
    rng = np.random.default_rng(0)
    v = rng.random((60, 3))
    f, g = noisy(*FUNCTIONS["product"](v), v, 6, 0.3, rng)
    varies = {"variance": xr.DataArray([[1.0]], dims=("time", "observable"))}
    whole, cut = (
        by_one(LowerBounds, [UNIT] * 3, v, f[..., None], g[:, :, None], found=varies, slabs=n)
        for n in (1, 7)
    )
    for name, array in whole.items():
        np.testing.assert_allclose(cut[name], array, rtol=1e-9)
    f[3, 2] = np.nan
    holed = bounds(v, f, g)
    rest = bounds(np.delete(v, 3, 0), np.delete(f, 3, 0), np.delete(g, 3, 0))
    np.testing.assert_allclose(holed[""], rest[""], rtol=1e-9)


@pytest.mark.parametrize("noise", [noisy, common_noise])
def test_noise_adds_nothing_to_the_squares(noise: Callable[..., Any]) -> None:
    """A parameter without effect, noise in its gradients: 0 on average over 200 draws of the noise."""
    rng = np.random.default_rng(0)
    v = rng.random((40, 2))
    flat = np.broadcast_to([1.0, 0.0], v.shape)
    draws = [noise(v[:, 0], flat, v, 4, 1.0, rng) for _ in range(200)]
    f, g = (np.stack(x, axis=2) for x in zip(*draws, strict=True))
    varies = {"variance": xr.DataArray(np.ones((1, 200)), dims=("time", "observable"))}
    each = by_one(LowerBounds, [UNIT] * 2, v, f, g, found=varies)[NAME].values[:, 1]
    error = each.std() / len(each) ** 0.5
    assert abs(each.mean()) < 3 * error < 0.06


def test_designs_that_cannot_have_it_have_none() -> None:
    design = SaltelliDesign(samples=16)
    v = make_design(design, dict.fromkeys("abc", UNIT))[1]
    assert not without_noise("product", v, design=design)
    v = np.random.default_rng(0).random((40, 3))
    assert without_noise("product", v)
    assert not without_noise("product", v, independent=False)
    f, g = FUNCTIONS["product"](v)
    assert not bounds(v, np.tile(f[:, None], 3), np.tile(g[:, None], (1, 3, 1)))  # three seeds


@pytest.mark.verify
@pytest.mark.parametrize("noise", [None, noisy, common_noise])
@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_lower_ends_are_not_above_the_index(
    name: str, noise: Callable[..., Any] | None, record_property: Callable[[str, object], None]
) -> None:
    """In 2.5 % of 200 random designs of 64 points, as an interval is at one end, or in fewer."""
    d = cases()[name].n_parameters
    total = cases()[name].parts[d : 2 * d]
    above = np.zeros(d)
    for r in range(200):
        rng = np.random.default_rng(r)
        v = rng.random((64, d))
        if noise is None:
            found = without_noise(name, v)
        else:
            found = bounds(v, *noise(*FUNCTIONS[name](v), v, 8, 0.5, rng))
        above += found["_low"] > total
    record_property("intervals", 200 * d)
    record_property("lower ends above the index", int(above.sum()))
    assert (above / 200 <= 0.04).all()
