"""Kernels of our own give what operations of JAX give: values and derivatives, in both modes."""

import ctypes
import dataclasses
import re
import sys
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend import core
from jaxtyping import Array
from llvmlite import ir

import jaxmorph as jxm
from jaxmorph.engine import pair_rules
from jaxmorph.engine.native.library import compile_module
from jaxmorph.engine.native.near_pairs import MOST_TANGENTS
from jaxmorph.engine.native.vectors import Vectors, can_be_written
from jaxmorph.engine.program import over_batch
from jaxmorph.env.mechanics import (
    HarmonicPotential,
    HertzianPotential,
    LennardJonesPotential,
    MorseAdhesionPotential,
    MorsePotential,
    PairPotential,
    SGDMechanicalRelaxation,
)
from jaxmorph.tracing import many_tangents

# --- operations on vectors -----------------------------------------------------------------------

_EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 1e-30, 1e30, -1e30, np.inf, -np.inf, np.nan]


def on_vectors(function: Callable, dtype: str, *arrays: np.ndarray) -> np.ndarray:
    """A function of numbers, compiled for vectors of four."""
    scalar = jax.ShapeDtypeStruct((), dtype)
    closed = jax.make_jaxpr(function)(*[scalar] * len(arrays))
    assert can_be_written(closed), closed
    module, width = ir.Module("test"), 4
    pointer = ir.PointerType()
    kind = ir.FunctionType(ir.VoidType(), [pointer] * (len(arrays) + 1))
    made = ir.Function(module, kind, "test")
    builder = ir.IRBuilder(made.append_basic_block())
    vectors = Vectors(builder, np.dtype(dtype), width)
    given = [builder.load(x, align=4, typ=vectors.type) for x in made.args[:-1]]
    builder.store(vectors.evaluate(closed, given)[0], made.args[-1], align=4)
    builder.ret_void()
    compiled = compile_module(str(module))
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (len(arrays) + 1))(
        compiled.get_function_address("test")
    )
    result = np.empty_like(arrays[0])
    for i in range(0, result.size, width):
        places = [np.ascontiguousarray(x[i : i + width]) for x in (*arrays, result)]
        call(*[x.ctypes.data for x in places])
        result[i : i + width] = places[-1]
    return result


def _numbers(dtype: str, n: int = 1000) -> np.ndarray:
    drawn = np.random.default_rng(0).normal(size=n - len(_EDGES)) * 3
    numbers = np.concatenate([_EDGES, drawn]).astype(dtype)
    return numbers[: n // 4 * 4]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x + y,
        lambda x, y: x - y,
        lambda x, y: x * y,
        lambda x, y: x / y,
        lambda x, y: jnp.maximum(x, y) - jnp.minimum(0.5, y),
        lambda x, y: jnp.clip(x, -1, 1) * y,
        lambda x, y: jnp.where(x > y, x, 2),
        lambda x, y: jnp.where((x >= y) | ~(y <= 0), x, y),
        lambda x, y: jnp.where((x != y) & (x < 1), -x, y),
        lambda x, y: jnp.where(x == y, jnp.abs(x), y).astype(x.dtype),
        lambda x, y: x**3 + y**-2,
        lambda x, y: jnp.square(x) + (x < y),
        lambda x, y: jnp.sqrt(x) + y,
        lambda x, y: jax.nn.relu(x) + y,
    ],
)
def test_operations_are_those_of_jax(function: Callable, dtype: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        x, y = _numbers(dtype), _numbers(dtype)[::-1].copy()
        wanted = np.asarray(jax.jit(function)(x, y))
        eps = float(np.finfo(dtype).eps)
        np.testing.assert_allclose(on_vectors(function, dtype, x, y), wanted, rtol=4 * eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_exponential_is_right_to_the_last_digits(dtype: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        info = np.finfo(dtype)
        ends = np.log(float(info.tiny)) + 0.1, np.log(float(info.max)) - 0.5
        x = np.linspace(*ends, 100_000).astype(dtype)
        got = on_vectors(jnp.exp, dtype, x)
        exact = np.exp(x.astype(np.longdouble))
        assert np.max(np.abs(got - exact) / exact) < 1.5 * info.eps
        edges = np.array([0, -np.inf, np.inf, np.nan, -1e6, 1e6, -800, 800], dtype)
        np.testing.assert_array_equal(
            on_vectors(jnp.exp, dtype, edges), np.array([1, 0, np.inf, np.nan, 0, np.inf, 0, np.inf])
        )


@pytest.mark.parametrize(
    "function", [jnp.sin, jnp.floor, lambda x: x**1.5, lambda x: jnp.sum(jnp.stack([x, x]))]
)
def test_what_cannot_be_written_is_known(function: Callable) -> None:
    assert not can_be_written(jax.make_jaxpr(function)(1.0))


# --- forces --------------------------------------------------------------------------------------

N = 9


class Springs(PairPotential):
    """What a user writes: the energy alone."""

    stiffness: Any = 2.0
    rest: Any = 1.0

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        return self.stiffness * (distance - self.rest * sigma) ** 2 * jnp.exp(-distance)


# Each from two numbers of about 1. Cells are within, in and beyond the cutoff.
LAWS: dict[str, Callable[[Array, Array], PairPotential]] = {
    "morse": lambda a, b: MorsePotential(a, b, r_onset=1.5, r_cutoff=2.5),
    "morse, far cutoff": lambda a, b: MorsePotential(a, b, r_onset=15.0, r_cutoff=20.0),
    "morse, cutoff varies": lambda a, b: MorsePotential(a, 2.0, r_onset=1.5, r_cutoff=2 + b),
    "lennard-jones": lambda a, b: LennardJonesPotential(a * b, r_onset=1.5, r_cutoff=2.5),
    "harmonic": lambda a, b: HarmonicPotential(a * b),
    "springs": Springs,
}


def state_of(position: Array, radius: Array) -> jxm.BaseCellState:
    """Cells in free space, the last of which is dead."""
    displacement, shift = jxm.space.free()
    return jxm.BaseCellState(
        displacement=displacement,
        shift=shift,
        position=position,
        celltype=jnp.ones((len(position), 1), position.dtype).at[-1].set(0),
        radius=radius,
    )


def forces_of(name: str, n_dim: int) -> Callable[[Array, Array], Array]:
    """(theta, key) -> the force on each cell; theta moves the law, the factor, positions and radii."""
    law = LAWS[name]

    def force(theta: Array, key: Array) -> Array:
        a, b, scale, spread, growth = theta
        position = jax.random.uniform(key, (N, n_dim), theta.dtype) * 4 * spread
        if name != "lennard-jones":  # whose forces are 1e14 there
            position = position.at[1].set(position[0])
        radius = jnp.full((N, 1), 0.5, theta.dtype) * growth
        state = state_of(position, radius)
        return law(a, b).scaled_force_fn(state, scale)(position)

    return force


def derived(function: Callable, mode: str) -> Callable:
    """Values and derivatives along the way that the engine takes."""

    def forward(theta: Array, key: Array) -> Any:
        def along(t: Array) -> Any:
            return jax.jvp(lambda x: function(x, key), (theta,), (t,))

        with many_tangents():
            return jax.vmap(along, out_axes=(None, -1))(jnp.eye(theta.size, dtype=theta.dtype))

    def reverse(theta: Array, key: Array) -> Any:
        value, back = jax.vjp(lambda x: function(x, key), theta)
        basis = jnp.eye(value.size, dtype=value.dtype).reshape(value.size, *value.shape)
        return value, jax.vmap(back)(basis)

    def one_cotangent(theta: Array, key: Array) -> Any:
        def total(x: Array) -> Array:
            result = function(x, key)
            return jnp.sum(result * jnp.cos(jnp.arange(result.size)).reshape(result.shape))

        return jax.value_and_grad(total)(theta)

    ways = {"forward": forward, "reverse": reverse, "gradient": one_cotangent}
    return ways[mode]


def plain(function: Callable, samples: Any, keys: Any) -> Any:
    return jax.vmap(jax.vmap(function, (None, 0)), (0, None))(samples, keys)


def points(dtype: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    samples = np.random.default_rng(1).uniform(0.8, 1.2, (n, 5)).astype(dtype)
    return samples, np.asarray(jax.random.split(jax.random.PRNGKey(3), 3))


def close(got: Any, wanted: Any, tolerance: float) -> None:
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        assert np.all(np.isfinite(b))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


def is_fused(function: Callable, *arguments: Any) -> bool:
    """Whether all forces of a function are kernels."""

    def names(jaxpr: core.Jaxpr) -> set[str]:
        inner = [names(j) for e in jaxpr.eqns for j in core.jaxprs_in_params(e.params)]
        return {e.primitive.name for e in jaxpr.eqns}.union(*inner)

    with pair_rules.kernels_for_pairs():
        found = names(jax.make_jaxpr(function)(*arguments).jaxpr)
    return any(name.startswith("pair_force") for name in found)


@pytest.fixture(params=["every pair", "near pairs"])
def looks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors hold one pair of several simulations, or several pairs of one."""
    fewest = {"every pair": 0, "near pairs": sys.maxsize}[request.param]
    monkeypatch.setattr(pair_rules, "_FEWEST", fewest)
    monkeypatch.setattr(pair_rules, "_MANY", {kind: {} for kind in pair_rules._MANY})
    jax.clear_caches()


@pytest.mark.parametrize(
    ("name", "n_dim", "mode"),
    [
        *((name, 2, mode) for name in LAWS for mode in ("forward", "gradient")),
        *(("morse", 3, mode) for mode in ("forward", "reverse", "gradient")),
    ],
)
@pytest.mark.usefixtures("looks")
def test_kernels_equal_the_plain_path(name: str, n_dim: int, mode: str) -> None:
    with jax.enable_x64(True):
        samples, keys = points("float64", 7)  # 21 simulations: not a multiple of what a vector holds
        function = derived(forces_of(name, n_dim), mode)
        assert is_fused(function, samples[0], keys[0])
        got = jax.jit(over_batch(function))(samples, keys)
        close(got, jax.jit(lambda *a: plain(function, *a))(samples, keys), 1e-12)


@pytest.mark.parametrize("mode", ["forward", "gradient"])
@pytest.mark.parametrize("n_samples", [1, 16])  # fewer simulations than a vector holds, and more
@pytest.mark.usefixtures("looks")
def test_kernels_in_single_precision(n_samples: int, mode: str) -> None:
    with jax.enable_x64(False):
        samples, keys = points("float32", n_samples)
        function = derived(forces_of("morse", 2), mode)
        got = jax.jit(over_batch(function))(samples, keys)
        close(got, jax.jit(lambda *a: plain(function, *a))(samples, keys), 3e-6)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_tangents_that_do_not_fit_into_the_cache_come_in_parts(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with jax.enable_x64(True):
        samples, keys = points("float64", 4)
        function = derived(forces_of("morse", 2), mode)
        whole = jax.jit(over_batch(function))(samples, keys)
        monkeypatch.setattr(pair_rules, "_LOCAL_BYTES", 10_000)
        jax.clear_caches()
        assert is_fused(function, samples[0], keys[0])
        text = str(jax.make_jaxpr(over_batch(function))(samples, keys))
        assert text.count("ffi_call") > 2
        close(jax.jit(over_batch(function))(samples, keys), whole, 1e-14)


@pytest.mark.usefixtures("looks")
def test_second_derivatives_are_those_of_the_plain_path() -> None:
    with jax.enable_x64(True):
        samples, keys = points("float64", 3)
        force = forces_of("morse", 2)

        def hessian(theta: Array, key: Array) -> Array:
            return jax.hessian(lambda x: jnp.sum(jnp.sin(force(x, key))))(theta)

        got = jax.jit(over_batch(hessian))(samples, keys)
        close(got, jax.jit(lambda *a: plain(hessian, *a))(samples, keys), 1e-11)


@pytest.mark.parametrize("mode", ["forward", "gradient"])
@pytest.mark.usefixtures("looks")
def test_a_whole_relaxation(mode: str) -> None:
    """In loops, with what a step needs of the one before."""

    def end(theta: Array, key: Array) -> Array:
        a, b, dt, spread, growth = theta
        position = jax.random.uniform(key, (N, 2), theta.dtype) * 3 * spread
        state = state_of(position, jnp.full((N, 1), 0.5, theta.dtype) * growth)
        potential = MorsePotential(a, b, r_onset=1.5, r_cutoff=2.5)
        step = SGDMechanicalRelaxation(potential, relaxation_steps=20, dt=1e-3 * dt)
        return step(state).position

    with jax.enable_x64(True):
        samples, keys = points("float64", 5)
        function = derived(end, mode)
        got = jax.jit(over_batch(function))(samples, keys)
        close(got, jax.jit(lambda *a: plain(function, *a))(samples, keys), 1e-11)


@pytest.mark.usefixtures("looks")
def test_a_position_that_is_nan_gives_no_number() -> None:
    """Also where all others are beyond the reach of a force."""
    with jax.enable_x64(True):

        def force(theta: Array, key: Array) -> Array:
            del key
            position = jnp.arange(2.0 * N).reshape(N, 2) * 100 + theta[0]
            position = position.at[3, 0].set(jnp.where(theta[0] > 1, jnp.nan, position[3, 0]))
            state = state_of(position, jnp.ones((N, 1)))
            return MorsePotential(r_onset=1.5, r_cutoff=2.5).force_fn(state)(position)

        samples = np.array([[0.5], [1.5]])
        near, broken = np.asarray(over_batch(force)(samples, points("float64", 1)[1]))[:, 0]
        np.testing.assert_array_equal(near, 0)
        assert np.all(np.isnan(broken))


@pytest.mark.usefixtures("looks")
def test_cells_at_the_ends_of_a_cutoff() -> None:
    """Where one form of the law gives way to the other."""
    with jax.enable_x64(True):
        distances = np.array([1.4, 1.5 - 1e-9, 1.5, 1.5 + 1e-9, 2.0, 2.5 - 1e-9, 2.5, 2.5 + 1e-9, 3.0])

        def force(theta: Array, key: Array) -> Array:
            del key
            position = jnp.zeros((N, 2)).at[:, 1].set(jnp.arange(N) * 50.0).at[1, 1].set(0.0)
            position = position.at[1, 0].set(theta[0])
            state = state_of(position, jnp.full((N, 1), 0.5))
            return MorsePotential(r_onset=1.5, r_cutoff=2.5).force_fn(state)(position)

        function = derived(force, "forward")
        samples, keys = distances[:, None], points("float64", 1)[1][:1]
        got = jax.jit(over_batch(function))(samples, keys)
        close(got, jax.jit(lambda *a: plain(function, *a))(samples, keys), 1e-12)


# --- cells that are looked for by their boxes ----------------------------------------------------

_MANY_CELLS = 300


def _scattered(n_dim: int) -> np.ndarray:
    return np.random.default_rng(2).uniform(0, 1, (_MANY_CELLS, n_dim))


def _row(n_dim: int, axis: int) -> np.ndarray:
    position = _scattered(n_dim)
    position[:, axis] *= 0.6 * _MANY_CELLS
    return position


def _at_edges(n_dim: int) -> np.ndarray:
    """On a lattice as wide as the reach, and half of it: distances that are the reach itself."""
    return np.indices((18,) * n_dim).reshape(n_dim, -1).T[:_MANY_CELLS] * 1.25


def _far_apart(n_dim: int) -> np.ndarray:
    """Three clusters and a cell, 10^7 apart: farther than boxes are counted."""
    position = _scattered(n_dim) * 6
    position[100:200, 0] += 1e7
    position[200:, -1] -= 1e7
    position[7] = -1e9
    return position


PLACES: dict[str, Callable[[int], np.ndarray]] = {
    "a disc": lambda n_dim: _scattered(n_dim) * 1.2 * _MANY_CELLS ** (1 / n_dim),
    "all within reach": _scattered,
    "a row along x": lambda n_dim: _row(n_dim, 0),
    "a row along the last axis": lambda n_dim: _row(n_dim, -1),
    "at the edges of boxes": _at_edges,
    "far from the origin": lambda n_dim: _scattered(n_dim) * 20 + 1e5,
    "far apart": _far_apart,
}


def crowds(name: str, n_dim: int, dead_at: float) -> Callable[[Array, Array], Array]:
    """(theta, key) -> forces in the place that the last of theta counts; a third is dead."""
    places = np.stack([place(n_dim) for place in PLACES.values()])
    dead = np.arange(_MANY_CELLS)[:, None] % 3 == 1

    def force(theta: Array, key: Array) -> Array:
        a, b, scale, spread, growth, place = theta
        # Not places times the spread: derivatives would be as large as places are far away.
        moved = (spread - 1) * (_scattered(n_dim) - 0.5)
        position = jnp.where(dead, dead_at, jnp.asarray(places)[place.astype(int)] + moved)
        radius = jax.random.uniform(key, (_MANY_CELLS, 1), theta.dtype, 0.3, 0.7) * growth
        state = state_of(position, radius)
        state = dataclasses.replace(state, celltype=jnp.where(dead, 0, state.celltype))
        return LAWS[name](a, b).scaled_force_fn(state, scale)(position)

    return force


@pytest.mark.parametrize("mode", ["forward", "gradient"])
@pytest.mark.parametrize(("name", "n_dim"), [("morse", 2), ("morse", 3), ("harmonic", 2)])
def test_near_pairs_are_found_wherever_cells_are(
    name: str, n_dim: int, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead cells have no place."""
    monkeypatch.setattr(pair_rules, "_FEWEST", sys.maxsize)
    with jax.enable_x64(True):
        samples, keys = points("float64", len(PLACES))
        samples[:, 3] = 1  # so that cells on edges stay there
        samples = np.column_stack([samples, np.arange(len(PLACES))])
        got = jax.jit(over_batch(derived(crowds(name, n_dim, np.nan), mode)))(samples, keys[:1])
        function = derived(crowds(name, n_dim, 0.0), mode)
        wanted = jax.jit(lambda *a: plain(function, *a))(samples, keys[:1])
        for i in range(len(PLACES)):
            close([x[i] for x in got], [x[i] for x in wanted], 1e-11)


def test_more_tangents_than_a_vector_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_rules, "_FEWEST", sys.maxsize)
    with jax.enable_x64(True):
        samples, keys = points("float64", 2)
        function = derived(forces_of("morse", 2), "reverse")  # a cotangent each component
        text = str(jax.make_jaxpr(over_batch(function))(samples, keys))
        assert text.count("ffi_call") == 1 + -(-2 * N // MOST_TANGENTS)
        got = jax.jit(over_batch(function))(samples, keys)
        close(got, jax.jit(lambda *a: plain(function, *a))(samples, keys), 1e-12)


def test_kernels_for_many_cells_look_for_near_pairs() -> None:
    """Whatever has a reach; each kind of kernel from where it is faster."""

    def looked_for(potential: PairPotential, n_cells: int, n_lanes: int) -> list[bool]:
        def force(theta: Array, key: Array) -> Array:
            position = jax.random.uniform(key, (n_cells, 2)) * theta
            state = state_of(position, jnp.full((n_cells, 1), 0.5))
            return jnp.sum(potential.force_fn(state)(position) ** 2)

        text = str(jax.make_jaxpr(over_batch(jax.value_and_grad(force)))(np.ones((n_lanes, 1)), keys))
        names = dict.fromkeys(re.findall(r"jaxmorph_pair_kernel_\w+", text))
        kernels = [pair_rules.kernel_called(name) for name in names]
        return [kernel.only_near for kernel in kernels if kernel]

    keys = points("float32", 1)[1][:1]
    ending = MorsePotential(r_onset=1.5, r_cutoff=2.5)
    endless = MorsePotential(r_cutoff=jnp.asarray(9.0))
    assert looked_for(ending, 50, 16) == looked_for(endless, 1000, 16) == [False, False]
    assert looked_for(ending, 1000, 16) == looked_for(HarmonicPotential(), 1000, 16) == [True, True]
    assert looked_for(ending, 50, 3) == looked_for(endless, 50, 3) == [True, True]


def test_what_has_no_kernel_is_computed_by_jax() -> None:
    samples, keys = points("float32", 2)

    def of(potential: Any, space: tuple, n_cells: int = N) -> Callable:
        def force(theta: Array, key: Array) -> Array:
            position = jax.random.uniform(key, (n_cells, 2)) * 4
            state = jxm.BaseCellState(
                displacement=space[0],
                shift=space[1],
                position=position,
                celltype=jnp.ones((n_cells, 1)),
                radius=jnp.full((n_cells, 1), 0.5),
            )
            return potential(theta).force_fn(state)(position)

        return force

    free, box = jxm.space.free(), jxm.space.periodic(6.0)
    for potential, space, n_cells in (
        (lambda t: MorsePotential(t[0]), box, N),  # another distance
        (lambda t: HertzianPotential(t[0]), free, N),  # a power that is no whole number
        (lambda t: MorseAdhesionPotential(t[0][None, None]), free, N),  # a number for each pair
        (lambda t: MorsePotential(t[0]), free, 1),
    ):
        assert not is_fused(of(potential, space, n_cells), samples[0], keys[0])
    assert is_fused(of(lambda t: MorsePotential(t[0]), free), samples[0], keys[0])
    function = of(lambda t: HertzianPotential(t[0]), free)
    got = jax.jit(over_batch(function))(samples, keys)
    close(got, jax.jit(lambda *a: plain(function, *a))(samples, keys), 1e-5)


def test_outside_of_the_engine_nothing_is_fused() -> None:
    samples, keys = points("float32", 2)
    text = str(jax.make_jaxpr(forces_of("morse", 2))(samples[0], keys[0]))
    assert "pair_force[" not in text


@pytest.mark.parametrize("name", ["morse", "lennard-jones"])
def test_the_inner_form_of_a_law_is_the_law(name: str) -> None:
    with jax.enable_x64(True):
        law = LAWS[name](jnp.asarray(1.3), jnp.asarray(0.9))
        found = law.inner_form()
        assert found is not None
        inner, below = found
        r, sigma = jnp.linspace(0.3, below - 1e-6, 200), jnp.full(200, 1.1)
        for method in ("pair_energy", "force_over_distance"):
            np.testing.assert_allclose(
                getattr(inner, method)(r, sigma), getattr(law, method)(r, sigma), rtol=1e-13, atol=1e-13
            )
        got, wanted = (p.force_derivatives(r, sigma) for p in (inner, law))
        np.testing.assert_allclose(got.by_distance, wanted.by_distance, rtol=1e-11)
        np.testing.assert_allclose(got.by_sigma, wanted.by_sigma, rtol=1e-11)
        for field, numbers in wanted.by_field.items():
            np.testing.assert_allclose(got.by_field[field], numbers, rtol=1e-11, atol=1e-12)


def test_a_subclass_with_another_energy_has_no_inner_form_of_its_parent() -> None:
    class Doubled(MorsePotential):
        def pair_energy(self, distance: Array, sigma: Array) -> Array:
            return 2 * super().pair_energy(distance, sigma)

    assert Doubled().inner_form() is None
    assert eqx.tree_equal(MorsePotential().inner_form(), MorsePotential().inner_form())
