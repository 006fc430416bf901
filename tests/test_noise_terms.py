"""How parameters change the noise, from gradients that are right on average alone: closed forms."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import Array
from scipy import stats
from support import noise_terms
from support.problems import problem_of
from support.sweeps import Recorder, record_intervals

from jaxmorph import engine, store
from jaxmorph.configuration import GRADIENT_ESTIMATORS
from jaxmorph.distributions import Normal, Uniform
from jaxmorph.sensitivity import Question, estimate
from jaxmorph.simulation import bernoulli, gaussian

AT, SEEDS, WIDTH = 0.4, 4000, 0.5


def simulated(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
    """Noise in which the parameter a acts, and b does not."""
    keys = jax.random.split(key, 3)
    a, b, kind = p["a"], p["b"], p["a"].dtype
    xi = gaussian(jax.random.normal(keys[0], (), kind), 0.0, a)
    chosen = bernoulli(keys[1], a, indicator=True)
    raw = jax.random.normal(keys[2], (), kind)
    return {
        "scaled": 100 + xi + b,
        "chosen": 100 + 3 * chosen + b**2,
        "threshold": (a + 0.3 * raw > 0.5).astype(kind),
        "curved": jnp.exp(3 * a) + jnp.floor(3 * b) + raw,
        "tiny": 1e-25 * (xi + b),
    }


def gaussian_alone(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
    """The same draw without choices beside it: it is held fixed."""
    xi = gaussian(jax.random.normal(key, (), p["a"].dtype), 0.0, p["a"])
    return {"scaled": 100 + xi + p["b"], "tiny": 1e-25 * (xi + p["b"]), "square": xi**2}


def terms_of(result: engine.Evaluation, estimator: Any) -> np.ndarray:
    """Of each seed what its part in d Var / d parameter is (seed, observable, parameter)."""
    assert result.noise is not None and result.gradient is not None
    difference, slope = (np.asarray(x[0, :, 0], float) for x in result.noise)
    q = difference[..., None] * slope
    if not GRADIENT_ESTIMATORS[estimator].noise_covaries:
        return q
    f, g = (np.asarray(x[0, :, 0], float) for x in (result.value, result.gradient))
    return q + 2 * (f - f.mean(axis=0))[..., None] * (g - g.mean(axis=0))


def smooth_mean(f: Callable[[np.ndarray], np.ndarray]) -> float:
    """The derivative of a function of a at ``AT``, smoothed as ``smoothed`` does between 0 and 1."""
    z, weight = np.polynomial.hermite_e.hermegauss(200)
    weight = weight / weight.sum()
    t = WIDTH * np.sqrt(1 / 12) / stats.norm.pdf(0)
    moved = stats.norm.cdf(stats.norm.ppf(AT) + t * z)
    return float((weight * f(moved) * z).sum() / (weight * moved * z).sum())


def choice_probability(a: np.ndarray) -> np.ndarray:
    return stats.norm.cdf((a - 0.5) / 0.3)


TRUTH: dict[tuple[str, str], float] = {
    ("score", "scaled"): 2 * AT,
    ("score", "tiny"): 2e-50 * AT,
    ("score", "square"): 8 * AT**3,
    ("score with choices", "scaled"): 2 * AT,
    ("score with choices", "chosen"): 9 * (1 - 2 * AT),
    ("smoothed", "scaled"): smooth_mean(np.square),
    ("smoothed", "tiny"): 1e-50 * smooth_mean(np.square),
    ("smoothed", "chosen"): 9 * smooth_mean(lambda a: a * (1 - a)),
    ("smoothed", "threshold"): smooth_mean(
        lambda a: choice_probability(a) * (1 - choice_probability(a))
    ),
    ("smoothed", "curved"): 0.0,
}


@cache
def evaluated(how: str, precision: Any) -> engine.Evaluation:
    estimator: Any = how.split(maxsplit=1)[0]
    every = gaussian_alone if how == "score" else simulated
    names = [o for h, o in TRUTH if h == how]

    def simulate(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
        found = every(p, key)  # once: draws count as often as they are made
        return {name: found[name] for name in names}

    problem = problem_of(
        simulate, *names, precision=precision, a=Uniform(low=0, high=1), b=Normal(mean=0, sd=1)
    )
    return engine.evaluate(
        problem,
        np.array([[AT, 0.2]]),
        np.arange(SEEDS),
        run_key=3,
        estimator=estimator,
        smoothing=WIDTH,
        noise=True,
    )


@pytest.mark.parametrize("precision", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("how", "observable"), TRUTH)
def test_the_variance_between_seeds_has_the_derivative_of_the_closed_form(
    how: str, observable: str, precision: str
) -> None:
    """Within four standard errors, which are small enough to mean something."""
    at = [o for h, o in TRUTH if h == how].index(observable)
    each = terms_of(evaluated(how, precision), how.split(maxsplit=1)[0])[:, at]
    truth = np.array([TRUTH[how, observable], 0.0])
    scale = 1e-50 if observable == "tiny" else 1.0
    error = stats.sem(each / scale, axis=0)
    off = np.abs(each.mean(axis=0) / scale - truth / scale)
    assert (off <= 4 * error + 1e-4).all(), (each.mean(axis=0) / scale, truth, error)
    assert error[0] < 0.5


def covered(
    estimator: Any, n: int, n_seeds: int, common: bool, repetitions: int
) -> dict[str, np.ndarray]:
    """How many of the repetitions have an interval that holds the truth, for x1 and x2."""
    rng, counts = np.random.default_rng(7), {}
    found = noise_terms.intervals(estimator, n, n_seeds, common, rng, repetitions)
    for name, exact in noise_terms.truth(estimator).items():
        low, high = (found[f"{name}_{end}"].isel(time=0).values for end in ("low", "high"))
        counts[name] = ((low <= exact + 1e-9) & (exact - 1e-9 <= high)).sum(axis=0)
    return counts


CASES = [
    (estimator, n, m, common)
    for estimator, sizes in (("score", ((64, 128), (16, 256))), ("smoothed", ((64, 16), (256, 8))))
    for n, m in sizes
    for common in (True, False)
]


@pytest.mark.verify
@pytest.mark.parametrize(("estimator", "n", "n_seeds", "common"), CASES)
def test_intervals_cover_as_often_as_they_say(
    estimator: str, n: int, n_seeds: int, common: bool, record_property: Recorder
) -> None:
    """An exact binomial test at 0.1 % refutes neither 91 % nor 98 %, but for x1, which is exact 0."""
    counts = covered(estimator, n, n_seeds, common, 200)
    record_intervals(record_property, sum(int(c.sum()) for c in counts.values()), 800)
    for name, count in counts.items():
        assert (stats.binom.cdf(count, 200, 0.91) > 0.001).all(), (name, count)


@pytest.mark.parametrize(("estimator", "n_seeds"), [("score", 128), ("smoothed", 16)])
def test_intervals_of_few_repetitions_cover(estimator: str, n_seeds: int) -> None:
    for name, count in covered(estimator, 64, n_seeds, True, 40).items():
        assert (stats.binom.cdf(count, 40, 0.91) > 0.001).all(), (name, count)


def test_by_the_score_few_seeds_have_no_interval() -> None:
    """16 skewed ones covered 47 % of the time."""
    found = noise_terms.intervals("score", 16, 64, True, np.random.default_rng(1), 1)
    assert set(found) == {"noise_gradient_average", "noise_elasticity"}


def test_estimates_of_any_unit_have_the_terms_and_leave_out_where_other_noise_failed() -> None:
    """A run in single precision, of 1e-25: the same as of 1, but for the unit."""
    n, m, rng = 16, 128, np.random.default_rng(2)
    unit = rng.uniform(0.5, 1, (n, 1))
    xi, other = rng.standard_normal((2, 1, m))
    value, slope = unit * xi, xi - other  # as ``smoothed`` of f = a xi, along one direction
    difference = unit * (xi - other)
    difference[3, 5] = np.nan

    def estimated(size: float) -> xr.Dataset:
        single: Any = np.float32
        place = ("sample", "seed", "time", "observable")
        at: dict[str, Any] = {"sample": range(n), "parameter": ["a"]}
        where = (("sample", "parameter"), unit)
        points = xr.Dataset({"parameter_value": where, "unit_value": where}, at)
        slab = points[["parameter_value"]].assign_coords(seed=range(m), time=[1.0], observable=["f"])
        for name, x in {"value": value, "noise_difference": difference}.items():
            slab[name] = place, (size * x)[:, :, None, None].astype(single)
        for name, x in {"gradient": xi, "noise_slope": slope}.items():
            whole = np.broadcast_to(size * x, (n, m))[:, :, None, None, None]
            slab[name] = (*place, "parameter"), whole.astype(single)
        asked = Question([Uniform(low=0.5, high=1)], None, complete=False, noise_covaries=False)
        return estimate([slab], points, asked)

    data, tiny = estimated(1.0), estimated(1e-25)
    found = data["noise_gradient"].values[:, 0, 0, 0]
    each = unit * (xi - other) ** 2
    np.testing.assert_allclose(np.delete(found, 3), np.delete(each.mean(axis=1), 3), rtol=1e-5)
    np.testing.assert_allclose(found[3], np.delete(each[3], 5).mean(), rtol=1e-5)
    low, high = (float(data[f"noise_gradient_average_{end}"].squeeze()) for end in ("low", "high"))
    assert low < 2 * 0.75 < high
    for name in ("noise_gradient", "noise_gradient_se", "noise_gradient_average"):
        np.testing.assert_allclose(tiny[name] * 1e50, data[name], rtol=1e-4)
    np.testing.assert_allclose(tiny["noise_elasticity"], data["noise_elasticity"], rtol=1e-4)


def test_batches_have_the_terms_where_they_are_asked_for() -> None:
    result = evaluated("score", "float32")
    assert result.noise is not None
    problem = problem_of(lambda p, key: {"f": p["a"]}, "f", a=Uniform(low=0, high=1), stochastic=False)
    quiet = engine.evaluate(
        problem, np.array([[AT]]), np.arange(2), run_key=0, estimator="smoothed", noise=True
    )
    assert quiet.noise is None, "without noise there is nothing to tell"
    dims = ("sample", "seed", "time", "observable", "parameter")
    named = {q.name: q.dims for q in store.NOISE_TERMS}
    assert named == {"noise_difference": dims[:-1], "noise_slope": dims}
    assert [x.ndim for x in result.noise] == [len(d) for d in named.values()]
