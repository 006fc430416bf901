"""Forces between all pairs of cells as one operation, for an engine that has a kernel for it.

The force, its change along tangents and what cotangents give back are an operation each, of the state
alone: nothing is kept between them. Where JAX itself has to evaluate one of them, it is a sum over all
pairs by operations of JAX, and the log says so.
"""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend import core
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

from ....tracing import has_many_tangents
from ..forms import LawForms
from ..notices import without_kernel
from .kernel import INTERACTS, Kind

Force = Float[Array, "cell dim"]


@dataclasses.dataclass(frozen=True, eq=False)
class PairForce:
    """A force between pairs of cells.

    Attributes:
        name: Of the law, for the log.
        forms: Of the law.
        plain: The force on each cell, (cell, dim), by operations of JAX, from the operands below.
        way: From what is computed, and for how many simulations, the kernels that do it (``ways.py``).
    """

    name: str
    forms: LawForms
    plain: Callable[..., Force]
    way: Callable[[Kind, int], Any]

    def by_jax(self, reason: str) -> Callable[..., Force]:
        """:attr:`plain`, where a kernel was meant to be; the log says why there is none."""
        without_kernel(self.name, reason)
        return self.plain


# The operands of all three are position (cell, dim), radius (cell,), 1 for the cells that interact (else
# 0), a factor of the force, and the fields of the law: a number, or what the two cells of a pair have,
# twice (cell, kind). The second takes besides, (tangent, ...) of each that moves; the third a cotangent
# of the force, (tangent, cell, dim), and gives what the second takes.
pair_force_p = core.Primitive("pair_force")
pair_force_change_p = core.Primitive("pair_force_change")
pair_force_change_p.multiple_results = True
pair_force_pullback_p = core.Primitive("pair_force_pullback")
pair_force_pullback_p.multiple_results = True


def _moving(primals: Sequence[Any]) -> list[Any]:
    """All that may have a tangent: not which cells interact."""
    return [x for i, x in enumerate(primals) if i != INTERACTS]


def _along(
    force: Callable[..., Force], primals: Sequence[Array], moves: tuple[bool, ...]
) -> Callable[..., Array]:
    """The force as a function of what moves."""

    def function(*moved: Array) -> Array:
        rest = iter(moved)
        changed = [next(rest) if m else x for m, x in zip(moves, _moving(primals), strict=True)]
        return force(*changed[:INTERACTS], primals[INTERACTS], *changed[INTERACTS:])

    return function


def _moved(primals: Sequence[Any], moves: tuple[bool, ...]) -> list[Any]:
    return [x for m, x in zip(moves, _moving(primals), strict=True) if m]


def _force(force: Callable[..., Force], *primals: Array) -> Array:
    return force(*primals)


def _change(
    force: Callable[..., Force], *operands: Array, moves: tuple[bool, ...], with_force: bool
) -> list[Array]:
    n = len(moves) + 1
    primals, tangents = operands[:n], operands[n:]
    function, at = _along(force, primals, moves), _moved(primals, moves)
    changes = jax.vmap(lambda *t: jax.jvp(function, at, t)[1])(*tangents)
    return [force(*primals), changes] if with_force else [changes]


def _pullback(force: Callable[..., Force], *operands: Array, moves: tuple[bool, ...]) -> list[Array]:
    *primals, cotangent = operands
    _, back = jax.vjp(_along(force, primals, moves), *_moved(primals, moves))
    return list(jax.vmap(back)(cotangent))


def _force_shape(*primals: ShapedArray, law: PairForce) -> ShapedArray:
    del law
    return primals[0]


def _change_shape(
    *operands: ShapedArray, law: PairForce, moves: tuple[bool, ...], with_force: bool
) -> list[ShapedArray]:
    del law
    position = operands[0]
    n_tangents = operands[len(moves) + 1].shape[0]
    change = ShapedArray((n_tangents, *position.shape), position.dtype)
    return [position, change] if with_force else [change]


def _pullback_shape(
    *operands: ShapedArray, law: PairForce, moves: tuple[bool, ...]
) -> list[ShapedArray]:
    del law
    *primals, cotangent = operands
    n = cotangent.shape[0]
    return [ShapedArray((n, *x.shape), x.dtype) for x in _moved(primals, moves)]


def _force_jvp(primals: Sequence[Array], tangents: Sequence[Any], *, law: PairForce) -> tuple:
    moves = tuple(not isinstance(t, ad.Zero) for t in _moving(tangents))
    if not any(moves):
        force = pair_force_p.bind(*primals, law=law)
        return force, jnp.zeros_like(force)
    given = [jnp.asarray(t)[None] for t, m in zip(_moving(tangents), moves, strict=True) if m]
    change = partial(pair_force_change_p.bind, *primals, *given, law=law, moves=moves)
    if has_many_tangents():
        force, (along,) = change(with_force=True)
        return force, along
    ((along,),) = change(with_force=False)
    return pair_force_p.bind(*primals, law=law), along


def _change_transpose(
    cotangents: Sequence[Any],
    *operands: Any,
    law: PairForce,
    moves: tuple[bool, ...],
    with_force: bool,
) -> list[Any]:
    if with_force:
        raise NotImplementedError("the force is not linear")
    n = len(moves) + 1
    primals, tangents = operands[:n], operands[n:]
    (cotangent,) = cotangents
    if isinstance(cotangent, ad.Zero):
        return [None] * len(operands)
    wanted = [ad.is_undefined_primal(t) for t in tangents]
    back = pair_force_pullback_p.bind(*primals, cotangent, law=law, moves=moves)
    return [None] * n + [x if w else None for x, w in zip(back, wanted, strict=True)]


_MAPPED = "jax.vmap evaluates them, as in a study that maps over clusters of its own"


def _add_rules_of_several(primitive: core.Primitive, plain: Callable[..., Any]) -> None:
    """Rules of what is computed for several tangents, the first axis of its last operands."""

    def differentiated(
        primals: Sequence[Array], tangents: Sequence[Any], law: PairForce, **params: Any
    ) -> tuple:
        tangents = [ad.instantiate_zeros(t) for t in tangents]
        function = partial(plain, law.by_jax("second derivatives"), **params)
        return jax.jvp(function, tuple(primals), tuple(tangents))

    def batched(
        operands: Sequence[Array], axes: Sequence[int | None], law: PairForce, **params: Any
    ) -> tuple:
        n = len(params["moves"]) + 1
        several = axes[n:]
        if any(axis is not None for axis in axes[:n]):
            function = partial(plain, law.by_jax(_MAPPED), **params)
            results = jax.vmap(function, in_axes=tuple(axes))(*operands)
            return results, [0] * len(results)
        size = next(x.shape[a] for x, a in zip(operands[n:], several, strict=True) if a is not None)
        given = [
            jnp.moveaxis(x, a, 0) if a is not None else jnp.broadcast_to(x, (size, *x.shape))
            for x, a in zip(operands[n:], several, strict=True)
        ]
        joined = [x.reshape(-1, *x.shape[2:]) for x in given]
        results = primitive.bind(*operands[:n], *joined, law=law, **params)
        first = 1 if params.get("with_force") else 0
        apart = [x.reshape(size, -1, *x.shape[1:]) for x in results[first:]]
        return [*results[:first], *apart], [*[None] * first, *[0] * len(apart)]

    ad.primitive_jvps[primitive] = differentiated
    batching.primitive_batchers[primitive] = batched


def _force_batched(operands: Sequence[Array], axes: Sequence[int | None], *, law: PairForce) -> tuple:
    return jax.vmap(law.by_jax(_MAPPED), in_axes=tuple(axes))(*operands), 0


def _add_rules(primitive: core.Primitive, plain: Callable[..., Any], shape: Callable[..., Any]) -> None:
    """What any primitive needs, so that JAX can evaluate it."""

    def evaluated(*operands: Array, law: PairForce, **params: Any) -> Any:
        return plain(law.by_jax("JAX evaluates them"), *operands, **params)

    primitive.def_impl(evaluated)
    primitive.def_abstract_eval(shape)
    lowered = mlir.lower_fun(evaluated, multiple_results=primitive.multiple_results)
    mlir.register_lowering(primitive, lowered)


_add_rules(pair_force_p, _force, _force_shape)
_add_rules(pair_force_change_p, _change, _change_shape)
_add_rules(pair_force_pullback_p, _pullback, _pullback_shape)
_add_rules_of_several(pair_force_change_p, _change)
_add_rules_of_several(pair_force_pullback_p, _pullback)
ad.primitive_transposes[pair_force_change_p] = _change_transpose
ad.primitive_jvps[pair_force_p] = _force_jvp
batching.primitive_batchers[pair_force_p] = _force_batched
