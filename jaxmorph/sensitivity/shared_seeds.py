"""Averages over samples that share their seeds, slab by slab, with both sources of their error.

Samples share their seeds (common random numbers), so their noise is correlated, and pooling their
standard errors as if independent would understate the error of an average. Instead, the deviation
of each seed from the seed mean is averaged over samples first; the spread of these averages over
seeds is the noise of the design average. That of the means over seeds of blocks of samples is the
error of the choice of samples (``two_way.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .sums import add_up
from .two_way import Blocks, Spread, ends, interaction, spread_of


@dataclass(frozen=True)
class Averaged:
    """One quantity at the samples of a slab.

    Attributes:
        mean: Over seeds (sample, ...).
        deviation: Of each seed from it (sample, seed, ...); averages to 0 over seeds.
        se: Standard error over seeds of the mean (sample, ...); None with one seed.
    """

    mean: xr.DataArray
    deviation: xr.DataArray
    se: xr.DataArray | None


@dataclass(frozen=True)
class Summed:
    """One quantity at the samples of a slab, its deviations summed over these.

    Attributes:
        mean: Over seeds (sample, ...).
        deviation: Weighted sum over samples of the deviation of each seed (seed, ...).
        count: Sum of the weights of the samples that have one (seed, ...).
        se: Standard error over seeds of the mean (sample, ...); None with one seed.
    """

    mean: xr.DataArray
    deviation: xr.DataArray
    count: xr.DataArray
    se: xr.DataArray | None


class SharedSeeds:
    """Accumulates quantities by name.

    Args:
        blocks: Into which samples are put; None where they are no random choice.
        stochastic: Whether there is noise; if so, one seed alone gives no interval.
    """

    def __init__(self, blocks: Blocks | None, stochastic: bool) -> None:
        self._blocks, self._stochastic = blocks, stochastic
        self._sum: dict[str, xr.DataArray] = {}
        self._count: dict[str, xr.DataArray] = {}
        self._total: dict[str, xr.DataArray] = {}
        self._number: dict[str, xr.DataArray] = {}
        self._within: dict[str, xr.DataArray] = {}

    def add(
        self,
        parts: Mapping[str, Averaged],
        weight: xr.DataArray | float = 1.0,
        rows: np.ndarray | None = None,
    ) -> None:
        """Add one slab: all seeds of some samples.

        Args:
            parts: The quantities; NaN where there is nothing.
            weight: (sample), for samples that do not count alike.
            rows: Numbers of the samples in the design, for ``blocks``.
        """
        summed = {
            name: Summed(
                part.mean,
                (weight * part.deviation).sum("sample"),
                _total_weight(part.deviation, weight),
                part.se,
            )
            for name, part in parts.items()
        }
        self.add_summed(summed, weight, rows)

    def add_summed(
        self,
        parts: Mapping[str, "Summed"],
        weight: xr.DataArray | float = 1.0,
        rows: np.ndarray | None = None,
    ) -> None:
        """The same of a slab whose deviations are summed already."""
        means = {name: part.mean for name, part in parts.items()}
        add_up(self._sum, {name: part.deviation for name, part in parts.items()})
        add_up(self._count, {name: part.count for name, part in parts.items()})
        add_up(self._total, {name: _weighted_sum(m, weight) for name, m in means.items()})
        add_up(self._number, {name: _weighted_sum(m.notnull(), weight) for name, m in means.items()})
        if self._blocks is not None and rows is not None:
            self._blocks.add(rows, means)
            within = {name: part.se for name, part in parts.items() if part.se is not None}
            add_up(self._within, {name: _weighted_sum(se, 1.0, 2) for name, se in within.items()})

    def average(self, name: str) -> xr.DataArray:
        """Over the samples."""
        average: xr.DataArray = self._total[name] / self._number[name].where(self._number[name] > 0)
        return average

    def share(self, name: str, of: str) -> xr.DataArray:
        """Share of the samples of one quantity at which another one is defined."""
        n = self._number[of]
        return self._number[name] / n.where(n > 0)

    def per_seed(self, name: str) -> xr.DataArray:
        """Deviation of each seed from the seed mean, averaged over the samples."""
        return self._sum[name] / self._count[name].where(self._count[name] > 0)

    def estimate(
        self, name: str, called: str, average: xr.DataArray, of_seeds: Spread | None = None
    ) -> dict[str, xr.DataArray]:
        """An average with ``_low``, ``_high``, and its errors ``_se``, ``_se_seeds``, ``_se_samples``.

        Args:
            name: Of the quantity.
            called: What the estimate is called.
            average: The estimate.
            of_seeds: Its spread by the seeds, if not that of the mean of :meth:`per_seed`.
        """
        of_samples = None if self._blocks is None else self._blocks.spread(name)
        per_seed = self.per_seed(name)
        if per_seed.sizes["seed"] < 2:
            if of_samples is not None and not self._stochastic:
                return _with_interval(called, average, of_samples, None)
            return {called: average}
        mean = spread_of(per_seed, "seed")
        twice = self._counted_twice(name, mean)
        return _with_interval(called, average, of_samples, of_seeds or mean, twice)

    def _counted_twice(self, name: str, of_seeds: Spread) -> xr.DataArray | float:
        if name not in self._within:
            return 0.0
        n = self._number[name]
        return interaction(self._within[name] / n.where(n > 0) ** 2, of_seeds, n)


def _weighted_sum(x: xr.DataArray, weight: xr.DataArray | float, power: int = 1) -> xr.DataArray:
    """Over the samples; what is NaN counts as 0."""
    x = x.transpose("sample", ...)
    values = x.values if x.dtype.kind == "b" else np.where(np.isnan(x.values), 0.0, x.values)
    w = np.broadcast_to(getattr(weight, "values", weight), len(values)).astype(float)
    total = np.tensordot(w, values**power if power > 1 else values, 1)
    return x.isel(sample=0, drop=True).copy(deep=False, data=total)


def _total_weight(x: xr.DataArray, weight: xr.DataArray | float) -> xr.DataArray:
    return (weight * x.notnull()).sum("sample")


def _with_interval(
    name: str,
    average: xr.DataArray,
    of_samples: Spread | None,
    of_seeds: Spread | None,
    twice: xr.DataArray | float = 0.0,
) -> dict[str, xr.DataArray]:
    """The average with its errors; ``of_samples`` is None where it is one over these very samples."""
    result = {name: average}
    if of_seeds is not None:
        result |= {f"{name}_se": of_seeds.se, f"{name}_se_seeds": of_seeds.se}
    if of_samples is not None:
        result[f"{name}_se_samples"] = of_samples.se
    parts = [part for part in (of_samples, of_seeds) if part is not None]
    low, high = ends(average, parts, twice if len(parts) > 1 else 0.0)
    return result | {f"{name}_low": low, f"{name}_high": high}
