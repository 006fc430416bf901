"""The studies whose cells make a chemical and divide by it: patterning and elongation."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from jaxmorph import engine, observables
from jaxmorph.studies import load_problem, load_study

SMALL_PATTERN: dict[str, Any] = {"n_slots": 32, "n_founders": 8, "n_sources": 2}
SMALL_PATTERN |= {"n_steps": 8, "record_every": 4}
SMALL_ROD: dict[str, Any] = {"n_slots": 32, "n_steps": 10, "record_every": 5}


@jax.jit(static_argnums=(0,))
def simulated(study: Any, parameters: Any, keys: Any) -> Any:
    return jax.vmap(lambda key: study.simulate(parameters, key))(keys)


def observed(name: str, settings: dict[str, Any], n_seeds: int = 8, **changed: float) -> dict[str, Any]:
    """Every observable, (seed, time), and the time."""
    study = load_study(name, settings)
    with jax.enable_x64(True):
        parameters = {k: jnp.asarray(float(v)) for k, v in {**study.defaults(), **changed}.items()}
        recording = simulated(study, parameters, jax.random.split(jax.random.PRNGKey(0), n_seeds))
    return {"time": recording.time[0]} | {k: np.asarray(v) for k, v in recording.observables.items()}


# --- patterning -------------------------------------------------------------------------------------


def test_sources_are_in_the_middle_and_make_a_gradient() -> None:
    study: Any = load_study("chemical-patterning", {})
    with jax.enable_x64(True):
        parameters = {k: jnp.asarray(v) for k, v in study.defaults().items()}
        state = study.chemistry(parameters)(study.initial_state())
        assert observables.type_fraction(state, 0) == 4 / 16
        r = np.linalg.norm(state.position[:16], axis=1)
        assert r[:4].max() < r[4:].min()
        c = np.asarray(state.chemical[:16, 0])
        assert c[:4].min() > c[4:].max()
        # Below the screening length sqrt(2), by the spreading in the plane.
        assert 0.7 < observables.decay_length(state) < np.sqrt(2)


@pytest.mark.slow
def test_without_secretion_there_is_no_pattern_and_no_responder_divides() -> None:
    seen = observed("chemical-patterning", SMALL_PATTERN, secretion=0.0, division_rate=3.0)
    for name in ("mean_chemical", "sd_chemical"):
        np.testing.assert_array_equal(seen[name], 0)
    assert not np.isfinite(seen["decay_length"]).any()
    responders = seen["n_cells"] * (1 - seen["source_fraction"])
    np.testing.assert_allclose(responders, 6, rtol=1e-12)
    assert seen["n_cells"][:, -1].mean() > 8.5


@pytest.mark.slow
def test_with_chemical_everywhere_no_source_divides_and_at_rate_0_no_cell_does() -> None:
    seen = observed("chemical-patterning", SMALL_PATTERN, threshold=1e-9, division_rate=1.5)
    np.testing.assert_allclose(seen["n_cells"] * seen["source_fraction"], 2, rtol=1e-12)
    assert seen["n_cells"][:, -1].mean() > 8.5
    still = observed("chemical-patterning", SMALL_PATTERN, division_rate=0.0)
    np.testing.assert_array_equal(still["n_cells"], 8)
    np.testing.assert_allclose(still["decay_length"][:, -1], still["decay_length"][:, 0], rtol=0.1)


@pytest.mark.slow
def test_scores_of_a_pattern_obey_its_symmetries() -> None:
    """For each seed, with p d/dp of each parameter p, whatever was drawn.

    (secretion, diffusion, degradation) times a changes no concentration, so the sum of theirs is 0;
    (secretion, threshold) times a changes nothing but the concentrations, which are times a.
    """
    names = ("secretion", "diffusion", "degradation", "threshold")
    problem = load_problem("chemical-patterning", SMALL_PATTERN, dict.fromkeys(names, "default"))
    result = engine.evaluate(problem, problem.centre[None], np.arange(4), run_key=0, estimator="score")
    assert result.gradient is not None
    secretion, diffusion, degradation, threshold = np.moveaxis(result.gradient * problem.centre, -1, 0)
    scale = np.abs(result.gradient * problem.centre).max(axis=-1)
    assert np.abs(scale[0, :, -1]).min() > 1e-3
    assert (np.abs(secretion + diffusion + degradation) <= 1e-9 * scale + 1e-12).all()
    chemical = np.array(["chemical" in name for name in problem.observables])
    # Of the value times ln p, which the estimator differentiates, the second factor does not change.
    expected = np.where(chemical, result.value, 0)
    np.testing.assert_allclose(secretion + threshold, expected, rtol=1e-9, atol=1e-9)


# --- elongation -------------------------------------------------------------------------------------


def test_the_first_cells_are_an_isotropic_ball_that_just_touches() -> None:
    study: Any = load_study("elongation", {})
    with jax.enable_x64(True):
        state = study.initial_state()
        x = np.asarray(state.position[:15])
        apart = np.linalg.norm(x[:, None] - x[None], axis=-1)[~np.eye(15, dtype=bool)]
        assert apart.min() == pytest.approx(1.0, rel=1e-12)
        assert observables.n_cells(state) == 15
        tensor = np.asarray(observables.gyration_tensor(state))
        np.testing.assert_allclose(tensor, tensor[0, 0] * np.eye(3), atol=1e-12)


@pytest.mark.slow
def test_a_ball_that_does_not_divide_stays_a_ball() -> None:
    seen = observed("elongation", SMALL_ROD, division_rate=0.0)
    np.testing.assert_array_equal(seen["n_cells"], 15)
    np.testing.assert_allclose(seen["anisotropy"], 0, atol=1e-12)


@pytest.mark.slow
def test_genes_that_do_not_listen_follow_their_equation() -> None:
    """All cells alike: dg/dt = turnover (1 / (1 + exp(-2 g)) - g) from 0, here by scipy."""
    seen = observed("elongation", SMALL_ROD, gain=0.0, turnover=3.0, division_rate=0.2)
    solved = solve_ivp(
        lambda _, g: 3.0 * (1 / (1 + np.exp(-2 * g)) - g),
        (0, 1),
        [0.0],
        t_eval=np.asarray(seen["time"]),
        rtol=1e-10,
        atol=1e-12,
    )
    np.testing.assert_allclose(seen["mean_growth_gene"], solved.y.repeat(8, axis=0), rtol=1e-5)


@pytest.mark.slow
def test_cells_inside_grow_less_than_those_at_the_surface() -> None:
    """The shells of the first ball lie farther and farther out: less chemical, more of the gene."""
    study: Any = load_study("elongation", SMALL_ROD)
    with jax.enable_x64(True):
        parameters = {k: jnp.asarray(v) for k, v in study.defaults().items()}
        parameters |= {"division_rate": jnp.asarray(0.0)}
        recording = jax.jit(study.simulate)(parameters, jax.random.PRNGKey(0))
    shells = (slice(0, 1), slice(1, 9), slice(9, 15))
    for name, sign in (("chemical", -1), ("growth_gene", 1)):
        level = np.asarray(recording.states[name][-1])
        means = [level[shell].mean() for shell in shells]
        for shell, mean in zip(shells, means, strict=True):
            np.testing.assert_allclose(level[shell], mean, rtol=1e-9)  # alike within a shell
        assert (sign * np.diff(means) > 0).all()


@pytest.mark.slow
def test_a_network_that_listens_makes_a_rod_and_one_that_does_not_a_clump() -> None:
    rod = observed("elongation", {}, 32)
    clump = observed("elongation", {}, 32, gain=0.0, division_rate=0.2, polarity=0.0)
    for seen in (rod, clump):
        assert np.isfinite(seen["n_cells"]).all() and 25 < seen["n_cells"][:, -1].mean() < 60
    long, round_ = rod["anisotropy"][:, -1], clump["anisotropy"][:, -1]
    error = np.hypot(long.std(), round_.std()) / np.sqrt(32)
    assert long.mean() - round_.mean() > 5 * error and long.mean() > 4 * round_.mean()


# --- both -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("study", "settings", "name", "observable"),
    [
        pytest.param(
            *("chemical-patterning", SMALL_PATTERN, "threshold", "source_fraction"),
            marks=pytest.mark.verify,
        ),
        pytest.param("elongation", SMALL_ROD, "division_rate", "n_cells", marks=pytest.mark.slow),
    ],
)
def test_scores_are_the_slopes_of_means(
    study: str, settings: dict[str, Any], name: str, observable: str
) -> None:
    """Against central differences under common random numbers; both by 1000 seeds."""
    problem = load_problem(study, settings, {name: "default"}, [observable])
    centre, seeds = problem.centre, np.arange(1000)
    score = engine.evaluate(problem, centre[None], seeds, run_key=1, estimator="score").gradient
    assert score is not None
    step = 0.2 * centre[0]
    points = centre[0] + step * np.array([[-1.0], [1.0]])
    low, high = engine.evaluate(problem, points, seeds, run_key=1, gradient="none").value[:, :, -1, 0]
    slope, estimate = (high - low) / (2 * step), score[0, :, -1, 0, 0]
    error = np.hypot(slope.std(), estimate.std()) / np.sqrt(len(seeds))
    assert abs(slope.mean()) > 3 * error
    assert abs(estimate.mean() - slope.mean()) < 3 * error
