"""Estimates do not depend on the unit of an observable, nor all on one wild sample."""

import functools
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jaxmorph import designs, sensitivity
from jaxmorph.designs import Design
from jaxmorph.distributions import Distribution, LogUniform, Uniform
from jaxmorph.quantities import by_name, declaration_of, power_in
from jaxmorph.sensitivity.estimate import quantities

DISTRIBUTIONS: dict[str, Distribution] = {"a": Uniform(low=1, high=2), "b": LogUniform(low=0.1, high=10)}
DESIGNS: dict[str, Design] = {
    "sobol": designs.SobolDesign(method="sobol", samples=128),
    "saltelli": designs.SaltelliDesign(method="saltelli", samples=64),
    "morris": designs.MorrisDesign(method="morris", trajectories=10),
    "fast": designs.FastDesign(method="fast", samples=65),
}
TINIEST, LARGEST = 1e-305, 1e305
N_SEEDS = 6


def simulated(name: str) -> tuple[xr.Dataset, xr.Dataset]:
    """A product with noise at two times, with its gradients; and the points."""
    theta, unit = designs.make_design(DESIGNS[name], DISTRIBUTIONS, [])
    noise = np.random.default_rng(1).standard_normal((2, N_SEEDS))
    a, b = theta.T[:, :, None, None]
    t = np.array([1.0, 3.0])
    value = a * b * t + (a + t) * noise[0][None, :, None] + b**2 / 2 * noise[1][None, :, None] + 3
    gradient = np.stack([b * t + noise[0][None, :, None], a * t + noise[1][None, :, None] * b], -1)
    points = xr.Dataset(
        {
            "parameter_value": (("sample", "parameter"), theta),
            "unit_value": (("sample", "parameter"), unit),
        },
        coords={"sample": np.arange(len(theta)), "parameter": list(DISTRIBUTIONS)},
    )
    slab = xr.Dataset(
        {
            "value": (("sample", "seed", "time", "observable"), value[..., None]),
            "gradient": (("sample", "seed", "time", "observable", "parameter"), gradient[:, :, :, None]),
            "parameter_value": points["parameter_value"],
        },
        coords={"seed": np.arange(N_SEEDS), "time": ("time", t, {"units": "h"}), "observable": ["f"]},
    )
    return slab, points


def estimated(name: str, slab: xr.Dataset, points: xr.Dataset, **known: Any) -> xr.Dataset:
    question = sensitivity.Question(list(DISTRIBUTIONS.values()), DESIGNS[name], **known)
    return sensitivity.estimate([slab], points, question)


@functools.cache
def of_order_one(name: str) -> xr.Dataset:
    return estimated(name, *simulated(name))


def in_unit(name: str, k: int, kind: type = np.float64) -> xr.Dataset:
    slab, points = simulated(name)
    for which in ("value", "gradient"):
        slab[which] = (slab[which] * 10.0**k).astype(kind)
    return estimated(name, slab, points)


def check(found: xr.Dataset, wanted: xr.Dataset, k: int, rtol: float) -> int:
    """Every estimate is that of order 1, times the unit to the power that is declared."""
    declared, checked = by_name(quantities()), 0
    assert set(found.variables) == set(wanted.variables)
    for variable in wanted.data_vars:
        quantity = declaration_of(str(variable), declared)
        if quantity is None or wanted[variable].dtype.kind != "f":
            continue
        power = power_in(quantity.unit, "observable")
        x, y = wanted[variable].values.astype(np.longdouble), found[variable].values
        x = x * np.longdouble(10) ** (k * power)
        size = np.abs(x)
        there = np.isfinite(x) & ((size == 0) | ((size > TINIEST) & (size < LARGEST)))
        # An error that is nothing but round-off of its estimate is compared with that.
        whole = (
            np.abs(wanted[quantity.name].values.astype(np.longdouble)) if quantity.name in wanted else 0
        )
        of_whole = np.nanmax(np.append(whole, 0.0)) * np.longdouble(10) ** (k * power)
        largest = max(np.max(size, initial=0, where=there), of_whole)
        np.testing.assert_allclose(y[there] / (largest or 1), (x / (largest or 1))[there].astype(float),
                                   rtol=rtol, atol=rtol * 1e-3, err_msg=str(variable))  # fmt: skip
        # Beyond numbers: infinite or absent, and never another number.
        assert not np.any(np.isfinite(y[np.isfinite(x) & (size > 2e308)])), variable
        assert not np.any(y[(size > 0) & (size < 1e-309)] == 0), variable
        np.testing.assert_array_equal(np.isnan(y[there]), False)
        checked += there.any()
    return checked


@pytest.mark.parametrize(
    ("name", "k"),
    [
        ("sobol", -200),
        *(pytest.param("sobol", k, marks=pytest.mark.slow) for k in (-100, -25, 40, 75, 150)),
        *(
            pytest.param(name, k, marks=pytest.mark.slow)
            for name in ("saltelli", "morris", "fast")
            for k in (-200, -25, 150)
        ),
    ],
)
def test_estimates_go_with_the_unit_of_the_observable(name: str, k: int) -> None:
    assert check(in_unit(name, k), of_order_one(name), k, 1e-6) > 15


@pytest.mark.parametrize("k", [-25, *(pytest.param(k, marks=pytest.mark.slow) for k in (-30, 25))])
def test_estimates_of_single_precision_are_made_in_double(k: int) -> None:
    assert check(in_unit("sobol", k, np.float32), in_unit("sobol", 0, np.float32), k, 1e-4) > 30


@functools.cache
def without(which: str) -> xr.Dataset:
    return moved(np.nan, which, 5)


def moved(factor: float, which: str, rows: int | slice) -> xr.Dataset:
    slab, points = simulated("sobol")
    slab[which][rows] *= factor
    return estimated("sobol", slab, points)


@pytest.mark.parametrize("which", ["value", "gradient"])
@pytest.mark.parametrize(
    "factor", [*(pytest.param(f, marks=pytest.mark.slow) for f in (1e80, 1e170)), 1e300]
)
def test_a_wild_sample_costs_its_own_estimates_alone(factor: float, which: str) -> None:
    """Those of the others are as if it had failed; and it is named."""
    wild = moved(factor, which, 5)
    xr.testing.assert_identical(wild, without(which))
    assert np.isnan(wild["gradient_mean"][5]).all() and np.isfinite(wild["gradient_mean"][6]).all()
    assert set(wild["excluded_sample"].values) == {5} and wild["non_finite_count"] == 2 * N_SEEDS
    assert np.isfinite(wild["dgsm_high"]).all()


@pytest.mark.parametrize("which", ["value", "gradient"])
@pytest.mark.parametrize("factor", [pytest.param(1e20, marks=pytest.mark.slow), 1e60])
def test_a_sample_that_is_large_counts(factor: float, which: str) -> None:
    large = moved(factor, which, 5)
    assert large["non_finite_count"] == 0
    average = f"{which}_average"
    assert (abs(large[average]) > 1e-3 * factor).all() and np.isfinite(large[f"{average}_se"]).all()


def test_gradients_far_larger_than_their_observable_are_flagged() -> None:
    """Their variance is no number; their means, errors and ratios are."""
    large, usual = moved(1e200, "gradient", slice(None)), of_order_one("sobol")
    assert np.isinf(large["gradient_variance"]).all() and large["gradient_unreliable"].all()
    for name, factor in {"gradient_se": 1e200, "gradient_mean": 1e200, "signal_to_noise": 1.0}.items():
        np.testing.assert_allclose(large[name], factor * usual[name], rtol=1e-9)
    for name in ("variance", "noise_share", "mean_se", "variance_low"):
        np.testing.assert_allclose(large[name], usual[name], rtol=1e-9)


def test_round_off_of_single_precision_is_no_variance() -> None:
    slab, points = simulated("sobol")
    rng = np.random.default_rng(2)
    for which in ("value", "gradient"):
        last = rng.integers(0, 4, slab[which].shape) * np.finfo(np.float32).eps
        slab[which] = (slab[which].dims, (1e-25 * (1 + last)).astype(np.float32))
    found = estimated("sobol", slab, points)
    for name in ("variance", "noise_variance", "gradient_variance"):
        assert (found[name] == 0).all(), name


def test_energies_in_joules_have_the_errors_of_energies_of_order_one() -> None:
    """Eight seeds of k (1 + z): the standard error is about a third of the gradient."""
    rng = np.random.default_rng(3)
    theta = rng.uniform(1, 2, (16, 1))
    z = rng.standard_normal((2, 8))
    energy = 1e-25 * (theta * (1 + z[0]) + 0.1 * z[1])
    gradient = np.broadcast_to(1e-25 * (1 + z[0]), energy.shape)[:, :, None, None, None]
    slab = xr.Dataset(
        {
            "value": (("sample", "seed", "time", "observable"), energy[:, :, None, None]),
            "gradient": (("sample", "seed", "time", "observable", "parameter"), gradient),
            "parameter_value": (("sample", "parameter"), theta),
        },
        coords={"sample": np.arange(16), "time": ("time", [0.0], {"units": "h"}), "parameter": ["k"]},
    ).astype(np.float32)
    points = slab[["parameter_value"]].assign(unit_value=slab["parameter_value"] - 1)
    question = sensitivity.Question([Uniform(low=1, high=2)])
    found = sensitivity.estimate(
        [slab.assign_coords(seed=np.arange(8), observable=["e"])], points, question
    )
    wanted = 1e-25 * z[0].std(ddof=1) / 8**0.5
    np.testing.assert_allclose(found["gradient_se"], wanted, rtol=1e-5)
    assert (found["signal_to_noise"] < 10).all() and (found["seeds_needed"] > 2).all()
