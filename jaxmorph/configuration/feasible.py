"""Whether a run can be done: how many jobs it is, and what each of them would ask for.

Held against ``limits.py`` when a configuration is read, with the fewest bytes that a simulation can
give, and again once the study job has measured what it gives and takes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..errors import JaxmorphError
from . import resources
from .batches import AUTO_SIMULATIONS, BatchSize, GrowingBatches, cut
from .cost import Cost
from .limits import MAX_JOB_DAYS, MAX_JOB_GB, MAX_JOBS, MAX_STORED, TooMuch, amount, size
from .resources import RESULT_COPIES, Need

if TYPE_CHECKING:
    from .models import Run

JOBS_BESIDES = 9
"""Of a run, beside its batches and starts: study, cut, design, corners, checks, estimates, figures,
films, report."""

_GROWS_BY = {"morris": "trajectories", "one-at-a-time": "points", "grid": "points", "list": "points"}


class _Job(NamedTuple):
    """One job of a run, the largest of its kind.

    Attributes:
        keys: Where to mend it, below the run.
        what: What it holds and does, with the numbers.
        need: What it asks for.
        remedy: What to do about it.
    """

    keys: tuple[str, ...]
    what: str
    need: Need
    remedy: str


def check_run(run: Run) -> None:
    """Hold a run against the bounds, as far as they can be told without its study.

    Raises:
        TooMuch: Names the key, the arithmetic and the bound.
    """
    _check_jobs(run)
    # One observable at one time, in single precision.
    least = Cost(
        device="",
        threads=1,
        simulations=1,
        seconds_per_simulation=0.0,
        compile_s=0.0,
        result_bytes_per_simulation=4 * (1 + len(run.parameters)),
        program_bytes=0,
    )
    _check_needs(run, least, "at least ")


def check_cost(name: str, run: Run, cost: Cost) -> None:
    """Hold a run against the bounds, knowing what its simulations give and take.

    Raises:
        JaxmorphError: Names the key, the arithmetic and the bound.
    """
    try:
        _check_needs(run, cost, "")
    except TooMuch as error:
        raise JaxmorphError(f"{'.'.join(('runs', name, *error.keys))}: {error}") from None


def count_jobs(run: Run) -> int:
    """How many jobs a run is; more than ``MAX_JOBS`` if it is more."""
    starts = -(-_starts(run) // run.optimise.starts_per_job) + 2 if run.optimise else 0
    return _batches(run) + starts + JOBS_BESIDES


def _starts(run: Run) -> int:
    return run.optimise.n_starts(tuple(run.parameters)) if run.optimise else 0


def _batches(run: Run) -> int:
    """Number of batches, counted no further than needed."""
    if (at_least := _full_jobs(run)[0]) > MAX_JOBS:
        return at_least
    names, groups = list(run.parameters), run.groups.values()
    batches = cut(run.batch, run.design, names, run.seeds, groups)
    return sum(1 for _ in itertools.islice(batches, MAX_JOBS + 1))


def _full_jobs(run: Run) -> tuple[int, str]:
    """How many batches there are if all are full, and what a full one is."""
    match run.batch:
        case BatchSize(samples=samples, seeds=seeds):
            jobs = -(-run.n_samples // samples) * -(-run.n_seeds // seeds)
            return jobs, f"{samples:,} samples x {seeds:,} seeds"
        case int(most):
            pass
        case GrowingBatches() as growing:
            most = max(growing.most, growing.least_of_job)
        case _:
            most = AUTO_SIMULATIONS
    return -(-run.n_samples * run.n_seeds // most), f"{most:,} simulations"


def _size_key(run: Run) -> tuple[str, str]:
    """The key of the design that says how many points it has."""
    return "design", _GROWS_BY.get(run.design.method, "samples")


def _check_jobs(run: Run) -> None:
    jobs, full = _full_jobs(run)
    if jobs > MAX_JOBS or (jobs := _batches(run)) > MAX_JOBS:
        many = f"more than {MAX_JOBS:,}" if jobs == MAX_JOBS + 1 else amount(jobs)
        said = (
            f"{amount(run.n_samples)} points x {amount(run.n_seeds)} seeds are {many} jobs of {full}; "
            f"the most is {MAX_JOBS:,}"
        )
        if run.batch != "auto" and run.n_samples * run.n_seeds <= MAX_JOBS * AUTO_SIMULATIONS:
            raise TooMuch(("batch",), f"{said}; write a larger number of simulations")
        keys = ("seeds",) if run.n_seeds > run.n_samples else _size_key(run)
        raise TooMuch(keys, f"{said}; write a smaller number")
    if run.optimise is not None:
        starts, of_job = _starts(run), run.optimise.starts_per_job
        if (jobs := -(-starts // of_job)) > MAX_JOBS:
            raise TooMuch(
                ("optimise", "starts"),
                f"{amount(starts)} starts, {of_job:,} in a job, are {amount(jobs)} jobs; the most is "
                f"{MAX_JOBS:,}; take fewer starts, or more starts_per_job",
            )
    stored = len(run.trajectories.samples) * len(run.trajectories.seeds)
    if stored > MAX_STORED:
        raise TooMuch(
            ("trajectories",),
            f"{len(run.trajectories.samples):,} samples x {len(run.trajectories.seeds):,} seeds are "
            f"{stored:,} whole histories; the most is {MAX_STORED:,}; name fewer",
        )


def _check_needs(run: Run, cost: Cost, at_least: str) -> None:
    for keys, what, need, remedy in _jobs(run, cost):
        gigabytes, days = need.mem_mb / 1000, need.runtime / 60 / 24
        if gigabytes > MAX_JOB_GB:
            much, most = size(1e6 * need.mem_mb), f"{MAX_JOB_GB:g} GB"
        elif days > MAX_JOB_DAYS:
            much, most = f"{amount(days)} days", f"{MAX_JOB_DAYS:g} days"
        else:
            continue
        raise TooMuch(keys, f"{what} would ask for {at_least}{much}; the most is {most}; {remedy}")


def _jobs(run: Run, cost: Cost) -> Iterator[_Job]:
    """The jobs of a run that may be large."""
    each = size(cost.result_bytes_per_simulation)
    fewer = "or record fewer observables or times"
    samples, seeds = _largest_batch(run)
    n = samples * seeds
    fitting = max(1, int(MAX_JOB_GB * 5e8 / RESULT_COPIES / cost.result_bytes_per_simulation))
    yield _Job(
        ("batch",) if n > 1 else (),
        f"a job of {amount(n)} simulations of {each}, held {RESULT_COPIES} times,",
        resources.of_batch(run, cost, samples, seeds, run.n_samples),
        f"write batch: {fitting}, {fewer}" if n > 1 else "record fewer observables or times",
    )
    yield _estimates(run, cost)
    if run.checks.samples:
        pairs, on_lines = resources.checked(run)
        yield _Job(
            ("checks",),
            f"checks of {amount(pairs)} simulations, and of {amount(on_lines)} of {each} on lines,",
            resources.of_checks(run, cost),
            f"take fewer samples, seeds, line_points or line_seeds, {fewer}",
        )
    if run.optimise is not None:
        yield from _of_optimisation(run, cost)


def _estimates(run: Run, cost: Cost) -> _Job:
    """What is largest of them is to blame."""
    each, n = cost.result_bytes_per_simulation, len(run.parameters)
    of_samples = run.n_samples * (resources.SENSITIVITY_BYTES_PER_SAMPLE + each)
    of_seeds = RESULT_COPIES * run.n_seeds * each
    need = resources.of_sensitivity(run, cost)
    of_matrices = 1e6 * need.mem_mb - of_samples - of_seeds
    if of_samples >= max(of_seeds, of_matrices) or need.mem_mb < 1e3 * MAX_JOB_GB:
        keys: tuple[str, ...] = _size_key(run)
        what = f"estimates of {amount(run.n_samples)} points x {amount(run.n_seeds)} seeds"
    elif of_seeds > of_matrices:
        keys, what = (
            ("seeds",),
            f"estimates of {amount(run.n_seeds)} seeds at once, of {size(each)} each,",
        )
    else:
        keys, what = ("parameters",), f"estimates of {n:,} x {n:,} parameters"
    return _Job(keys, what, need, "take fewer")


def _of_optimisation(run: Run, cost: Cost) -> Iterator[_Job]:
    optimise = run.optimise
    assert optimise is not None
    starts, steps = _starts(run), amount(optimise.steps)
    at_once = min(starts, optimise.starts_per_job)
    seeds = max(optimise.seeds_per_step, optimise.refine.seeds if optimise.refine else 0)
    yield _Job(
        ("optimise",),
        f"a job of {amount(at_once)} starts x {steps} steps x {amount(seeds)} seeds",
        resources.of_starts(run, cost, at_once),
        "take fewer starts_per_job, steps, seeds_per_step or refine.seeds",
    )
    yield _Job(
        ("optimise",),
        f"measuring {amount(starts)} starts x {amount(optimise.evaluation_seeds)} evaluation_seeds "
        f"{resources.EVALUATIONS_PER_START} times",
        resources.of_optimisation(run, cost),
        "take fewer starts or evaluation_seeds",
    )


def _largest_batch(run: Run) -> tuple[int, int]:
    """Samples and seeds of the largest batch, or of one that is as large."""
    match run.batch:
        case BatchSize(samples=samples, seeds=seeds):
            return min(samples, run.n_samples), min(seeds, run.n_seeds)
        case "auto":  # whatever a simulation gives, its jobs are made to fit
            return 1, 1
        case GrowingBatches() as growing:
            most = max(growing.most, growing.least_of_job)
        case int(most):
            pass
    seeds = min(run.n_seeds, most)
    return min(run.n_samples, most // seeds), seeds
