"""What each device can do, measured with all of this process at work: operations and bytes a second."""

import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmorph.engine.compiler import compiler_options
from jaxmorph.engine.devices import over_devices

Step = Callable[..., jax.Array]  # of x, which goes on, the numbers a and b, and another array y

_CHAINS = 8
_MOST, _MOVED = 2**20, 2**25
# Elements of each of the two arrays of a triad: from what the nearest cache holds to what none does.
_TRIADS = tuple(2**i for i in (10, 13, 16, 20, 24))
_REPEATS, _LEAST_S = 5, 0.05
# Links of a chain; without the sum at the beginning, XLA would simplify it.
_LINKS: dict[str, Step] = {
    "divisions_per_s": lambda x, a, b: b / (x + a),
    "roots_per_s": lambda x, a, b: jnp.sqrt(x + b),
}


@functools.cache
def measure(precision: str) -> dict[str, float]:
    """A second of one device: sums and products, divisions, roots; bytes from memory, and at most."""
    # Elements and links of a chain: an array in the cache next to a core, or enough threads for a GPU.
    n, links = (2**14, 8) if jax.default_backend() == "cpu" else (2**22, 64)
    turns = max(1, _MOST // n)

    def sums(x: jax.Array, a: jax.Array, b: jax.Array, _: jax.Array) -> jax.Array:
        chains = [x + i for i in range(_CHAINS)]  # which stay in registers
        for _i in range(links):
            chains = [y * a + b for y in chains]
        return sum(chains[1:], chains[0])

    # A chain begins with a sum, goes on by products and sums, and is added.
    per_s = n * turns * _CHAINS * (2 * links + 2) / _seconds(sums, turns, n, precision)
    found = {"sums_per_s": per_s}
    for name, link in _LINKS.items():

        def chain(
            x: jax.Array, a: jax.Array, b: jax.Array, _: jax.Array, link: Step = link
        ) -> jax.Array:
            return functools.reduce(lambda y, _: link(y, a, b), range(links), x)

        seconds = _seconds(chain, turns, n, precision)
        found[name] = n * turns * links / max(seconds - n * turns * links / per_s, seconds / 2)
    bandwidth = []
    for n in _TRIADS:
        turns = max(4, _MOVED // n)
        moved = turns * 3 * n * np.dtype(precision).itemsize  # two arrays are read, one is written
        bandwidth.append(moved / _seconds(lambda x, _, b, y: x + b * y, turns, n, precision))
    return found | {"memory_bytes_per_s": bandwidth[-1], "most_bytes_per_s": max(bandwidth)}


def _seconds(step: Step, turns: int, n: int, precision: str) -> float:
    """Of so many turns on every device at once, each with ``n`` elements."""

    def on_each(x: jax.Array, factors: jax.Array) -> jax.Array:
        (x,), (a, b) = x, factors
        y = x * a
        return jax.lax.fori_loop(0, turns, lambda _, x: step(x, a, b, y), x)[None]

    with jax.enable_x64(precision == "float64"):
        of_all = jnp.ones((len(jax.local_devices()), 1), precision)
        x = jnp.linspace(0.5, 1.0, n, dtype=precision) * of_all, jnp.array([0.5, 0.4], precision)
        compiled: Any = jax.jit(over_devices(on_each)).lower(*x).compile(compiler_options())
        placed = jax.device_put(x, compiled.input_shardings[0])

        def of_one(calls: int) -> float:
            start = time.perf_counter()
            jax.block_until_ready([compiled(*placed) for _ in range(calls)])
            return (time.perf_counter() - start) / calls

        of_one(1)
        calls = max(1, round(_LEAST_S / of_one(1)))
        return min(of_one(calls) for _ in range(_REPEATS))
