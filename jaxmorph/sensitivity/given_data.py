"""Arrays from any random design: first-order indices by ranks (:mod:`.ranks`), and PAWN.

Source of PAWN: Pianosi and Wagener, Environ. Model. Softw. 67 (2015) 1-11 and 108 (2018) 197-207. The
index equals SALib's; all resamples are computed at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from ..designs import FastDesign, SaltelliDesign, SobolDesign
from ..quantities import Interval, Kind, Method, Quantity
from .entries import Arrays, Standardised, estimate_entries, standardise
from .estimator import PAIR, Estimates, OfValues
from .failures import completed, usable_rows
from .main_effects import main_effects, separated
from .polarisation import without_noise
from .ranks import SampleError, choose_window, cosine_amplitudes, explained, sample_error, windows
from .resampling import RESAMPLES, seed_weights

RANKS = Method(
    "First-order index from given data",
    "1 - E[Var(F | θ_p)] / Var F, of F = E_r f, from the samples as they lie",
    "By ranks: half the mean squared difference of neighbours in the order of the parameter is the"
    " variance that the others explain; what these clearly do alone is taken off before. For "
    "independent parameters.",
    "Gamboa, Gremaud, Klein and Lagnoux, Bernoulli 28 (2022) 2345-2374; Klein and Rochet, "
    "arXiv:2306.05842 "
    "(2023); Tong and Wang, Biometrika 92 (2005) 821-830",
)
PAWN = Method(
    "PAWN index",
    "median over values of θ_p of the Kolmogorov-Smirnov distance between the distributions of f with "
    "and without θ_p fixed",
    "Looks at the whole distribution, not at its variance alone. Independence is not needed. Not 0 for "
    "a parameter without effect, and without an interval: its bias is as large as its error. What a "
    "dummy parameter has is pawn_dummy; hsic_p is a test for all parameters together.",
    "Pianosi and Wagener, Environ. Model. Softw. 67 (2015) 1-11; by SALib",
)
QUANTITIES = (
    Quantity(
        "sobol_first_given_data",
        "first-order Sobol index of the seed-averaged observable, from any sample (by ranks)",
        "1",
        PAIR,
        Kind.FIRST,
        RANKS,
        label="first-order Sobol index from given data",
        short="first-order index (from given data)",
        reading="share of the noise-free variance, alone",
        interval=Interval.SAMPLES_AND_SEEDS,
        within=0.05,
        ranks=True,
        designs="sobol, latin-hypercube, list, with 64 samples or more; independent parameters",
        absent="needs 64 or more samples of a Sobol, Latin-hypercube or list design, none of which "
        "share a value of a parameter, and independent parameters",
    ),
    Quantity(
        "pawn",
        "PAWN index: median Kolmogorov-Smirnov distance to conditional distributions",
        "1",
        PAIR,
        Kind.DISTANCE,
        PAWN,
        label="PAWN index",
        reading="distance between distributions, 0 to 1",
        designs="sobol, latin-hypercube, list, with 100 samples or more",
        absent="needs 100 or more samples of a Sobol, Latin-hypercube or list design",
    ),
    Quantity(
        "pawn_dummy",
        "what the PAWN index of a parameter without effect exceeds in 5 % of all designs",
        "1",
        ("observable",),
        Kind.NUMBER,
        PAWN,
        formula="95 % quantile over random orders of the samples",
        designs="sobol, latin-hypercube, list, with 100 samples or more",
        absent="needs 100 or more samples of a Sobol, Latin-hypercube or list design",
    ),
)


FEWEST_FOR_FIRST = 64
"""Fewer samples give no ``sobol_first_given_data``."""
FEWEST_FOR_PAWN = 100
"""Fewer samples give no ``pawn``: ten slices of ten."""
SLICES = 10
"""Of PAWN."""
_ORDERS = 999
"""Random orders of the samples that make a parameter a dummy."""
_NORMAL = 1.96
# Of the half-width: measured (docs/estimates.md).
_LEAST, _LEAST_OF_EVEN = 0.0025, 0.004
"""A standard error is at least that: a window leaves up to 1 % of what another parameter does."""
_WHITE, _PEAKED = 1.0, 3.0  # times what is made of white noise
_ONE, _ONE_OF_A_TAIL = 1.0, 3.0  # times the sample of the largest influence
_BEYOND, _BEYOND_IN_A_TAIL = 2.0, 4.0  # times what the upper half of the band holds


@dataclass(frozen=True)
class _Doubt:
    """What makes an interval wider than the spread of independent samples.

    Attributes:
        bounded: (parameter): whether each is.
        random: Whether what is left to noise is white.
    """

    bounded: np.ndarray
    random: bool


def given_data(
    value: xr.DataArray,
    parameter_value: xr.DataArray,
    stochastic: bool,
    independent: bool,
    bounded: Sequence[bool] | None = None,
    random: bool = True,
) -> dict[str, xr.DataArray]:
    """``sobol_first_given_data`` and ``pawn`` at every time, of every observable.

    - ``sobol_first_given_data``: Var_i E[g | theta_i] / Var g of the mean over seeds g, by ranks
      (:mod:`.ranks`). Both variances are quadratic forms and are taken between different seeds
      (``without_noise``). Absent for correlated inputs, if values of a parameter repeat (a grid: their
      order means nothing), or with fewer than ``FEWEST_FOR_FIRST`` samples.
    - ``pawn``: median over ``SLICES`` slices of equal probability of theta_i of the largest difference
      (Kolmogorov-Smirnov) between the distribution of the observable within the slice and over all
      samples. For correlated inputs, too. Of the seed average with the noise that is left in it. Not 0
      for an inert parameter: with m samples a slice about 0.8 / sqrt(m). Absent with fewer than
      ``FEWEST_FOR_PAWN`` samples, or if a parameter does not vary.
    - ``pawn_dummy``: the 95 % quantile of that of a parameter without effect. It depends on the number
      of samples alone; where values are equal, it is too large, if anything.

    The first has a 95 % interval (``with_interval``) over samples, by normal draws of the error of
    ``sample_error``, and over seeds. The second has none: its bias, of samples and of the noise in the
    mean, is as large as its error.

    Args:
        value: (sample, seed, time, observable). NaN where unusable: the other seeds of the sample stand
            for it (``completed``); a sample with fewer than two (without noise one) is left out.
        parameter_value: (sample, parameter), with the coordinate ``parameter``, on any scale: only the
            order counts.
        stochastic: Whether there is noise; with one seed there is none.
        independent: Whether the parameters are; false leaves out the first.
        bounded: Whether each parameter is; None: all are. The tails of one that is not are the steepest
            part of a function of its rank, and widen the interval.
        random: Whether the samples are independent draws or a Latin hypercube. In a Sobol' sequence what
            counts as noise is a few high peaks over the order of a parameter, and widens the interval.
    """
    usable = usable_rows(value, stochastic)
    theta = parameter_value.transpose("sample", "parameter").values[usable]
    n, n_seeds = len(theta), value.sizes["seed"] if stochastic else 1
    repeats = any(len(np.unique(column)) < n for column in theta.T)
    result: dict[str, xr.DataArray] = {}
    names = list(parameter_value["parameter"].values)
    if independent and not repeats and n >= FEWEST_FOR_FIRST:
        orders = np.argsort(theta, axis=0).T
        sure = np.ones(len(names), bool) if bounded is None else np.asarray(bounded)
        doubt = _Doubt(sure, random)
        every = seed_weights(n_seeds).values.astype(float) if n_seeds > 1 else None

        def first(x: np.ndarray) -> dict[str, Arrays]:
            return _first_order(standardise(completed(x[usable])), orders, doubt, every)

        result |= estimate_entries(value, first, stochastic, names, n, {})
    if n >= FEWEST_FOR_PAWN and (np.ptp(theta, axis=0) > 0).all():
        slices = _slices(theta)

        def pawn(x: np.ndarray) -> dict[str, Arrays]:
            return {"samples": {"pawn": _pawn(standardise(completed(x[usable])), slices)}}

        result |= estimate_entries(value, pawn, stochastic, names, None, {})
        result["pawn_dummy"] = xr.full_like(value["observable"], dummy_quantile(n), float)
    return result


def dummy_quantile(n: int) -> float:
    """The 95 % quantile of the PAWN index of a parameter without effect, of n samples."""
    rng, slices = np.random.default_rng(0), _slices(np.arange(n)[:, None])
    found = [_median_distance(rng.permutation(n), slices) for _ in range(_ORDERS)]
    return float(np.quantile(found, 0.95))


def _first_order(
    data: Standardised, orders: np.ndarray, doubt: _Doubt, counts: np.ndarray | None
) -> dict[str, Arrays]:
    """Each parameter by the window that is chosen for the mean over seeds, the same for all draws."""
    x, once = data.centred, np.ones((1, data.centred.shape[1]))
    draws = once if counts is None else np.concatenate([once, counts[1:]])
    variance = _of_draws(x.T @ x / (len(x) - 1), draws)
    variance = np.where(variance > data.floor, variance, np.nan)
    total = x.mean(axis=1)
    chosen = main_effects(total, orders)
    rest, effects = separated(x, orders, chosen)
    freedom = float(windows(len(x)).freedom[list(chosen.values())].sum())
    shares, errors = [], []
    for p, order in enumerate(orders):
        alone = (rest + effects.get(p, 0.0))[order]
        amplitudes = cosine_amplitudes(alone)
        window = int(choose_window(amplitudes.mean(axis=1, keepdims=True) ** 2)[0])
        shares.append(_of_draws(explained(amplitudes, window), draws) / variance)
        mean = alone.mean(axis=1)
        errors.append(sample_error(total[order], mean, window, shares[-1][0], variance[0], freedom))
    share = np.stack(shares, axis=1)
    result = {"samples": {"sobol_first_given_data": _normal_draws(share[0], errors, doubt, len(x))}}
    if counts is not None:
        result["seeds"] = {"sobol_first_given_data": share}
    return result


def _of_draws(form: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """A quadratic form (seed, seed) of each draw of seeds (draw, seed), without noise."""
    return without_noise(((draws @ form) * draws).sum(axis=1), np.diag(form), draws)


def _normal_draws(share: np.ndarray, errors: Sequence[SampleError], doubt: _Doubt, n: int) -> np.ndarray:
    """The shares, and draws (1 + draw, parameter) about them.

    The standard error of n samples is widened by 1 + 4 / sqrt(n), by the influence of one sample more,
    and by what is not resolved. Over the order of one parameter, an interaction of others is noise on
    random points. On a net it may be a wave, which stays as it is with more points: there a share that
    is smaller than what all parameters leave unexplained is not told from 0.
    """
    influence, noise, one, octave = np.array([(e.se, e.noise, e.one, e.octave) for e in errors]).T
    se = np.maximum(influence, (_WHITE if doubt.random else _PEAKED) * noise)
    se = (1 + 4 * n**-0.5) * np.maximum(se, _LEAST if doubt.random else _LEAST_OF_EVEN)
    if not doubt.random:
        hidden = share < 1 - share.clip(min=0).sum()
        se = np.where(hidden, np.maximum(se, share / _NORMAL), se)
    one = one * np.where(doubt.bounded, _ONE, _ONE_OF_A_TAIL) / _NORMAL
    bias = octave * np.where(doubt.bounded, _BEYOND, _BEYOND_IN_A_TAIL) / _NORMAL
    z = stats.norm.ppf((np.arange(RESAMPLES) + 0.5) / RESAMPLES)
    z = np.random.default_rng(0).permutation(z)[:, None]
    return np.concatenate([share[None], share + z * np.hypot(se + one, bias)])


def _slices(theta: np.ndarray) -> np.ndarray:
    """Membership of samples in slices (parameter, slice, sample), as SALib cuts them."""
    edges = np.quantile(theta, np.linspace(0, 1, SLICES + 1), axis=0).T[:, :, None]
    columns = theta.T[:, None]
    return (columns >= edges[:, :-1]) & (columns < edges[:, 1:])


def _pawn(data: Standardised, slices: np.ndarray) -> np.ndarray:
    x = data.centred
    if not np.var(x) > data.floor:
        x = np.zeros_like(x)
    return _median_distance(x.mean(axis=1), slices)[None]


def _median_distance(y: np.ndarray, slices: np.ndarray) -> np.ndarray:
    """PAWN index (parameter), as ``SALib.analyze.pawn``, without the p-values that take its time."""
    order = np.argsort(y)
    last = np.append(np.diff(y[order]) > 0, True)  # of equal values
    over_all = np.arange(1, len(y) + 1)[last] / len(y)
    within = np.cumsum(slices[:, :, order], axis=-1)[..., last]
    size = within[..., -1:]
    # A slice without a sample is none.
    share = within / np.where(size > 0, size, np.nan)
    index: np.ndarray = np.nanmedian(np.abs(share - over_all).max(axis=-1), axis=-1)
    return index


class GivenData(OfValues):
    """What any random design gives."""

    quantities = QUANTITIES

    def applies(self) -> bool:
        design = self.samples.question.design
        return self.samples.stands_for == "sample" and not isinstance(
            design, SaltelliDesign | FastDesign
        )

    def of_values(self, value: xr.DataArray) -> Estimates:
        question = self.samples.question
        bounded = [bool(np.isfinite(d.support).all()) for d in question.distributions]
        points = self.samples.points["parameter_value"].sel(sample=self.samples.chosen)
        random = not isinstance(question.design, SobolDesign)
        found = given_data(value, points, question.stochastic, question.independent, bounded, random)
        # Their nested subsets are of the chosen samples, not of the run.
        return {name: array for name, array in found.items() if "_by_" not in name}
