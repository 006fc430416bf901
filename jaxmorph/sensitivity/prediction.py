"""The expansion as a function: what a file keeps of it, and what it predicts at other points.

A file keeps the terms that are used and, of each parameter, the recurrence of its polynomials, so that
whoever reads it can evaluate the expansion without knowing a distribution.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy import stats

from ..distributions import Distribution
from ..errors import JaxmorphError
from ..expansion import basis_of
from .estimator import Estimates

TERM = "term"
_COEFFICIENT = "expansion_coefficient"


def compact(
    found: Estimates,
    degrees: np.ndarray,
    parameters: Sequence[str],
    distributions: Sequence[Distribution],
) -> Estimates:
    """Coefficients of the terms that are used alone, with their polynomials beside them.

    Args:
        found: Estimates; coefficients, if there are any, of all candidates (time, observable, term).
        degrees: Of the candidates (term, parameter).
        parameters: Names.
        distributions: One a parameter.
    """
    if _COEFFICIENT not in found:
        return found
    coefficient = found[_COEFFICIENT]
    used = (coefficient.fillna(0) != 0).any([d for d in coefficient.dims if d != TERM]).values
    terms = {name: array[..., used] for name, array in found.items() if TERM in array.dims}
    return found | terms | _polynomials(degrees[used], parameters, distributions)


def _polynomials(
    degrees: np.ndarray, parameters: Sequence[str], distributions: Sequence[Distribution]
) -> Estimates:
    bases = [basis_of(one) for one in distributions]
    k = np.arange(1, max(1, degrees.max(initial=1)) + 1)
    each, recurrence = ("parameter",), ("parameter", "degree")
    arrays = {
        "expansion_degree": ((TERM, "parameter"), degrees),
        "polynomial_logarithmic": (each, [b.logarithmic for b in bases]),
        "polynomial_centre": (each, [b.centre for b in bases]),
        "polynomial_scale": (each, [b.scale for b in bases]),
        "polynomial_shift": (recurrence, [b.a[k - 1] for b in bases]),
        "polynomial_norm": (recurrence, [b.b[k] for b in bases]),
    }
    coordinates = {"parameter": list(parameters), "degree": k}
    return {
        name: xr.DataArray(values, {d: coordinates[d] for d in dims if d in coordinates}, dims)
        for name, (dims, values) in arrays.items()
    }


def predict(
    sensitivity: xr.Dataset, parameter_value: xr.DataArray, reference: xr.DataArray | None = None
) -> xr.Dataset:
    """What the average simulation does at other points of the design's space, by the expansion.

    ``half_width`` is that of a band in which the average lies at about 95 % of new points: 1.96 root
    mean squares of what the expansion misses at left-out samples, more where its terms are large, and,
    in quadrature, what the seeds leave open of its coefficients. Outside of the range of the design,
    nothing is known of either.

    Args:
        sensitivity: The dataset of a run.
        parameter_value: Values with the dimension ``parameter``, in any order, and others.
        reference: A point (parameter) whose prediction is taken off, and with it all noise that the two
            have in common.

    Returns:
        ``value`` and ``half_width``, with the dimensions of the points, ``time`` and ``observable``; NaN
        where the expansion is withheld.

    Raises:
        JaxmorphError: The run has no expansion.
    """
    if _COEFFICIENT not in sensitivity:
        raise JaxmorphError("the run has no expansion: absent_estimates of its dataset says why")
    coefficient = sensitivity[_COEFFICIENT]
    used = (coefficient.fillna(0) != 0).any("time").astype(float)

    def size(psi: xr.DataArray) -> xr.DataArray:
        mean: xr.DataArray = (psi**2).dot(used, dim=TERM) / used.sum(TERM).clip(min=1)
        return mean.clip(min=1)

    psi = _terms(sensitivity, parameter_value)
    sizes = size(psi)
    if reference is not None:
        other = _terms(sensitivity, reference)
        psi, sizes = psi - other, sizes + size(other)
    square = (stats.norm.ppf(0.975) * sensitivity["expansion_missed"]) ** 2 * sizes
    if f"{_COEFFICIENT}_low" in sensitivity:
        half = (sensitivity[f"{_COEFFICIENT}_high"] - sensitivity[f"{_COEFFICIENT}_low"]) / 2
        square = square + (psi**2).dot(half**2, dim=TERM)
    found = xr.Dataset({"value": psi.dot(coefficient, dim=TERM), "half_width": np.sqrt(square)})
    return found.transpose(..., "time", "observable")


def _terms(sensitivity: xr.Dataset, parameter_value: xr.DataArray) -> xr.DataArray:
    """Each term at each point, (..., term)."""
    points = parameter_value.sel(parameter=sensitivity["parameter"]).transpose(..., "parameter")
    theta = points.values
    with np.errstate(invalid="ignore", divide="ignore"):
        u = np.where(sensitivity["polynomial_logarithmic"].values.astype(bool), np.log(theta), theta)
    t = (u - sensitivity["polynomial_centre"].values) / sensitivity["polynomial_scale"].values
    degrees = sensitivity["expansion_degree"].transpose(TERM, "parameter").values.astype(int)
    shift, norm = (
        sensitivity[f"polynomial_{name}"].transpose("degree", "parameter").values
        for name in ("shift", "norm")
    )
    polynomials = [np.ones_like(t)]
    below = np.zeros_like(t)
    for k, (a, b) in enumerate(zip(shift, norm, strict=True)):
        latest = polynomials[-1]
        polynomials.append(((t - a) * latest - (norm[k - 1] if k else 0.0) * below) / b)
        below = latest
    all_degrees = np.stack(polynomials, axis=-1)  # (..., parameter, degree)
    psi = np.ones((*theta.shape[:-1], len(degrees)))
    for p in range(theta.shape[-1]):
        psi *= all_degrees[..., p, degrees[:, p]]
    dims = (*(d for d in points.dims if d != "parameter"), TERM)
    coordinates = {d: points[d] for d in points.dims if d != "parameter" and d in points.coords}
    return xr.DataArray(psi, coordinates, dims)
