"""First-order and total Sobol' indices of a Saltelli design, in both readings of a stochastic study.

Sources: Sobol', Math. Comput. Simul. 55 (2001) 271-280 (indices); Saltelli et al., Comput. Phys. Commun.
181 (2010) 259-270 (estimators, by SALib); Zhu and Sudret, Reliab. Eng. Syst. Saf. 214 (2021) 107815
(stochastic simulators); Searle, Casella, McCulloch, Variance Components (1992), ch. 4 (two-way layout).
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..designs import SaltelliDesign
from ..quantities import Interval, Kind, Method, Quantity
from .entries import Arrays, chained, estimate_blocks, first_seeds, groups_of, side_by_side
from .estimator import PAIR, Estimates, OfValues
from .failures import USED, with_share_used
from .groups import CLOSED, TOTAL_OF_GROUP, of_groups
from .resampling import DeviationScale
from .saltelli_rows import Ingredients, Rows, over_samples, over_seeds, rows_of_base_sample

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


SECOND = Quantity(
    "sobol_second",
    "second-order Sobol index of two parameters, without what each does alone, noise removed",
    "1",
    (*PAIR, "parameter_2"),
    Kind.INTERACTION,
    SOBOL,
    formula="Var E[F | θ_p, θ_q] / Var F - S_p - S_q",
    interval=Interval.SAMPLES_AND_SEEDS,
    designs="saltelli with second_order; sobol, latin-hypercube, list, saltelli by an expansion",
    absent="needs an expansion that holds (expansion_q2), or a Saltelli design with second_order; and "
    "two or more seeds if the study has noise",
)
CLOSED_OF_PAIR = Quantity(
    "sobol_closed_of_pair",
    "closed Sobol index of two parameters: what they explain alone and together, noise removed",
    "1",
    (*PAIR, "parameter_2"),
    Kind.CLOSED,
    SOBOL,
    formula="Var E[F | θ_p, θ_q] / Var F",
    interval=Interval.SAMPLES_AND_SEEDS,
    designs="saltelli with second_order",
    absent="needs a Saltelli design with second_order, and two or more seeds if the study has noise; "
    "other designs have the closed index of two parameters that groups names as one",
)
_CONVERGENCE = ("sobol_first", "sobol_total")
_NAMES_OF_GROUPS = {FIRST.name: CLOSED.name, TOTAL.name: TOTAL_OF_GROUP.name}
_AT_ONCE = 200_000
"""Values of so many simulations are in work at once."""


def sobol_indices(
    value: xr.DataArray,
    parameters: Sequence[str],
    stochastic: bool,
    second_order: bool = False,
    draw: np.ndarray | None = None,
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
        second_order: Whether the design has the rows BA_i.
        draw: To which independent draw each row belongs; None: each base sample is one.

    Returns:
        Arrays (time, observable, parameter[, parameter_2]), and ``simulations_used``; none with fewer
        than two base samples that can be used.

    Raises:
        ValueError: The rows are not those of such a design.
    """
    d, rows = len(parameters), value.sizes["sample"]
    size = rows_of_base_sample(d, second_order)
    if rows % size:
        raise ValueError(f"{rows} samples are no Saltelli design of {d} parameters: not n x {size}")
    groups = groups_of(value, size, stochastic, draw)
    if groups is None:
        return {}
    usable, n_seeds, counts, sizes = groups.usable, groups.n_seeds, groups.counts, groups.sizes
    of_usable = np.repeat(usable, size)  # (sample)

    def of_some(x: np.ndarray) -> dict[str, Arrays]:
        def first_samples(s: int) -> Rows:
            kept = x[:, :s] if usable.all() else x[:, np.flatnonzero(of_usable[:s])]
            return Rows.of(kept, d, second_order)

        def by_seeds(data: Rows, counts: np.ndarray) -> Arrays:
            return _indices(over_seeds(data, counts), data.floor, d)

        data = first_samples(rows)
        result = {"samples": _indices(over_samples(data, groups.weights), data.floor, d)}
        if counts is not None:
            result["seeds"] = by_seeds(data, counts)
        if sizes["n_seeds"]:
            subsets = by_seeds(data, first_seeds(sizes["n_seeds"], n_seeds))
            result["n_seeds"] = chained([subsets], _CONVERGENCE)
        if sizes["n_samples"]:
            once = np.ones((1, n_seeds))
            parts = [by_seeds(first_samples(s), once) for s in sizes["n_samples"]]
            result["n_samples"] = chained(parts, _CONVERGENCE)
        return result

    def of_block(x: np.ndarray) -> dict[str, Arrays]:
        """Few at once: what fits the cache of a processor is done in half of the time."""
        at_once = max(1, _AT_ONCE // x[0].size)
        return side_by_side([of_some(x[i : i + at_once]) for i in range(0, len(x), at_once)])

    # Variances between seeds: the total with noise holds what a parameter does to the noise.
    scales = dict.fromkeys(("sobol_noise_first", "sobol_total_with_noise"), DeviationScale.SHARE)
    scales["sobol_first_with_noise"] = DeviationScale.REST
    n_indices, n = d * (d + 1 if second_order else 1), groups.draws
    found = estimate_blocks(value, of_block, stochastic, parameters, n, sizes, n_indices, scales)
    return with_share_used(found, value, of_usable)


def _indices(sums: Ingredients, floor: np.ndarray, d: int) -> Arrays:
    """Indices (draw, output, ...) of outputs of which a variance up to ``floor`` is round-off."""

    def shares(numerators: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return (numerators / whole[:, None]).transpose(2, 0, 1)

    least = floor[:, None]
    first, total, pairs = np.split(sums.numerators, [d, 2 * d], axis=1)
    explained = np.where(sums.variance > least, sums.variance, np.nan)
    result = {"sobol_first": shares(first, explained), "sobol_total": shares(total, explained)}
    if pairs.size:
        rows, columns = np.triu_indices(d, 1)
        alone = first[:, rows] + first[:, columns]
        result["sobol_second"] = matrices(shares(pairs, explained), d)
        result["sobol_closed_of_pair"] = matrices(shares(pairs + alone, explained), d)
    if sums.total_of_each is None or sums.within is None or sums.between is None:
        return result
    sum_of_both = np.maximum(sums.variance, 0.0) + sums.within
    whole = np.where(sum_of_both > least, sum_of_both, np.nan)
    return result | {
        "sobol_first_with_noise": shares(first, whole),
        "sobol_total_with_noise": shares(sums.total_of_each, whole),
        "sobol_noise_first": (sums.between / whole).T,
    }


def matrices(pairs: np.ndarray, d: int) -> np.ndarray:
    """Pairs i < j (..., pair) as (..., d, d), NaN on the diagonal."""
    found = np.full((*pairs.shape[:-1], d, d), np.nan)
    rows, columns = np.triu_indices(d, 1)
    found[..., rows, columns] = found[..., columns, rows] = pairs
    return found


class SobolIndices(OfValues):
    """Sobol' indices of a Saltelli design: of parameters or, where it moves groups, of these."""

    quantities = (TOTAL, FIRST, SECOND, CLOSED_OF_PAIR, *_WITH_NOISE, CLOSED, TOTAL_OF_GROUP, USED)

    def applies(self) -> bool:
        return isinstance(self.samples.question.design, SaltelliDesign)

    def of_values(self, value: xr.DataArray) -> Estimates:
        design, stochastic = self.samples.question.design, self.samples.question.stochastic
        assert isinstance(design, SaltelliDesign)
        names = list(self.samples.parts) or self.samples.parameters
        found = sobol_indices(value, names, stochastic, design.second_order, self.samples.draw)
        return of_groups(found, _NAMES_OF_GROUPS) if self.samples.parts else found
