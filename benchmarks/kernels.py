"""What a compiled program does: its kernels, how often each is launched, operations and bytes of each.

Read from XLA's own text of the compiled program, which is the same language on all platforms. A kernel
is what XLA starts by itself: a fusion, a copy, a library's routine. XLA's cost analysis counts the body
of a loop once; here a kernel in loops counts as often as their numbers of turns say.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Literal, NamedTuple

from . import pair_kernels

Class = Literal["plain", "divide", "sqrt", "transcendental"]
Operations = dict[Class, float]

# What every unit of a processor does at its full rate, and what takes it many steps.
_CLASSES: dict[str, Class] = {
    **dict.fromkeys(
        ("abs", "add", "and", "ceil", "clamp", "clz", "compare", "floor", "is-finite"), "plain"
    ),
    **dict.fromkeys(("maximum", "minimum", "multiply", "negate", "not", "or", "popcnt"), "plain"),
    **dict.fromkeys(("round-nearest-afz", "round-nearest-even", "select", "shift-left"), "plain"),
    **dict.fromkeys(("shift-right-arithmetic", "shift-right-logical", "sign"), "plain"),
    **dict.fromkeys(("subtract", "xor"), "plain"),
    **dict.fromkeys(("divide", "remainder"), "divide"),
    **dict.fromkeys(("rsqrt", "sqrt"), "sqrt"),
    **dict.fromkeys(("atan2", "cbrt", "cosine", "erf", "exponential"), "transcendental"),
    **dict.fromkeys(("exponential-minus-one", "log", "log-plus-one", "logistic"), "transcendental"),
    **dict.fromkeys(("power", "sine", "tan", "tanh"), "transcendental"),
}
# What takes no kernel: names for what is there.
_FREE = {"after-all", "bitcast", "constant", "domain", "get-tuple-element", "opt-barrier", "parameter"}
_FREE |= {"partition-id", "replica-id", "tuple"}
_PART = {"dynamic-slice", "gather", "slice"}
_IN_PLACE = {"dynamic-update-slice", "scatter"}
_WHOLE = {"convolution", "custom-call", "dot", "fft", "rng-bit-generator", "sort"}

_NAMED = re.compile(r"%([\w.-]+)")
_ARRAY = re.compile(r"([a-z]+)(\d*)\w*\[([\d,]*)\]")
_HEADER = re.compile(r"(ENTRY )?%?([\w.-]+) \(.*\{$")
_LINE = re.compile(r"\s+(ROOT )?%?([\w.-]+) = (.*)")
_TRIPS = re.compile(r'known_trip_count":\{"n":"(\d+)"')
_CALLED = re.compile(r"(?:calls|to_apply|body)=%?([\w.-]+)")
_WINDOW = re.compile(r"window=\{size=([\dx]+)")
_BRANCHES = re.compile(
    r"(?:branch_computations=\{([^}]*)\}|true_computation=(\S+), false_computation=(\S+))"
)
_TARGET = re.compile(r'custom_call_target="([^"]*)"')
_CONTRACTED = re.compile(r'lhs_contracting_dim(?:s=\{|ensions":\[)"?(\d+)')


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel of a compiled program.

    Attributes:
        name: Of the instruction, by which a profile knows it.
        launches: How often one call of the program starts it.
        operations: Of one launch, by class; a product with a sum is two.
        bytes: That one launch reads and writes.
        origin: The operation of JAX that it was made from.
    """

    name: str
    launches: int
    operations: Operations
    bytes: float
    origin: str


@dataclasses.dataclass(frozen=True)
class _Instruction:
    name: str
    kind: str
    arrays: tuple[tuple[int, int], ...]  # of each array of the result: elements, bytes of one
    shape: tuple[int, ...]
    operands: tuple[str, ...]
    attributes: str
    root: bool

    @property
    def size(self) -> int:
        """Elements of the result."""
        return sum(n for n, _ in self.arrays)


class _Use(NamedTuple):
    """What computing some elements takes: operations by class, and elements of each operand."""

    operations: Operations
    read: list[float]


Computation = dict[str, _Instruction]


class Module:
    """A compiled program.

    Args:
        text: XLA's text of it, ``compiled.as_text()``.
    """

    def __init__(self, text: str):
        self._computations: dict[str, Computation] = {}
        self._entry = ""
        current: Computation = {}
        for line in text.splitlines():
            if header := _HEADER.match(line):
                current = self._computations.setdefault(header[2], {})
                self._entry = header[2] if header[1] else self._entry
            elif found := _LINE.match(line):
                current[found[2]] = _instruction(found[2], found[3], bool(found[1]))

    def kernels(self) -> list[Kernel]:
        """All kernels, in the order of the program.

        A loop whose number of turns XLA does not know counts as one turn, and of branches the one with
        the fewest launches: so no sum over the kernels is too large.
        """
        return list(self._kernels(self._entry, 1))

    def _kernels(self, name: str, times: int) -> Iterator[Kernel]:
        computation = self._computations[name]
        for instruction in computation.values():
            kind, attributes = instruction.kind, instruction.attributes
            if kind in _FREE or kind.endswith("-done"):
                continue
            called = _CALLED.search(attributes)
            if kind == "while" and called:
                trips = _TRIPS.search(attributes)
                yield from self._kernels(called[1], times * int(trips[1]) if trips else times)
            elif kind == "call" and called and "xla_cpu_small_call" not in attributes:
                yield from self._kernels(called[1], times)
            elif kind == "conditional" and (branches := _BRANCHES.search(attributes)):
                names = _NAMED.findall(branches[0])
                each = [list(self._kernels(branch, times)) for branch in names]
                yield from min(each, key=lambda kernels: sum(k.launches for k in kernels))
            else:
                yield self._kernel(instruction, computation, times)

    def _kernel(self, one: _Instruction, around: Computation, times: int) -> Kernel:
        use = self._use(one, float(one.size), around)
        read = sum(
            n * max((width for _, width in around[operand].arrays), default=0)
            for n, operand in zip(use.read, one.operands, strict=True)
            if operand in around
        )
        origin = re.search(r'op_name="([^"]*)"', one.attributes)
        operations = {k: float(n) for k, n in use.operations.items() if n}
        written = self._written(one, around)
        return Kernel(one.name, times, operations, read + written, origin[1] if origin else "")

    def _written(self, one: _Instruction, around: Computation) -> float:
        """Bytes of the result; of an array that is changed in place, of what is put into it."""
        called = _CALLED.search(one.attributes)
        if one.kind == "fusion" and called:
            inner = self._computations[called[1]]
            (root,) = (i for i in inner.values() if i.root)
            results = [inner[o] for o in root.operands] if root.kind == "tuple" else [root]
            return sum(self._written(result, inner) for result in results)
        if one.kind == "bitcast" and one.operands[0] in around:
            return self._written(around[one.operands[0]], around)
        if one.kind == "dynamic-update-slice":
            return float(sum(n * width for n, width in around[one.operands[1]].arrays))
        # Of a library's routine, others are scratch.
        is_routine = one.kind == "custom-call" and "jaxmorph" not in one.attributes
        arrays = one.arrays[:1] if is_routine else one.arrays
        return float(sum(n * width for n, width in arrays))

    def _use(self, one: _Instruction, n: float, around: Computation) -> _Use:
        """What computing ``n`` elements of an instruction takes."""
        sizes = [float(around[o].size) if o in around else 0.0 for o in one.operands]
        called = _CALLED.search(one.attributes)
        if called and one.kind in ("async-start", "call", "fusion"):
            return self._use_of(called[1], n, sizes)
        part = n / max(1, one.size)
        if called and one.kind in ("reduce", "reduce-window"):
            inner = self._use_of(called[1], 1.0, []).operations
            results = one.size / len(one.arrays)
            window = _WINDOW.search(one.attributes)
            of_each = math.prod(map(int, window[1].split("x"))) if window else sizes[0] / results
            turns = part * results * (of_each - 1)
            return _Use({k: v * turns for k, v in inner.items()}, [part * size for size in sizes])
        if contracted := _CONTRACTED.search(one.attributes):  # a product of matrices, also a library's
            length = around[one.operands[0]].shape[int(contracted[1])]
            return _Use({"plain": 2.0 * length * one.arrays[0][0]}, sizes)
        if target := _TARGET.search(one.attributes):
            return _Use(dict(pair_kernels.operations(target[1], one.shape[-1])), sizes)
        operations: Operations = {_CLASSES[one.kind]: n} if one.kind in _CLASSES else {}
        return _Use(operations, _read(one.kind, n, sizes))

    def _use_of(self, name: str, n: float, sizes: list[float]) -> _Use:
        """The same of the result of a computation, from what is read of it back to its parameters."""
        computation = self._computations[name]
        needed: dict[str, float] = defaultdict(float)
        operations: Operations = defaultdict(float)
        read = list(sizes)
        for one in reversed(computation.values()):
            if one.root:
                needed[one.name] = n
            elements = min(needed[one.name], float(one.size))
            if one.kind == "parameter":
                index = int(one.attributes)
                if index < len(read):
                    read[index] = elements
            elif one.kind == "tuple":
                for operand in one.operands:
                    needed[operand] += computation[operand].size
            elif elements and one.kind != "constant":
                use = self._use(one, elements, computation)
                for name_of, count in use.operations.items():
                    operations[name_of] += count
                for operand, part in zip(one.operands, use.read, strict=True):
                    needed[operand] += part
        return _Use(operations, read)


def _read(kind: str, n: float, sizes: list[float]) -> list[float]:
    """Elements of each operand that ``n`` of the result need."""
    if kind in _PART:
        return [n, *sizes[1:]]
    if kind in _IN_PLACE:
        return [0.0, *sizes[1:]]
    return sizes if kind in _WHOLE else [min(n, size) for size in sizes]


def _instruction(name: str, text: str, root: bool) -> _Instruction:
    """Of ``f32[2]{0} add(%a, %b), attributes``."""
    of_type = _closing(text) + 1 if text.startswith("(") else text.index(" ")
    kind, _, rest = text[of_type:].strip().partition("(")
    end = _closing("(" + rest) - 1
    inside, attributes = rest[:end], rest[end + 1 :]
    if kind in ("parameter", "constant"):
        inside, attributes = "", inside
    found = _ARRAY.findall(text[:of_type])
    shapes = [tuple(int(d) for d in dims.split(",") if d) for _, _, dims in found]
    widths = [int(bits) // 8 if bits else int(letters == "pred") for letters, bits, _ in found]
    arrays = tuple((math.prod(shape), width) for shape, width in zip(shapes, widths, strict=True))
    operands = tuple(_NAMED.findall(inside))
    return _Instruction(name, kind, arrays, shapes[0] if shapes else (), operands, attributes, root)


def _closing(text: str) -> int:
    """Where the parenthesis closes that ``text`` begins with."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return i
    raise ValueError(f"a parenthesis of XLA's text does not close: {text[:80]}")
