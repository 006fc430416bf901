"""Quadratic forms without the noise that is left in a mean over seeds.

The noise of different seeds is independent, so products of two different seeds have none in
expectation, and every quadratic form Q has its value at two: the polar form Q(f_r, f_r'), of which
only sums over all r != r' are needed (a U-statistic: Hoeffding, Ann. Math. Stat. 19 (1948) 293-325).
"""

import numpy as np


def without_noise(of_sum: np.ndarray, of_each: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean of Q(f_r, f_r') over pairs of different seeds: an unbiased estimate of Q(E f).

    (Q(sum_r m_r f_r) - sum_r m_r^2 Q(f_r)) / ((sum_r m_r)^2 - sum_r m_r^2), where seed r counts m_r
    times. A seed that counts more than once is not paired with itself.

    Args:
        of_sum: Q(sum_r m_r f_r), (draw, ...).
        of_each: Q(f_r), (seed, ...).
        counts: m, (draw, seed), at least two of them not 0. One seed alone means that there is no
            noise: then Q(f) itself.
    """
    if counts.shape[1] == 1:
        return of_sum
    squares = counts**2.0
    pairs = counts.sum(axis=1) ** 2.0 - squares.sum(axis=1)
    difference = of_sum - np.tensordot(squares, of_each, axes=1)
    return difference / pairs.reshape(-1, *[1] * (of_sum.ndim - 1))


def between_seeds(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Mean of the products of two numbers of two different seeds, (...) from (..., seed).

    One seed alone means that there is no noise: then the product itself.
    """
    n = left.shape[-1]
    if n == 1:
        return np.asarray(left[..., 0] * right[..., 0])
    products = left.sum(axis=-1) * right.sum(axis=-1) - np.einsum("...r,...r->...", left, right)
    return np.asarray(products / (n * (n - 1)))


def pairs_of(counts: np.ndarray) -> np.ndarray:
    """Weights of all pairs of different seeds (draw, seed, seed), which add up to 1.

    Args:
        counts: How often each seed counts (draw, seed), at least two of them not 0; or one seed alone,
            which is paired with itself.
    """
    weights = counts[:, :, None] * counts[:, None, :]
    if counts.shape[1] > 1:
        weights = weights * (1 - np.eye(counts.shape[1]))
    return np.asarray(weights / weights.sum(axis=(1, 2), keepdims=True))
