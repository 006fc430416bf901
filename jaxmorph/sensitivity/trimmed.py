"""The trimmed mean over seeds: what remains of a mean when a few wild seeds are left out."""

import numpy as np
import xarray as xr


def trimmed_mean(x: xr.DataArray, share: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean over ``seed`` without the ``share`` smallest and largest, and its standard error.

    With n usable values, k = floor(share n) are left out at each end. The standard error is
    s_w / ((1 - 2 k / n) sqrt(n)), s_w being the standard deviation of the winsorised values, those in
    which the k at each end are replaced by their nearest neighbour that stays. With k = 0 both are
    those of the ordinary mean. A trimmed mean estimates the mean of a symmetric distribution; of a
    skewed one it estimates something else, so it stands beside the mean, not in its place.

    Source: Tukey and McLaughlin, Sankhya A 25 (1963) 331-352.

    Args:
        x: Has the dimension ``seed``; NaN where unusable.
        share: In [0, 0.5).
    """
    mean, se = trimmed(x.transpose("seed", ...).values, 0, share)
    like = x.isel(seed=0, drop=True)
    return like.copy(data=mean), like.copy(data=se)


def trimmed(x: np.ndarray, axis: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The same along one axis of an array."""
    values = np.moveaxis(np.sort(x, axis=axis), axis, 0)  # NaN goes last
    n = np.isfinite(values).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        if values.size and n.min() == len(values):
            mean, size, squares, k = _of_all(values, share)
        else:
            mean, size, squares, k = _of_some(values, n, share)
        se = size * np.sqrt(squares / (n - 1) / n) / (1 - 2 * k / n)
    return np.where(n > 0, mean, np.nan), np.where(n > 1, se, np.nan)


_Parts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | int]


def _of_all(values: np.ndarray, share: float) -> _Parts:
    """Mean, largest winsorised deviation, sum of their squares in units of it, and k."""
    n = len(values)
    k = int(np.floor(share * n + 1e-9))
    mean = values[k : n - k].sum(axis=0) / (n - 2 * k)
    values[:k], values[n - k :] = values[k], values[n - k - 1]
    values -= values.sum(axis=0) / n
    size = np.maximum(np.abs(values[k]), np.abs(values[n - k - 1]))
    values /= np.where(size > 0, size, 1.0)
    return mean, size, np.einsum("r...,r...->...", values, values), k


def _of_some(values: np.ndarray, n: np.ndarray, share: float) -> _Parts:
    """The same where the last ones are not finite."""
    k = np.floor(share * n + 1e-9).astype(int)
    rank = np.arange(len(values)).reshape(-1, *[1] * n.ndim)
    stays = (rank >= k) & (rank < n - k)
    mean = np.where(stays, values, 0.0).sum(axis=0) / (n - 2 * k)
    low = np.take_along_axis(values, k[None], axis=0)
    high = np.take_along_axis(values, np.maximum(n - k - 1, 0)[None], axis=0)
    winsorised = np.where(rank < n, np.clip(values, low, high), 0.0)
    centre = winsorised.sum(axis=0) / n
    deviation = np.where(rank < n, winsorised - centre, 0.0)
    size = np.abs(deviation).max(axis=0)
    squares = ((deviation / np.where(size > 0, size, 1.0)) ** 2).sum(axis=0)
    return mean, size, squares, k
