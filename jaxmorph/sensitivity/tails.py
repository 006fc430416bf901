"""Whether single-seed gradients have such heavy tails that their mean has no standard error.

If P(|g| > x) falls like x^-alpha with alpha < 2, the variance over seeds is infinite, and a standard
error says nothing about the mean. Gradients through many steps of a chaotic or branching simulation
become like that. alpha is estimated from the largest values (Hill, Ann. Stat. 3 (1975) 1163-1174).
"""

from collections.abc import Hashable

import numpy as np
import xarray as xr
from scipy import stats

from .quantiles import quantiles

_FEWEST_SEEDS = 8
_FEWEST_PAIRS = 200
_CONFIDENCE = 0.99
_ROUND_OFF = 1e-12
_QUANTILE = 0.75
# ln z is counted in bins of this width; the last bin holds all above.
_WIDTH, _BINS = 0.1, 400
_MOST_BLOCKS = 64
_DIMS = ("sample", "seed", "observable", "parameter")


class TailIndex:
    """Accumulates, slab of samples by slab, how often large gradients occur at the last recorded time.

    At each sample they are measured from the median over seeds, in units of the 75 % quantile of the
    absolute deviation (of few seeds the median deviation is now and then tiny, which would look like a
    heavy tail): ``z = |g - median| / quantile``. So samples of different size are pooled. Kept are
    counts of ln z in bins, for blocks of seeds: memory does not grow with the number of samples, and the
    result does not depend on how they are cut into slabs.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(())  # (bin, block of seeds, observable, parameter)
        self._logarithms = np.zeros(())  # sums of ln z (bin, observable, parameter)
        self._usable = np.zeros(())  # pairs (observable, parameter)
        self._varies, self._known = np.zeros((), bool), np.zeros((), bool)
        self._pairs = self._seeds = 0
        self._coords: dict[Hashable, xr.DataArray] = {}

    def add(self, gradient: xr.DataArray) -> None:
        """Add one slab: all seeds of some samples.

        Args:
            gradient: (sample, seed, time, observable, parameter); entries that are not finite are
                left out. Only the last time is used.
        """
        last = gradient.isel(time=-1, drop=True).transpose(*_DIMS)
        self._coords = {n: c for n, c in last.coords.items() if set(c.dims) <= set(_DIMS[2:])}
        n_samples, self._seeds = last.shape[:2]
        self._pairs += n_samples * self._seeds
        z, usable, varies = _scaled_deviations(last.values)
        self._usable = self._usable + usable.sum(axis=(0, 1))
        self._varies = self._varies | varies.any(axis=0)
        self._known = self._known | np.isfinite(last.values).any(axis=(0, 1))
        blocks = min(self._seeds, _MOST_BLOCKS)
        sample, seed, observable, parameter = np.nonzero(z > 1)
        logarithm = np.log(z[sample, seed, observable, parameter])
        which = np.minimum((logarithm / _WIDTH).astype(int), _BINS - 1)
        shape = (_BINS, blocks, *z.shape[2:])
        at = np.ravel_multi_index((which, seed * blocks // self._seeds, observable, parameter), shape)
        size = int(np.prod(shape))
        self._counts = self._counts + np.bincount(at, minlength=size).reshape(shape)
        sums = np.bincount(at, weights=logarithm, minlength=size).reshape(shape)
        self._logarithms = self._logarithms + sums.sum(axis=1)

    def estimates(self) -> dict[str, xr.DataArray]:
        """``gradient_tail_index`` and ``gradient_heavy_tailed``, (observable, parameter).

        1 / alpha is the mean of ln(z / u) over the k values of z above a threshold u. Values of one seed
        at different samples are not independent (common random numbers): the k count as m = k / v, and
        all n as n / v, with v how much more unevenly the k fall on the seeds than independent ones
        would. u is the highest with m >= sqrt(n / v): so far out that log-normal gradients, whose tail
        looks like a power law for a while, are not taken for heavy. Heavy-tailed means that the upper
        99 % bound of alpha, alpha chi2_(0.99)(2 m) / (2 m) or about alpha (1 + 2.3 / sqrt(m)), is
        below 2.

        The index is infinite for constant gradients, and NaN where the data do not tell: fewer
        than 200 usable pairs (samples at which most seeds, but not all, agree have no scale), or
        samples so alike that they are worth fewer than about 40 independent values. Neither is flagged.
        Nothing with fewer than 8 seeds or 200 pairs of samples and seeds.
        """
        if self._seeds < _FEWEST_SEEDS or self._pairs < _FEWEST_PAIRS:
            return {}
        above = self._counts[::-1].cumsum(axis=0)[::-1]
        logarithms = self._logarithms[::-1].cumsum(axis=0)[::-1]
        k = above.sum(axis=1)
        v = _unevenness(above, k)
        enough = (k >= np.sqrt(self._usable * v)) & (k > 0) & (self._usable >= _FEWEST_PAIRS)
        bin_ = np.arange(_BINS)[:, None, None]
        at = np.where(enough, bin_, -1).max(axis=0, keepdims=True)  # highest threshold that does
        known = at[0] >= 0
        k, v, logarithms = (
            np.where(known, np.take_along_axis(x, at.clip(min=0), axis=0)[0], 1.0)
            for x in (k, v, logarithms)
        )
        excess = logarithms / k - at[0] * _WIDTH
        alpha = np.where(known, 1 / np.where(known, excess, 1.0), np.nan)
        alpha = np.where(self._known & ~self._varies, np.inf, alpha)
        m = k / v
        heavy = known & (alpha * stats.chi2.ppf(_CONFIDENCE, 2 * m) / (2 * m) < 2)
        dims = ("observable", "parameter")
        return {
            "gradient_tail_index": xr.DataArray(alpha, self._coords, dims),
            "gradient_heavy_tailed": xr.DataArray(heavy, self._coords, dims),
        }


def _scaled_deviations(gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deviations z (0 where there is none), where there is one, and at which samples seeds disagree."""
    finite = np.isfinite(gradient)
    # A sample without finite seeds has no median, and numpy would warn of it.
    some = finite.any(axis=1, keepdims=True)
    g = np.where(some, np.where(finite, gradient, np.nan), 0.0)
    median = quantiles(g, 0.5, axis=1)[:, None]
    deviation = np.abs(g - median)
    round_off = _ROUND_OFF * np.abs(median)
    varies = np.nanmax(deviation, axis=1) > round_off[:, 0]
    scale = quantiles(deviation, _QUANTILE, axis=1)[:, None]
    usable = finite & (scale > round_off)
    z = np.divide(deviation, scale, out=np.zeros(g.shape), where=usable)
    return z, usable, varies


def _unevenness(above: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Variance of the number of values in a block of seeds over that of independent ones; 1 or more."""
    blocks = above.shape[1]
    expected = k / blocks
    squares = ((above - expected[:, None]) ** 2).sum(axis=1) / (blocks - 1)
    return np.divide(squares, expected, out=np.ones(k.shape), where=expected > 0).clip(min=1)
