"""Operations of jaxmorph's own kernels, which XLA's text names and knows no more of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jax.extend import core

    from jaxmorph.env.interactions.kernels.kernel import PairKernel

# Sums, products, comparisons and choices of ``Vectors.exp``; a product with a sum is two.
_EXPONENTIAL = 4 + 3 + 4 + 12 + 2
_CLASSES = {"div": "divide", "sqrt": "sqrt"}
_FREE = ("convert_element_type", "copy")


def operations(target: str, n_simulations: int) -> Counter:
    """By class, of one launch of the kernel that is called ``target``; none, if it is not jaxmorph's.

    Of its forms, the simplest one counts, and no pair as out of reach. Of kernels that look for near
    pairs nothing counts: how many there are depends on where cells are.
    """
    from jaxmorph.env.interactions.kernels import EveryPairKernels, kernel_called

    made = kernel_called(target)
    if made is None or made[0] is not EveryPairKernels.writer:
        return Counter()
    _, kernel = made
    n_pairs = kernel.n_cells * (kernel.n_cells - 1) // 2
    of_pair = _of_jaxpr(kernel.forms[-1].jaxpr)
    of_pair["plain"] += _around(kernel)
    return Counter({name: n * n_pairs * n_simulations for name, n in of_pair.items()})


def _of_jaxpr(jaxpr: core.Jaxpr) -> Counter:
    from jaxmorph.native.calls import CALLS, called

    total: Counter = Counter()
    for eqn in jaxpr.eqns:
        name = eqn.primitive.name
        if name in CALLS:
            total += _of_jaxpr(called(eqn).jaxpr)
        elif name == "exp":
            total["plain"] += _EXPONENTIAL
        elif name not in _FREE:
            total[_CLASSES.get(name, "plain")] += 1
    return total


def _around(kernel: PairKernel) -> int:
    """Sums and products beside those of the law: displacements, and what is added to each cell."""
    d, t = kernel.n_dim, kernel.n_tangents
    position, radius, scale, *fields = kernel.moves
    always = d + (2 * d - 1) + 2 + len(kernel.forms[-1].out_avals)
    push = d + 2 * d
    if kernel.kind == "values":
        return always + push
    if kernel.kind == "tangents":
        along = position * (3 * d + 1) + radius * 3 + 2 * sum(fields)
        return always + (kernel.with_force or scale) * push + t * (along + position * d + 2 * d + 2 * d)
    back = position * (1 + 3 * d + 2 * d) + radius * 4 + 2 * (scale + sum(fields))
    return always + t * (3 * d - 1 + back)
