"""Cells in the order of boxes of space, so that those near a cell are few ranges of them.

Boxes are somewhat wider than the reach of a force: partners of a cell are in its own box and those
around it. They are counted modulo the length of a table, skewed, so that a row of boxes in any
direction fills it: space has no end, and cells from afar that share a place in the table are told by
their distance.

Sources: Allen and Tildesley, Computer Simulation of Liquids (2017), section 5.3.2 (cell lists); Knuth,
The Art of Computer Programming, volume 3, section 5.2, algorithm D (counting sort).
"""

import contextlib
import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from llvmlite import ir

from ....native.foreign import Arguments
from ....native.vectors import I32, I64
from .kernel import PairKernel
from .pair_writer import PairWriter

# Boxes are wider than the reach by this share, for rounding; farther boxes are one, which costs time
# alone: nothing is missed.
_WIDER = 1 / 64
_FARTHEST = 2.0**15


class Grid(NamedTuple):
    """The table of boxes.

    Attributes:
        length: Of the table, a power of two.
        strides: By which a box along each dimension moves the place in the table.
    """

    length: int
    strides: tuple[int, ...]

    @property
    def offsets(self) -> list[int]:
        """Places of the box itself, and of one of each two opposite boxes around it."""
        around = itertools.product((-1, 0, 1), repeat=len(self.strides))
        places = (sum(map(int.__mul__, steps, self.strides)) for steps in around)
        return sorted(place for place in places if place >= 0)


def box_grid(n_cells: int, n_dim: int) -> Grid:
    """At least as many boxes as cells; in the table, all boxes around one are apart."""
    bits = max(math.ceil(math.log2(n_cells)), 3 * n_dim + 1)
    strides = [1, *(2 ** (bits * k // n_dim) + 1 for k in range(1, n_dim))]
    return Grid(2**bits, tuple(strides))


class BoxWriter(PairWriter):
    """Writes instructions that sort cells by box.

    Attributes:
        grid: The table of boxes.
        start: Of each box in the order of cells, and the end; whole numbers in local memory.
        box: Of each cell.
        order: The cells.
    """

    start: ir.Value
    box: ir.Value
    order: ir.Value

    def __init__(self, builder: ir.IRBuilder, kernel: PairKernel, arguments: Arguments):
        super().__init__(builder, kernel, arguments)
        self.grid = box_grid(kernel.n_cells, kernel.n_dim)
        self._lowest = [self._variable(self.v.element) for _ in range(kernel.n_dim)]
        self._largest = self._variable(self.v.element)
        self._broken = self._variable(ir.IntType(1))
        self._total = self._variable(I64)

    def _sort(self, lane: ir.Value) -> ir.Value:
        """Put cells that do not interact behind all others; whether one that does is nowhere."""
        self._find_lowest(lane)
        self._find_boxes(lane, self._boxes_per_length(lane))
        self._order_by_box()
        return self.b.load(self._broken, typ=ir.IntType(1))

    def _number(self, operand: int, index: ir.Value, lane: ir.Value) -> ir.Value:
        """A number of an operand, of this simulation."""
        if self.kernel.laned[operand]:
            index = self.b.add(self.b.mul(index, self._lanes), lane)
        return self.b.load(self._place(self._operands[operand], index), typ=self.v.element)

    @contextlib.contextmanager
    def _cells(self, lane: ir.Value) -> Iterator[tuple[ir.Value, ir.Value, list[ir.Value]]]:
        """Instructions for each cell: its number, whether it interacts, and its position."""
        zero = ir.Constant(self.v.element, 0.0)
        with self._loop(I64(0), I64(self.kernel.n_cells)) as cell:
            interacts = self.b.fcmp_unordered("!=", self._number(2, cell, lane), zero)
            rows = [self._component(cell, k) for k in range(self.kernel.n_dim)]
            yield cell, interacts, [self._number(0, row, lane) for row in rows]

    def _find_lowest(self, lane: ir.Value) -> None:
        """The corner from which boxes are counted: far from the origin, differences are exact."""
        for place in self._lowest:
            self.b.store(ir.Constant(self.v.element, math.inf), place)
        with self._cells(lane) as (_, interacts, position):
            for x, place in zip(position, self._lowest, strict=True):
                lowest = self.b.load(place, typ=self.v.element)
                lower = self.b.and_(interacts, self.b.fcmp_ordered("<", x, lowest))
                self.b.store(self.b.select(lower, x, lowest), place)

    def _boxes_per_length(self, lane: ir.Value) -> ir.Value:
        number, reach = self.v.element, self.kernel.reach
        if reach != "contact":
            return ir.Constant(number, 1 / (reach * (1 + _WIDER)))
        # No pair has a larger sum of radii. A little above 0, because it is divided by.
        self.b.store(ir.Constant(number, float(np.finfo(self.kernel.dtype).tiny) ** 0.25), self._largest)
        with self._cells(lane) as (cell, interacts, _):
            radius, largest = self._number(1, cell, lane), self.b.load(self._largest, typ=number)
            larger = self.v.larger(radius, largest)  # NaN stays: all of its boxes are NaN
            self.b.store(self.b.select(interacts, larger, largest), self._largest)
        share = ir.Constant(number, 1 / (2 * (1 + _WIDER)))
        return self.b.fdiv(share, self.b.load(self._largest, typ=number))

    def _find_boxes(self, lane: ir.Value, per_length: ir.Value) -> None:
        """The box of each cell, and how many cells it has; those that do not interact are behind all."""
        length = self.grid.length
        with self._loop(I64(0), I64(length + 2)) as place:
            self._set(self.start, place, I64(0))
        self.b.store(ir.IntType(1)(0), self._broken)
        number = self.v.element
        zero, farthest = ir.Constant(number, 0.0), ir.Constant(number, _FARTHEST)
        with self._cells(lane) as (cell, interacts, position):
            box = I64(0)
            broken = self.b.load(self._broken, typ=ir.IntType(1))
            for x, place, stride in zip(position, self._lowest, self.grid.strides, strict=True):
                along = self.v.mul(self.v.sub(x, self.b.load(place, typ=number)), per_length)
                is_nan = self.b.fcmp_unordered("uno", along, along)
                broken = self.b.or_(broken, self.b.and_(interacts, is_nan))
                # NaN becomes a number, too: no other has a whole one.
                along = self.b.select(self.b.fcmp_ordered(">", along, zero), along, zero)
                along = self.b.select(self.b.fcmp_ordered("<", along, farthest), along, farthest)
                box = self.b.add(box, self.b.mul(self.b.fptosi(along, I64), I64(stride)))
            self.b.store(broken, self._broken)
            box = self.b.select(interacts, self.b.and_(box, I64(length - 1)), I64(length))
            self._set(self.box, cell, box)
            self._set(self.start, box, self.b.add(self._get(self.start, box), I64(1)))

    def _order_by_box(self) -> None:
        n = self.kernel.n_cells
        self.b.store(I64(0), self._total)
        with self._loop(I64(0), I64(self.grid.length + 2)) as place:
            total = self.b.add(self.b.load(self._total, typ=I64), self._get(self.start, place))
            self.b.store(total, self._total)
            self._set(self.start, place, total)
        with self._loop(I64(0), I64(n)) as i:
            cell = self.b.sub(I64(n - 1), i)
            box = self._get(self.box, cell)
            place = self.b.sub(self._get(self.start, box), I64(1))
            self._set(self.start, box, place)
            self._set(self.order, place, cell)

    def _whole_place(self, local: ir.Value, index: ir.Value) -> ir.Value:
        return self.b.gep(local, [index], source_etype=I32)

    def _get(self, local: ir.Value, index: ir.Value) -> ir.Value:
        return self.b.zext(self.b.load(self._whole_place(local, index), typ=I32), I64)

    def _set(self, local: ir.Value, index: ir.Value, value: ir.Value) -> None:
        self.b.store(self.b.trunc(value, I32), self._whole_place(local, index))
