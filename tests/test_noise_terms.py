"""How parameters change the noise, from gradients that are right on average alone: closed forms."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy import stats
from support.problems import problem_of

from jaxmorph import engine
from jaxmorph.configuration import GRADIENT_ESTIMATORS
from jaxmorph.distributions import Normal, Uniform
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
    difference, slope = (np.float64(x[0, :, 0]) for x in result.noise)
    q = difference[..., None] * slope
    if not GRADIENT_ESTIMATORS[estimator].noise_covaries:
        return q
    f, g = np.float64(result.value[0, :, 0]), np.float64(result.gradient[0, :, 0])
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
def evaluated(how: str, precision: str) -> engine.Evaluation:
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
