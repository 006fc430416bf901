"""Evaluating a study at samples x seeds: values with gradients, and trajectories."""

import contextlib
import dataclasses
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from ..configuration import Estimator
from ..errors import JaxmorphError
from ..studies import Problem
from . import capacities, program
from .estimators import Single, WantedMode
from .failures import blaming
from .pieces import Program, Saved, in_pieces
from .program import GradientMode
from .ways import SMOOTHING, choose_way

Noise = tuple[
    Float[np.ndarray, "sample seed time observable"],
    Float[np.ndarray, "sample seed time observable parameter"],
]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Values and gradients of one batch.

    Attributes:
        time: Model times, shape (time,).
        value: Shape (sample, seed, time, observable).
        gradient: Shape (sample, seed, time, observable, parameter), or None.
        mode: Mode of automatic differentiation that was used, or None.
        reason: Why this mode.
        estimator: What the gradient is: see :func:`evaluate`.
        path_score: d ln p / d parameter of what was drawn in stretches of the path, shape (sample, seed,
            stretch, parameter), NaN for parameters that observables depend on besides; None if it is not
            known (``estimators.score``).
        noise: Factors of terms of d variance between seeds / d parameter (:class:`.program.NoiseTerms`),
            shaped as value and gradient; None if not asked for, or if the estimator has none.
    """

    time: Float[np.ndarray, " time"]
    value: Float[np.ndarray, "sample seed time observable"]
    gradient: Float[np.ndarray, "sample seed time observable parameter"] | None
    mode: GradientMode | None
    reason: str
    estimator: Estimator = "pathwise"
    path_score: Float[np.ndarray, "sample seed stretch parameter"] | None = None
    noise: Noise | None = None


@dataclasses.dataclass(frozen=True)
class SimulatedStates:
    """Full simulations of samples x seeds, without gradients.

    Attributes:
        time: Model times, shape (time,).
        value: Shape (sample, seed, time, observable).
        states: Name -> shape (sample, seed, time, ...), of the study's ``state_variables``.
    """

    time: Float[np.ndarray, " time"]
    value: Float[np.ndarray, "sample seed time observable"]
    states: dict[str, np.ndarray]


class _Compiled(NamedTuple):
    """A function of (theta, key), its programs by their size, and the buffers that they have."""

    single: Single
    programs: dict[tuple[int, int], Program]
    buffers: capacities.Capacities


_COMPILED: weakref.WeakKeyDictionary[program.Traced, dict[tuple, _Compiled]]
_COMPILED = weakref.WeakKeyDictionary()
"""What this process has compiled of a traced study, by the arguments of :func:`evaluator`."""


def evaluate(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    gradient: WantedMode = "auto",
    estimator: Estimator = "pathwise",
    smoothing: float = SMOOTHING,
    noise: bool = False,
    memory_limit: float | None = None,
    saved: Saved | None = None,
    traced: program.Traced | None = None,
) -> Evaluation:
    """Values and gradients of all observables at all recorded times, for samples x seeds.

    Args:
        problem: The study, what varies and what is measured.
        samples: Values of the varied parameters.
        seeds: Run-wide seed numbers.
        run_key: The run's random key.
        gradient: Gradient mode; ``auto`` takes the cheaper one of those that the study has.
        estimator: ``pathwise`` differentiates each simulation; ``smoothed`` and ``score`` estimate the
            gradient of the mean over seeds where that is unreliable, and ``straight-through``, with a
            bias, where it leaves out discrete choices: see ``engine.estimators``.
        smoothing: Width of the Gaussian of ``smoothed``, in standard deviations of each parameter.
        noise: Whether to tell how the noise changes, too, where values and gradients do not.
        memory_limit: Bytes that one program may use; default: a share of what is free. What does not
            fit is cut into pieces, with the same results (to round-off).
        saved: Pieces of the same evaluation that were finished before, taken up instead of computed;
            those finished now are added.
        traced: The study, traced, where that has been done.

    Raises:
        JaxmorphError: If the study raises; names the sample, the seed and the parameter values. If the
            estimator cannot be had, from this study or in this mode.
    """
    with evaluator(
        problem,
        seeds,
        run_key=run_key,
        gradient=gradient,
        estimator=estimator,
        smoothing=smoothing,
        noise=noise,
        memory_limit=memory_limit,
        traced=traced,
    ) as evaluated:
        return evaluated(samples, saved)


@contextlib.contextmanager
def evaluator(
    problem: Problem,
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    gradient: WantedMode = "auto",
    estimator: Estimator = "pathwise",
    smoothing: float = SMOOTHING,
    noise: bool = False,
    memory_limit: float | None = None,
    traced: program.Traced | None = None,
) -> Iterator[Callable[..., Evaluation]]:
    """:func:`evaluate` of samples (and saved pieces) that come one after another, at the same seeds.

    It is compiled once for each number of samples, and for others who evaluate ``traced`` in this way.
    """
    way = choose_way(problem, gradient, estimator, smoothing, run_key, traced)
    known, how = _COMPILED.setdefault(way.traced, {}), (run_key, gradient, estimator, smoothing, noise)
    if how not in known:
        single, simulates = way.of(noise and program.is_noisy(problem, way.traced))
        known[how] = _Compiled(single, {}, capacities.Capacities(program.over_batch(simulates)))
    single, programs, buffers = known[how]
    with _mapped(problem, single, seeds, run_key, buffers) as (function, keys):

        def evaluated(samples: np.ndarray, saved: Saved | None = None) -> Evaluation:
            samples = np.asarray(samples, program.dtype(problem))
            with blaming(problem, function, samples, keys, seeds):
                model_time = _model_time(problem, way.traced, samples, keys)
                result = in_pieces(function, samples, keys, memory_limit, saved, programs)
            if gradient == "none":
                return Evaluation(model_time, result, None, way.mode, way.reason, estimator)
            if problem.discrete.all():
                none = np.full((*result.shape, len(problem.names)), np.nan, result.dtype)
                return Evaluation(model_time, result, none, way.mode, way.reason, estimator)
            value, grad, *more = tuple(result)
            score, terms, *_ = (*more, None, None)
            made = Evaluation(model_time, value, grad, way.mode, way.reason, estimator, score, terms)
            return _by_the_others(made, problem.discrete)

        yield evaluated


def _by_the_others(made: Evaluation, discrete: np.ndarray) -> Evaluation:
    """NaN where a derivative is by a discrete parameter: there is none."""
    if not discrete.any():
        return made

    def without(x: np.ndarray) -> np.ndarray:
        return np.where(discrete, np.nan, x).astype(x.dtype)

    assert made.gradient is not None
    return dataclasses.replace(
        made,
        gradient=without(made.gradient),
        path_score=None if made.path_score is None else without(made.path_score),
        noise=None if made.noise is None else (made.noise[0], without(made.noise[1])),
    )


def map_pairs(
    problem: Problem,
    single: Callable[[jax.Array, jax.Array], Any],
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
) -> Any:
    """``single(theta, key)`` for samples x seeds: a pytree of arrays (sample, seed, ...)."""
    samples = np.asarray(samples, program.dtype(problem))
    with on_pairs(problem, single, samples, seeds, run_key) as (function, keys):
        return in_pieces(function, samples, keys, None)


def simulate_states(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
) -> SimulatedStates:
    """Values and full states over time, for (few) samples x seeds."""
    samples = np.asarray(samples, program.dtype(problem))

    def both(theta: jax.Array, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        recording = program.recording(problem, theta, key)
        return program.select(problem, recording), recording.states

    with on_pairs(problem, both, samples, seeds, run_key) as (function, keys):
        value, states = in_pieces(function, samples, keys, None)
        model_time = _model_time(problem, program.trace(problem), samples, keys)
    return SimulatedStates(model_time, value, states)


@contextlib.contextmanager
def on_pairs(
    problem: Problem,
    single: Callable,
    samples: np.ndarray,
    seeds: np.ndarray,
    run_key: int,
    simulates: Callable | None = None,
) -> Iterator[tuple[Callable, np.ndarray]]:
    """``single`` over samples x seeds and the keys of the seeds; what raises inside is explained.

    Args:
        problem: The study, what varies and what is measured.
        single: The function of (theta, key) that is mapped.
        samples: Values of the varied parameters.
        seeds: Run-wide seed numbers.
        run_key: The run's random key.
        simulates: A function of (theta, key) that makes the same simulations at less cost, to size
            their buffers; default: ``single``.
    """
    buffers = capacities.Capacities(program.over_batch(simulates or single))
    with (
        _mapped(problem, single, seeds, run_key, buffers) as (function, keys),
        blaming(problem, function, samples, keys, seeds),
    ):
        yield function, keys


@contextlib.contextmanager
def _mapped(
    problem: Problem, single: Callable, seeds: np.ndarray, run_key: int, buffers: capacities.Capacities
) -> Iterator[tuple[Callable, np.ndarray]]:
    """``single`` over samples x seeds, with these buffers, and the keys of the seeds."""
    with program.precision(problem), capacities.allowing_buffers(buffers):
        yield program.over_batch(single), program.seed_keys(run_key, np.asarray(seeds))


def _model_time(
    problem: Problem, traced: program.Traced, samples: np.ndarray, keys: np.ndarray
) -> np.ndarray:
    """The recorded times; an error if they depend on the parameters."""
    first = np.asarray(traced.times(samples[0], keys[0]))
    last = np.asarray(traced.times(samples[-1], keys[-1]))
    if not np.array_equal(first, last):
        raise JaxmorphError(
            f"study {type(problem.study).__name__}: the recorded times differ between samples "
            f"({first[-1]:g} and {last[-1]:g} at the end); record at times that no parameter changes"
        )
    return first
