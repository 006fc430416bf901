"""Gradients that miss something, found from the data alone; and those that miss nothing, left alone."""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr, ndtri
from scipy.stats import qmc
from support.completeness import JUMPING, UNIT, design_of, functions, jumps, rates
from support.one_run import arrays, by_parts, estimated

from jaxmorph.designs import (
    GridDesign,
    ListDesign,
    SobolDesign,
)
from jaxmorph.distributions import (
    Beta,
    Distribution,
    Gamma,
    LogNormal,
    LogTriangular,
    LogUniform,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
)
from jaxmorph.report import findings, incomplete, summary
from jaxmorph.sensitivity import BothErrors
from jaxmorph.sensitivity.completeness import holm, of_parts, too_small
from jaxmorph.sensitivity.moments import DesignMoments, Sampling
from jaxmorph.sensitivity.waves import of_gradients, of_values

ANY: list[Distribution] = [
    Uniform(low=1, high=5),
    LogUniform(low=0.1, high=10),
    Normal(mean=1, sd=2),
    LogNormal(median=2, sd_log=0.5),
    TruncatedNormal(low=0, high=3, mean=1, sd=1),
    Triangular(low=0.5, mode=2.5, high=4.5),
    LogTriangular(low=0.2, mode=2, high=4),
    Beta(low=0, high=4, alpha=2.5, beta=0.8),
    Gamma(shape=2, scale=0.5),
]


def sobol(n: int, d: int, seed: int = 0) -> np.ndarray:
    found: np.ndarray = qmc.Sobol(d, rng=np.random.default_rng(seed)).random(n)
    return found


@pytest.mark.parametrize("distribution", ANY)
def test_test_functions_obey_integration_by_parts(distribution: Distribution) -> None:
    v = (np.arange(100_000) + 0.5) / 100_000
    theta = distribution.ppf(v)
    by_u = theta if distribution.is_logarithmic else 1.0
    f, slope = np.sin(1.3 * theta) + 0.2 * theta, (1.3 * np.cos(1.3 * theta) + 0.2) * by_u
    left = (of_gradients(distribution, theta, v) * slope).mean(axis=1)
    right = -(of_values(distribution, theta, v, None) * f).mean(axis=1)
    assert np.abs(left).min() > 0.05
    np.testing.assert_allclose(left, right, atol=2e-4)


@pytest.mark.parametrize("distribution", ANY)
def test_they_are_smoothed_as_the_gradients_are(distribution: Distribution) -> None:
    """The smoothed gradient by quadrature, at a smoothing four times that of a run."""
    smoothing, n = 0.2, 1500
    v = (np.arange(n) + 0.5) / n
    theta = distribution.ppf(v)
    logarithmic = distribution.is_logarithmic
    natural = np.log(theta) if logarithmic else theta
    sd = smoothing * distribution.natural_sd
    z, weight = np.polynomial.hermite_e.hermegauss(40)
    weight = weight / weight.sum()
    ends = distribution.natural_support
    if np.isfinite(ends).any():
        low = np.maximum(ends[0], natural - 16 * sd)
        width = np.minimum(ends[1], natural + 16 * sd) - low
        x = ndtri(np.clip((natural - low) / width, 1e-3, 1 - 1e-3))
        steps = (sd * np.sqrt(2 * np.pi) / width)[:, None] * z
        moved = low[:, None] + width[:, None] * ndtr(x[:, None] + steps)
    else:
        moved = natural[:, None] + sd * z
    reach = (moved * z * weight).sum(axis=1)

    def function(u: np.ndarray) -> np.ndarray:
        at = np.exp(u) if logarithmic else u
        return np.asarray(np.sin(1.3 * at) + 0.2 * at)

    slope = (function(moved) * z * weight).sum(axis=1) / reach
    left = (of_gradients(distribution, theta, v) * slope).mean(axis=1)
    smoothed, plain = (
        -(of_values(distribution, theta, v, s) * function(natural)).mean(axis=1)
        for s in (smoothing, None)
    )
    assert np.abs(left - plain).max() > 0.015
    assert np.abs(left - smoothed).max() < 0.3 * np.abs(left - plain).max()


def test_a_jump_is_missing_with_its_height() -> None:
    """Known answer 11: J h(theta_0) p(theta_0), here at 2, 3 and 4 of [1, 5]."""
    v = (np.arange(4096) + 0.5)[:, None] / 4096
    f = np.floor(1 + 4 * v)[:, :, None]
    parts = by_parts(
        [Uniform(low=1, high=5)], v, f, np.zeros((4096, 1, 1, 1)), design=SobolDesign(samples=4096)
    )
    k = np.arange(1, 4)
    expected = np.sin(np.pi * k[:, None] * np.array([0.25, 0.5, 0.75])).sum(axis=1)
    np.testing.assert_allclose(parts.missing[:, 0, 0, 0], expected, atol=2e-3)
    assert parts.explained.max() == 0


@pytest.mark.parametrize("distribution", ANY)
def test_a_jump_is_found_whatever_the_distribution(distribution: Distribution) -> None:
    """x + 2 (x > median) sd, of which the gradient sees the first term alone, and x / 3 + x^2 / 9."""
    v = sobol(256, 2)
    x = np.stack([distribution.ppf(v[:, 0]), distribution.ppf(v[:, 1])], axis=1)
    sd = distribution.natural_sd * (distribution.centre if distribution.is_logarithmic else 1)
    f = (x[:, 0] + 2 * sd * (v[:, 0] > 0.5) + x[:, 1] / 3 + x[:, 1] ** 2 / 9)[:, None, None]
    g = np.stack([np.ones(256), 1 / 3 + 2 * x[:, 1] / 9], axis=1)[:, None, None]
    found = estimated([distribution] * 2, v, f, g, design=SobolDesign(samples=256), stochastic=False)
    assert found["gradient_incomplete"].values.ravel().tolist() == [True, False]


@pytest.fixture(scope="module")
def jumping() -> xr.Dataset:
    v = sobol(128, 3)
    f, g = jumps(v, np.random.default_rng(0))
    return estimated(JUMPING, v, f, g, design=SobolDesign(samples=128))


def test_jumps_are_found_and_what_does_not_jump_is_not_accused(jumping: xr.Dataset) -> None:
    found = jumping
    expected = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]], bool)
    np.testing.assert_array_equal(found["gradient_incomplete"], expected)
    assert found["some_gradient_incomplete"].all()
    np.testing.assert_allclose(found["gradient_missing_share"].values[expected], 1, atol=1e-12)
    # What they miss is withheld; what is known of the others stays, directions of all do not.
    for name in ("total_bound", "total_bound_high", "dgsm", "elasticity_average", "gradient_average"):
        np.testing.assert_array_equal(found[name].isnull(), expected, err_msg=name)
        assert "jump" in found[name].attrs["withheld"]
    assert found["gradient_outer_product"][0].isnull().sum() == 5
    assert found["active_direction"].isnull().all()
    assert found["activity_score"].isnull().all()
    assert not found["gradient_mean"].isnull().any()


def test_the_report_says_it_first_and_ranks_by_what_is_left(jumping: xr.Dataset) -> None:
    found = jumping.expand_dims("time")
    told = incomplete.refuted(found)
    assert "f0 with respect to p0 (100 % is missing)" in told
    assert "f2 with respect to p1" in told
    assert "p2" not in told
    rankings = summary.rankings(found)
    assert [ranking.effects[0].parameter for ranking in rankings] == ["p0", "p0", "p1"]
    # By shares of variance, of which the values alone tell where gradients do not.
    assert all(ranking.measure and ranking.measure.is_share for ranking in rankings)
    said = " ".join(text for _, text in findings.per_observable(found, rankings))
    assert "does not depend" not in said


def test_a_rounded_number_is_not_one_that_depends_on_nothing() -> None:
    v = sobol(16, 1)
    f = np.round(0.6 + 2.8 * v)[:, :, None]
    known = {"design": SobolDesign(samples=16), "stochastic": False}
    found = estimated([Uniform(low=0.6, high=3.4)], v, f, np.zeros((16, 1, 1, 1)), **known)
    assert found["gradient_incomplete"].all()
    assert found["total_bound"].isnull().all()
    rounded = incomplete.refuted(found.expand_dims("time"))
    assert rounded.startswith("Gradients are incomplete: those of f0 with respect to p0")


def test_a_choice_that_the_score_does_not_see_is_found() -> None:
    """`HalfSeen`: of two choices of probability p the score has one; not found in the one it has."""
    rng = np.random.default_rng(3)
    v, seeds = sobol(64, 1, seed=2), 256
    p = 0.2 + 0.4 * v
    seen, raw = (rng.random(seeds) < p) * 1.0, (rng.random(seeds) < p) * 1.0
    score = (seen - p) / (p * (1 - p))
    f = np.stack([seen + raw, seen], axis=-1)
    mean = np.stack([2 * p, p], axis=-1)
    g = ((f - mean) * score[..., None])[..., None]
    known = {"design": SobolDesign(samples=64), "complete": False}
    found = estimated([Uniform(low=0.2, high=0.6)], v, f, g, **known)
    assert found["gradient_incomplete"].values.ravel().tolist() == [True, False]
    # Half of the slope 2 is missing.
    assert found["gradient_missing_share"].values[0, 0] == pytest.approx(0.5, abs=0.15)


def test_a_wave_is_not_accused() -> None:
    rng = np.random.default_rng(5)
    for seed in range(5):
        v = sobol(64, 2, seed)
        f = 10 + 3 * np.sin(4 * np.pi * v[:, :1]) + 0.5 * v[:, 1:] + 0.1 * rng.standard_normal((1, 16))
        slope = np.stack([12 * np.pi * np.cos(4 * np.pi * v[:, 0]), np.full(64, 0.5)], axis=-1)
        g = np.broadcast_to(slope[:, None, None], (64, 16, 1, 2))
        numbers = of_parts(by_parts([UNIT, UNIT], v, f[..., None], g, design=SobolDesign(samples=64)))
        assert not numbers["gradient_incomplete"].any()


def test_a_single_parameter_of_still_gradients_is_named_others_are_not() -> None:
    """Values vary where every gradient is 0: some gradient is incomplete, which one if it is alone."""
    v = sobol(8, 2)  # too few for integration by parts
    f = (v[:, :1] > 0.5)[..., None] * 1.0
    for n in (1, 2):
        g = np.zeros((8, 1, 1, n))
        found = estimated([UNIT] * n, v[:, :n], f, g, design=SobolDesign(samples=8), stochastic=False)
        assert found["some_gradient_incomplete"].all()
        assert bool(found["gradient_incomplete"].any()) == (n == 1)
        assert found["total_bound"].isnull().all()


def test_bounds_that_add_up_to_less_than_one_are_refuted_and_those_that_make_one_are_not() -> None:
    """Of normal inputs an additive function has exactly 1."""
    rng = np.random.default_rng(6)
    normal = [Normal(mean=0, sd=1)] * 3
    v = rng.random((128, 3))
    x = np.column_stack([d.ppf(column) for d, column in zip(normal, v.T, strict=True)])
    weights = np.array([[1.0, 0.5, 0.2], [0.1, 2.0, 0.3]])
    f = (x @ weights.T)[:, None] + 0.3 * rng.standard_normal((1, 8, 1))
    g = np.broadcast_to(weights, (128, 8, 2, 3)).copy()
    assert not estimated(normal, v, f, g)["some_gradient_incomplete"].any()
    for part, expected in ((1.0, False), (0.5, True)):
        moments = DesignMoments(Sampling(128))
        _, slab = arrays(normal, v, f, part * g)
        used = slab["value"].notnull()
        moments.add(slab["value"], slab["gradient"], used)
        assert ((too_small(BothErrors(moments), np.ones(3)) < 0.001) == expected).all()


def test_p_values_are_adjusted_by_holms_steps() -> None:
    """Holm (1979): 0.01 and 0.005 of four; a later one is never below an earlier one."""
    adjusted = holm(np.array([[0.01, 0.04], [np.nan, 0.03], [0.005, np.nan]]))
    np.testing.assert_allclose(adjusted, [[0.03, 0.06], [np.nan, 0.06], [0.02, np.nan]])


def test_where_the_identity_does_not_hold_nothing_is_said() -> None:
    v = sobol(64, 2)
    f, g = v.sum(axis=1)[:, None, None], np.ones((64, 1, 1, 2))
    unlike = sobol(64, 2)
    unlike[:, 1] = unlike[:, 0]
    grid = GridDesign(points=8)
    listed = ListDesign(points=({"p0": 0.5, "p1": 0.5},))
    for points, known in (
        (v, {"independent": False}),
        (v, {"design": grid}),
        (unlike, {"design": listed}),
    ):
        found = estimated([UNIT, UNIT], points, f, g, stochastic=False, **known)
        assert "gradient_missing" not in found
        reason = json.loads(found.attrs["absent_estimates"])["gradient_missing"]
        assert "independent parameters" in reason


def test_search_curves_are_no_independent_draws() -> None:
    """Along those of FAST, b and c turn at the same samples: smooth functions would be refuted."""
    design, v = design_of("fast", 65, 0)
    f, g = functions(v, np.zeros(1))
    found = estimated([UNIT] * 3, v, f, g, design=design, stochastic=False)
    assert "gradient_missing" not in found and "gradient_incomplete" not in found


def test_simulations_that_fail_here_and_there_leave_no_test() -> None:
    """If a failure depends on the parameter, the boundary of what is left counts, and is not known."""
    v = sobol(64, 1)
    f, g = np.where(v < 0.8, v, np.nan)[..., None], np.ones((64, 1, 1, 1))
    numbers = of_parts(by_parts([UNIT], v, f, g, design=SobolDesign(samples=64)))
    assert np.isnan(numbers["gradient_missing"]).all()
    assert numbers["gradient_unresolved"].all()
    assert not numbers["gradient_incomplete"].any()


def test_slabs_units_and_offsets_do_not_matter() -> None:
    v = sobol(64, 3)
    f, g = jumps(v, np.random.default_rng(1), seeds=4)
    known: dict[str, Any] = {"design": SobolDesign(samples=64), "complete": False}
    one = by_parts(JUMPING, v, f, g, **known)
    other = by_parts(JUMPING, v, 1e-190 * (f + 1e3), 1e-190 * g, slabs=5, **known)
    np.testing.assert_allclose(other.missing, 1e-190 * one.missing, rtol=1e-6, atol=1e-200)
    np.testing.assert_allclose(other.p_value, one.p_value, rtol=1e-5)


def test_complete_gradients_are_seldom_accused() -> None:
    below = rates("random", 16, 40)
    assert below[0].max() <= 0.15  # 5 % of 40, and three standard errors
    assert below[2].mean() <= 0.005
