"""Mapping a function over batch axes that come last in every intermediate array.

``jax.vmap`` carries the batch first through loops, so that the processor would step through memory from
one simulation to the next. Here the axes of the batch, the lanes, are the last and contiguous ones of
every array: (cell, ..., sample, seed), and one instruction works on several simulations. What does not
depend on a lane, as the noise does not on the sample, is computed once for all of it.

A function is traced for one simulation and its jaxpr is evaluated anew, equation by equation. What has
no rule in ``lane_rules`` is mapped by ``jax.vmap`` along the last axis: slower, with the same answer.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend import core
from jaxtyping import Array

Lanes = tuple[bool, ...]


class Laned(NamedTuple):
    """An array and which of the lanes it has: one trailing axis for each, in their order."""

    array: Array
    lanes: Lanes

    @property
    def rank(self) -> int:
        """The number of axes without lanes."""
        return jnp.ndim(self.array) - sum(self.lanes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape without lanes."""
        return jnp.shape(self.array)[: self.rank]


Rule = Callable[[core.JaxprEqn, list[Laned], tuple[int, ...]], Sequence[Laned]]


def over_lanes(
    closed: core.ClosedJaxpr, arguments: Sequence[Laned], sizes: tuple[int, ...]
) -> list[Array]:
    """The results of a jaxpr, mapped over the lanes of its arguments.

    Args:
        closed: The jaxpr of one simulation.
        arguments: Its arguments, with their lanes last.
        sizes: Length of each lane.

    Returns:
        The results, each with all lanes last.
    """
    everything = (True,) * len(sizes)
    return [spread(x, everything, sizes) for x in interpret(closed, arguments, sizes)]


def interpret(
    closed: core.ClosedJaxpr, arguments: Sequence[Laned], sizes: tuple[int, ...]
) -> list[Laned]:
    """Evaluate a jaxpr of one simulation at arguments with lanes."""
    from .lane_rules import RULES  # the rules of control flow call this function

    jaxpr = closed.jaxpr
    values: dict[core.Var, Laned] = {}
    none = (False,) * len(sizes)

    def read(atom: core.Var | core.Literal) -> Laned:
        return Laned(atom.val, none) if isinstance(atom, core.Literal) else values[atom]

    values.update(zip(jaxpr.constvars, (Laned(c, none) for c in closed.consts), strict=True))
    values.update(zip(jaxpr.invars, arguments, strict=True))
    for eqn in jaxpr.eqns:
        operands = [read(atom) for atom in eqn.invars]
        rule = RULES.get(eqn.primitive.name, by_vmap)
        values.update(zip(eqn.outvars, rule(eqn, operands, sizes), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def lanes_of_results(closed: core.ClosedJaxpr, lanes: Sequence[Lanes]) -> list[Lanes]:
    """The lanes that the results of a jaxpr have at most, without evaluating it."""
    jaxpr = closed.jaxpr
    none = tuple(False for _ in (lanes[0] if lanes else ()))
    known: dict[core.Var, Lanes] = dict.fromkeys(jaxpr.constvars, none)
    known.update(zip(jaxpr.invars, lanes, strict=True))
    for eqn in jaxpr.eqns:
        operands = [known[a] for a in eqn.invars if not isinstance(a, core.Literal)]
        known.update(dict.fromkeys(eqn.outvars, union(operands, len(none))))
    return [none if isinstance(a, core.Literal) else known[a] for a in jaxpr.outvars]


def union(lanes: Sequence[Lanes], n_lanes: int) -> Lanes:
    """The lanes that any of them has."""
    return tuple(any(has[i] for has in lanes) for i in range(n_lanes))


def spread(x: Laned, lanes: Lanes, sizes: tuple[int, ...]) -> Array:
    """The array of ``x`` with all ``lanes``, repeated along those that it lacks."""
    if x.lanes == lanes:
        return x.array
    shape, kept = list(x.shape), list(range(x.rank))
    for has, wanted, size in zip(x.lanes, lanes, sizes, strict=True):
        if has:
            kept.append(len(shape))
        if wanted:
            shape.append(size)
    return jax.lax.broadcast_in_dim(x.array, shape, kept)


def lane_sizes(lanes: Lanes, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes of those lanes that are there."""
    return tuple(size for has, size in zip(lanes, sizes, strict=True) if has)


def by_vmap(eqn: core.JaxprEqn, operands: list[Laned], sizes: tuple[int, ...]) -> list[Laned]:
    """Any equation, by its own rule for ``jax.vmap``, with the lanes moved where that wants them."""
    lanes = union([x.lanes for x in operands], len(sizes))

    def function(*arrays: Array) -> Any:
        return eqn.primitive.bind(*arrays, **eqn.params)

    for i in range(len(sizes)):  # the last lane is mapped first, from the outside
        if lanes[i]:
            in_axes = [-1 if x.lanes[i] else None for x in operands]
            function = jax.vmap(function, in_axes=in_axes, out_axes=-1)
    results = function(*[x.array for x in operands])
    results = results if eqn.primitive.multiple_results else [results]
    return [Laned(result, lanes) for result in results]
