"""Evaluating samples x seeds: cut to what fits in memory, compiled once, with progress."""

import contextlib
import dataclasses
import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import psutil
from jaxtyping import Float, Int
from tqdm import tqdm

from ..errors import JaxmorphError
from ..studies import Problem
from . import program
from .program import GradientMode

logger = logging.getLogger(__name__)

# Part of the free memory that one program may take: another job may want as much.
_MEMORY_SHARE = 0.4
# A batch is evaluated in at least about this many pieces, so that the log shows progress.
_PIECES = 8
_SMALLEST_PIECE = 32
# The last line of a traceback: "package.SomeError: what happened".
_RAISED = re.compile(r"(?:\w+\.)*_?(?P<kind>\w*(?:Error|Exception)): (?P<message>.+)")


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Values and gradients of one batch.

    Attributes:
        time: Model times, shape (time,).
        value: Shape (sample, seed, time, observable).
        gradient: Shape (sample, seed, time, observable, parameter), or None.
        mode: Gradient mode that was used.
        reason: Why this mode.
    """

    time: Float[np.ndarray, " time"]
    value: Float[np.ndarray, "sample seed time observable"]
    gradient: Float[np.ndarray, "sample seed time observable parameter"] | None
    mode: GradientMode | None
    reason: str


@dataclasses.dataclass(frozen=True)
class Trajectories:
    """Full simulations of samples x seeds, without gradients.

    Attributes:
        time: Model times, shape (time,).
        value: Shape (sample, seed, time, observable).
        states: Name -> shape (sample, seed, time, ...), of the study's ``state_variables``.
    """

    time: Float[np.ndarray, " time"]
    value: Float[np.ndarray, "sample seed time observable"]
    states: dict[str, np.ndarray]


class Progress:
    """Writes how many simulations are done, the rate and the remaining time to the log."""

    def __init__(self, total: int, every: float = 2.0):
        self._total, self._every = total, every
        self._start = self._last = time.monotonic()
        self._done = 0

    def __call__(self, n: int) -> None:
        """Count ``n`` more simulations."""
        self._done += n
        now = time.monotonic()
        if now - self._last >= self._every or self._done >= self._total:
            self._last = now
            elapsed = now - self._start
            logger.info(tqdm.format_meter(self._done, self._total, elapsed, unit=" sim", ncols=80))


def evaluate(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    gradient: Literal["auto", "forward", "reverse", "none"] = "auto",
    memory_limit: float | None = None,
) -> Evaluation:
    """Values and gradients of all observables at all recorded times, for samples x seeds.

    Args:
        problem: The study, what varies and what is measured.
        samples: Values of the varied parameters.
        seeds: Run-wide seed numbers.
        run_key: The run's random key.
        gradient: Gradient mode; ``auto`` takes the cheaper one.
        memory_limit: Bytes that one program may use; default: a share of what is free. What does not
            fit is cut into pieces, with the same results (to round-off).

    Raises:
        JaxmorphError: If the study raises; names the sample, the seed and the parameter values.
    """
    samples = np.asarray(samples, program.dtype(problem))
    shape = program.trace(problem)
    mode: GradientMode | None
    single: Callable
    if gradient == "none":
        mode, reason, single = None, "no gradients wanted", program.values
    else:
        mode, reason = program.choose_mode(gradient, shape.shape, len(problem.names))
        single = program.forward if mode == "forward" else program.reverse
        logger.info("gradient mode: %s (%s)", mode, reason)
    with program.precision(problem):
        keys = program.seed_keys(run_key, np.asarray(seeds))
        function = program.over_batch(lambda theta, key: single(problem, theta, key))
        with _blaming(problem, function, samples, keys, seeds):
            model_time = _model_time(problem, samples, keys)
            result = _in_pieces(function, samples, keys, memory_limit)
    value, grad = (result, None) if mode is None else result
    return Evaluation(model_time, value, grad, mode, reason)


def simulate_states(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
) -> Trajectories:
    """Values and full states over time, for (few) samples x seeds."""
    samples = np.asarray(samples, program.dtype(problem))
    with program.precision(problem):
        keys = program.seed_keys(run_key, np.asarray(seeds))

        def both(theta: jax.Array, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
            recording = program.recording(problem, theta, key)
            return program.select(problem, recording), recording.states

        function = program.over_batch(both)
        with _blaming(problem, function, samples, keys, seeds):
            value, states = jax.jit(function)(jnp.asarray(samples), keys)
            states = {name: np.asarray(state) for name, state in states.items()}
            model_time = _model_time(problem, samples, keys)
    return Trajectories(model_time, np.asarray(value), states)


def _model_time(problem: Problem, samples: np.ndarray, keys: jax.Array) -> np.ndarray:
    """The recorded times; an error if they depend on the parameters."""
    times = jax.jit(lambda theta, key: program.recording(problem, theta, key).time)
    first = np.asarray(times(jnp.asarray(samples[0]), keys[0]))
    last = np.asarray(times(jnp.asarray(samples[-1]), keys[-1]))
    if not np.array_equal(first, last):
        raise JaxmorphError(
            f"study {type(problem.study).__name__}: the recorded times differ between samples "
            f"({first[-1]:g} and {last[-1]:g} at the end); record at times that no parameter changes"
        )
    return first


def _in_pieces(
    function: Callable, samples: np.ndarray, keys: jax.Array, memory_limit: float | None
) -> Any:
    """Evaluate ``function`` over samples x keys; a pytree of arrays (sample, seed, ...)."""
    n_samples, n_seeds = len(samples), len(keys)
    compiled, size = _compile(function, samples, keys, memory_limit)
    progress = Progress(n_samples * n_seeds)
    pieces: dict[tuple[int, int], Any] = {}
    for i, j in _corners(n_samples, n_seeds, size):
        # The last piece of a row or column is shifted back to full size: one program for all.
        a, b = min(i, n_samples - size[0]), min(j, n_seeds - size[1])
        piece = compiled(jnp.asarray(samples[a : a + size[0]]), keys[b : b + size[1]])
        pieces[i, j] = jax.tree.map(lambda x, a=i - a, b=j - b: np.asarray(x)[a:, b:], piece)
        progress(min(size[0], n_samples - i) * min(size[1], n_seeds - j))
    rows = []
    for i in range(0, n_samples, size[0]):
        row = [pieces[i, j] for j in range(0, n_seeds, size[1])]
        rows.append(jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *row))
    return jax.tree.map(lambda *parts: np.concatenate(parts, axis=0), *rows)


def _corners(n_samples: int, n_seeds: int, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for i in range(0, n_samples, size[0]):
        for j in range(0, n_seeds, size[1]):
            yield i, j


def _compile(
    function: Callable, samples: np.ndarray, keys: jax.Array, memory_limit: float | None
) -> tuple[Callable, tuple[int, int]]:
    """The compiled program and the size of the piece (samples, seeds) that it evaluates."""
    limit = _free_memory() * _MEMORY_SHARE if memory_limit is None else memory_limit
    n_samples, n_seeds = len(samples), len(keys)
    # Pieces take all seeds of a few samples: they share the noise, and progress is even.
    wanted = max(_SMALLEST_PIECE, n_samples * n_seeds // _PIECES)
    size = (min(n_samples, max(1, math.ceil(wanted / n_seeds))), n_seeds)
    while True:
        arguments = (
            jax.ShapeDtypeStruct((size[0], samples.shape[1]), samples.dtype),
            jax.ShapeDtypeStruct((size[1], *keys.shape[1:]), keys.dtype),
        )
        compiled = jax.jit(function).lower(*arguments).compile()
        need = _memory_of(compiled)
        if need <= limit or size == (1, 1):
            break
        logger.info(
            "%d samples x %d seeds need %.3g MB, %.3g MB may be used: cutting the batch",
            *size,
            need / 1e6,
            limit / 1e6,
        )
        size = (math.ceil(size[0] / 2), size[1]) if size[0] > 1 else (1, math.ceil(size[1] / 2))
    logger.info("evaluating pieces of %d samples x %d seeds (%.3g MB)", *size, need / 1e6)
    return compiled, size


def _memory_of(compiled: Any) -> float:
    """Bytes that a compiled program uses while it runs."""
    m = compiled.memory_analysis()
    return m.temp_size_in_bytes + m.output_size_in_bytes + m.argument_size_in_bytes


def _free_memory() -> float:
    """Bytes free on the device that JAX uses."""
    statistics = jax.devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)
    return psutil.virtual_memory().available


@contextlib.contextmanager
def _blaming(
    problem: Problem, function: Callable, samples: np.ndarray, keys: jax.Array, seeds: np.ndarray
) -> Iterator[None]:
    """Say of what goes wrong inside at which sample and seed it did."""
    try:
        yield
    except JaxmorphError:
        raise
    except Exception as error:
        raise _blame(problem, function, samples, keys, seeds, error) from error


def _blame(
    problem: Problem,
    function: Callable,
    samples: np.ndarray,
    keys: jax.Array,
    seeds: np.ndarray,
    error: Exception,
) -> JaxmorphError:
    """Find the (sample, seed) pair at which the study raises, by evaluating them one by one."""
    one = jax.jit(function)
    for i, theta in enumerate(samples):
        for j, seed in enumerate(seeds):
            try:
                jax.block_until_ready(one(jnp.asarray(theta[None]), keys[j : j + 1]))
            except Exception as raised:
                return StudyError(type(problem.study).__name__, i, int(seed), problem, theta, raised)
    return JaxmorphError(
        f"study {type(problem.study).__name__}: evaluating {len(samples)} samples x {len(seeds)} seeds "
        f"failed, though each of them works alone: {_first_line(error)}"
    )


class StudyError(JaxmorphError):
    """A study raised: which sample of the batch (``index``), which seed, at which parameters."""

    def __init__(
        self,
        study: str,
        index: int,
        seed: int,
        problem: Problem,
        theta: np.ndarray,
        error: Exception,
    ):
        at = ", ".join(f"{n} = {v:.17g}" for n, v in zip(problem.names, theta, strict=True))
        self.index = index
        self._before = f"study {study} raised {_first_line(error)}; "
        self._after = f"seed {seed}, {at}"
        super().__init__(f"{self._before}sample {index} of the batch, {self._after}")

    def renumbered(self, samples: Sequence[int]) -> JaxmorphError:
        """The same with the run-wide sample number; ``samples`` are those of the batch."""
        return JaxmorphError(f"{self._before}sample {samples[self.index]}, {self._after}")


def _first_line(error: Exception) -> str:
    """What went wrong in one line, also when JAX reports a whole traceback as the message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    raised = [match for line in lines if (match := _RAISED.match(line))]
    if raised:
        return f"{raised[-1]['kind']}: {raised[-1]['message']}"
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
