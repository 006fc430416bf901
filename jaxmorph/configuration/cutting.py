"""``cut.json``: what ``batch: auto`` has become, once it was known what a simulation of the run costs.

It is settled once, for the question that the run asks then: as it grows, what is finished stays. Another
question, which leaves nothing of what was finished, is cut anew.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import JaxmorphError
from ..integrity import read_json, write_json
from .batches import AUTO_SIMULATIONS, BatchSetting, BatchSize, GrowingBatches, power_of_two_below
from .cost import Cost
from .fields import ConfigurationModel
from .limits import FULL_JOB_BYTES, FULL_JOB_S, MAX_JOBS, amount, size

UNCUT_S = 60.0
"""Simulations that take less time than this are one job: a job more costs several seconds."""

UNCUT_BYTES = 2**29
"""If their results are not larger than this: a job holds them several times."""


class SettledCut(ConfigurationModel):
    """How a run is cut.

    Attributes:
        question: Digest of what all batches of the run share.
        batch: The setting that takes the place of ``auto``.
    """

    question: str
    batch: BatchSetting


def cut_by_cost(n_samples: int, n_seeds: int, cost: Cost) -> BatchSetting:
    """One batch for a run that takes less than a minute; full jobs for any other.

    Raises:
        JaxmorphError: If these would be too many.
    """
    simulations, most = n_samples * n_seeds, full_job(cost)
    if (jobs := -(-simulations // most)) > MAX_JOBS:
        raise JaxmorphError(
            f"{amount(simulations)} simulations of {size(cost.result_bytes_per_simulation)} and "
            f"{cost.seconds_per_simulation:.3g} s are {amount(jobs)} jobs of {most:,}; the most is "
            f"{MAX_JOBS:,}; take fewer seeds or points, or record fewer observables or times"
        )
    if (
        simulations * cost.seconds_per_simulation <= UNCUT_S
        and simulations * cost.result_bytes_per_simulation <= UNCUT_BYTES
    ):
        return GrowingBatches(first=BatchSize(samples=n_samples, seeds=n_seeds), most=most)
    return most


def full_job(cost: Cost) -> int:
    """Simulations of a full job: a power of two, within the bytes and seconds that one may have."""
    fit = FULL_JOB_BYTES / max(1, cost.result_bytes_per_simulation)
    in_time = FULL_JOB_S / max(1e-9, cost.seconds_per_simulation)
    return power_of_two_below(int(max(1.0, min(AUTO_SIMULATIONS, fit, in_time))))


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
