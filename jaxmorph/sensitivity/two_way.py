"""The error of an average over samples that share their seeds.

With n samples and R seeds the mean of all has the variance a / n + b / R + c / (n R): a of the samples,
b of the seeds (noise that is the same at all samples), c of what is different in both (Searle, Casella,
McCulloch, Variance Components (1992), ch. 4). The spread of the means of samples estimates
a / n + c / (n R), that of the means of seeds b / R + c / (n R); their sum counts c twice, and once is
taken off.

Noise may be skewed, and Student's interval of few skewed draws misses the long side. The end on that
side is moved out by as much as Johnson's statistic says (J. Am. Stat. Assoc. 73 (1978) 536-544), with
the third cumulants of both sources added; the other end stays.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

_MOST_BLOCKS = 256


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

    @property
    def skewness(self) -> xr.DataArray:
        """Of the mean; 0 without an error."""
        skewness: xr.DataArray = (self.third / self.variance.where(self.variance > 0) ** 1.5).fillna(0.0)
        return skewness


def spread_of(values: xr.DataArray, dim: str, counts: xr.DataArray | None = None) -> Spread:
    """The spread of the mean of values along ``dim``; it leaves out NaN, and is NaN with fewer than two.

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
    """The part c / (n R), which the spreads of samples and of seeds both count.

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
    sources = xr.concat([part.variance for part in parts], "source")
    n = xr.concat([part.n for part in parts], "source")
    third = xr.concat([part.third for part in parts], "source").sum("source")
    together = sources.sum("source", skipna=False)
    least = sources.max("source", skipna=False)
    variance = (together - twice).where(together - twice > least, least)
    # Satterthwaite, Biometrics Bull. 2 (1946) 110-114.
    spread = (sources**2 / (n - 1).clip(min=1)).sum("source")
    degrees = xr.where(spread > 0, together**2 / spread.where(spread > 0), 1.0)
    t = xr.apply_ufunc(stats.t.ppf, 0.975, degrees)
    moved = (third / variance.where(variance > 0) * (1 + 2 * t**2) / 6).fillna(0.0)
    half = t * variance**0.5
    return value - half + moved.clip(max=0), value + half + moved.clip(min=0)


def with_ends(name: str, value: xr.DataArray, parts: tuple[Spread, Spread]) -> dict[str, xr.DataArray]:
    """A mean with its interval and both errors, of samples and of seeds."""
    low, high = ends(value, list(parts))
    return {
        name: value,
        f"{name}_low": low,
        f"{name}_high": high,
        f"{name}_se_samples": parts[0].se,
        f"{name}_se_seeds": parts[1].se,
    }


def jackknifed(left_out: xr.DataArray) -> Spread:
    """The spread of a statistic of seeds, from its values without each of them, (seed, ...)."""
    return spread_of((1 - left_out.sizes["seed"]) * left_out, "seed")


@dataclass(frozen=True)
class Factors:
    """Ends of the 95 % interval of a variance, and its error, as shares of it.

    Attributes:
        low: Lower end.
        high: Upper end.
        samples: Standard error that comes from the samples.
        seeds: That of the seeds.
    """

    low: xr.DataArray
    high: xr.DataArray
    samples: xr.DataArray
    seeds: xr.DataArray


def factors_of_variance(of_samples: Spread, left_out: xr.DataArray) -> Factors:
    """For a variance between seeds, on the scale of its logarithm.

    The variance of few skewed draws is mostly too small and then looks sure (73 % coverage for 16
    exponential numbers); its logarithm is nearer to normal (Miller, Ann. Math. Stat. 39 (1968) 567-582),
    and the upper deviation is longer than Student's by 1.25 times the skewness of the variance.

    Args:
        of_samples: Of the mean over samples of variances, in units of that mean.
        left_out: The variance without each of the seeds, (seed, ...).
    """
    seeds = jackknifed(xr.apply_ufunc(np.log, left_out))
    by_samples = of_samples.se * xr.apply_ufunc(stats.t.ppf, 0.975, np.maximum(of_samples.n - 1, 1))
    by_seeds = seeds.se * xr.apply_ufunc(stats.t.ppf, 0.975, np.maximum(seeds.n - 1, 1))
    further = by_seeds * (1 + 1.25 * jackknifed(left_out).skewness.clip(min=0))
    low = np.exp(-np.hypot(by_samples, by_seeds))
    return Factors(low, np.exp(np.hypot(by_samples, further)), of_samples.se, seeds.se)


def with_skewed_ends(
    name: str, value: xr.DataArray, of_samples: Spread, left_out: xr.DataArray
) -> dict[str, xr.DataArray]:
    """A statistic of few draws that are mostly small and of one sign, such as products of several.

    The interval is the wider, at each end, of that of a mean and that of a variance, on the scale of its
    logarithm; without any seed whose leaving out would change the sign.

    Args:
        name: Of the statistic.
        value: The statistic.
        of_samples: Its error by the choice of samples.
        left_out: The statistic without each of the seeds, (seed, ...).
    """
    result = with_ends(name, value, (of_samples, jackknifed(left_out)))
    one_sign = ((left_out * value) > 0).all("seed")
    size = value.where(one_sign)
    relative = Spread(of_samples.variance / size**2, of_samples.third / size**3, of_samples.n)
    with np.errstate(over="ignore"):
        factors = factors_of_variance(relative, abs(left_out).where(one_sign))
    near, far = size * factors.low, size * factors.high
    low, high = xr.where(value > 0, near, far), xr.where(value > 0, far, near)
    wider_low, wider_high = low < result[f"{name}_low"], high > result[f"{name}_high"]
    return result | {
        f"{name}_low": result[f"{name}_low"].where(~wider_low, low),
        f"{name}_high": result[f"{name}_high"].where(~wider_high, high),
    }


def times_variance(
    name: str,
    value: xr.DataArray,
    ratio: xr.DataArray,
    of_ratio: tuple[Spread, Spread],
    variance: xr.DataArray,
    factors: Factors,
) -> dict[str, xr.DataArray]:
    """A variance times a ratio, whose intervals are known: squares of both deviations add.

    Source: Zou and Donner, Stat. Med. 27 (2008) 1693-1702. Standard errors are those of independent
    factors.
    """
    low, high = ends(ratio, list(of_ratio))
    down, up = value * (1 - factors.low), value * (factors.high - 1)
    down, up = xr.where(value < 0, -up, down), xr.where(value < 0, -down, up)
    result = {
        name: value,
        f"{name}_low": value - np.hypot(variance * (ratio - low), down),
        f"{name}_high": value + np.hypot(variance * (high - ratio), up),
    }
    for part, of, share in zip(
        ("samples", "seeds"), of_ratio, (factors.samples, factors.seeds), strict=True
    ):
        result[f"{name}_se_{part}"] = np.hypot(variance * of.se, value * share)
    return result


class Blocks:
    """Means over blocks of groups of samples, of at most 256: memory does not grow with the samples.

    Groups are put into blocks at random, so that blocks of a sequence that is more even than random
    draws count as such draws.

    Args:
        draw: To which independent draw (a sample, a group of them) each sample belongs, from 0.
    """

    def __init__(self, draw: np.ndarray):
        draws = int(draw.max()) + 1
        self._n = min(draws, _MOST_BLOCKS)
        of_draw = np.arange(draws)
        if draws > self._n:
            of_draw = np.random.default_rng(0).permutation(draws) % self._n
        self._of_sample = of_draw[draw]
        self._sums: dict[str, xr.DataArray] = {}
        self._counts: dict[str, xr.DataArray] = {}

    def add(self, rows: np.ndarray, parts: dict[str, xr.DataArray]) -> None:
        """Add parts (sample, ...) of the samples with these numbers in the design."""
        order = np.argsort(self._of_sample[rows], kind="stable")
        blocks, starts = np.unique(self._of_sample[rows][order], return_index=True)
        for name, part in parts.items():
            x = part.transpose("sample", ...)
            known = ~np.isnan(x.values)
            if name not in self._sums:
                like = x.isel(sample=0, drop=True)
                empty = np.zeros((self._n, *like.shape))
                self._sums[name], self._counts[name] = (
                    xr.DataArray(zeros, like.coords, ("block", *like.dims))
                    for zeros in (empty, empty.copy())
                )
            for sums, of_samples in (
                (self._sums, np.where(known, x.values, 0.0)),
                (self._counts, known.astype(float)),
            ):
                sums[name].values[blocks] += np.add.reduceat(of_samples[order], starts, axis=0)

    def spread(self, name: str) -> Spread:
        """The spread of the mean over all samples."""
        count = self._counts[name]
        return spread_of(self._sums[name] / count.where(count > 0), "block", count)
