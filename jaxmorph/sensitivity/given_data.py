"""Arrays from any random design: first-order indices by RBD-FAST, and PAWN.

Sources: Tarantola, Gatelli, Mara, Reliab. Eng. Syst. Saf. 91 (2006) 717-727, Plischke, ibid. 95 (2010)
354-360, Tissot and Prieur, ibid. 107 (2012) 205-213 (RBD-FAST); Pianosi and Wagener, Environ. Model.
Softw. 67 (2015) 1-11 and 108 (2018) 197-207 (PAWN); Shao and Wu, Ann. Stat. 17 (1989) 1176-1197
(delete-half jackknife). Both estimators equal SALib's, but take all resamples at once.
"""

import numpy as np
import xarray as xr

from ..designs import FastDesign, SaltelliDesign
from ..quantities import Interval, Kind, Method, Quantity
from .entries import Arrays, Standardised, complete_groups, estimate_entries, standardise
from .estimator import Estimates, OfValues
from .polarisation import without_noise
from .resampling import sample_weights, seed_weights

_DIMS = ("time", "observable", "parameter")
RBD_FAST = Method(
    "First-order index from given data",
    "Var E[f | θ_p] / Var f, from the samples as they lie",
    "RBD-FAST: in the order of the parameter, a smooth dependence lies in the lowest frequencies. "
    "Needs no special design, and is rougher than one made for it. For independent, bounded parameters.",
    "Tarantola, Gatelli and Mara, Reliab. Eng. Syst. Saf. 91 (2006) 717-727; Plischke, ibid. 95 "
    "(2010) 354-360; by SALib",
)
PAWN = Method(
    "PAWN index",
    "median over values of θ_p of the Kolmogorov-Smirnov distance between the distributions of f with "
    "and without θ_p fixed",
    "Looks at the whole distribution, not at its variance alone. Independence is not needed. Not 0 for "
    "a parameter without effect.",
    "Pianosi and Wagener, Environ. Model. Softw. 67 (2015) 1-11; by SALib",
)
QUANTITIES = (
    Quantity(
        "sobol_first_given_data",
        "first-order Sobol index of the seed-averaged observable, from any sample (RBD-FAST)",
        "1",
        _DIMS,
        Kind.FIRST,
        RBD_FAST,
        label="first-order Sobol index from given data",
        short="first-order index (from given data)",
        reading="share of the noise-free variance, alone",
        interval=Interval.SAMPLES_AND_SEEDS,
        within=0.05,
        ranks=True,
        designs="sobol, latin-hypercube, list, with 65 samples or more; independent, bounded parameters",
        absent="needs 65 or more samples of a Sobol, Latin-hypercube or list design, and independent, "
        "bounded parameters",
    ),
    Quantity(
        "pawn",
        "PAWN index: median Kolmogorov-Smirnov distance to conditional distributions",
        "1",
        _DIMS,
        Kind.DISTANCE,
        PAWN,
        label="PAWN index",
        reading="distance between distributions, 0 to 1",
        interval=Interval.SAMPLES_AND_SEEDS,
        designs="sobol, latin-hypercube, list, with 100 samples or more",
        absent="needs 100 or more samples of a Sobol, Latin-hypercube or list design",
    ),
)


FEWEST_FOR_FIRST = 65
"""Fewer samples give no ``sobol_first_given_data``."""
FEWEST_FOR_PAWN = 100
"""Fewer samples give no ``pawn``: ten slices of ten."""
HARMONICS = 6
"""Of RBD-FAST, as Tarantola et al. advise. Finer variation is missed: 0.5 % of that of a whole sine."""
SLICES = 10
"""Of PAWN."""
_RESAMPLES = 100
_CHUNK = 4
"""So many resamples of samples are evaluated at once."""


def given_data(
    value: xr.DataArray, parameter_value: xr.DataArray, stochastic: bool, independent: bool
) -> dict[str, xr.DataArray]:
    """``sobol_first_given_data`` and ``pawn`` at every time, of every observable.

    - ``sobol_first_given_data``: Var_i E[g | theta_i] / Var g of the mean over seeds g, by RBD-FAST:
      samples in order of theta_i, the share of the spectrum in the lowest ``HARMONICS`` frequencies, its
      bias taken off. Both variances are quadratic forms and are taken between different seeds
      (``without_noise``). Few harmonics miss the ends of unbounded inputs: of exp(z), z standard
      normal, they hold 71 % of the variance, so it is not for these. Absent for correlated inputs, if
      values of a parameter repeat (a grid: their order means nothing), or with fewer than
      ``FEWEST_FOR_FIRST`` samples.
    - ``pawn``: median over ``SLICES`` slices of equal probability of theta_i of the largest difference
      (Kolmogorov-Smirnov) between the distribution of the observable within the slice and over all
      samples. For correlated inputs, too. Of the seed average with the noise that is left in it. Not 0
      for an inert parameter: with m samples a slice about 0.8 / sqrt(m). Absent with fewer than
      ``FEWEST_FOR_PAWN`` samples, or if a parameter does not vary.

    95 % intervals (``with_interval``) over samples, by halves drawn without repeats (a repeated sample
    would be its own neighbour) for the first, and by the spread of the bootstrap about its mean for the
    second (resampling adds to the bias of the largest difference, and the interval does not count
    it); and over seeds.

    Args:
        value: (sample, seed, time, observable). NaN where unusable; a sample with one is left out.
        parameter_value: (sample, parameter), with the coordinate ``parameter``, on any scale: only the
            order counts.
        stochastic: Whether there is noise; with one seed there is none.
        independent: Whether the parameters are, and are bounded; false leaves out the first.
    """
    usable = complete_groups(value, 1)
    theta = parameter_value.transpose("sample", "parameter").values[usable]
    n, n_seeds = len(theta), value.sizes["seed"] if stochastic else 1
    repeats = any(len(np.unique(column)) < n for column in theta.T)
    counts = seed_weights(n_seeds, _RESAMPLES).values.astype(float) if n_seeds > 1 else None
    result: dict[str, xr.DataArray] = {}
    names = list(parameter_value["parameter"].values)
    if independent and not repeats and n >= FEWEST_FOR_FIRST:
        orders, halves = _orders(theta), _halves(theta)

        def first(x: np.ndarray) -> dict[str, Arrays]:
            return _first_order(standardise(x[usable]), orders, halves, counts)

        result |= estimate_entries(value, first, stochastic, names, n, {})
    if n >= FEWEST_FOR_PAWN and (np.ptp(theta, axis=0) > 0).all():
        slices = _slices(theta)
        weights = sample_weights(n, resamples=_RESAMPLES).values.astype(float)

        def pawn(x: np.ndarray) -> dict[str, Arrays]:
            return _pawn(standardise(x[usable]), slices, weights, counts)

        result |= estimate_entries(value, pawn, stochastic, names, n, {})
    return result


def _orders(theta: np.ndarray) -> list[np.ndarray]:
    """For every parameter the order of samples along its search curve, there and back."""
    from SALib.analyze.rbd_fast import permute_outputs

    rows = np.arange(len(theta), dtype=np.int32)
    return [permute_outputs(column, rows) for column in theta.T]


def _halves(theta: np.ndarray) -> list[list[np.ndarray]]:
    """The same for random halves of the samples, (resample, parameter)."""
    rng = np.random.default_rng(0)
    rows = np.arange(len(theta), dtype=np.int32)
    halves = [rng.permutation(rows)[: len(theta) // 2] for _ in range(_RESAMPLES)]
    return [[half[order] for order in _orders(theta[half])] for half in halves]


def _first_order(
    data: Standardised,
    orders: list[np.ndarray],
    halves: list[list[np.ndarray]],
    counts: np.ndarray | None,
) -> dict[str, Arrays]:
    """A half of the samples, drawn without repeats, deviates from all as much as all from the truth."""
    x = data.centred
    n_seeds = x.shape[1]
    each = _powers(x, orders)

    def over_seeds(m: np.ndarray) -> np.ndarray:
        power = without_noise(_powers(x @ m.T, orders), each, m)
        return power[:, :-1] / np.where(power[:, -1:] > data.floor, power[:, -1:], np.nan)

    estimate = over_seeds(np.ones((1, n_seeds)))
    mean = x.mean(axis=1, keepdims=True)
    plain = _plain(mean, orders, data.floor)
    # The halves are of the noisy average; what the noise adds to its variance scales their deviations.
    variance = without_noise(np.var(x.sum(axis=1))[None], np.var(x, axis=0), np.ones((1, n_seeds)))
    noise_left = np.var(mean) / np.where(variance > data.floor, variance, np.nan)
    deviation = [noise_left * (_plain(mean, half, data.floor) - plain) for half in halves]
    over_samples = np.concatenate([estimate, estimate + np.concatenate(deviation)])
    result = {"samples": {"sobol_first_given_data": over_samples}}
    if counts is not None:
        result["seeds"] = {"sobol_first_given_data": over_seeds(counts)}
    return result


def _plain(mean: np.ndarray, orders: list[np.ndarray], floor: float) -> np.ndarray:
    power = _powers(mean, orders)
    return power[:, :-1] / np.where(power[:, -1:] > floor, power[:, -1:], np.nan)


def _powers(columns: np.ndarray, orders: list[np.ndarray]) -> np.ndarray:
    """Var_i E[. | theta_i] of every column for every parameter and, last, Var: (column, D + 1).

    The lowest frequencies of all columns at once, where SALib takes a whole spectrum of each.
    """
    from SALib.analyze.rbd_fast import unskew_S1

    n = len(orders[0])
    variance = np.var(columns[orders[0]], axis=0)
    angle = 2 * np.pi / n * np.outer(np.arange(1, HARMONICS + 1), np.arange(n))
    waves = np.concatenate([np.cos(angle), np.sin(angle)])
    ordered = (np.take(columns, order, axis=0) for order in orders)
    result = [2 / n**2 * np.sum((waves @ column) ** 2, axis=0) for column in ordered]
    share = np.array(result) / np.where(variance > 0, variance, 1.0)
    return np.column_stack([*(unskew_S1(share, HARMONICS, n) * variance), variance])


def _slices(theta: np.ndarray) -> np.ndarray:
    """Membership of samples in slices (parameter, slice, sample), as SALib cuts them."""
    edges = np.quantile(theta, np.linspace(0, 1, SLICES + 1), axis=0).T[:, :, None]
    columns = theta.T[:, None]
    return (columns >= edges[:, :-1]) & (columns < edges[:, 1:])


def _pawn(
    data: Standardised, slices: np.ndarray, weights: np.ndarray, counts: np.ndarray | None
) -> dict[str, Arrays]:
    x = data.centred
    if not np.var(x) > data.floor:
        x = np.zeros_like(x)
    chunks = [weights[i : i + _CHUNK] for i in range(0, len(weights), _CHUNK)]
    draws = np.concatenate([_median_distance(x.mean(axis=1), slices, w) for w in chunks])
    result = {"samples": {"pawn": _about_the_first(draws)}}
    if counts is not None:
        means = x @ counts.T / counts.sum(axis=1)
        once = np.ones((1, len(x)))
        draws = np.concatenate([_median_distance(y, slices, once) for y in means.T])
        result["seeds"] = {"pawn": _about_the_first(draws)}
    return result


def _about_the_first(draws: np.ndarray) -> np.ndarray:
    """Draws moved so that their mean is draw 0."""
    return np.concatenate([draws[:1], draws[1:] + draws[0] - draws[1:].mean(axis=0)])


def _median_distance(y: np.ndarray, slices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """PAWN index (draw, parameter) where sample i counts ``weights[draw, i]`` times.

    As ``SALib.analyze.pawn``, for all draws at once, and without the p-values that take its time.
    """
    order = np.argsort(y)
    last = np.append(np.diff(y[order]) > 0, True)  # of equal values
    weights, slices = weights[:, order], slices[:, :, order]
    over_all = np.cumsum(weights, axis=1)[:, last]
    over_all /= over_all[:, -1:]
    distances = np.full((len(weights), *slices.shape[:2]), np.nan)
    for i, of_parameter in enumerate(slices):
        within = np.cumsum(weights[:, None] * of_parameter, axis=-1)[..., last]
        size = within[..., -1:]
        share = within / np.where(size > 0, size, np.nan)
        distances[:, i] = np.abs(share - over_all[:, None]).max(axis=-1)
    # That which ignores NaN, of slices without a sample, is slow.
    return (np.nanmedian if np.isnan(distances).any() else np.median)(distances, axis=-1)


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
        bounded = all(np.isfinite(d.support).all() for d in question.distributions)
        points = self.samples.points["parameter_value"].sel(sample=self.samples.chosen)
        independent = question.independent and bounded
        found = given_data(value, points, question.stochastic, independent)
        # Their nested subsets are of the chosen samples, not of the run.
        return {name: array for name, array in found.items() if "_by_" not in name}
