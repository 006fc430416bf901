"""What the jobs of a run need: memory and time, from what the study job measured.

Snakemake asks for them when a job is submitted, and again with a higher ``attempt`` when it failed.
The numbers and where they come from are in docs/scaling.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .cost import read_cost
from .models import Run
from .optimisers import LBFGS

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

EVALUATIONS_PER_START = 60
"""What is measured of a start at its end (barriers, Hessian, sections, map), in fresh evaluations."""

SENSITIVITY_MB = 2000
"""The estimates work through slabs of the results, whatever their number and size is."""

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
    if rule in ("objective", "starts", "optimisation"):
        return _optimisation_need(rule, run, cost, attempt, starts)
    match rule:
        case "study":  # nothing is measured yet: enough to compile a large study
            return Need.of(2 * JOB_MB, 1800, attempt)
        case "batch":
            part = run.batches[batch]
            return _simulation_need(len(part.samples) * len(part.seeds), cost, attempt)
        case "corners":  # their whole histories are kept, but they are four at most
            return _simulation_need(2 ** len(run.corners), cost, attempt)
        case "checks":
            checks = run.checks
            pairs = checks.samples * min(checks.seeds, run.seeds)
            seeds, rounds = checks.lines(run.estimator, run.seeds)
            points = checks.line_points * (len(run.parameters) + rounds)
            simulations = CHECK_SIMULATIONS * pairs + points * seeds
            return _simulation_need(simulations, cost, attempt, programs=7)
        case "sensitivity":
            of_one = read_cost(cost).result_bytes_per_simulation
            kept = run.n_samples * (SENSITIVITY_BYTES_PER_SAMPLE + of_one) / MEGABYTE
            kept += _matrices(run, of_one) / MEGABYTE
            gigabytes = run.n_samples * run.n_seeds * of_one / 1e9
            return Need.of(SENSITIVITY_MB + kept, JOB_S + SENSITIVITY_S_PER_GB * gigabytes, attempt)
    raise AssertionError(f"no rule {rule}")


def _optimisation_need(rule: str, run: Run, cost: str, attempt: int, starts: str) -> Need:
    """All starts of a job at once, step after step; or what is measured of all starts at their ends."""
    optimise = run.optimise
    assert optimise is not None
    n = sum(map(len, run.optimisation_jobs.values()))
    if rule == "starts":
        n = len(run.optimisation_jobs[starts])
        searches = LINE_SEARCH_STEPS if optimise.optimiser.name == LBFGS else 1
        at_once = n * optimise.seeds_per_step
        simulations = searches * at_once * (optimise.steps + 1)
        if optimise.refine:  # start after start
            at_once = max(at_once, optimise.refine.seeds)
            simulations += n * optimise.refine.seeds * (optimise.refine.steps + 1)
    elif rule == "objective":
        simulations = at_once = 1
    else:
        at_once = EVALUATIONS_PER_START * n * optimise.evaluation_seeds
        simulations = at_once
    measured = read_cost(cost)
    program = at_once / measured.simulations * measured.program_bytes
    results = RESULT_COPIES * at_once * measured.result_bytes_per_simulation
    megabytes = JOB_MB + (min(program, PROGRAM_MB * MEGABYTE) + results) / MEGABYTE
    seconds = 4 * measured.compile_s + simulations * measured.seconds_per_simulation
    return Need.of(megabytes, JOB_S + SLOWER * seconds, attempt)


def _simulation_need(simulations: int, cost: str, attempt: int, programs: int = 1) -> Need:
    measured = read_cost(cost)
    results = RESULT_COPIES * simulations * measured.result_bytes_per_simulation
    # The program's memory grows with the simulations that it evaluates at once.
    at_once = max(1.0, simulations / PIECES / measured.simulations)
    program = min(at_once * measured.program_bytes / MEGABYTE, PROGRAM_MB)
    seconds = programs * measured.compile_s + simulations * measured.seconds_per_simulation
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
