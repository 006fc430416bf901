"""What kernels of forces between pairs of cells compute, and what they are given."""

import math
from typing import Literal, NamedTuple

import numpy as np
from jax.extend import core

INTERACTS = 2  # the operand that never moves
Kind = Literal["values", "tangents", "cotangents"]
Shape = tuple[int, ...]


class PairKernel(NamedTuple):
    """What a kernel computes.

    Its operands are those of the primitives in ``operation.py``.

    Attributes:
        kind: Forces, their change along tangents, or what cotangents of them give back.
        forms: Numbers of a pair from (squared distance, sum of the radii, fields): the force over the
            distance, and if it is differentiated, its derivatives by the distance over the distance, by
            the sum of the radii and by each field. A second form holds below a distance.
        inner_below: This distance.
        reach: The distance from which on the force is 0; "contact" is the sum of the radii.
        n_cells: Number of cells.
        n_dim: Dimensions of space.
        n_tangents: Number of tangents or cotangents.
        with_force: Whether the force is wanted beside its change along tangents.
        kinds: Of each field, of how many numbers of the two cells it is the scalar product; 0 if it is
            one number for all pairs.
        moves: Which of position, radius, scale and operands of the fields have tangents, or want
            cotangents.
        laned: Of each operand, whether it has a number for each simulation.
        dtype: float32 or float64.
        width: Numbers that one vector holds: of simulations, or of near pairs.
    """

    kind: Kind
    forms: tuple[core.ClosedJaxpr, ...]
    inner_below: float
    reach: float | Literal["contact"]
    n_cells: int
    n_dim: int
    n_tangents: int
    with_force: bool
    kinds: tuple[int, ...]
    moves: tuple[bool, ...]
    laned: tuple[bool, ...]
    dtype: np.dtype
    width: int

    @property
    def n_primals(self) -> int:
        """How many operands there are besides tangents or a cotangent."""
        return 4 + sum(2 if kinds else 1 for kinds in self.kinds)

    def shapes(self) -> tuple[list[Shape], list[Shape]]:
        """Those of each operand and of each result, for one simulation."""
        n, t = self.n_cells, self.n_tangents
        force: Shape = (n, self.n_dim)
        fields = [shape for k in self.kinds for shape in ([(n, k)] * 2 if k else [()])]
        primals: list[Shape] = [force, (n,), (n,), (), *fields]
        several: list[Shape] = [(t, *shape) for i, shape in enumerate(primals) if i != INTERACTS]
        moving = [shape for shape, moves in zip(several, self.moves, strict=True) if moves]
        if self.kind == "values":
            return primals, [force]
        if self.kind == "tangents":
            return [*primals, *moving], [*[force] * self.with_force, (t, *force)]
        return [*primals, (t, *force)], moving

    def rows(self) -> tuple[list[int], list[int]]:
        """Their sizes."""
        given, made = self.shapes()
        return list(map(math.prod, given)), list(map(math.prod, made))

    @property
    def sums_force_apart(self) -> bool:
        """Whether it sums a force that is none of its results."""
        return self.kind == "tangents" and not self.with_force
