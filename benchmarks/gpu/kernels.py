"""What a program compiled for a GPU launches, and the bytes that its kernels must move.

Read from the text of XLA's optimised program, in which every instruction that is no bookkeeping is a
kernel. A kernel reads its operands and writes its results, once each; of an operand that it only takes
slices of, these; of one that it changes in place, what it changes. Loops run as often as XLA knows them
to; a loop of unknown length counts once, and is counted.
"""

import dataclasses
import math
import re
from collections.abc import Iterable
from typing import Self

_BYTES = {"pred": 1, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "f16": 2, "bf16": 2, "s32": 4, "u32": 4} | {
    "f32": 4,
    "s64": 8,
    "u64": 8,
    "f64": 8,
    "c64": 8,
    "c128": 16,
}
_FREE = {
    *("parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "partition-id"),
    *("opt-barrier", "replica-id"),
}
_SLICES = {"dynamic-slice", "slice", "gather"}
_THROUGH = {"bitcast", "copy", "reshape", "convert"}
_INSTRUCTION = re.compile(r"^\s*(ROOT )?%?([\w.\-]+) = (\(.*?\)|\S+) ([\w\-]+)\((.*)$")
_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\{$")
_ARRAY = re.compile(r"([a-z]\w*)\[([\d,]*)\]")
_CALLED = re.compile(r"(?:calls|body|to_apply)=%?([\w.\-]+)")
_BRANCHES = re.compile(r"(?:branch_computations=\{([^}]*)\}|(?:true|false)_computation=%?([\w.\-]+))")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"')


@dataclasses.dataclass(frozen=True)
class Kernels:
    """What runs on the device.

    Attributes:
        launches: The number of kernels.
        moved: Bytes that they read and write.
        unknown: Loops whose length XLA does not know.
    """

    launches: float = 0.0
    moved: float = 0.0
    unknown: int = 0

    def __add__(self, other: Self) -> "Kernels":
        return Kernels(
            self.launches + other.launches, self.moved + other.moved, self.unknown + other.unknown
        )

    def times(self, n: int) -> "Kernels":
        """So many turns of a loop."""
        return Kernels(n * self.launches, n * self.moved, self.unknown)


@dataclasses.dataclass(frozen=True)
class _Instruction:
    name: str
    kind: str
    operation: str
    operands: tuple[str, ...]
    rest: str
    is_root: bool


_Computation = dict[str, _Instruction]


def count(text: str) -> Kernels:
    """All kernels of a program, from ``compiled.as_text()``."""
    computations, entry = _parsed(text.splitlines())
    return _of(computations[entry], computations)


def _parsed(lines: Iterable[str]) -> tuple[dict[str, _Computation], str]:
    computations: dict[str, _Computation] = {}
    entry, current = "", None
    for line in lines:
        if line[:1] not in (" ", "}") and (head := _COMPUTATION.match(line)):
            current = computations.setdefault(head[2], {})
            entry = head[2] if head[1] else entry
        elif current is not None and (found := _INSTRUCTION.match(line)):
            root, name, kind, operation, rest = found.groups()
            inside, attributes = _closed(rest)
            operands = tuple(re.findall(r"%([\w.\-]+)", inside)) if operation != "constant" else ()
            current[name] = _Instruction(name, kind, operation, operands, attributes, bool(root))
            if operation == "parameter":
                current[name] = dataclasses.replace(current[name], rest=inside)
    return computations, entry


def _closed(rest: str) -> tuple[str, str]:
    """What is inside of the parenthesis that is open, and what follows."""
    depth = 1
    for i, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return rest[:i], rest[i + 1 :]
    return rest, ""


def _of(computation: _Computation, all_: dict[str, _Computation]) -> Kernels:
    total = Kernels()
    for instruction in computation.values():
        operation = instruction.operation
        if operation in _FREE or operation.endswith("-done"):
            continue
        if operation == "while":
            trips = _trips(instruction)
            inner = _of(all_[_CALLED.findall(instruction.rest)[0]], all_)
            total += inner.times(trips) if trips else inner + Kernels(unknown=1)
        elif operation == "conditional":
            named = ",".join(a or b for a, b in _BRANCHES.findall(instruction.rest))
            branches = (_of(all_[name.strip(" %")], all_) for name in named.split(","))
            total += max(branches, key=lambda kernels: kernels.launches)
        elif operation == "call" or (operation.endswith("-start") and "calls=" in instruction.rest):
            total += _of(all_[_CALLED.findall(instruction.rest)[0]], all_)
        else:
            total += Kernels(1, _moved(instruction, computation, all_))
    return total


def _trips(loop: _Instruction) -> int:
    found = _TRIPS.search(loop.rest)
    return int(found[1]) if found else 0


def _moved(kernel: _Instruction, around: _Computation, all_: dict[str, _Computation]) -> float:
    called = _CALLED.findall(kernel.rest) if kernel.operation == "fusion" else []
    if not called:
        read = sum(size(around[name].kind) for name in kernel.operands if name in around)
        if kernel.operation == "dynamic-update-slice":  # in place
            return 2 * size(around[kernel.operands[1]].kind)
        if kernel.operation in _SLICES:
            return 2 * size(kernel.kind)
        return read + size(kernel.kind)
    body = all_[called[0]]
    return _read(body) + _written(body)


def _read(body: _Computation) -> float:
    return sum(_read_of(p, body) for p in body.values() if p.operation == "parameter")


def _read_of(of: _Instruction, body: _Computation) -> float:
    """Bytes that are read of an array: all, or of slices; nothing of what is changed in place."""
    needed = 0.0
    for user in body.values():
        if of.name not in user.operands:
            continue
        if user.operation in _SLICES and user.operands[0] == of.name:
            needed += size(user.kind)
        elif user.operation == "dynamic-update-slice" and user.operands[0] == of.name:
            needed += size(user.kind) if not _changes_in_place(user, body) else 0.0
        elif user.operation in _THROUGH and not user.is_root:
            needed += _read_of(user, body)
        else:
            return size(of.kind)
    return min(needed, size(of.kind))


def _written(body: _Computation) -> float:
    root = next(x for x in body.values() if x.is_root)
    outputs = [body[name] for name in root.operands] if root.operation == "tuple" else [root]
    return sum(_written_of(x, body) for x in outputs)


def _written_of(output: _Instruction, body: _Computation) -> float:
    while output.operation in _THROUGH and output.operands:
        output = body[output.operands[0]]
    if output.operation == "dynamic-update-slice" and _changes_in_place(output, body):
        return size(body[output.operands[1]].kind)
    return size(output.kind)


def _changes_in_place(update: _Instruction, body: _Computation) -> bool:
    """Whether what is changed is an array that comes from outside."""
    of = body[update.operands[0]]
    while of.operation in _THROUGH and of.operands:
        of = body[of.operands[0]]
    return of.operation == "parameter"


def size(kind: str) -> float:
    """Bytes of an array or a tuple, from its type."""
    return float(
        sum(
            _BYTES.get(name, 0) * math.prod(int(n) for n in shape.split(",") if n)
            for name, shape in _ARRAY.findall(kind)
        )
    )
