"""The least time that a compiled program can take on this machine, and what of its kernels sets it."""

from __future__ import annotations

import dataclasses
from typing import Literal

from .kernels import Kernel
from .rates import Rates

Bound = Literal["arithmetic", "bytes", "launches"]
BOUNDS: tuple[Bound, ...] = ("arithmetic", "bytes", "launches")


@dataclasses.dataclass(frozen=True)
class Floor:
    """Of one call of a program, on each device.

    A kernel takes at least the longest of three: its operations over the arithmetic rate, the bytes that
    it reads and writes over the bandwidth, a launch. Kernels wait for one another, so times add up.

    Attributes:
        seconds: The floor.
        terms: Each of the three alone, summed over all kernels, in seconds.
        shares: Of the floor, what is of kernels for which that one is the longest.
        launches: Number of kernels that are started.
    """

    seconds: float
    terms: dict[Bound, float]
    shares: dict[Bound, float]
    launches: int

    @property
    def bound(self) -> Bound:
        """What sets the largest part of it."""
        return max(self.shares, key=lambda name: self.shares[name])


def of_kernel(kernel: Kernel, rates: Rates) -> dict[Bound, float]:
    """The three terms of one launch, in seconds."""
    return {
        "arithmetic": sum(n / rates.operations[name] for name, n in kernel.operations.items()),
        "bytes": kernel.bytes / rates.bytes_per_second(kernel.bytes),
        "launches": rates.launch_s,
    }


def floor(kernels: list[Kernel], rates: Rates) -> Floor:
    """The floor of a program."""
    terms, shares = dict.fromkeys(BOUNDS, 0.0), dict.fromkeys(BOUNDS, 0.0)
    for kernel in kernels:
        each = of_kernel(kernel, rates)
        for name in BOUNDS:
            terms[name] += kernel.launches * each[name]
        longest = max(BOUNDS, key=lambda name: each[name])
        shares[longest] += kernel.launches * each[longest]
    seconds = sum(shares.values())
    of_floor = {name: share / seconds for name, share in shares.items()}
    return Floor(seconds, terms, of_floor, sum(k.launches for k in kernels))
