"""What a pair of cells adds to forces and to their derivatives, as LLVM instructions."""

import abc
import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
from llvmlite import ir

from .foreign import NULL, Arguments, handler
from .pair_kernels import PairKernel
from .vectors import I64, Vectors


class PairWriter(abc.ABC):
    """Writes the body of a kernel.

    A subclass says which pairs are looked at, and what a vector holds.

    Attributes:
        b: Where the instructions go.
        v: Instructions on vectors of what is added to cells.
        law: Instructions on vectors of the numbers of pairs.
    """

    # Local memory of vectors ``v``: tangents or cotangents; results; a force that is needed for them.
    _several: Sequence[ir.Value]
    _sums: Sequence[ir.Value]
    _force: ir.Value
    _sizes: Sequence[int]  # of the sums
    _turns: int  # in which all tangents or cotangents are gone through

    def __init__(self, builder: ir.IRBuilder, kernel: PairKernel, arguments: Arguments):
        self.b, self.kernel = builder, kernel
        self.v, self.law = (
            Vectors(builder, kernel.dtype, width) for width in (self.width(kernel), kernel.width)
        )
        self._operands, results, self._lanes = arguments
        n_results = len(kernel.shapes()[1])
        self._results, self._scratch = results[:n_results], results[n_results:]

    @staticmethod
    @abc.abstractmethod
    def width(kernel: PairKernel) -> int:
        """Numbers that a vector of what is added to cells holds."""

    @staticmethod
    @abc.abstractmethod
    def scratch(kernel: PairKernel) -> list[tuple[int, np.dtype]]:
        """Lengths and types of the arrays that a kernel wants as last results, to work in."""

    @abc.abstractmethod
    def write(self) -> None:
        """All simulations."""

    @classmethod
    def text(cls, kernel: PairKernel, name: str) -> str:
        """The text of a module whose function ``name`` XLA can call."""
        n_operands, n_results = map(len, kernel.shapes())
        builder, arguments = handler(name, n_operands, n_results + len(cls.scratch(kernel)))
        cls(builder, kernel, arguments).write()
        builder.ret(NULL)
        return str(builder.module)

    # --- the law --------------------------------------------------------------------------------

    def _numbers(self, squared: ir.Value, sigma: ir.Value, fields: list[ir.Value]) -> Sequence[ir.Value]:
        """Those of pairs, by the simpler form where that holds in all places."""
        whole, *inner = self.kernel.forms
        given = [squared, sigma, *fields]
        if not inner:
            return self.law.evaluate(whole, given)
        ends = []
        # One that is NaN is not below.
        limit = self.law.constant(self.kernel.inner_below**2)
        beyond = self._any(self.b.fcmp_unordered(">=", squared, limit))
        with self.b.if_else(beyond, likely=False) as branches:
            for branch, form in zip(branches, (whole, *inner), strict=True):
                with branch:
                    ends.append((self.law.evaluate(form, given), self.b.block))
        (first, after_first), (second, after_second) = ends
        numbers = []
        for a, c in zip(first, second, strict=True):
            number = self.b.phi(self.law.type)
            number.add_incoming(a, after_first)
            number.add_incoming(c, after_second)
            numbers.append(number)
        return numbers

    def _is_near(self, squared: ir.Value, sigma: ir.Value) -> ir.Value:
        """Whether pairs are within reach, in each place; one that is NaN is not beyond."""
        reach, kind = self.kernel.reach, squared.type
        if reach == "contact":
            limit = self.v.mul(sigma, sigma)
        else:
            limit = ir.Constant(kind, [reach**2] * kind.count)
        return self.b.fcmp_unordered("<", squared, limit)

    def _any(self, each: ir.Value) -> ir.Value:
        bits = ir.IntType(self.law.width)
        return self.b.icmp_unsigned("!=", self.b.bitcast(each, bits), bits(0))

    # --- memory and loops -----------------------------------------------------------------------

    def _variable(self, kind: ir.Type, length: int = 1) -> ir.Value:
        """Memory of the function; compilers keep in registers what is made where it begins."""
        with self.b.goto_entry_block():
            return self.b.alloca(kind, size=I64(length))

    @property
    def _alignment(self) -> int:
        return self.kernel.dtype.itemsize

    @property
    def _local_alignment(self) -> int:
        """That of vectors, or what XLA's arrays have."""
        return min(self.v.width * self._alignment, 64)

    def _place(self, pointer: ir.Value, index: ir.Value) -> ir.Value:
        return self.b.gep(pointer, [index], source_etype=self.v.element)

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

    def _clear(self, value: ir.Value) -> None:
        """Before anything is added."""
        sums = list(zip(self._sizes, self._sums, strict=True))
        if self._force is not self._sums[0]:
            sums.append((self.kernel.n_cells * self.kernel.n_dim, self._force))
        for n, local in sums:
            with self._loop(I64(0), I64(n)) as row:
                self._store(local, row, value)

    # --- vectors of a cell ----------------------------------------------------------------------

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

    # --- what pairs add -------------------------------------------------------------------------

    def _of_pair(self, i: ir.Value, j: ir.Value, between: list, numbers: list) -> None:
        """What the pair (i, j) adds, from the vector to i and the numbers of the law."""
        _OF_PAIR[self.kernel.kind](self, i, j, between, numbers)

    def _finish(self, scale: ir.Value) -> None:
        """After all pairs: the factor of the force."""
        _FINISHED[self.kernel.kind](self, scale)

    def _moving(self, of: Sequence[ir.Value]) -> tuple[list[ir.Value | None], list[ir.Value | None]]:
        """Of position, radius and scale, and of the fields, what ``of`` holds for those that move."""
        rest = iter(of)
        every = [next(rest) if moves else None for moves in self.kernel.moves]
        return every[:3], every[3:]

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
            for field, by_field in zip(fields, by_fields, strict=True):
                if field is not None:
                    along = v.add(along, v.mul(by_field, self._at(field, t)))
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
            for local, number in zip((of_scale, *fields), (g, *by_fields), strict=True):
                if local is not None:
                    self._add(local, t, v.mul(number, projected))

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
