"""Numbers from outside the package: a printed notebook, closed forms, published indices."""

import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import Array, PRNGKeyArray
from scipy import stats

import jaxmorph as jxm
from jaxmorph import engine, sensitivity, store
from jaxmorph.designs import SobolDesign, make_design
from jaxmorph.distributions import Distribution, Normal, Uniform
from jaxmorph.studies import Problem, load_problem

# --- 1. the reference notebook -------------------------------------------------------------------

NAMES = ("epsilon", "alpha", "max_radius")
# jax_threefry_partitionable -> d (mean distance) / d (epsilon, alpha, max_radius), by jax-md.
FULL_PRECISION = {
    True: (0.004224904319166, 0.023100913546456, -0.000573371402666),
    False: (-0.013505657035989, 0.021984238132650, -0.000528082654241),
}
PRINTED = (-0.01351579, 0.02199259, -0.00052793)
PRINTED_IN_FULL = (-0.013515793926885, 0.021992588144697, -0.000527931110783)


@eqx.filter_jit
def notebook_gradients(dt: Array, kT: Array, gamma: Array, layout: bool) -> Array:
    """The notebook's system; the gradient in max_radius has a run key of its own."""
    del layout  # a static argument: the two random layouts are different programs
    key = jax.random.PRNGKey(0)
    key, pos_subkey, rad_subkey = jax.random.split(key, 3)
    pos = jax.random.uniform(pos_subkey, (10, 2), minval=-5.0, maxval=5.0)
    rad = jax.nn.relu(jax.random.normal(shape=(10, 1), key=rad_subkey) * 0.1 + 0.3)
    istate = jxm.BaseCellState(*jxm.space.free(), pos, jnp.ones((10, 1)), rad)

    def loss(parameters: Array, run_key: PRNGKeyArray) -> Array:
        epsilon, alpha, max_radius = parameters
        potential = jxm.env.mechanics.MorsePotential(
            epsilon=epsilon, alpha=alpha, r_cutoff=20.0, r_onset=15.0
        )
        growth = jxm.env.CellGrowth(growth_rate=0.005, max_radius=max_radius)
        motion = jxm.env.mechanics.BrownianMechanicalRelaxation(
            potential, relaxation_steps=10, dt=dt, kT=kT, gamma=gamma
        )
        end = jxm.simulate(jxm.Sequential([growth, motion]), istate, key=run_key, n_steps=100)
        center = jnp.mean(end.position, axis=0)
        return jnp.linalg.norm(end.position - center, axis=1).mean()

    key, first = jax.random.split(key)
    key, second = jax.random.split(key)
    keys = jnp.stack([first, second])
    one, two = jax.vmap(jax.grad(loss), in_axes=(None, 0))(jnp.array([3.0, 3.0, 2.0]), keys)
    return jnp.concatenate([one[:2], two[2:]])


def gradients(layout: bool, dt: float, kT: float, gamma: float) -> np.ndarray:
    with jax.enable_x64(True), jax.threefry_partitionable(layout):
        dt_, kT_, gamma_ = jnp.asarray([dt, kT, gamma])
        return np.asarray(notebook_gradients(dt_, kT_, gamma_, layout))


def as_jax_md(dt: float, kT: float, gamma: float) -> tuple[float, float, float]:
    """(dt, kT, gamma) that move cells as jax-md does when it gets these as Python numbers.

    ``jax_md.simulate.brownian`` multiplies Python numbers by single-precision constants, so that
    nu = 1 / gamma and the amplitude sqrt(2 kT dt nu) come out in single precision.
    """
    f32 = np.float32
    nu = f32(1) / (f32(1) * f32(gamma))
    amplitude = np.sqrt(f32(2) * f32(kT) * f32(dt) * nu)
    return dt, float(amplitude) ** 2 / (2 * dt * float(nu)), 1 / float(nu)


HALF = float(np.float16(1e-4)), 1.0, float(np.float16(0.8))


@pytest.mark.parametrize("layout", [True, False])
def test_notebook_gradients(layout: bool) -> None:
    ours = gradients(layout, 1e-4, 1.0, 0.8)
    # Double precision throughout: the rounding of the noise's amplitude is all that differs.
    np.testing.assert_allclose(ours, FULL_PRECISION[layout], rtol=3e-7)
    rounded = gradients(layout, *as_jax_md(1e-4, 1.0, 0.8))
    np.testing.assert_allclose(rounded, FULL_PRECISION[layout], rtol=2e-12, atol=6e-16)


def test_printed_notebook_gradients_come_from_half_precision() -> None:
    """The jax-md of that time rounded dt and gamma to half precision; the old random layout."""
    assert HALF[0] != 1e-4 and HALF[2] != 0.8
    rounded = gradients(False, *as_jax_md(*HALF))
    np.testing.assert_allclose(rounded, PRINTED_IN_FULL, rtol=2e-12, atol=6e-16)
    np.testing.assert_array_equal(rounded.round(8), PRINTED)
    np.testing.assert_allclose(gradients(False, *HALF), PRINTED_IN_FULL, rtol=3e-7)
    full = gradients(False, 1e-4, 1.0, 0.8)
    assert np.all(np.abs(full - PRINTED) > 1e-7)  # the fourth digit, as the notebook has it


@pytest.mark.slow
def test_a_seed_average_of_the_reference_study() -> None:
    """Means and standard errors over 512 seeds, made with jax-md (so to single precision)."""
    gradient = {  # name: mean, standard error, and half a unit of the last printed digit of each
        "epsilon": (-0.0071615, 0.00027, 5e-8, 5e-6),
        "alpha": (0.0193470, 0.00028, 5e-8, 5e-6),
        "max_radius": (-5.3109e-4, 1.05e-5, 5e-9, 5e-8),
        "growth_rate": (18.2541, 0.53, 5e-5, 5e-3),
        "kT": (0.0404984, 0.0037, 5e-8, 5e-5),
        "gamma": (-0.0237674, 0.0047, 5e-8, 5e-5),
    }
    problem = load_problem(
        "reference",
        {"record_every": 100},
        dict.fromkeys(gradient, "default"),
        observables=["mean_distance"],
    )
    defaults = problem.study.defaults()
    sample = np.array([[defaults[name] for name in problem.names]])
    result = engine.evaluate(problem, sample, np.arange(512), run_key=1, gradient="reverse")
    assert result.gradient is not None
    value, slope = result.value[0, :, -1, 0], result.gradient[0, :, -1, 0]
    assert value.mean() == pytest.approx(3.3201004, abs=5e-8)
    assert value.std() == pytest.approx(0.16098, abs=5e-6)
    for (mean, se, mean_digit, se_digit), column in zip(gradient.values(), slope.T, strict=True):
        assert column.mean() == pytest.approx(mean, abs=mean_digit * 1.01, rel=2e-7)
        assert stats.sem(column) == pytest.approx(se, abs=se_digit)


# --- 2. Ornstein-Uhlenbeck -----------------------------------------------------------------------

K, GAMMA, KT, DT, N, X0 = 2.0, 0.8, 1.0, 0.01, 200, 1.5
OU = ("k", "gamma", "kT", "x0")


def trap(settings: Mapping[str, Any] | None = None, **fixed: float) -> Problem:
    """The built-in study with the numbers above; what is not fixed varies."""
    varied = {name: "default" for name in OU if name not in fixed}
    return load_problem("ornstein-uhlenbeck", settings or {}, varied, fixed=fixed)  # type: ignore[arg-type]


def ou_moments(k: float, n: int = N) -> tuple[float, float, float, float]:
    """m_n, v_n and their derivatives in k."""
    a, b = 1 - k * DT / GAMMA, 2 * KT * DT / GAMMA
    da = -DT / GAMMA
    m, v = a**n * X0, b * (1 - a ** (2 * n)) / (1 - a**2)
    dm = n * a ** (n - 1) * da * X0
    numerator = -2 * n * a ** (2 * n - 1) * (1 - a**2) + (1 - a ** (2 * n)) * 2 * a
    return m, v, dm, b * numerator / (1 - a**2) ** 2 * da


def within_4_se(draws: np.ndarray, truth: float) -> None:
    se = stats.sem(draws)
    assert abs(draws.mean() - truth) < 4 * se, (draws.mean(), se, truth)


def test_ornstein_uhlenbeck_mean_variance_and_gradient() -> None:
    m, v, dm, dv = ou_moments(K)
    d_square = 2 * m * dm + dv
    assert d_square == pytest.approx(-0.25031, abs=5e-6)
    seeds = np.arange(4096)
    sample = np.array([[K, GAMMA, KT, X0]])
    result = engine.evaluate(trap({"record_every": N}), sample, seeds, run_key=0)
    assert result.gradient is not None
    x, square = result.value[0, :, -1, 0], result.value[0, :, -1, 1]
    within_4_se(x, m)
    within_4_se((x - m) ** 2, v)
    within_4_se(square, m**2 + v)
    within_4_se(result.gradient[0, :, -1, 0, 0], dm)
    within_4_se(result.gradient[0, :, -1, 1, 0], d_square)
    # An estimate that is 5 % off would have been seen.
    assert 4 * stats.sem(result.gradient[0, :, -1, 1, 0]) < 0.05


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_ornstein_uhlenbeck_tangents_along_one_path(mode: Any) -> None:
    problem = trap({"n_steps": 40, "record_every": 1})
    sample, seeds = np.array([[K, GAMMA, KT, X0]]), np.array([5])
    result = engine.evaluate(problem, sample, seeds, run_key=0, gradient=mode)
    assert result.gradient is not None
    x, found = result.value[0, 0, :, 0], result.gradient[0, 0, :, 0]
    a = 1 - K * DT / GAMMA
    tangent = np.zeros((41, 4))
    tangent[0, 3] = 1
    for n in range(40):
        noise = x[n + 1] - a * x[n]
        drive = (  # d x_(n+1) / d parameter at fixed x_n and fixed standard normal draw
            -DT / GAMMA * x[n],
            K * DT / GAMMA**2 * x[n] - noise / (2 * GAMMA),
            noise / (2 * KT),
            0.0,
        )
        tangent[n + 1] = a * tangent[n] + drive
    np.testing.assert_allclose(found, tangent, rtol=1e-11, atol=1e-13)


def estimate(problem: Problem, samples: np.ndarray, seeds: int) -> xr.Dataset:
    """Evaluate and estimate, as the workflow does it, without its files."""
    result = engine.evaluate(problem, samples, np.arange(seeds), run_key=0)
    unit = np.stack([d.cdf(x) for d, x in zip(problem.distributions, samples.T, strict=True)], axis=1)
    described = {o.name: o for o in problem.study.observables}
    slab = store.batch_dataset(
        samples=np.arange(len(samples)),
        seeds=np.arange(seeds),
        time=result.time,
        time_unit="1",
        parameter_value=samples,
        parameters=problem.varied,
        observables=[described[name] for name in problem.observables],
        value=result.value,
        gradient=result.gradient,
        attributes={},
    )
    design = store.design_dataset(samples, unit, problem.varied, problem.distributions, {})
    question = sensitivity.Question(problem.distributions, stochastic=problem.study.is_stochastic)
    return sensitivity.estimate([slab], design, question)


@pytest.mark.parametrize(("k", "explodes"), [(-2.0, True), (-3.0, True), (2.0, False), (0.0, False)])
def test_exploding_gradients_are_flagged_in_the_inverted_trap_only(k: float, explodes: bool) -> None:
    problem = trap(gamma=GAMMA, kT=KT, x0=X0)
    result = estimate(problem, np.array([[k]]), 64)
    rate = float(result["gradient_growth_rate"].sel(observable="position", parameter="k"))
    flags = result["gradient_exploding"].sel(parameter="k")
    assert bool(flags.sel(observable="position")) == explodes
    assert bool(flags.sel(observable="squared_position")) == explodes
    expected = math.log(1 - k * DT / GAMMA) / DT
    if explodes:
        assert rate == pytest.approx(expected, rel=0.15)
    else:
        assert rate < 0.5


# --- 3. free diffusion ---------------------------------------------------------------------------


@pytest.mark.parametrize(("n_dim", "dt"), [(1, 0.01), (3, 0.2)])
def test_free_diffusion(n_dim: int, dt: float) -> None:
    settings = {"n_dim": n_dim, "dt": dt, "n_steps": 20, "record_every": 5}
    problem = trap(settings, k=0.0)
    gamma, kT = 0.7, 1.3
    sample = np.array([[gamma, kT, X0]])
    assert problem.names == ("gamma", "kT", "x0")
    result = engine.evaluate(problem, sample, np.arange(2000), run_key=3)
    assert result.gradient is not None
    msd, slope = result.value[0, :, 1:, 2], result.gradient[0, :, 1:, 2]
    for t, draws in zip(result.time[1:], msd.T, strict=True):
        within_4_se(draws, 2 * n_dim * kT / gamma * t)
    np.testing.assert_allclose(slope[..., 0] * gamma / msd, -1, rtol=1e-12)
    np.testing.assert_allclose(slope[..., 1] * kT / msd, 1, rtol=1e-12)
    np.testing.assert_allclose(slope[..., 2] / msd, 0, atol=1e-12)


# --- 4. Ishigami function ------------------------------------------------------------------------


def test_ishigami_sobol_indices_of_the_study() -> None:
    problem = load_problem("ishigami", {}, dict.fromkeys(("x1", "x2", "x3"), "default"))

    def function(x: np.ndarray) -> np.ndarray:
        values = engine.evaluate(problem, x.T, np.arange(1), run_key=0, gradient="none").value
        return values[:, 0, 0, 0]

    distributions = [d.frozen() for d in problem.distributions]
    found = stats.sobol_indices(
        func=function, n=2**13, dists=distributions, rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(found.first_order, [0.313905, 0.442411, 0], atol=0.01)
    np.testing.assert_allclose(found.total_order, [0.557589, 0.442411, 0.243684], atol=0.01)


def sobol_points(distributions: Mapping[str, Distribution], samples: int) -> np.ndarray:
    return make_design(SobolDesign(samples=samples), distributions)[0]


def test_ishigami_mean_squared_derivatives_and_bounds() -> None:
    problem = load_problem("ishigami", {}, dict.fromkeys(("x1", "x2", "x3"), "default"))
    points = sobol_points(dict(zip(problem.names, problem.distributions, strict=True)), 2**13)
    result = estimate(problem, points, 1).sel(observable="ishigami").isel(time=0)
    assert result["mean"].var(ddof=1) == pytest.approx(13.844588, rel=0.01)
    for name, truth in {
        "dgsm": (7.719588, 24.5, 10.987305),
        "total_bound": (2.230355, 7.078578, 3.174469),
    }.items():
        np.testing.assert_allclose(result[name], truth, rtol=0.01, err_msg=name)
        assert (result[f"{name}_low"] < truth).all() and (result[f"{name}_high"] > truth).all()
    assert "noise_share" not in result  # no noise, and so no estimate of it


# --- 5. linear function --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "ratio"),
    [(Uniform(low=-1, high=3), 12 / math.pi**2), (Normal(mean=1, sd=0.7), 1.0)],
)
def test_linear_function(distribution: Distribution, ratio: float) -> None:
    names = tuple(f"x{i}" for i in range(1, 6))
    c = np.array([1, -2, 0.5, 3, -1.5])
    problem = load_problem("linear", {}, dict.fromkeys(names, distribution))
    points = sobol_points(dict.fromkeys(names, distribution), 2**12)
    result = estimate(problem, points, 1).isel(time=0, observable=0)
    np.testing.assert_allclose(result["dgsm"], c**2, rtol=1e-12)
    total_index = c**2 / np.sum(c**2)
    np.testing.assert_allclose(result["total_bound"] / total_index, ratio, rtol=2e-3)
    outer = result["gradient_outer_product"].transpose("parameter", "parameter_2").values
    sd = distribution.frozen().std()
    np.testing.assert_allclose(outer, sd**2 * np.outer(c, c), rtol=1e-12)
    eigenvalues, vectors = np.linalg.eigh(outer)
    np.testing.assert_allclose(eigenvalues[:4], 0, atol=1e-12)
    np.testing.assert_allclose(abs(vectors[:, 4] @ c), np.linalg.norm(c), rtol=1e-12)
