"""Energy minimisation: minima, and how they move, by all steps and by the implicit function theorem."""

from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy import stats

import jaxmorph as jxm
from jaxmorph.engine.program import over_batch
from jaxmorph.env.mechanics import (
    EnergyMinimisation,
    Fire,
    GradientDescent,
    HarmonicPotential,
    LennardJonesPotential,
    MorseAdhesionPotential,
    MorsePotential,
)
from jaxmorph.env.mechanics.minimisation import MinimisationMethod
from jaxmorph.errors import JaxmorphError

pytestmark = pytest.mark.usefixtures("x64")

Gradients = Literal["implicit", "unrolled"]
N = 7
EPSILON, ALPHA, ONSET, CUTOFF = 3.0, 2.0, 6.0, 8.0
FIRE, DESCENT = (Fire(), 500), (GradientDescent(4e-3), 3000)
both_kinds = pytest.mark.parametrize("gradients", ["implicit", "unrolled"])


def cells(position: Any, radius: Any, space: Any = None) -> jxm.BaseCellState:
    position = jnp.asarray(position)
    displacement, shift = jxm.space.free() if space is None else space
    celltype = jnp.ones((len(position), 1))
    return jxm.BaseCellState(displacement, shift, position, celltype, jnp.asarray(radius).reshape(-1, 1))


def cluster(n_dim: int) -> jxm.BaseCellState:
    rng = np.random.default_rng(0)
    return cells(rng.normal(size=(N, n_dim)) * (1.4 - 0.25 * n_dim), rng.uniform(0.4, 0.6, N))


def distances(state: jxm.BaseCellState) -> Array:
    """Of all pairs: they know no place and no orientation."""
    first, second = np.triu_indices(state.position.shape[0], 1)
    between = jax.vmap(state.displacement)(state.position[first], state.position[second])
    return jnp.linalg.norm(between, axis=1)


def morse(epsilon: Any = EPSILON, alpha: Any = ALPHA) -> MorsePotential:
    return MorsePotential(epsilon, alpha, CUTOFF, ONSET)


@both_kinds
@pytest.mark.parametrize("n_dim", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_two_cells_come_to_rest_where_they_touch(n_dim: int, gradients: Gradients) -> None:
    """The distance is the sum of the radii, and the centroid stays; so do the derivatives say."""
    start = jnp.asarray([[0.0, 0.0, 0.0], [0.7, 0.6, -0.2]])[:, :n_dim]

    def rest(radius: Array, epsilon: Array, position: Array) -> tuple[Array, Array]:
        step = EnergyMinimisation(morse(epsilon), Fire(), 300, gradients=gradients)
        position = step(cells(position, radius)).position
        return jnp.linalg.norm(position[1] - position[0]), position.mean(axis=0)

    at = jnp.asarray([0.4, 0.7]), jnp.asarray(EPSILON), start
    distance, middle = jax.jit(rest)(*at)
    assert float(distance) == pytest.approx(1.1, abs=1e-12)
    np.testing.assert_allclose(middle, start.mean(axis=0), atol=1e-12)
    slope, drag = jax.jit(jax.jacrev(rest, (0, 1, 2)))(*at)
    for found, expected in zip(slope, (1.0, 0.0, 0.0), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-9)
    each = np.eye(n_dim)[:, None, :] / 2 * np.ones((2, 1))
    for change, of_middle in zip(drag, (0.0, 0.0, each), strict=True):
        np.testing.assert_allclose(change - of_middle, 0, atol=1e-12)


def test_second_derivatives_are_those_of_the_closed_form() -> None:
    """The distance of two cells of radii a^2 and a^3."""

    def distance(a: Array) -> Array:
        step = EnergyMinimisation(morse(), Fire(), 300)
        end = step(cells([[0.0, 0.0], [0.7, 0.6]], jnp.stack([a**2, a**3]))).position
        return jnp.linalg.norm(end[1] - end[0])

    a = 0.8
    assert float(jax.jit(jax.grad(distance))(a)) == pytest.approx(2 * a + 3 * a**2, abs=1e-9)
    assert float(jax.jit(jax.grad(jax.grad(distance)))(a)) == pytest.approx(2 + 6 * a, abs=1e-8)


def slopes(function: Callable, at: Any, along: Any) -> tuple[float, float, float]:
    """Along a direction: forward, reverse, and by differences of fourth order."""

    def moved(h: float) -> Any:
        return jax.tree.map(lambda x, t: x + h * t, at, along)

    def difference(h: float) -> float:
        up, down = moved(h), moved(-h)
        return float(value(up) - value(down)) / (2 * h)

    value = jax.jit(function)
    forward = jax.jit(lambda at: jax.jvp(function, (at,), (along,))[1])(at)
    gradient = jax.jit(jax.grad(function))(at)
    products = jax.tree.map(lambda g, t: float(jnp.sum(g * t)), gradient, along)
    reverse = sum(jax.tree.leaves(products))
    h = 1e-4
    return float(forward), reverse, (4 * difference(h) - difference(2 * h)) / 3


def directions(at: Any) -> Any:
    return jax.tree.map(lambda x: jnp.cos(1.0 + jnp.arange(x.size)).reshape(x.shape), at)


@pytest.mark.slow
@pytest.mark.parametrize(("n_dim", "how"), [(2, FIRE), (3, DESCENT)])
def test_both_derivatives_of_a_cluster_are_those_of_finite_differences(
    n_dim: int, how: tuple[MinimisationMethod, int]
) -> None:
    state = cluster(n_dim)
    weight = directions(distances(state))

    def shape(gradients: Gradients) -> Callable[[dict], Array]:
        def projected(p: dict[str, Array]) -> Array:
            step = EnergyMinimisation(morse(p["epsilon"], p["alpha"]), *how, gradients=gradients)
            return jnp.sum(weight * distances(step(cells(p["position"], p["radius"]))))

        return projected

    at = {
        "epsilon": jnp.asarray(EPSILON),
        "alpha": jnp.asarray(ALPHA),
        "position": state.position,
        "radius": state.radius[:, 0],
    }
    along = directions(at)
    forward, reverse, difference = slopes(shape("implicit"), at, along)
    unrolled_forward, unrolled_reverse, _ = slopes(shape("unrolled"), at, along)
    assert abs(difference) > 0.1
    assert reverse == pytest.approx(forward, rel=1e-10)
    assert unrolled_reverse == pytest.approx(unrolled_forward, rel=1e-10)
    assert forward == pytest.approx(unrolled_forward, rel=1e-6)
    assert forward == pytest.approx(difference, rel=1e-6)


@pytest.mark.slow
def test_a_packing_in_a_periodic_box_moves_as_finite_differences_say() -> None:
    """Soft cells that press on one another across the faces of a box."""
    rng = np.random.default_rng(3)
    side = 4 * np.array([1.0, np.sqrt(3) / 2])
    lattice = np.array([[i + 0.5 * (j % 2), j * np.sqrt(3) / 2] for i in range(4) for j in range(4)])
    position = jnp.asarray(np.mod(lattice + 0.03 * rng.normal(size=(16, 2)), side))
    space = jxm.space.periodic(jnp.asarray(side))
    weight = directions(jnp.zeros(120))

    def shape(gradients: Gradients) -> Callable[[Array], Array]:
        def projected(radius: Array) -> Array:
            step = EnergyMinimisation(HarmonicPotential(), Fire(0.1, 0.5), 600, gradients=gradients)
            return jnp.sum(weight * distances(step(cells(position, radius, space))))

        return projected

    radius = jnp.asarray(rng.uniform(0.58, 0.6, 16))
    forward, reverse, difference = slopes(shape("implicit"), radius, directions(radius))
    unrolled = jax.jit(lambda r: jax.jvp(shape("unrolled"), (r,), (directions(r),))[1])(radius)
    assert abs(difference) > 0.1
    assert reverse == pytest.approx(forward, rel=1e-10)
    assert forward == pytest.approx(float(unrolled), rel=1e-6)
    assert forward == pytest.approx(difference, rel=1e-6)


def md_morse(state: jxm.BaseCellState, epsilon: float) -> Any:
    from jax_md import energy, space

    return energy.morse_pair(
        space.free()[0],
        sigma=state.radius + state.radius.T,
        epsilon=jnp.asarray(epsilon),
        alpha=jnp.asarray(ALPHA),
        r_onset=jnp.asarray(ONSET),
        r_cutoff=jnp.asarray(CUTOFF),
    )


def md_fire(energy: Any, dt: float, dt_max: float) -> Any:
    """jax-md rounds numbers to half precision here; arrays of one number stay as they are."""
    from jax_md import minimize, space

    numbers = (np.array([x]) for x in (dt, dt_max, 5.0, 1.1, 0.5, 0.1, 0.99))
    return minimize.fire_descent(energy, space.free()[1], *numbers)


@pytest.mark.parametrize("n_dim", [2, 3])
def test_every_method_finds_the_minimum_of_jax_md(n_dim: int, from_jax_md: Callable) -> None:
    state = cluster(n_dim)

    @jax.jit
    def theirs(x: Array) -> Array:
        init, apply = md_fire(md_morse(state, EPSILON), 0.02, 0.2)
        end = jax.lax.fori_loop(0, 1500, lambda _, s: apply(s), init(x)).position
        return distances(eqx.tree_at(lambda s: s.position, state, end))

    expected = from_jax_md(lambda: theirs(state.position))
    for how in (FIRE, DESCENT):
        found = jax.jit(lambda state, how=how: distances(EnergyMinimisation(morse(), *how)(state)))
        np.testing.assert_allclose(found(state), expected, rtol=1e-9)


def test_fire_goes_the_way_of_jax_md(from_jax_md: Callable) -> None:
    """Forces so large that jax-md's 1e-6 beside their squares is lost; and some steps uphill."""
    state = cluster(2)
    stiff, dt, dt_max = 1e5, 3e-4, 2e-3

    @jax.jit
    def theirs(x: Array) -> tuple[Array, Array]:
        init, apply = md_fire(md_morse(state, stiff), dt, dt_max)
        last, steps = jax.lax.scan(lambda s, _: (apply(s), s.dt), init(x), None, length=60)
        return last.position, jnp.diff(steps[:, 0])

    @jax.jit
    def end(x: Array) -> Array:
        return Fire(dt, dt_max)(morse(stiff).force_fn(state), state.shift, x, 60)

    ours = end(state.position)
    md, steps = from_jax_md(lambda: theirs(state.position))
    assert np.any(steps < 0) and np.any(steps > 0)
    # jax-md rounds half of each time step to single precision.
    np.testing.assert_allclose(ours, md, rtol=0, atol=2e-7)
    assert not np.allclose(md, state.position, atol=0.05)


def test_a_minimum_knows_no_origin_direction_or_order() -> None:
    state = cluster(3)
    rotation = jnp.asarray(stats.ortho_group.rvs(3, random_state=0))
    order = np.random.default_rng(0).permutation(N)

    @eqx.filter_jit
    @eqx.filter_value_and_grad(has_aux=True)
    def measure(state: jxm.BaseCellState) -> tuple[Array, Array]:
        end = EnergyMinimisation(morse(), *FIRE)(state)
        return jxm.observables.radius_of_gyration(end), end.position

    (size, position), slope = measure(state)
    moved = eqx.tree_at(lambda s: s.position, state, state.position @ rotation.T + 3.0)
    for other, expected, radius in (
        (moved, position @ rotation.T + 3.0, slope.radius),
        (jax.tree.map(lambda x: x[order], state), position[order], slope.radius[order]),
    ):
        (other_size, other_position), other_slope = measure(other)
        assert float(other_size) == pytest.approx(float(size), rel=1e-11)
        np.testing.assert_allclose(other_position, expected, atol=1e-8)
        np.testing.assert_allclose(other_slope.radius, radius, atol=1e-9)


@pytest.mark.slow
def test_dead_slots_stay_and_change_nothing() -> None:
    alone = cluster(2)
    among = eqx.tree_at(lambda s: s.position, alone.elongate(3), jnp.zeros((N + 3, 2)) + 5.0)
    among = eqx.tree_at(lambda s: s.position, among, among.position.at[:N].set(alone.position))
    weight = directions(jnp.zeros((N + 3, 2)))

    @eqx.filter_jit
    @eqx.filter_value_and_grad(has_aux=True)
    def measure(state: jxm.BaseCellState) -> tuple[Array, Array]:
        end = EnergyMinimisation(morse(), *FIRE)(state)
        size = jxm.observables.radius_of_gyration(end)
        return size + jnp.sum((weight[: len(end.position)] * end.position)[N:]), end.position

    (_, position), slope = measure(alone)
    (_, position_among), slope_among = measure(among)
    np.testing.assert_allclose(position_among[:N], position, atol=1e-9)
    np.testing.assert_array_equal(position_among[N:], 5.0)
    np.testing.assert_allclose(slope_among.radius[:N], slope.radius, atol=1e-9)
    np.testing.assert_allclose(slope_among.position[N:], weight[N:], atol=1e-12)


def test_what_is_no_minimum_is_not_a_number() -> None:
    state = cluster(2).elongate(1)
    for gradients in ("implicit", "unrolled"):
        step = EnergyMinimisation(morse(), Fire(), 3, gradients=gradients)
        end = eqx.filter_jit(step)(state).position
        assert np.all(np.isnan(end[:N])) and np.all(end[N:] == 0)
        end = eqx.filter_jit(eqx.tree_at(lambda s: s.tolerance, step, 1e3))(state).position
        assert np.all(np.isfinite(end))


@pytest.mark.parametrize(
    ("position", "potential"),
    [
        # Two pairs out of reach of each other; cells that stop where they no longer overlap; a line of
        # three, which is a saddle.
        ([[0.0, 0.0], [0.9, 0.0], [9.5, 0.0], [9.5, 1.1]], morse()),
        ([[0.0, 0.0], [0.8, 0.0]], HarmonicPotential()),
        ([[-0.9, 0.0], [0.0, 0.0], [0.9, 0.0]], morse()),
    ],
)
def test_minima_that_are_not_isolated_have_no_implicit_derivative(
    position: list, potential: Any
) -> None:
    """Their positions are numbers nevertheless."""

    def size(radius: Array) -> Array:
        end = EnergyMinimisation(potential, Fire(0.05, 0.2), 500)(cells(position, radius))
        return jxm.observables.radius_of_gyration(end)

    value, slope = jax.jit(jax.value_and_grad(size))(jnp.full(len(position), 0.5))
    assert np.isfinite(value) and np.all(np.isnan(slope))


@pytest.mark.slow
def test_minimising_in_a_batch_is_minimising_alone() -> None:
    """As the engine maps it, with noise and in both modes; adhesion by type, and a dead slot."""
    start = cluster(2)
    types = jnp.asarray(np.eye(2)[np.arange(N) % 2]).at[4].set(0)

    def program(theta: Array, key: Array) -> Any:
        def size(theta: Array) -> Array:
            table = theta[0] * jnp.asarray([[3.0, 1.0], [1.0, 3.0]])
            potential = MorseAdhesionPotential(table, theta[1], CUTOFF, ONSET)
            position = start.position + 0.05 * jax.random.normal(key, (N, 2))
            state = jxm.BaseCellState(*jxm.space.free(), position, types, theta[2] * start.radius)
            end = EnergyMinimisation(potential, Fire(), 300)(state)
            return jxm.observables.radius_of_gyration(end)

        return jax.value_and_grad(size)(theta), jax.jacfwd(size)(theta)

    samples = jnp.asarray([[1.0, 2.0, 1.0], [0.8, 2.2, 1.1], [1.2, 1.8, 0.9]])
    keys = jax.random.split(jax.random.PRNGKey(1), 2)
    (value, reverse), forward = jax.jit(over_batch(program))(samples, keys)
    np.testing.assert_allclose(reverse, forward, atol=1e-10)
    one = jax.jit(program)
    for i, theta in enumerate(samples):
        for j, key in enumerate(keys):
            (value_alone, slope), _ = one(theta, key)
            assert float(value[i, j]) == pytest.approx(float(value_alone), rel=1e-9)
            np.testing.assert_allclose(reverse[i, j], slope, rtol=1e-7, atol=1e-9)


@pytest.mark.usefixtures("mistyped")
def test_mistakes_are_said_in_one_line() -> None:
    for message, call in {
        "gradients = 'exact': must be 'implicit' or 'unrolled'": lambda: EnergyMinimisation(
            LennardJonesPotential(),
            gradients="exact",  # type: ignore[arg-type]
        ),
        "relaxation_steps = 0: a relaxation has at least 1 step": lambda: EnergyMinimisation(
            LennardJonesPotential(), relaxation_steps=0
        ),
        r"dt = -0\.1: must be above 0": lambda: Fire(-0.1),
        "dt_max = 0: must be above 0": lambda: Fire(dt_max=0),
        "dt = 0: must be above 0": lambda: GradientDescent(0),
    }.items():
        with pytest.raises(JaxmorphError, match=message):
            call()
