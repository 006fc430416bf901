"""What the jobs of a run need: memory and time, from what the study job measured.

Snakemake asks for them when a job is submitted, and again with a higher ``attempt`` when it failed.
The numbers and where they come from are in docs/scaling.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cost import Cost, read_cost
from .optimisers import LBFGS

if TYPE_CHECKING:
    from .models import Run

MEGABYTE = 1e6

JOB_MB = 1500
"""A job that simulates, before it holds results: JAX, a compiled program, Snakemake twice."""

RESULT_COPIES = 4
"""How many times a job holds its results, at most, while it collects and compresses them."""

PIECES = 16
"""A batch is evaluated in about so many pieces, one after the other: its log shows progress, and not
much is lost when a job is cut off."""

PROGRAM_MB = 4000
"""Pieces that need more are cut to what the job has: no job has to ask for more."""

JOB_S = 300
"""Start of a job on a busy shared file system, without compilation."""

SLOWER = 2.0
"""How much slower than the measurement a job may be: a worse sample, a worse node."""

CHECK_SIMULATIONS = 200
"""What the checks of one sample at one seed cost, in simulations with gradients."""

LINE_SEARCH_STEPS = 4
"""Simulations of a step of L-BFGS, for each of its seeds."""

HELD_PER_CHECK = 8
"""Of these so many are held at once, in results of a simulation: differences are of values alone."""

EVALUATIONS_PER_START = 60
"""What is measured of a start at its end (barriers, Hessian, sections, map), in fresh evaluations."""

DESIGN_BYTES = 32.0
"""Of a parameter of a point: values and probabilities, and each once more while they are made."""

PATH_BYTES = 8.0
"""Of a number that a step of an optimisation leaves; two for each parameter, and four."""

SENSITIVITY_MB = 2000
"""The estimates work through slabs of the results, whatever their number and size is."""

SLAB_BYTES = 32e6
"""A slab has all seeds of a sample, and so many bytes unless these are more."""

SENSITIVITY_BYTES_PER_SAMPLE = 2000.0
"""Weights of the resamples; elasticities, smaller than the results of one seed, come on top."""

MATRICES = 20
"""So many matrices of parameters by parameters are kept for each time and observable, at most, once
they are so large that no more fit in what every job has: of blocks, nested subsets, the estimate."""

MATRICES_AT_ONCE = 3000
"""And so many while one time and observable is estimated: 400 resamples of samples and of seeds."""

SENSITIVITY_S_PER_GB = 180.0
"""Three times what a busy core was measured to take."""


@dataclass(frozen=True)
class Need:
    """What one job asks for: megabytes of memory and whole minutes."""

    mem_mb: int
    runtime: int

    @classmethod
    def of(cls, megabytes: float, seconds: float, attempt: int) -> Need:
        """So much at the first attempt, twice as much at the second."""
        return cls(attempt * math.ceil(megabytes), attempt * math.ceil(seconds / 60))


def need(rule: str, run: Run, attempt: int, cost: str = "", batch: str = "", starts: str = "") -> Need:
    """What a job of ``rule`` needs.

    Args:
        rule: One of the rules that are jobs on a cluster.
        run: The run that the job belongs to.
        attempt: 1 for the first try.
        cost: The file ``cost.json`` of the run; not for the rule that writes it.
        batch: Id of the batch, of the rule ``batch``.
        starts: Name of the job, of the rule ``starts``.

    Raises:
        FileNotFoundError: If ``cost`` is not there yet: Snakemake asks again when it is.
    """
    if rule == "study":  # nothing is measured yet: enough to compile a large study
        return Need.of(2 * JOB_MB, 1800, attempt)
    measured = read_cost(cost)
    if rule == "batch":
        part = run.batches[batch]
        return of_batch(run, measured, len(part.samples), len(part.seeds), part.samples.stop, attempt)
    if rule == "starts":
        return of_starts(run, measured, len(run.optimisation_jobs[starts]), attempt)
    return OF_RUN[rule](run, measured, attempt)


def of_batch(run: Run, cost: Cost, samples: int, seeds: int, stop: int, attempt: int = 1) -> Need:
    """Of a batch of so many samples and seeds, which makes the first ``stop`` points of the design."""
    points = DESIGN_BYTES * len(run.parameters) * stop
    simulations = samples * seeds
    return _simulating(simulations, simulations, cost, attempt, besides=points)


def of_corners(run: Run, cost: Cost, attempt: int = 1) -> Need:
    """Of the corners: their whole histories are kept, but they are four at most."""
    n = 2 ** len(run.corners)
    return _simulating(n, n, cost, attempt)


def of_checks(run: Run, cost: Cost, attempt: int = 1) -> Need:
    """Of the checks of single samples, and of those on lines."""
    pairs, on_lines = checked(run)
    held = HELD_PER_CHECK * pairs + on_lines
    return _simulating(CHECK_SIMULATIONS * pairs + on_lines, held, cost, attempt, programs=7)


def checked(run: Run) -> tuple[int, int]:
    """How many simulations are checked by themselves, and how many are on lines."""
    checks = run.checks
    pairs = min(checks.samples, run.n_samples) * min(checks.seeds, run.seeds)
    seeds, rounds = checks.lines(run.estimator, run.seeds)
    return pairs, checks.line_points * (len(run.parameters) + rounds) * seeds if pairs else 0


def of_sensitivity(run: Run, cost: Cost, attempt: int = 1) -> Need:
    """Of the estimates."""
    of_one = cost.result_bytes_per_simulation
    kept = run.n_samples * (SENSITIVITY_BYTES_PER_SAMPLE + of_one) + _matrices(run, of_one)
    kept += RESULT_COPIES * max(0.0, run.n_seeds * of_one - SLAB_BYTES)
    gigabytes = run.n_samples * run.n_seeds * of_one / 1e9
    seconds = JOB_S + SENSITIVITY_S_PER_GB * gigabytes
    return Need.of(SENSITIVITY_MB + kept / MEGABYTE, seconds, attempt)


def of_starts(run: Run, cost: Cost, n: int, attempt: int = 1) -> Need:
    """Of ``n`` starts at once, step after step, each of which is refined at its end."""
    optimise = run.optimise
    assert optimise is not None
    at_once = n * optimise.seeds_per_step
    if optimise.refine:  # start after start
        at_once = max(at_once, optimise.refine.seeds)
    return _optimising(descent_simulations(run, n), at_once, cost, attempt, _paths(run, n))


def descent_simulations(run: Run, n: int) -> int:
    """Simulations of all steps of ``n`` starts."""
    optimise = run.optimise
    assert optimise is not None
    searches = LINE_SEARCH_STEPS if optimise.optimiser.name == LBFGS else 1
    simulations = searches * n * optimise.seeds_per_step * (optimise.steps + 1)
    if optimise.refine:
        simulations += n * optimise.refine.seeds * (optimise.refine.steps + 1)
    return simulations


def of_objective(run: Run, cost: Cost, attempt: int = 1) -> Need:
    """Of the job that looks at the objective."""
    del run
    return _optimising(1, 1, cost, attempt)


def of_optimisation(run: Run, cost: Cost, attempt: int = 1) -> Need:
    """Of what is measured of all starts at their ends."""
    optimise = run.optimise
    assert optimise is not None
    n = optimise.n_starts(tuple(run.parameters))
    at_once = EVALUATIONS_PER_START * n * optimise.evaluation_seeds
    return _optimising(at_once, at_once, cost, attempt, _paths(run, n))


OF_RUN = {
    "corners": of_corners,
    "checks": of_checks,
    "sensitivity": of_sensitivity,
    "objective": of_objective,
    "optimisation": of_optimisation,
}
"""What the one job of a run needs, by its rule."""


def _paths(run: Run, n: int) -> float:
    assert run.optimise is not None
    return PATH_BYTES * n * (run.optimise.steps + 1) * (2 * len(run.parameters) + 4)


def _optimising(simulations: int, at_once: int, cost: Cost, attempt: int, besides: float = 0.0) -> Need:
    program = at_once / cost.simulations * cost.program_bytes
    results = RESULT_COPIES * at_once * cost.result_bytes_per_simulation + besides
    megabytes = JOB_MB + (min(program, PROGRAM_MB * MEGABYTE) + results) / MEGABYTE
    seconds = 4 * cost.compile_s + simulations * cost.seconds_per_simulation
    return Need.of(megabytes, JOB_S + SLOWER * seconds, attempt)


def _simulating(
    simulations: int, held: int, cost: Cost, attempt: int, programs: int = 1, besides: float = 0.0
) -> Need:
    """``held``: how many of the simulations there are results of at once."""
    results = RESULT_COPIES * held * cost.result_bytes_per_simulation + besides
    # The program's memory grows with the simulations that it evaluates at once.
    at_once = max(1.0, simulations / PIECES / cost.simulations)
    program = min(at_once * cost.program_bytes / MEGABYTE, PROGRAM_MB)
    seconds = programs * cost.compile_s + simulations * cost.seconds_per_simulation
    return Need.of(
        JOB_MB + program + results / MEGABYTE,
        JOB_S + SLOWER * seconds,
        attempt,
    )


def _matrices(run: Run, result_bytes: float) -> float:
    """Bytes of the products of gradients, of which ``result_bytes`` are those of one simulation."""
    n = len(run.parameters)
    entries = result_bytes / (4 * (1 + n))  # times x observables, in single precision
    return 8.0 * n**2 * (MATRICES * entries + MATRICES_AT_ONCE)
