"""What a simulation of a study costs, measured."""

import contextlib
import math
import time

import numpy as np

from ..configuration import Cost, Estimator
from ..studies import Problem
from . import program
from .batch import on_pairs
from .devices import describe_devices, n_cpus, per_device
from .estimators import Single, WantedMode
from .failures import StudyError
from .pieces import Piece, compile_piece, evaluate_piece, small_piece
from .ways import SMOOTHING, choose_way


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
        n_seeds: Seeds of the run: what is timed is the program of its small batches.
        gradient: As of ``engine.evaluate``, and so are the others.
        estimator: See there.
        smoothing: See there.
        noise: See there.
        traced: See there.

    Raises:
        JaxmorphError: If it raises at all three.
    """
    way = choose_way(problem, gradient, estimator, smoothing, run_key, traced)
    mapped = way.of(noise and program.is_noisy(problem, way.traced))
    for quantile in (0.5, 0.25):
        with contextlib.suppress(StudyError):
            return _time(problem, mapped, quantile, run_key, small_piece(n_seeds))
    return _time(problem, mapped, 0.75, run_key, small_piece(n_seeds))


def _time(
    problem: Problem,
    mapped: tuple[Single, Single],
    quantile: float,
    run_key: int,
    size: tuple[int, int],
) -> Cost:
    point = [distribution.ppf(np.array(quantile)) for distribution in problem.distributions]
    samples = np.tile(point, (size[0], 1)).astype(program.dtype(problem))
    seeds = np.arange(size[1])
    single, simulates = mapped
    with on_pairs(problem, single, samples, seeds, run_key, simulates) as (function, keys):
        start = time.perf_counter()
        piece = compile_piece(function, samples, keys, (per_device(size[0]), size[1]), math.inf)
        compiled = time.perf_counter()
        leaves = evaluate_piece(piece, samples, keys, Piece(0, size[0], 0, size[1]))
        done = time.perf_counter()
    n = math.prod(size)
    return Cost(
        device=describe_devices(),
        threads=n_cpus(),
        simulations=n,
        seconds_per_simulation=(done - compiled) / n,
        compile_s=compiled - start,
        result_bytes_per_simulation=sum(leaf.nbytes for leaf in leaves) // n,
        program_bytes=int(piece.memory),
    )
