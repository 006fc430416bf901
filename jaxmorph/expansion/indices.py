"""Shares of variance from the squared coefficients of an expansion in independent parameters.

Terms are orthonormal, so the variance of what some parameters do together, and no others, is the sum of
the squared coefficients of the terms that have exactly these (Sudret, Reliab. Eng. Syst. Saf. 93 (2008)
964-979). Of what parameters do together each has an equal part of the Shapley effect (Owen, SIAM/ASA J.
Uncertain. Quantif. 2 (2014) 245-251).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Forms:
    """Parts of a variance as weighted squares of what is linear in the coefficients.

    Attributes:
        functionals: (functional, term); the first are the coefficients themselves. None: only these.
        weights: Of the squares, (part, functional); the first part is the whole variance.
        orthogonal: Whether what one term adds to a part does not depend on the other terms.
    """

    functionals: np.ndarray | None
    weights: np.ndarray
    orthogonal: bool = True


def independent_forms(degrees: np.ndarray, groups: Sequence[Sequence[int]] = ()) -> Forms:
    """Those of independent parameters, from the degrees of the terms (term, parameter)."""
    return Forms(None, weights(degrees, groups))


def weights(degrees: np.ndarray, groups: Sequence[Sequence[int]] = ()) -> np.ndarray:
    """How much of each squared coefficient counts for what, in the order of :class:`PartsOfVariance`.

    Args:
        degrees: Of the terms, (term, parameter).
        groups: Numbers of the parameters of each group.

    Returns:
        (part, term).
    """
    has = (degrees > 0).T.astype(float)
    size = has.sum(axis=0)
    first, second = np.triu_indices(len(has), 1)
    inside = np.array([has[list(group)].sum(axis=0) for group in groups]).reshape(-1, len(degrees))
    return np.concatenate(
        [
            (size > 0)[None].astype(float),
            has * (size == 1),
            has,
            has / np.maximum(size, 1),
            has[first] * has[second] * (size == 2),
            (inside == size) & (size > 0),
            inside > 0,
        ]
    )


class PartsOfVariance:
    """Where the parts of a variance lie along an axis: the whole, then those of parameters and pairs.

    Attributes:
        first: What each parameter does alone.
        total: What it does, alone and with others.
        shapley: What it does alone, and an equal part of all that it does with others.
        second: What two parameters do together, without what each does alone.
        closed: What the parameters of a group do, alone and with each other.
        total_of_group: What they do, with others, too.
    """

    def __init__(self, n_parameters: int, n_groups: int = 0):
        d = n_parameters
        self._d = d
        self.first, self.total, self.shapley = (slice(1 + i * d, 1 + (i + 1) * d) for i in range(3))
        self.second = slice(1 + 3 * d, 1 + 3 * d + d * (d - 1) // 2)
        end = self.second.stop
        self.closed = slice(end, end + n_groups)
        self.total_of_group = slice(end + n_groups, end + 2 * n_groups)

    def matrix(self, pairs: np.ndarray) -> np.ndarray:
        """Second-order parts (..., pair) as (..., parameter, parameter), NaN on the diagonal."""
        found = np.full((*pairs.shape[:-1], self._d, self._d), np.nan)
        rows, columns = np.triu_indices(self._d, 1)
        found[..., rows, columns] = found[..., columns, rows] = pairs
        return found
