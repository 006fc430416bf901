"""Loops of a simulation, and what reverse mode keeps of them instead of computing it again."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array

from .instruments import Body, Carry, X, Y, active

P = ParamSpec("P")
T = TypeVar("T")

_KEPT = "jaxmorph.kept"


def scan(body: Body[Carry, X, Y], carry: Carry, xs: X, length: int | None = None) -> tuple[Carry, Y]:
    """``jax.lax.scan``, inside which draws and choices may be made.

    Reverse mode keeps the carry and what is marked by :func:`keep`, and computes all else again.
    """

    def recomputed(body: Body[Carry, X, Y], carry: Carry, xs: X) -> tuple[Carry, Y]:
        return jax.lax.scan(recompute(body), carry, xs, length=length)

    return active().scan(recomputed, body, carry, xs)


def keep(x: Array) -> Array:
    """``x`` itself; reverse mode keeps it where it computes all else of a step again.

    For what is small and leads to all else, such as the positions after each inner step; of any shape.
    """
    kept: Array = checkpoint_name(x, _KEPT)
    return kept


def recompute(function: Callable[P, T]) -> Callable[P, T]:
    """``function``, of which reverse mode keeps the arguments and what is marked by :func:`keep`.

    For the body of a loop.
    """
    policy = jax.checkpoint_policies.save_only_these_names(_KEPT)
    return jax.checkpoint(function, policy=policy, prevent_cse=False)
