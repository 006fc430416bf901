"""What a simulation of a study costs, measured."""

import contextlib
import time

import numpy as np

from ..configuration import Cost, Estimator
from ..configuration.limits import amount, size
from ..errors import JaxmorphError
from ..studies import Problem
from . import program
from .batch import on_pairs
from .devices import describe_devices, n_cpus, per_device
from .estimators import Single, WantedMode
from .failures import StudyError
from .pieces import Piece, compile_piece, evaluate_piece, free_for_a_program, memory_there, small_piece
from .recordings import NoNumbersError, check_numbers
from .ways import SMOOTHING, choose_way


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
    gradient: WantedMode = "auto",
    estimator: Estimator = "pathwise",
    smoothing: float = SMOOTHING,
    noise: bool = False,
    traced: program.Traced | None = None,
) -> Cost:
    """Time a few simulations at the medians of the parameters, or at a quartile where the study raises.

    Args:
        problem: The study, what varies and what is measured.
        run_key: The run's random key.
        n_seeds: Seeds of the run: what is timed is the program of its small batches, or of as many
            simulations as fit into the memory.
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
            return _time(problem, mapped, quantile, run_key, small_piece(n_seeds))
    return _time(problem, mapped, 0.75, run_key, small_piece(n_seeds))


def _time(
    problem: Problem,
    mapped: tuple[Single, Single],
    quantile: float,
    run_key: int,
    shape: tuple[int, int],
) -> Cost:
    point = [distribution.ppf(np.array(quantile)) for distribution in problem.distributions]
    samples = np.tile(point, (shape[0], 1)).astype(program.dtype(problem))
    seeds = np.arange(shape[1])
    single, simulates = mapped
    with on_pairs(problem, single, samples, seeds, run_key, simulates) as (function, keys):
        start = time.perf_counter()
        wanted, limit = (per_device(shape[0]), shape[1]), free_for_a_program()
        piece = compile_piece(function, samples, keys, wanted, limit)
        compiled = time.perf_counter()
        rows, columns = (min(*pair) for pair in zip(shape, piece.size, strict=True))
        leaves = evaluate_piece(piece, samples, keys, Piece(0, rows, 0, columns))
        done = time.perf_counter()
    value, gradient, *_ = (*leaves, None)
    check_numbers(problem, value, gradient)
    n = rows * columns
    return Cost(
        device=describe_devices(),
        threads=n_cpus(),
        simulations=n,
        seconds_per_simulation=(done - compiled) / n,
        compile_s=compiled - start,
        result_bytes_per_simulation=sum(leaf.nbytes for leaf in leaves) // n,
        program_bytes=int(piece.memory),
    )
