"""Kernels that look for the pairs of cells within reach; a vector holds several pairs of one simulation.

Cells are sorted by box (boxes.py), pairs within reach are gathered until there are enough of them, the
law is evaluated for these, a vector of pairs at a time, and then each adds to its two cells. There, a
vector holds tangents.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np
from llvmlite import ir

from ....native.foreign import Arguments
from ....native.vectors import I32, I64, Vectors
from .boxes import BoxWriter
from .kernel import PairKernel, Shape
from .memory import GATHERED, WHOLE, lengths, room_for_pairs, shapes_of_one, starts, tangents_of_vector


class NearPairs(BoxWriter):
    """Writes the body of such a kernel."""

    @staticmethod
    def width(kernel: PairKernel) -> int:
        return tangents_of_vector(kernel)

    @staticmethod
    def scratch(kernel: PairKernel) -> list[tuple[int, np.dtype]]:
        floating, whole = lengths(kernel)
        return [(starts(floating, kernel.dtype)[1], kernel.dtype), (starts(whole, WHOLE)[1], WHOLE)]

    def __init__(self, builder: ir.IRBuilder, kernel: PairKernel, arguments: Arguments):
        super().__init__(builder, kernel, arguments)
        self._turns = 1
        # One vector of the processor: boxes of a plane hold few cells.
        self._near = Vectors(builder, kernel.dtype, max(kernel.width // 2, 1))
        floating, whole = lengths(kernel)
        where, _ = starts(floating, kernel.dtype)
        of = {name: self._place(self._scratch[0], I64(n)) for name, n in where.items()}
        where, _ = starts(whole, WHOLE)
        of |= {name: self._whole_place(self._scratch[1], I64(n)) for name, n in where.items()}
        self._several_shapes, self._sum_shapes = shapes_of_one(kernel)
        self._sizes = [math.prod(shape) for shape, _ in self._sum_shapes]
        self._several = [of[f"several {i}"] for i in range(len(self._several_shapes))]
        self._sums = [of[f"sum {i}"] for i in range(len(self._sizes))]
        self._force = of["force"] if kernel.sums_force_apart else self._sums[0]
        self._position = [
            self._place(of["position"], I64(k * floating["radius"])) for k in range(kernel.n_dim)
        ]
        self._radius = of["radius"]
        self._between, self._squared, self._sigma = of["between"], of["squared"], of["sigma"]
        self._made, self._first, self._second = of["numbers"], of["first"], of["second"]
        self.start, self.box, self.order = of["start"], of["box"], of["order"]
        # Of fields that are products: their factors, of cells in the order of boxes, and of pairs.
        self._products = {
            f: (of[f"left {f}"], of[f"right {f}"]) for f, kinds in enumerate(kernel.kinds) if kinds
        }
        self._product = {f: of[f"product {f}"] for f in self._products}
        self._field_operands = self._by_field(range(4, kernel.n_primals))
        self._count, self._bits = self._variable(I64), self._variable(I64)

    def write(self) -> None:
        with self._loop(I64(0), self._lanes) as lane:
            is_nowhere = self._sort(lane)
            self._copy(lane)
            zero, nan = (self.v.constant(x) for x in (0.0, math.nan))
            self._clear(self.b.select(is_nowhere, nan, zero))
            numbers = {
                f: self._number(operands[0], I64(0), lane)
                for f, operands in enumerate([(3,), *self._field_operands], -1)
                if f not in self._products
            }
            scale = numbers.pop(-1)
            self._visit({f: self.law.splat(x) for f, x in numbers.items()})
            self._finish(self.v.splat(scale))
            self._give(lane)

    def _copy(self, lane: ir.Value) -> None:
        n_dim, n_given = self.kernel.n_dim, self.kernel.n_primals
        with self._loop(I64(0), I64(self.kernel.n_cells)) as place:
            cell = self._get(self.order, place)
            for k in range(n_dim):
                x = self._number(0, self._component(cell, k), lane)
                self.b.store(x, self._place(self._position[k], place))
            self.b.store(self._number(1, cell, lane), self._place(self._radius, place))
            for f, locals_ in self._products.items():
                for local, operand in zip(locals_, self._field_operands[f], strict=True):
                    self._copy_factors(operand, local, self.kernel.kinds[f], cell, place, lane)
            for i, shape in enumerate(self._several_shapes):
                if shape:
                    self._copy_several(n_given + i, self._several[i], shape, cell, place, lane)
        for i, shape in enumerate(self._several_shapes):
            if not shape:
                self._copy_several(n_given + i, self._several[i], shape, I64(0), I64(0), lane)

    def _copy_factors(
        self, operand: int, local: ir.Value, kinds: int, cell: ir.Value, place: ir.Value, lane: ir.Value
    ) -> None:
        for k in range(kinds):
            source, target = (self.b.add(self.b.mul(x, I64(kinds)), I64(k)) for x in (cell, place))
            self.b.store(self._number(operand, source, lane), self._place(local, target))

    def _copy_several(
        self,
        operand: int,
        local: ir.Value,
        shape: Shape,
        cell: ir.Value,
        place: ir.Value,
        lane: ir.Value,
    ) -> None:
        """All tangents of a cell (or of a field); 0 where a vector holds more than there are."""
        for source, target, t in self._entries(shape, cell, place):
            missing = t >= self.kernel.n_tangents
            x = ir.Constant(self.v.element, 0.0) if missing else self._number(operand, source, lane)
            self.b.store(x, self._place(local, target))

    def _entries(
        self, shape: Shape, cell: ir.Value, place: ir.Value
    ) -> Iterator[tuple[ir.Value, ir.Value, int]]:
        """For each number of a cell and each tangent: where it is in XLA's array, and in ours."""
        of_cell = math.prod(shape[1:])
        for k, t in itertools.product(range(of_cell), range(self.v.width)):
            source = self.b.add(self.b.mul(cell, I64(of_cell)), I64(t * math.prod(shape) + k))
            row = self.b.add(self.b.mul(place, I64(of_cell)), I64(k))
            yield source, self.b.add(self.b.mul(row, I64(self.v.width)), I64(t)), t

    def _give(self, lane: ir.Value) -> None:
        def give(result: ir.Value, local: ir.Value, shape: Shape, several: bool, *of: ir.Value) -> None:
            for target, source, t in self._entries(shape, *of):
                if t >= (self.kernel.n_tangents if several else 1):
                    continue
                x = self.b.load(self._place(local, source), typ=self.v.element)
                where = self.b.add(self.b.mul(target, self._lanes), lane)
                self.b.store(x, self._place(result, where))

        results = [
            (*both, *of) for *both, of in zip(self._results, self._sums, self._sum_shapes, strict=True)
        ]
        with self._loop(I64(0), I64(self.kernel.n_cells)) as place:
            cell = self._get(self.order, place)
            for result, local, shape, several in results:
                if shape:
                    give(result, local, shape, several, cell, place)
        for result, local, shape, several in results:
            if not shape:
                give(result, local, shape, several, I64(0), I64(0))

    # --- pairs ----------------------------------------------------------------------------------

    def _visit(self, fields: dict[int, ir.Value]) -> None:
        """Gather the partners of each cell; whenever there are enough, let them add what they do."""
        offsets = self._offsets()
        n_interacting = self._get(self.start, I64(self.grid.length))
        self.b.store(I64(0), self._count)
        with (
            self.b.if_then(self.b.icmp_signed(">", n_interacting, I64(0))),
            self._loop(I64(0), n_interacting) as i,
        ):
            box = self._get(self.box, self._get(self.order, i))
            here = [self._load(x, i) for x in self._position]
            radius = self._load(self._radius, i)
            following = self.b.add(i, I64(1))
            with self._loop(I64(0), I64(len(self.grid.offsets))) as o:
                other = self.b.add(box, self._get(offsets, o))
                other = self.b.and_(other, I64(self.grid.length - 1))
                start, end = (self._get(self.start, self.b.add(other, I64(k))) for k in (0, 1))
                start = self.b.select(self.b.icmp_signed("==", o, I64(0)), following, start)
                with self.b.if_then(self.b.icmp_signed("<", start, end)):
                    self._search(i, start, end, [*here, radius])
            count = self.b.load(self._count, typ=I64)
            enough = self.b.icmp_signed(">=", count, I64(GATHERED))
            enough = self.b.or_(enough, self.b.icmp_signed("==", following, n_interacting))
            enough = self.b.and_(enough, self.b.icmp_signed(">", count, I64(0)))
            with self.b.if_then(enough, likely=False):
                self._evaluate(count, fields)
                self.b.store(I64(0), self._count)

    def _offsets(self) -> ir.Value:
        offsets = self.grid.offsets
        kind = ir.ArrayType(I32, len(offsets))
        table = ir.GlobalVariable(self.b.module, kind, "offsets")
        table.linkage, table.global_constant = "internal", True
        table.initializer = ir.Constant(kind, offsets)
        return table

    def _search(self, i: ir.Value, start: ir.Value, end: ir.Value, here: list[ir.Value]) -> None:
        """Partners of a cell in a box, as many at a time as a vector holds."""
        near = self._near
        wide = [near.splat(x) for x in here]
        n_vectors = self.b.udiv(self.b.add(self.b.sub(end, start), I64(near.width - 1)), I64(near.width))
        with self._loop(I64(0), n_vectors) as vector:
            first = self.b.add(start, self.b.mul(vector, I64(near.width)))
            there = [
                self.b.load(self._place(x, first), align=self._alignment, typ=near.type)
                for x in (*self._position, self._radius)
            ]
            between = [self.v.sub(*pair) for pair in zip(wide[:-1], there[:-1], strict=True)]
            within = self._is_near(self.v.dot(between, between), self.v.add(wide[-1], there[-1]))
            bits = self.b.zext(self.b.bitcast(within, ir.IntType(near.width)), I64)
            left = self.b.sub(end, first)
            beyond = self.b.shl(I64(-1), left)
            is_last = self.b.icmp_signed("<", left, I64(near.width))
            beyond = self.b.select(is_last, beyond, I64(0))
            bits = self.b.and_(bits, self.b.not_(beyond))
            self.b.store(bits, self._bits)
            with self.b.if_then(self.b.icmp_unsigned("!=", bits, I64(0))):
                self._gather_all(i, first, here)

    def _gather_all(self, i: ir.Value, first: ir.Value, here: list[ir.Value]) -> None:
        """Each partner whose bit is set, the lowest one first."""
        body, after = (self.b.append_basic_block(name) for name in ("near", "no_more"))
        self.b.branch(body)
        self.b.position_at_end(body)
        bits = self.b.load(self._bits, typ=I64)
        j = self.b.add(first, self.b.cttz(bits, ir.IntType(1)(1)))
        self._gather(i, j, here)
        bits = self.b.and_(bits, self.b.sub(bits, I64(1)))
        self.b.store(bits, self._bits)
        self.b.cbranch(self.b.icmp_unsigned("!=", bits, I64(0)), body, after)
        self.b.position_at_end(after)

    def _gather(self, i: ir.Value, j: ir.Value, here: list[ir.Value]) -> None:
        """Write a pair behind those that are there."""
        count = self.b.load(self._count, typ=I64)
        there = [self._load(x, j) for x in (*self._position, self._radius)]
        between = [self.v.sub(*pair) for pair in zip(here[:-1], there[:-1], strict=True)]
        for k, x in enumerate(between):
            self.b.store(x, self._place(self._between, self._pair(count, k)))
        self.b.store(self.v.dot(between, between), self._place(self._squared, count))
        self.b.store(self.v.add(here[-1], there[-1]), self._place(self._sigma, count))
        for f, local in self._product.items():
            left, right = self._factors_of(f, i, j)
            self.b.store(self.v.dot(left, right), self._place(local, count))
        self._set(self._first, count, i)
        self._set(self._second, count, j)
        self.b.store(self.b.add(count, I64(1)), self._count)

    def _pair(self, pair: ir.Value, k: int) -> ir.Value:
        """Where the k-th number of a pair is, in one array for each k."""
        return self.b.add(pair, I64(k * room_for_pairs(self.kernel)))

    def _evaluate(self, count: ir.Value, fields: dict[int, ir.Value]) -> None:
        width = self.kernel.width
        n_vectors = self.b.udiv(self.b.add(count, I64(width - 1)), I64(width))
        with self._loop(I64(0), n_vectors) as vector:
            start = self.b.mul(vector, I64(width))
            squared, sigma, *products = (
                self.b.load(self._place(x, start), align=self._alignment, typ=self.law.type)
                for x in (self._squared, self._sigma, *self._product.values())
            )
            of_pairs = fields | dict(zip(self._product, products, strict=True))
            for k, x in enumerate(
                self._numbers(squared, sigma, [of_pairs[f] for f in sorted(of_pairs)])
            ):
                where = self._place(self._made, self._pair(start, k))
                self.b.store(x, where, align=self._alignment)
        n_numbers = len(self.kernel.forms[0].out_avals)
        with self._loop(I64(0), count) as pair:
            i, j = (self._get(x, pair) for x in (self._first, self._second))
            between, numbers = (
                [self.v.splat(self._load(x, self._pair(pair, k))) for k in range(n)]
                for x, n in ((self._between, self.kernel.n_dim), (self._made, n_numbers))
            )
            self._of_pair(i, j, between, numbers)

    def _factors(self, field: int, i: ir.Value, j: ir.Value) -> tuple[list[ir.Value], list[ir.Value]]:
        left, right = self._factors_of(field, i, j)
        return [self.v.splat(x) for x in left], [self.v.splat(x) for x in right]

    def _factors_of(self, field: int, i: ir.Value, j: ir.Value) -> tuple[list[ir.Value], list[ir.Value]]:
        """The same, as numbers; cells are told by their places in the order of boxes."""
        kinds = self.kernel.kinds[field]

        def of(local: ir.Value, place: ir.Value) -> list[ir.Value]:
            first = self.b.mul(place, I64(kinds))
            return [self._load(local, self.b.add(first, I64(k))) for k in range(kinds)]

        left, right = self._products[field]
        return of(left, i), of(right, j)

    # --- memory ---------------------------------------------------------------------------------

    def _load(self, local: ir.Value, index: ir.Value) -> ir.Value:
        return self.b.load(self._place(local, index), typ=self.v.element)
