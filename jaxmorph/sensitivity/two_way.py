"""The error of an average over samples that share their seeds.

With n samples and R seeds the mean of all has the variance a / n + b / R + c / (n R): a of the samples, b
of the seeds (noise that is the same at all samples), c of what is different in both (Searle, Casella,
McCulloch, Variance Components (1992), ch. 4). The spread of the means of samples estimates a / n + c / (n
R), that of the means of seeds b / R + c / (n R); their sum counts c twice, and once is taken off.

Noise may be skewed, and Student's interval of few skewed draws misses the long side. The end on that
side is moved out by as much as Johnson's statistic says (J. Am. Stat. Assoc. 73 (1978) 536-544), with the
third cumulants of both sources added; the other end stays.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

_MOST_BLOCKS = 1024


@dataclass(frozen=True)
class Spread:
    """What independent draws say of the error of their mean.

    Attributes:
        variance: Of the mean.
        third: Third cumulant of the mean.
        n: Number of draws.
    """

    variance: xr.DataArray
    third: xr.DataArray
    n: xr.DataArray

    @property
    def se(self) -> xr.DataArray:
        """Standard error of the mean."""
        se: xr.DataArray = self.variance**0.5
        return se


def spread_of(values: xr.DataArray, dim: str, counts: xr.DataArray | None = None) -> Spread:
    """Of the mean of values along ``dim``; NaN are left out; NaN with fewer than two.

    Args:
        values: Independent draws of one distribution.
        dim: Along which they lie.
        counts: How many single draws each of them is the mean of; None: all alike.
    """
    there = values.notnull()
    n = there.sum(dim)
    weight = there * 1.0 if counts is None else counts.where(there, 0.0)
    total = weight.sum(dim)
    weight = weight / total.where(total > 0)
    deviation = (values - (weight * values).sum(dim)).where(there, 0.0)
    several, three = n.where(n > 1), n.where(n > 2)
    variance = ((weight * deviation) ** 2).sum(dim) * several / (several - 1)
    third = ((weight * deviation) ** 3).sum(dim) * three**2 / ((three - 1) * (three - 2))
    return Spread(variance, third.fillna(0.0), n)


def interaction(within: xr.DataArray, seeds: Spread, n: xr.DataArray) -> xr.DataArray:
    """c / (n R): what the spreads of samples and of seeds both count.

    Args:
        within: The sum over n samples of the squared standard errors over seeds, over n^2.
        seeds: Of the means of seeds over all samples.
        n: Number of samples.
    """
    both: xr.DataArray = ((n * within - seeds.variance) / np.maximum(n - 1, 1)).clip(min=0)
    return both


def ends(
    value: xr.DataArray, parts: list[Spread], twice: xr.DataArray | float = 0.0
) -> tuple[xr.DataArray, xr.DataArray]:
    """Ends of the 95 % interval of a mean, whose errors of several sources add.

    Args:
        value: The mean.
        parts: Its sources of error.
        twice: A variance that two of them count, as :func:`interaction`.
    """
    variances = [part.variance for part in parts]
    together, largest = sum(variances), variances[0]
    for variance in variances[1:]:
        largest = np.maximum(largest, variance)
    variance = np.maximum(together - twice, largest)
    # Satterthwaite, Biometrics Bull. 2 (1946) 110-114.
    spread = sum(part.variance**2 / np.maximum(part.n - 1, 1) for part in parts)
    degrees = xr.where(spread > 0, together**2 / spread.where(spread > 0), 1.0)
    t = xr.apply_ufunc(stats.t.ppf, 0.975, degrees)
    skew = sum(part.third for part in parts)
    moved = skew / variance.where(variance > 0) * (1 + 2 * t**2) / 6
    moved = moved.fillna(0.0)
    half = t * variance**0.5
    return value - half + moved.clip(max=0), value + half + moved.clip(min=0)


class Blocks:
    """Means over blocks of groups of samples, of at most 1024: memory does not grow with the samples.

    Groups are put into blocks at random, so that blocks of a sequence that is more even than random draws
    count as such draws.
    """

    def __init__(self, n_samples: int, group_size: int):
        groups = max(n_samples // group_size, 1)
        self._n = min(groups, _MOST_BLOCKS)
        of_group = np.arange(groups)
        if groups > self._n:
            of_group = np.random.default_rng(0).permutation(groups) % self._n
        self._of_sample = np.repeat(of_group, group_size)
        self._sums: dict[str, xr.DataArray] = {}
        self._counts: dict[str, xr.DataArray] = {}

    def add(self, rows: np.ndarray, parts: dict[str, xr.DataArray]) -> None:
        """Add parts (sample, ...) of the samples with these numbers in the design."""
        member = xr.DataArray(
            (self._of_sample[rows] == np.arange(self._n)[:, None]).astype(float), dims=("block", "sample")
        )
        for name, part in parts.items():
            part = part.drop_vars("sample", errors="ignore")
            there = part.notnull()
            total = xr.dot(member, part.where(there, 0.0), dim="sample")
            count = xr.dot(member, there.astype(float), dim="sample")
            known = name in self._sums
            self._sums[name] = self._sums[name] + total if known else total
            self._counts[name] = self._counts[name] + count if known else count

    def spread(self, name: str) -> Spread:
        """Of the mean over all samples."""
        count = self._counts[name]
        return spread_of(self._sums[name] / count.where(count > 0), "block", count)
