"""The derivative of each simulation."""

from typing import ClassVar, final

from ...configuration import GradientDeclaration
from ...studies import Problem
from ..dependence import parameters_of_choices
from ..program import Traced
from .along_paths import along_paths
from .base import GradientEstimator, WantedMode, Way

DECLARATION = GradientDeclaration(
    name="pathwise",
    meaning="the derivative of each simulation",
    modes=("forward", "reverse"),
    along_paths=True,
    sees_choices=False,
    long_name="pathwise",
    computed="by automatic differentiation of each simulation ({gradient_mode} mode)",
    order=0,
)


@final
class Pathwise(GradientEstimator):
    """The derivative of each simulation, its noise held fixed; of studies without choices to change."""

    declaration: ClassVar[GradientDeclaration] = DECLARATION

    def way(self, problem: Problem, traced: Traced, wanted: WantedMode, run_key: int) -> Way:
        del run_key
        return along_paths(problem, traced, wanted, DECLARATION.name)

    def left_out(self, problem: Problem) -> str:
        names = parameters_of_choices(problem)
        if not names:
            return ""
        return (
            f"estimator = pathwise: study {type(problem.study).__name__} draws discrete choices "
            f"(such as which cell divides) that depend on {', '.join(names)}; a pathwise gradient "
            "leaves out what a parameter does through them; use score or smoothed"
        )
