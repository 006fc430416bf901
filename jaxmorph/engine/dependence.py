"""What depends on what in a traced program: nothing is computed."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters.partial_eval import dce_jaxpr
from jaxtyping import Array, Float, PRNGKeyArray

from ..errors import JaxmorphError
from ..studies import Problem
from ..tracing import LogDensity, using
from .program import dtype, parameters, precision

Choices = Literal["choices", "bare choices"]


def dependences(function: Callable[..., Sequence[Array]], *arguments: Any) -> list[list[bool]]:
    """For each array that ``function`` returns, the arguments on which it depends.

    It is what a compiler that removes dead code would leave, so an argument counts that only seems to
    matter, as in ``0 * x``. All numbers of one array count together.

    Args:
        function: Of arrays.
        arguments: Their shapes and types.
    """
    jaxpr = jax.make_jaxpr(function)(*arguments).jaxpr
    wanted = np.eye(len(jaxpr.outvars), dtype=bool)
    return [dce_jaxpr(jaxpr, one.tolist())[1] for one in wanted]


def parameters_of_choices(problem: Problem, of: Choices = "choices") -> list[str] | None:
    """The parameters that change the probabilities of a study's discrete choices; None: it makes none.

    Discrete parameters do not count: no gradient by them leaves anything out.

    Args:
        problem: The study and what varies.
        of: ``bare choices`` are those that do not come as numbers, for which no surrogate can stand.
    """
    n = len(problem.names)
    made = True

    def log_probability(key: PRNGKeyArray, *theta: Float[Array, ""]) -> list[Array]:
        nonlocal made
        # Never in one array: what each of its numbers does could not be told apart.
        named = dict(zip(problem.names, theta, strict=True))
        fixed = parameters(problem, jnp.zeros(n, dtype(problem)))
        with using(followed := LogDensity(of)):
            problem.study.simulate(fixed | named, key)
            made = followed.drawn
            return [followed.at(1)[0] if made else jnp.zeros(())]

    with precision(problem):
        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        number = jax.ShapeDtypeStruct((), dtype(problem))
        try:
            (used,) = dependences(log_probability, key, *[number] * n)
        except JaxmorphError:  # chosen where no instrument reaches: anything may have changed it
            used = [True] * (1 + n)
    if not made:
        return None
    changes = used[1:] & ~problem.discrete
    return [name for name, is_used in zip(problem.names, changes, strict=True) if is_used]
