"""What an estimator of gradients is."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple

from jaxtyping import Array, Float, PRNGKeyArray

from ...configuration import GradientDeclaration
from ...studies import Problem
from ...tracing import LogDensity
from ..program import GradientMode, Traced

WantedMode = Literal["auto", "forward", "reverse", "none"]
Single = Callable[[Float[Array, " parameter"], PRNGKeyArray], Any]
"""A function of the varied parameters and a seed's key."""


class Way(NamedTuple):
    """How a study is evaluated.

    Attributes:
        traced: The study, traced.
        mode: The mode of automatic differentiation, or None.
        reason: Why this mode.
        single: What is mapped over samples and seeds: values; where gradients are wanted a tuple of
            values, gradients and, of an estimator that has it, the score of the path or None.
        simulates: The same simulations without derivatives, where there are such; else ``single``.
        with_noise: Like ``single``, with a fourth result: the :class:`NoiseTerms`. None where values and
            gradients tell how noise changes, or nothing does.
    """

    traced: Traced
    mode: GradientMode | None
    reason: str
    single: Single
    simulates: Single
    with_noise: Single | None = None

    def of(self, noise: bool) -> tuple[Single, Single]:
        """What is mapped, and what makes the same simulations, with noise terms where wanted."""
        if noise and self.with_noise is not None:
            return self.with_noise, self.with_noise
        return self.single, self.simulates


class GradientEstimator(abc.ABC):
    """A way to have the gradient of the mean over seeds, as the mean of one answer a seed.

    An answer depends on the parameters, the run's key and the seed's number alone. One estimator is one
    file in this folder, with a constant ``DECLARATION``, whose ``settings`` are the class's arguments.
    """

    declaration: ClassVar[GradientDeclaration]

    @abc.abstractmethod
    def way(self, problem: Problem, traced: Traced, wanted: WantedMode, run_key: int) -> Way:
        """How the gradients of a study are computed.

        Args:
            problem: The study, what varies and what is measured.
            traced: The study, traced.
            wanted: A mode that the declaration allows.
            run_key: The run's random key.

        Raises:
            JaxmorphError: If the study has no such gradients.
        """

    def left_out(self, problem: Problem) -> str:
        """A line that says so if the gradients lack something that a parameter does; else empty."""
        del problem
        return ""

    def follows(self, problem: Problem) -> Callable[[], LogDensity | None]:
        """Makes what follows a simulation, where draws are held fixed and their density counts."""
        del problem
        return lambda: None
