"""The trimmed mean over seeds: what remains of a mean when a few wild seeds are left out."""

import numpy as np
import xarray as xr

from .over_seeds import root_of_squares


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
    values = x.transpose("seed", ...).values
    mean, se = trimmed(values.reshape(len(values), -1), share)
    like = x.isel(seed=0, drop=True)
    return like.copy(data=mean.reshape(like.shape)), like.copy(data=se.reshape(like.shape))


def trimmed(x: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The same of arrays (..., seed, place)."""
    values = np.sort(x, axis=-2)  # NaN goes last
    with np.errstate(invalid="ignore", divide="ignore"):
        if values.size and np.isfinite(values[..., [0, -1], :]).all():
            return _of_all(values, share)
        return _of_some(values, share)


def _of_all(values: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Of sorted values, all of them finite, which are lost."""
    n = values.shape[-2]
    k = int(np.floor(share * n + 1e-9))
    mean = values[..., k : n - k, :].sum(axis=-2) / (n - 2 * k)
    if n == 1:
        return mean, np.full_like(mean, np.nan)
    values[..., :k, :] = values[..., [k], :]
    values[..., n - k :, :] = values[..., [n - k - 1], :]
    values -= values.sum(axis=-2, keepdims=True) / n
    return mean, root_of_squares(values) / ((n - 1) * n) ** 0.5 / (1 - 2 * k / n)


def _of_some(values: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The same where the last ones of some are not finite."""
    n = np.isfinite(values).sum(axis=-2, keepdims=True)
    k = np.floor(share * n + 1e-9).astype(int)
    rank = np.arange(values.shape[-2])[:, None]
    stays = (rank >= k) & (rank < n - k)
    mean = np.where(stays, values, 0.0).sum(axis=-2, keepdims=True) / (n - 2 * k)
    low = np.take_along_axis(values, k, axis=-2)
    high = np.take_along_axis(values, np.maximum(n - k - 1, 0), axis=-2)
    winsorised = np.where(rank < n, np.clip(values, low, high), 0.0)
    centre = winsorised.sum(axis=-2, keepdims=True) / n
    deviation = np.where(rank < n, winsorised - centre, 0.0)
    n, k, mean = n[..., 0, :], k[..., 0, :], mean[..., 0, :]
    se = root_of_squares(deviation) / np.sqrt((n - 1) * n) / (1 - 2 * k / n)
    return np.where(n > 0, mean, np.nan), np.where(n > 1, se, np.nan)
