"""First-order and total Sobol' indices from the search curves of a FAST design.

Sources: Saltelli, Tarantola, Chan, Technometrics 41 (1999) 39-56 (extended FAST); the spectrum is summed
by SALib.
"""

import logging
import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..designs import FastDesign
from .entries import Arrays, chained, estimate_entries, first_seeds, standardise
from .estimator import Estimates, OfValues
from .failures import USED, completed, usable_rows, with_share_used
from .polarisation import without_noise
from .resampling import nested, seed_weights
from .sobol_indices import FIRST, TOTAL

logger = logging.getLogger(__name__)

_CONVERGENCE = ("sobol_first", "sobol_total")
_RESAMPLES = 100


def fast(
    value: xr.DataArray, parameters: Sequence[str], harmonics: int, stochastic: bool
) -> dict[str, xr.DataArray]:
    """``sobol_first`` and ``sobol_total`` of the mean over seeds, at every time, of every observable.

    Along the curve of parameter i (N rows) that parameter has the highest frequency w, others low ones.
    With D_i the power at w, 2 w, ..., ``harmonics`` w, D_~i the power at or below w / 2, and V all
    power: ``sobol_first`` = D_i / V, ``sobol_total`` = 1 - D_~i / V. All three are quadratic forms and
    are taken between different seeds (``without_noise``), so noise that is left in the mean over
    seeds does not count. With one seed or ``stochastic`` false they are plain.

    There is no interval, but the part of the error that the seeds have (``_se_seeds``): a search curve
    is no random choice, and what it errs by is systematic, from interfering frequencies and harmonics
    left out: up to 0.36 for the Ishigami function with N = 129, 0.05 with 257, and no rule of N bounds
    it (``docs/estimates.md``). SALib's own intervals, from pieces of the curve, covered the truth in 0
    to 100 % of repetitions, and SALib warns of them; they are not used. ``_by_seeds`` holds the
    convergence; part of a curve is no curve, so there is no ``_by_samples``.

    Args:
        value: (sample, seed, time, observable): N rows a parameter, in order. NaN where unusable: the
            others of the row stand for it (``completed``). A curve cannot spare a row.
        parameters: Names of the D parameters, which must be independent.
        harmonics: The M of the design.
        stochastic: Whether there is noise.

    Returns:
        Arrays (time, observable, parameter), NaN where the variance is not positive, and
        ``simulations_used``; none if a row has fewer than two seeds (without noise: one).

    Raises:
        ValueError: The rows are not those of such a design.
    """
    rows, d = value.sizes["sample"], len(parameters)
    if rows % d or rows // d <= 4 * harmonics**2:
        raise ValueError(
            f"{rows} samples are no FAST design of {d} parameters and {harmonics} harmonics: "
            f"not {d} x N, N > {4 * harmonics**2}"
        )
    with_noise = stochastic and value.sizes["seed"] > 1
    usable = usable_rows(value, stochastic)
    if not usable.all():
        lost = np.count_nonzero(~usable)
        logger.warning("%d of %d rows of the search curves failed: there are no indices", lost, rows)
        return {}
    n_seeds = value.sizes["seed"] if stochastic else 1
    counts = seed_weights(n_seeds, _RESAMPLES).values.astype(float) if with_noise else None
    sizes = {"n_seeds": nested(n_seeds)}

    def of_entry(x: np.ndarray) -> dict[str, Arrays]:
        x = completed(x)
        result = {"samples": _over_seeds(x, d, harmonics, np.ones((1, n_seeds)))}
        if counts is not None:
            result["seeds"] = _over_seeds(x, d, harmonics, counts)
        if sizes["n_seeds"]:
            by_seeds = _over_seeds(x, d, harmonics, first_seeds(sizes["n_seeds"], n_seeds))
            result["n_seeds"] = chained([by_seeds], _CONVERGENCE)
        return result

    found = estimate_entries(value, of_entry, stochastic, parameters, None, sizes)
    found = {name: array for name, array in found.items() if not name.endswith(("_low", "_high"))}
    return with_share_used(found, value, usable)


def _over_seeds(x: np.ndarray, d: int, harmonics: int, counts: np.ndarray) -> Arrays:
    """Indices (draw, parameter) where seed r counts ``counts[draw, r]`` times."""
    first, total = [], []
    for curve in np.split(x, d):
        data = standardise(curve)
        each = _powers(data.centred, harmonics)
        of_sum = _powers(data.centred @ counts.T, harmonics)
        of_parameter, of_others, power = without_noise(of_sum, each, counts).T
        power = np.where(power > data.floor, power, np.nan)
        first.append(of_parameter / power)
        total.append(1 - of_others / power)
    return {"sobol_first": np.stack(first, axis=-1), "sobol_total": np.stack(total, axis=-1)}


def _powers(columns: np.ndarray, harmonics: int) -> np.ndarray:
    """D_i, D_~i and V of every column, (column, 3)."""
    from SALib.analyze.fast import compute_orders

    n = len(columns)
    # SALib sums frequencies below the highest that an even number of rows can hold.
    power = np.var(columns, axis=0)
    if n % 2 == 0:
        power = power - np.mean(columns * (-1.0) ** np.arange(n)[:, None], axis=0) ** 2
    frequency = math.floor((n - 1) / (2 * harmonics))
    result = np.zeros((columns.shape[1], 3))
    for i in np.flatnonzero(power > 0):
        first, total = compute_orders(columns[:, i], n, harmonics, frequency)
        result[i] = power[i] * np.array([first, 1 - total, 1.0])
    return result


class Fourier(OfValues):
    """Sobol' indices of a FAST design."""

    quantities = (TOTAL, FIRST, USED)

    def applies(self) -> bool:
        return isinstance(self.samples.question.design, FastDesign)

    def of_values(self, value: xr.DataArray) -> Estimates:
        design = self.samples.question.design
        assert isinstance(design, FastDesign)
        stochastic = self.samples.question.stochastic
        return fast(value, self.samples.parameters, design.harmonics, stochastic)
