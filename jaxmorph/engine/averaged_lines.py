"""Whether gradients that are right on average over seeds explain how values change along a line.

What is missing on the whole line, less the error of quadrature, is held against its spread over seeds.
A step between two points looks as if it were missed, too: so before a line is accused, the intervals
that miss most are halved, a few times, as long as it would be.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

from .explained import integrals, quadrature_error

LEVEL = 0.001
"""Probability that gradients which are right on average are called incomplete anywhere."""
ROUNDS_A_LINE = 5
"""So often intervals are halved before a line is accused: a slope 30 times as steep is seen."""
MOST_ROUNDS = 10
"""So often that is done for all lines together, as many points as a line has each time."""
MATERIAL = 0.05
"""Share of the range of values: a mean over shifted parameters differs from values by a little."""
Along = Float[np.ndarray, "point seed time observable"]


class AveragedLine:
    """One line.

    Args:
        u: Points of the line on the parameter's natural scale, increasing.
        value: Values at these.
        slope: Derivatives by u.
        material: How much may be missing (time, observable).
        n_lines: How many lines are tested together.

    Attributes:
        missing: What the mean gradient leaves out of the change over the line (time, observable).
        error: Its standard error, with that of quadrature.
        incomplete: Whether that is more than seeds and quadrature explain.
    """

    missing: Float[np.ndarray, "time observable"]
    error: Float[np.ndarray, "time observable"]
    incomplete: Bool[np.ndarray, "time observable"]

    def __init__(
        self,
        u: Float[np.ndarray, " point"],
        value: Along,
        slope: Along,
        material: Float[np.ndarray, "time observable"],
        n_lines: int,
    ):
        self._u, self._value, self._slope = u, value, slope
        self._material, self._n_lines = material, n_lines
        self._judge()

    def _judge(self) -> None:
        """The quadrature errs by as much as leaving out every second point changes."""
        there = (np.isfinite(self._value) & np.isfinite(self._slope)).all(axis=0)
        known = np.where(there, self._slope, 0.0)
        n = there.sum(axis=0)
        value = np.where(there, self._value, 0.0)
        self._each = np.diff(value, axis=0) - integrals(self._u, known)
        missing = self._each.sum(axis=0)
        mean = missing.sum(axis=0) / np.maximum(n, 1)
        quadrature = np.abs(quadrature_error(self._u, known).sum(axis=0)) / np.maximum(n, 1)
        variance = np.where(there, (missing - mean) ** 2, 0.0).sum(axis=0) / np.maximum(n - 1, 1)
        error = np.sqrt(variance / np.maximum(n, 1))
        beyond = np.maximum(np.abs(mean) - quadrature, 0.0)
        self._t = np.divide(beyond, error, out=np.zeros_like(mean), where=error > 0)
        p_value = 2 * stats.t.sf(self._t, np.maximum(n - 1, 1)) * mean.size * self._n_lines
        self.missing = np.where(n > 0, mean, np.nan)
        self.error = np.where(n > 1, np.hypot(error, quadrature), np.nan)
        self.incomplete = (n > 1) & (p_value < LEVEL) & (beyond > self._material)

    @property
    def certainty(self) -> float:
        """How many standard errors what is missing is from 0, at most."""
        return float(np.where(self.incomplete, self._t, 0.0).max())

    def wanted(self, n: int) -> Float[np.ndarray, " point"]:
        """The middles of the n intervals that miss most, of what is most certainly missed."""
        place = np.unravel_index(np.where(self.incomplete, self._t, -1.0).argmax(), self._t.shape)
        most = np.abs(self._each[(..., *place)].sum(axis=1)).argsort()[::-1][:n]
        return np.asarray((self._u[most] + self._u[most + 1]) / 2)

    def add(self, u: Float[np.ndarray, " point"], value: Along, slope: Along) -> None:
        """What further points tell."""
        together = np.concatenate([self._u, u])
        order = together.argsort()
        self._u = together[order]
        self._value = np.concatenate([self._value, value])[order]
        self._slope = np.concatenate([self._slope, slope])[order]
        self._judge()
