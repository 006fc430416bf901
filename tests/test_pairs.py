"""Each layout of pairs gives the same energies, forces and derivatives."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from support.spaces import periodic_of_another

import jaxmorph as jxm
from jaxmorph.engine import evaluate
from jaxmorph.engine.program import forward, reverse, seed_keys, values
from jaxmorph.env.interactions import choosing, preferring
from jaxmorph.env.interactions.sums import BOTH_WAYS, ONCE
from jaxmorph.env.mechanics import MorsePotential, PairPotential, SGDMechanicalRelaxation
from jaxmorph.studies import Problem, load_study
from jaxmorph.tracing import many_tangents

N = 7
SPACES = {
    "free": jxm.space.free(),
    "periodic": jxm.space.periodic(6.0),
    "of another library": periodic_of_another(6.0),
}


def _state(displacement: Callable, shift: Callable, n_dim: int) -> jxm.BaseCellState:
    rng = np.random.default_rng(0)
    return jxm.BaseCellState(
        displacement=displacement,
        shift=shift,
        position=jnp.asarray(rng.uniform(0, 5, (N, n_dim))).at[-2].set(2.0).at[-3].set(2.0),
        celltype=jnp.ones((N, 1)).at[-1].set(0),
        radius=jnp.asarray(rng.uniform(0.4, 0.8, (N, 1))).at[-1].set(0),
    )


def _answers(state: jxm.BaseCellState) -> dict[str, Any]:
    """Energies, the force, and its derivatives in both modes, in all that it depends on."""

    def force(epsilon: Array, r_cutoff: Array, position: Array, radius: Array) -> Array:
        potential = MorsePotential(epsilon=epsilon, alpha=2.0, r_onset=2.0, r_cutoff=r_cutoff)
        moved = eqx.tree_at(lambda s: (s.position, s.radius), state, (position, radius))
        return potential.force_fn(moved)(position)

    at = (jnp.asarray(3.0), jnp.asarray(3.5), state.position, state.radius)
    potential = MorsePotential(epsilon=3.0, alpha=2.0, r_onset=2.0, r_cutoff=3.5)
    energy = potential.energy_fn(state, per_particle=True)

    @jax.jit
    def answers() -> dict[str, Any]:
        return {
            "energy": energy(state.position),
            "force": force(*at),
            "slope of the energy": -jax.grad(lambda x: jnp.sum(energy(x)))(state.position),
            "forward": jax.jacfwd(force, argnums=(0, 1, 2, 3))(*at),
            "reverse": jax.jacrev(force, argnums=(0, 1, 2, 3))(*at),
        }

    return answers()


@pytest.mark.parametrize(
    ("space", "n_dim"),
    [
        ("free", 3),
        ("periodic", 2),
        pytest.param("free", 2, marks=pytest.mark.slow),
        pytest.param("periodic", 3, marks=pytest.mark.slow),
        pytest.param("of another library", 2, marks=pytest.mark.slow),
        pytest.param("of another library", 3, marks=pytest.mark.slow),
    ],
)
def test_both_layouts_agree_and_so_do_both_modes(space: str, n_dim: int) -> None:
    with jax.enable_x64(True):
        displacement, shift = SPACES[space]
        state = _state(displacement, shift, n_dim)
        with choosing(preferring(ONCE)):
            once = _answers(state)
            with many_tangents():
                for_many = _answers(state)
        with choosing(preferring(BOTH_WAYS)):
            both = _answers(state)
    for other in (for_many, both):
        for name, wanted in other.items():
            for a, b in zip(jax.tree.leaves(once[name]), jax.tree.leaves(wanted), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12, err_msg=name)
    for a, b in zip(*(jax.tree.leaves(once[mode]) for mode in ("forward", "reverse")), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(once["force"], once["slope of the energy"], rtol=1e-12, atol=1e-12)


class Spring(PairPotential):
    """With a field that is neither a scalar nor a number for each pair."""

    stiffness: Array

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        return self.stiffness[0] * (distance - sigma) ** 2 + self.stiffness[1] * distance**4


@pytest.mark.parametrize("jacobian", [jax.jacfwd, jax.jacrev], ids=["forward", "reverse"])
def test_fields_of_any_shape_have_derivatives(jacobian: Callable) -> None:
    with jax.enable_x64(True):
        displacement, shift = jxm.space.free()
        state = _state(displacement, shift, 2)
        stiffness = jnp.asarray([0.7, 0.01])

        @jax.jit
        def force(stiffness: Array) -> Array:
            return Spring(stiffness).force_fn(state)(state.position)

        # The force is linear in them: the derivative is the force of a unit of each.
        expected = jnp.stack([force(unit) for unit in jnp.eye(2)], axis=-1)
        np.testing.assert_allclose(jax.jit(jacobian(force))(stiffness), expected, rtol=1e-12, atol=1e-12)


def test_the_force_is_that_of_jax_md(from_jax_md: Callable) -> None:
    with jax.enable_x64(True):
        displacement, shift = jxm.space.free()
        state = _state(displacement, shift, 2).delete([N - 1])
        ours = MorsePotential(epsilon=3.0, alpha=2.0, r_onset=2.0, r_cutoff=3.5).force_fn(state)

        def theirs() -> Array:
            from jax_md import energy, space

            sigma = state.radius + state.radius.T
            numbers = {"epsilon": 3.0, "alpha": 2.0, "r_onset": 2.0, "r_cutoff": 3.5}
            return -jax.grad(energy.morse_pair(space.free()[0], sigma=sigma, **numbers))(state.position)

        expected = from_jax_md(theirs)
        np.testing.assert_allclose(ours(state.position), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        ("forward", ("mean_distance",)),
        *(
            pytest.param(
                mode, ("mean_distance", "covered_fraction", "total_energy"), marks=pytest.mark.slow
            )
            for mode in ("forward", "reverse")
        ),
    ],
)
def test_the_engine_gives_what_a_plain_vmap_gives(mode: str, names: tuple[str, ...]) -> None:
    """The study as its author wrote it, mapped by jax.vmap, and the engine's own program of it."""
    study = load_study("reference", {"n_steps": 12, "record_every": 4, "n_cells": 6, "window_points": 6})
    parameters = study.parameters
    problem = Problem(study, parameters, tuple(p.distribution for p in parameters), {}, names)
    samples = np.array([d.ppf(np.array([0.2, 0.5, 0.9])) for d in problem.distributions]).T
    with jax.enable_x64(True):
        keys = seed_keys(5, np.arange(3))
        single = {"forward": forward, "reverse": reverse}[mode]

        def one(theta: Array, key: Array) -> tuple[Array, Array]:
            return single(lambda theta: values(problem, theta, key), theta)

        value, gradient = jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))(samples, keys)
    result = evaluate(problem, samples, np.arange(3), run_key=5, gradient=mode)  # type: ignore[arg-type]
    assert result.gradient is not None
    np.testing.assert_allclose(result.value, value, rtol=1e-12)
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(result.gradient, gradient, rtol=1e-9, atol=1e-9 * scale)


def test_the_closed_form_of_the_morse_force_is_the_derivative_of_its_energy() -> None:
    class ByEnergy(PairPotential):
        """The same potential, of which only the energy is given."""

        epsilon: Array
        alpha: Array
        r_cutoff: Array

        def pair_energy(self, distance: Array, sigma: Array) -> Array:
            morse = MorsePotential(self.epsilon, self.alpha, self.r_cutoff, 2.0)
            return morse.pair_energy(distance, sigma)

    with jax.enable_x64(True):
        fields = [jnp.asarray(x) for x in (3.0, 2.0, 3.5)]
        # Apart, before and in the cutoff, and beyond it; smaller and larger than touching.
        distance = jnp.asarray([0.3, 0.9, 1.1, 1.9, 2.1, 2.6, 3.4, 3.6, 9.0])
        sigma = jnp.linspace(0.8, 1.6, distance.size)
        morse, by_energy = MorsePotential(fields[0], fields[1], fields[2], 2.0), ByEnergy(*fields)
        ours, derived = jax.jit(
            lambda: [p.force_derivatives(distance, sigma) for p in (morse, by_energy)]
        )()
        g, g_derived = jax.jit(
            lambda: [p.force_over_distance(distance, sigma) for p in (morse, by_energy)]
        )()
        assert set(ours.by_field) == {"potential.epsilon", "potential.alpha"}
        for name, i in (("potential.epsilon", 0), ("potential.alpha", 1)):

            def force(x: Array, i: int = i) -> Array:
                changed = ByEnergy(*[*fields[:i], x, *fields[i + 1 :]])
                return changed.force_over_distance(distance, sigma)

            wanted = jax.jit(jax.jacfwd(force))(fields[i])
            np.testing.assert_allclose(ours.by_field[name], wanted, rtol=1e-12, atol=1e-13, err_msg=name)
        np.testing.assert_allclose(g, g_derived, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(ours.by_distance, derived.by_distance, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(ours.by_sigma, derived.by_sigma, rtol=1e-12, atol=1e-13)


def test_a_subclass_with_another_energy_has_its_own_force() -> None:
    class Stiffer(MorsePotential):
        def pair_energy(self, distance: Array, sigma: Array) -> Array:
            return super().pair_energy(distance, sigma) + 0.5 * (distance - sigma) ** 2

    with jax.enable_x64(True):
        state = _state(*jxm.space.free(), 2)
        potential = Stiffer(epsilon=3.0, alpha=2.0, r_onset=2.0, r_cutoff=3.5)  # type: ignore[call-arg]
        slope = jax.jit(jax.grad(potential.energy_fn(state)))(state.position)
        force = jax.jit(potential.force_fn(state))(state.position)
        np.testing.assert_allclose(force, -slope, rtol=1e-12)


def test_a_subclass_with_another_force_is_moved_by_it() -> None:
    class Pushed(MorsePotential):
        def force_fn(self, state: jxm.BaseCellState) -> Callable[[Array], Array]:
            return jnp.ones_like

    with jax.enable_x64(True):
        state = _state(*jxm.space.free(), 2)
        pushed = Pushed()  # type: ignore[call-arg]
        step = SGDMechanicalRelaxation(pushed, relaxation_steps=3, dt=0.1)
        np.testing.assert_allclose(step(state).position, state.position + 0.3, rtol=1e-13)
