"""What one experiment, with the noise of one simulation, could tell about the parameters.

F = sum_t J_t^T Sigma_t^-1 J_t is the Fisher information of Gaussian measurements of all observables:
J_t is the gradient of their mean, Sigma_t their covariance between seeds. Different times count as
independent measurements, which noise that is correlated in time is not: then F can be too large, by
up to about the number of times. Parameters are in units of their standard deviation in the design.

Sources: Kay, Fundamentals of Statistical Signal Processing (1993), chapter 3 (F, Cramer-Rao bound);
Gutenkunst et al., PLoS Comput. Biol. 3 (2007) e189 (sloppiness); Hartlap, Simon, Schneider, Astron.
Astrophys. 464 (2007) 399-404 (bias of an inverse covariance).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ..quantities import Interval, Kind, Method, Quantity
from .eigen import along, eigen
from .estimator import Estimates, Estimator, Slab
from .fisher import Fisher
from .resampling import FEWEST, seed_weights, with_interval
from .samples import kept_in

FISHER = Method(
    "Fisher information",
    "F = Σ_t J^T Σ^{-1} J; smallest variance of θ_p: (F^{-1})_{pp}",
    "At the central sample. J are gradients of the mean, in units of the parameters' standard "
    "deviations, their noise taken out by products of different seeds; Σ is the covariance of the "
    "observables between seeds. Different times count as independent, so the information may be "
    "too large, by up to about the number of times.",
    "Gutenkunst et al., PLoS Comput. Biol. 3 (2007) e189; Transtrum et al., J. Chem. Phys. 143 "
    "(2015) 010901; Hartlap, Simon and Schneider, Astron. Astrophys. 464 (2007) 399-404",
)
_IN_SD = "each parameter in units of its standard deviation on the natural scale"


def _quantity(name: str, long_name: str, dims: tuple[str, ...], **more: Any) -> Quantity:
    about: dict[str, Any] = {"kind": Kind.INFORMATION, "method": FISHER, "from_gradients": True} | more
    return Quantity(
        name, long_name, "1", dims, absent="needs a study with noise, and enough seeds to know the size "
        "of it", designs="all", **about,
    )  # fmt: skip


QUANTITIES = (
    _quantity(
        "fisher_information",
        f"Fisher information of one experiment at the central sample, {_IN_SD}",
        ("parameter", "parameter_2"),
        formula="F",
    ),
    _quantity(
        "fisher_information_by_sample",
        f"Fisher information of one experiment at the sample, {_IN_SD}",
        ("sample", "parameter", "parameter_2"),
        formula="F at each sample",
    ),
    _quantity(
        "fisher_eigenvalue",
        "eigenvalue of fisher_information",
        ("component",),
        formula="eigenvalue of F",
        interval=Interval.SEEDS,
    ),
    _quantity(
        "fisher_direction",
        "eigenvector of fisher_information",
        ("component", "parameter"),
        kind=Kind.DIRECTION,
        formula="eigenvector of F",
    ),
    _quantity(
        "cramer_rao_sd",
        "Cramer-Rao bound on the standard deviation of an unbiased estimate from one experiment, in "
        "units of the parameter's standard deviation on the natural scale",
        ("parameter",),
        formula="((F^{-1})_{pp})^{1/2}",
        interval=Interval.SEEDS,
    ),
    _quantity(
        "parameter_correlation",
        "correlation of the estimates at the Cramer-Rao bound",
        ("parameter", "parameter_2"),
        kind=Kind.NUMBER,
        formula="(F^{-1})_{pq} / ((F^{-1})_{pp} (F^{-1})_{qq})^{1/2}",
    ),
    _quantity(
        "fisher_entry_used",
        "whether fisher_information uses the observable at this time",
        ("time", "observable"),
        kind=Kind.FLAG,
        formula="",
    ),
    _quantity(
        "fisher_covariance",
        "which covariance between observables fisher_information uses: full, diagonal or none",
        ("time",),
        kind=Kind.LABEL,
        formula="",
    ),
)


_ROUND_OFF = 1e-10
"""Information in a direction below this share of the largest is none: gradients have round-off."""


def fisher_information(
    value: xr.DataArray, gradient: xr.DataArray, weights: xr.DataArray | None = None
) -> dict[str, xr.DataArray]:
    """The Fisher information without the noise of gradients and covariances, and what went into it.

    J^T Sigma^-1 J of the mean gradient would count its noise as information; the mean over pairs of
    different seeds does not, so F may come out indefinite. The inverse covariance is corrected for its
    bias, (R - O - 2) / (R - 1) with R seeds and O observables (Gaussian noise). With R < O + 4, only the
    variances are used, (R - 3) / (R - 1), as if the observables were uncorrelated.

    Left out: seeds with an entry that is not finite, at that time (entries at which most seeds are not
    finite are left out instead); entries without noise (t = 0, a deterministic radius) and observables
    whose noise is that of those before them (correlation matrix singular to 1e-8), which would carry
    infinite information; times with fewer than 4 seeds.

    Args:
        value: (..., seed, time, observable); the leading dimensions are kept (sample, say).
        gradient: (..., seed, time, observable, parameter), parameters in units of their natural sd.
        weights: (draw, seed) of :func:`~jaxmorph.sensitivity.resampling.seed_weights`; without leading
            dimensions then. Draws are reflected: J_b = 2 J - (J of the resample), and Sigma^-1 becomes
            Sigma^-1 Sigma_b Sigma^-1, which like the posterior of Sigma^-1 has a Wishart distribution
            (of the mean that it has along any one direction, (R - O) / (R - 1) S^-1) and stays
            positive. To first order the deviations are those of resampling, of other sign.
            With few seeds and skew noise intervals are too short (48 seeds, exponential noise: 84 to
            91 % instead of 95 %), as those of any variance.

    Returns:
        Nothing without noise or with fewer than 4 seeds. Otherwise:

        * ``fisher_information`` (..., parameter, parameter_2), with ``weights`` (draw, ...), draw 0
          being the data; NaN where no entry could be used.
        * ``fisher_entry_used`` (..., time, observable).
        * ``fisher_covariance`` (..., time): "full", "diagonal" or "none" (nothing used).
    """
    if value.sizes["seed"] < FEWEST:
        return {}
    leading = [d for d in value.dims if d not in ("seed", "time", "observable")]
    value = value.transpose(*leading, "seed", "time", "observable")
    gradient = gradient.transpose(*value.dims, "parameter")
    fisher = Fisher(value.values, gradient.values)
    if not fisher.used.any():
        return {}
    matrix = fisher.of_data()
    if weights is not None:
        draws = weights.transpose("draw", "seed").values[1:]
        matrix = np.stack([matrix, *(fisher.of_draw(w) for w in draws)])
    dims = [*(["draw"] if weights is not None else []), *leading, "parameter", "parameter_2"]
    template = gradient.isel(seed=0, drop=True)
    square = template.isel(time=0, observable=0, drop=True)
    coords = {n: c for n, c in square.coords.items() if set(c.dims) <= set(dims)}
    if "parameter" in coords:
        coords["parameter_2"] = ("parameter_2", coords["parameter"].values)
    kind = np.where(fisher.full, "full", "diagonal")
    entry = template.isel(parameter=0, drop=True)
    return {
        "fisher_information": xr.DataArray(matrix, coords, dims),
        "fisher_entry_used": _like(entry, fisher.used),
        "fisher_covariance": _like(
            entry.isel(observable=0, drop=True),
            np.where(fisher.used.any(axis=-1), kind, "none"),
        ),
    }


def _like(template: xr.DataArray, data: np.ndarray) -> xr.DataArray:
    return xr.DataArray(data, template.coords, template.dims)


def identifiability(fisher: xr.DataArray, n_seeds: int) -> dict[str, xr.DataArray]:
    """Spectrum of the Fisher information, and how well each parameter could be known.

    Args:
        fisher: (draw, parameter, parameter_2), draw 0 being the data.
        n_seeds: Number of seeds.

    Returns:
        * ``fisher_information`` (parameter, parameter_2).
        * ``fisher_eigenvalue`` (component), descending, with ``_low`` and ``_high`` (first order in the
          error of F); noise may leave some below 0.
        * ``fisher_direction`` (component, parameter), unit vectors.
        * ``cramer_rao_sd`` (parameter), with ``_low`` and ``_high``: sqrt((F^-1)_ii), the least standard
          deviation of an unbiased estimate from one experiment that knows nothing else, in units of
          the parameter's sd. Infinite where F is singular. Directions whose information is not told
          from 0 have at most about its standard error, which is put in its place: the number stays a
          lower bound, but where they make more than half of the variance ``_high`` is infinite.
        * ``parameter_correlation`` (parameter, parameter_2) of the estimates, from F^-1 in the same
          way; of a singular F the limit (two parameters known only by their sum: -1).

        Nothing if F is not finite.
    """
    draws = fisher.transpose("draw", "parameter", "parameter_2")
    f = draws.values
    if not np.isfinite(f[0]).all():
        return {}
    value, direction = eigen(f[0])
    bound, low, high, covariance = _inverse(f, n_seeds)
    sd = np.sqrt(np.diag(covariance))
    like = draws.isel(draw=0, drop=True)
    one = like.isel(parameter_2=0, drop=True)
    component = ("component", np.arange(1, len(value) + 1))
    on_components = {"component": component}
    of_direction = {n: c for n, c in one.coords.items() if c.dims == ("parameter",)} | on_components
    result = {
        "fisher_information": like,
        "fisher_direction": xr.DataArray(direction, of_direction, ("component", "parameter")),
        "cramer_rao_sd": _like(one, bound),
        "parameter_correlation": _like(like, covariance / np.outer(sd, sd)),
    }
    ends = _interval(along(direction, f), n_seeds)
    result["fisher_eigenvalue"] = xr.DataArray(value, on_components, ("component",))
    if ends is not None:
        for name, end in zip(("low", "high"), ends, strict=True):
            result[f"fisher_eigenvalue_{name}"] = _like(result["fisher_eigenvalue"], end)
        result["cramer_rao_sd_low"] = _like(one, low)
        result["cramer_rao_sd_high"] = _like(one, high)
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
    reaches below 1 are among them: it is not known that they can be told.

    Args:
        result: Of :func:`identifiability`.
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


class Identifiability(Estimator):
    """What one experiment could tell, at the central sample; and the information at every sample."""

    quantities = QUANTITIES
    _by_sample: xr.DataArray | None = None
    _central: tuple[xr.DataArray, xr.DataArray] | None = None

    def add(self, slab: Slab) -> Estimates:
        if self.samples.question.stochastic:
            information = fisher_information(slab.value, slab.scaled)
            if information:
                numbers = self.samples.points["sample"].values
                part = information["fisher_information"]
                self._by_sample = kept_in(self._by_sample, part, numbers)
        if self.samples.central in slab.value["sample"]:
            central = {"sample": self.samples.central}
            self._central = (
                slab.value.sel(central).drop_vars("sample"),
                slab.scaled.sel(central).drop_vars("sample"),
            )
        return {}

    def finish(self, found: Estimates) -> Estimates:
        if self._by_sample is None:
            return {}
        assert self._central is not None, "no slab holds the central sample"
        result = {"fisher_information_by_sample": self._by_sample}
        n_seeds = self.samples.n_seeds
        draws = fisher_information(*self._central, seed_weights(n_seeds))
        if not draws:
            return result
        result |= identifiability(draws["fisher_information"], n_seeds)
        return result | {name: draws[name] for name in ("fisher_entry_used", "fisher_covariance")}
