"""Simulations that drop out: the engine sees them, and what is left is named."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import Array, Float, PRNGKeyArray
from support.estimated import estimated_from

import jaxmorph as jxm
from jaxmorph import engine
from jaxmorph.distributions import Uniform
from jaxmorph.env import CellDivision, LineageState
from jaxmorph.report.findings import per_observable
from jaxmorph.report.summary import rankings
from jaxmorph.report.survivors import of_survivors
from jaxmorph.studies import Problem

SLOTS = 6


class Crowded(jxm.Study):
    """Births in few slots; no observable looks at ``n_missed`` or at places."""

    parameters = (jxm.Parameter("birth", "1", "rate", 1.0, Uniform(low=0.5, high=1.5)),)
    observables = (jxm.Observable("number", "1", "cells"), jxm.Observable("rate", "1", "the parameter"))
    recorded: bool = True
    nowhere: bool = False

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> jxm.Recording:
        birth = parameters["birth"]
        state = LineageState.founders(
            jnp.zeros((3, 2)),
            jnp.ones((3, 1)),
            jnp.full((3, 1), 0.5),
            n_slots=SLOTS,
            division_rate=birth,
        )

        def step(state: LineageState, *, key: PRNGKeyArray) -> LineageState:
            if not self.nowhere:
                return CellDivision(dt=0.1)(state, key=key)
            late = state.step + 1 > 4
            position = jnp.where(late, jnp.nan, state.position)
            return eqx.tree_at(lambda s: (s.position, s.step), state, (position, state.step + 1))

        def measure(state: LineageState) -> Array:
            return jnp.sum(state.alive).astype(birth.dtype)

        if self.recorded:
            number = jxm.record(step, state, key, 8, every=4, measure=measure)
        else:
            number = jnp.stack([measure(jxm.simulate(step, state, key, 8))])
        time = jnp.arange(len(number)) * 1.0
        return jxm.Recording(time, {"number": number, "rate": birth * jnp.ones(len(number))})


def values(**settings: Any) -> np.ndarray:
    study = Crowded(**settings)
    where = (Uniform(low=0.5, high=1.5),)
    problem = Problem(study, study.parameters, where, {}, ("number", "rate"))
    seeds = np.arange(40)
    return engine.evaluate(problem, np.array([[1.0]]), seeds, run_key=0, gradient="none").value[0]


def test_a_missed_division_is_seen_whatever_observables_look_at() -> None:
    found = values()
    assert np.isfinite(found[:, 0]).all()
    lost = np.isnan(found[:, -1, 0])
    assert 4 < lost.sum() < 36  # some of the seeds run out of slots
    np.testing.assert_array_equal(np.isnan(found[..., 1]), np.isnan(found[..., 0]))
    assert (found[~lost, -1, 0] <= SLOTS).all()
    # Of the last state alone the same seeds are lost.
    np.testing.assert_array_equal(np.isnan(values(recorded=False)[:, -1, 0]), lost)


def test_cells_that_are_nowhere_are_seen_from_then_on() -> None:
    found = values(nowhere=True)
    assert np.isfinite(found[:, :2]).all() and np.isnan(found[:, 2]).all()


@pytest.fixture
def survivors() -> tuple[xr.Dataset, float]:
    """f = x + noise, of which the seeds above 0.6 are lost at every sample."""
    rng = np.random.default_rng(1)
    unit, noise = rng.uniform(size=(64, 1)), rng.uniform(size=16)
    f = unit + noise
    f[:, noise > 0.6] = np.nan
    return estimated_from(unit, f, np.ones((64, 16, 1)), ["x"]), (noise > 0.6).mean()


def test_what_is_left_is_named_a_mean_of_survivors(survivors: tuple[xr.Dataset, float]) -> None:
    data, lost = survivors
    assert data["left_out_share"].item() == pytest.approx(lost)
    (_, finding), *_ = per_observable(data, rankings(data))
    assert f"survivors: {100 * lost:.0f} % of the simulations are left out" in finding
    beside = of_survivors(data.isel(time=-1, observable=0))
    assert "of the survivors" in beside and f"{data['value_average'].item():.4g}" in beside
    whole = data.assign(left_out_share=0 * data["left_out_share"])
    assert of_survivors(whole.isel(time=-1, observable=0)) == ""
