"""Can the gradients be trusted: finite differences, growth of a perturbation."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..studies import Problem, Recording, Study
from ..tracing import TangentGrowth, using
from . import differentiable, program
from .batch import Evaluation, evaluate, map_pairs
from .differentiable import NotDifferentiable
from .pieces import small_piece


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
    n_seeds: int | None = None,
    traced: program.Traced | None = None,
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
        n_seeds: Seeds of the run, whose small program is then taken; default: those of ``seeds``.
        traced: The study, traced, where that has been done.
    """
    scale = np.array([d.frozen().std() for d in problem.distributions])
    h = step * scale
    offsets = np.concatenate([m * np.diag(h) for m in (1, -1, 2, -2)])  # (4 parameter, parameter)
    moved = (samples[:, None, :] + offsets).reshape(-1, samples.shape[1])
    value = evaluate(problem, moved, seeds, run_key=run_key, gradient="none", traced=traced).value
    n, p = samples.shape
    value = value.reshape(n, 4, p, *value.shape[1:])
    value = np.moveaxis(value, 2, -1)  # (sample, offset, seed, time, observable, parameter)
    near = (value[:, 0] - value[:, 1]) / (2 * h)
    far = (value[:, 2] - value[:, 3]) / (4 * h)
    gradient = (4 * near - far) / 3
    piece = small_piece(len(seeds) if n_seeds is None else n_seeds)
    automatic = _as_measured(problem, samples, seeds, run_key, piece, traced)
    roundoff = np.finfo(value.dtype).eps * np.abs(value).max(axis=1) / h
    return FiniteDifferences(automatic, gradient, np.abs(near - far) / 3 + roundoff)


def _as_measured(
    problem: Problem,
    samples: np.ndarray,
    seeds: np.ndarray,
    run_key: int,
    piece: tuple[int, int],
    traced: program.Traced | None,
) -> Evaluation:
    """Values and gradients by the program of the study job, found in the cache: of some pairs again."""
    rows = np.resize(np.arange(len(samples)), max(len(samples), piece[0]))
    again = np.resize(seeds, max(len(seeds), piece[1]))
    found = evaluate(problem, samples[rows], again, run_key=run_key, traced=traced)
    assert found.gradient is not None
    kept = slice(len(samples)), slice(len(seeds))
    return dataclasses.replace(found, value=found.value[kept], gradient=found.gradient[kept])


def lyapunov_exponent(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    traced: program.Traced | None = None,
) -> Float[np.ndarray, "sample seed time"] | None:
    """The finite-time Lyapunov exponent: (1 / t) ln (|d(t)| / |d(0)|), per unit of model time.

    d(0) is a random perturbation of the initial state, pushed along the path with the same noise and
    normalised after each step. It is positive where paths that differ a little drift apart
    exponentially: there pathwise gradients explode (Metz et al., arXiv 2111.05803, 2021). NaN at time 0.
    None for a study whose states ``jaxmorph.simulation.record`` does not step.

    Raises:
        NotDifferentiable: If JAX has no forward mode of these steps.
    """

    def single(theta: Array, key: PRNGKeyArray) -> Float[Array, " time"] | None:
        apart = program.key_apart(key, "checks")
        return simulate_with_tangent(problem.study, program.parameters(problem, theta), key, apart)[1]

    traced = traced or program.trace(problem)
    if what := differentiable.stops_tangents(traced):
        theta, key = program.arguments(problem)
        one = jax.ShapeDtypeStruct((1, *theta.shape), theta.dtype)
        with program.precision(problem):
            try:
                if jax.eval_shape(jax.vmap(single, (0, None)), one, key) is None:
                    return None
            except Exception as error:
                raise NotDifferentiable(f"JAX pushes no tangent through the steps ({what})") from error
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
