"""Gradients in both modes of automatic differentiation, which must be one and the same."""

import dataclasses

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..studies import Problem
from . import program
from .batch import Evaluation, evaluate, map_pairs
from .program import Values


@dataclasses.dataclass(frozen=True)
class BothModes:
    """A few simulations in both modes: the Jacobian J forwards, and w J in reverse for one w.

    Attributes:
        ahead: Values and gradients in forward mode.
        weight: w, a weight for each time and observable.
        value: Values by the program in reverse mode.
        back: w J in reverse mode, in the units of the gradients.
        scale: Standard deviation of each parameter under its distribution.
    """

    ahead: Evaluation
    weight: Float[np.ndarray, "time observable"]
    value: Float[np.ndarray, "sample seed time observable"]
    back: Float[np.ndarray, "sample seed parameter"]
    scale: Float[np.ndarray, " parameter"]

    @property
    def difference(self) -> Float[np.ndarray, "sample seed"]:
        """How far the modes are apart: max |w J - (J^T w)^T| / max |w J| over the parameters.

        Each parameter counts in standard deviations of its distribution. 0 where both are 0.

        Source: the dot-product test of adjoints (Claerbout, Earth Soundings Analysis, 1992).
        """
        assert self.ahead.gradient is not None
        ahead = np.einsum("to,srtop->srp", self.weight, self.ahead.gradient * self.scale)
        difference = np.abs(ahead - self.back * self.scale).max(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(difference == 0, 0, difference / np.abs(ahead).max(axis=-1))


def both_modes(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    known: Evaluation | None = None,
    traced: program.Traced | None = None,
) -> BothModes:
    """Gradients forwards, and in reverse mode of one random combination of all outputs.

    A weight is standard normal, over the largest derivative of its output, so that each output and time
    has its say.

    Args:
        problem: The study, what varies and what is measured.
        samples: Values of the varied parameters.
        seeds: Run-wide seed numbers.
        run_key: The run's random key.
        known: The evaluation of the same samples and seeds, if there is one: if it was in forward mode,
            that mode is not computed again.
        traced: The study, traced, where that has been done.
    """
    if known is None or known.mode != "forward":
        known = evaluate(problem, samples, seeds, run_key=run_key, gradient="forward", traced=traced)
    assert known.gradient is not None
    scale = parameter_scale(problem)
    largest = np.abs(known.gradient * scale).max(axis=(0, 1, 4))
    weight = np.random.default_rng(0).standard_normal(largest.shape)
    weight = (weight / np.where(largest > 0, largest, 1)).astype(program.dtype(problem))
    value, back = in_reverse(problem, samples, seeds, weight, run_key=run_key)
    return BothModes(known, weight, value, back, scale)


def parameter_scale(problem: Problem) -> Float[np.ndarray, " parameter"]:
    """Standard deviation of each parameter under its distribution."""
    return np.array([d.frozen().std() for d in problem.distributions])


def in_reverse(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    weight: Float[np.ndarray, "time observable"],
    *,
    run_key: int,
) -> tuple[Float[np.ndarray, "sample seed time observable"], Float[np.ndarray, "sample seed parameter"]]:
    """Values, and the gradient of their sum with some weights, in reverse mode."""

    def single(theta: Array, key: PRNGKeyArray) -> tuple[Values, Float[Array, " parameter"]]:
        value, pullback = eqx.filter_vjp(lambda t: program.values(problem, t, key), theta)
        return value, pullback(weight)[0]

    value, back = map_pairs(problem, single, samples, seeds, run_key=run_key)
    return value, back
