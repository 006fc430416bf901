"""``cut.json``: what ``batch: auto`` has become, once it was known what a simulation of the run costs.

It is settled once, for the question that the run asks then: as it grows, what is finished stays. Another
question, which leaves nothing of what was finished, is cut anew.
"""

from __future__ import annotations

from pathlib import Path

from ..integrity import read_json, write_json
from .batches import AUTO_SIMULATIONS, BatchSetting, BatchSize, GrowingBatches
from .cost import Cost
from .fields import ConfigurationModel

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
    """One batch for a run that takes less than a minute; full jobs for any other."""
    simulations = n_samples * n_seeds
    if (
        simulations * cost.seconds_per_simulation <= UNCUT_S
        and simulations * cost.result_bytes_per_simulation <= UNCUT_BYTES
    ):
        return GrowingBatches(first=BatchSize(samples=n_samples, seeds=n_seeds))
    return AUTO_SIMULATIONS


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
