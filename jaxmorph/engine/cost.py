"""What a simulation of a study costs, measured."""

import contextlib
import math
import os
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
import psutil

from ..configuration import Cost, Estimator
from ..configuration.limits import FULL_JOB_BYTES, amount, size
from ..configuration.resources import PIECES
from ..errors import JaxmorphError
from ..studies import Problem
from . import program
from .batch import on_pairs
from .devices import describe_devices, n_cpus, per_device
from .estimators import Single, WantedMode
from .failures import StudyError
from .pieces import (
    Piece,
    Program,
    compile_piece,
    evaluate_piece,
    free_for_a_program,
    memory_there,
    small_piece,
)
from .recordings import NoNumbersError, check_numbers
from .ways import SMOOTHING, choose_way

_LONG_ENOUGH_S = 0.05
"""A program that takes less is run again: its first run does what is done once."""

_TIMES = 4
"""So many times as many simulations are timed next; each number has a program of its own to compile."""

_STILL_GROWS = 1.6
"""A throughput that grows by less is then at four fifths of what it can be, or above."""

_SEARCH_S = 60.0
"""After this time, compilations included, no more are timed; ..."""

_EVALUATION_S = 5.0
"""... and never so many that they may take longer than this."""


class Timing(NamedTuple):
    """What one program takes.

    Attributes:
        simulations: How many it evaluates.
        seconds: Of one evaluation, results included.
        result_bytes: Of all that it gives.
        program_bytes: Memory while it runs.
    """

    simulations: int
    seconds: float
    result_bytes: int
    program_bytes: int

    @property
    def rate(self) -> float:
        """Simulations a second."""
        return self.simulations / self.seconds


def check_size(problem: Problem, traced: program.Traced) -> None:
    """Whether the results of one simulation fit into the memory.

    Raises:
        JaxmorphError: If they do not; with the arithmetic.
    """
    n_times, n_observables = traced.shape
    numbers, each = 1 + len(problem.names), program.dtype(problem).itemsize
    results, there = n_times * n_observables * numbers * each, memory_there()
    if results > there:
        raise JaxmorphError(
            f"a simulation gives {size(results)}: {amount(n_times)} times x {n_observables} observables "
            f"x {numbers} numbers (a value, and a gradient by each parameter) of {each} B, and there "
            f"are {size(there)} of memory; record fewer times or observables, or vary fewer parameters"
        )


def measure_cost(
    problem: Problem,
    *,
    run_key: int,
    n_seeds: int,
    most: int = 0,
    gradient: WantedMode = "auto",
    estimator: Estimator = "pathwise",
    smoothing: float = SMOOTHING,
    noise: bool = False,
    traced: program.Traced | None = None,
) -> Cost:
    """Time a few simulations at the medians of the parameters, or at a quartile where the study raises.

    A CPU is as fast with a few at once as with many. A GPU is not: there more and more are timed.

    Args:
        problem: The study, what varies and what is measured.
        run_key: The run's random key.
        n_seeds: Seeds of the run: what is timed is the program of its small batches, or of as many
            simulations as fit into the memory.
        most: Simulations of the run: no more are timed at once, but for the first few.
        gradient: As of ``engine.evaluate``, and so are the others.
        estimator: See there.
        smoothing: See there.
        noise: See there.
        traced: See there.

    Raises:
        JaxmorphError: If it raises at all three, or gives no numbers there, or a single simulation does
            not fit into the memory.
    """
    way = choose_way(problem, gradient, estimator, smoothing, run_key, traced)
    mapped = way.of(noise and program.is_noisy(problem, way.traced))
    for quantile in (0.5, 0.25):
        with contextlib.suppress(StudyError, NoNumbersError):
            return _measure(problem, mapped, quantile, run_key, small_piece(n_seeds), most)
    return _measure(problem, mapped, 0.75, run_key, small_piece(n_seeds), most)


def find_plateau(first: Timing, next_after: Callable[[Timing], Timing | None]) -> Timing:
    """The fastest of timings of more and more simulations at once, until more are hardly faster.

    Args:
        first: The one of fewest simulations.
        next_after: Times four times as many as a timing has; None if these are too many.
    """
    best = last = first
    while (found := next_after(last)) is not None:
        best = max(best, found, key=lambda timing: timing.rate)
        if found.rate < _STILL_GROWS * last.rate:
            break
        last = found
    return best


def _measure(
    problem: Problem,
    mapped: tuple[Single, Single],
    quantile: float,
    run_key: int,
    shape: tuple[int, int],
    most: int,
) -> Cost:
    medians = [distribution.ppf(np.array(quantile)) for distribution in problem.distributions]
    point = np.array([medians], program.dtype(problem))
    single, simulates = mapped
    with on_pairs(problem, single, point, np.arange(shape[1]), run_key, simulates) as (function, keys):
        limit = free_for_a_program()

        def compiled(rows: int, columns: int) -> Program:
            return compile_piece(function, point, keys[:columns], (per_device(rows), columns), limit)

        start = time.perf_counter()
        piece = compiled(*shape)
        compile_s = time.perf_counter() - start
        rows, columns = (min(*pair) for pair in zip(shape, piece.size, strict=True))
        first, leaves = _time(piece, point, keys, rows, columns)
        value, gradient, *_ = (*leaves, None)
        check_numbers(problem, value, gradient)
        found = first

        def next_after(last: Timing) -> Timing | None:
            factor = _TIMES * last.simulations // first.simulations
            if (
                factor * first.simulations > most
                or factor * first.result_bytes > FULL_JOB_BYTES / PIECES
                or _TIMES * last.seconds > _EVALUATION_S
                or time.perf_counter() - start > _SEARCH_S
            ):
                return None
            with contextlib.suppress(jax.errors.JaxRuntimeError):  # no memory
                piece = compiled(factor * rows, columns)
                if piece.size == (per_device(factor * rows), columns):
                    return _time(piece, point, keys, factor * rows, columns)[0]
            return None

        if _gains_by_more():
            found = find_plateau(first, next_after)
    jobs = max(1, (os.cpu_count() or 1) // n_cpus())
    return Cost(
        device=describe_devices(),
        threads=n_cpus(),
        simulations=found.simulations,
        seconds_per_simulation=found.seconds / found.simulations,
        compile_s=compile_s,
        result_bytes_per_simulation=found.result_bytes // found.simulations,
        program_bytes=found.program_bytes,
        at_once=1 if _gains_by_more() else jobs,
        memory_bytes=psutil.virtual_memory().total / jobs,
    )


def _time(
    piece: Program, point: np.ndarray, keys: np.ndarray, rows: int, columns: int
) -> tuple[Timing, list[np.ndarray]]:
    """Evaluate so many rows of one point; again, if that takes no time. Gives its leaves, too."""
    points, all_of_it = np.repeat(point, rows, axis=0), Piece(0, rows, 0, columns)
    if _gains_by_more():  # a GPU loads a program when it runs for the first time
        evaluate_piece(piece, points, keys, all_of_it)
    seconds, ends, done = math.inf, time.perf_counter() + _LONG_ENOUGH_S, 0.0
    while done < ends:
        start = time.perf_counter()
        leaves = evaluate_piece(piece, points, keys, all_of_it)
        done = time.perf_counter()
        seconds = min(seconds, done - start)
    result_bytes = sum(leaf.nbytes for leaf in leaves)
    return Timing(rows * columns, seconds, result_bytes, int(piece.memory)), leaves


def _gains_by_more() -> bool:
    """Whether the devices are faster with many simulations at once."""
    return jax.local_devices()[0].platform != "cpu"
