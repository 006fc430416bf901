"""How designs that need every row use rows in which simulations of some seeds failed.

Saltelli, Morris and FAST designs combine rows, so a row that is lost costs a whole base sample,
trajectory or curve. A row that has failed at a few of its seeds is not lost: the mean of the others
stands for it, and what their noise adds to a square is as well known as that of all.
"""

import logging

import numpy as np
import xarray as xr

from ..quantities import Method, Quantity

logger = logging.getLogger(__name__)

USED = Quantity(
    "simulations_used",
    "share of the simulations of the design that its indices or effects are made from",
    "1",
    ("time", "observable"),
    method=Method(
        "Simulations that failed",
        "share of the simulations that are used",
        "A row of the design needs two seeds that did not fail, or one without noise: the mean of "
        "these stands for it, on the assumption that failing has nothing to do with the noise. A base "
        "sample, trajectory or search curve with a row that has fewer is left out whole.",
        "two-phase sampling: Cochran, Sampling Techniques (1977), section 13.3",
    ),
    formula="used / all",
    designs="saltelli, morris, fast",
    absent="needs a Saltelli, Morris or FAST design",
)


def usable_rows(value: xr.DataArray, stochastic: bool) -> np.ndarray:
    """Which samples have enough seeds at every time, of every observable: two, or one without noise.

    Args:
        value: (sample, seed, time, observable), NaN where unusable.
        stochastic: Whether there is noise; with one seed there is none.
    """
    least = 2 if stochastic and value.sizes["seed"] > 1 else 1
    enough = value.notnull().sum("seed") >= least
    usable: np.ndarray = enough.all([d for d in enough.dims if d != "sample"]).values
    return usable


def completed(x: np.ndarray) -> np.ndarray:
    """Values (..., seed) without NaN, so that means over seeds are those of the values that are there.

    What is missing becomes the mean of its row, and deviations from it are stretched by
    sqrt(R (R - 1) / (n (n - 1))), n of R seeds being there. Then the sum over seeds of products of
    deviations is what the variance of a mean over n takes, and every quadratic form between different
    seeds (``without_noise``) is unbiased: exactly for squares of a row, and to order (1 - n / R) / R^2
    of the noise that two rows share.

    Args:
        x: At least two finite values a row, or one if there is one seed.
    """
    there = np.isfinite(x)
    if there.all():
        return x
    n, n_seeds = there.sum(axis=-1, keepdims=True), x.shape[-1]
    mean = np.where(there, x, 0.0).sum(axis=-1, keepdims=True) / n
    stretch = np.sqrt(n_seeds * (n_seeds - 1) / np.maximum(n * (n - 1), 1))
    return mean + np.where(there, stretch * (x - mean), 0.0)


def with_share_used(
    estimates: dict[str, xr.DataArray], value: xr.DataArray, usable: np.ndarray
) -> dict[str, xr.DataArray]:
    """The estimates with ``simulations_used`` (time, observable); ``usable`` (sample): which rows."""
    used = value.notnull() & xr.DataArray(usable, dims="sample")
    share = used.mean(("sample", "seed")).transpose("time", "observable")
    if not bool(used.all()):
        logger.warning(
            "%.3g %% of the simulations are used, %d of %d rows are left out: others failed",
            100 * float(share.min()),
            np.count_nonzero(~usable),
            len(usable),
        )
    return estimates | {USED.name: share.drop_vars(set(share.coords) - {"time", "observable"})}
