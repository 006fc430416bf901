"""What all Gaussian steps of a path tell, held against closed forms; withheld where it is not known."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import Array, PRNGKeyArray
from scipy import stats
from support.one_run import arrays, estimated
from support.ornstein_uhlenbeck import INFORMATION_BY_RECORDS, OrnsteinUhlenbeck

import jaxmorph as jxm
from jaxmorph import engine
from jaxmorph.distributions import Uniform
from jaxmorph.figures import nothing_because
from jaxmorph.quantities import absent
from jaxmorph.report import findings, incomplete
from jaxmorph.sensitivity import Question, Samples, Slab, estimate
from jaxmorph.sensitivity.path_information import PathInformation
from jaxmorph.studies import Problem, load_problem

BOUNDS = ("cramer_rao_sd_path", "cramer_rao_sd_path_alone")
UNIFORM, UNIT = Uniform(low=0.5, high=1.5), Uniform(low=0, high=1)


class Trap(jxm.Study):
    """Known answer 8: exact steps of an Ornstein-Uhlenbeck process, each of which is recorded."""

    parameters = (
        jxm.Parameter("k", "1", "stiffness", 1.0, UNIFORM),
        jxm.Parameter("D", "1", "diffusion", 1.0, UNIFORM),
    )
    observables = (jxm.Observable("x", "1", "position"),)

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        k, d = parameters["k"], parameters["D"]
        decay = jnp.exp(-0.05 * k)
        spread = jnp.sqrt(d / k * (1 - decay**2))

        def step(x: Array, key: PRNGKeyArray) -> tuple[Array, Array]:
            x = jxm.gaussian(jax.random.normal(key, (), x.dtype), decay * x, spread)
            return x, x

        _, x = jxm.scan(step, 2.0 + 0 * k, jax.random.split(key, 40))
        return jxm.Recording(0.05 * (1.0 + jnp.arange(40)), {"x": x})


@functools.cache
def trapped() -> engine.Evaluation:
    study = Trap()
    problem = Problem(study, study.parameters, (UNIFORM, UNIFORM), {}, ("x",))
    return engine.evaluate(problem, np.ones((2, 2)), np.arange(256), run_key=0, estimator="score")


def scores(x: np.ndarray) -> np.ndarray:
    """Of each exact step at k = D = 1, by hand: (..., step, parameter) of the positions (..., step)."""
    a, by_k = np.exp(-0.05), -0.05 * np.exp(-0.05)
    s = np.sqrt(1 - a**2)
    s_k = (-(s**2) - 2 * a * by_k) / (2 * s)
    before = np.concatenate([np.full((*x.shape[:-1], 1), 2.0), x[..., :-1]], axis=-1)
    xi = (x - a * before) / s
    return np.stack([xi * by_k * before / s + (xi**2 - 1) * s_k / s, (xi**2 - 1) / 2], axis=-1)


def simulated(records: int, seeds: int, rng: np.random.Generator, *more: int) -> np.ndarray:
    """Scores of stretches (..., seed, stretch, parameter) of exact steps."""
    value, _ = OrnsteinUhlenbeck(records).simulated(rng, *more, seeds)
    return scores(value[..., 0])


def given(score: np.ndarray) -> tuple[xr.Dataset, xr.Dataset, Question]:
    """Points, a slab of two samples at 1 with scores (seed, stretch, parameter), and the question."""
    n, _, n_parameters = score.shape
    dims = ("sample", "seed", "time", "observable")
    value = np.random.default_rng(0).standard_normal((2, n, 1, 1))
    one = (("sample", "parameter"), np.ones((2, n_parameters)))
    slab = xr.Dataset(
        {
            "value": (dims, value),
            "gradient": ((*dims, "parameter"), np.ones((*value.shape, n_parameters))),
            "parameter_value": one,
            "path_score": (("sample", "seed", "stretch", "parameter"), np.stack([score] * 2)),
        },
        {"sample": [0, 1], "seed": np.arange(n), "parameter": ["k", "D", "c"][:n_parameters]},
    )
    slab = slab.assign_coords(time=[1.0], observable=["x"])
    points = slab[["parameter_value"]].assign(unit_value=(one[0], np.full((2, n_parameters), 0.5)))
    return points, slab, Question([UNIFORM] * n_parameters, complete=False)


def bounds(score: np.ndarray) -> xr.Dataset:
    """What the estimator makes of scores (seed, stretch, parameter)."""
    points, slab, question = given(score)
    value, gradient, theta = (slab[name] for name in ("value", "gradient", "parameter_value"))
    estimator = PathInformation(Samples(points, question, None))
    estimator.add(Slab(value, gradient, gradient, theta, value, None, slab, xr.Dataset()))
    found = xr.Dataset(estimator.finish({}))
    return found.assign_attrs(absent_estimates=json.dumps(estimator.absent))


def exact(records: int) -> dict[str, np.ndarray]:
    """In units of the parameters' standard deviation 12^-1/2."""
    f = sum(INFORMATION_BY_RECORDS[records]) / 12
    return dict(zip(BOUNDS, (np.diag(np.linalg.inv(f)) ** 0.5, np.diag(f) ** -0.5), strict=True))


def test_the_engine_has_the_score_of_each_step() -> None:
    result = trapped()
    assert result.path_score is not None and result.path_score.shape == (2, 256, 40, 2)
    np.testing.assert_allclose(result.path_score, scores(result.value[..., 0]), rtol=1e-9, atol=1e-9)


def test_known_answer_8_from_the_score_of_a_run() -> None:
    """0.7592 and 0.2236 alone, 0.7700 and 0.2268 together, times the design's unit 12^(1/2)."""
    result = trapped()
    assert result.path_score is not None
    points, slab, question = given(result.path_score[0])
    data = estimate([slab], points, question)
    np.testing.assert_allclose(data[BOUNDS[1]] / 12**0.5, [0.7592, 0.2236], rtol=0.15)
    np.testing.assert_allclose(data[BOUNDS[0]] / 12**0.5, [0.7700, 0.2268], rtol=0.15)
    assert not set(BOUNDS) & set(absent(data))


@pytest.mark.parametrize("records", [10, 40, 400])
def test_information_of_a_path_is_within_15_percent(records: int) -> None:
    data = bounds(simulated(records, 256, np.random.default_rng(1)))
    for name, truth in exact(records).items():
        np.testing.assert_allclose(data[name], truth, rtol=0.15)
        assert (data[f"{name}_low"] < truth).all() and (truth < data[f"{name}_high"]).all()
    f = data["path_information"].transpose("parameter", "parameter_2")
    np.testing.assert_allclose(np.diag(f) ** -0.5, data[BOUNDS[1]], rtol=0.02)


@pytest.mark.slow
def test_many_short_steps_tell_more_than_the_records() -> None:
    """The built-in study: 200 Euler steps, 20 records. F_kk = sum E[x^2] (dt / gamma)^2 / sd^2."""
    varied = {"k": "default", "kT": "default", "x0": "default"}
    problem = load_problem("ornstein-uhlenbeck", {}, varied)  # type: ignore[arg-type]
    result = engine.evaluate(
        problem, np.array([[2.0, 1.0, 1.5]]), np.arange(64), run_key=0, estimator="score"
    )
    score = result.path_score
    assert score is not None
    # The start is recorded: that tells all of x0, and the steps do not.
    assert np.isnan(score[..., 2]).all() and np.isfinite(score[..., :2]).all()
    data = bounds(score[0])
    a, variance = 1 - 2 * 0.01 / 0.8, 2 * 0.01 / 0.8
    n = np.arange(200)
    square = (a**n * 1.5) ** 2 + variance * (1 - a ** (2 * n)) / (1 - a**2)
    truth = np.array([square.sum() * (0.01 / 0.8) ** 2 / variance, 200 / 2]) / 12
    for name in BOUNDS:
        np.testing.assert_allclose(data[name][:2], truth**-0.5, rtol=0.15)
        assert np.isnan(data[name][2])
    assert data["path_information"].isnull().sum() == 5


def test_parameters_that_act_only_together_have_no_bound_of_their_own() -> None:
    score = simulated(40, 64, np.random.default_rng(2))[..., :1]
    data = bounds(np.concatenate([score, 3 * score, 0 * score], axis=-1))
    for end in ("", "_low", "_high"):
        assert np.isinf(data[f"{BOUNDS[0]}{end}"]).all()
    alone = data[BOUNDS[1]]
    assert alone[0] == pytest.approx(3 * alone[1]) and np.isinf(alone[2])


def test_paths_that_failed_are_left_out() -> None:
    score = simulated(40, 64, np.random.default_rng(3))
    expected = bounds(score[:60])
    score[60:, 7] = np.nan
    for name in ("path_information", *BOUNDS):
        np.testing.assert_allclose(bounds(score)[name], expected[name], rtol=1e-12)


def test_too_few_seeds_give_no_number_but_what_would_be_enough() -> None:
    for n, records, enough in ((15, 40, 16), (32, 1, 64), (16, 3, 22)):
        data = bounds(simulated(40, n, np.random.default_rng(4))[:, :records])
        assert not {"path_information", *BOUNDS} & set(data)
        for name in BOUNDS:
            assert absent(data)[name] == (
                f"needs {enough} seeds or more: {n} do not tell the variance of the score"
            )


def test_noise_that_is_not_standard_normal_is_noticed() -> None:
    """Half of the noise set to 0, say by a mask of cells: the density is not the one of the steps."""
    score = simulated(40, 64, np.random.default_rng(5))
    score[:, ::2, 1] = -0.5
    why = absent(bounds(score))[BOUNDS[0]]
    assert why.startswith("needs standard normal noise in jaxmorph.simulation.gaussian: the score of D")


def test_gradients_along_paths_have_no_score() -> None:
    v = np.random.default_rng(6).random((4, 1))
    data = estimated([UNIFORM], v, v[:, :, None] + np.zeros((4, 8, 1)), np.ones((4, 8, 1, 1)))
    assert absent(data)[BOUNDS[0]].startswith("needs estimator: score, and a study whose noise is")


def coverage(records: int, seeds: int, repetitions: int) -> tuple[np.ndarray, np.ndarray]:
    """Estimate over closed form (repetition, bound, parameter), and whether the interval covers it."""
    ratios, covered = [], []
    for score in simulated(records, seeds, np.random.default_rng(7), repetitions):
        data = bounds(score)
        truth = exact(records)
        ratios.append([data[name] / truth[name] for name in BOUNDS])
        covered.append(
            [
                (data[f"{name}_low"] <= truth[name]) & (truth[name] <= data[f"{name}_high"])
                for name in BOUNDS
            ]
        )
    return np.array(ratios), np.array(covered)


@pytest.mark.verify
@pytest.mark.parametrize("seeds", [16, 64, 256])
@pytest.mark.parametrize("records", [10, 40, 400])
def test_intervals_of_the_path_cover_the_closed_forms(
    records: int, seeds: int, record_property: Any
) -> None:
    """95 %, not below what an exact binomial test at 0.1 % allows for 91 %."""
    repetitions = 200
    ratios, covered = coverage(records, seeds, repetitions)
    record_property("covered", int(covered.sum()))
    record_property("intervals", covered.size)
    assert (stats.binom.cdf(covered.sum(axis=0), repetitions, 0.91) > 0.001).all(), covered.mean(axis=0)
    if seeds == 256:
        assert np.abs(ratios - 1).max() < 0.15


def jumping(seen: bool) -> xr.Dataset:
    """A record of mean a, and a raw choice of probability p, which gradients do not see, or do."""
    rng = np.random.default_rng(8)
    v = rng.random((64, 2))
    noise = rng.standard_normal((64, 32))
    p = 0.2 + 0.4 * v[:, :1]
    coin = p if seen else (rng.random(32) < p) * 1.0
    f = np.stack([5 * v[:, 1:] + noise, coin + 0.1 * noise], axis=-1)
    g = np.zeros((*f.shape, 2))
    g[..., 0, 1] = 5
    g[..., 1, 0] = 0.4 * seen
    points, slab = arrays([UNIT, UNIT], v, f, g)
    slab["path_score"] = (
        ("sample", "seed", "stretch", "parameter"),
        rng.standard_normal((64, 32, 9, 2)),
    )
    return estimate([slab], points, Question([UNIT, UNIT]))


@pytest.mark.slow
def test_jumps_leave_no_bound_on_what_an_experiment_tells() -> None:
    data = jumping(seen=False)
    assert data["gradient_incomplete"][0].values.tolist() == [[False, False], [True, False]]
    names = {
        *("fisher_information", "fisher_information_by_sample", "fisher_eigenvalue"),
        *("cramer_rao_sd", "cramer_rao_sd_alone", "sd_from_mean", "parameter_correlation"),
        *("path_information", *BOUNDS),
    }
    assert not names & set(map(str, data.variables))
    for name in names:
        assert absent(data)[name] == (
            "needs complete gradients, and those of f1 with respect to p0 miss something; leave these "
            "out, or use estimator: smoothed"
        )
    assert nothing_because("identifiability", data) == absent(data)["fisher_eigenvalue"]
    assert findings.alike(data) == ""
    assert "what one experiment could tell" in incomplete.refuted(data)
    # Of complete gradients it is there.
    assert names <= set(map(str, jumping(seen=True).variables))


def test_a_jump_of_what_an_experiment_cannot_tell_from_noise_costs_nothing() -> None:
    """A number without noise is not a record that the information uses."""
    v = np.random.default_rng(9).random((48, 1))
    noise = np.random.default_rng(10).standard_normal((48, 16))
    f = np.stack([5 * v + noise, np.floor(4 * v) + 0 * noise], axis=-1)
    data = estimated([UNIT], v, f, np.broadcast_to([[5.0], [0.0]], (48, 16, 2, 1)))
    assert data["gradient_incomplete"].values.tolist() == [[False], [True]]
    assert data["sd_from_mean"].item() == pytest.approx(12**0.5 / 5, rel=0.4)


def test_what_a_path_could_not_tell_is_said() -> None:
    path = xr.Dataset({BOUNDS[0]: ("parameter", [0.5, 2.0, np.nan])}, {"parameter": ["k", "D", "x0"]})
    assert findings.alike(path) == (
        "Even every step of a single path, were all seen, could not narrow down D beyond the range of "
        "the design."
    )
