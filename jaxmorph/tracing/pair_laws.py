"""What the forces of pairs of cells ask of whoever traces them, and what they say of themselves.

An engine may have one operation for the force between all pairs (:func:`fused_pairs`), and may push
several tangents at once (:func:`many_tangents`). Where nobody says so, forces are operations of JAX.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
from jax.extend import core
from jaxtyping import Array, Float

from .contexts import TraceContext

Force = Float[Array, "cell dim"]
Reach = float | Literal["contact"]


class PairForm(NamedTuple):
    """What a force between two cells is, as jaxprs of (squared distance, sum of the radii, fields).

    Attributes:
        force: The force over the distance, (1,) result.
        derivatives: The same, and its derivatives by the distance over the distance, by the sum of the
            radii, and by each field.
    """

    force: core.ClosedJaxpr
    derivatives: core.ClosedJaxpr


@dataclasses.dataclass(frozen=True, eq=False)
class PairLaw:
    """A force between pairs of cells that depends on their distance and radii.

    Attributes:
        force: The force on each cell, (cell, dim), from positions (cell, dim), radii (cell,), 1 for the
            cells that interact (else 0), a factor of the force and the scalar fields of the law.
        form: The force between two cells.
        inner: A simpler form of it that holds below ``inner_below``; or None.
        inner_below: A distance.
        reach: The distance from which on the force is 0; "contact" is the sum of the radii.
    """

    force: Callable[..., Force]
    form: PairForm
    inner: PairForm | None = None
    inner_below: float = 0.0
    reach: Reach = math.inf

    @property
    def forms(self) -> tuple[PairForm, ...]:
        """All of them."""
        return (self.form,) if self.inner is None else (self.form, self.inner)


CanFuse = Callable[[PairLaw, tuple[int, ...]], bool]
"""Whether there is a kernel for a law and for positions of this shape."""

_can_fuse: TraceContext[CanFuse | None] = TraceContext("can_fuse", None, shared=True)
_many_tangents: TraceContext[bool] = TraceContext("many_tangents", False, shared=True)


def fused_pairs(can_fuse: CanFuse) -> contextlib.AbstractContextManager[None]:
    """What is traced inside has forces as single operations, where ``can_fuse`` says so."""
    return _can_fuse.set(can_fuse)


def may_fuse() -> bool:
    """Whether any forces are to be single operations."""
    return _can_fuse.get() is not None


def is_fused(law: PairLaw, shape: tuple[int, ...]) -> bool:
    """Whether the forces of a law are to be one operation."""
    can_fuse = _can_fuse.get()
    consts = [c for form in law.forms for jaxpr in form for c in jaxpr.consts]
    known = not any(isinstance(c, jax.core.Tracer) for c in consts)
    return can_fuse is not None and known and can_fuse(law, shape)


def many_tangents() -> contextlib.AbstractContextManager[None]:
    """What is traced inside will push several tangents at once: numbers they share are computed once."""
    return _many_tangents.set(True)


def has_many_tangents() -> bool:
    """Whether what is traced now will push several tangents at once."""
    return _many_tangents.get()
