"""What is trainable, and what the discount does to gradients."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

import jaxmorph as jxm
from jaxmorph.env.mechanics import (
    BrownianMechanicalRelaxation,
    MechanicalInteractionPotential,
    MorsePotential,
    SGDMechanicalRelaxation,
)
from jaxmorph.tracing import by_gradient

pytestmark = pytest.mark.usefixtures("x64")

Fields = dict[str, Any]
MORSE = {"epsilon": 1.5, "alpha": 1.2, "r_cutoff": 3.0, "r_onset": 1.0}
MOTION = {"dt": 2e-3, "kT": 0.7, "gamma": 0.9, "discount": 1.0}


def morse(fields: Fields) -> MorsePotential:
    return MorsePotential(**{name: fields[name] for name in MORSE})


def growing(fields: Fields) -> jxm.SimulationStep:
    return jxm.env.CellGrowth(**fields)


def exponentially_growing(fields: Fields) -> jxm.SimulationStep:
    return jxm.env.CellGrowth(**fields, growth_type="exponential")


def brownian(fields: Fields) -> jxm.SimulationStep:
    motion = {name: fields[name] for name in MOTION}
    return BrownianMechanicalRelaxation(morse(fields), 3, **motion)


def descending(fields: Fields) -> jxm.SimulationStep:
    return SGDMechanicalRelaxation(morse(fields), 3, dt=fields["dt"], discount=fields["discount"])


GROWTH = {"growth_rate": 0.05, "max_radius": 0.7, "smoothing_exp": 6.0}
MODELS: list[tuple[Callable[[Fields], jxm.SimulationStep], Fields]] = [
    (growing, GROWTH),
    (exponentially_growing, GROWTH),
    (brownian, MORSE | MOTION),
    (descending, MORSE | {"dt": 5e-3, "discount": 1.0}),
]
every_model = pytest.mark.parametrize(("make", "values"), MODELS)


def state() -> jxm.BaseCellState:
    """Cells at distances below, between and above the ends of the cutoff."""
    rng = np.random.default_rng(2)
    return jxm.BaseCellState(
        *jxm.space.free(),
        position=jnp.asarray(rng.uniform(-2, 2, (6, 2))),
        celltype=jnp.ones((6, 1)),
        radius=jnp.asarray(rng.uniform(0.2, 0.6, (6, 1))),
    )


def loss(model: jxm.SimulationStep) -> Array:
    end = jxm.simulate(model, state(), jax.random.PRNGKey(4), n_steps=4)
    return jnp.sum(jnp.sin(end.position)) + jnp.sum(end.radius**2)


@every_model
def test_gradients_of_all_fields_are_those_of_finite_differences(make: Any, values: Fields) -> None:
    def f(x: Array) -> Array:
        return loss(make(dict(zip(values, x, strict=True))))

    x = np.array(list(values.values()))
    h = 1e-4 * x
    near, far = (np.diag(m * h) for m in (1, 2))
    moved = np.concatenate([x + near, x - near, x + far, x - far])
    value = np.asarray(jax.jit(jax.vmap(f))(jnp.asarray(moved))).reshape(4, len(x))
    slope = (8 * (value[0] - value[1]) - (value[2] - value[3])) / (12 * h)
    at_x, gradient = jax.jit(jax.value_and_grad(f))(jnp.asarray(x))
    np.testing.assert_allclose(gradient, slope, rtol=1e-7, atol=1e-9)
    flat = {name for name, g in zip(values, slope, strict=True) if abs(g) < 1e-6}
    assert flat <= {"discount"}  # no value depends on it
    # The same simulation, with Python numbers in all fields.
    assert loss(make(values)) == pytest.approx(float(at_x), rel=1e-13)


@every_model
def test_a_field_is_trainable_if_and_only_if_it_is_an_array(make: Any, values: Fields) -> None:
    def gradient(trainable: set[str]) -> Any:
        fields = {n: jnp.asarray(v) if n in trainable else v for n, v in values.items()}
        return eqx.filter_eval_shape(eqx.filter_grad(loss), make(fields))

    def fields_of(gradient: Any) -> Fields:
        found = dict(vars(gradient))
        for part in ("mechanical_potential", "potential"):  # the latter of a cutoff
            found |= vars(found.get(part, gradient))
        return found

    for trainable in [set(), *({name} for name in values), set(values)]:
        found = gradient(trainable)
        assert len(jax.tree.leaves(found)) == len(trainable)
        for name in values:
            leaf = fields_of(found)[name]
            if name in trainable:
                assert leaf.shape == () and leaf.dtype == jnp.float64, name
            else:
                assert leaf is None, name


# --- discount ------------------------------------------------------------------------------------


def test_the_discount_is_the_custom_vjp_of_the_notebook() -> None:
    # The last cell of the notebook.
    @jax.custom_vjp
    def f(x: Array, c: float) -> Array:
        del c
        return x

    def f_fwd(x: Array, c: float) -> tuple[Array, tuple[float]]:
        return x, (c,)

    def f_bwd(residuals: tuple[float], g: Array) -> tuple[Array, None]:
        (c,) = residuals
        return g * c, None

    f.defvjp(f_fwd, f_bwd)
    x = jnp.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(jxm.discount_gradient(x, 5.0), x)
    theirs = jax.grad(lambda x: jnp.sum(f(x, 5.0)))(x)
    ours = jax.grad(lambda x: jnp.sum(jxm.discount_gradient(x, 5.0)))(x)
    np.testing.assert_array_equal(theirs, [5.0, 5.0, 5.0])
    np.testing.assert_array_equal(ours, theirs)


def test_the_discount_takes_any_pytree_and_passes_what_has_no_derivative() -> None:
    def f(x: Array, factor: Array) -> tuple[Array, Array]:
        before: dict[str, Any] = {"x": x, "n": jnp.arange(3), "name": "cell"}
        tree = jxm.discount_gradient(before, factor)
        assert tree["name"] == "cell"
        np.testing.assert_array_equal(tree["n"], np.arange(3))
        return tree["x"] ** 2, factor

    x, factor = jnp.asarray(3.0), jnp.asarray(0.25)
    for derivative in (jax.jacfwd, jax.jacrev):
        assert derivative(f, argnums=0)(x, factor)[0] == 6 * 0.25
        assert derivative(f, argnums=1)(x, factor)[0] == 0
        assert derivative(f, argnums=0)(x, jnp.asarray(0.0))[0] == 0


class Trap(MechanicalInteractionPotential):
    """A harmonic trap: k / 2 times the squared distance from the origin."""

    k: float | Array = 1.0

    def energy_fn(self, state: jxm.BaseCellState, *, per_particle: bool = False) -> Any:
        return lambda x: 0.5 * self.k * jnp.sum(x**2, axis=1 if per_particle else None)


@pytest.mark.parametrize("kind", ["gradient descent", "brownian"])
def test_each_inner_step_discounts_once(kind: str) -> None:
    """One cell in a trap, n = 5 x 4 inner steps: x_n = a^n x_0 + noise, a = 1 - k mobility."""
    n_steps, n_inner, k, dt, gamma, c = 5, 4, 1.7, 0.03, 0.8, 0.9
    n, mobility = n_steps * n_inner, dt / gamma if kind == "brownian" else dt
    a = 1 - k * mobility

    def end(k: Array, x0: Array, discount: float) -> Array:
        step: jxm.SimulationStep = SGDMechanicalRelaxation(Trap(k), n_inner, dt, discount)
        if kind == "brownian":
            step = BrownianMechanicalRelaxation(Trap(k), n_inner, dt, 0.0, gamma, discount)
        one = jxm.BaseCellState(*jxm.space.free(), x0[None], jnp.ones((1, 1)), jnp.ones((1, 1)))
        return jxm.simulate(step, one, jax.random.PRNGKey(0), n_steps).position[0]

    args = jnp.asarray(k), jnp.array([1.5, -0.5])
    x0 = np.array([1.5, -0.5])
    np.testing.assert_allclose(end(*args, c), a**n * x0, rtol=1e-13)
    np.testing.assert_array_equal(end(*args, c), end(*args, 1.0))
    # Step j adds -mobility x_(j-1) to dx/dk; n - j + 1 discounts and n - j factors a follow.
    dk = -mobility * a ** (n - 1) * x0 * np.sum(c ** np.arange(1, n + 1))
    for derivative in (jax.jacfwd, jax.jacrev):
        slopes = jax.jit(derivative(end, argnums=(0, 1)), static_argnums=2)
        slope_k, slope_x0 = slopes(*args, c)
        np.testing.assert_allclose(slope_k, dk, rtol=1e-12)
        np.testing.assert_allclose(slope_x0, (c * a) ** n * np.eye(2), rtol=1e-12, atol=1e-15)


@pytest.mark.slow
def test_forward_and_reverse_mode_discount_alike() -> None:
    names = ("epsilon", "alpha", "dt", "kT", "gamma")
    values = MORSE | MOTION

    def f(x: Array, discount: float) -> Array:
        return loss(brownian(values | dict(zip(names, x, strict=True)) | {"discount": discount}))

    x = jnp.array([values[name] for name in names])
    forward, reverse = (jax.jit(d(f), static_argnums=1) for d in (jax.jacfwd, jax.jacrev))
    np.testing.assert_allclose(forward(x, 0.8), reverse(x, 0.8), rtol=1e-12)
    assert np.all(np.abs(forward(x, 0.8) / reverse(x, 1.0) - 1) > 0.01)


def test_by_gradient_has_the_derivatives_of_the_function_in_both_modes_and_twice() -> None:
    def function(state: dict[str, Any], scale: jax.Array) -> jax.Array:
        return scale * jnp.sum(jnp.sin(state["x"]) * state["count"])

    state = {"x": jnp.linspace(0.1, 1.0, 4), "count": jnp.arange(4)}

    def at(x: jax.Array, scale: jax.Array) -> jax.Array:
        return by_gradient(function)({**state, "x": x}, scale)

    x, scale = state["x"], jnp.asarray(1.7)
    weighted = scale * state["count"]
    assert at(x, scale) == function(state, scale)
    for derivative in (jax.jacfwd, jax.jacrev):
        by_x, by_scale = jax.jit(derivative(at, argnums=(0, 1)))(x, scale)
        np.testing.assert_allclose(by_x, weighted * jnp.cos(x), rtol=1e-13)
        np.testing.assert_allclose(by_scale, function(state, jnp.ones(())), rtol=1e-13)
    np.testing.assert_allclose(
        jax.jit(jax.hessian(at))(x, scale), -np.diag(weighted * jnp.sin(x)), rtol=1e-13
    )
