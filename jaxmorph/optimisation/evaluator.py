"""The loss at any points, on seeds that the steps of the descent do not have."""

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterator
from functools import partial

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .. import engine
from ..engine import program
from ..studies import Problem
from .loss import Weights, cotangent, loss, pseudo_values, standard_error, weights_of
from .objective import Objective
from .scale import Scale


class LossEvaluator:
    """The loss from simulations at the run's own seeds, the same at all points (common random numbers).

    The seeds of the optimisation are those of another key.

    Args:
        problem: The study with the free parameters and the observables of the objective.
        objective: What is minimised.
        n_seeds: Seeds; a deterministic study has one.
        run_key: The run's random key.
        how: How gradients are made: arguments of ``engine.evaluate``.
        first_seed: Number of the first seed.
    """

    def __init__(
        self,
        problem: Problem,
        objective: Objective,
        n_seeds: int,
        run_key: int,
        how: engine.GradientArguments | None = None,
        first_seed: int = 0,
    ):
        self.problem, self.objective = problem, objective
        self.scale = Scale(problem.distributions)
        self.stochastic = problem.study.is_stochastic
        self.seeds = first_seed + np.arange(n_seeds if self.stochastic else 1)
        self.weights: Weights = weights_of(objective)
        self._key = run_key
        self._how = how or engine.GradientArguments()
        self._differentiated: Callable[..., engine.Evaluation] = partial(
            engine.evaluate, problem, seeds=self.seeds, run_key=run_key, **self._how
        )
        self.time = np.zeros(0)

    def of_seeds(self, n: int) -> "LossEvaluator":
        """The same on the first ``n`` seeds."""
        return self._with(min(n, len(self.seeds)), int(self.seeds[0]))

    def on_others(self) -> "LossEvaluator":
        """The same on as many other seeds."""
        return self._with(len(self.seeds), int(self.seeds[-1]) + 1)

    def _with(self, n: int, first: int) -> "LossEvaluator":
        return LossEvaluator(self.problem, self.objective, n, self._key, self._how, first)

    def against(self, target: Float[np.ndarray, " feature"]) -> "LossEvaluator":
        """The same simulations, held against other targets."""
        other = copy.copy(self)
        other.objective = dataclasses.replace(self.objective, target=target)
        other.weights = weights_of(other.objective)
        return other

    @contextlib.contextmanager
    def compiled(self) -> Iterator["LossEvaluator"]:
        """The same for many calls of ``slopes``: compiled once for each number of points."""
        with engine.evaluator(
            self.problem, self.seeds, run_key=self._key, **self._how
        ) as differentiated:
            other = copy.copy(self)
            other._differentiated = differentiated
            yield other

    def parameter(self, u: Float[np.ndarray, "... parameter"]) -> Float[np.ndarray, "... parameter"]:
        """Parameter values of points on the unconstrained scale."""
        with program.precision(self.problem):
            return np.asarray(self.scale.parameter(jnp.asarray(u, program.dtype(self.problem))), float)

    def values(self, u: Float[np.ndarray, "point parameter"]) -> np.ndarray:
        """The observables of the objective, (point, seed, time, observable)."""
        result = engine.evaluate(
            self.problem, self.parameter(u), self.seeds, run_key=self._key, gradient="none"
        )
        self.time = result.time
        return result.value.astype(float)

    def features(self, u: Float[np.ndarray, "point parameter"]) -> np.ndarray:
        """The features of the objective, (point, seed, feature)."""
        return self.objective.features(self.values(u))

    def losses(self, u: Float[np.ndarray, "point parameter"]) -> np.ndarray:
        """What each seed says of the loss, (point, seed); their mean is the loss."""
        return self.losses_of(self.features(u))

    def losses_of(self, features: np.ndarray) -> np.ndarray:
        """The same from features (point, seed, feature)."""
        return pseudo_values(features, self.weights)

    def standard_errors(self, features: np.ndarray) -> np.ndarray:
        """Of the loss from features (point, seed, feature): (point,); 0 without noise."""
        if not self.stochastic:
            return np.zeros(len(features))
        return standard_error(features, self.weights)

    def slopes(self, u: Float[np.ndarray, "point parameter"]) -> "Slopes":
        """Features and gradients at some points."""
        result = self._differentiated(self.parameter(u))
        assert result.gradient is not None
        with program.precision(self.problem):
            chain = np.asarray(self.scale.derivative(jnp.asarray(u, program.dtype(self.problem))), float)
        gradient = np.moveaxis(result.gradient.astype(float), -1, 2)
        jacobian = np.moveaxis(self.objective.features(gradient), 2, -1) * chain[:, None, None, :]
        features = self.objective.features(result.value.astype(float))
        pull = cotangent(features, self.weights, unbiased=self.stochastic)
        return Slopes(
            features,
            jacobian,
            loss(features, self.weights, unbiased=self.stochastic),
            np.einsum("nrfp,nrf->np", jacobian, pull),
            chain,
        )


@dataclasses.dataclass(frozen=True)
class Slopes:
    """Features and derivatives on the unconstrained scale, at some points.

    Attributes:
        features: (point, seed, feature).
        jacobian: Their derivatives, (point, seed, feature, parameter).
        loss: (point,).
        gradient: Of the loss, (point, parameter).
        chain: d parameter / du, (point, parameter).
    """

    features: np.ndarray
    jacobian: np.ndarray
    loss: np.ndarray
    gradient: np.ndarray
    chain: np.ndarray
