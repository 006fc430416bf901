"""Kernels that go over all pairs of cells; a vector holds one pair of several simulations.

What a kernel needs of the simulations of one vector is copied to where it fits into the nearest cache.
Every pair is computed once, with everything that depends on its distance; pairs that are too far apart
in all simulations of a vector are passed over.
"""

import numpy as np
from llvmlite import ir

from ....native.foreign import Arguments
from ....native.vectors import I64
from .kernel import PairKernel
from .pair_writer import PairWriter

# Threads that are not the main one may have stacks of no more than half a megabyte.
_MOST_ON_STACK = 2**17


def local_bytes(kernel: PairKernel) -> int:
    """What a kernel keeps for the simulations of one vector."""
    given, made = kernel.rows()
    numbers = sum(given) + sum(made) + kernel.sums_force_apart * given[0]
    return kernel.width * numbers * kernel.dtype.itemsize


class EveryPair(PairWriter):
    """Writes the body of such a kernel."""

    @staticmethod
    def width(kernel: PairKernel) -> int:
        return kernel.width

    @staticmethod
    def scratch(kernel: PairKernel) -> list[tuple[int, np.dtype]]:
        if local_bytes(kernel) <= _MOST_ON_STACK:
            return []
        return [(local_bytes(kernel) // kernel.dtype.itemsize, kernel.dtype)]

    def __init__(self, builder: ir.IRBuilder, kernel: PairKernel, arguments: Arguments):
        super().__init__(builder, kernel, arguments)
        self._turns = kernel.n_tangents
        given, self._sizes = kernel.rows()
        rows = [*given, *self._sizes, *[given[0]] * kernel.sums_force_apart]
        if self._scratch:
            starts = np.cumsum([0, *rows[:-1]])
            places = [builder.gep(self._scratch[0], [I64(n)], source_etype=self.v.type) for n in starts]
        else:  # apart, so that compilers know that they do not overlap
            places = [self._variable(self.v.type, n) for n in rows]
            for place in places:
                place.align = self._local_alignment
        self._given, made = places[: len(given)], places[len(given) :]
        self._fields = self._by_field(self._given[4 : kernel.n_primals])
        self._several = self._given[kernel.n_primals :]
        self._sums = made[: len(self._sizes)]
        self._force = made[-1] if kernel.sums_force_apart else made[0]

    def write(self) -> None:
        """The last vector may repeat some simulations of the one before."""
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
        self._clear(self.v.constant(0))
        position, radius, interacts, scale = self._given[:4]
        numbers_of_all = {
            f: self._at(self._fields[f][0], I64(0))
            for f, kinds in enumerate(self.kernel.kinds)
            if not kinds
        }
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
                with self.b.if_then(self._any(self._is_near(squared, sigma)), likely=True):
                    fields = [
                        self.v.dot(*self._factors(f, i, j)) if kinds else numbers_of_all[f]
                        for f, kinds in enumerate(self.kernel.kinds)
                    ]
                    numbers = self._numbers(squared, sigma, fields)
                    self._of_pair(i, j, between, [self.v.mul(both, x) for x in numbers])
        self._finish(self._at(scale, I64(0)))
        for n, pointer, local in zip(rows[1], self._results, self._sums, strict=True):
            with self._loop(I64(0), I64(n)) as row:
                where = self._place(pointer, self.b.add(self.b.mul(row, self._lanes), lane))
                self.b.store(self._at(local, row), where, align=self._alignment)

    def _factors(self, field: int, i: ir.Value, j: ir.Value) -> tuple[list[ir.Value], list[ir.Value]]:
        kinds = self.kernel.kinds[field]

        def of(local: ir.Value, cell: ir.Value) -> list[ir.Value]:
            first = self.b.mul(cell, I64(kinds))
            return [self._at(local, self.b.add(first, I64(k))) for k in range(kinds)]

        left, right = self._fields[field]
        return of(left, i), of(right, j)

    def _load(self, pointer: ir.Value, row: ir.Value, lane: ir.Value, *, laned: bool) -> ir.Value:
        if not laned:
            return self.v.splat(self.b.load(self._place(pointer, row), typ=self.v.element))
        where = self._place(pointer, self.b.add(self.b.mul(row, self._lanes), lane))
        return self.b.load(where, align=self._alignment, typ=self.v.type)
