"""The batches of a run as slabs of samples that fit in memory, whatever the size of a batch."""

import dataclasses
import json
import logging
from collections.abc import Hashable, Iterator, Mapping

import numpy as np
import xarray as xr

from ..configuration import Batch
from ..configuration.specify import Specifications
from ..errors import JaxmorphError
from .files import open_dataset, read_parts, read_samples, remedy
from .provenance import Summary

logger = logging.getLogger(__name__)

_BYTES = 32e6
"""Values and gradients of a slab, all its seeds. Estimating takes several times as much."""
_LARGE = ("value", "gradient")
_SMALL = ("sample", "seed", "time", "observable", "parameter", "parameter_value")
# There if the estimator of gradients has it, in all batches of a run or in none.
_SOMETIMES = ("path_score", "noise_difference", "noise_slope")
# Say the same in every batch of a run.
_OF_ALL_BATCHES = ("device", "precision", "gradient_mode", "gradient_mode_reason", "random_key")
_MOST_NAMED = 100


class Slabs:
    """Iterates over datasets of all seeds of some samples, checked against design and run.

    A slab has the seeds that any batch holds. Where only some of its pairs are there, the others are
    NaN and ``there`` (sample, seed) says which is which; samples without any pair are passed over.

    Args:
        specs: What the batches must have been made of.
        design: The points of the run.
        paths: The files of the batches that are there, by name.

    Attributes:
        batches: Those that are there, by their names.
        missing: Names of the others.
    """

    def __init__(self, specs: Specifications, design: xr.Dataset, paths: Mapping[str, str]):
        run = specs.run
        self._specs, self._run, self._design, self._paths = specs, run, design, paths
        self.missing = [name for name in run.batches if name not in paths]
        self.batches = {name: batch for name, batch in run.batches.items() if name in paths}
        self._rows: dict[range, list[str]] = {}
        for name, batch in self.batches.items():
            self._rows.setdefault(batch.samples, []).append(name)
        # Estimates are written in the order of the samples.
        self._rows = dict(sorted(self._rows.items(), key=lambda row: row[0].start))
        there = {batch.seeds for batch in self.batches.values()}
        self._seeds = np.array(sorted({seed for seeds in there for seed in seeds}))
        self._summary = Summary()
        self._of_all: dict[str, str | float | np.number] = {}
        self._texts: dict[Hashable, xr.DataArray] = {}
        self._like: xr.Dataset | None = None
        self._large: tuple[str, ...] = _LARGE

    @property
    def n_simulations(self) -> int:
        """How many pairs of samples and seeds are there."""
        return sum(len(batch.samples) * len(batch.seeds) for batch in self.batches.values())

    @property
    def n_wanted(self) -> int:
        """How many there are when no batch is missing."""
        return self._run.n_samples * self._run.n_seeds

    def warn_of_missing(self) -> None:
        """Say in the log which batches are not there."""
        if self.missing:
            logger.warning(
                "%d of %d batches are not there (%s): estimates are from %d of %d simulations",
                len(self.missing),
                len(self._run.batches),
                ", ".join(self.missing[:_MOST_NAMED]),
                self.n_simulations,
                self.n_wanted,
            )

    def attributes(self) -> dict[str, str | float | np.number]:
        """What a file made from all slabs says of them: where they are from, and how many are there."""
        return {
            **self._of_all,
            **self._summary.attributes(),
            "simulations": self.n_simulations,
            "simulations_wanted": self.n_wanted,
            "missing_batch_count": len(self.missing),
            "missing_batches": json.dumps(self.missing[:_MOST_NAMED]),
        }

    def __iter__(self) -> Iterator[xr.Dataset]:
        together: list[_Part] = []
        for done, (samples, names) in enumerate(self._rows.items(), start=1):
            chunk = max([self._check(name) for name in names])
            size = self._size(chunk)
            for start in range(0, len(samples), size):
                part = _Part(names, samples, slice(start, min(start + size, len(samples))))
                # Small batches go together: estimates of a slab have a cost of their own.
                if together and not _fits(together, part, size):
                    yield self._read(together)
                    together = []
                together.append(part)
            logger.info("row %d of %d of the batches", done, len(self._rows))
        if together:
            yield self._read(together)

    def _size(self, chunk: int) -> int:
        """Samples of a slab: whole chunks of the files, if that is not too much."""
        assert self._like is not None
        numbers = sum(self._like[name].isel(sample=0, seed=0).size for name in self._large)
        per_sample = 8 * len(self._seeds) * numbers
        size = max(1, int(_BYTES / per_sample))
        return size - size % chunk if size > chunk else size

    def _read(self, parts: list["_Part"]) -> xr.Dataset:
        """All seeds of the samples of some parts."""
        assert self._like is not None
        numbers = np.concatenate([part.numbers for part in parts])
        data = {}
        for name in self._large:
            like = self._like[name]
            shape = (len(numbers), len(self._seeds), *like.shape[2:])
            data[name] = (like.dims, np.full(shape, np.nan, like.dtype), like.attrs)
        there = np.zeros((len(numbers), len(self._seeds)), bool)
        start = 0
        for part in parts:
            rows = slice(start, start := start + len(part))
            for name in part.names:
                seeds = self.batches[name].seeds
                first = int(np.searchsorted(self._seeds, seeds.start))
                pairs = (rows, slice(first, first + len(seeds)))
                there[pairs] = True
                for variable, array in read_samples(self._paths[name], self._large, part.rows).items():
                    data[variable][1][pairs] = array
        axes = {d: self._like[d] for d in ("time", "observable", "parameter")}
        numbered = {"sample": numbers, "seed": self._seeds}
        slab = xr.Dataset(data, coords=axes | numbered | self._texts)
        points = self._design["parameter_value"].sel(sample=numbers)
        slab["parameter_value"] = points.drop_vars(set(points.coords) - {"sample", "parameter"})
        return slab.assign(there=(("sample", "seed"), there)) if self.missing else slab

    def _check(self, name: str) -> int:
        """Samples in a chunk of the batch's file, after everything that can be checked of it."""
        path, identity = self._paths[name], self._specs.batch(name).identity
        if self._like is None:
            with open_dataset(path, "batch", identity) as batch:
                texts = [n for n, c in batch.coords.items() if c.dtype.kind in "OUT"]
                self._texts = {n: batch[n].load() for n in texts}
                self._large += tuple(n for n in _SOMETIMES if n in batch)
                like = batch[list(self._large)].drop_vars([n for n in texts if n not in batch.dims])
                # Attributes, names and sizes; of the numbers themselves one pair.
                self._like = like.isel(sample=slice(1), seed=slice(1)).load()
        found = read_parts(path, "batch", identity, _SMALL, self._large)
        _check_batch(path, found.arrays, self._design, self.batches[name])
        for axis in ("time", "observable"):
            if not np.array_equal(found.arrays[axis], self._like[axis].values):
                raise JaxmorphError(
                    f"{path}: its {axis}s are not those of the other batches; {remedy(path)}"
                )
        self._of_all = {name: found.attributes[name] for name in _OF_ALL_BATCHES}
        self._summary.add(found.attributes)
        return max([found.chunks[name] for name in self._large])


@dataclasses.dataclass(frozen=True)
class _Part:
    """Some rows of the batches ``names``, whose samples are ``samples``."""

    names: list[str]
    samples: range
    rows: slice

    def __len__(self) -> int:
        return len(range(self.rows.start, self.rows.stop))

    @property
    def numbers(self) -> np.ndarray:
        return np.array(self.samples[self.rows])


def _fits(together: list[_Part], part: _Part, size: int) -> bool:
    """Whether a part may join others: consecutive samples, and not too many."""
    consecutive = together[-1].numbers[-1] + 1 == part.numbers[0]
    return bool(consecutive) and sum(len(p) for p in together) + len(part) <= size


def _check_batch(
    path: str, batch: Mapping[str, np.ndarray], design: xr.Dataset, expected: Batch
) -> None:
    """The batch holds the samples and seeds of its place in the run, at the design's points."""
    remake = remedy(path)
    for axis, wanted in (("sample", expected.samples), ("seed", expected.seeds)):
        if not np.array_equal(batch[axis], np.array(wanted)):
            raise JaxmorphError(
                f"{path}: holds {axis}s {_span(batch[axis])}, not {wanted.start} to "
                f"{wanted.stop - 1}; {remake}"
            )
    if list(batch["parameter"]) != list(design["parameter"].values):
        raise JaxmorphError(
            f"{path}: varies {', '.join(batch['parameter'])}, the design varies "
            f"{', '.join(design['parameter'].values)}; {remake}"
        )
    points = design["parameter_value"].isel(sample=slice(expected.samples.start, expected.samples.stop))
    # The tolerance is single precision's: such a batch holds its points in it.
    if not np.allclose(batch["parameter_value"], points.values, rtol=1e-6, atol=0):
        raise JaxmorphError(f"{path}: was made for other parameter values than the design's; {remake}")


def _span(numbers: np.ndarray) -> str:
    """A few numbers in full, of many the ends: a batch may hold thousands."""
    return str(numbers.tolist()) if numbers.size <= 8 else f"{numbers[0]} to {numbers[-1]}"
