"""The bootstrap behind every interval of an estimate over the design.

All samples share their seeds (common random numbers), so an estimate errs in two ways that do not
average out together: the samples could have been others, and the seeds could have been others. Each is
resampled by itself, and gives two deviations, down and up; the squares of those of both sources add
(Zou and Donner, Stat. Med. 27 (2008) 1693-1702, "MOVER"). For a statistic that is smooth in both, this
is the variance of the two-way layout to leading order, and resampling both at once would count their
interaction three times (Owen, Ann. Appl. Stat. 1 (2007) 386-411).

Percentile intervals of few observations are too short; the deviations are stretched by
sqrt(n / (n - 1)) t(n - 1) / z (Hesterberg, Am. Stat. 69 (2015) 371-386, "expanded percentile interval").
Samples count as independent draws, which makes intervals of a Sobol' sequence too wide, not too narrow.
Where a design has replicates, independent scrambles of the sequence, these are what is drawn (Owen,
Monte Carlo Theory, Methods and Examples (2013), section 17.8; L'Ecuyer, Nakayama, Owen and Tuffin,
Winter Simulation Conf. (2023) 445-456).

A variance of few skewed draws is mostly too small, and then looks sure: resamples of 16 exponential
numbers cover theirs in 73 % of the time. So deviations of a variance between seeds are those of its
logarithm (Miller, Ann. Math. Stat. 39 (1968) 567-582), both as large as the larger, and the upper one a
little larger still (``docs/estimates.md`` has what was measured). Of a share that is left beside such a
variance it is the lower one.
"""

import enum

import numpy as np
import xarray as xr
from scipy import stats

from ..quantities import Method
from .rounding import root_sum_of_squares

INTERVALS = Method(
    "Intervals",
    "95 %, bootstrap over samples and over seeds, each by itself; squares of the deviations add",
    "All samples share their seeds, so the two errors do not average out together. Samples count "
    "as independent draws, which makes intervals of a Sobol' sequence too wide, not too narrow; of a "
    "design with replicates these are drawn, whole.",
    "Owen, Ann. Appl. Stat. 1 (2007) 386-411; Hesterberg, Am. Stat. 69 (2015) 371-386; Zou and Donner, "
    "Stat. Med. 27 (2008) 1693-1702",
)
RESAMPLES = 400
FEWEST = 4
"""Fewer samples or seeds than this are not resampled: there would be no honest interval."""

_SAMPLES_KEY, _SEEDS_KEY = 0, 1
_UPWARDS = 1.0
"""On a scale of a variance the upper deviation of n draws is longer by this over sqrt(n)."""


class DeviationScale(enum.Enum):
    """On which scale deviations of resamples are taken."""

    LINEAR = enum.auto()
    VARIANCE = enum.auto()
    """Its logarithm."""
    SHARE = enum.auto()
    """Of a variance in two: the logarithm of the ratio of the two parts."""
    REST = enum.auto()
    """The same of the other part, for each source of error that keeps it between 0 and 1."""

    def of(self, x: xr.DataArray) -> xr.DataArray:
        """What is estimated, on this scale."""
        if self is DeviationScale.LINEAR:
            return x
        with np.errstate(divide="ignore", invalid="ignore"):
            positive = x.clip(min=0)
            odds = positive if self is DeviationScale.VARIANCE else positive / (1 - positive).clip(min=0)
            scaled: xr.DataArray = xr.apply_ufunc(np.log, odds)
        return scaled

    def back(self, y: xr.DataArray) -> xr.DataArray:
        """The reverse."""
        if self is DeviationScale.LINEAR:
            return y
        with np.errstate(over="ignore"):
            odds: xr.DataArray = xr.apply_ufunc(np.exp, y)
        return odds if self is DeviationScale.VARIANCE else 1 - 1 / (1 + odds)


def sample_weights(n: int, size: int = 1, resamples: int = RESAMPLES) -> xr.DataArray:
    """How often each sample counts in each resample, (draw, sample); draw 0 is the data themselves.

    Args:
        n: Number of samples.
        size: Consecutive samples that belong together and are drawn together (a trajectory of a Morris
            design, say); divides ``n``.
        resamples: Number of resamples.
    """
    counts = _counts(n // size, resamples, _SAMPLES_KEY, least=1)
    return xr.DataArray(np.repeat(counts, size, axis=1), dims=("draw", "sample"))


def seed_weights(n: int, resamples: int = RESAMPLES) -> xr.DataArray:
    """How often each seed counts in each resample, (draw, seed); draw 0 is the data themselves.

    Every resample has two different seeds at least: estimates without noise multiply different ones.
    """
    return xr.DataArray(_counts(n, resamples, _SEEDS_KEY, least=2), dims=("draw", "seed"))


def _counts(n: int, resamples: int, key: int, least: int) -> np.ndarray:
    """Multinomial counts (1 + resamples, n) with ``least`` different ones or more, row 0 all 1."""
    rng = np.random.default_rng(key)
    share = np.full(n, 1 / n)
    # One by one, and small numbers: of a million samples, all at once would take gigabytes.
    counts = np.ones((1 + resamples, n), np.uint16)
    for row in counts[1:]:
        row[:] = rng.multinomial(n, share)
    while (few := np.count_nonzero(counts, axis=1) < min(least, n)).any():
        counts[few] = rng.multinomial(n, share, size=int(few.sum()))
    return counts


def nested(n: int, size: int = 1) -> list[int]:
    """Sizes of nested subsets of ``n``, each about half of the next, in whole groups of ``size``."""
    groups = n // size
    sizes = []
    while groups >= FEWEST:
        sizes.append(groups * size)
        groups //= 2
    return sizes[::-1]


def with_interval(
    name: str,
    over_samples: xr.DataArray,
    n_samples: int | None,
    over_seeds: xr.DataArray | None = None,
    n_seeds: int | None = None,
    scale: DeviationScale = DeviationScale.LINEAR,
) -> dict[str, xr.DataArray]:
    """An estimate with the ends of its 95 % interval and the two parts of its standard error.

    Args:
        name: Of the estimate.
        over_samples: Estimates of resampled samples, (draw, ...); draw 0 is the estimate.
        n_samples: Number of independent samples (groups); None if they are not a random choice (a
            grid): then they add nothing to the interval.
        over_seeds: The same of resampled seeds; draw 0 is what the deviations count from. None if the
            study has no noise.
        n_seeds: Number of seeds (blocks of seeds) that were resampled.
        scale: On which deviations are taken besides the linear one; the wider of both ends counts.

    Returns:
        ``name``, ``name_low``, ``name_high``, ``name_se_samples``, ``name_se_seeds``. With fewer than
        ``FEWEST`` samples or seeds ``name`` alone; a source of error that does not exist is absent.
    """
    estimate = over_samples.isel(draw=0, drop=True)
    result = {name: estimate}
    if (n_samples or FEWEST) < FEWEST or (over_seeds is not None and (n_seeds or 0) < FEWEST):
        return result
    sources = [("samples", over_samples, n_samples), ("seeds", over_seeds, n_seeds)]
    there = [(part, draws, n) for part, draws, n in sources if draws is not None and n is not None]
    if not there:
        return result
    linear = []
    for part, draws, n in there:
        deviation = _deviation(draws, n, DeviationScale.LINEAR)
        result[f"{name}_se_{part}"] = _spread(deviation)
        linear.append(_reach(deviation))
    ends = _ends(estimate, linear, DeviationScale.LINEAR)
    if scale is not DeviationScale.LINEAR:
        longer = []
        for _, draws, n in there:
            low, high = _reach(_deviation(draws, n, scale))
            low = abs(low).where(abs(low) > abs(high), abs(high))
            longer.append((low, low * (1 + _UPWARDS / n**0.5)))
        if scale is DeviationScale.REST:
            scale, longer = DeviationScale.LINEAR, _of_rest(estimate, linear, longer)
        low, high = _ends(estimate, longer, scale)
        inside = xr.apply_ufunc(np.isfinite, scale.of(estimate))
        lower, higher = inside & (low < ends[0]), inside & (high > ends[1])
        ends = ends[0].where(~lower, low), ends[1].where(~higher, high)
    # Of an infinite estimate nothing is known.
    known = xr.apply_ufunc(np.isfinite, estimate) | estimate.isnull()
    return result | {
        f"{name}_low": ends[0].where(known, -np.inf),
        f"{name}_high": ends[1].where(known, np.inf),
    }


def _deviation(draws: xr.DataArray, n: int, scale: DeviationScale) -> xr.DataArray:
    """From draw 0, stretched; what is undefined is infinitely far away."""
    draws = scale.of(draws)
    with np.errstate(invalid="ignore"):
        deviation = draws.isel(draw=slice(1, None)) - draws.isel(draw=0, drop=True)
    return deviation.where(deviation.notnull(), np.inf) * stretch(n)


def _reach(deviation: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """How far 95 % of the draws go down and up; no interpolation: some of them may be infinite."""
    last = deviation.sizes["draw"] - 1
    ends = int(np.floor(0.025 * last)), int(np.ceil(0.975 * last))
    draws = np.ascontiguousarray(deviation.transpose(..., "draw").values)
    draws.partition(ends, axis=-1)
    one = deviation.isel(draw=0, drop=True)
    return -one.copy(data=draws[..., ends[0]]), one.copy(data=draws[..., ends[1]])


def _ends(
    estimate: xr.DataArray, reaches: list[tuple[xr.DataArray, xr.DataArray]], scale: DeviationScale
) -> tuple[xr.DataArray, xr.DataArray]:
    """Squares of the deviations of all sources add."""
    down, up = xr.zeros_like(estimate, float), xr.zeros_like(estimate, float)
    for low, high in reaches:
        down = xr.apply_ufunc(np.hypot, down, low.clip(min=0))
        up = xr.apply_ufunc(np.hypot, up, high.clip(min=0))
    middle = scale.of(estimate)
    return scale.back(middle - down), scale.back(middle + up)


def _of_rest(
    estimate: xr.DataArray,
    linear: list[tuple[xr.DataArray, xr.DataArray]],
    longer: list[tuple[xr.DataArray, xr.DataArray]],
) -> list[tuple[xr.DataArray, xr.DataArray]]:
    """Linear deviations of what is left beside a variance, whose upper deviation is the longer."""
    scale, found = DeviationScale.REST, []
    middle = scale.of(estimate)
    for (down, up), (shorter, further) in zip(linear, longer, strict=True):
        known = xr.apply_ufunc(np.isfinite, middle) & xr.apply_ufunc(np.isfinite, further)
        low, high = estimate - scale.back(middle - further), scale.back(middle + shorter) - estimate
        found.append((down.where(~known, low), up.where(~known, high)))
    return found


def _spread(deviation: xr.DataArray) -> xr.DataArray:
    finite = xr.apply_ufunc(np.isfinite, deviation)
    known = deviation.where(finite, 0.0)
    spread = root_sum_of_squares(known - known.mean("draw"), "draw") / (known.sizes["draw"] - 1) ** 0.5
    return spread.where(finite.all("draw"), np.inf)


def stretch(n: int) -> float:
    """What deviations of few observations are stretched by."""
    return float(np.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1) / stats.norm.ppf(0.975))
