"""The beta distribution, stretched to an interval."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .base import Bounded

_POLYNOMIALS = 256
"""More change the constant by no more than round-off, up to exponents of 1e6."""


class Beta(Bounded):
    """A share with density x^(`alpha` - 1) (1 - x)^(`beta` - 1), stretched from `low` to `high`."""

    distribution: Literal["beta"] = "beta"
    alpha: float = Field(gt=0, description="exponent of the distance from `low`, plus 1")
    beta: float = Field(gt=0, description="exponent of the distance from `high`, plus 1")

    def frozen(self) -> Any:
        """Of scipy."""
        from scipy import stats

        return stats.beta(self.alpha, self.beta, self.low, self.high - self.low)

    @property
    def poincare_constant(self) -> float:
        """By Galerkin's method in Jacobi's polynomials, to 1e-10."""
        return _constant(self.alpha, self.beta) * ((self.high - self.low) / 2) ** 2


def _constant(alpha: float, beta: float) -> float:
    """The Poincaré constant on [-1, 1].

    C is the largest Var f for E[f'^2] = 1. With f' = sum_n d_n p_n, p_n orthonormal polynomials, f is
    the sum of d_n times the integral of p_n, which is one of p_(n-1), p_n and p_(n+1) alone: so C is the
    square of the largest singular value of a matrix with three diagonals. Those are of Szego, Orthogonal
    Polynomials (1939), section 4.5, for polynomials of unit length.
    """
    import numpy as np
    from scipy.linalg import eig_banded

    a, b = beta - 1, alpha - 1
    s = a + b
    n = np.arange(_POLYNOMIALS, dtype=float)
    up, same, down = np.zeros((3, _POLYNOMIALS))
    # Written so that n + s + 1, which may be 0, does not divide; constants have no slope.
    up[0] = 4 * alpha * beta / ((s + 2) ** 2 * (s + 3))
    k = n[1:]
    up[1:] = 4 * (k + s + 1) * (k + a + 1) * (k + b + 1)
    up[1:] /= (2 * k + s + 1) * (2 * k + s + 2) ** 2 * (2 * k + s + 3) * (k + 1)
    same[1:] = 2 * (a - b) / ((2 * k + s) * (2 * k + s + 2))
    k = n[2:]
    down[2:] = 4 * k * (k + a) * (k + b)
    down[2:] /= (k + s) * (2 * k + s) ** 2 * (2 * k + s + 1) * (2 * k + s - 1)
    up, down = np.sqrt(up), -np.sqrt(down)
    # Row n has down at p_(n-1), same at p_n, up at p_(n+1): products of rows have five diagonals.
    bands = np.zeros((3, _POLYNOMIALS))
    bands[0] = up**2 + same**2 + down**2
    bands[1, :-1] = up[:-1] * same[1:] + same[:-1] * down[1:]
    bands[2, :-2] = up[:-2] * down[2:]
    last = (_POLYNOMIALS - 1, _POLYNOMIALS - 1)
    largest = eig_banded(bands, lower=True, eigvals_only=True, select="i", select_range=last)
    return float(largest[0])
