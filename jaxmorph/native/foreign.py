"""Functions of LLVM that XLA's foreign function interface calls."""

import functools
import logging
import re
from pathlib import Path
from typing import NamedTuple

import jax
from llvmlite import ir

from .vectors import I32, I64

logger = logging.getLogger(__name__)

# Of XLA's interface, those of JAX 0.10.1 and of JAX 0.12.0.1: the structures below are the same in both.
# Another one belongs here when the tests pass with it.
TESTED_VERSIONS = ((0, 3), (0, 5))

POINTER = ir.PointerType()
NULL = ir.Constant(POINTER, None)

# Structures of XLA's C interface (xla/ffi/api/c_api.h), as far as they are used.
_EXTENSION = ir.LiteralStructType([I64, I32, POINTER])
_ARRAY = [I64, POINTER, I64, POINTER, POINTER]  # sizes, types and pointers of arguments or results
_FRAME = ir.LiteralStructType(
    [I64, POINTER, POINTER, POINTER, I32, ir.LiteralStructType(_ARRAY), ir.LiteralStructType(_ARRAY)]
)
_BUFFER = ir.LiteralStructType([I64, POINTER, I32, POINTER, I64, POINTER])
_METADATA_EXTENSION = ir.LiteralStructType([_EXTENSION, POINTER])
_VERSION = ir.LiteralStructType([I64, POINTER, I32, I32])
_METADATA = ir.LiteralStructType([I64, _VERSION, I32, I64])
_IS_METADATA = 1


def installed_version() -> tuple[int, ...]:
    """Major and minor version of the installed XLA's interface; empty if its header does not say it."""
    header = Path(jax.ffi.include_dir(), "xla", "ffi", "api", "c_api.h")
    text = header.read_text() if header.exists() else ""
    found = (re.search(rf"#define XLA_FFI_API_{part} (\d+)", text) for part in ("MAJOR", "MINOR"))
    return tuple(int(number[1]) for number in found if number)


@functools.cache
def refusal() -> str:
    """Why the installed XLA can call nothing of this room; empty if it can. It is logged once, too.

    Functions read XLA's structures at places that are fixed here. XLA asks for the version that they are
    written for and takes no other: it would be no use if they said whatever is installed.
    """
    reason = refusal_of(installed_version())
    if reason:
        logger.warning("%s", reason)
    return reason


def refusal_of(version: tuple[int, ...]) -> str:
    """See :func:`refusal`."""
    if version in TESTED_VERSIONS:
        return ""
    has, tested = (
        " and ".join(".".join(map(str, one)) for one in versions) or "none"
        for versions in ((version,) if version else (), TESTED_VERSIONS)
    )
    return (
        f"JAX {jax.__version__}: no kernels of jaxmorph's own, because version {has} of XLA's foreign "
        f"function interface is not among those that they are tested with ({tested}); operations of JAX "
        "take their place: the same numbers, slower; install JAX 0.10.1 or 0.12.0.1"
    )


class Arguments(NamedTuple):
    """What XLA hands to a kernel.

    Attributes:
        operands: Pointers to the numbers of each.
        results: The same.
        length: Of the last axis of the first result.
    """

    operands: list[ir.Value]
    results: list[ir.Value]
    length: ir.Value


def handler(name: str, n_operands: int, n_results: int) -> tuple[ir.IRBuilder, Arguments]:
    """A module with a handler called ``name``, up to where its work begins; it has to return NULL."""
    function = ir.Function(ir.Module(name), ir.FunctionType(POINTER, [POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    frame = function.args[0]

    def member(pointer: ir.Value, kind: ir.Type, *path: int, of: ir.Type = POINTER) -> ir.Value:
        return b.load(b.gep(pointer, [I32(0), *map(I32, path)], source_etype=kind), typ=of)

    extension = member(frame, _FRAME, 1)
    # XLA asks once which interface this is. The second condition is written after the first.
    with (
        b.if_then(b.icmp_unsigned("!=", extension, NULL)),
        b.if_then(b.icmp_signed("==", member(extension, _EXTENSION, 1, of=I32), I32(_IS_METADATA))),
    ):
        metadata = member(extension, _METADATA_EXTENSION, 1)
        for place, number in zip((2, 3), installed_version(), strict=True):
            where = b.gep(metadata, [I32(0), I32(1), I32(place)], source_etype=_METADATA)
            b.store(I32(number), where)
        b.store(I32(0), b.gep(metadata, [I32(0), I32(2)], source_etype=_METADATA))
        b.ret(NULL)

    def buffers(place: int, n: int) -> list[ir.Value]:
        pointers = member(frame, _FRAME, place, 4)
        return [b.load(b.gep(pointers, [I64(i)], source_etype=POINTER), typ=POINTER) for i in range(n)]

    operands, results = buffers(5, n_operands), buffers(6, n_results)
    rank = member(results[0], _BUFFER, 4, of=I64)
    dims = member(results[0], _BUFFER, 5)
    last = b.gep(dims, [b.sub(rank, I64(1))], source_etype=I64)
    given, made = ([member(x, _BUFFER, 3) for x in group] for group in (operands, results))
    return b, Arguments(given, made, b.load(last, typ=I64))
