"""First-order and total Sobol' indices of a Saltelli design, in both readings of a stochastic study.

Sources: Sobol', Math. Comput. Simul. 55 (2001) 271-280 (indices); Saltelli et al., Comput. Phys. Commun.
181 (2010) 259-270 (estimators, by SALib); Zhu and Sudret, Reliab. Eng. Syst. Saf. 214 (2021) 107815
(stochastic simulators); Searle, Casella, McCulloch, Variance Components (1992), ch. 4 (two-way layout).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr

from ..designs import SaltelliDesign
from ..quantities import Interval, Kind, Method, Quantity
from .entries import (
    SEEDS_AT_ONCE,
    Arrays,
    chained,
    estimate_entries,
    first_seeds,
    groups_of,
    standardise,
)
from .estimator import PAIR, Estimates, OfValues
from .failures import USED, completed, with_share_used
from .moments import or_nan
from .polarisation import without_noise
from .resampling import DeviationScale

SOBOL = Method(
    "Sobol indices",
    "S_p = Var E[f | θ_p] / Var f; T_p = E[Var(f | all but θ_p)] / Var f",
    "In two readings: of the observable averaged over noise, with the noise left in the average "
    "removed; and with the noise as one more input, here by common random numbers. For independent "
    "parameters. Of a Saltelli design by its rows, of FAST by the spectrum; of any other random design "
    "by a polynomial chaos expansion, withheld where that predicts too little (expansion_q2).",
    "Sobol', Math. Comput. Simul. 55 (2001) 271-280; Saltelli et al., Comput. Phys. Commun. 181 "
    "(2010) 259-270; Jansen, Comput. Phys. Commun. 117 (1999) 35-43; Zhu and Sudret, Reliab. Eng. "
    "Syst. Saf. 214 (2021) 107815; designs: SALib, Iwanaga, Usher and Herman, Socio-Environ. Syst. "
    "Model. 4 (2022) 18155",
)
_SALTELLI = "saltelli"
_ABSENT = (
    "needs an expansion that holds (expansion_q2), or a Saltelli or a FAST design, and two or more "
    "seeds if the study has noise"
)
_ABSENT_WITH_NOISE = "needs a Saltelli design, a study that has noise, and two or more seeds"

TOTAL = Quantity(
    "sobol_total",
    "total Sobol index of the seed-averaged observable, noise removed",
    "1",
    PAIR,
    Kind.TOTAL,
    SOBOL,
    formula="E[Var(F | all but θ_p)] / Var F, of F = E_r f",
    label="total Sobol index",
    short="total index",
    reading="share of the noise-free variance, alone and with others",
    interval=Interval.SAMPLES_AND_SEEDS,
    error=0.36,  # of FAST: docs/estimates.md, as the next
    nested=True,
    within=0.05,
    ranks=True,
    designs="saltelli, fast; sobol, latin-hypercube, list by an expansion",
    absent=_ABSENT,
)
FIRST = Quantity(
    "sobol_first",
    "first-order Sobol index of the seed-averaged observable, noise removed",
    "1",
    PAIR,
    Kind.FIRST,
    SOBOL,
    formula="Var E[F | θ_p] / Var F, of F = E_r f",
    label="first-order Sobol index",
    short="first-order index",
    reading="share of the noise-free variance, alone",
    interval=Interval.SAMPLES_AND_SEEDS,
    error=0.42,
    nested=True,
    within=0.05,
    ranks=True,
    designs="saltelli, fast; sobol, latin-hypercube, list by an expansion",
    absent=_ABSENT,
)
_WITH_NOISE = (
    Quantity(
        "sobol_total_with_noise",
        "total Sobol index, the noise being one more input",
        "1",
        PAIR,
        Kind.TOTAL,
        SOBOL,
        formula="E[Var(f | all but θ_p)] / Var f, Z being one more input",
        label="total Sobol index, noise as an input",
        reading="share of the whole variance, noise included",
        interval=Interval.SAMPLES_AND_SEEDS,
        designs=_SALTELLI,
        absent=_ABSENT_WITH_NOISE,
    ),
    Quantity(
        "sobol_first_with_noise",
        "first-order Sobol index, the noise being one more input",
        "1",
        PAIR,
        Kind.FIRST,
        SOBOL,
        formula="Var E[f | θ_p] / Var f, Z being one more input",
        label="first-order Sobol index, noise as an input",
        reading="share of the whole variance, noise included",
        interval=Interval.SAMPLES_AND_SEEDS,
        of_noise="sobol_noise_first",
        designs=_SALTELLI,
        absent=_ABSENT_WITH_NOISE,
    ),
    Quantity(
        "sobol_noise_first",
        "first-order Sobol index of the noise as an input",
        "1",
        ("time", "observable"),
        Kind.NOISE,
        SOBOL,
        formula="Var E[f | Z] / Var f",
        interval=Interval.SAMPLES_AND_SEEDS,
        designs=_SALTELLI,
        absent=_ABSENT_WITH_NOISE,
    ),
)


_CONVERGENCE = ("sobol_first", "sobol_total")


def sobol_indices(
    value: xr.DataArray, parameters: Sequence[str], stochastic: bool
) -> dict[str, xr.DataArray]:
    """Sobol' indices at every time, of every observable.

    Write f(theta, Z), Z the noise. With one seed, or ``stochastic`` false, f has no noise and the result
    is SALib's ``sobol_first`` and ``sobol_total`` alone. Otherwise

    (a) of the mean over seeds, g(theta) = E_Z f, of a finite number of seeds, without the noise that
        is left in it: numerators and variance are quadratic forms, taken between different seeds
        (``without_noise``).
        ``sobol_first``: Var_i E[g | theta_i] / Var g.
        ``sobol_total``: E Var_i[g | theta but theta_i] / Var g.
    (b) with the noise as one more input, relative to T = Var_theta E_Z f + E_theta Var_Z f.
        ``sobol_first_with_noise``: Var_i E[f | theta_i] / T, the same numerator.
        ``sobol_total_with_noise``: E Var_i[f | theta but theta_i, Z] / T. Z stays fixed while theta_i
        changes, so this, unlike all others, depends on how the study turns random numbers into noise
        (common random numbers), and not on the distribution of f alone.
        ``sobol_noise_first`` (time, observable): Var_Z E[f | Z] / T. The variance between seeds of
        their average over n design points holds E_theta Var_Z of the interaction / n; that is
        taken off, as for the component of variance of a two-way layout. It depends on the
        representation, too. A variance between few seeds is skewed: with 12 its interval covers
        about 90 %. May be slightly negative, as all but the totals with noise may be.

    Each with its 95 % interval over base samples (rows that belong together) and seeds
    (``with_interval``), and ``sobol_first``, ``sobol_total`` ``_by_samples`` and ``_by_seeds`` for the
    first base samples and seeds. ``n_samples`` counts rows of the design. NaN where the variance over
    the design is not positive.

    Args:
        value: (sample, seed, time, observable), the whole design in order of its rows: for each base
            sample A, AB_1, ..., AB_D, B. NaN where unusable: the others of the row stand for it
            (``completed``), and a base sample is left out if a row of it has fewer than two (without
            noise: one).
        parameters: Names of the D parameters, which must be independent.
        stochastic: Whether f has noise.

    Returns:
        Arrays (time, observable, parameter), and ``simulations_used``; none with fewer than two base
        samples that can be used.

    Raises:
        ValueError: The rows are not those of such a design.
    """
    size, rows = len(parameters) + 2, value.sizes["sample"]
    if rows % size:
        raise ValueError(
            f"{rows} samples are no Saltelli design of {size - 2} parameters: not n x {size}"
        )
    groups = groups_of(value, size, stochastic)
    if groups is None:
        return {}
    usable, n_seeds, counts, sizes = groups.usable, groups.n_seeds, groups.counts, groups.sizes

    def of_entry(x: np.ndarray) -> dict[str, Arrays]:
        def first_samples(s: int) -> _Rows:
            of_groups = x[:s].reshape(-1, size, n_seeds)
            return _Rows.of(of_groups[usable[: len(of_groups)]].reshape(-1, n_seeds), size)

        data = first_samples(rows)
        result = {"samples": _over_samples(data, groups.weights)}
        if counts is not None:
            result["seeds"] = _over_seeds(data, counts)
        if sizes["n_seeds"]:
            by_seeds = _over_seeds(data, first_seeds(sizes["n_seeds"], n_seeds))
            result["n_seeds"] = chained([by_seeds], _CONVERGENCE)
        if sizes["n_samples"]:
            once = np.ones((1, n_seeds))
            by_samples = [_over_seeds(first_samples(s), once) for s in sizes["n_samples"]]
            result["n_samples"] = chained(by_samples, _CONVERGENCE)
        return result

    # Variances between seeds: the total with noise holds what a parameter does to the noise.
    scales = dict.fromkeys(("sobol_noise_first", "sobol_total_with_noise"), DeviationScale.SHARE)
    scales["sobol_first_with_noise"] = DeviationScale.REST
    found = estimate_entries(value, of_entry, stochastic, parameters, groups.n, sizes, scales)
    return with_share_used(found, value, np.repeat(usable, size))


@dataclass(frozen=True)
class _Rows:
    """Values of one observable at one time, standardised.

    Attributes:
        rows: (A, AB_1, ..., AB_D, B; base sample, seed), what failed being completed.
        there: Which of them did not fail.
        single: Values of these, as they are where single seeds count; else 0.
        level: Means that were taken off each seed (seed).
        floor: A variance that is not larger is round-off.
    """

    rows: np.ndarray
    there: np.ndarray
    single: np.ndarray
    level: np.ndarray
    floor: float

    @classmethod
    def of(cls, x: np.ndarray, size: int) -> Self:
        """From values (sample, seed) of groups of ``size`` samples."""
        full, ok = completed(x), np.isfinite(x)
        data = standardise(full)
        as_it_is = np.where(ok, data.centred + (x - full) / data.unit, 0.0)
        rows, there, single = (
            np.ascontiguousarray(y.reshape(-1, size, x.shape[1]).swapaxes(0, 1))
            for y in (data.centred, ok, as_it_is)
        )
        return cls(rows, there, single, data.level, data.floor)

    @property
    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        """(A - AB_i)^2 / 2 where both are there, and where that is (parameter, base sample, seed)."""
        both = self.there[1:-1] & self.there[0]
        return np.where(both, (self.single[0] - self.single[1:-1]) ** 2 / 2, 0.0), both


def _over_seeds(data: _Rows, counts: np.ndarray) -> Arrays:
    """Arrays where seed r counts ``counts[draw, r]`` times."""
    rows = data.rows

    def forms(columns: np.ndarray) -> np.ndarray:
        variance = np.var(np.concatenate([columns[0], columns[-1]]), axis=0)
        return np.concatenate([_numerators(columns), variance[:, None]], axis=-1)

    each = forms(rows)
    chunks = range(0, len(counts), SEEDS_AT_ONCE)
    of_sum = np.concatenate(
        [forms(np.tensordot(rows, counts[i : i + SEEDS_AT_ONCE], axes=(2, 1))) for i in chunks]
    )
    quadratic = without_noise(of_sum, each, counts)
    halves, both = (h.sum(axis=1) for h in data.halves)
    total_of_each = counts @ halves.T / or_nan(counts @ both.T)
    mean = data.level + rows[[0, -1]].mean(axis=(0, 1))
    within, known = _variance_within(data, counts)
    noise = None
    if counts.shape[1] > 1:
        least = within.sum(axis=1) / or_nan(known.sum(axis=1))
        noise = _noise(least, mean, counts, 1 / (2 * rows.shape[1]))
    return _indices(quadratic[:, :-1], total_of_each, quadratic[:, -1], noise, data.floor)


def _over_samples(data: _Rows, weights: np.ndarray) -> Arrays:
    """Arrays where base sample i counts ``weights[draw, i]`` times.

    Numerators are means over base samples: SALib gives the term of each, and resamples weigh them.
    """
    rows = data.rows
    n, n_seeds = rows.shape[1:]
    once = np.ones((1, n_seeds))
    each = _numerators(rows[:, None])  # (base sample, seed, numerator)
    of_sum = _numerators(rows.sum(axis=-1)[:, None])
    terms = without_noise(of_sum[None], np.moveaxis(each, 1, 0), once)[0]
    halves, both = (weights @ h.sum(axis=-1).T for h in data.halves)
    total_of_each = halves / or_nan(both)

    ends = rows[[0, -1]]  # A and B
    mean = weights @ ends.mean(axis=0) / n  # (draw, seed)
    variance = weights @ np.mean(ends**2, axis=0) / n - mean**2
    of_sum = weights @ np.mean(ends.sum(axis=-1) ** 2, axis=0) / n - mean.sum(axis=-1) ** 2
    without = without_noise(of_sum[None], variance.T, once)[0]
    # Each base sample is two rows, A and B.
    repeats = np.sum(weights**2, axis=1) / (2 * n**2)
    noise = None
    if n_seeds > 1:
        within, known = (weights @ part[0] for part in _variance_within(data, once))
        noise = _noise(within / or_nan(known), data.level + mean, once, repeats)
    return _indices(weights @ terms / n, total_of_each, without, noise, data.floor)


def _variance_within(data: _Rows, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variance between the seeds that are there, of A and B, and how many of the two have one.

    Both (draw, base sample), where seed r counts ``counts[draw, r]`` times.
    """
    result: np.ndarray | float = 0.0
    known: np.ndarray | float = 0.0
    for end in (0, -1):
        there = data.there[end].astype(float)
        f = there * (data.single[end] + data.level)
        n = counts @ there.T
        pairs = n**2 - counts**2 @ there.T
        squares = n * (counts @ (f**2).T) - (counts @ f.T) ** 2
        result = result + np.where(pairs > 0, squares / np.where(pairs > 0, pairs, 1.0), 0.0)
        known = known + (pairs > 0)
    return np.asarray(result), np.asarray(known)


def _numerators(rows: np.ndarray) -> np.ndarray:
    """Numerators of SALib's first-order and total indices (..., 2 D) of rows (D + 2, n, ...).

    SALib divides by the variance of A and B. Multiplying gives the numerator back; one more row with a
    term of 0, but with a variance, saves those of columns that have none.
    """
    from SALib.analyze.sobol import first_order, total_order

    one = np.ones((1, *rows.shape[2:]))
    a, b = np.concatenate([rows[0], one]), np.concatenate([rows[-1], -one])
    variance = np.var(np.concatenate([a, b]), axis=0) * len(a) / (len(a) - 1)
    mixed = [np.concatenate([x, one]) for x in rows[1:-1]]
    return np.stack(
        [index(a, ab, b) * variance for index in (first_order, total_order) for ab in mixed], -1
    )


def _noise(
    within: np.ndarray, mean: np.ndarray, counts: np.ndarray, repeats: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """E_theta Var_Z f and Var_Z E_theta f, unbiased.

    The layout of n rows by R seeds: the variance between seeds of their mean over rows is
    Var_Z E_theta f + (interaction) / n, that between seeds within rows Var_Z E_theta f + (interaction).

    Args:
        within: Mean over rows of the variance between seeds, (draw).
        mean: Mean over rows, ([draw,] seed).
        counts: m, (draw, seed).
        repeats: Chance that two rows drawn are the same: 1 / n if each counts once.
    """
    n = counts.sum(axis=1)
    pairs = n**2 - np.sum(counts**2, axis=1)
    between = (n * np.sum(counts * mean**2, axis=1) - np.sum(counts * mean, axis=1) ** 2) / pairs
    return within, (between - repeats * within) / (1 - repeats)


def _indices(
    numerators: np.ndarray,
    total_of_each: np.ndarray,
    variance: np.ndarray,
    noise: tuple[np.ndarray, np.ndarray] | None,
    floor: float,
) -> Arrays:
    first, total = np.split(numerators, 2, axis=1)
    explained = np.where(variance > floor, variance, np.nan)[:, None]
    result = {"sobol_first": first / explained, "sobol_total": total / explained}
    if noise is None:
        return result
    sum_of_both = np.maximum(variance, 0.0) + noise[0]
    whole = np.where(sum_of_both > floor, sum_of_both, np.nan)
    return result | {
        "sobol_first_with_noise": first / whole[:, None],
        "sobol_total_with_noise": total_of_each / whole[:, None],
        "sobol_noise_first": noise[1] / whole,
    }


class SobolIndices(OfValues):
    """Sobol' indices of a Saltelli design."""

    quantities = (TOTAL, FIRST, *_WITH_NOISE, USED)

    def applies(self) -> bool:
        return isinstance(self.samples.question.design, SaltelliDesign)

    def of_values(self, value: xr.DataArray) -> Estimates:
        return sobol_indices(value, self.samples.parameters, self.samples.question.stochastic)
