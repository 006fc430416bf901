"""``cut.json``: what ``batch: auto`` has become, once it was known what a simulation of the run costs.

It is settled once, for the question that the run asks then: as it grows, what is finished stays. Another
question, which leaves nothing of what was finished, is cut anew.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import JaxmorphError
from ..integrity import read_json, write_json
from .batches import BatchSetting, BatchSize, GrowingBatches
from .cost import Cost
from .fields import ConfigurationModel
from .limits import (
    FULL_JOB_BYTES,
    FULL_JOB_S,
    LEAST_FULL_BYTES,
    MAX_COUNT,
    MAX_JOBS,
    amount,
    size,
)
from .resources import JOB_MB, MEGABYTE, RESULT_COPIES

LEAST_JOB_S = 60.0
"""Simulations that take less time than this are one job: a job more costs several seconds."""

FEWEST_JOBS = 8
"""Jobs that a longer run is cut into, at least, as far as each has a minute of work."""

JOBS_EACH = 2
"""And at least so many for each that the machine does at once: one may take longer than another."""


class SettledCut(ConfigurationModel):
    """How a run is cut.

    Attributes:
        question: Digest of what all batches of the run share.
        batch: The setting that takes the place of ``auto``.
    """

    question: str
    batch: BatchSetting


def cut_by_cost(n_samples: int, n_seeds: int, cost: Cost) -> GrowingBatches:
    """As many jobs as keep a machine busy, of a minute to a full job; more where these are not enough.

    Raises:
        JaxmorphError: If they would be too many.
    """
    simulations, most = n_samples * n_seeds, full_job(cost)
    if (jobs := -(-simulations // most)) > MAX_JOBS:
        raise JaxmorphError(
            f"{amount(simulations)} simulations of {size(cost.result_bytes_per_simulation)} and "
            f"{cost.seconds_per_simulation:.3g} s are {amount(jobs)} jobs of {most:,}; the most is "
            f"{MAX_JOBS:,}; take fewer seeds or points, or record fewer observables or times"
        )
    return GrowingBatches(
        first=BatchSize(samples=n_samples, seeds=n_seeds),
        jobs=max(FEWEST_JOBS, JOBS_EACH * cost.at_once),
        least=min(most, _in_time(LEAST_JOB_S, cost)),
        most=most,
    )


def full_job(cost: Cost) -> int:
    """Simulations of a full job: as many as take half an hour, if their results fit."""
    fit = full_job_bytes(cost) / max(1, cost.result_bytes_per_simulation)
    return min(_in_time(FULL_JOB_S, cost), max(1, int(fit)))


def full_job_bytes(cost: Cost) -> float:
    """Results of a job, at most: held several times, they fit into its share of the machine's memory."""
    share = (cost.memory_bytes - JOB_MB * MEGABYTE) / RESULT_COPIES
    return min(FULL_JOB_BYTES, max(LEAST_FULL_BYTES, share))


def _in_time(seconds: float, cost: Cost) -> int:
    return min(MAX_COUNT, max(1, int(seconds / max(1e-12, cost.seconds_per_simulation))))


def write_cut(cut: SettledCut, path: str | Path) -> None:
    """Write how a run is cut."""
    write_json(cut.plain(), path)


def read_cut(path: str | Path, question: str) -> BatchSetting | None:
    """How a run is cut that asks ``question``; None where that is not settled yet."""
    try:
        cut = SettledCut.from_plain(read_json(path))
    except (OSError, ValueError):  # not there; damaged, or of another version
        return None
    return cut.batch if cut.question == question else None
