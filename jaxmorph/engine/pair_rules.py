"""How forces of pairs that are one operation (``env/mechanics/fused.py``) are evaluated, lanes last."""

import contextlib
import functools
import hashlib
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array

from ..tracing import PairLaw, fused_pairs
from .lanes import Laned, Lanes, Rule, Sizes, spread, widest
from .native import library
from .native.every_pair import EveryPair, local_bytes
from .native.near_pairs import MOST_TANGENTS, NearPairs
from .native.pair_kernels import Kind, PairKernel
from .native.pair_writer import PairWriter
from .native.vectors import can_be_written

# What a kernel with several tangents may keep of the simulations of one vector: a core's caches hold it.
_LOCAL_BYTES = 2**18
# Of fewer simulations, vectors hold pairs of one, and not one pair of several.
_FEWEST = 4
# Cells, by dimension, from which on it is faster to look for near pairs than to go over all, for a range
# of 2.5 contact distances (docs/scaling.md).
_MANY = {"values": {2: 600, 3: 2000}, "tangents": {2: 200, 3: 400}, "cotangents": {2: 600, 3: 2000}}
# Two vectors side by side hide the time that an instruction waits for the one before.
_VECTORS = 2


def kernels_for_pairs() -> contextlib.AbstractContextManager:
    """What is traced inside has kernels for the forces of pairs, where there are any."""
    return fused_pairs(_can_fuse) if jax.default_backend() == "cpu" else contextlib.nullcontext()


def _can_fuse(law: PairLaw, shape: tuple[int, ...]) -> bool:
    """Whether there is a kernel for a law and for positions of this shape."""
    dtype = np.dtype(law.form.derivatives.out_avals[0].dtype)
    known = shape[0] > 1 and dtype in (np.float32, np.float64)
    return known and all(can_be_written(form.derivatives) for form in law.forms)


def _force(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    return _called(_prepared("values", eqn, operands, sizes), operands, sizes)


def _several(kind: Kind, eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """As many tangents or cotangents at a time as fit into the cache."""
    n = len(eqn.params["moves"]) + 1
    primals, given = operands[:n], operands[n:]
    n_tangents = given[0].shape[0]
    at_a_time = _most_tangents(*(_prepared(kind, eqn, operands, sizes, n_tangents=t) for t in (0, 1)))
    parts = []
    for start in range(0, n_tangents, at_a_time):
        some = [Laned(x.array[start : start + at_a_time], x.lanes) for x in given]
        kernel = _prepared(kind, eqn, operands, sizes, n_tangents=some[0].shape[0])
        parts.append(_called(kernel, [*primals, *some], sizes))
    first = 1 if eqn.params.get("with_force") else 0
    joined = [
        Laned(jnp.concatenate([x.array for x in of_all]), of_all[0].lanes)
        for of_all in zip(*parts, strict=True)
    ]
    return [*parts[0][:first], *joined[first:]] if len(parts) > 1 else parts[0]


def _most_tangents(none: PairKernel, one: PairKernel) -> int:
    """How many a kernel can have, from kernels without any and with one."""
    if one.only_near:
        return MOST_TANGENTS
    fixed, both = map(local_bytes, (none, one))
    return max(1, (_LOCAL_BYTES - fixed) // (both - fixed))


def _prepared(
    kind: Kind, eqn: core.JaxprEqn, operands: Sequence[Laned], sizes: Sizes, n_tangents: int = 1
) -> PairKernel:
    position, lanes, law = operands[0], widest(operands), eqn.params["law"]
    dtype = np.dtype(position.array.dtype)
    forms = tuple(f.force if kind == "values" else f.derivatives for f in law.forms)
    width = _VECTORS * library.vector_bytes() // dtype.itemsize
    n_cells, n_dim = position.shape
    n_lanes = _n_lanes(lanes, sizes)
    many = n_cells >= _MANY[kind].get(n_dim, math.inf) and law.reach != math.inf
    only_near = many or n_lanes < _FEWEST
    return PairKernel(
        kind,
        forms,
        law.inner_below,
        law.reach,
        n_cells,
        n_dim,
        n_tangents,
        with_force=eqn.params.get("with_force", False),
        moves=eqn.params.get("moves", (True,) * (len(operands) - 1)),
        laned=tuple(x.lanes == lanes or x.lanes > Lanes.NONE for x in operands),
        dtype=dtype,
        width=width if only_near else min(width, 2 ** math.ceil(math.log2(n_lanes))),
        only_near=only_near,
    )


def _n_lanes(lanes: Lanes, sizes: Sizes) -> int:
    return math.prod(sizes.of(lanes))


def _called(kernel: PairKernel, operands: Sequence[Laned], sizes: Sizes) -> list[Laned]:
    """The results of a kernel, at operands of any lanes."""
    lanes = widest(operands)
    n_lanes = _n_lanes(lanes, sizes)
    width = n_lanes if kernel.only_near else max(n_lanes, kernel.width)

    def fitted(x: Laned, laned: bool) -> Array:
        if not laned:
            return x.array
        array = spread(x, lanes, sizes)
        array = array if lanes else array[..., None]
        missing = [(0, 0)] * (array.ndim - 1) + [(0, width - n_lanes)]
        return jnp.pad(array, missing, mode="edge") if width > n_lanes else array

    arrays = [fitted(*pair) for pair in zip(operands, kernel.laned, strict=True)]
    shapes = [jax.ShapeDtypeStruct((*shape, width), kernel.dtype) for shape in kernel.shapes()[1]]
    scratch = [jax.ShapeDtypeStruct((n,), dtype) for n, dtype in _writer(kernel).scratch(kernel)]
    results = jax.ffi.ffi_call(_compiled(kernel), [*shapes, *scratch])(*arrays)[: len(shapes)]
    cut = [x[..., :n_lanes] if width > n_lanes else x for x in results]
    return [Laned(x if lanes else x[..., 0], lanes) for x in cut]


def _writer(kernel: PairKernel) -> type[PairWriter]:
    return NearPairs if kernel.only_near else EveryPair


_NAME = "jaxmorph_pair_kernel"


def _compiled(kernel: PairKernel) -> str:
    """The name under which XLA knows a kernel: that of its text, the same in all processes."""
    return _named(kernel._replace(forms=tuple(map(_Text, kernel.forms))))  # type: ignore[arg-type]


class _Text:
    """A jaxpr that equals all others of the same text and constants."""

    def __init__(self, jaxpr: core.ClosedJaxpr):
        self.jaxpr = jaxpr
        self._text = f"{jaxpr} {[np.asarray(c).tolist() for c in jaxpr.consts]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


_by_name: dict[str, PairKernel] = {}


def kernel_called(name: str) -> PairKernel | None:
    """The kernel that XLA knows by this name in this process."""
    return _by_name.get(name)


@functools.cache
def _named(kernel: PairKernel) -> str:
    kernel = kernel._replace(forms=tuple(text.jaxpr for text in kernel.forms))
    text = _writer(kernel).text(kernel, _NAME)
    name = f"{_NAME}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    library.add(name, text.replace(_NAME, name))
    _by_name[name] = kernel
    return name


RULES: dict[str, Rule] = {
    "pair_force": _force,
    "pair_force_change": functools.partial(_several, "tangents"),
    "pair_force_pullback": functools.partial(_several, "cotangents"),
}
