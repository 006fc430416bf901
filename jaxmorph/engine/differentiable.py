"""Which modes of automatic differentiation JAX has for a study, found without computing anything.

Nearly all studies have both. JAX differentiates a ``custom_vjp`` (such as Diffrax's default adjoint)
backwards only, a loop of unknown length forwards only, and a callback not at all. So the program of the
simulation is searched for operations like these, and only where there are some, its derivatives are
traced to be sure: a loop may well carry nothing that a parameter changes.
"""

import contextlib
import dataclasses
import functools
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Primitive, Var, jaxpr_as_fun
from jax.interpreters import ad
from jaxtyping import Array, PRNGKeyArray

from ..errors import JaxmorphError
from ..studies import Problem
from .failures import first_line
from .flow import Flow
from .program import GradientMode, Gradients, Traced, Values, forward, reverse
from .source import PACKAGE, frames, place_of

_MODES: tuple[GradientMode, ...] = ("forward", "reverse")
# Operations for which JAX has a rule that says no, always or sometimes; and in which modes.
_IN_DOUBT: dict[str, tuple[GradientMode, ...]] = {
    "custom_vjp_call": ("forward",),
    "while": ("reverse",),
    **dict.fromkeys(("custom_jvp_call", "pure_callback", "io_callback", "ffi_call"), _MODES),
    **dict.fromkeys(("eig", "eigh", "svd", "qr", "reduce", "reduce_window", "scatter"), _MODES),
    **dict.fromkeys(("regularized_incomplete_beta", "composite", "run_state"), _MODES),
}
# As a user knows those that say all by their name.
_KNOWN_AS = {
    "custom_vjp_call": "jax.custom_vjp",
    "while": "jax.lax.while_loop",
    "pure_callback": "jax.pure_callback",
    "io_callback": "jax.experimental.io_callback",
    "ffi_call": "jax.ffi.ffi_call",
}
# Functions of which the derivatives of their own are right both ways; and those that Equinox wraps for
# others.
_JAX, _EQUINOX = (str(Path(str(library.__file__)).parent) for library in (jax, eqx))
_TRUSTED = (_JAX, str(Path(_EQUINOX) / "internal"), str(PACKAGE))
_WRAPPED, _WRAPPING = str(Path(_EQUINOX) / "_ad.py"), (_JAX, _EQUINOX)


class NotDifferentiable(JaxmorphError):
    """JAX has no derivative where one is asked for."""


@dataclasses.dataclass(frozen=True)
class Modes:
    """The modes of automatic differentiation that a study has.

    Attributes:
        missing: For each mode that it lacks, the operation that JAX cannot differentiate in it.
        in_doubt: Whether its derivatives had to be traced to know.
    """

    missing: Mapping[GradientMode, str]
    in_doubt: bool

    @property
    def work(self) -> tuple[GradientMode, ...]:
        """The modes that work."""
        return tuple(mode for mode in _MODES if mode not in self.missing)

    @property
    def why_not(self) -> str:
        """``no reverse mode (jax.lax.while_loop at studies.py:31)``; empty if both work."""
        return " and ".join(f"no {mode} mode ({what})" for mode, what in self.missing.items())


BOTH = Modes(MappingProxyType({}), in_doubt=False)


@functools.lru_cache(maxsize=8)
def modes_of(traced: Traced) -> Modes:
    """The modes that a study has which was traced."""
    if not traced.measured:  # of constants both work
        return BOTH
    missing: dict[GradientMode, str] = {}
    in_doubt = False
    with _precision(traced):
        for mode in _MODES:
            operations = [o for o in _doubtful(traced.program, mode) if _fails_at(o, mode)]
            in_doubt |= bool(operations)
            if operations and (error := _error(traced, mode)) is not None:
                missing[mode] = _said(operations, error)
    return Modes(MappingProxyType(missing), in_doubt)


def choose_mode(
    wanted: Literal["auto", "forward", "reverse"],
    shape: tuple[int, int],
    n_parameters: int,
    modes: Modes = BOTH,
) -> tuple[GradientMode, str]:
    """The gradient mode, one of those that work, and the reason for it.

    For one output, forward mode is cheaper up to 3 parameters; a further output costs reverse mode as
    much as 1.4 parameters cost forward mode. Measured on CPUs: docs/benchmarks.md.
    """
    if wanted != "auto":
        return wanted, "asked for by the configuration"
    if len(modes.work) == 1:
        return modes.work[0], f"auto: the only mode that JAX has for this study: {modes.why_not}"
    n_outputs = shape[0] * shape[1]
    cost = f"parameters: {n_parameters}, outputs (times x observables): {n_outputs}"
    if n_parameters <= 3 + 1.4 * (n_outputs - 1):
        return (
            "forward",
            f"auto: {cost}; one tangent a parameter is cheaper than one cotangent an output",
        )
    return (
        "reverse",
        f"auto: {cost}; one cotangent an output is cheaper than one tangent a parameter",
    )


def stops_tangents(traced: Traced) -> str:
    """What JAX cannot push a tangent through in a simulation, whatever changes it; empty if all."""
    with _precision(traced):
        found = (o for o in _among(traced.program.jaxpr, "forward", ()) if _fails_at(o, "forward"))
        return next((_named(operation) for operation in found), "")


def without_derivatives(problem: Problem, modes: Modes, estimator: str) -> NotDifferentiable:
    """Says that an estimator needs derivatives which JAX does not have of this study."""
    use = "smoothed, which needs no derivative"
    return NotDifferentiable(
        f"estimator = {estimator}: study {type(problem.study).__name__} has {modes.why_not}; use "
        f"estimator: {f'pathwise or {use}' if modes.work else use}"
    )


@dataclasses.dataclass(frozen=True)
class _Suspect:
    """An equation of a program, and those that it is called from, the outermost first."""

    program: Jaxpr
    equation: Any
    callers: tuple[Any, ...]


def _precision(traced: Traced) -> contextlib.AbstractContextManager:
    return jax.enable_x64(traced.program.in_avals[0].dtype == np.float64)


def _doubtful(program: ClosedJaxpr, mode: GradientMode) -> list[_Suspect]:
    """What JAX may not differentiate, as far as it lies behind a parameter."""
    found = list(_among(program.jaxpr, mode, ()))
    if not found:
        return []
    flow = Flow(program)
    reached = (flow.operations.get(node) for node in flow.downstream(flow.inputs[:1]))
    behind = {id(e) for o in reached if o is not None for e in (o.equation, *o.callers)}
    return [operation for operation in found if id(operation.equation) in behind]


def _among(jaxpr: Jaxpr, mode: GradientMode, callers: tuple[Any, ...]) -> Iterator[_Suspect]:
    """The same of all operations, but for those inside of functions with rules of their own."""
    for equation in jaxpr.eqns:
        if not _differentiable(equation.invars):
            continue
        name = equation.primitive.name
        modes = _IN_DOUBT.get(name, () if _is_jaxs(equation.primitive) else _MODES)
        if mode in modes and not (name == "custom_jvp_call" and _is_trusted(equation)):
            yield _Suspect(jaxpr, equation, callers)
        if not name.startswith("custom_"):
            for inner in _inner(equation):
                yield from _among(inner, mode, (*callers, equation))


def _differentiable(variables: Sequence[Any]) -> list[Var]:
    """Those that can have a derivative."""
    return [v for v in variables if isinstance(v, Var) and _is_inexact(v)]


def _is_inexact(variable: Var) -> bool:
    kind = getattr(variable.aval, "dtype", None)
    return kind is not None and jnp.issubdtype(kind, jnp.inexact)


def _is_jaxs(primitive: Primitive) -> bool:
    """Whether JAX has a rule of its own for the derivative."""
    rule = ad.primitive_jvps.get(primitive)
    while isinstance(rule, functools.partial):
        rule = rule.func
    return getattr(rule, "__module__", "").startswith("jax.")


def _is_trusted(equation: Any) -> bool:
    """Whether a function with a derivative of its own is JAX's, Equinox's or ours."""
    *_, file = str(equation.params["call_jaxpr"].jaxpr.debug_info.func_src_info).split(" at ")
    if file.startswith(_WRAPPED):
        others = (code.co_filename for code, _ in frames(equation))
        file = next((name for name in others if not name.startswith(_WRAPPING)), "")
    return file.startswith(_TRUSTED)


def _inner(equation: Any) -> Iterator[Jaxpr]:
    """The programs inside of an equation that are differentiated with it."""
    for name, value in equation.params.items():
        for one in value if isinstance(value, tuple | list) else (value,):
            jaxpr = one.jaxpr if isinstance(one, ClosedJaxpr) else one
            if isinstance(jaxpr, Jaxpr) and name != "cond_jaxpr":
                yield jaxpr


def _fails_at(operation: _Suspect, mode: GradientMode) -> bool:
    """Whether an operation by itself has no derivative, if all that goes into it has."""
    equation = operation.equation
    varied = list(dict.fromkeys(_differentiable(equation.invars)))
    all_of_them = dict.fromkeys(v for v in equation.invars if isinstance(v, Var))
    held = [v for v in all_of_them if v not in varied]
    outputs = _differentiable([v for v in equation.outvars if type(v).__name__ != "DropVar"])
    alone = {"constvars": [], "invars": [*varied, *held], "outvars": outputs, "eqns": [equation]}
    jaxpr = operation.program.replace(**alone, effects=equation.effects)

    def derivative(varied: list[Array], held: list[Array]) -> Any:
        def function(*x: Array) -> list[Array]:
            return jax.core.eval_jaxpr(jaxpr, (), *x, *held)

        if mode == "forward":
            one = [x[None] for x in varied]
            return jax.vmap(lambda *moves: jax.jvp(function, tuple(varied), moves)[1])(*one)
        value, pullback = jax.vjp(function, *varied)
        return pullback(value)

    try:
        jax.eval_shape(derivative, [v.aval for v in varied], [v.aval for v in held])
    except Exception:
        return True
    return False


def _error(traced: Traced, mode: GradientMode) -> Exception | None:
    """What JAX says when it traces the gradients of the observables in a mode; None: it has them."""
    simulated = jaxpr_as_fun(traced.program)

    def gradients(theta: Array, key: PRNGKeyArray) -> tuple[Values, Gradients]:
        def values(theta: Array) -> Values:
            found = simulated(theta, key)
            return jnp.stack([found[i] for i in traced.measured], axis=-1)

        return (forward if mode == "forward" else reverse)(values, theta)

    try:
        jax.eval_shape(gradients, *traced.program.in_avals)
    except Exception as error:
        return error
    return None


def _said(operations: Sequence[_Suspect], error: Exception) -> str:
    """``jax.lax.while_loop at studies.py:31``: the operation that an error comes from."""
    at = _lines(error.__cause__.__traceback__ if error.__cause__ is not None else None)

    def n_shared(operation: _Suspect) -> int:
        source = operation.equation.source_info.traceback
        return len(at & _lines(None if source is None else source.as_python_traceback()))

    found = max(operations, key=n_shared)
    if found.equation.primitive.name in _KNOWN_AS:
        return _named(found)
    return f"{_named(found)}: {first_line(error).split('. ')[0].rstrip('.')}"


def _named(operation: _Suspect) -> str:
    name = operation.equation.primitive.name
    place = place_of((operation.equation, *reversed(operation.callers)))
    where = "" if place is None else f" at {place[0]}"
    return f"{_KNOWN_AS.get(name, name.removesuffix('_call'))}{where}"


def _lines(trace: Any) -> set[tuple[str, int | None]]:
    return {(frame.filename, frame.lineno) for frame in traceback.extract_tb(trace)}
