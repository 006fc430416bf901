"""Correlated parameters: a Gaussian copula, which leaves each parameter its own distribution.

Source: Nelsen, An Introduction to Copulas, 2nd ed., Springer 2006, section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..distributions import Distribution
from .settings import Design, LatinHypercubeDesign, SobolDesign

if TYPE_CHECKING:
    import numpy as np

_SMALLEST_PIVOT = 1e-10
"""Squared share of a parameter that the others leave free; below, round-off decides."""


def _two_different(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError("must name two different parameters")
    return names


class Correlation(BaseModel):
    """Two parameters that vary together; any two that are not named are independent.

    Each parameter keeps its own distribution: the coefficient is that of their normal scores, the
    standard normal quantiles of their probabilities (a Gaussian copula).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    between: Annotated[
        tuple[str, ...],
        Field(strict=False, json_schema_extra={"minItems": 2, "maxItems": 2}),
        AfterValidator(_two_different),
    ] = Field(description="the two parameters")
    coefficient: float = Field(gt=-1, lt=1, description="correlation of their normal scores")


def independence_obstacle(design: Design, correlations: Sequence[Correlation]) -> str | None:
    """Why ``design`` cannot have ``correlations``, or None if it can."""
    if not correlations or isinstance(design, SobolDesign | LatinHypercubeDesign):
        return None
    couples = ", ".join(" and ".join(c.between) for c in correlations)
    return (
        f"a {design.method} design needs independent parameters; correlations couples {couples}: "
        "use sobol or latin-hypercube"
    )


def score_obstacle(
    distributions: Mapping[str, Distribution], correlations: Sequence[Correlation]
) -> str | None:
    """Why parameters with these distributions cannot be correlated, or None if they can."""
    for name in (name for correlation in correlations for name in correlation.between):
        if name in distributions and distributions[name].is_discrete:
            kind = distributions[name].distribution
            return f"{name} is {kind} and has no normal score to correlate; leave it out"
    return None


def correlation_factor(
    parameters: Sequence[str], correlations: Sequence[Correlation]
) -> list[list[float]] | None:
    """Lower triangular L with L L^T the correlation matrix of the normal scores (Cholesky).

    Plain Python, because a configuration is checked without numpy. None if the matrix is not positive
    definite: no parameters can be correlated like that.
    """
    n = len(parameters)
    matrix = [[float(i == j) for j in range(n)] for i in range(n)]
    for correlation in correlations:
        i, j = (parameters.index(name) for name in correlation.between)
        matrix[i][j] = matrix[j][i] = correlation.coefficient
    factor = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i):
            done = math.fsum(a * b for a, b in zip(factor[i][:j], factor[j][:j], strict=True))
            factor[i][j] = (matrix[i][j] - done) / factor[j][j]
        pivot = 1 - math.fsum(a * a for a in factor[i][:i])
        if pivot < _SMALLEST_PIVOT:
            return None
        factor[i][i] = math.sqrt(pivot)
    return factor


def correlated(unit: np.ndarray, factor: list[list[float]]) -> np.ndarray:
    """Phi(L Phi^-1(u)) for each row u of ``unit``, shape (sample, parameter), in the open cube."""
    import numpy as np
    from scipy.special import ndtr, ndtri

    return ndtr(ndtri(unit) @ np.array(factor).T)
