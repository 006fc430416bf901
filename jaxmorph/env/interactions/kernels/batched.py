"""How the operations of forces (``operation.py``) are evaluated for all simulations of a batch."""

import functools
import hashlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array

from .... import native
from ....tracing import evaluated_by
from .kernel import Kind, PairKernel
from .operation import PairForce, pair_force_change_p, pair_force_p, pair_force_pullback_p
from .pair_writer import PairWriter
from .ways import PairKernels


def _values(arrays: Sequence[Array], laned: Sequence[bool], *, law: PairForce) -> list[Array]:
    way, kernel = _prepared("values", arrays, laned, law)
    return _results(way, kernel, arrays)


def _several(
    kind: Kind,
    arrays: Sequence[Array],
    laned: Sequence[bool],
    *,
    law: PairForce,
    moves: tuple[bool, ...],
    with_force: bool = False,
) -> list[Array]:
    """As many tangents or cotangents at a time as a kernel takes."""
    way, kernel = _prepared(kind, arrays, laned, law)
    kernel = kernel._replace(moves=moves, with_force=with_force)
    n = kernel.n_primals
    primals, given = arrays[:n], arrays[n:]
    at_a_time = way.at_a_time(*(kernel._replace(n_tangents=t) for t in (0, 1)))
    parts = []
    for start in range(0, given[0].shape[0], at_a_time):
        some = [x[start : start + at_a_time] for x in given]
        parts.append(_results(way, kernel._replace(n_tangents=some[0].shape[0]), [*primals, *some]))
    first = 1 if with_force else 0
    joined = [jnp.concatenate(of_all) for of_all in zip(*parts, strict=True)]
    return [*parts[0][:first], *joined[first:]] if len(parts) > 1 else parts[0]


def _prepared(
    kind: Kind, arrays: Sequence[Array], laned: Sequence[bool], law: PairForce
) -> tuple[PairKernels, PairKernel]:
    """The way to go, and a kernel for one tangent in which all moves."""
    n_simulations = _n_simulations(arrays, laned)
    way, forms = law.way(kind, n_simulations), law.forms
    n_cells, n_dim = arrays[0].shape[:2]
    kernel = PairKernel(
        kind,
        tuple(form.force if kind == "values" else form.derivatives for form in forms.all),
        forms.inner_below,
        forms.reach,
        n_cells,
        n_dim,
        n_tangents=1,
        with_force=False,
        kinds=forms.kinds,
        moves=(),
        laned=tuple(laned),
        dtype=forms.dtype,
        width=way.width(forms.dtype, n_simulations),
    )
    return way, kernel._replace(moves=(True,) * (kernel.n_primals - 1))


def _n_simulations(arrays: Sequence[Array], laned: Sequence[bool]) -> int:
    return next(x.shape[-1] for x, has in zip(arrays, laned, strict=True) if has)


def _results(way: PairKernels, kernel: PairKernel, arrays: Sequence[Array]) -> list[Array]:
    """The results of a kernel; where a vector holds more simulations, the last one fills it up."""
    n_simulations = _n_simulations(arrays, kernel.laned)
    width = max(n_simulations, way.fewest(kernel))

    def filled(x: Array, laned: bool) -> Array:
        if not laned or width == n_simulations:
            return x
        return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, width - n_simulations)], mode="edge")

    shapes = [jax.ShapeDtypeStruct((*shape, width), kernel.dtype) for shape in kernel.shapes()[1]]
    scratch = [jax.ShapeDtypeStruct((n,), dtype) for n, dtype in way.writer.scratch(kernel)]
    given = [filled(*pair) for pair in zip(arrays, kernel.laned, strict=True)]
    results = jax.ffi.ffi_call(_compiled(way.writer, kernel), [*shapes, *scratch])(*given)
    made = results[: len(shapes)]
    return [x[..., :n_simulations] for x in made] if width > n_simulations else list(made)


_NAME = "jaxmorph_pair_kernel"


def _compiled(writer: type[PairWriter], kernel: PairKernel) -> str:
    """The name under which XLA knows a kernel: that of its text, the same in all processes."""
    return _named(writer, kernel._replace(forms=tuple(map(_Text, kernel.forms))))  # type: ignore[arg-type]


class _Text:
    """A jaxpr that equals all others of the same text and constants."""

    def __init__(self, jaxpr: core.ClosedJaxpr):
        self.jaxpr = jaxpr
        self._text = f"{jaxpr} {[np.asarray(c).tolist() for c in jaxpr.consts]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


_by_name: dict[str, tuple[type[PairWriter], PairKernel]] = {}


def kernel_called(name: str) -> tuple[type[PairWriter], PairKernel] | None:
    """What XLA knows by this name in this process: who wrote it, and what it computes."""
    return _by_name.get(name)


@functools.cache
def _named(writer: type[PairWriter], kernel: PairKernel) -> str:
    kernel = kernel._replace(forms=tuple(text.jaxpr for text in kernel.forms))
    text = writer.text(kernel, _NAME)
    name = f"{_NAME}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    native.add(name, text.replace(_NAME, name))
    _by_name[name] = writer, kernel
    return name


evaluated_by(_values, pair_force_p)
evaluated_by(functools.partial(_several, "tangents"), pair_force_change_p)
evaluated_by(functools.partial(_several, "cotangents"), pair_force_pullback_p)
