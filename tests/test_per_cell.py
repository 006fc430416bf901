"""Derivatives of an observable by the position of each cell, against closed forms."""

from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmorph as jxm
from jaxmorph.errors import JaxmorphError
from jaxmorph.observables import centroid, radius_of_gyration
from jaxmorph.steps import State
from jaxmorph.studies import outcome_sensitivity, position_sensitivity


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def _state(n_dim: int) -> jxm.BaseCellState:
    """Five cells and a dead slot far away."""
    displacement, shift = jxm.space.free()
    position = jax.random.normal(jax.random.PRNGKey(1), (6, n_dim), jnp.float64).at[5].set(50.0)
    celltype = jnp.ones((6, 1)).at[5].set(0)
    return jxm.BaseCellState(displacement, shift, position, celltype, jnp.full((6, 1), 0.5))


class _Contract(jxm.SimulationStep):
    """Positions shrink by a factor, with noise."""

    factor: float

    def __call__(self, state: State, *, key: jax.Array | None = None) -> State:
        assert key is not None
        moved = self.factor * state.position + 0.1 * jax.random.normal(key, state.position.shape)
        return eqx.tree_at(lambda s: s.position, state, moved)


@pytest.mark.parametrize("n_dim", [2, 3])
def test_the_radius_of_gyration_grows_along_the_way_from_the_centroid(n_dim: int) -> None:
    state = _state(n_dim)
    found = position_sensitivity(radius_of_gyration, state)
    expected = (state.position - centroid(state)) / (5 * radius_of_gyration(state))
    np.testing.assert_allclose(found[:5], expected[:5], rtol=1e-12)
    np.testing.assert_array_equal(found[5], 0)


def test_the_outcome_remembers_a_push_by_the_factor_of_each_later_step() -> None:
    state, key, model = _state(2), jax.random.PRNGKey(2), _Contract(0.9)
    trajectory, push = outcome_sensitivity(model, state, key, 4, radius_of_gyration)
    same = jxm.simulate(model, state, key=key, n_steps=4, history=True)
    np.testing.assert_allclose(trajectory.position, same.position, rtol=1e-12)
    last = position_sensitivity(radius_of_gyration, trajectory)[-1]
    np.testing.assert_allclose(push[-1], last, rtol=1e-12)
    for i in range(4):
        np.testing.assert_allclose(push[i], 0.9 ** (3 - i) * last, rtol=1e-12)


def test_an_observable_must_be_one_number() -> None:
    with pytest.raises(JaxmorphError, match=r"has shape \(2,\); a sensitivity is that of one number"):
        position_sensitivity(centroid, _state(2))
