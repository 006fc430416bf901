"""How the samples and seeds of a run are cut into batches, each of them one job.

The cuts are a function of the setting ``batch`` alone, so that a run that grows keeps the batches that
it has: where a cut is does not depend on how many samples and seeds there are, except for the end of the
last batch. ``auto`` becomes a :class:`GrowingBatches` once it is known what a simulation costs
(``cutting.py``).
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
from .limits import MAX_COUNT, MAX_JOBS

AUTO_SIMULATIONS = 2**15
"""Simulations of a job that plans and bounds assume, before it is known what one costs."""

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
    """A first part of a run, cut evenly; what it grows by is cut into jobs that grow with it."""

    first: BatchSize = Field(description="samples and seeds of the first part")
    jobs: int = Field(
        1, ge=1, le=MAX_JOBS, description="jobs of that part, and of each doubling, within the other two"
    )
    least: int | None = Field(
        None,
        ge=1,
        le=MAX_COUNT,
        description="simulations that are one job; if not given, the first part",
    )
    most: int = Field(AUTO_SIMULATIONS, ge=1, le=MAX_COUNT, description="simulations of a job, at most")

    @property
    def least_of_job(self) -> int:
        """Simulations that are one job, whatever ``most`` says."""
        return self.first.samples * self.first.seeds if self.least is None else self.least

    def of_job(self, simulations: int) -> int:
        """Simulations of a job, at most, in a run that has so many."""
        return max(self.least_of_job, min(self.most, -(-simulations // self.jobs)))


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
        case GrowingBatches():
            # A design that cannot grow has no batch to keep: all of it is the first part.
            first = size.first.samples if isinstance(design, _CAN_GROW) else n_samples
            rows = _grown(size, first, n_samples, n_seeds, unit)
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


def _grown(
    size: GrowingBatches, first: int, n_samples: int, n_seeds: int, unit: int
) -> Iterator[tuple[range, Iterable[range]]]:
    """The first part, then each doubling of its samples, in even slabs; with all seeds if a job can."""
    start, stop, seeds = 0, first, size.first.seeds
    while start < n_samples:
        job = size.of_job(stop * seeds)
        for slab in _even_slabs(start, stop, job // seeds, unit):
            if slab.start >= n_samples:
                return
            samples = range(slab.start, min(slab.stop, n_samples))
            yield samples, _grown_seeds(size, first, n_seeds, len(slab), job)
        start, stop = stop, 2 * stop


def _grown_seeds(
    size: GrowingBatches, first: int, n_seeds: int, width: int, job: int
) -> Iterator[range]:
    """Seeds of a slab of ``width`` samples: the first ones, then what they grow by."""
    start = 0
    for stop in _steps(size.first.seeds):
        # A run that has many samples by now has no smaller jobs for more seeds.
        longest = max(job, size.of_job(stop * first) if start else 1) // width
        for slab in _even_slabs(start, stop, longest):
            if slab.start >= n_seeds:
                return
            yield range(slab.start, min(slab.stop, n_seeds))
        start = stop


def _steps(seeds: int) -> Iterator[int]:
    """So many seeds, half as many again if these are a slab, twice as many, and so on."""
    while True:
        yield seeds
        if seeds >= 2 * FIRST_SEEDS:
            yield seeds + -(-seeds // 2)
        seeds *= 2


def _even_slabs(start: int, stop: int, longest: int, unit: int = 1) -> Iterator[range]:
    """As few slabs of whole units as are not longer; of single ones, if a unit is."""
    unit = unit if unit <= longest else 1
    units = -(-(stop - start) // unit)
    n = -(-units // max(1, longest // unit))
    for i in range(n):
        yield range(start + unit * (i * units // n), min(start + unit * ((i + 1) * units // n), stop))


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
