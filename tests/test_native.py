"""Code of our own for this processor: numbers are those of JAX, and XLA calls it only where it may."""

import ctypes
import logging
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from llvmlite import ir

from jaxmorph.errors import JaxmorphError
from jaxmorph.native import compile_module, foreign, vector_bytes
from jaxmorph.native.jaxprs import evaluate, unknown_operation
from jaxmorph.native.vectors import Vectors

# --- operations on vectors -----------------------------------------------------------------------

_EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 1e-30, 1e30, -1e30, np.inf, -np.inf, np.nan]


def on_vectors(function: Callable, dtype: str, *arrays: np.ndarray) -> np.ndarray:
    """A function of numbers, compiled for vectors of four."""
    scalar = jax.ShapeDtypeStruct((), dtype)
    closed = jax.make_jaxpr(function)(*[scalar] * len(arrays))
    assert not unknown_operation(closed), closed
    module, width = ir.Module("test"), 4
    pointer = ir.PointerType()
    kind = ir.FunctionType(ir.VoidType(), [pointer] * (len(arrays) + 1))
    made = ir.Function(module, kind, "test")
    builder = ir.IRBuilder(made.append_basic_block())
    vectors = Vectors(builder, np.dtype(dtype), width)
    given = [builder.load(x, align=4, typ=vectors.type) for x in made.args[:-1]]
    builder.store(evaluate(vectors, closed, given)[0], made.args[-1], align=4)
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
@pytest.mark.usefixtures("optimised")
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_logarithm_is_right_to_the_last_digits(dtype: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        info = np.finfo(dtype)
        smallest = float(info.smallest_subnormal)
        x = np.exp(np.linspace(np.log(smallest), np.log(float(info.max)), 50_000)).astype(dtype)
        x = np.concatenate([x, np.linspace(0.5, 2, 50_000).astype(dtype)])
        got, exact = on_vectors(jnp.log, dtype, x), np.log(x.astype(np.longdouble))
        assert np.all(np.abs(got - exact) <= 1.5 * info.eps * np.abs(exact))
        edges = np.array([0, -0.0, 1, np.inf, np.nan, -1, -np.inf, smallest], dtype)
        wanted = [-np.inf, -np.inf, 0, np.inf, np.nan, np.nan, np.nan, np.log(smallest)]
        np.testing.assert_allclose(on_vectors(jnp.log, dtype, edges), wanted, rtol=float(info.eps))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_are_those_of_the_c_standard(dtype: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        eps = float(np.finfo(dtype).eps)
        rng = np.random.default_rng(0)
        x, y = (rng.uniform(low, high, 10_000).astype(dtype) for low, high in ((1e-3, 5), (-4, 4)))
        exact = np.power(x.astype(np.longdouble), y)
        error = np.abs(on_vectors(jnp.power, dtype, x, y) - exact) / exact
        # Of the exponent y ln x, and of what is computed from it.
        assert np.all(error <= eps * (1 + np.abs(y * np.log(x))))
        for exponent in (0.5, 1.5, -2.5, 3.0):  # a product and a root
            got = on_vectors(lambda x, e=exponent: x**e, dtype, x)
            np.testing.assert_allclose(got, np.power(x, exponent), rtol=4 * eps)
        edges = [0.0, -0.0, 1, -1, 0.5, 2, -2.5, 3, -3, 1e30, -1e30, np.inf, -np.inf, np.nan]
        x, y = (z.ravel().astype(dtype) for z in np.meshgrid(edges, edges))
        with np.errstate(all="ignore"):
            wanted = np.power(x, y)
        got = on_vectors(jnp.power, dtype, x, y)
        np.testing.assert_allclose(got, wanted, rtol=100 * eps)
        known = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(wanted[known]))


def test_an_operation_that_cannot_be_written_is_named() -> None:
    unknown: dict[str, Callable] = {
        "sin": jnp.sin,
        "floor": jnp.floor,
        "erf": jax.jit(jax.lax.erf),
        "sort": jnp.sort,
    }
    for name, function in unknown.items():
        argument = jnp.ones(3) if name == "sort" else 1.0
        assert unknown_operation(jax.make_jaxpr(function)(argument)) == name
    assert unknown_operation(jax.make_jaxpr(lambda x: jnp.exp(jnp.stack([x, x])))(1.0))
    assert not unknown_operation(jax.make_jaxpr(jnp.exp)(1.0))


# --- the processor, and XLA ----------------------------------------------------------------------


def test_the_width_of_vectors_is_the_processors_or_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("JAXMORPH_VECTOR_BYTES", raising=False)
    assert vector_bytes() in (16, 32, 64)
    for width in (16, 32, 64):
        monkeypatch.setenv("JAXMORPH_VECTOR_BYTES", str(width))
        assert vector_bytes() == width
    monkeypatch.setenv("JAXMORPH_VECTOR_BYTES", "48")
    with pytest.raises(JaxmorphError, match="JAXMORPH_VECTOR_BYTES = '48': must be 16, 32 or 64"):
        vector_bytes()


def test_the_installed_interface_of_xla_is_one_that_is_tested() -> None:
    """Of both versions of JAX in the lock file: else their kernels would be gone."""
    assert foreign.installed_version() in foreign.TESTED_VERSIONS
    assert not foreign.refusal()


@pytest.mark.parametrize(("version", "says"), [((0, 99), "version 0.99"), ((), "version none")])
def test_an_interface_that_is_not_tested_is_refused_with_one_warning(
    version: tuple[int, ...],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(foreign, "installed_version", lambda: version)
    foreign.refusal.cache_clear()
    try:
        assert says in foreign.refusal() == foreign.refusal()
    finally:
        foreign.refusal.cache_clear()
    (warning,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert says in warning.message and "install JAX 0.10.1 or 0.12.0.1" in warning.message


def test_a_header_without_a_version_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax.ffi, "include_dir", lambda: str(tmp_path))
    assert foreign.installed_version() == ()
