"""The arithmetic of the Fisher information of Gaussian records.

For a Gaussian vector of mean m and covariance C,

    F_pq = m_p' C^-1 m_q' + tr(C^-1 C_p' C^-1 C_q') / 2

(Kay, Fundamentals of Statistical Signal Processing (1993), section 3.9). With the whitening of the
windows (:mod:`.records`), z = M (x - m) and w = M dx/dtheta, the density is a product over entries j of
the normal densities of each given those before it, and so is the information a sum:

    F = sum_j [ a_j a_j + A_jj A_jj / 2 + sum_(i < j) A_ji A_ji ],  a = E[w],  A = E[z w^T + w z^T],

with A = M C' M^T: what moves the mean, the size of a residual, and the coefficients of its regression.
"""

from dataclasses import dataclass

import numpy as np

from .records import Records, Windows, add_by_sample
from .score_variance import ScoreVariance


@dataclass(frozen=True)
class Parts:
    """Information of the mean and of the covariance, without the noise of gradients.

    Attributes:
        of_mean, of_covariance: ([draw,] sample, parameter, parameter).
        used: (sample, entry), entries that add something.
        score_of_mean, score_of_covariance: The two parts of the score.
    """

    of_mean: np.ndarray
    of_covariance: np.ndarray
    used: np.ndarray
    score_of_mean: ScoreVariance
    score_of_covariance: ScoreVariance


def information(
    records: Records, gradient: np.ndarray, order: np.ndarray, weights: np.ndarray | None = None
) -> Parts:
    """F of all samples, of the data, and with ``weights`` of resampled seeds, too.

    Each number (a_j, A_ji) becomes one number a seed, whose mean over seeds it is, and whose deviations
    are those that the seed causes in it, also by way of the whitening (infinitesimal jackknife). Squares
    are means over pairs of different seeds of these: unbiased where a number is linear in the data, up
    to the second order in 1 / seeds where it is not. What is left is the bias of an inverse variance
    with n degrees of freedom, (n - 3/2) / R (of E[1 / s^2] = R / (n - 2), 1 / (2 n) is in the pairs).
    The part of the mean of the data is unbiased for Gaussian seeds (:meth:`_Window.unbiased_mean`).

    Args:
        records: The values.
        gradient: (sample, seed, time, observable, parameter).
        order: (sample), how many records before each it is regressed on; -1: no information.
        weights: (draw, seed), how often each seed counts. Draws are reflected, 2 - weight: to first
            order their deviations are those of resampling, of other sign.
    """
    n_samples, n_seeds, n_times, n_observables = records.shape
    n_parameters = gradient.shape[-1]
    g = gradient.reshape(n_samples, n_seeds, n_times * n_observables, n_parameters)
    omega = np.ones((1, n_seeds))
    if weights is not None:
        omega = np.concatenate([omega, 2.0 - weights])
    shape = (n_samples, len(omega), n_parameters, n_parameters)
    mean, covariance = np.zeros(shape), np.zeros(shape)
    used = np.zeros((n_samples, n_times * n_observables), bool)
    scores = [ScoreVariance(n_samples, n_seeds, n_parameters) for _ in range(2)]
    for one in np.unique(order[order >= 0]):
        width = (int(one) + 1) * n_observables * n_parameters
        numbers = max(n_seeds * width, len(omega) * width, len(omega) * n_seeds)
        for part in records.windows(int(one), np.flatnonzero(order == one), numbers):
            window = _Window(part, g, omega)
            for j in range(part.entry.shape[1] - n_observables, part.entry.shape[1]):
                counts, n = part.tells[:, j], part.degrees[:, j]
                used[part.sample[counts], part.entry[counts, j]] = True
                scale = np.where(counts, (n - 1.5) / window.n, 0.0)
                drawn = window.squares(window.mean(j), scale)
                of_data = window.unbiased_mean(j, n) * counts[:, None, None]
                add_by_sample(mean, part.sample, drawn + (of_data - drawn[:, 0])[:, None])
                add_by_sample(covariance, part.sample, window.squares(window.size(j), counts / 2))
                if j:
                    add_by_sample(covariance, part.sample, window.squares(window.slope(j), scale))
                window.add_score(j, counts, *scores)
    mean, covariance = mean.swapaxes(0, 1), covariance.swapaxes(0, 1)
    if weights is None:
        mean, covariance = mean[0], covariance[0]
    return Parts(mean, covariance, used, *scores)


class _Window:
    """One number a seed for each number of the information of some windows.

    Attributes:
        n: (B), number of seeds.
    """

    def __init__(self, part: Windows, g: np.ndarray, omega: np.ndarray):
        """``g``: (sample, seed, entry, parameter); ``omega`` (draw, seed)."""
        self._part, self._z = part, part.z
        self.n = np.maximum(part.seeds.sum(axis=1), 1)
        n = self.n[:, None, None]
        there = part.seeds[:, :, None, None] > 0
        slope = g[part.sample[:, None], :, part.entry]  # (B, W, seed, parameter)
        known = there.swapaxes(1, 2) & part.independent[:, :, None, None]
        self._w = _times(part.root, np.where(known, slope, 0.0)).swapaxes(1, 2)
        self._a = self._w.sum(axis=1) / n
        self._centred = np.where(there, self._w - self._a[:, None], 0.0)
        product = _times(self._z.swapaxes(1, 2), self._centred) / n[..., None]
        self._matrix = product + product.swapaxes(1, 2)
        # The noise of gradients: what is linear in the values, and the rest.
        self._linear = _times(self._z, product)
        self._rest = self._centred - self._linear
        self._rest_degrees = np.maximum(n - 1 - part.independent.sum(axis=1)[:, None, None], 1)
        self._weight = part.seeds[:, None] * omega  # (B, draw, seed)
        pairs = self._weight.sum(axis=-1) ** 2 - (self._weight**2).sum(axis=-1)
        self._pairs = np.where(pairs > 0, pairs, np.inf)

    def unbiased_mean(self, j: int, degrees: np.ndarray) -> np.ndarray:
        """(m_j - b m_<)^2 / s^2 of the data, (B, parameter, parameter).

        With n degrees of freedom E[1 / s^2] = R / (n - 2), and m_<^T S^-1 m_< is what the errors of b
        add, S being the sum of squares of the entries before: R in whitened ones. The noise of the mean
        gradient comes off; what of it is linear in the values is whitened like these, of any variance.
        """
        a, n = self._a, self.n[:, None, None]
        shrunk = ((degrees - 2) / self.n)[:, None, None]
        rest = _outer(self._rest[:, :, j]) / self._rest_degrees
        # Of noise that is not linear in the values a regression on all of a window takes up a share.
        linear = _outer(self._linear[:, :, j]) - (n - 1 - self._rest_degrees) * rest
        f = shrunk * (_outer(a[:, None, j]) - rest / n) - linear / n**2
        if j:
            before = self._rest[:, :, :j].reshape(len(a), -1, a.shape[-1])
            f -= (_outer(a[:, :j]) - _outer(before) / n / self._rest_degrees) / n
        return f

    def mean(self, j: int) -> np.ndarray:
        """a_j, (B, seed, 1, parameter)."""
        z, a = self._z, self._a
        moved = (z[..., :j] @ a[:, :j]) * z[..., j, None]
        return (self._w[..., j, :] - moved - self._half(j) * a[:, None, j])[:, :, None]

    def size(self, j: int) -> np.ndarray:
        """A_jj, (B, seed, 1, parameter)."""
        z, matrix = self._z, self._matrix
        moved = (z[..., :j] @ matrix[:, :j, j]) * z[..., j, None]
        moved += self._half(j) * matrix[:, None, j, j]
        return 2 * (z[..., j, None] * self._centred[..., j, :] - moved)[:, :, None]

    def slope(self, j: int) -> np.ndarray:
        """A_ji for all i < j, (B, seed, i, parameter)."""
        z, matrix, w = self._z, self._matrix, self._centred
        own, before, row = z[..., j, None, None], z[..., :j, None], matrix[:, j, :j]
        # In place: these are the largest arrays.
        made = _times(z[..., :j], matrix[:, :j, :j])
        np.subtract(w[..., :j, :], made, out=made)
        made *= own
        of_those_before = np.triu(np.ones((j, j)), 1)[..., None] * row[:, :, None]  # (B, k < i, i, p)
        part = _times(z[..., :j], of_those_before)
        np.subtract(w[..., None, j, :], part, out=part)
        part *= before
        made += part
        halves = self._half(j)[..., None] + (before**2 - 1) / 2 * self._part.seeds[..., None, None]
        np.multiply(halves, row[:, None], out=part)
        made -= part
        return made

    def squares(self, y: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Sum over numbers of the mean over pairs of different seeds, (B, draw, parameter, parameter).

        Args:
            y: (B, seed, number, parameter).
            scale: (B), a factor.
        """
        n_cases, n_seeds, _, n_parameters = y.shape
        weight, shape = self._weight, self._pairs.shape
        total = (weight @ y.reshape(n_cases, n_seeds, -1)).reshape(*shape, -1, n_parameters)
        same = (y.swapaxes(-2, -1) @ y).reshape(n_cases, n_seeds, -1)
        same = (weight**2 @ same).reshape(*shape, n_parameters, n_parameters)
        f = total.swapaxes(-2, -1) @ total - same
        return f * (scale[:, None] / self._pairs)[..., None, None]

    def add_score(
        self, j: int, counts: np.ndarray, of_mean: ScoreVariance, of_covariance: ScoreVariance
    ) -> None:
        """The derivative of ln p of entry j, given those before it."""
        own, factor = self._z[..., j, None], counts[:, None, None]
        where = self._part.sample, self._part.seeds
        of_mean.add(*where, own, self._a[:, j : j + 1] * factor)
        # Squares of n residuals over their own mean square vary less: (n - 1) / (n + 2).
        n = np.maximum(self._part.degrees[:, j], 2)
        half = self._matrix[:, j : j + 1, j] * factor
        of_covariance.add(*where, self._half(j), half, 0.5 * (n - 1) / (n + 2))
        of_covariance.add(*where, own * self._z[..., :j], self._matrix[:, j, :j] * factor)

    def _half(self, j: int) -> np.ndarray:
        """(z_j^2 - 1) / 2, (B, seed, 1)."""
        return ((self._z[..., j] ** 2 - 1) / 2 * self._part.seeds)[..., None]


def _times(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Sum over k of (B, i, k) times (B, k, j, parameter)."""
    n_cases, n, *rest = other.shape
    product: np.ndarray = one @ other.reshape(n_cases, n, -1)
    return product.reshape(n_cases, one.shape[1], *rest)


def _outer(y: np.ndarray) -> np.ndarray:
    """Sum of outer products, (B, parameter, parameter) of (B, number, parameter)."""
    return y.swapaxes(-2, -1) @ y
