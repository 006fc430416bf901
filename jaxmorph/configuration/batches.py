"""How the samples and seeds of a run are cut into batches, each of them one job.

The cuts are a function of the setting ``batch`` alone, so that a run that grows keeps the batches that
it has: where a cut is does not depend on how many samples and seeds there are, except for the end of the
last batch. ``auto`` becomes another setting once it is known what a simulation costs (``cutting.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from ..designs import (
    Design,
    Groups,
    ListDesign,
    MorrisDesign,
    SaltelliDesign,
    SobolDesign,
    count_samples,
    unit_size,
)
from .fields import ConfigurationModel, as_yaml_number
from .limits import MAX_COUNT

AUTO_SIMULATIONS = 2**15
"""Simulations of a job, at most, where the configuration leaves it open.

At the reference study's 25 ms on a processor core a job then takes a quarter of an hour, of which
what does not simulate is 3 %, and its file has 0.2 GB: docs/scaling.md.
"""

FIRST_SEEDS = 8
FIRST_SAMPLES = 64

_CAN_GROW = (SobolDesign, SaltelliDesign, MorrisDesign, ListDesign)


@dataclass(frozen=True)
class Batch:
    """The samples and seeds of one batch, as run-wide integers."""

    samples: range
    seeds: range


class BatchSize(ConfigurationModel):
    """How many samples and seeds one job evaluates."""

    samples: int = Field(16, ge=1, le=MAX_COUNT, description="samples per batch")
    seeds: int = Field(16, ge=1, le=MAX_COUNT, description="seeds per batch")


class GrowingBatches(ConfigurationModel):
    """One job evaluates so many samples and seeds; what a run grows by is cut into jobs that double."""

    first: BatchSize = Field(description="samples and seeds of the first batch")
    most: int = Field(
        AUTO_SIMULATIONS, ge=1, le=MAX_COUNT, description="simulations of every other job, at most"
    )


def _kind(value: object) -> str:
    if isinstance(value, str) and not as_yaml_number(value):
        return "auto"
    if isinstance(value, GrowingBatches) or (isinstance(value, Mapping) and "first" in value):
        return "growing"
    return "slabs" if isinstance(value, Mapping | BatchSize) else "simulations"


BatchSetting = Annotated[
    Annotated[Literal["auto"], Tag("auto")]
    | Annotated[int, Field(ge=1, le=MAX_COUNT), Tag("simulations")]
    | Annotated[GrowingBatches, Tag("growing")]
    | Annotated[BatchSize, Tag("slabs")],
    Discriminator(_kind),
]
"""``auto``, a number of simulations, a first batch, or slabs of samples and seeds."""


def cut(
    size: BatchSetting, design: Design, parameters: Sequence[str], n_seeds: int, groups: Groups = ()
) -> Iterator[tuple[str, Batch]]:
    """The batches with their ids, ``SSS-RRR``: slab SSS along the samples, slab RRR along the seeds.

    ``auto`` is cut as where simulations take long: into no fewer batches than there will be.
    """
    n_samples = count_samples(design, parameters, groups)
    unit = unit_size(design, parameters, groups)
    rows: Iterable[tuple[range, Iterable[range]]]
    match size:
        case BatchSize():
            rows = ((s, _evenly_cut(n_seeds, size.seeds)) for s in _evenly_cut(n_samples, size.samples))
        case GrowingBatches(first=first, most=most):
            slabs = _doubling_samples(n_samples, design, unit, first, most)
            rows = ((s, _doubling(n_seeds, first.seeds, most // len(s))) for s in slabs)
        case _:
            most = AUTO_SIMULATIONS if size == "auto" else size
            slabs = _sample_slabs(n_samples, design, unit, min(n_seeds, FIRST_SEEDS, most), most)
            rows = ((s, _seed_slabs(n_seeds, most // len(s))) for s in slabs)
    for i, (samples, columns) in enumerate(rows):
        for j, seeds in enumerate(columns):
            yield f"{i:03d}-{j:03d}", Batch(samples, seeds)


def _evenly_cut(total: int, size: int) -> Iterator[range]:
    return (range(start, min(start + size, total)) for start in range(0, total, size))


def _sample_slabs(n_samples: int, design: Design, unit: int, seeds: int, most: int) -> Iterator[range]:
    """Slabs that double, so that a design that doubles keeps them, up to ``most`` simulations.

    They hold whole units of the design, if one unit at ``seeds`` seeds is not too much. A design that
    cannot grow is cut evenly.
    """
    unit, longest = _whole_units(unit, seeds, most)
    if not isinstance(design, _CAN_GROW):
        yield from _evenly_cut(n_samples, longest)
        return
    first = min(unit * power_of_two_below(max(1, FIRST_SAMPLES // unit)), longest)
    yield from _doubling(n_samples, first, longest)


def _doubling_samples(
    n_samples: int, design: Design, unit: int, first: BatchSize, most: int
) -> Iterator[range]:
    """A first slab, then slabs that double, up to full jobs; a design that cannot grow is cut evenly."""
    seeds = min(first.seeds, most)
    _, longest = _whole_units(unit, seeds, most)
    if isinstance(design, _CAN_GROW):
        return _doubling(n_samples, first.samples, longest)
    return _evenly_cut(n_samples, max(first.samples, longest))


def _whole_units(unit: int, seeds: int, most: int) -> tuple[int, int]:
    """A unit of samples, or one sample if a unit is too much, and how many samples a job has at most."""
    unit = unit if unit * seeds <= most else 1
    return unit, unit * power_of_two_below(most // (unit * seeds))


def _doubling(total: int, first: int, longest: int) -> Iterator[range]:
    """A slab of ``first``, whatever its size, then as much as is before, up to ``longest``."""
    start, width = 0, first
    while start < total:
        yield range(start, min(start + width, total))
        start += width
        width = max(first, min(start, longest))


def _seed_slabs(n_seeds: int, most: int) -> Iterator[range]:
    """Slabs of ``FIRST_SEEDS``, then of an eighth to a quarter of what is before, up to ``most``."""
    start, longest = 0, power_of_two_below(most)
    while start < n_seeds:
        width = min(max(FIRST_SEEDS, power_of_two_below(max(1, start)) // 4), longest)
        yield range(start, min(start + width, n_seeds))
        start += width


def power_of_two_below(number: int) -> int:
    """The largest one that is not above ``number``."""
    return 1 << (number.bit_length() - 1)
