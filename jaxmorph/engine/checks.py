"""Can the gradients be trusted: finite differences, agreement of the modes, growth of a perturbation."""

import dataclasses
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..studies import Problem, Recording, Study
from ..tracing import TangentGrowth, using
from . import program
from .batch import Evaluation, evaluate, map_pairs
from .program import Values


@dataclasses.dataclass(frozen=True)
class FiniteDifferences:
    """Central differences beside automatic gradients, all (sample, seed, time, observable, parameter).

    Attributes:
        automatic: Values and gradients by automatic differentiation.
        gradient: Central differences, extrapolated to zero step.
        error: Estimate of the differences' own error: what the extrapolation changed, and round-off.
    """

    automatic: Evaluation
    gradient: Float[np.ndarray, "sample seed time observable parameter"]
    error: Float[np.ndarray, "sample seed time observable parameter"]


def finite_differences(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    step: float,
) -> FiniteDifferences:
    """Differentiate numerically, with the same seeds on both sides of each sample.

    The differences at h and 2 h are extrapolated (Richardson): D = (4 D(h) - D(2 h)) / 3, whose error
    is of order h^4 plus round-off.

    Args:
        problem: The study, what varies and what is measured.
        samples: Values of the varied parameters.
        seeds: Run-wide seed numbers.
        run_key: The run's random key.
        step: h as a fraction of each parameter's standard deviation under its distribution.
    """
    scale = np.array([d.frozen().std() for d in problem.distributions])
    h = step * scale
    offsets = np.concatenate([m * np.diag(h) for m in (1, -1, 2, -2)])  # (4 parameter, parameter)
    moved = (samples[:, None, :] + offsets).reshape(-1, samples.shape[1])
    value = evaluate(problem, moved, seeds, run_key=run_key, gradient="none").value
    n, p = samples.shape
    value = value.reshape(n, 4, p, *value.shape[1:])
    value = np.moveaxis(value, 2, -1)  # (sample, offset, seed, time, observable, parameter)
    near = (value[:, 0] - value[:, 1]) / (2 * h)
    far = (value[:, 2] - value[:, 3]) / (4 * h)
    gradient = (4 * near - far) / 3
    automatic = evaluate(problem, samples, seeds, run_key=run_key)
    roundoff = np.finfo(value.dtype).eps * np.abs(value).max(axis=1) / h
    return FiniteDifferences(automatic, gradient, np.abs(near - far) / 3 + roundoff)


def mode_difference(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    known: Evaluation | None = None,
) -> Float[np.ndarray, "sample seed"]:
    """How far forward and reverse mode are apart, on one random combination of all outputs.

    With J the Jacobian (outputs x parameters, each parameter in standard deviations of its distribution)
    and w random weights, w J is computed by one tangent a parameter and by one cotangent:
    max |w J - (J^T w)^T| / max |w J| over the parameters. A weight is standard normal, over the largest
    derivative of its output, so that each output and time has its say. 0 where both are 0.

    Source: the dot-product test of adjoints (Claerbout, Earth Soundings Analysis, 1992).

    Args:
        problem: The study, what varies and what is measured.
        samples: Values of the varied parameters.
        seeds: Run-wide seed numbers.
        run_key: The run's random key.
        known: The evaluation of the same samples and seeds, if there is one: if it was in forward mode,
            that mode is not computed again.
    """
    if known is None or known.mode != "forward":
        known = evaluate(problem, samples, seeds, run_key=run_key, gradient="forward")
    assert known.gradient is not None
    scale = np.array([d.frozen().std() for d in problem.distributions])
    jacobian = known.gradient * scale
    largest = np.abs(jacobian).max(axis=(0, 1, 4))
    size = np.where(largest > 0, largest, 1)

    def single(theta: Array, key: PRNGKeyArray) -> tuple[Values, Float[Array, " parameter"]]:
        draws = jax.random.normal(program.key_apart(key, "checks"), size.shape, theta.dtype)
        weight = draws / size
        _, pullback = eqx.filter_vjp(lambda t: program.values(problem, t, key), theta)
        return weight, pullback(weight)[0]

    weight, back = map_pairs(problem, single, samples, seeds, run_key=run_key)
    ahead = np.einsum("srto,srtop->srp", weight, jacobian)
    difference = np.abs(ahead - back * scale).max(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0, difference / np.abs(ahead).max(axis=-1))


def lyapunov_exponent(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
) -> Float[np.ndarray, "sample seed time"] | None:
    """The finite-time Lyapunov exponent: (1 / t) ln (|d(t)| / |d(0)|), per unit of model time.

    d(0) is a random perturbation of the initial state, pushed along the path with the same noise and
    normalised after each step. It is positive where paths that differ a little drift apart
    exponentially: there pathwise gradients explode (Metz et al., arXiv 2111.05803, 2021). NaN at time 0.
    None for a study whose states ``jaxmorph.simulation.record`` does not step.
    """

    def single(theta: Array, key: PRNGKeyArray) -> Float[Array, " time"] | None:
        apart = program.key_apart(key, "checks")
        return simulate_with_tangent(problem.study, program.parameters(problem, theta), key, apart)[1]

    return map_pairs(problem, single, samples, seeds, run_key=run_key)


def simulate_with_tangent(
    study: Study,
    parameters: Mapping[str, Float[Array, ""]],
    key: PRNGKeyArray,
    tangent_key: PRNGKeyArray,
) -> tuple[Recording, Float[Array, " time"] | None]:
    """Simulate once; the finite-time Lyapunov exponent of a random perturbation of the first state.

    (1 / t) ln (|tangent(t)| / |tangent(0)|), per unit of model time since the first record, where it is
    NaN. None for a study that does not keep its records by one call of ``jaxmorph.simulation.record``,
    or calls it inside a JAX transformation.
    """
    instrument = TangentGrowth(tangent_key)
    with using(instrument):
        recording = study.simulate(parameters, key)
    elapsed = recording.time - recording.time[0]
    if [growth.shape for growth in instrument.recorded] != [elapsed.shape]:
        return recording, None
    after = elapsed > 0
    exponent = instrument.recorded[0] / jnp.where(after, elapsed, 1)
    return recording, jnp.where(after, exponent, jnp.nan)
