"""What seeds tell of an average over noise: squares without noise, and the noise of a mean."""

import numpy as np


def squares(x: np.ndarray) -> np.ndarray:
    """The mean product of those of two different seeds, (...) from (..., seed)."""
    n = x.shape[-1]
    if n == 1:
        return np.asarray(x[..., 0] ** 2)
    return np.asarray((x.sum(axis=-1) ** 2 - (x**2).sum(axis=-1)) / (n * (n - 1)))


def noise_of_mean(predicted: np.ndarray) -> np.ndarray:
    """Variance of the mean over seeds of a prediction, (sample, output) from (sample, output, seed).

    Without what a seed does to all samples alike, which has no part in a variance over the design. One
    seed is taken to be without noise.
    """
    n = predicted.shape[-1]
    if n == 1:
        return np.zeros(predicted.shape[:-1])
    return np.asarray((predicted - predicted.mean(axis=0)).var(axis=-1, ddof=1) / n)


def variance_of_mean(x: np.ndarray) -> np.ndarray:
    """That of independent seeds, (...) from (..., seed); 0 of one."""
    n = x.shape[-1]
    if n == 1:
        return np.zeros(x.shape[:-1])
    return np.asarray((np.einsum("...r,...r->...", x, x) - x.sum(axis=-1) ** 2 / n) / (n * (n - 1)))
