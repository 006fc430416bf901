"""Runs with simulations that are not there yet, which count as if they had never been asked for."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np

from ..configuration import Batch
from ..designs import Design, FastDesign, Groups, unit_size
from ..quantities import Quantity

SEEDS_THERE = Quantity("seeds_there", "number of seeds whose batches are there", "1", ("sample",))


@dataclasses.dataclass(frozen=True)
class There:
    """Which pairs of samples and seeds are there, counted.

    Attributes:
        seeds: How many seeds each sample of the design has.
        samples: How many samples each seed has that any sample has.
    """

    seeds: np.ndarray
    samples: np.ndarray

    @classmethod
    def of(cls, batches: Iterable[Batch], n_samples: int) -> Self:
        """Counted from the batches that are there, of a design of ``n_samples`` samples."""
        seeds = np.zeros(n_samples, int)
        samples: Counter[int] = Counter()
        for batch in batches:
            seeds[batch.samples.start : batch.samples.stop] += len(batch.seeds)
            samples.update(dict.fromkeys(batch.seeds, len(batch.samples)))
        return cls(seeds, np.array([samples[seed] for seed in sorted(samples)]))

    def often(self) -> np.ndarray:
        """Which seeds are at half as many samples as the best one, at least.

        Estimates that need the same seeds at all samples use these: a seed that is at few samples
        would cost more samples than it is worth.
        """
        often: np.ndarray = self.samples * 2 >= self.samples.max()
        return often

    def kept(self, design: Design | None, parameters: Sequence[str], groups: Groups = ()) -> np.ndarray:
        """Which samples to estimate from: units of the design stay whole, with holes.

        Without holes inside units, the others are a smaller design of the same kind. Search curves
        (FAST) are one whole.
        """
        n = len(self.seeds)
        size = 1 if design is None else unit_size(design, parameters, groups)
        if isinstance(design, FastDesign):
            size = n
        return np.repeat((self.seeds > 0).reshape(-1, size).any(axis=1), size)
