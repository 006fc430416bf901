"""Coefficients of chosen terms, and what each group of samples does to them, all at once.

With H the hat matrix and r the residuals, what the fit without a group g misses at g is
(I - H_gg)^-1 r_g, so no fit is made twice (Cook and Weisberg, Residuals and Influence in Regression
(1982), section 2.2).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import solve_triangular

_LEAST = 1e-9


@dataclass(frozen=True)
class LeastSquares:
    """The equations of chosen terms, weighted and made orthonormal.

    Attributes:
        columns: Orthonormal (group, row, term): the values of a group of samples and their derivatives,
            each times its weight.
        weight: Of each row of a group, (row).
        factor: Lower triangular L: coefficients are L'^-1 times those of the orthonormal columns.
        inverse: (I - H_gg)^-1 of each group (group, row, row).
    """

    columns: np.ndarray
    weight: np.ndarray
    factor: np.ndarray
    inverse: np.ndarray

    @classmethod
    def of(cls, terms: np.ndarray, weight: np.ndarray, factor: np.ndarray, size: int) -> Self:
        """From equations of the chosen terms.

        Args:
            terms: (sample, row, term).
            weight: (row).
            factor: L, with L L' the Gram matrix of the weighted terms.
            size: Consecutive samples in a group; the last may have fewer.
        """
        rows, k = terms.shape[1:]
        weighted = (_filled(terms, size) * weight[:, None]).reshape(-1, k)
        columns = solve_triangular(factor, weighted.T, lower=True).T.reshape(-1, size * rows, k)
        # A little more than 1: a group that alone decides a coefficient changes it a great deal.
        free = (1 + _LEAST) * np.eye(size * rows) - columns @ columns.swapaxes(1, 2)
        return cls(columns, np.tile(weight, size), factor, np.linalg.inv(free))

    def coefficients(self, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients, and how they change where a group is left out.

        Args:
            data: (sample, row, output).

        Returns:
            (term, output) and (group, term, output).
        """
        groups, rows, k = self.columns.shape
        size = len(self.weight) // data.shape[1]
        weighted = _filled(data, size).reshape(groups, rows, -1) * self.weight[:, None]
        projected = self.columns.reshape(-1, k).T @ weighted.reshape(groups * rows, -1)
        missed = self.inverse @ (weighted - self.columns @ projected)
        change = self._back((self.columns.swapaxes(1, 2) @ missed).swapaxes(0, 1).reshape(k, -1))
        return self._back(projected), -change.reshape(k, groups, -1).swapaxes(0, 1)

    def _back(self, projected: np.ndarray) -> np.ndarray:
        solved: np.ndarray = solve_triangular(self.factor, projected, lower=True, trans=1)
        return solved


def _filled(x: np.ndarray, size: int) -> np.ndarray:
    """With samples of zeros, which change no sum, up to a multiple of ``size``."""
    lacking = -len(x) % size
    return np.concatenate([x, np.zeros((lacking, *x.shape[1:]))]) if lacking else x
