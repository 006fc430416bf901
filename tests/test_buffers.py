"""Buffers that the engine looks after: made as large as is needed, and pieces evaluated again."""

import logging
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, PRNGKeyArray

import jaxmorph as jxm
from jaxmorph import engine, observables
from jaxmorph.distributions import Uniform
from jaxmorph.engine import capacities
from jaxmorph.env.interactions import choosing, preferring
from jaxmorph.env.interactions.sums import NeighbourLists
from jaxmorph.env.mechanics import BrownianMechanicalRelaxation, MorsePotential
from jaxmorph.studies import Problem, load_problem
from jaxmorph.tracing import buffer_need, buffer_size


class Counting(jxm.Study):
    """Needs a buffer of a size that depends on a parameter and the key."""

    parameters = (jxm.Parameter("a", "1", "a number", 0.5, Uniform(low=0, high=1)),)
    observables = (jxm.Observable("y", "1", "twice the number"),)
    broken: float = 2.0

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        a = parameters["a"]
        size = buffer_size("slots", 3.0)
        need = jnp.ceil(10 * jax.lax.stop_gradient(a))
        buffer_need("slots", need)
        y = 2 * a * jnp.where(need <= size, 1, jnp.nan)
        return jxm.Recording(jnp.zeros(1), {"y": jnp.where(a > self.broken, jnp.nan, y)[None]})


def counting(broken: float = 2.0) -> Problem:
    study = Counting(broken=broken)
    return Problem(study, study.parameters, (study.parameters[0].distribution,), {}, ("y",))


@pytest.mark.parametrize("gradient", ["none", "forward", "reverse"])
def test_a_piece_is_evaluated_again_with_larger_buffers(
    gradient: Any, caplog: pytest.LogCaptureFixture
) -> None:
    samples = np.array([0.35, 0.2, 0.2, 0.95, 0.75, 0.3, 0.1, 0.1, 0.1])[:, None]
    with caplog.at_level(logging.INFO, "jaxmorph"):
        found = engine.evaluate(counting(), samples, np.arange(2), run_key=0, gradient=gradient)
    np.testing.assert_allclose(found.value[:, :, 0, 0], 2 * np.tile(samples, 2), rtol=1e-15)
    if found.gradient is not None:
        np.testing.assert_allclose(found.gradient, 2, rtol=1e-15)
    # Of the pairs that are run first (of samples 0, 2, 5 and 8) one needs 4, and gets a quarter more;
    # sample 3 needs 10.
    assert "buffers: slots 5" in caplog.text
    again = "buffers too small for 4 of 18 simulations, now slots 12.5: evaluating them again"
    assert caplog.text.count(again) == 1
    states = engine.simulate_states(counting(), samples, np.arange(2), run_key=0)
    np.testing.assert_allclose(states.value, found.value, rtol=1e-15)


def test_what_is_nan_for_another_reason_is_left_so(caplog: pytest.LogCaptureFixture) -> None:
    samples = np.array([[0.35], [0.1], [0.2]])
    with caplog.at_level(logging.INFO, "jaxmorph"):
        found = engine.evaluate(counting(broken=0.3), samples, np.arange(1), run_key=0)
    np.testing.assert_allclose(found.value[:, 0, 0, 0], [np.nan, 0.2, 0.4])
    assert "too small" not in caplog.text


def test_a_program_of_this_process_is_taken_again_and_its_buffers_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    problem = counting()
    traced = engine.trace(problem)
    with caplog.at_level(logging.INFO, "jaxmorph"):
        for low in (0.12, 0.15, 0.72):
            # The same size, other points and seeds; at the last ones the buffers are too small.
            samples = low + np.linspace(0, 0.03, 40)[:, None]
            found = engine.evaluate(problem, samples, np.array([5]), run_key=0, traced=traced)
            np.testing.assert_allclose(found.value[:, 0, 0, 0], 2 * samples[:, 0], rtol=1e-15)
    assert caplog.text.count("compiled in") == 2
    assert caplog.text.count("too small for 32 of 32 simulations") == 1
    caplog.clear()
    with caplog.at_level(logging.INFO, "jaxmorph"):  # another way is another program
        engine.evaluate(problem, samples, np.array([5]), run_key=0, gradient="none", traced=traced)
    assert caplog.text.count("compiled in") == 1


# --- neighbour lists -----------------------------------------------------------------------------


class Crowd(jxm.Study):
    """A hundred cells that move a little, each among a few others."""

    parameters = (
        jxm.Parameter("epsilon", "1", "depth of the potential", 3.0, Uniform(low=2, high=4)),
        jxm.Parameter("size", "1", "factor of all radii", 1.0, Uniform(low=0.9, high=1.1)),
        jxm.Parameter("kT", "1", "thermal energy", 1.0, Uniform(low=0.5, high=2)),
    )
    observables = (
        jxm.Observable("neighbour_distance", "1", "to the nearest, on average"),
        jxm.Observable("total_energy", "1", "of all pairs"),
    )

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        rng = np.random.default_rng(0)
        state = jxm.BaseCellState(
            *jxm.space.free(),
            jnp.asarray(rng.uniform(-3.5, 3.5, (100, 2))),
            jnp.ones((100, 1)),
            jnp.asarray(rng.uniform(0.2, 0.4, (100, 1))) * parameters["size"],
        )
        potential = MorsePotential(parameters["epsilon"], 2.8, r_onset=1.2, r_cutoff=1.5)
        moved = BrownianMechanicalRelaxation(potential, 3, 2e-5, parameters["kT"])(state, key=key)
        distance = observables.mean_nearest_neighbour_distance(moved)
        energy = observables.total_energy(moved, potential)
        return jxm.Recording(
            jnp.zeros(1), {"neighbour_distance": distance[None], "total_energy": energy[None]}
        )


def crowd() -> Problem:
    study = Crowd()
    distributions = tuple(p.distribution for p in study.parameters)
    names = tuple(o.name for o in study.observables)
    return Problem(study, study.parameters, distributions, {}, names)


# The second is so hot that the skin for the first is too thin.
TWO = np.array([[2.5, 0.95, 0.5], [3.5, 1.05, 2.0]])


def assert_listing_changes_nothing(problem: Problem, samples: np.ndarray, mode: Any) -> None:
    """Against kernels, which sum over all pairs."""
    how = {"gradient": mode} if mode in ("none", "forward", "reverse") else {"estimator": mode}
    seeds = np.array([0, 3])
    dense = engine.evaluate(problem, samples, seeds, run_key=2, **how)
    with choosing(preferring(NeighbourLists())):
        sparse = engine.evaluate(problem, samples, seeds, run_key=2, **how)
    for name in ("value", "gradient") if mode != "none" else ("value",):
        truth = getattr(dense, name)
        largest = np.abs(truth).max(axis=2, keepdims=True)
        assert np.all(np.abs(getattr(sparse, name) - truth) <= 1e-9 * largest), name


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_values_and_gradients_of_the_engine_are_those_of_all_pairs(mode: Any) -> None:
    assert_listing_changes_nothing(crowd(), TWO, mode)


@pytest.mark.slow
def test_values_are_those_of_all_pairs_also_where_the_first_simulation_needs_less(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(capacities, "_FIRST", 1)
    with caplog.at_level(logging.INFO, "jaxmorph"):
        assert_listing_changes_nothing(crowd(), TWO, "none")
    assert "buffers too small for" in caplog.text and "evaluating them again" in caplog.text


@pytest.mark.verify
@pytest.mark.parametrize("mode", ["forward", "reverse", "score", "smoothed"])
def test_a_growing_study_by_neighbour_lists_is_that_of_all_pairs(
    mode: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"n_cells": 100, "n_steps": 2, "relaxation_steps": 3, "dt": 2e-5, "record_every": 1}
    settings |= {"initial_spread": 3.5, "r_onset": 1.2, "r_cutoff": 1.5}
    names: Any = dict.fromkeys(("epsilon", "growth_rate", "kT"), "default")
    watched = ["mean_distance", "neighbour_distance", "total_energy"]
    problem = load_problem("reference", settings, names, watched)
    samples = np.array([[2.5, 0.004, 0.5], [3.5, 0.006, 2.0]])
    monkeypatch.setattr(capacities, "_FIRST", 1)
    with caplog.at_level(logging.INFO, "jaxmorph"):
        assert_listing_changes_nothing(problem, samples, mode)
    assert "buffers too small for" in caplog.text and "evaluating them again" in caplog.text
