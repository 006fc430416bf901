"""How well parameters could be known, from draws of a Fisher information.

Sources: Kay, Fundamentals of Statistical Signal Processing (1993), chapter 3 (Cramer-Rao bound);
Gutenkunst et al., PLoS Comput. Biol. 3 (2007) e189 (sloppiness).
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from .eigen import along, eigen
from .resampling import with_interval

_ROUND_OFF = 1e-10
"""Information in a direction below this share of the largest is none: gradients have round-off."""


def spectrum(fisher: xr.DataArray, n_seeds: int) -> dict[str, xr.DataArray]:
    """Stiff and sloppy combinations of parameters, and the correlations of their estimates.

    Args:
        fisher: (draw, parameter, parameter_2), draw 0 being the data.
        n_seeds: Number of seeds.

    Returns:
        * ``fisher_eigenvalue`` (component), descending, with ``_low`` and ``_high`` (first order in the
          error of F); noise may leave some below 0.
        * ``fisher_direction`` (component, parameter), unit vectors.
        * ``parameter_correlation`` (parameter, parameter_2) of the estimates, from F^-1 as in
          :func:`smallest_sd`; of a singular F the limit (two parameters known only by their sum: -1).

        Nothing if F is not finite.
    """
    draws = fisher.transpose("draw", "parameter", "parameter_2")
    f = draws.values
    if not np.isfinite(f[0]).all():
        return {}
    value, direction = eigen(f[0])
    covariance = _inverse(f, n_seeds)[-1]
    sd = np.sqrt(np.diag(covariance))
    like = draws.isel(draw=0, drop=True)
    component = ("component", np.arange(1, len(value) + 1))
    on_components = {"component": component}
    one = like.isel(parameter_2=0, drop=True)
    of_direction = {n: c for n, c in one.coords.items() if c.dims == ("parameter",)} | on_components
    result = {
        "fisher_direction": xr.DataArray(direction, of_direction, ("component", "parameter")),
        "parameter_correlation": like.copy(data=covariance / np.outer(sd, sd)),
    }
    eigenvalue = xr.DataArray(value, on_components, ("component",))
    return result | _with_ends("fisher_eigenvalue", eigenvalue, _interval(along(direction, f), n_seeds))


def smallest_sd(name: str, fisher: xr.DataArray, n_seeds: int) -> dict[str, xr.DataArray]:
    """sqrt((F^-1)_ii), the least standard deviation that F leaves, with ``_low`` and ``_high``.

    Infinite where F is singular. Where the information of a direction cannot be told from 0, it is at
    most about its standard error, which takes its place: so the number stays a lower bound. Where such
    directions make more than half of the variance, ``_high`` is infinite.

    Args:
        name: Of the estimate.
        fisher: (draw, parameter, parameter_2), draw 0 being the data.
        n_seeds: Number of seeds.

    Returns:
        (parameter). Nothing if F is not finite.
    """
    f = fisher.transpose("draw", "parameter", "parameter_2").values
    if not np.isfinite(f[0]).all():
        return {}
    bound, low, high, _ = _inverse(f, n_seeds)
    one = fisher.isel(draw=0, parameter_2=0, drop=True).copy(data=bound)
    return _with_ends(name, one, (low, high) if len(f) > 1 else None)


def smallest_sd_alone(name: str, fisher: xr.DataArray, n_seeds: int) -> dict[str, xr.DataArray]:
    """(F_ii)^(-1/2), (parameter): :func:`smallest_sd` of a parameter when all others are known."""
    f = fisher.transpose("draw", "parameter", "parameter_2").values
    if not np.isfinite(f[0]).all():
        return {}
    precision = np.diagonal(f, axis1=1, axis2=2)
    ends = _interval(precision, n_seeds)
    with np.errstate(divide="ignore"):
        bound, *reversed_ends = (1 / np.sqrt(x.clip(min=0)) for x in (precision[0], *(ends or ())))
    one = fisher.isel(draw=0, parameter_2=0, drop=True).copy(data=bound)
    return _with_ends(name, one, (reversed_ends[1], reversed_ends[0]) if ends else None)


def _with_ends(
    name: str, estimate: xr.DataArray, ends: tuple[np.ndarray, np.ndarray] | None
) -> dict[str, xr.DataArray]:
    result = {name: estimate}
    if ends is not None:
        low, high = ends
        result |= {f"{name}_low": estimate.copy(data=low), f"{name}_high": estimate.copy(data=high)}
    return result


def _interval(draws: np.ndarray, n_seeds: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Ends of the interval of the draws (draw, x), None if nothing was resampled."""
    if len(draws) == 1:
        return None
    array = xr.DataArray(draws, dims=("draw", "x"))
    ends = with_interval("x", array, None, array, n_seeds)
    return (ends["x_low"].values, ends["x_high"].values) if "x_low" in ends else None


def _inverse(f: np.ndarray, n_seeds: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """sqrt((F^-1)_ii) with the ends of its interval, and F^-1 up to a factor where F is singular.

    F is brought to unit diagonal first, so that a parameter that has little information, but its own,
    is not taken for singular.
    """
    diagonal = np.diagonal(f, axis1=1, axis2=2)
    spread = diagonal[1:].std(axis=0) if len(f) > 1 else 0.0
    scale = np.sqrt(np.maximum(diagonal[0], spread).clip(min=0))
    informed = scale > 0
    scale = np.where(informed, scale, 1.0)
    g = f / np.outer(scale, scale)
    _, direction = eigen(g[0])
    value = along(direction, g)
    # What an eigenvalue that is not told from 0 may be at least.
    floor = np.maximum(value[1:].std(axis=0) if len(f) > 1 else 0.0, -value[0].min())
    ends = _interval(value, n_seeds)
    unresolved = (ends[0] if ends is not None else value[0]) <= 0
    least = np.maximum(value[0], floor)
    regular = least.clip(min=_ROUND_OFF)
    covariance = np.einsum("kp,k,kq->pq", direction, 1 / regular, direction)
    variance = np.diag(covariance)
    # A loading of round-off on a singular direction does not make a parameter unknown.
    touched = (direction[least <= _ROUND_OFF] ** 2 > _ROUND_OFF).any(axis=0)
    precision = np.where(informed & ~touched, 1 / variance, 0.0)
    # To first order, 1 / (G^-1)_ii changes by u^T dG u with u = G^-1 e_i / (G^-1)_ii.
    change = along((covariance / variance).T, g - g[0])
    interval = _interval(precision + change, n_seeds)
    lowest, highest = interval if interval is not None else (precision, precision)
    unknown = (unresolved[:, None] * direction**2 / regular[:, None]).sum(axis=0) > 0.5 * variance
    lowest = np.where(unknown, 0.0, lowest.clip(min=0))
    highest = np.where(informed & ~touched, highest.clip(min=0), 0.0)
    with np.errstate(divide="ignore"):
        bound, high, low = (1 / np.sqrt(x) / scale for x in (precision, lowest, highest))
    return bound, low, high, covariance / np.outer(scale, scale)


@dataclass(frozen=True)
class Combination:
    """A combination of parameters that one experiment does not tell from the range of the design.

    Attributes:
        component: Its number in the spectrum, from 1.
        sd: 1 / sqrt(eigenvalue), in units of the natural sd; infinite where that is not above 0.
        certain: Whether that is so for all of the eigenvalue's interval (without one: of the estimate).
        weights: Of the parameters, in units of their natural sd; squares add up to 1.
    """

    component: int
    sd: float
    certain: bool
    weights: dict[str, float]


def indistinguishable(result: dict[str, xr.DataArray] | xr.Dataset) -> list[Combination]:
    """Combinations whose standard error 1 / sqrt(eigenvalue) is, or may be, above 1 natural sd.

    One experiment tells less about them than the range of the design. Combinations whose interval
    reaches below 1 are among them: it is not certain that they can be told apart.

    Args:
        result: Of :func:`spectrum`: eigenvalues (component,), directions (component, parameter).
    """
    value = result["fisher_eigenvalue"]
    low, high = (result.get(f"fisher_eigenvalue_{end}", value) for end in ("low", "high"))
    names = [str(p) for p in result["fisher_direction"]["parameter"].values]
    return [
        Combination(
            component=k + 1,
            sd=float(v) ** -0.5 if v > 0 else np.inf,
            certain=bool(high[k] < 1),
            weights=dict(zip(names, map(float, result["fisher_direction"].values[k]), strict=True)),
        )
        for k, v in enumerate(value.values)
        if low[k] < 1
    ]
