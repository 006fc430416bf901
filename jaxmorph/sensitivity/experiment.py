"""The Fisher information of one experiment, and why it is withheld where it is."""

import numpy as np
import xarray as xr

from .fisher import information
from .records import Records, best_order
from .resampling import FEWEST
from .score_variance import ScoreVariance

_FALSE_ALARMS = 0.02
"""How often the variance of some parameter's score may refute what is right (Bonferroni)."""
_MATTERS = 1.3
"""A variance of the score that is further off by a factor makes a standard deviation 15 % wrong."""
_LONGER = (
    "the noise that matters for {name} has {ratio} times the variance that the regression of records on "
    "those before gives: it is correlated in a way that the seeds do not resolve"
)
_NOT_GAUSSIAN = (
    "the score of {name} has {ratio} times the variance that Gaussian noise would give it: what the "
    "covariance tells is not known"
)


def fisher_information(
    value: xr.DataArray, gradient: xr.DataArray, weights: xr.DataArray | None = None
) -> dict[str, xr.DataArray]:
    """The Fisher information of Gaussian records, without the noise of gradients.

    Left out: seeds with an entry that is not finite, in the windows that hold it (entries at which most
    seeds are not finite are left out instead); entries without noise (t = 0, a deterministic radius) and
    those that follow from the ones before them (residual variance below 1e-8 of their own), which would
    carry infinite information.

    Args:
        value: ([sample,] seed, time, observable).
        gradient: ([sample,] seed, time, observable, parameter), parameters in units of their natural sd.
        weights: (draw, seed) of :func:`~jaxmorph.sensitivity.resampling.seed_weights`. Draws are
            reflected: to first order their deviations are those of resampling, of other sign.

    Returns:
        Nothing without noise or with fewer than 4 seeds. Otherwise:

        * ``fisher_information`` and ``fisher_information_of_mean``, its part of the mean ([draw,]
          [sample,] parameter, parameter_2), draw 0 being the data; NaN where they are withheld.
        * ``fisher_entry_used`` ([sample,] time, observable), ``fisher_order`` ([sample]).
        * ``why_none``, ``why_mean_alone`` ([sample]): why they are withheld, empty if they are not.
    """
    if value.sizes["seed"] < FEWEST:
        return {}
    alone = "sample" not in value.dims
    if alone:
        value, gradient = value.expand_dims("sample"), gradient.expand_dims("sample")
    value = value.transpose("sample", "seed", "time", "observable")
    gradient = gradient.transpose(*value.dims, "parameter")
    finite = np.isfinite(value.values) & np.isfinite(gradient.values).all(axis=-1)
    records = Records(value.values, finite)
    if not records.varies.any():
        return {}
    order, settled = best_order(records)
    drawn = None if weights is None else weights.transpose("draw", "seed").values[1:]
    parts = information(records, gradient.values, np.where(settled, order, -1), drawn)
    unsettled = _unsettled(records, settled)
    names = _names(gradient)
    refuted = _refuted(parts.score_of_mean, names, _LONGER)
    none = [why or other for why, other in zip(unsettled, refuted, strict=True)]
    refuted = _refuted(parts.score_of_mean + parts.score_of_covariance, names, _NOT_GAUSSIAN)
    mean_alone = [why or other for why, other in zip(none, refuted, strict=True)]
    empty = ~parts.used.any(axis=-1)
    lost = _square(none) | empty.reshape(-1, 1, 1)
    of_mean = np.where(lost, np.nan, parts.of_mean)
    of_both = np.where(_square(mean_alone), np.nan, of_mean + parts.of_covariance)
    entry = gradient.isel(seed=0, parameter=0, drop=True)
    sample = entry.isel(time=0, observable=0, drop=True)
    found = {
        "fisher_information": _matrix(of_both, gradient),
        "fisher_information_of_mean": _matrix(of_mean, gradient),
        "fisher_entry_used": entry.copy(data=parts.used.reshape(entry.shape)),
        "fisher_order": sample.copy(data=order),
        "why_none": sample.copy(data=np.array(none, dtype=object)),
        "why_mean_alone": sample.copy(data=np.array(mean_alone, dtype=object)),
    }
    return {name: array.isel(sample=0, drop=True) if alone else array for name, array in found.items()}


def _names(gradient: xr.DataArray) -> list[str]:
    if "parameter" in gradient.coords:
        return [str(name) for name in gradient["parameter"].values]
    return [f"parameter {i + 1}" for i in range(gradient.sizes["parameter"])]


def _unsettled(records: Records, settled: np.ndarray) -> list[str]:
    """Why the order of each sample is not settled; empty where it is."""
    highest, n_times = records.highest_order(), records.shape[2]
    orders = np.unique(highest[~settled]).tolist()
    more = {one: records.seeds_for(min(one + 3, n_times)) for one in orders}
    longer = {one: records.seeds_for(one + 2) for one in orders}
    return [
        "" if ok else _why_unsettled(records, int(h), int(more[int(h)][s]), int(longer[int(h)][s]))
        for s, (ok, h) in enumerate(zip(settled, highest, strict=True))
    ]


def _why_unsettled(records: Records, highest: int, more: int, longer: int) -> str:
    n_seeds = records.shape[1]
    if highest < 0:
        return (
            f"{n_seeds} seeds do not tell how the noise of the observables is correlated: use "
            f"{more} or more, or fewer observables"
        )
    if longer <= n_seeds:
        return (
            f"the noise of records is correlated over {highest} records or more, the longest "
            "regressions of so many observables; use fewer, or records further apart"
        )
    return (
        f"{n_seeds} seeds do not tell how the noise of records is correlated: regressions on {highest} "
        f"records before are the longest that they allow, and predict best; use {more} seeds or more, "
        "fewer observables, or records further apart"
    )


def _refuted(score: ScoreVariance, names: list[str], text: str) -> list[str]:
    """Why the variance of the score refutes each sample, by the worst parameter; or nothing."""
    ratio, probability = score.excess()
    matters = np.abs(np.log(np.maximum(ratio, 1e-300))) > np.log(_MATTERS)
    probability = np.where(matters, probability, 1.0)
    told = []
    for sample, worst in enumerate(probability.argmin(axis=-1)):
        if probability[sample, worst] * len(names) < _FALSE_ALARMS:
            told.append(text.format(name=names[worst], ratio=f"{ratio[sample, worst]:.2g}"))
        else:
            told.append("")
    return told


def _square(why: list[str]) -> np.ndarray:
    return np.array([bool(one) for one in why]).reshape(-1, 1, 1)


def _matrix(data: np.ndarray, gradient: xr.DataArray) -> xr.DataArray:
    """([draw,] sample, parameter, parameter_2) with the coordinates of the gradient."""
    dims = ("draw", "sample", "parameter", "parameter_2")[-data.ndim :]
    coords = {n: c for n, c in gradient.coords.items() if set(c.dims) <= set(dims)}
    if "parameter" in coords:
        coords["parameter_2"] = ("parameter_2", gradient["parameter"].values)
    return xr.DataArray(data, coords, dims)
