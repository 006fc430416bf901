"""A study that is not the same when it is traced twice: it draws numbers that no seed decides.

JAX runs ``simulate`` once, and keeps what ``np.random`` or ``time.time()`` gave as a constant: all
seeds of a batch would share it, and another job would have another.
"""

import re
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal
from jax.extend.source_info_util import summarize

from ..errors import JaxmorphError
from ..studies import Problem
from .program import arguments, precision, recording

_FILE_AND_LINE = re.compile(r"(?P<file>.+?\.py):(?P<line>\d+)")


def check_pure(problem: Problem) -> None:
    """Trace the study twice, and compare.

    Raises:
        JaxmorphError: The two traces differ; names the line of the first difference.
    """
    first, second = _traced(problem), _traced(problem)
    where = _difference(first, second)
    if where is None:
        return
    raise JaxmorphError(
        f"study {type(problem.study).__name__}: simulate differs whenever JAX traces it{where}: it "
        "uses numpy.random, random, a clock, or what an earlier call left behind, and that once for all "
        "seeds; draw with jax.random from the key, and keep nothing between calls"
    )


def _traced(problem: Problem) -> ClosedJaxpr:
    # What JAX has traced before (the body of a loop, what is under jit) it would not trace again.
    jax.clear_caches()
    with precision(problem):
        closed, _, _ = eqx.filter_make_jaxpr(recording)(problem, *arguments(problem))
    return closed


def _difference(one: ClosedJaxpr, other: ClosedJaxpr) -> str | None:
    """Where two programs differ first: ``, at file.py line 31``, empty if unknown; None: nowhere."""
    if len(one.consts) != len(other.consts):
        return ""
    different = [not _equal(a, b) for a, b in zip(one.consts, other.consts, strict=True)]
    changed = {v for v, is_so in zip(one.jaxpr.constvars, different, strict=True) if is_so}
    where = _in_jaxprs(one.jaxpr, other.jaxpr, changed)
    return "" if where is None and any(different) else where


def _in_jaxprs(one: Jaxpr, other: Jaxpr, changed: set[Any]) -> str | None:
    """The same of programs of which the constants ``changed`` differ."""
    for a, b in zip(one.eqns, other.eqns, strict=False):
        if a.primitive is not b.primitive or len(a.invars) != len(b.invars):
            return _place(a)
        for x, y in zip(a.invars, b.invars, strict=True):
            if x.aval.str_short() != y.aval.str_short() or _is_another(x, y, changed):
                return _place(a)
        for name, value in a.params.items():
            where = _in_parameters(value, b.params.get(name), a)
            if where is not None:
                return where
    if len(one.eqns) != len(other.eqns):
        return _place((one.eqns if len(one.eqns) > len(other.eqns) else other.eqns)[-1])
    literal = any(_is_another(x, y, changed) for x, y in zip(one.outvars, other.outvars, strict=False))
    return "" if literal else None


def _is_another(x: Any, y: Any, changed: set[Any]) -> bool:
    if isinstance(x, Literal) and isinstance(y, Literal):
        return not _equal(x.val, y.val)
    return isinstance(x, Literal) != isinstance(y, Literal) or (
        not isinstance(x, Literal) and x in changed
    )


def _in_parameters(value: Any, other: Any, equation: Any) -> str | None:
    if isinstance(value, ClosedJaxpr) and isinstance(other, ClosedJaxpr):
        where = _difference(value, other)
        return _place(equation) if where == "" else where
    if isinstance(value, Jaxpr) and isinstance(other, Jaxpr):
        return _in_jaxprs(value, other, set())
    if isinstance(value, tuple | list) and isinstance(other, tuple | list):
        if len(value) != len(other):
            return _place(equation)
        each = (_in_parameters(a, b, equation) for a, b in zip(value, other, strict=True))
        return next((where for where in each if where is not None), None)
    if isinstance(value, np.ndarray | jax.Array | int | float | str) and not _equal(value, other):
        return _place(equation)
    return None


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, jax.core.Tracer) or isinstance(other, jax.core.Tracer):
        return False  # of an earlier trace, which a global variable has kept
    if isinstance(one, jax.Array) and jnp.issubdtype(one.dtype, jax.dtypes.prng_key):
        one, other = jax.random.key_data(one), jax.random.key_data(other)
    a, b = np.asarray(one), np.asarray(other)
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f" == b.dtype.kind)


def _place(equation: Any) -> str:
    found = _FILE_AND_LINE.match(summarize(equation.source_info))
    return f", at {Path(found['file']).name} line {found['line']}" if found else ""
