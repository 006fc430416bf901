"""The studies of tissues: growth with division, and sorting by adhesion."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmorph import engine, observables
from jaxmorph.errors import JaxmorphError
from jaxmorph.studies import Problem, load_problem, load_study

SMALL_DISC: dict[str, Any] = {"n_slots": 24, "n_steps": 20, "record_every": 10, "window_points": 12}
SMALL_SORT: dict[str, Any] = {"n_cells": 12, "n_steps": 10, "relaxation_steps": 10, "record_every": 5}


def disc(observables: list[str], **fixed: float) -> Problem:
    return load_problem("growing-disc", SMALL_DISC, {"division_rate": "default"}, observables, fixed)


def test_a_disc_that_does_not_divide_is_one_cell() -> None:
    problem = disc(["n_cells", "radius_of_gyration", "mean_generation"])
    result = engine.simulate_states(problem, np.array([[0.0]]), np.arange(2), run_key=0)
    np.testing.assert_array_equal(result.value[0, :, :, 0], 1)
    np.testing.assert_array_equal(result.value[0, :, :, 1:], 0)
    # It stays as large as it can be, to what the smooth limit leaves.
    np.testing.assert_allclose(result.states["radius"][0, :, :, 0], 0.5, rtol=0.05)


def test_an_unpressed_disc_grows_as_a_yule_process_of_ripe_cells() -> None:
    """Cells that need no time to ripen and feel no pressure: E[N] = (2 - exp(-rate dt))^n.

    Ripe at once: growth is fast. A cell of the largest radius has the Hill factor x / (1 + x) with
    x = (1 / 0.9)^12.
    """
    problem = disc(["n_cells"], growth_rate=20.0, pressure_threshold=1e9)
    seeds = np.arange(2000)
    result = engine.evaluate(problem, np.array([[0.8]]), seeds, run_key=3, gradient="none")
    ripe = (1 / 0.9) ** 12
    rate = 0.8 * ripe / (1 + ripe)
    final = result.value[0, :, -1, 0]
    assert np.isfinite(final).mean() > 0.99  # 24 slots are enough for nearly all
    expected = (2 - np.exp(-rate * 0.1)) ** 20
    assert abs(np.nanmean(final) - expected) < 3 * np.nanstd(final) / np.sqrt(len(seeds)) + 0.02


@pytest.mark.slow
def test_pressure_slows_division() -> None:
    few, many = (
        engine.evaluate(
            disc(["n_cells"], pressure_threshold=threshold),
            np.array([[1.3]]),
            np.arange(64),
            run_key=0,
            gradient="none",
        ).value[0, :, -1, 0]
        for threshold in (1e-3, 10.0)
    )
    assert few.mean() + 1 < np.nanmean(many)


@pytest.mark.slow
def test_a_full_disc_is_not_finite_and_a_pathwise_gradient_is_refused() -> None:
    problem = disc(["n_cells"], pressure_threshold=1e9, growth_rate=20.0)
    value = engine.evaluate(problem, np.array([[5.0]]), np.arange(2), run_key=0, gradient="none").value
    assert np.isnan(value[0, :, -1]).all() and np.isfinite(value[0, :, 0]).all()
    with pytest.raises(JaxmorphError, match="discrete choices"):
        engine.check_estimator(problem, "pathwise", "auto")


def test_straight_through_gradients_are_for_the_number_of_cells_alone() -> None:
    asked: Any = "straight-through"
    engine.check_estimator(disc(["n_cells"]), asked)
    with pytest.raises(JaxmorphError, match="no derivative reaches roundness, mean_generation; leave"):
        engine.check_estimator(disc(["roundness", "n_cells", "mean_generation"]), asked)


@pytest.mark.slow
def test_a_score_gradient_is_of_the_same_simulations() -> None:
    names: Any = dict.fromkeys(("division_rate", "growth_rate", "stiffness"), "default")
    problem = load_problem("growing-disc", SMALL_DISC, names, ["n_cells", "roundness"])
    points, seeds = np.array([[1.2, 0.5, 4.0]]), np.arange(4)
    alone = engine.evaluate(problem, points, seeds, run_key=0, gradient="none")
    score = engine.evaluate(problem, points, seeds, run_key=0, estimator="score")
    assert alone.value[0, :, -1, 0].max() > 2
    np.testing.assert_allclose(score.value, alone.value, rtol=1e-9)


@pytest.mark.slow
def test_a_seed_grows_the_same_disc_in_any_batch() -> None:
    problem = load_problem("growing-disc", SMALL_DISC, {"division_rate": "default"}, "all")
    points, seeds = np.array([[0.9], [1.2], [1.3]]), np.array([1, 5, 6, 9])
    whole = engine.simulate_states(problem, points, seeds, run_key=0)
    alone = engine.simulate_states(problem, points[[1]], seeds[[2]], run_key=0)
    cells = whole.states["celltype"].sum(axis=(-1, -2))
    assert cells[1, 2, -1] > 2 and len(np.unique(cells[..., -1])) > 2
    for name in ("celltype", "generation"):  # which cells divided, and when
        np.testing.assert_array_equal(alone.states[name], whole.states[name][1:2, 2:3])
    for name in ("position", "radius", "pressure"):
        np.testing.assert_allclose(
            alone.states[name], whole.states[name][1:2, 2:3], rtol=1e-12, atol=1e-12
        )
    np.testing.assert_allclose(alone.value, whole.value[1:2, 2:3], rtol=1e-12, atol=1e-12)


def test_the_cluster_begins_mixed_and_compact() -> None:
    for n_dim in (2, 3):
        study: Any = load_study("cell-sorting", {"n_cells": 20, "n_dim": n_dim})
        with jax.enable_x64(True):
            state = study.initial_state()
            np.testing.assert_array_equal(state.celltype.sum(axis=0), [10, 10])
            apart = np.linalg.norm(state.position[:, None] - state.position[None], axis=-1)
            assert apart[~np.eye(20, dtype=bool)].min() == pytest.approx(1.0)  # just touching
            assert float(jnp.linalg.norm(state.position, axis=1).max()) < 4


def test_unlike_cells_part_if_they_adhere_less() -> None:
    problem = load_problem(
        "cell-sorting",
        {"n_cells": 16, "n_steps": 60, "record_every": 60},
        {"adhesion_unlike": "default"},
        ["mixing_index"],
        {"adhesion_like": 6.0},
    )
    points = np.array([[1.0], [6.0]])
    value = engine.evaluate(problem, points, np.arange(16), run_key=0, gradient="none").value
    apart, mixed = value[:, :, -1, 0]
    assert apart.mean() < 0.7 * mixed.mean()


def test_types_are_placed_at_random_at_first() -> None:
    """The mixing index of random places is 1 on average."""
    index = []
    with jax.enable_x64(True):
        for draw in range(40):
            study: Any = load_study("cell-sorting", {"n_cells": 16, "initial_key": draw})
            index.append(float(observables.mixing_index(study.initial_state(), 0.05, 1.2)))
    assert np.mean(index) == pytest.approx(1, abs=4 * np.std(index) / np.sqrt(40))


@pytest.mark.slow
def test_sorting_has_the_gradients_of_finite_differences() -> None:
    names: Any = dict.fromkeys(("adhesion_like", "adhesion_unlike", "alpha", "kT"), "default")
    problem = load_problem("cell-sorting", SMALL_SORT, names, "all")
    checks = engine.finite_differences(
        problem, np.array([[5.0, 2.0, 3.0, 1.0]]), np.arange(2), run_key=0, step=1e-4
    )
    assert checks.automatic.gradient is not None
    scale = np.abs(checks.automatic.gradient).max(axis=2, keepdims=True) + 1e-9
    assert (np.abs(checks.gradient - checks.automatic.gradient) / scale).max() < 1e-5
