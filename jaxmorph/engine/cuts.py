"""Where derivatives end on the way from a parameter to an observable, by file and line.

A comparison, a rounding, an order or a raw choice has the derivative 0 while its value jumps. Whether
that matters only the numbers of a run can say (every cutoff is a comparison); once they do, this says
where to look.
"""

import contextlib
import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..configuration import Estimator
from ..studies import Problem
from ..tracing import using
from . import program
from .estimators import estimator_named
from .flow import Flow, Operation
from .source import PACKAGE, place_of
from .ways import SMOOTHING

_COMPARISONS = {"lt", "le", "gt", "ge", "eq", "ne"}
_ENDS = _COMPARISONS | {"floor", "ceil", "round", "sign", "stop_gradient", "convert_element_type"}
_ENDS |= {"argmax", "argmin", "sort", "top_k", "is_finite"}
# Functions of JAX that compare for the sake of rounding, and are smooth.
_SMOOTH = tuple(str(Path(jax.__file__).parent / "_src" / folder) for folder in ("nn", "ops", "scipy"))
# What is drawn here, every estimator knows of, or its study is refused.
_DRAWS = str(PACKAGE / "tracing" / "draws.py")


@dataclasses.dataclass(frozen=True)
class Cut:
    """A place where derivatives end.

    Attributes:
        place: File and line, ``trap.py:31``.
        text: What stands there.
        pairs: Observables with the parameters whose way leads through it.
    """

    place: str
    text: str
    pairs: tuple[tuple[str, str], ...]


def find_cuts(problem: Problem, estimator: Estimator = "pathwise") -> list[Cut]:
    """The places between the varied parameters and the observables where derivatives end.

    Only the first on each way counts: behind it there is no derivative to lose. Draws and choices of
    ``jaxmorph.simulation`` are not among them where the estimator knows of them.
    """
    names, n = problem.names, len(problem.names)
    follows = estimator_named(estimator, "auto", smoothing=SMOOTHING).follows(problem)

    def simulated(key: PRNGKeyArray, *theta: Float[Array, ""]) -> list[Array]:
        # Never in one array: what each of its numbers does could not be told apart.
        fixed = program.parameters(problem, jnp.zeros(n, program.dtype(problem)))
        named = fixed | dict(zip(names, theta, strict=True))
        followed = follows()
        with contextlib.nullcontext() if followed is None else using(followed):
            recorded = problem.study.simulate(named, key)
            density = [] if followed is None else [followed.at(recorded.time.shape[0])]
        return [*(recorded.observables[name] for name in problem.observables), *density]

    with program.precision(problem):
        number = jax.ShapeDtypeStruct((), program.dtype(problem))
        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        flow = Flow(jax.make_jaxpr(simulated)(key, *[number] * n))
    found: dict[tuple[str, str], dict[tuple[str, str], None]] = {}
    always = flow.outputs[len(problem.observables) :]
    before = [
        flow.upstream(node for node in (output, *always) if node is not None)
        for output in flow.outputs[: len(problem.observables)]
    ]
    for parameter, node in zip(names, flow.inputs[1:], strict=True):
        for reached in sorted(flow.downstream([node], _ends_derivative) & flow.operations.keys()):
            operation = flow.operations[reached]
            if not _loses(operation):
                continue
            equations = (operation.equation, *reversed(operation.callers))
            if (place := place_of(equations, (*_SMOOTH, _DRAWS))) is None:
                continue
            lost = [o for o in operation.outputs if _ends_derivative(operation) or not flow.carries(o)]
            for observable, upstream in zip(problem.observables, before, strict=True):
                if not upstream.isdisjoint(lost):
                    found.setdefault(place, {})[observable, parameter] = None
    return [Cut(*place, tuple(pairs)) for place, pairs in found.items()]


def _ends_derivative(operation: Operation) -> bool:
    """Whether what flows in has no derivative behind it; sorted numbers have one, their order not."""
    return operation.equation.primitive.name in _ENDS - {"sort", "top_k", "convert_element_type"}


def _loses(operation: Operation) -> bool:
    """Whether it is of those that jump, and not a test for NaN."""
    equation = operation.equation
    name = equation.primitive.name
    if name in _COMPARISONS and equation.invars[0] is equation.invars[1]:
        return False
    return name in _ENDS - {"is_finite"}
