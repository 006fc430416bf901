"""The batch-last evaluation of a program equals jax.vmap of it, whatever the program is made of."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from jaxmorph.engine.chunks import over_chunks
from jaxmorph.engine.program import over_batch
from jaxmorph.engine.several import over_keys, over_points
from jaxmorph.engine.threefry import threefry_bits, threefry_split
from jaxmorph.simulation import record, scan

INDICES = np.array([2, 0, 1, 1])


def _elementwise(theta: Array, key: Array) -> Any:
    del key
    return jnp.where(theta > 0.5, jnp.exp(theta), theta**2) + jnp.clip(theta, 0.2, 0.8)


def _shapes(theta: Array, key: Array) -> Any:
    del key
    table = theta[:, None] * jnp.arange(4.0) + 1
    parts = jnp.concatenate([table.T, jnp.ones((2, 3))]), jnp.stack([table, table**2], axis=1)
    return (
        parts[0].reshape(9, 2)[::2],
        parts[1].transpose(2, 0, 1),
        jnp.pad(table, ((1, 0), (0, 2))),
        jax.lax.reshape(table, (6, 2), (1, 0)),
    )


def _places(theta: Array, key: Array) -> Any:
    del key
    table = jnp.outer(theta, theta)
    place = jnp.argmax(theta)
    updated = jax.lax.dynamic_update_slice(table, theta[None], (1, 0))
    return (
        table[INDICES],
        theta[place],
        updated.at[INDICES].add(theta),
        jax.lax.dynamic_slice(table, (1, 0), (2, 2)),
        jax.lax.dynamic_slice(table, (place, 0), (1, 2)),
        jnp.sort(theta),
        jnp.cumsum(table, axis=0),
    )


def _products(theta: Array, key: Array) -> Any:
    matrix = np.arange(6.0).reshape(2, 3)
    noise = jax.random.normal(key, (3, 2))
    return matrix @ theta, theta @ matrix.T, theta @ noise, jnp.einsum("ij,k->ikj", matrix, theta)


def _draws(theta: Array, key: Array) -> Any:
    first, second = jax.random.split(key)
    many = jax.vmap(lambda k: jax.random.uniform(k, (2,)))(jax.random.split(second, 3))
    return (
        theta[0] * jax.random.normal(first, (3, 2)),
        many,
        jax.random.bits(first, (5,), "uint8"),
        jax.random.normal(jax.random.fold_in(key, 7), (2,)),
        jax.random.permutation(second, 5),
    )


def _loops(theta: Array, key: Array) -> Any:
    def turn(carry: tuple, k: Array) -> tuple:
        x, total = carry
        x = x + 0.1 * jnp.tanh(theta) * jax.random.normal(k, x.shape)
        return (x, total + 1), (x.sum(), total)

    scanned: Any = jax.lax.scan(turn, (jnp.zeros(3), 0), jax.random.split(key, 4))
    counted = jax.lax.fori_loop(0, 5, lambda i, x: x * 0.9 + i, theta)
    waited = jax.lax.while_loop(lambda x: x.sum() < 9, lambda x: x * 1.5, 1 + theta)
    return scanned, counted, waited


def _branches(theta: Array, key: Array) -> Any:
    del key
    chosen = jax.lax.cond(theta[0] > 0.5, jnp.sin, jnp.cos, theta)
    fixed = jax.lax.switch(jnp.asarray(1), [jnp.zeros_like, lambda x: 2 * x], theta)
    return chosen, fixed


def _gradients(theta: Array, key: Array) -> Any:
    def loss(theta: Array) -> Array:
        def step(x: Array, *, key: Array) -> Array:
            return x * jnp.cos(theta) + jax.random.normal(key, x.shape)

        recorded = record(step, theta, key, 20, every=10, measure=lambda x: x)
        return jnp.sum(recorded**2) + jax.nn.relu(theta[0]) + jax.nn.logsumexp(theta)

    return jax.value_and_grad(jax.checkpoint(loss))(theta), jax.jacfwd(loss)(theta)


def _own_rules(theta: Array, key: Array) -> Any:
    @jax.custom_vjp
    def twice(x: Array) -> Array:
        return 2 * x

    twice.defvjp(lambda x: (2 * x, None), lambda _, g: (3 * g,))
    body = lambda x, k: (twice(x) + jax.random.normal(k), None)  # noqa: E731
    return jax.grad(lambda t: twice(t).sum())(theta), scan(body, theta[0], jax.random.split(key, 3))[0]


def _of_sample(theta: Array, key: Array) -> Any:
    def noisy(theta: Array, key: Array) -> Array:
        return jnp.outer(theta, jax.random.normal(key, (2,))) + jax.random.uniform(key)

    pilots = jax.random.split(jax.random.PRNGKey(9), 5)
    return over_keys(noisy, theta, pilots), jax.random.normal(key) * theta


def _of_seed(theta: Array, key: Array) -> Any:
    def noisy(theta: Array, key: Array) -> Array:
        return jnp.outer(theta, jax.random.normal(key, (2,)))

    return over_points(noisy, jnp.stack([theta, 2 * theta, theta**2]), key)


PROGRAMS = [
    _elementwise,
    _shapes,
    _places,
    _products,
    _draws,
    _loops,
    _branches,
    _gradients,
    _own_rules,
    _of_sample,
    _of_seed,
    # Products with numbers and with vectors, all of whose axes are summed over, in any order.
    lambda theta, key: (
        jax.lax.dot_general(theta[0], theta[1], (((), ()), ((), ()))),
        jax.lax.dot_general(theta[0], jnp.outer(theta, theta), (((), ()), ((), ()))),
        theta @ jnp.outer(theta, jnp.sin(theta)) @ jax.random.normal(key, (3,)),
        jnp.tensordot(
            jnp.outer(theta, jnp.cos(theta)), jax.random.normal(key, (3, 3)), ((0, 1), (1, 0))
        ),
    ),
    lambda theta, key: (jnp.ones(2), theta),  # what depends on no lane, and on one
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__.strip("_<>"))
def test_any_program_is_mapped_as_by_vmap(program: Callable) -> None:
    with jax.enable_x64(True):
        samples = jnp.asarray(np.random.default_rng(0).uniform(0.1, 1, (5, 3)))
        keys = jax.random.split(jax.random.PRNGKey(1), 4)
        plain = jax.jit(jax.vmap(jax.vmap(program, (None, 0)), (0, None)))(samples, keys)
        mapped = jax.jit(over_batch(program))(samples, keys)
    assert str(jax.tree.structure(plain)) == str(jax.tree.structure(mapped))
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(mapped), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)


def test_what_belongs_to_a_sample_is_computed_once_for_it() -> None:
    samples, keys = jnp.ones((2, 3)), jax.random.split(jax.random.PRNGKey(0), 7)
    jaxpr = str(jax.make_jaxpr(over_batch(_of_sample))(samples, keys))
    assert "over_keys" not in jaxpr
    # The outer product: 2 samples x 5 keys, not 14 simulations with 5 keys each.
    assert "f32[3,2,10]" in jaxpr and "f32[5,3,2,14] = mul" not in jaxpr


def test_what_belongs_to_a_seed_is_drawn_once_for_all_points() -> None:
    samples, keys = jnp.ones((2, 3)), jax.random.split(jax.random.PRNGKey(0), 7)
    jaxpr = str(jax.make_jaxpr(over_batch(_of_seed))(samples, keys))
    assert "over_points" not in jaxpr
    # 3 points x 2 samples x 7 seeds, and draws of 7 seeds.
    assert "f32[3,2,42] = mul" in jaxpr and "f32[2,7] = erf_inv" in jaxpr


def test_what_no_simulation_changes_is_computed_once_for_all_however_deep_it_is() -> None:
    """Counters beside states in loops, calls and branches. Equinox's operation refuses to be batched."""

    def turn(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
        x, count = carry
        count = jax.jit(eqx.internal.nonbatchable)(count + 1)
        return (jnp.where(count > 2, x, x * theta_of(x)), count), x

    def theta_of(x: Array) -> Array:
        return jax.lax.while_loop(lambda c: c[1] < 3, lambda c: (c[0] * 0.9, c[1] + 1), (x, 0))[0]

    def program(theta: Array, key: Array) -> Array:
        def outer(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
            branches = (lambda c: jax.lax.scan(turn, c, None, length=2)[0], lambda c: c)
            return jax.lax.switch(eqx.internal.nonbatchable(carry[1]) // 9, branches, carry), None

        (x, count), _ = jax.lax.scan(outer, (theta, jnp.asarray(0)), None, length=3)
        return x * eqx.internal.nonbatchable(count) + jax.random.normal(key)

    samples, keys = jnp.ones((2, 3)), jax.random.split(jax.random.PRNGKey(0), 4)
    with pytest.raises(ValueError, match=r"[Bb]atch"):
        jax.vmap(lambda count: turn((jnp.ones(3), count), None))(jnp.arange(2))
    mapped = over_batch(program)(samples, keys)
    # The first two of six turns make 0.9^3 x^2 of x; the count is 6.
    expected = 6 * 0.9**9 + jax.vmap(jax.random.normal)(keys)[None, :, None]
    np.testing.assert_allclose(mapped, jnp.broadcast_to(expected, (2, 4, 3)), atol=3e-6)


@pytest.mark.parametrize("shape", [(5, 7), (2, 7), (5, 3), (2, 3), (1, 1)], ids=str)
def test_chunks_are_put_together_in_order(shape: tuple[int, int]) -> None:
    samples, keys = jnp.arange(5.0)[:, None], jnp.arange(14).reshape(7, 2)

    def outer(samples: Array, keys: Array) -> dict[str, Array]:
        assert (len(samples), len(keys)) == shape
        return {"sum": samples[:, None, :] + keys[None, :, :]}

    result = over_chunks(outer, samples, keys, shape)["sum"]
    np.testing.assert_array_equal(result, samples[:, None, :] + keys[None, :, :])


@pytest.mark.parametrize("width", [8, 16, 32, 64])
@pytest.mark.parametrize("shape", [(), (1,), (3, 4)], ids=str)
def test_the_generator_is_that_of_jax(shape: tuple[int, ...], width: int) -> None:
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.PRNGKey(3), 5)
        k0, k1 = keys.T
        bits = jax.vmap(lambda k: jax.random.bits(k, shape, f"uint{width}"), out_axes=-1)(keys)
        np.testing.assert_array_equal(threefry_bits(k0, k1, 0, shape, width), bits)
        np.testing.assert_array_equal(
            threefry_bits(k0, k1, 1, shape, width), np.moveaxis(np.asarray(bits), -1, 0)
        )
        split = jax.vmap(lambda k: jax.random.split(k, shape), out_axes=-2)(keys)
        np.testing.assert_array_equal(jnp.stack(threefry_split(k0, k1, 0, shape), -1), split)
