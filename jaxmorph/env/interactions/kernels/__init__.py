"""Kernels of the forces between pairs of cells, for engines that evaluate batches on CPUs."""

from .batched import kernel_called
from .ways import EVERY_PAIR, NEAR_PAIRS, EveryPairKernels, NearPairKernels, PairKernels

__all__ = [
    "EVERY_PAIR",
    "NEAR_PAIRS",
    "EveryPairKernels",
    "NearPairKernels",
    "PairKernels",
    "kernel_called",
]
