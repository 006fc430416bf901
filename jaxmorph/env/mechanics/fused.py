"""Forces between all pairs of cells as one operation, for an engine that has a kernel for it.

Without an engine that asks for them (``tracing.fused_pairs``), nothing is different: forces are computed
by operations of JAX. With it, the force, its change along tangents and what cotangents give back are an
operation each, of the state alone: nothing is kept between them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend import core
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

from ...tracing import Force, PairLaw, has_many_tangents

Scalar = Float[Array, ""]


def pair_force(
    law: PairLaw,
    position: Force,
    radius: Float[Array, " cell"],
    interacts: Float[Array, " cell"],
    scale: Scalar,
    *fields: Scalar,
) -> Force:
    """``scale`` times the force on each cell; see :class:`PairLaw`."""
    return pair_force_p.bind(position, radius, interacts, scale, *fields, law=law)


# The operands of all three are position, radius, interacts, scale and the fields. The second takes
# besides, (tangent, ...) of each that moves; the third a cotangent of the force, (tangent, cell, dim),
# and gives what the second takes.
pair_force_p = core.Primitive("pair_force")
pair_force_change_p = core.Primitive("pair_force_change")
pair_force_change_p.multiple_results = True
pair_force_pullback_p = core.Primitive("pair_force_pullback")
pair_force_pullback_p.multiple_results = True

_INTERACTS = 2


def _moving(primals: Sequence[Any]) -> list[Any]:
    """All that may have a tangent: not which cells interact."""
    return [x for i, x in enumerate(primals) if i != _INTERACTS]


def _force(*primals: Array, law: PairLaw) -> Array:
    return law.force(*primals)


def _along(law: PairLaw, primals: Sequence[Array], moves: tuple[bool, ...]) -> Callable[..., Array]:
    """The force as a function of what moves."""

    def function(*moved: Array) -> Array:
        rest = iter(moved)
        changed = [next(rest) if m else x for m, x in zip(moves, _moving(primals), strict=True)]
        return law.force(*changed[:_INTERACTS], primals[_INTERACTS], *changed[_INTERACTS:])

    return function


def _moved(primals: Sequence[Any], moves: tuple[bool, ...]) -> list[Any]:
    return [x for m, x in zip(moves, _moving(primals), strict=True) if m]


def _change(*operands: Array, law: PairLaw, moves: tuple[bool, ...], with_force: bool) -> list[Array]:
    n = len(moves) + 1
    primals, tangents = operands[:n], operands[n:]
    function, at = _along(law, primals, moves), _moved(primals, moves)
    changes = jax.vmap(lambda *t: jax.jvp(function, at, t)[1])(*tangents)
    return [law.force(*primals), changes] if with_force else [changes]


def _pullback(*operands: Array, law: PairLaw, moves: tuple[bool, ...]) -> list[Array]:
    *primals, cotangent = operands
    _, back = jax.vjp(_along(law, primals, moves), *_moved(primals, moves))
    return list(jax.vmap(back)(cotangent))


def _force_shape(*primals: ShapedArray, law: PairLaw) -> ShapedArray:
    del law
    return primals[0]


def _change_shape(
    *operands: ShapedArray, law: PairLaw, moves: tuple[bool, ...], with_force: bool
) -> list[ShapedArray]:
    del law
    position = operands[0]
    n_tangents = operands[len(moves) + 1].shape[0]
    change = ShapedArray((n_tangents, *position.shape), position.dtype)
    return [position, change] if with_force else [change]


def _pullback_shape(*operands: ShapedArray, law: PairLaw, moves: tuple[bool, ...]) -> list[ShapedArray]:
    del law
    *primals, cotangent = operands
    n = cotangent.shape[0]
    return [ShapedArray((n, *x.shape), x.dtype) for x in _moved(primals, moves)]


def _force_jvp(primals: Sequence[Array], tangents: Sequence[Any], *, law: PairLaw) -> tuple:
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
    law: PairLaw,
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


def _add_rules_of_several(primitive: core.Primitive, plain: Callable[..., Any]) -> None:
    """Rules of what is computed for several tangents, the first axis of its last operands."""

    def differentiated(primals: Sequence[Array], tangents: Sequence[Any], **params: Any) -> tuple:
        tangents = [ad.instantiate_zeros(t) for t in tangents]
        return jax.jvp(partial(plain, **params), tuple(primals), tuple(tangents))

    def batched(operands: Sequence[Array], axes: Sequence[int | None], **params: Any) -> tuple:
        n = len(params["moves"]) + 1
        several = axes[n:]
        if any(axis is not None for axis in axes[:n]):
            results = jax.vmap(partial(plain, **params), in_axes=tuple(axes))(*operands)
            return results, [0] * len(results)
        size = next(x.shape[a] for x, a in zip(operands[n:], several, strict=True) if a is not None)
        given = [
            jnp.moveaxis(x, a, 0) if a is not None else jnp.broadcast_to(x, (size, *x.shape))
            for x, a in zip(operands[n:], several, strict=True)
        ]
        joined = [x.reshape(-1, *x.shape[2:]) for x in given]
        results = primitive.bind(*operands[:n], *joined, **params)
        first = 1 if params.get("with_force") else 0
        apart = [x.reshape(size, -1, *x.shape[1:]) for x in results[first:]]
        return [*results[:first], *apart], [*[None] * first, *[0] * len(apart)]

    ad.primitive_jvps[primitive] = differentiated
    batching.primitive_batchers[primitive] = batched


def _force_batched(operands: Sequence[Array], axes: Sequence[int | None], *, law: PairLaw) -> tuple:
    return jax.vmap(partial(_force, law=law), in_axes=tuple(axes))(*operands), 0


for _primitive, _plain, _shape in (
    (pair_force_p, _force, _force_shape),
    (pair_force_change_p, _change, _change_shape),
    (pair_force_pullback_p, _pullback, _pullback_shape),
):
    _primitive.def_impl(_plain)
    _primitive.def_abstract_eval(_shape)
    mlir.register_lowering(
        _primitive, mlir.lower_fun(_plain, multiple_results=_primitive.multiple_results)
    )
_add_rules_of_several(pair_force_change_p, _change)
_add_rules_of_several(pair_force_pullback_p, _pullback)
ad.primitive_transposes[pair_force_change_p] = _change_transpose
ad.primitive_jvps[pair_force_p] = _force_jvp
batching.primitive_batchers[pair_force_p] = _force_batched
