"""An Ornstein-Uhlenbeck process with exact steps, its tangents, and what one experiment tells of it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OrnsteinUhlenbeck:
    """dx = -k x dt + sqrt(2 D) dW from x0, recorded at equal intervals; parameters k, D.

    With x_(n+1) = a x_n + s xi, a = exp(-k h), s^2 = D (1 - a^2) / k, the mean at t is x0 exp(-k t), and
    the covariance of x(t) and x(u) D (exp(-k |t - u|) - exp(-k (t + u))) / k.
    """

    records: int = 40
    interval: float = 0.05
    k: float = 1.0
    D: float = 1.0
    x0: float = 2.0

    def simulated(self, rng: np.random.Generator, *seeds: int) -> tuple[np.ndarray, np.ndarray]:
        """Values (*seeds, time, 1), and gradients (*seeds, time, 1, parameter) along the paths."""
        k, d, h = self.k, self.D, self.interval
        a = np.exp(-k * h)
        s = np.sqrt(d / k * (1 - a**2))
        a_k = -h * a
        s_k, s_d = (-(s**2) / k - 2 * d / k * a * a_k) / (2 * s), s / (2 * d)
        x, by_k, by_d = np.full(seeds, self.x0), np.zeros(seeds), np.zeros(seeds)
        value = np.empty((*seeds, self.records, 1))
        gradient = np.empty((*seeds, self.records, 1, 2))
        for n in range(self.records):
            xi = rng.standard_normal(seeds)
            by_k, by_d = a * by_k + a_k * x + s_k * xi, a * by_d + s_d * xi
            x = a * x + s * xi
            value[..., n, 0], gradient[..., n, 0, 0], gradient[..., n, 0, 1] = x, by_k, by_d
        return value, gradient

    def information(self) -> tuple[np.ndarray, np.ndarray]:
        """F of the mean and of the covariance in closed form: m' C^-1 m', tr(C^-1 C' C^-1 C') / 2."""
        k, d = self.k, self.D
        t = self.interval * np.arange(1, self.records + 1)
        apart, together = np.abs(np.subtract.outer(t, t)), np.add.outer(t, t)
        near, far = np.exp(-k * apart), np.exp(-k * together)
        covariance = d / k * (near - far)
        by_k = -covariance / k + d / k * (together * far - apart * near)
        slope = np.stack([-self.x0 * t * np.exp(-k * t), np.zeros_like(t)], axis=-1)
        relative = [np.linalg.solve(covariance, c) for c in (by_k, covariance / d)]
        of_covariance = [[np.trace(p @ q) / 2 for q in relative] for p in relative]
        return slope.T @ np.linalg.solve(covariance, slope), np.array(of_covariance)


INFORMATION_BY_RECORDS = {n: OrnsteinUhlenbeck(n).information() for n in (10, 40, 400)}
