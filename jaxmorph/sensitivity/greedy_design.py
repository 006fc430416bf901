"""Which records to measure: one after another, each the one that adds most to what is known.

What records S tell of parameters, besides what is known before (precision P0), is F_S = J_S' C_SS^-1
J_S, J being how the records' means depend on the parameters, C the covariance of their noise. A record
j adds (J_j - C_jS C_SS^-1 J_S)' (...) / (C_jj - C_jS C_SS^-1 C_Sj): what it has that those before do not
say, over the noise that they do not explain. So choosing is a Cholesky factorisation of C whose pivots
are chosen, and nothing is ever inverted.

D-optimal records make ln det(P0 + F_S) largest, A-optimal ones tr (P0 + F_S)^-1 smallest (Chaloner and
Verdinelli, Stat. Sci. 10 (1995) 273-304). Where noise is independent, the gain of D has diminishing
returns, and a choice one after another has at least 1 - 1/e of the best gain (Nemhauser, Wolsey and
Fisher, Math. Program. 14 (1978) 265-294); noise that records share may make two tell more than each.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_COLLINEAR = 1e-8
"""A record whose noise the others explain up to this share is a copy of them, and is not chosen."""


@dataclass(frozen=True)
class RecordSet:
    """Records that could be measured, and what is known before.

    Attributes:
        covariance: Of the noise (record, record), positive definite.
        slope: How the mean of each record changes with each parameter (record, sample, seed, parameter).
        weight: How much each sample counts (sample), 1 in sum.
        prior: Precision of the parameters before (parameter, parameter).
    """

    covariance: np.ndarray
    slope: np.ndarray
    weight: np.ndarray
    prior: np.ndarray


@dataclass(frozen=True)
class Chosen:
    """Groups of records in the order in which they are chosen.

    Attributes:
        groups: Their numbers.
        told: What they tell together with those before them, at each sample: (group, sample, parameter,
            parameter).
    """

    groups: list[int]
    told: np.ndarray


Criterion = Callable[[np.ndarray], np.ndarray]
"""Of precisions (..., parameter, parameter): the larger the better."""


def d_criterion(precision: np.ndarray) -> np.ndarray:
    """The logarithm of the determinant; -inf where it is no precision."""
    sign, value = np.linalg.slogdet(precision)
    return np.where((sign > 0) & _positive(precision), value, -np.inf)


def a_criterion(precision: np.ndarray) -> np.ndarray:
    """Minus the sum of variances; -inf where it is no precision."""
    positive = _positive(precision)
    regular = np.where(positive[..., None, None], precision, np.eye(precision.shape[-1]))
    return np.where(positive, -np.trace(np.linalg.inv(regular), axis1=-2, axis2=-1), -np.inf)


def _positive(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.eigvalsh(matrix)[..., 0] > 0)


def choose(records: RecordSet, groups: np.ndarray, criterion: Criterion, most: int) -> Chosen:
    """Records one after another, each the one that makes the criterion largest.

    Args:
        records: All records.
        groups: Records that are measured together, (group, member); -1 where a group has fewer.
        criterion: Of the precision.
        most: So many groups at most.
    """
    rest = _Rest(records)
    known, told = records.prior, np.zeros(())
    chosen: list[int] = []
    tells = []
    for _ in range(min(most, len(groups))):
        added, free = rest.gains(groups)
        free[chosen] = False
        value = np.where(free, criterion(known + added), -np.inf)
        best = int(value.argmax())
        if not np.isfinite(value[best]):
            break
        chosen.append(best)
        known = known + added[best]
        told = told + _pairs(rest.take(groups[best]))
        tells.append(told)
    return Chosen(chosen, np.array(tells))


def together(records: RecordSet, some: np.ndarray) -> np.ndarray:
    """What some records tell, (sample, parameter, parameter)."""
    return _pairs(_Rest(records).take(some))


def in_order(records: RecordSet, groups: np.ndarray) -> np.ndarray:
    """What groups of records tell with those before them, averaged (group, parameter, parameter)."""
    rest = _Rest(records)
    each = [_mean_pairs(rest.take(group)[None], records.weight)[0] for group in groups]
    return np.cumsum(each, axis=0)


def average(of_samples: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Over samples, (..., parameter, parameter) of (..., sample, parameter, parameter)."""
    return np.asarray(np.einsum("s,...spq->...pq", weight, of_samples))


class _Rest:
    """What is left of covariances and slopes once some records are known."""

    def __init__(self, records: RecordSet):
        n = len(records.covariance)
        # One record more, of a unit of noise and no slope, for groups that have fewer members.
        self._covariance = np.eye(n + 1)
        self._covariance[:n, :n] = records.covariance
        self._slope = np.concatenate([records.slope, np.zeros_like(records.slope[:1])])
        self._least = _COLLINEAR * np.diagonal(self._covariance)
        self._least[-1] = np.inf
        self._weight = records.weight

    def gains(self, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What each group would add, (group, parameter, parameter), and whether it has own noise."""
        block = self._covariance[groups[:, :, None], groups[:, None, :]]
        root, free = _roots(block, self._least[groups])
        k, m = groups.shape
        _, n, seeds, p = self._slope.shape
        white = (root @ self._slope[groups].reshape(k, m, -1)).reshape(k, m, n, seeds, p)
        return _mean_pairs(white, self._weight), free

    def take(self, group: np.ndarray) -> np.ndarray:
        """What is new of a group, known from now on; whitened (member, sample, seed, parameter)."""
        rows = np.array([j for j in group if j >= 0])
        shape = self._slope.shape
        block = self._covariance[np.ix_(rows, rows)]
        root = _roots(block[None], self._least[rows][None])[0][0]
        added = root @ self._slope[rows].reshape(len(rows), -1)
        column = root @ self._covariance[rows]
        self._covariance -= column.T @ column
        self._slope -= (column.T @ added).reshape(shape)
        return added.reshape(len(rows), *shape[1:])


def _roots(block: np.ndarray, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L^-1 of blocks L L' (group, m, m), 0 for members without noise of their own; if any has some."""
    m = block.shape[-1]
    rest, root = block.copy(), np.zeros_like(block)
    free = np.zeros(len(block), bool)
    combine = np.broadcast_to(np.eye(m), block.shape).copy()
    for i in range(m):
        pivot = rest[:, i, i]
        own = pivot > least[:, i]
        free |= own
        sd = np.sqrt(np.where(own, pivot, np.inf))[:, None]
        root[:, i] = combine[:, i] / sd
        column = rest[:, i] / sd
        rest = rest - column[:, :, None] * column[:, None, :]
        combine = combine - column[:, :, None] * root[:, i][:, None, :]
    return root, free


def _mean_pairs(slope: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Average over samples of products of two seeds, (k, p, p) of (k, record, sample, seed, p)."""
    k, p, n = len(slope), slope.shape[-1], slope.shape[-2]
    total = slope.sum(axis=-2)
    weighted = weight[:, None] * total
    whole = total.reshape(k, -1, p).swapaxes(1, 2) @ weighted.reshape(k, -1, p)
    each = (weight[:, None, None] * slope).reshape(k, -1, p)
    return np.asarray((whole - slope.reshape(k, -1, p).swapaxes(1, 2) @ each) / (n * (n - 1)))


def _pairs(slope: np.ndarray) -> np.ndarray:
    """Sums over records of products of two seeds, to which the noise of a slope adds nothing.

    Args:
        slope: (record, sample, seed, parameter), whitened.

    Returns:
        (sample, parameter, parameter).
    """
    n = slope.shape[2]
    total = slope.sum(axis=2)
    same = np.einsum("ksrp,ksrq->spq", slope, slope)
    whole = np.einsum("ksp,ksq->spq", total, total)
    return np.asarray((whole - same) / (n * (n - 1)))
