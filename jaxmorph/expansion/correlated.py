"""Parts of the variance that correlated parameters explain, from an expansion in independent scores.

With s = L z the conditional mean of a product of Hermite polynomials of z, given some of s, is one of
fewer scores, and its variance known: E[h_a(z) h_b(z')] of two draws that have these s in common, and
nothing else, follows from E exp(x'z - x'x/2) exp(y'z' - y'y/2) = exp(x' M y), where M is the covariance
of z and z', a projection (Mehler's formula; Janson, Gaussian Hilbert Spaces (1997), ch. 4). So what any
of the parameters explain is a quadratic form of the coefficients, without a simulation or a random draw.

Sources of the parts: Kucherenko, Tarantola and Annoni, Comput. Phys. Commun. 183 (2012) 937-946 (first
and total indices of dependent inputs); Owen and Prieur, SIAM/ASA J. Uncertain. Quantif. 5 (2017)
986-1002 (Shapley effects).
"""

import itertools
import math

import numpy as np
from scipy.special import ndtri

from ..distributions import Normal
from .bases import basis_of
from .indices import Forms

_NOTHING = 1e-10
"""Eigenvalues of a form below this share of its largest are rounding."""


def explained(degrees: np.ndarray, common: np.ndarray) -> np.ndarray:
    """E[h_a(z) h_b(z')] for each matrix of covariances between z and z'.

    Args:
        degrees: Of the terms (term, score).
        common: M, (matrix, score, score).

    Returns:
        (matrix, term, term).
    """
    terms = [tuple(int(k) for k in row) for row in degrees]
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], np.ndarray] = {}
    nothing = (0,) * degrees.shape[1]
    known[nothing, nothing] = np.ones(len(common))

    def expected(a: tuple[int, ...], b: tuple[int, ...]) -> np.ndarray:
        """By E[h_a h_b] = sum_j M_ij sqrt(b_j / a_i) E[h_(a - e_i) h_(b - e_j)], for any i in a."""
        if (a, b) not in known:
            i = next(i for i, k in enumerate(a) if k)
            less = _without(a, i)
            found = np.zeros(len(common))
            for j, k in enumerate(b):
                if k:
                    found += common[:, i, j] * (k / a[i]) ** 0.5 * expected(less, _without(b, j))
            known[a, b] = found
        return known[a, b]

    found = np.zeros((len(common), len(terms), len(terms)))
    for i, a in enumerate(terms):
        for j, b in enumerate(terms[: i + 1]):
            if sum(a) == sum(b):
                found[:, i, j] = found[:, j, i] = expected(a, b)
    return found


def correlated_forms(degrees: np.ndarray, factor: np.ndarray) -> Forms:
    """The whole variance, then first and total indices and Shapley effects, as quadratic forms.

    Args:
        degrees: Of the terms (term, score).
        factor: L (parameter, score).
    """
    d = len(factor)
    whole = np.diag((degrees > 0).any(axis=1).astype(float))
    subsets = [s for size in range(d + 1) for s in itertools.combinations(range(d), size)]
    of = explained(degrees, np.stack([_projection(factor[list(s)]) for s in subsets]))
    of -= explained(degrees, np.zeros((1, d, d)))
    number = {s: i for i, s in enumerate(subsets)}
    first, total, shapley = [], [], np.zeros((d, *whole.shape))
    for i in range(d):
        others = tuple(j for j in range(d) if j != i)
        first.append(of[number[i,]])
        total.append(whole - of[number[others]])
        for s in subsets:
            if i not in s:
                added = of[number[tuple(sorted((*s, i)))]] - of[number[s]]
                shapley[i] += added / (d * math.comb(d - 1, len(s)))
    return _diagonal(whole, [*first, *total, *shapley])


def correlated_effects(degrees: np.ndarray, factor: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """What each term adds to E[f | parameter] - E[f] at quantiles of each, (parameter, point, term)."""
    order = degrees.sum(axis=1)
    h, _ = basis_of(Normal(mean=0, sd=1)).at(ndtri(probability), int(order.max()))
    several = np.array([math.sqrt(math.factorial(n)) for n in order])
    several /= np.sqrt(np.array([[math.factorial(k) for k in row] for row in degrees]).prod(axis=1))
    found = np.stack([h[:, order] * (several * (row**degrees).prod(axis=1)) for row in factor])
    found[..., order == 0] = 0.0
    return found


def _without(degrees: tuple[int, ...], i: int) -> tuple[int, ...]:
    return (*degrees[:i], degrees[i] - 1, *degrees[i + 1 :])


def _projection(rows: np.ndarray) -> np.ndarray:
    """On the space of some rows of L, (score, score)."""
    return np.linalg.pinv(rows) @ rows if len(rows) else np.zeros((rows.shape[1],) * 2)


def _diagonal(whole: np.ndarray, parts: list[np.ndarray]) -> Forms:
    """The parts as weighted squares: of the coefficients, then of the eigenvectors of each part."""
    k = len(whole)
    functionals, weights = [np.eye(k)], [np.diagonal(whole)]
    ends = [0, k]
    for part in parts:
        value, vector = np.linalg.eigh(part)
        kept = np.abs(value) > _NOTHING * max(float(np.abs(value).max()), _NOTHING)
        functionals.append(vector[:, kept].T)
        weights.append(value[kept])
        ends.append(ends[-1] + int(kept.sum()))
    together = np.zeros((len(weights), ends[-1]))
    for row, (weight, (low, high)) in enumerate(zip(weights, itertools.pairwise(ends), strict=True)):
        together[row, low:high] = weight
    return Forms(np.concatenate(functionals), together, orthogonal=False)
