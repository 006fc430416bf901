"""Kernels of forces between pairs of cells, and of their derivatives, in LLVM's language.

One kernel goes over the simulations of an array, (cell, ..., simulation), as many at a time as a vector
holds. What it needs of them is copied to where it fits into the nearest cache. Every pair is computed
once, with everything that depends on its distance.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from jax.extend import core
from llvmlite import ir

from .foreign import NULL, Arguments, handler
from .vectors import I64, Vectors

# Threads that are not the main one may have stacks of no more than half a megabyte.
_MOST_ON_STACK = 2**17

Kind = Literal["values", "tangents", "cotangents"]
Shape = tuple[int, ...]


class PairKernel(NamedTuple):
    """What a kernel computes.

    Its operands are those of the primitives in ``env/mechanics/fused.py``.

    Attributes:
        kind: Forces, their change along tangents, or what cotangents of them give back.
        forms: Numbers of a pair from (squared distance, sum of the radii, fields): the force over the
            distance, and if it is differentiated, its derivatives by the distance over the distance, by
            the sum of the radii and by each field. A second form holds below a distance.
        inner_below: This distance.
        reach: The distance from which on the force is 0.
        n_cells: Number of cells.
        n_dim: Dimensions of space.
        n_tangents: Number of tangents or cotangents.
        with_force: Whether the force is wanted beside its change along tangents.
        moves: Which of position, radius, scale and the fields have tangents, or want cotangents.
        laned: Of each operand, whether it has a number for each simulation.
        dtype: float32 or float64.
        width: Simulations that one vector holds.
    """

    kind: Kind
    forms: tuple[core.ClosedJaxpr, ...]
    inner_below: float
    reach: float
    n_cells: int
    n_dim: int
    n_tangents: int
    with_force: bool
    moves: tuple[bool, ...]
    laned: tuple[bool, ...]
    dtype: np.dtype
    width: int

    @property
    def n_fields(self) -> int:
        """Number of scalar fields of the law."""
        return len(self.forms[0].in_avals) - 2

    def shapes(self) -> tuple[list[Shape], list[Shape]]:
        """Those of each operand and of each result, for one simulation."""
        n, t = self.n_cells, self.n_tangents
        force: Shape = (n, self.n_dim)
        primals: list[Shape] = [force, (n,), (n,), *[()] * (1 + self.n_fields)]
        several: list[Shape] = [(t, *force), (t, n), *[(t,)] * (1 + self.n_fields)]
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

    @property
    def local_numbers(self) -> int:
        """Numbers that it keeps for the simulations of one vector."""
        given, made = self.rows()
        return self.width * (sum(given) + sum(made) + self.sums_force_apart * given[0])

    @property
    def local_bytes(self) -> int:
        """What they take."""
        return self.local_numbers * self.dtype.itemsize

    @property
    def has_scratch(self) -> bool:
        """Whether it keeps them in a last result, of ``local_numbers``: too much for a stack."""
        return self.local_bytes > _MOST_ON_STACK


def write(kernel: PairKernel, name: str) -> str:
    """The text of a module whose function ``name`` XLA can call."""
    n_operands, n_results = map(len, kernel.rows())
    builder, arguments = handler(name, n_operands, n_results + kernel.has_scratch)
    _Writer(builder, kernel, arguments).write()
    builder.ret(NULL)
    return str(builder.module)


class _Writer:
    """Writes the body of a kernel.

    Attributes:
        b: Where the instructions go.
        v: Instructions on vectors.
    """

    def __init__(
        self,
        builder: ir.IRBuilder,
        kernel: PairKernel,
        arguments: Arguments,
    ):
        self.b, self.kernel = builder, kernel
        self.v = Vectors(builder, kernel.dtype, kernel.width)
        self._operands, self._results, self._lanes = arguments
        given, made = kernel.rows()
        rows = [*given, *made, kernel.n_cells * kernel.n_dim]
        if kernel.has_scratch:
            scratch, starts = self._results.pop(), np.cumsum([0, *rows[:-1]])
            places = [builder.gep(scratch, [I64(n)], source_etype=self.v.type) for n in starts]
        else:  # apart, so that compilers know that they do not overlap
            places = [builder.alloca(self.v.type, size=I64(n)) for n in rows]
            for place in places:
                place.align = self._local_alignment
        self._given, self._sums = places[: len(given)], places[len(given) : -1]
        self._force = places[-1] if kernel.sums_force_apart else self._sums[0]

    def write(self) -> None:
        """All simulations; the last vector may repeat some of the one before."""
        width, lanes = I64(self.kernel.width), self._lanes
        n_vectors = self.b.udiv(self.b.add(lanes, self.b.sub(width, I64(1))), width)
        last = self.b.sub(lanes, width)
        with self._loop(I64(0), n_vectors) as i:
            start = self.b.mul(i, width)
            start = self.b.select(self.b.icmp_signed("<", start, last), start, last)
            self._one(start)

    def _one(self, lane: ir.Value) -> None:
        rows = self.kernel.rows()
        for n, pointer, local, laned in zip(
            rows[0], self._operands, self._given, self.kernel.laned, strict=True
        ):
            with self._loop(I64(0), I64(n)) as row:
                self._store(local, row, self._load(pointer, row, lane, laned=laned))
        sums = list(zip(rows[1], self._sums, strict=True))
        if self._force is not self._sums[0]:
            sums.append((self.kernel.n_cells * self.kernel.n_dim, self._force))
        for n, local in sums:
            with self._loop(I64(0), I64(n)) as row:
                self._store(local, row, self.v.constant(0))
        position, radius, interacts, scale, *fields = self._given
        fields = [self._at(x, I64(0)) for x in fields[: self.kernel.n_fields]]
        with self._loop(I64(1), I64(self.kernel.n_cells)) as i:
            # Read once for all j: compilers do not know that no sum is written here.
            of_i = [self._at(x, i) for x in (radius, interacts)]
            place_i = self._vector(position, i)
            with self._loop(I64(0), i) as j:
                place_j = self._vector(position, j)
                between = [self.v.sub(*pair) for pair in zip(place_i, place_j, strict=True)]
                sigma = self.v.add(of_i[0], self._at(radius, j))
                both = self.v.mul(of_i[1], self._at(interacts, j))
                squared = self.v.dot(between, between)
                with self.b.if_then(self._is_any_below(squared, self.kernel.reach), likely=True):
                    numbers = self._numbers(squared, sigma, fields)
                    numbers = [self.v.mul(both, x) for x in numbers]
                    _OF_PAIR[self.kernel.kind](self, i, j, between, numbers)
        _FINISHED[self.kernel.kind](self, self._at(scale, I64(0)))
        for n, pointer, local in zip(rows[1], self._results, self._sums, strict=True):
            with self._loop(I64(0), I64(n)) as row:
                where = self._place(pointer, self.b.add(self.b.mul(row, self._lanes), lane))
                self.b.store(self._at(local, row), where, align=self._alignment)

    def _numbers(self, squared: ir.Value, sigma: ir.Value, fields: list[ir.Value]) -> Sequence[ir.Value]:
        """Those of a pair, by the simpler form where that holds in all places."""
        whole, *inner = self.kernel.forms
        given = [squared, sigma, *fields]
        if not inner:
            return self.v.evaluate(whole, given)
        ends = []
        beyond = self._is_any_beyond(squared, self.kernel.inner_below)
        with self.b.if_else(beyond, likely=False) as branches:
            for branch, form in zip(branches, (whole, *inner), strict=True):
                with branch:
                    ends.append((self.v.evaluate(form, given), self.b.block))
        (first, after_first), (second, after_second) = ends
        numbers = []
        for a, c in zip(first, second, strict=True):
            number = self.b.phi(self.v.type)
            number.add_incoming(a, after_first)
            number.add_incoming(c, after_second)
            numbers.append(number)
        return numbers

    def _is_any_below(self, squared: ir.Value, distance: float) -> ir.Value:
        """Whether any of the distances is not beyond ``distance``; one that is NaN is not."""
        return self._any(self.b.fcmp_unordered("<", squared, self.v.constant(distance**2)))

    def _is_any_beyond(self, squared: ir.Value, distance: float) -> ir.Value:
        """Whether any of the distances is not below ``distance``; one that is NaN is not."""
        return self._any(self.b.fcmp_unordered(">=", squared, self.v.constant(distance**2)))

    def _any(self, each: ir.Value) -> ir.Value:
        bits = ir.IntType(self.kernel.width)
        return self.b.icmp_unsigned("!=", self.b.bitcast(each, bits), bits(0))

    @property
    def _alignment(self) -> int:
        return self.kernel.dtype.itemsize

    @property
    def _local_alignment(self) -> int:
        """That of vectors, or what XLA's arrays have."""
        return min(self.kernel.width * self._alignment, 64)

    def _place(self, pointer: ir.Value, index: ir.Value) -> ir.Value:
        return self.b.gep(pointer, [index], source_etype=self.v.element)

    def _load(self, pointer: ir.Value, row: ir.Value, lane: ir.Value, *, laned: bool) -> ir.Value:
        if not laned:
            return self.v.splat(self.b.load(self._place(pointer, row), typ=self.v.element))
        where = self._place(pointer, self.b.add(self.b.mul(row, self._lanes), lane))
        return self.b.load(where, align=self._alignment, typ=self.v.type)

    def _at(self, local: ir.Value, row: ir.Value) -> ir.Value:
        where = self.b.gep(local, [row], source_etype=self.v.type)
        return self.b.load(where, align=self._local_alignment, typ=self.v.type)

    def _store(self, local: ir.Value, row: ir.Value, value: ir.Value) -> None:
        where = self.b.gep(local, [row], source_etype=self.v.type)
        self.b.store(value, where, align=self._local_alignment)

    def _add(self, local: ir.Value, row: ir.Value, value: ir.Value) -> None:
        self._store(local, row, self.v.add(self._at(local, row), value))

    @contextlib.contextmanager
    def _loop(self, start: ir.Value, stop: ir.Value) -> Iterator[ir.Value]:
        """Instructions for each whole number from ``start``, at least once, to below ``stop``."""
        before = self.b.block
        body = self.b.append_basic_block("loop")
        self.b.branch(body)
        self.b.position_at_end(body)
        index = self.b.phi(I64)
        index.add_incoming(start, before)
        yield index
        following = self.b.add(index, I64(1))
        after = self.b.append_basic_block("after")
        index.add_incoming(following, self.b.block)
        self.b.cbranch(self.b.icmp_signed("<", following, stop), body, after)
        self.b.position_at_end(after)

    def _component(self, cell: ir.Value, k: int) -> ir.Value:
        return self.b.add(self.b.mul(cell, I64(self.kernel.n_dim)), I64(k))

    def _vector(self, local: ir.Value, cell: ir.Value, first: ir.Value | None = None) -> list[ir.Value]:
        """Components of a vector of a cell; ``first`` is the row of cell 0."""
        rows = [self._component(cell, k) for k in range(self.kernel.n_dim)]
        if first is not None:
            rows = [self.b.add(first, row) for row in rows]
        return [self._at(local, row) for row in rows]

    def _differences(self, local: ir.Value, i: ir.Value, j: ir.Value, first: ir.Value) -> list[ir.Value]:
        """Components of a vector of cell i minus that of cell j."""
        ends = (self._vector(local, cell, first) for cell in (i, j))
        return [self.v.sub(a, b) for a, b in zip(*ends, strict=True)]

    def _push(
        self,
        local: ir.Value,
        i: ir.Value,
        j: ir.Value,
        vector: Sequence[ir.Value],
        first: ir.Value | None = None,
    ) -> None:
        """Add a vector to cell i and take it from cell j."""
        for k, x in enumerate(vector):
            rows = [self._component(c, k) for c in (i, j)]
            if first is not None:
                rows = [self.b.add(first, row) for row in rows]
            self._add(local, rows[0], x)
            self._store(local, rows[1], self.v.sub(self._at(local, rows[1]), x))

    def _moving(self, of: Sequence[ir.Value]) -> tuple[list[ir.Value | None], list[ir.Value | None]]:
        """Of position, radius and scale, and of the fields, what ``of`` holds for those that move."""
        rest = iter(of)
        every = [next(rest) if moves else None for moves in self.kernel.moves]
        return every[:3], every[3:]

    def _values(self, i: ir.Value, j: ir.Value, between: list, numbers: list) -> None:
        self._push(self._sums[0], i, j, [self.v.mul(numbers[0], x) for x in between])

    def _scaled(self, scale: ir.Value) -> None:
        """All sums times the scale."""
        for n, local in zip(self.kernel.rows()[1], self._sums, strict=True):
            with self._loop(I64(0), I64(n)) as row:
                self._store(local, row, self.v.mul(scale, self._at(local, row)))

    @property
    def _needs_force(self) -> bool:
        """Whether the force is summed beside its change along tangents."""
        return self.kernel.with_force or self.kernel.moves[2]

    def _tangents(self, i: ir.Value, j: ir.Value, between: list, numbers: list) -> None:
        """Of f = g d: g d' + (a d.d' + b sigma' + sum_p c_p p') d, for each tangent."""
        kernel, v = self.kernel, self.v
        (position, radius, _), fields = self._moving(self._given[4 + kernel.n_fields :])
        g, by_distance, by_sigma, *by_fields = numbers
        if self._needs_force:
            self._push(self._force, i, j, [v.mul(g, x) for x in between])
        with self._loop(I64(0), I64(kernel.n_tangents)) as t:
            along, change = v.constant(0), [v.constant(0)] * kernel.n_dim
            first = self.b.mul(t, I64(kernel.n_cells))
            of_vectors = self.b.mul(first, I64(kernel.n_dim))
            if position is not None:
                moved = self._differences(position, i, j, of_vectors)
                along = v.mul(by_distance, v.dot(between, moved))
                change = [v.mul(g, x) for x in moved]
            if radius is not None:
                grown = [self._at(radius, self.b.add(first, cell)) for cell in (i, j)]
                along = v.add(along, v.mul(by_sigma, v.add(*grown)))
            for field, by_field in zip(fields, by_fields, strict=True):
                if field is not None:
                    along = v.add(along, v.mul(by_field, self._at(field, t)))
            change = [v.add(x, v.mul(along, d)) for x, d in zip(change, between, strict=True)]
            self._push(self._sums[-1], i, j, change, of_vectors)

    def _tangents_scaled(self, scale: ir.Value) -> None:
        kernel, v = self.kernel, self.v
        (_, _, of_scale), _ = self._moving(self._given[4 + kernel.n_fields :])
        force, change = self._force, self._sums[-1]
        n = I64(kernel.n_cells * kernel.n_dim)
        with self._loop(I64(0), I64(kernel.n_tangents)) as t, self._loop(I64(0), n) as row:
            place = self.b.add(self.b.mul(t, n), row)
            scaled = v.mul(scale, self._at(change, place))
            if of_scale is not None:
                scaled = v.add(scaled, v.mul(self._at(of_scale, t), self._at(force, row)))
            self._store(change, place, scaled)
        if not kernel.with_force:
            return
        with self._loop(I64(0), n) as row:
            self._store(force, row, v.mul(scale, self._at(force, row)))

    def _cotangents(self, i: ir.Value, j: ir.Value, between: list, numbers: list) -> None:
        """The transpose of :meth:`_tangents`, without the scale."""
        kernel, v = self.kernel, self.v
        (position, radius, of_scale), fields = self._moving(self._sums)
        g, by_distance, by_sigma, *by_fields = numbers
        given = self._given[-1]
        with self._loop(I64(0), I64(kernel.n_tangents)) as t:
            first = self.b.mul(t, I64(kernel.n_cells))
            of_vectors = self.b.mul(first, I64(kernel.n_dim))
            pulled = self._differences(given, i, j, of_vectors)
            projected = v.dot(between, pulled)
            if position is not None:
                along = v.mul(by_distance, projected)
                change = [
                    v.add(v.mul(g, q), v.mul(along, d)) for q, d in zip(pulled, between, strict=True)
                ]
                self._push(position, i, j, change, of_vectors)
            if radius is not None:
                for cell in (i, j):
                    self._add(radius, self.b.add(first, cell), v.mul(by_sigma, projected))
            for local, number in zip((of_scale, *fields), (g, *by_fields), strict=True):
                if local is not None:
                    self._add(local, t, v.mul(number, projected))

    def _cotangents_scaled(self, scale: ir.Value) -> None:
        (_, _, of_scale), _ = self._moving(self._sums)
        for n, local in zip(self.kernel.rows()[1], self._sums, strict=True):
            if local is of_scale:
                continue
            with self._loop(I64(0), I64(n)) as row:
                self._store(local, row, self.v.mul(scale, self._at(local, row)))


_OF_PAIR = {
    "values": _Writer._values,
    "tangents": _Writer._tangents,
    "cotangents": _Writer._cotangents,
}
_FINISHED = {
    "values": _Writer._scaled,
    "tangents": _Writer._tangents_scaled,
    "cotangents": _Writer._cotangents_scaled,
}
