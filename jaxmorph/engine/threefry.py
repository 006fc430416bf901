"""The Threefry-2x32 generator of JAX, written out so that the compiler fuses it with what uses it.

On CPUs JAX compiles it as a loop of many small kernels, which for the few numbers that a step draws for
a seed cost more than the physics. The numbers are JAX's own, bit by bit; a test holds them to that.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt, UInt32

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)

if TYPE_CHECKING:  # mypy has no arithmetic of a JAX or NumPy array
    Words = Array
else:
    Words = UInt32[Array | np.ndarray | np.uint32, "*#shape"]
KeyWords = UInt32[Array, "*key"]
Drawn = UInt[Array, "*drawn"]


def threefry(k0: Words, k1: Words, x0: Words, x1: Words) -> tuple[Words, Words]:
    """The hash of the counter (x0, x1) under the key (k0, k1), 32-bit words of one shape or none."""
    keys = (k0, k1, k0 ^ k1 ^ _PARITY)
    x0, x1 = x0 + k0, x1 + k1
    for i in range(5):
        for rotation in _ROTATIONS[i % 2]:
            x0 = x0 + x1
            x1 = (x1 << np.uint32(rotation)) | (x1 >> np.uint32(32 - rotation))
            x1 = x0 ^ x1
        x0 = x0 + keys[(i + 1) % 3]
        x1 = x1 + keys[(i + 2) % 3] + np.uint32(i + 1)
    return x0, x1


def threefry_split(k0: KeyWords, k1: KeyWords, rank: int, shape: Sequence[int]) -> tuple[Drawn, Drawn]:
    """The words of ``jax.random.split``'s keys, in JAX's partitionable layout.

    Args:
        k0: First word of the keys, shape (*keys, *batch).
        k1: Second word.
        rank: The number of axes of ``keys``.
        shape: Of what is made from each key.

    Returns:
        Two arrays of words, shape (*keys, *shape, *batch).
    """
    keys, batch = k0.shape[:rank], k0.shape[rank:]
    whole = (*keys, *shape, *batch)
    kept = (*range(rank), *range(rank + len(shape), len(whole)))
    k0, k1 = (jax.lax.broadcast_in_dim(word, whole, kept) for word in (k0, k1))
    count = jax.lax.iota(np.uint32, math.prod(shape)).reshape(shape)
    low = jax.lax.broadcast_in_dim(count, whole, range(rank, rank + len(shape)))
    return threefry(k0, k1, jnp.zeros_like(low), low)


def threefry_bits(k0: KeyWords, k1: KeyWords, rank: int, shape: Sequence[int], width: int) -> Drawn:
    """Random words of ``width`` bits, as ``jax.random.bits`` draws them; see :func:`threefry_split`."""
    high, low = threefry_split(k0, k1, rank, shape)
    if width == 64:
        return (high.astype(np.uint64) << np.uint64(32)) | low.astype(np.uint64)
    return (high ^ low).astype(f"uint{width}")
