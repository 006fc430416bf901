"""Whether an observable depends on a parameter at all, whatever the form: HSIC with a permutation test.

Both enter as ranks, scaled to probabilities. The kernel of either is the sum of psi_k(x) psi_k(y) / k of
a few cosines psi_k(x) = sqrt(2) cos(k pi x). So the Hilbert-Schmidt independence criterion is a weighted
sum of squared covariances, of a cosine of the parameter and one of the observable; its cost grows in
proportion to the samples.

Without an effect the parameter's column could stand beside the values in any order. The test draws such
orders, the same for all parameters, times and observables, and adjusts for how many of these there are
by the largest criteria of each order, from the largest downwards (Westfall and Young's step-down).
On random points and Latin hypercubes the probability to call any parameter without an effect one that
has is at most the level. On a Sobol' sequence an interaction of other parameters may stand exactly as a
wave over the order of a parameter, and no test of these samples can tell the two apart: there the test
misses an effect as rarely, but what it finds proves none.
"""

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from ..designs import FastDesign, SaltelliDesign, SobolDesign
from ..quantities import Kind, Method, Quantity
from .estimator import PAIR, PLACE, Estimates, Estimator
from .failures import completed, usable_rows
from .moments import usable_seeds
from .rounding import round_off

FEWEST = 16
"""Fewer samples give no test."""
ORDERS = 999
"""Of the permutations."""
LEVEL = 0.05
"""An adjusted p-value below this says that there is an effect."""
_COSINES = 6
_AT_ONCE = 2.0e7
"""Numbers of products that are held at a time."""

HSIC = Method(
    "Dependence, with a permutation test",
    "Σ_{kl} (k l)^{-1} Cov(ψ_k(rank θ_p), ψ_l(rank f))^2, less its mean over all orders",
    "The Hilbert-Schmidt independence criterion of ranks, ψ_k = 2^{1/2} cos(k π x), of the mean of"
    " these seeds: 0 on average without an effect, 1 for a monotone function. It sees no effect "
    "through products with others alone; of correlated parameters it says dependence, not what "
    "causes it, and it may be of the noise alone. The p-value is "
    f"of {ORDERS} orders of the samples, adjusted for all parameters, times "
    "and observables together. On a Sobol sequence what it finds may be an interaction of others: "
    "hsic_p_holds is 0.",
    "Gretton et al., NeurIPS 20 (2007) 585-592; Da Veiga, J. Stat. Comput. Simul. 85 (2015) 1283-1305 "
    "and arXiv:2101.05487 (2021); De Lozzo and Marrel, J. Stat. Comput. Simul. 86 (2016) 3038-3058; "
    "Westfall and Young, Resampling-Based Multiple Testing (Wiley, 1993), section 2.6",
)
_DESIGNS = f"sobol, latin-hypercube, list, with {FEWEST} samples or more"
_NEEDS = f"needs {FEWEST} or more samples of a Sobol, Latin-hypercube or list design"
QUANTITIES = (
    Quantity(
        "hsic",
        "dependence of the observable on the parameter: normalised Hilbert-Schmidt criterion of ranks",
        "1",
        PAIR,
        Kind.DISTANCE,
        HSIC,
        label="dependence (HSIC)",
        reading="0 without an effect of the parameter alone, 1 for a monotone function of it",
        tested_by="hsic_p",
        designs=_DESIGNS,
        absent=_NEEDS,
    ),
    Quantity(
        "hsic_p",
        "probability that a parameter without effect would seem to have one as large, for all "
        "parameters, times and observables together",
        "1",
        PAIR,
        Kind.NUMBER,
        HSIC,
        formula="step-down p-value of largest criteria over permutations",
        designs=_DESIGNS,
        absent=_NEEDS,
    ),
    Quantity(
        "hsic_p_holds",
        "1 where a small hsic_p proves an effect, 0 where it may be an interaction of other parameters",
        "1",
        (),
        Kind.FLAG,
        HSIC,
        formula="0 on a Sobol sequence",
        designs=_DESIGNS,
        absent=_NEEDS,
    ),
)


class Dependence(Estimator):
    """The criterion and its test, of the means over seeds at all samples that are kept."""

    quantities = QUANTITIES
    of_every_parameter = True

    def finish(self, found: Estimates) -> Estimates:
        samples, value = self.samples, self.samples.values
        if (
            value is None
            or samples.stands_for != "sample"
            or isinstance(samples.question.design, SaltelliDesign | FastDesign)
        ):
            return {}
        points = samples.points["parameter_value"].sel(sample=samples.chosen)
        theta = points.transpose("sample", "parameter").values
        of_each, draws = [], []
        for o in range(value.sizes["observable"]):
            mean = _means(value.isel(observable=[o]), samples.question.stochastic)
            usable = np.isfinite(mean).all(axis=1)
            if usable.sum() < FEWEST:
                of_each.append(np.full((mean.shape[1], theta.shape[1]), np.nan))
                draws.append(np.zeros((ORDERS, mean.shape[1], theta.shape[1])))
                continue
            criterion, permuted = criteria(
                theta[usable], flat_where_equal(mean[usable], samples.precision)
            )
            of_each.append(criterion)
            draws.append(permuted)
        criterion, permuted = np.stack(of_each, axis=1), np.stack(draws, axis=2)
        if np.isnan(criterion).all():
            return {}
        known = {d: value[d] for d in PLACE if d in value.coords} | {"parameter": samples.parameters}
        p_value = step_down(criterion, permuted)
        return {
            "hsic": xr.DataArray(criterion, known, PAIR),
            "hsic_p": xr.DataArray(p_value, known, PAIR),
            "hsic_p_holds": xr.DataArray(not isinstance(samples.question.design, SobolDesign)),
        }


def _means(value: xr.DataArray, stochastic: bool) -> np.ndarray:
    """Means over seeds (sample, time); NaN at samples that cannot be used."""
    x = value.isel(observable=0).transpose("sample", "time", "seed").values
    x = x[..., usable_seeds(np.isfinite(x).swapaxes(1, 2)[..., None])]
    dims = ("sample", "time", "seed")
    rows = usable_rows(xr.DataArray(x, dims=dims), stochastic)
    mean = np.full(x.shape[:2], np.nan)
    filled = completed(x[rows].reshape(-1, x.shape[-1]))
    mean[rows] = filled.mean(axis=-1).reshape(-1, x.shape[1])
    return mean


def flat_where_equal(y: np.ndarray, precision: np.dtype | type = float) -> np.ndarray:
    """Values (sample, column), exactly equal where a column differs by round-off alone."""
    flat = np.ptp(y, axis=0) <= round_off(np.abs(y).max(axis=0), precision)
    return np.where(flat, y[:1], y)


def criteria(theta: np.ndarray, y: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The criterion of each column of y and theta, (y, theta), and of each order (order, y, theta).

    Args:
        theta: (sample, parameter).
        y: (sample, column).
        seed: Of the orders.
    """
    n, d = theta.shape
    of_theta, of_y = _cosines(theta), _cosines(y)  # (sample, cosine, column)
    rng = np.random.default_rng(seed)
    orders = np.stack([np.arange(n), *(rng.permutation(n) for _ in range(ORDERS))])
    right = of_y.reshape(n, -1)
    at_once = max(1, int(_AT_ONCE / (d * _COSINES * right.shape[1])))
    found = []
    for start in range(0, len(orders), at_once):
        left = of_theta[orders[start : start + at_once]].swapaxes(1, 3)  # (order, theta, cosine, sample)
        product = (left.reshape(-1, n) @ right) / n
        np.square(product, out=product)
        square = product.reshape(-1, d, _COSINES, _COSINES, y.shape[1]).sum(axis=(2, 3))
        found.append(square.swapaxes(1, 2))
    every = np.concatenate(found).astype(float)
    mean_y, largest_y = _of_itself(of_y)
    mean_theta, largest_theta = _of_itself(of_theta)
    by_chance = mean_y[:, None] * mean_theta / (n - 1)
    whole = (largest_y - mean_y**2 / (n - 1))[:, None] * (largest_theta - mean_theta**2 / (n - 1))
    scale = np.sqrt(np.where(whole > 0, whole, np.inf))
    every = (every - by_chance) / scale
    return every[0], every[1:]


def _cosines(x: np.ndarray) -> np.ndarray:
    """Centred cosines of ranks, weighted (sample, cosine, column); equal values share their rank."""
    rank = (rankdata(x, axis=0) - 0.5) / len(x)
    k = np.arange(1, _COSINES + 1)[:, None]
    waves = np.sqrt(2) * np.cos(np.pi * k * rank[:, None]) / k**0.5
    varies = np.ptp(rank, axis=0) > 0
    return np.asarray(np.where(varies, waves - waves.mean(axis=0), 0.0), np.float32)


def _of_itself(waves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Trace of the kernel over n, and the criterion of a column with itself (column)."""
    gram = np.einsum("ikc,ilc->ckl", waves, waves, dtype=float) / len(waves)
    return np.trace(gram, axis1=1, axis2=2), (gram**2).sum(axis=(1, 2))


def step_down(statistic: np.ndarray, permuted: np.ndarray) -> np.ndarray:
    """Adjusted p-values of all statistics together; NaN where there is none.

    Args:
        statistic: Any shape.
        permuted: The same without effects, (draw, ...).
    """
    flat, draws = statistic.ravel(), permuted.reshape(len(permuted), -1)
    adjusted = np.full(flat.shape, np.nan)
    known = np.flatnonzero(np.isfinite(flat))
    order = known[np.argsort(-flat[known], kind="stable")]
    # The largest of those that are not above this one, in each draw.
    largest = np.maximum.accumulate(draws[:, order[::-1]], axis=1)[:, ::-1]
    as_large = (largest >= flat[order] - 1e-9).sum(axis=0)
    adjusted[order] = np.maximum.accumulate((1 + as_large) / (1 + len(draws)))
    return adjusted.reshape(statistic.shape)
