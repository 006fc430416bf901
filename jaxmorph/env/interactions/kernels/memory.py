"""What kernels of near pairs keep in memory, and where."""

import itertools
import math

import numpy as np

from .boxes import box_grid
from .kernel import PairKernel, Shape

# Pairs that are gathered before the law is evaluated: they stay in the nearest cache.
GATHERED = 256
_LINE = 64  # bytes of the cache
WHOLE = np.dtype(np.int32)

Lengths = dict[str, int]


def room_for_pairs(kernel: PairKernel) -> int:
    """Room for pairs: a cell may have all others as partners, the last vector may reach farther."""
    return GATHERED + kernel.n_cells + kernel.width


def tangents_of_vector(kernel: PairKernel) -> int:
    """That a vector of what is added to cells holds."""
    return 1 if kernel.kind == "values" else 2 ** math.ceil(math.log2(kernel.n_tangents))


def lengths(kernel: PairKernel) -> tuple[Lengths, Lengths]:
    """Of local arrays, of floating-point and of whole numbers.

    Cells are in the order of their boxes. What pairs are gathered in has an array for each component.
    """
    n, pairs, lanes = kernel.n_cells, room_for_pairs(kernel), tangents_of_vector(kernel)
    several, sums = shapes_of_one(kernel)
    products = [(f, kinds) for f, kinds in enumerate(kernel.kinds) if kinds]
    floating = {
        "position": kernel.n_dim * (n + kernel.width),
        "radius": n + kernel.width,
        "between": kernel.n_dim * pairs,
        "squared": pairs,
        "sigma": pairs,
        "numbers": len(kernel.forms[0].out_avals) * pairs,
        **{f"left {f}": n * kinds for f, kinds in products},
        **{f"right {f}": n * kinds for f, kinds in products},
        **{f"product {f}": pairs for f, _ in products},
        **{f"several {i}": lanes * math.prod(shape) for i, shape in enumerate(several)},
        **{f"sum {i}": lanes * math.prod(shape) for i, (shape, _) in enumerate(sums)},
        "force": kernel.sums_force_apart * lanes * n * kernel.n_dim,
    }
    whole = {
        "start": box_grid(n, kernel.n_dim).length + 2,
        "box": n,
        "order": n,
        "first": pairs,
        "second": pairs,
    }
    return floating, whole


def starts(lengths: Lengths, dtype: np.dtype) -> tuple[Lengths, int]:
    """Where arrays of these lengths begin, each in a line of its own; and the length of all."""
    of_line = _LINE // dtype.itemsize
    whole_lines = (-(-n // of_line) * of_line for n in lengths.values())
    *starts, end = itertools.accumulate(whole_lines, initial=0)
    return dict(zip(lengths, starts, strict=True)), end


def shapes_of_one(kernel: PairKernel) -> tuple[list[Shape], list[tuple[Shape, bool]]]:
    """Of what has tangents, and of all sums, for one tangent; and whether that sum has tangents."""
    given, made = kernel.shapes()
    several = [shape[1:] for shape in given[kernel.n_primals :]]
    if kernel.kind == "values":
        return several, [(made[0], False)]
    if kernel.kind == "cotangents":
        return several, [(shape[1:], True) for shape in made]
    return several, [*((shape, False) for shape in made[:-1]), (made[-1][1:], True)]
