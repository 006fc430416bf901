"""Functions of three correlated parameters whose shares of variance have closed forms.

Under a Gaussian copula two draws that have some of the scores in common, and nothing else, are Gaussian,
and Var E[f | some] is the covariance of f of the one and of the other.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from jaxmorph.designs import Correlation
from jaxmorph.distributions import Distribution, Normal, Uniform

from .shares import Function, gaussian_shares

NAMES = ("a", "b", "c")
_UNIT = 12**-0.5
_NORMAL, _UNIFORM = Normal(mean=0, sd=_UNIT), Uniform(low=0, high=1)
_LINEAR = np.array([1.0, 2.0, 0.0])
_FORM = np.array([[0.0, 0.5, 0.0], [0.5, 0.4, -0.3], [0.0, -0.3, 0.0]])
_SLOPE = np.array([1.0, 0.5, 0.2])
_RATE = np.array([0.6, 0.3, -0.4])
_SUM = np.array([1.0, -0.7, 0.2])


@dataclass(frozen=True)
class Correlated:
    """A function of parameters that have the standard deviation of a uniform one on [0, 1].

    Attributes:
        kind: Distribution of each parameter.
        function: Of the parameters.
        explained: Var E[f | some] from the covariance of the scores of two draws with these in common.
    """

    kind: Distribution
    function: Function
    explained: Callable[[np.ndarray], float]

    def parts(self, couples: list[Correlation]) -> np.ndarray:
        """First, total and Shapley shares, one after the other."""
        whole, *parts = gaussian_shares(self.explained, covariance_of(couples))
        return np.concatenate(parts) / whole


def covariance_of(couples: list[Correlation]) -> np.ndarray:
    """Of the scores."""
    found = np.eye(len(NAMES))
    for couple in couples:
        i, j = (NAMES.index(name) for name in couple.between)
        found[i, j] = found[j, i] = couple.coefficient
    return found


def _linear(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The third parameter acts through the second alone: its total index is 0, its first is not."""
    return x @ _LINEAR / _UNIT, np.broadcast_to(_LINEAR / _UNIT, x.shape)


def _quadratic(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    s = x / _UNIT
    return ((s @ _FORM) * s).sum(axis=1) + s @ _SLOPE, (2 * s @ _FORM + _SLOPE) / _UNIT


def _exponential(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    f = np.exp(x @ _RATE / _UNIT)
    return f, f[:, None] * _RATE / _UNIT


def _sum(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x @ _SUM, np.broadcast_to(_SUM, x.shape)


CORRELATED = {
    "linear": Correlated(_NORMAL, _linear, lambda m: float(_LINEAR @ m @ _LINEAR)),
    # Of a quadratic form A of Gaussian draws with covariance M between them: 2 tr(A M A M).
    "quadratic": Correlated(
        _NORMAL,
        _quadratic,
        lambda m: float(2 * np.trace(_FORM @ m @ _FORM @ m) + _SLOPE @ m @ _SLOPE),
    ),
    # But for the factor that all parts have.
    "exponential": Correlated(_NORMAL, _exponential, lambda m: float(np.expm1(_RATE @ m @ _RATE))),
    # Cov(Phi(s), Phi(s')) = asin(rho / 2) / (2 pi): no polynomial of the scores.
    "sum": Correlated(_UNIFORM, _sum, lambda m: float(_SUM @ np.arcsin(m / 2) @ _SUM)),
}
COUPLES = {
    "some": [("a", "b", 0.6), ("b", "c", -0.5)],
    "strong": [("a", "b", 0.9), ("b", "c", 0.6), ("a", "c", 0.4)],
}


def couples(which: str) -> list[Correlation]:
    """Of ``COUPLES``."""
    return [Correlation(between=(i, j), coefficient=rho) for i, j, rho in COUPLES[which]]


def drawn(unit: np.ndarray, kind: Distribution, factor: np.ndarray) -> np.ndarray:
    """Parameters at points of the cube, with the factor of their correlations."""
    return np.asarray(kind.ppf(stats.norm.cdf(stats.norm.ppf(unit) @ factor.T)))
