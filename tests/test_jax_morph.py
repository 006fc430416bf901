"""A model of another library as a study: examples/jax_morph_study.py."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmorph import engine
from jaxmorph.engine import program
from jaxmorph.studies import load_problem

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".bench-packages"  # where `make bench` installs jax-morph
STUDY = ROOT / "examples/jax_morph_study.py"


def test_the_study_has_at_most_60_lines() -> None:
    assert len(STUDY.read_text().splitlines()) <= 60


@pytest.mark.slow
@pytest.mark.skipif(not PEERS.exists(), reason="jax-morph is installed by make bench")
def test_gradients_in_the_engine_are_jax_morphs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PEERS))
    settings = {"n_cells": 6, "n_records": 3}
    names: Any = dict.fromkeys(("epsilon", "alpha", "kT"), "default")
    problem = load_problem(f"{STUDY}:JaxMorphStudy", settings, names)
    points = np.array([[3.0, 3.0, 1.0], [2.5, 2.0, 0.7]])
    result = engine.evaluate(problem, points, np.arange(2), run_key=0)
    assert result.gradient is not None

    import jax_morph
    from jax_morph.physics import BrownianDynamics, Morse

    def own(theta: Any, key: Any) -> Any:
        """The same with jax-morph alone, its loop in one piece for each record."""
        step = BrownianDynamics(
            Morse(epsilon=theta[0], alpha=theta[1]), n_space_dim=2, gamma=0.8, kT=theta[2]
        )
        model = jax_morph.Model([step])
        state = jax_morph.build_state_from_model(model).init_empty(capacity=6, n_space_dim=2, n_types=1)
        state = state.update(
            position=jax.random.uniform(jax.random.PRNGKey(0), (6, 2), minval=-2, maxval=2),
            radius=jnp.full(6, 0.5),
            celltype=jnp.ones((6, 1)),
            alive=jnp.ones(6, bool),
        )
        for part in jax.random.split(key, 3):
            state = jax_morph.simulate(model, state, 10, 1e-4, part)
        x = state.position
        return jnp.linalg.norm(x - x.mean(axis=0), axis=-1).mean()

    with jax.enable_x64(True):
        keys = program.seed_keys(0, np.arange(2))
        for i, j in np.ndindex(2, 2):
            value, gradient = jax.value_and_grad(own)(jnp.asarray(points[i]), jnp.asarray(keys[j]))
            np.testing.assert_allclose(result.value[i, j, -1, 0], value, rtol=1e-12)
            np.testing.assert_allclose(result.gradient[i, j, -1, 0], gradient, rtol=1e-9, atol=1e-14)
