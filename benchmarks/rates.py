"""What each device can do, measured with all of this process at work: operations, bytes, launches."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxmorph.engine.compiler import compiler_options
from jaxmorph.engine.devices import over_devices

from .kernels import Class, Kernel, Module

Step = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]

_CHAINS = 8
# Elements, and links of a chain: an array in the cache next to a core, or enough threads for a GPU.
_FILLING = {"cpu": (2**14, 8)}
_FILLING_GPU = (2**22, 64)
_MOST = 2**20
# Elements of each of the two arrays of a triad: from what the nearest cache holds to what none does.
_TRIADS = tuple(2**i for i in (10, 13, 16, 20, 24))
_MOVED = 2**25
_TURNS, _TINY = 1000, 64
_REPEATS, _LEAST_S = 5, 0.05


@dataclasses.dataclass(frozen=True)
class Rates:
    """Of one device.

    Attributes:
        operations: In a second, by class; a product with a sum in one instruction is two.
        bandwidth: Bytes that a kernel reads and writes, and how many bytes a second it gets then.
        launch_s: Seconds of a kernel that has next to nothing to do, after the one that it waits for.
    """

    operations: dict[Class, float]
    bandwidth: tuple[tuple[float, float], ...]
    launch_s: float

    @property
    def named(self) -> dict[str, float]:
        """All of them by name: a second from memory, and at most where a cache holds everything."""
        return {
            **{f"{name}_per_s": rate for name, rate in self.operations.items()},
            "memory_bytes_per_s": self.bandwidth[-1][1],
            "most_bytes_per_s": max(rate for _, rate in self.bandwidth),
            "launch_s": self.launch_s,
        }

    def bytes_per_second(self, n_bytes: float) -> float:
        """The most that a kernel of ``n_bytes`` can get: what was measured with as many or more."""
        at_least = [rate for size, rate in self.bandwidth if size >= n_bytes]
        return max(at_least) if at_least else self.bandwidth[-1][1]


def measure(precision: str) -> Rates:
    """Measure this process's devices, in a few seconds.

    Args:
        precision: ``float32`` or ``float64``.
    """
    with jax.enable_x64(precision == "float64"):
        n, links = _FILLING.get(jax.default_backend(), _FILLING_GPU)
        seconds, kernels = _timed(_repeated(_products(links), n), n, precision)
        per_second: dict[Class, float] = {"plain": _sum(kernels, "plain") / seconds}
        for name, step in _STEPS.items():
            seconds, kernels = _timed(_repeated(_chain(step, links), n), n, precision)
            rest = seconds - _sum(kernels, "plain") / per_second["plain"]
            per_second[name] = _sum(kernels, name) / max(rest, seconds / 2)
        seconds, kernels = _timed(_dependent, _TINY, precision)
        launch_s = seconds / sum(k.launches for k in kernels)
        bandwidth = []
        for n in _TRIADS:
            seconds, kernels = _timed(_triad(n), n, precision)
            started = launch_s * sum(k.launches for k in kernels)
            moved = sum(k.launches * k.bytes for k in kernels)
            rate = moved / max(seconds - started, seconds / 2)
            bandwidth.append((max(k.bytes for k in kernels), rate))
    return Rates(per_second, tuple(bandwidth), launch_s)


def _products(links: int) -> Step:
    """Several chains of products and sums, which stay in registers."""

    def products(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
        chains = [x + i for i in range(_CHAINS)]
        for _ in range(links):
            chains = [y * a + b for y in chains]
        return sum(chains[1:], chains[0])

    return products


def _chain(step: Step, links: int) -> Step:
    def chain(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
        for _ in range(links):
            x = step(x, a, b)
        return x

    return chain


# Each begins with a sum or product, without which XLA simplifies a chain of them.
_STEPS: dict[Class, Step] = {
    "divide": lambda x, a, b: b / (x + a),
    "sqrt": lambda x, a, b: jnp.sqrt(x + b),
    "transcendental": lambda x, a, b: jnp.exp(x * -a),
}


def _repeated(step: Step, n: int) -> Step:
    """As often as makes small arrays worth timing."""
    return lambda x, a, b: jax.lax.fori_loop(0, max(1, _MOST // n), lambda _, x: step(x, a, b), x)


def _triad(n: int) -> Step:
    """``x = x + b y``, again and again."""

    def triad(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
        y = x * a
        return jax.lax.fori_loop(0, max(4, _MOVED // n), lambda _, x: x + b * y, x)

    return triad


def _dependent(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """Tiny kernels, each of which needs the sum over the results of the one before."""

    def turn(_: int, x: jax.Array) -> jax.Array:
        for _ in range(_CHAINS):
            x = x * a - b * jnp.sum(x)
        return x

    return jax.lax.fori_loop(0, _TURNS, turn, x)


def _timed(function: Step, n: int, precision: str) -> tuple[float, list[Kernel]]:
    """Seconds of one call on every device at once, each with ``n`` elements, and its kernels."""

    def on_each(x: jax.Array, factors: jax.Array) -> jax.Array:
        return function(x[0], factors[0], factors[1])[None]

    arguments = (
        jnp.linspace(0.5, 1.0, n, dtype=precision) * jnp.ones((len(jax.local_devices()), 1), precision),
        jnp.array([0.5, 0.4], precision),
    )
    compiled: Any = jax.jit(over_devices(on_each)).lower(*arguments).compile(compiler_options())
    placed = jax.device_put(arguments, compiled.input_shardings[0])
    _several(compiled, placed, 1)
    calls = max(1, round(_LEAST_S / _several(compiled, placed, 1)))
    seconds = min(_several(compiled, placed, calls) for _ in range(_REPEATS))
    return seconds, Module(compiled.as_text()).kernels()


def _several(compiled: Callable, arguments: tuple, calls: int) -> float:
    """Seconds of one of so many calls, one after the other."""
    start = time.perf_counter()
    results = [compiled(*arguments) for _ in range(calls)]
    jax.block_until_ready(results)
    return (time.perf_counter() - start) / calls


def _sum(kernels: list[Kernel], name: Class) -> float:
    return sum(k.launches * k.operations.get(name, 0.0) for k in kernels)
