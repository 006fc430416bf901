"""Kernels of forces give what operations of JAX give: values and derivatives, in both modes."""

import functools
import itertools
import re
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from support.forces import LAWS, N, by_kernels, close, derived, forces_of, plain, points, state_of

from jaxmorph.engine.program import over_batch
from jaxmorph.env.interactions import choosing, preferring
from jaxmorph.env.interactions.kernels import EveryPairKernels, NearPairKernels, kernel_called
from jaxmorph.env.mechanics import MorsePotential, SGDMechanicalRelaxation
from jaxmorph.native import vector_bytes

SLOW = pytest.mark.slow
WAYS = {"every pair": EveryPairKernels, "near pairs": NearPairKernels}


@pytest.fixture(params=WAYS)
def kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    """Vectors hold one pair of several simulations, or several pairs of one."""
    with choosing(preferring(WAYS[request.param]())):
        yield


# Laws with one form, with a cutoff, and with a number of each cell: all laws look for near pairs alike.
NEAR_LAWS = ["morse", "springs, cut off", "adhesion of molecules"]


def _cases() -> Iterator[Any]:
    for way, name in itertools.product(WAYS, LAWS):
        quick = way == "every pair" or name in NEAR_LAWS
        yield pytest.param(way, name, 2, "gradient", marks=() if quick else pytest.mark.verify)
        yield pytest.param(way, name, 2, "forward", marks=() if name == "morse" else SLOW)
    for way in WAYS:
        yield from ((way, "morse", 3, mode) for mode in ("forward", "reverse", "gradient"))
        yield way, "adhesion of molecules", 3, "reverse"


@functools.cache
def by_plain_path(name: str, n_dim: int, mode: str) -> Any:
    """Of 21 simulations: not a multiple of what a vector holds."""
    function = derived(forces_of(name, n_dim), mode)
    return jax.device_get(jax.jit(lambda *a: plain(function, *a))(*points("float64", 7)))


@pytest.mark.parametrize(("way", "name", "n_dim", "mode"), list(_cases()))
def test_kernels_equal_the_plain_path(way: str, name: str, n_dim: int, mode: str) -> None:
    with jax.enable_x64(True), choosing(preferring(WAYS[way]())):
        got = by_kernels(derived(forces_of(name, n_dim), mode), *points("float64", 7))
        close(got, by_plain_path(name, n_dim, mode), 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [pytest.param("forward", marks=SLOW), "gradient"])
@pytest.mark.parametrize("n_samples", [1, 16])  # fewer simulations than a vector holds, and more
@pytest.mark.usefixtures("kernels")
def test_kernels_in_single_precision(n_samples: int, mode: str) -> None:
    with jax.enable_x64(False):
        samples, keys = points("float32", n_samples)
        function = derived(forces_of("morse", 2), mode)
        got = jax.jit(over_batch(function))(samples, keys)
        close(got, jax.jit(lambda *a: plain(function, *a))(samples, keys), 3e-6)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_tangents_that_do_not_fit_into_the_cache_come_in_parts(mode: str) -> None:
    with jax.enable_x64(True):
        samples, keys = points("float64", 4)
        function = derived(forces_of("morse", 2), mode)
        whole = jax.jit(over_batch(function))(samples, keys)
        local_bytes = 10_000 * vector_bytes() // 64
        with choosing(preferring(EveryPairKernels(local_bytes=local_bytes))):
            text = str(jax.make_jaxpr(over_batch(function))(samples, keys))
            assert text.count("ffi_call") > 2
            close(jax.jit(over_batch(function))(samples, keys), whole, 1e-14)


@pytest.mark.parametrize("width", [16, 32, 64])
@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=SLOW), "float64"])
@pytest.mark.parametrize("way", WAYS)
def test_vectors_of_any_width_give_the_same(way: str, dtype: str, width: int) -> None:
    """Of all processors: this one computes with wider ones in parts."""
    with jax.enable_x64(dtype == "float64"):
        samples, keys = points(dtype, 7)
        function = derived(forces_of("morse", 2), "gradient")
        with choosing(preferring(WAYS[way](vector_bytes=width))):
            lowered = jax.jit(over_batch(function)).lower(samples, keys)
        names = set(re.findall(r"jaxmorph_pair_kernel_\w+", lowered.as_text()))
        numbers = 2 * width // np.dtype(dtype).itemsize
        for name in names:
            made = kernel_called(name)
            assert made is not None and made[1].width == min(numbers, 32 if way == "every pair" else 99)
        wanted = jax.jit(lambda *a: plain(function, *a))(samples, keys)
        close(lowered.compile()(samples, keys), wanted, 1e-12 if dtype == "float64" else 3e-6)


@pytest.mark.usefixtures("kernels")
def test_second_derivatives_are_those_of_the_plain_path() -> None:
    with jax.enable_x64(True):
        samples, keys = points("float64", 3)
        force = forces_of("morse", 2)

        def hessian(theta: Array, key: Array) -> Array:
            return jax.hessian(lambda x: jnp.sum(jnp.sin(force(x, key))))(theta)

        got = jax.jit(over_batch(hessian))(samples, keys)
        close(got, jax.jit(lambda *a: plain(hessian, *a))(samples, keys), 1e-11)


@pytest.mark.parametrize("mode", [pytest.param("forward", marks=SLOW), "gradient"])
@pytest.mark.usefixtures("kernels")
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


@pytest.mark.usefixtures("kernels")
def test_a_position_that_is_nan_gives_no_number() -> None:
    """Also where all others are beyond the reach of a force."""
    with jax.enable_x64(True):

        def force(theta: Array, key: Array) -> Array:
            del key
            position = jnp.arange(2.0 * N).reshape(N, 2) * 100 + theta[0]
            position = position.at[3, 0].set(jnp.where(theta[0] > 1, jnp.nan, position[3, 0]))
            state = state_of(position, jnp.ones((N, 1)))
            return MorsePotential(r_onset=1.5, r_cutoff=2.5).force_fn(state)(position)

        samples = jnp.array([[0.5], [1.5]])
        near, broken = np.asarray(over_batch(force)(samples, jnp.asarray(points("float64", 1)[1])))[:, 0]
        np.testing.assert_array_equal(near, 0)
        assert np.all(np.isnan(broken))


@pytest.mark.usefixtures("kernels")
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
