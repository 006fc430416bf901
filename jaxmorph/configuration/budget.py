"""What a run takes altogether, said before it is done: jobs, core-hours, gigabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import resources
from .cost import Cost
from .feasible import count_jobs
from .limits import amount, size

if TYPE_CHECKING:
    from .models import Run


class Budget(NamedTuple):
    """What a run takes; both last are None until the study job has measured a simulation.

    Attributes:
        jobs: Number of jobs.
        core_hours: Hours of one processor core, or of one GPU, without what is not simulation.
        bytes: Results before they are compressed.
    """

    jobs: int
    core_hours: float | None
    bytes: float | None

    def __str__(self) -> str:
        """``12 jobs, 0.4 core-hours, 30 MB``."""
        parts = [f"{amount(self.jobs)} jobs"]
        if self.core_hours is not None and self.bytes is not None:
            parts += [f"{_hours(self.core_hours)} core-hours", f"{size(self.bytes)} at most"]
        return ", ".join(parts)


def _hours(hours: float) -> str:
    if hours < 0.1:
        return "under 0.1"
    return f"{hours:.2g}" if hours < 10 else amount(round(hours))


def budget(run: Run, cost: Cost | None) -> Budget:
    """What a run takes, as far as is known.

    Args:
        run: The run.
        cost: What its study job measured; None before.
    """
    jobs = count_jobs(run)
    if cost is None:
        return Budget(jobs, None, None)
    simulations = run.n_samples * run.n_seeds
    more = 2 ** len(run.corners)
    if run.checks.samples:
        pairs, on_lines = resources.checked(run)
        more += resources.CHECK_SIMULATIONS * pairs + on_lines
    if run.optimise is not None:
        starts = run.optimise.n_starts(tuple(run.parameters))
        more += resources.descent_simulations(run, starts)
        more += resources.EVALUATIONS_PER_START * starts * run.optimise.evaluation_seeds
    seconds = (simulations + more) * cost.seconds_per_simulation * max(1, cost.threads)
    return Budget(jobs, seconds / 3600, simulations * cost.result_bytes_per_simulation)
