"""What all kernels of forces have: the law of a pair, memory and loops, as LLVM instructions."""

import abc
import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
from llvmlite import ir

from ....native.foreign import NULL, Arguments, handler
from ....native.jaxprs import evaluate
from ....native.vectors import I64, Vectors
from .kernel import PairKernel


class KernelWriter(abc.ABC):
    """Writes the body of a kernel.

    Subclasses say what pairs add, which pairs are looked at, and what a vector holds.

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
            return evaluate(self.law, whole, given)
        ends = []
        # One that is NaN is not below.
        limit = self.law.constant(self.kernel.inner_below**2)
        beyond = self._any(self.b.fcmp_unordered(">=", squared, limit))
        with self.b.if_else(beyond, likely=False) as branches:
            for branch, form in zip(branches, (whole, *inner), strict=True):
                with branch:
                    ends.append((evaluate(self.law, form, given), self.b.block))
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
