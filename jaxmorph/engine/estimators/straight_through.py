"""The derivative of each simulation, in which probabilities stand for choices.

Source: Bengio, Leonard, Courville, arXiv:1308.3432 (2013).
"""

from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from ...configuration import GradientDeclaration
from ...quantities import Method
from ...studies import Problem
from ...tracing import Instrument, differentiated_as, using
from ..dependence import dependences, parameters_of_choices
from ..program import Traced, dtype, precision, recording
from .along_paths import along_paths
from .base import GradientEstimator, WantedMode, Way

DECLARATION = GradientDeclaration(
    name="straight-through",
    meaning="the derivative of each simulation, that of a discrete choice by its probability taken as "
    "1: cheap and biased",
    modes=("forward", "reverse"),
    along_paths=True,
    sees_choices=True,
    long_name="straight-through (biased)",
    computed="by the straight-through estimator, which is biased,",
    caution="Gradients on this page are straight-through estimates: cheap, and biased, also with any "
    "number of seeds. Intervals do not know of the bias. The score-function estimator (estimator: "
    "score) has none of what is drawn through jaxmorph.simulation.",
    bias="Gradients are straight-through: biased, also with any number of seeds",
    method=Method(
        title="Straight-through gradients",
        formula="∂c/∂p := 1 for a discrete choice c = 0 or 1 of probability p",
        text="The pathwise derivative of each simulation, with this surrogate for the derivative of a "
        "choice, such as whether a cell divides. Its mean is right for one choice in which an "
        "observable is linear, and for the number of cells that divide at constant rates. It is biased "
        "where an observable is curved, and leaves out what a choice does through comparisons, later "
        "choices and forces.",
        source="Bengio, Léonard and Courville, arXiv:1308.3432 (2013)",
    ),
    order=3,
)


class Surrogates(Instrument):
    """Surrogate derivatives: of choices, those of their probabilities. Values stay as they are.

    Args:
        nudge: Has the derivatives of all probabilities of choices, and no effect on values.
    """

    def __init__(self, nudge: Float[Array, ""] | float = 0.0) -> None:
        super().__init__()
        self._nudge = nudge

    def number(
        self, chosen: Bool[Array, "*any"], probability: Float[Array, "*any"]
    ) -> Float[Array, "*any"]:
        """1 and 0, with the derivative 1 with respect to the probability."""
        return self.surrogate(chosen.astype(probability.dtype), probability + self._nudge)

    def surrogate(self, value: Float[Array, "*any"], by: Float[Array, "*any"]) -> Float[Array, "*any"]:
        return differentiated_as(value, by)


@final
class StraightThrough(GradientEstimator):
    """Pathwise derivatives with the surrogate derivatives of ``jaxmorph.simulation.surrogate``.

    The derivative of a choice, as a number, with respect to its probability is taken as 1. So with one
    choice c of probability p, the estimate is (df/dc) dp/d theta, and its mean over seeds that of the
    true (f(1) - f(0)) dp/d theta where f is linear in c, as for the number of cells; elsewhere it is
    biased. What goes through a comparison or an index is left out, as what a new cell does to others.
    Costs what a pathwise gradient does, and has its variance.
    """

    declaration: ClassVar[GradientDeclaration] = DECLARATION

    def way(self, problem: Problem, traced: Traced, wanted: WantedMode, run_key: int) -> Way:
        del run_key
        return along_paths(problem, traced, wanted, DECLARATION.name, lambda: using(Surrogates()))

    def left_out(self, problem: Problem) -> str:
        names = parameters_of_choices(problem)
        if not names:
            return ""
        study = (
            f"estimator = straight-through: study {type(problem.study).__name__} draws discrete choices"
        )
        if bare := parameters_of_choices(problem, "bare choices"):
            return (
                f"{study} that depend on {', '.join(bare)} and are no numbers, so no derivative passes; "
                "draw them with bernoulli(..., indicator=True) or categorical(..., one_hot=True) and "
                "calculate with them, or use score or smoothed"
            )
        if unseen := _without_surrogate(problem):
            return (
                f"{study} that depend on {', '.join(names)}, of which no derivative reaches "
                f"{', '.join(unseen)}; leave these observables out, or use score or smoothed"
            )
        return ""


def _without_surrogate(problem: Problem) -> list[str]:
    """The observables that no surrogate derivative of a choice reaches."""

    def slopes(direction: Array, key: PRNGKeyArray, theta: Array) -> list[Array]:
        def nudged(nudge: Array) -> list[Array]:
            with using(Surrogates(nudge)):
                found = recording(problem, theta, key).observables
            # Never in one array: what each of them depends on could not be told apart.
            return [found[name] for name in problem.observables]

        return jax.jvp(nudged, (jnp.zeros_like(direction),), (direction,))[1]

    with precision(problem):
        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        theta, direction = (
            jax.ShapeDtypeStruct(shape, dtype(problem)) for shape in ((len(problem.names),), ())
        )
        reached = [by_direction for by_direction, *_ in dependences(slopes, direction, key, theta)]
    return [
        name for name, is_reached in zip(problem.observables, reached, strict=True) if not is_reached
    ]
