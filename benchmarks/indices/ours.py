"""Indices by jaxmorph's own functions, of arrays."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from jaxmorph.distributions import Uniform
from jaxmorph.expansion import (
    Candidates,
    Decomposition,
    PartsOfVariance,
    candidates,
    decompose,
    equations,
    most_candidates,
)
from jaxmorph.sensitivity.sobol_indices import sobol_indices

MOST_GROUPS = 64
"""Of samples, that the jackknife of a run leaves out one after another."""


class Expansion:
    """Of samples at some points: with and without gradients."""

    def __init__(self, unit: np.ndarray):
        n, d = unit.shape
        self._degrees = candidates(d, most_candidates(d))
        uniform = [Uniform(low=0, high=1)] * d
        self._shared = Candidates.of(equations(unit, uniform, self._degrees))
        self._size, self._parts = -(-n // MOST_GROUPS), PartsOfVariance(d)

    def of(self, data: np.ndarray, gradients: bool) -> Decomposition:
        """The variances of outputs (sample, row, output, seed), divided."""
        with np.errstate(invalid="ignore", divide="ignore"):  # of a variance that is not told from 0
            return decompose(self._shared, self._degrees, data, self._size, gradients)

    def indices(self, data: np.ndarray, gradients: bool) -> tuple[np.ndarray, float]:
        """First, then total indices of one output (sample, row, seed), and the expansion's Q^2."""
        found = self.of(data[:, :, None], gradients)
        share = found.share[:, 0]
        return np.concatenate([share[self._parts.first], share[self._parts.total]]), float(
            1 - found.error[0]
        )


def saltelli(value: np.ndarray, d: int) -> Callable[[], np.ndarray]:
    """A call for total indices, with intervals, of outputs (sample, time, observable) without noise."""
    labelled = xr.DataArray(value[:, None], dims=("sample", "seed", "time", "observable"))
    names = [f"x{i}" for i in range(d)]

    def call() -> np.ndarray:
        return np.asarray(sobol_indices(labelled, names, stochastic=False)["sobol_total"])

    return call
