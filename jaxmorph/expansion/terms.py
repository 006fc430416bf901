"""Which products of polynomials an expansion may have: candidates, most likely ones first.

A candidate of degrees k_1, k_2, ... costs (sum_i k_i^q)^(1/q): with q = 1 that is its total degree, with
less a hyperbolic one, which lets a parameter alone have a high degree and many together a low one
(Blatman and Sudret, J. Comput. Phys. 230 (2011) 2345-2367).
"""

import functools
import itertools
import math

import numpy as np

from .bases import HIGHEST

_HIGHEST_TOGETHER = (HIGHEST, 14, 9, 5)
"""Highest degree of each where one, two, three, four parameters interact in a term; no more do."""
_NORM = 0.75


@functools.lru_cache(maxsize=64)
def candidates(n_parameters: int, most: int) -> np.ndarray:
    """At most ``most`` terms, the cheapest: their degrees (term, parameter). The constant is the first.

    Terms of equal cost are there together or not at all, so that no parameter is preferred; straight
    lines always are.
    """
    shapes = [
        (cost, shape)
        for size in range(1, min(len(_HIGHEST_TOGETHER), n_parameters) + 1)
        for cost, shape in _shapes(size)
    ]
    shapes.sort()
    found = 1
    chosen: list[tuple[int, ...]] = []
    for _, level in itertools.groupby(shapes, key=lambda one: one[0]):
        alike = [shape for _, shape in level]
        found += sum(math.comb(n_parameters, len(shape)) for shape in alike)
        if found > most and chosen:
            break
        chosen += alike
    terms = [
        (places, shape)
        for shape in chosen
        for places in itertools.combinations(range(n_parameters), len(shape))
    ]
    degrees = np.zeros((1 + len(terms), n_parameters), int)
    for row, (places, shape) in zip(degrees[1:], terms, strict=True):
        row[list(places)] = shape
    return degrees


@functools.cache
def _shapes(size: int) -> tuple[tuple[float, tuple[int, ...]], ...]:
    """Degrees of so many parameters that are in a term together, each 1 or more, with their cost."""
    shapes = itertools.product(range(1, _HIGHEST_TOGETHER[size - 1] + 1), repeat=size)
    return tuple((_cost(shape), shape) for shape in shapes)


def _cost(shape: tuple[int, ...]) -> float:
    cost: float = sum(k**_NORM for k in shape) ** (1 / _NORM)
    return round(cost, 9)
