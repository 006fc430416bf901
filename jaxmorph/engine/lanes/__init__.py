"""Mapping a function over a batch axis that comes last in every intermediate array.

``jax.vmap`` carries the batch first through loops, so that the processor would step through memory from
one simulation to the next. Here the simulations of a batch are the last and contiguous axis of every
array, (cell, ..., simulation), and one instruction works on several of them. What depends on the seed
alone, such as the noise, is computed once per seed: (cell, ..., seed).

A function is traced for one simulation and its jaxpr is evaluated anew, equation by equation
(``control``). What has no rule is mapped by ``jax.vmap`` along the last axis: slower, with the same
answer, and said in the log (``mapped``).
"""

from .arrays import Laned, Lanes, Rule, Sizes, widened, widest
from .mapped import by_vmap, noting_mapped

__all__ = ["Laned", "Lanes", "Rule", "Sizes", "by_vmap", "noting_mapped", "widened", "widest"]
