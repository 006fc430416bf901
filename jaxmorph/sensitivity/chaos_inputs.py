"""What an expansion is in: the parameters where these are independent, else their independent scores."""

import abc
from collections.abc import Sequence

import numpy as np

from ..designs import FastDesign, correlation_factor
from ..distributions import Distribution, Normal
from ..expansion import (
    Forms,
    basis_of,
    candidates,
    correlated_effects,
    correlated_forms,
    equations,
    independent_forms,
    independent_scores,
    main_effects,
    most_candidates,
)
from .chaos_quantities import FEWEST_SAMPLES, MOST_CORRELATED, MOST_PARAMETERS
from .samples import Samples


class Inputs(abc.ABC):
    """Inputs of an expansion.

    Attributes:
        correlated: Whether the parameters are.
        degrees: Of the candidates (term, input).
    """

    correlated: bool

    def __init__(self, distributions: Sequence[Distribution]):
        d = len(distributions)
        self._distributions = distributions
        self.degrees = candidates(d, most_candidates(d))

    @abc.abstractmethod
    def equations(self, parameter: np.ndarray) -> np.ndarray:
        """Of the candidates at points (sample, parameter): (sample, row, term)."""

    @abc.abstractmethod
    def data(self, rows: np.ndarray, parameter: np.ndarray) -> np.ndarray:
        """Values and derivatives by the inputs, from those by parameters, (sample, row, ...)."""

    @abc.abstractmethod
    def forms(self, degrees: np.ndarray) -> Forms:
        """The parts of the variance of terms."""

    @abc.abstractmethod
    def main_effects(self, probability: np.ndarray) -> np.ndarray:
        """Of the candidates, at quantiles of each parameter (parameter, point, term)."""


class Independent(Inputs):
    """The parameters themselves, in groups if there are any."""

    correlated = False

    def __init__(self, distributions: Sequence[Distribution], groups: Sequence[Sequence[int]]):
        super().__init__(distributions)
        # A parameter of n numbers has n polynomials.
        highest = [basis_of(one).highest for one in distributions]
        self.degrees = self.degrees[(self.degrees <= highest).all(axis=1)]
        self._groups = groups

    def equations(self, parameter: np.ndarray) -> np.ndarray:
        return equations(parameter, self._distributions, self.degrees)

    def data(self, rows: np.ndarray, parameter: np.ndarray) -> np.ndarray:
        return rows

    def forms(self, degrees: np.ndarray) -> Forms:
        return independent_forms(degrees, self._groups)

    def main_effects(self, probability: np.ndarray) -> np.ndarray:
        return main_effects(self._distributions, self.degrees, probability)


class Scores(Inputs):
    """Independent standard normal scores of correlated parameters."""

    correlated = True

    def __init__(self, distributions: Sequence[Distribution], factor: np.ndarray):
        super().__init__(distributions)
        self._factor = factor
        self._normal = [Normal(mean=0, sd=1)] * len(distributions)

    def equations(self, parameter: np.ndarray) -> np.ndarray:
        scores, _ = independent_scores(parameter, self._distributions, self._factor)
        return equations(scores, self._normal, self.degrees)

    def data(self, rows: np.ndarray, parameter: np.ndarray) -> np.ndarray:
        _, jacobian = independent_scores(parameter, self._distributions, self._factor)
        gradients = rows[:, 1:].reshape(*rows[:, 1:].shape[:2], -1)
        by_scores = jacobian.swapaxes(1, 2) @ gradients
        return np.concatenate([rows[:, :1], by_scores.reshape(rows[:, 1:].shape)], axis=1)

    def forms(self, degrees: np.ndarray) -> Forms:
        return correlated_forms(degrees, self._factor)

    def main_effects(self, probability: np.ndarray) -> np.ndarray:
        return correlated_effects(self.degrees, self._factor, probability)


def inputs_of(samples: Samples) -> Inputs | None:
    """Those of a run; None if an expansion says nothing of its design.

    Nor are there any if the parameters are too many, or correlated nobody knows how.
    """
    question, names = samples.question, samples.parameters
    if (
        samples.stands_for != "sample"
        or isinstance(question.design, FastDesign)
        or samples.points.sizes["sample"] < FEWEST_SAMPLES
    ):
        return None
    if question.independent:
        groups = [[names.index(name) for name in part] for part in samples.parts.values()]
        few = len(names) <= MOST_PARAMETERS
        return Independent(question.distributions, groups) if few else None
    if not question.correlations or len(names) > MOST_CORRELATED:
        return None
    if samples.discrete:  # they have no normal scores
        return None
    factor = correlation_factor(names, question.correlations)
    return None if factor is None else Scores(question.distributions, np.array(factor))
