"""What a pair of cells adds to forces and to their derivatives, as LLVM instructions."""

import abc
from collections.abc import Iterator, Sequence
from typing import TypeVar

from llvmlite import ir

from ....native.vectors import I64
from .writer import KernelWriter

T = TypeVar("T")


class PairWriter(KernelWriter):
    """Writes what pairs add; a subclass says which pairs are looked at, and what a vector holds."""

    def _of_pair(self, i: ir.Value, j: ir.Value, between: list, numbers: list) -> None:
        """What the pair (i, j) adds, from the vector to i and the numbers of the law."""
        _OF_PAIR[self.kernel.kind](self, i, j, between, numbers)

    def _finish(self, scale: ir.Value) -> None:
        """After all pairs: the factor of the force."""
        _FINISHED[self.kernel.kind](self, scale)

    def _by_field(self, of: Sequence[T]) -> list[tuple[T, ...]]:
        """What the operands of fields have, by field: that of a number, or both of a product."""
        rest = iter(of)
        return [tuple(next(rest) for _ in range(2 if kinds else 1)) for kinds in self.kernel.kinds]

    def _moving(
        self, of: Sequence[ir.Value]
    ) -> tuple[list[ir.Value | None], list[tuple[ir.Value | None, ...]]]:
        """Of position, radius and scale, and of the fields, what ``of`` holds for those that move."""
        rest = iter(of)
        every = [next(rest) if moves else None for moves in self.kernel.moves]
        return every[:3], self._by_field(every[3:])

    def _parts(
        self, field: int, moving: tuple[ir.Value | None, ...], i: ir.Value, j: ir.Value, t: ir.Value
    ) -> Iterator[tuple[ir.Value, ir.Value, ir.Value | None]]:
        """The numbers that a field of a pair comes from, if they move.

        For each, the memory and the row of its tangent or cotangent, and the derivative of the field by
        it; None is 1.
        """
        kinds = self.kernel.kinds[field]
        if not kinds:
            if moving[0] is not None:
                yield moving[0], t, None
            return
        first = self.b.mul(t, I64(self.kernel.n_cells))
        others = reversed(self._factors(field, i, j))
        for local, cell, factors in zip(moving, (i, j), others, strict=True):
            if local is None:
                continue
            row = self.b.mul(self.b.add(first, cell), I64(kinds))
            for k, factor in enumerate(factors):
                yield local, self.b.add(row, I64(k)), factor

    @abc.abstractmethod
    def _factors(self, field: int, i: ir.Value, j: ir.Value) -> tuple[list[ir.Value], list[ir.Value]]:
        """What cells i and j have, whose scalar product a field is: vectors ``v``."""

    def _values(self, i: ir.Value, j: ir.Value, between: list, numbers: list) -> None:
        self._push(self._sums[0], i, j, [self.v.mul(numbers[0], x) for x in between])

    def _scaled(self, scale: ir.Value) -> None:
        """All sums times the scale."""
        for n, local in zip(self._sizes, self._sums, strict=True):
            with self._loop(I64(0), I64(n)) as row:
                self._store(local, row, self.v.mul(scale, self._at(local, row)))

    @property
    def _needs_force(self) -> bool:
        """Whether the force is summed beside its change along tangents."""
        return self.kernel.with_force or self.kernel.moves[2]

    def _tangents(self, i: ir.Value, j: ir.Value, between: list, numbers: list) -> None:
        """Of f = g d: g d' + (a d.d' + b sigma' + sum_p c_p p') d, for each tangent."""
        kernel, v = self.kernel, self.v
        (position, radius, _), fields = self._moving(self._several)
        g, by_distance, by_sigma, *by_fields = numbers
        if self._needs_force:
            self._push(self._force, i, j, [v.mul(g, x) for x in between])
        with self._loop(I64(0), I64(self._turns)) as t:
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
            for f, by_field in enumerate(by_fields):
                for local, row, factor in self._parts(f, fields[f], i, j, t):
                    by_part = by_field if factor is None else v.mul(by_field, factor)
                    along = v.add(along, v.mul(by_part, self._at(local, row)))
            change = [v.add(x, v.mul(along, d)) for x, d in zip(change, between, strict=True)]
            self._push(self._sums[-1], i, j, change, of_vectors)

    def _tangents_scaled(self, scale: ir.Value) -> None:
        kernel, v = self.kernel, self.v
        (_, _, of_scale), _ = self._moving(self._several)
        force, change = self._force, self._sums[-1]
        n = I64(kernel.n_cells * kernel.n_dim)
        with self._loop(I64(0), I64(self._turns)) as t, self._loop(I64(0), n) as row:
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
        (given,) = self._several
        with self._loop(I64(0), I64(self._turns)) as t:
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
            if of_scale is not None:
                self._add(of_scale, t, v.mul(g, projected))
            for f, by_field in enumerate(by_fields):
                for local, row, factor in self._parts(f, fields[f], i, j, t):
                    by_part = by_field if factor is None else v.mul(by_field, factor)
                    self._add(local, row, v.mul(by_part, projected))

    def _cotangents_scaled(self, scale: ir.Value) -> None:
        (_, _, of_scale), _ = self._moving(self._sums)
        for n, local in zip(self._sizes, self._sums, strict=True):
            if local is of_scale:
                continue
            with self._loop(I64(0), I64(n)) as row:
                self._store(local, row, self.v.mul(scale, self._at(local, row)))


_OF_PAIR = {
    "values": PairWriter._values,
    "tangents": PairWriter._tangents,
    "cotangents": PairWriter._cotangents,
}
_FINISHED = {
    "values": PairWriter._scaled,
    "tangents": PairWriter._tangents_scaled,
    "cotangents": PairWriter._cotangents_scaled,
}
