"""Elementwise jaxprs as instructions on vectors."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.extend import core
from llvmlite import ir

from . import elementary
from .calls import CALLS, called
from .vectors import Vectors


def evaluate(v: Vectors, closed: core.ClosedJaxpr, operands: Sequence[ir.Value]) -> list[ir.Value]:
    """The results of a jaxpr of scalars at vectors."""
    jaxpr = closed.jaxpr
    values: dict[core.Var, ir.Value] = {}

    def read(atom: core.Var | core.Literal) -> ir.Value:
        return _constant(v, atom.val) if isinstance(atom, core.Literal) else values[atom]

    values.update(zip(jaxpr.constvars, (_constant(v, c) for c in closed.consts), strict=True))
    values.update(zip(jaxpr.invars, operands, strict=True))
    for eqn in jaxpr.eqns:
        given = [read(atom) for atom in eqn.invars]
        name = eqn.primitive.name
        if name in CALLS:
            results = evaluate(v, called(eqn), given)
        else:
            results = [_WRITERS[name](v, given, eqn.params)]
        values.update(zip(eqn.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _constant(v: Vectors, value: Any) -> ir.Constant:
    value = np.asarray(value)
    return v.truth(bool(value)) if value.dtype == bool else v.constant(float(value))


Writer = Callable[[Vectors, list[ir.Value], dict[str, Any]], ir.Value]

_COMPARED = {"eq": "==", "ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def _compared(sign: str) -> Writer:
    return lambda v, x, _: v.builder.fcmp_ordered(sign, *x)


def _converted(v: Vectors, x: list[ir.Value], params: dict[str, Any]) -> ir.Value:
    del params
    (a,) = x
    return v.builder.uitofp(a, v.type) if a.type.element == ir.IntType(1) else a


_WRITERS: dict[str, Writer] = {
    "abs": lambda v, x, _: v.intrinsic("fabs", *x),
    "add": lambda v, x, _: v.add(*x),
    "add_any": lambda v, x, _: v.add(*x),
    "and": lambda v, x, _: v.builder.and_(*x),
    "convert_element_type": _converted,
    "copy": lambda v, x, _: x[0],
    "div": lambda v, x, _: v.div(*x),
    "exp": lambda v, x, _: elementary.exp(v, *x),
    "integer_pow": lambda v, x, params: v.power(x[0], params["y"]),
    "log": lambda v, x, _: elementary.log(v, *x),
    "max": lambda v, x, _: v.larger(*x),
    "min": lambda v, x, _: v.smaller(*x),
    "mul": lambda v, x, _: v.mul(*x),
    "ne": lambda v, x, _: v.builder.fcmp_unordered("!=", *x),
    "neg": lambda v, x, _: v.builder.fneg(*x),
    "not": lambda v, x, _: v.builder.not_(*x),
    "or": lambda v, x, _: v.builder.or_(*x),
    "pow": lambda v, x, _: elementary.power(v, *x),
    "select_n": lambda v, x, _: v.builder.select(x[0], x[2], x[1]),
    "sqrt": lambda v, x, _: v.sqrt(*x),
    "square": lambda v, x, _: v.mul(x[0], x[0]),
    "sub": lambda v, x, _: v.sub(*x),
    **{name: _compared(sign) for name, sign in _COMPARED.items()},
}


def unknown_operation(closed: core.ClosedJaxpr) -> str:
    """The first operation of a jaxpr that :func:`evaluate` does not know; empty if it knows all."""
    for eqn in closed.jaxpr.eqns:
        name = eqn.primitive.name
        found = unknown_operation(called(eqn)) if name in CALLS else "" if _is_known(eqn) else name
        if found:
            return found
    return ""


def _is_known(eqn: core.JaxprEqn) -> bool:
    """Integers may only become floating-point numbers: nothing computes with them."""
    given: list[Any] = [x.aval for x in eqn.invars]
    made: list[Any] = [x.aval for x in eqn.outvars]
    return (
        eqn.primitive.name in _WRITERS
        and not any(x.shape for x in (*given, *made))
        and all(np.issubdtype(x.dtype, np.floating) or x.dtype == bool for x in made)
    )
