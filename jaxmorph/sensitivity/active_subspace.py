"""Active subspaces: the combinations of parameters along which an observable changes most.

C = E[grad f grad f^T] over the design, of inputs scaled by their standard deviation, has the
eigenvectors w_1, w_2, ... : the mean squared derivative along w_k is the eigenvalue lambda_k, and w_1
is the direction in which f changes most. Noise must be out of C already (products of different seeds):
the square of a noisy gradient adds its variance to every eigenvalue. Without it C may be indefinite;
eigenvalues below 0 are kept, they show how large the noise is that is left.

Sources: Constantine, Dow, Wang, SIAM J. Sci. Comput. 36 (2014) A1500-A1524; Constantine, Active
Subspaces (SIAM, 2015), algorithm 3.1 (gap, subspace distance); Constantine and Diaz, Reliab. Eng. Syst.
Saf. 162 (2017) 1-13 (activity scores).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ..quantities import Interval, Kind, Method, Needs, Quantity
from .both_errors import BothErrors
from .eigen import along, eigen
from .estimator import PLACE, Estimates, Estimator
from .natural import scaled_inputs
from .resampling import with_interval
from .samples import NEEDS_MOMENTS
from .whole_design import WholeDesign

_OF_SUBSETS = ("activity_score", "eigenvalue")
_DIMS = ("draw", *PLACE, "parameter", "parameter_2")
# Directions are left out of the active ones only behind a gap of this size.
_WIDE_GAP = 10.0
_CHUNK_BYTES = 1e7
# Matrices of so many places are estimated at once, and of one at least.
_BLOCK_BYTES = 2e7
# Draws times parameters of which a mean distance is made: all 400 draws up to 20 parameters.
_DISTANCES, _FEWEST_DISTANCES = 8000, 20


SUBSPACE = Method(
    "Active subspace and activity scores",
    "C = E[∇f ∇f^T] = Σ_n λ_n w_n w_n^T; score α_p = Σ_n λ_n w_{np}^2",
    "Parameters in units of their standard deviation on the natural scale; products of different "
    "seeds, so that noise adds nothing on average. The score sums over the directions before the "
    "largest gap of the spectrum.",
    "Constantine, Dow and Wang, SIAM J. Sci. Comput. 36 (2014) A1500-A1524; Constantine and Diaz, "
    "Reliab. Eng. Syst. Saf. 162 (2017) 1-13",
)


def _quantity(
    name: str, long_name: str, last: tuple[str, ...], unit: str = "1", **more: Any
) -> Quantity:
    return Quantity(
        name, long_name, unit, (*PLACE, *last), method=SUBSPACE, from_gradients=True,
        needs_complete=Needs.ALL, designs="all but morris and one-at-a-time", absent=NEEDS_MOMENTS,
        **more,
    )  # fmt: skip


QUANTITIES = (
    _quantity(
        "eigenvalue",
        "eigenvalue of gradient_outer_product",
        ("component",),
        "observable^2",
        kind=Kind.SQUARE,
        formula="λ_n",
        interval=Interval.SAMPLES_AND_SEEDS,
        nested=True,
    ),
    _quantity(
        "activity_score",
        "activity score: squares of eigenvectors times their eigenvalues",
        ("parameter",),
        "observable^2",
        kind=Kind.SCORE,
        formula="α_p = Σ_n λ_n w_{np}^2",
        label="activity score",
        reading="observable squared",
        interval=Interval.SAMPLES_AND_SEEDS,
        nested=True,
        within=0.1,
        relative=True,
        ranks=True,
    ),
    _quantity(
        "active_direction",
        "eigenvector of gradient_outer_product",
        ("component", "parameter"),
        kind=Kind.DIRECTION,
        formula="w_n",
    ),
    _quantity(
        "eigenvalue_gap",
        "eigenvalue over the next one",
        ("component",),
        formula="λ_n / λ_{n+1}",
    ),
    _quantity(
        "subspace_distance",
        "mean distance between the space of the first eigenvectors and that of resamples",
        ("component",),
        formula="E ‖W_n W_n^T - V_n V_n^T‖",
    ),
    _quantity(
        "active_dimension",
        "number of eigenvalues before a wide gap, else of all",
        (),
        formula="n before the largest gap",
    ),
    Quantity(
        "active_variable",
        "scaled inputs along the first active direction",
        "1",
        ("sample", *PLACE),
        method=SUBSPACE,
        formula="w_1^T x",
        from_gradients=True,
        needs_complete=Needs.ALL,
        designs="all but morris and one-at-a-time",
    ),
)


def active_subspace(
    over_samples: xr.DataArray,
    n_samples: int | None,
    over_seeds: xr.DataArray | None = None,
    n_seeds: int | None = None,
) -> dict[str, xr.DataArray]:
    """Eigenvalues, directions, gaps, distances and activity scores, at every time, of every observable.

    Args:
        over_samples: C of resampled samples (draw, time, observable, parameter, parameter_2); draw 0 is
            C itself. One draw alone gives estimates without intervals.
        n_samples: Number of independent samples; None if they are not a random choice.
        over_seeds: The same of resampled seeds; None without noise.
        n_seeds: Number of seeds that were resampled.

    Returns:
        * ``eigenvalue`` (time, observable, component) with its interval, descending, observable_unit^2.
          The interval is that of w_k^T C w_k: first order in the error of C.
        * ``active_direction`` (time, observable, component, parameter): unit vectors w_k, the largest
          weight positive; 0 where the observable does not depend on any parameter (C = 0).
        * ``eigenvalue_gap`` (time, observable, component): lambda_n / lambda_(n+1), NaN for the last. An
          eigenvalue smaller than its standard error, than minus the smallest eigenvalue or than
          round-off counts as the largest of these: a gap is never larger than the data can show.
        * ``active_dimension`` (time, observable): n before the largest gap (the first of equal ones), if
          that is an order of magnitude; all of them if there is no such gap, and so no smaller active
          subspace; 0 where no eigenvalue is positive.
        * ``activity_score`` (time, observable, parameter) with its interval: sum over k <= n of
          lambda_k w_k^2, with n = ``active_dimension``, observable_unit^2. Equal to the mean squared
          derivative in the same units for n = all: it may be slightly negative, as that.
        * ``subspace_distance`` (time, observable, component): mean over resamples of
          ||W_n W_n^T - W_n,b W_n,b^T||_2 between the spans of the first n directions: 0 if they are
          sure, near 1 if the data do not determine them. Errors of samples and seeds add up in C. Only
          with an interval; 0 for the last n (the whole space).
    """
    samples = over_samples.transpose(*_DIMS)
    seeds = None if over_seeds is None else over_seeds.transpose(*_DIMS)
    if samples.sizes["draw"] == 1 and seeds is None:  # nothing was resampled
        n_samples, seeds, n_seeds = 1, None, None
    value, direction = eigen(samples.values[0])

    def with_ends(name: str, last: str, function: Callable) -> dict[str, xr.DataArray]:
        dims = ("draw", *PLACE, last)
        of_samples = _named(function(samples.values), dims, samples)
        of_seeds = None if seeds is None else _named(function(seeds.values), dims, samples)
        return with_interval(name, of_samples, n_samples, of_seeds, n_seeds)

    result = with_ends("eigenvalue", "component", lambda c: along(direction, c))
    gap = _gap(value, _standard_error(result))
    dimension = _dimension(value, gap)
    result |= _with_symmetric_interval(
        with_ends("activity_score", "parameter", lambda c: _activity(c, dimension))
    )
    if "eigenvalue_low" in result:
        parts = [c.values for c in (samples if n_samples else None, seeds) if c is not None]
        distance = _distance(samples.values[0], direction, [c[1:] - c[:1] for c in parts])
        result["subspace_distance"] = _named(distance, (*PLACE, "component"), samples)
    varies = samples.values[0].any(axis=(-2, -1))
    direction = np.where(varies[..., None, None], direction, 0.0)
    return result | {
        "active_direction": _named(direction, (*PLACE, "component", "parameter"), samples),
        "eigenvalue_gap": _named(gap, (*PLACE, "component"), samples),
        "active_dimension": _named(dimension, PLACE, samples),
    }


def _with_symmetric_interval(score: dict[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Down as far as up: a square of a weight that is 0 in truth is positive in every resample."""
    if "activity_score_low" not in score:
        return score
    value = score["activity_score"]
    down = np.maximum(value - score["activity_score_low"], score["activity_score_high"] - value)
    return score | {"activity_score_low": value - down}


def active_variable(inputs: xr.DataArray, active_direction: xr.DataArray) -> xr.DataArray:
    """The combination of parameters that matters most, w_1^T x, (sample, time, observable).

    Args:
        inputs: (sample, parameter): natural scale, centred, in units of the standard deviation.
        active_direction: Of :func:`active_subspace`.
    """
    first = active_direction.sel(component=1, drop=True)
    return xr.dot(inputs, first, dim="parameter").transpose("sample", "time", "observable")


def _named(array: np.ndarray, dims: tuple[str, ...], like: xr.DataArray) -> xr.DataArray:
    """With the coordinates of ``like``, and components counted from 1."""
    coords = {n: c for n, c in like.coords.items() if set(c.dims) <= set(dims) - {"draw"}}
    if "component" in dims:
        coords["component"] = np.arange(1, like.sizes["parameter"] + 1)
    return xr.DataArray(array, coords, dims)


def _standard_error(eigenvalue: dict[str, xr.DataArray]) -> np.ndarray | float:
    """Of samples and seeds together; 0 if nothing was resampled."""
    parts = [x.values**2 for name, x in eigenvalue.items() if "_se_" in name]
    return np.sqrt(np.sum(parts, axis=0))


def _gap(value: np.ndarray, standard_error: np.ndarray | float) -> np.ndarray:
    n = value.shape[-1]
    # A floor of what is not told from 0; an infinite standard error leaves no gap.
    noise = np.maximum(-value[..., -1:], n * np.finfo(float).eps * value[..., :1])
    at_least = np.maximum(value, np.maximum(noise, standard_error))
    # Descending again: a later one may have the larger standard error.
    at_least = np.maximum.accumulate(at_least[..., ::-1], axis=-1)[..., ::-1]
    usable = np.isfinite(at_least[..., :-1]) & (at_least[..., 1:] > 0)
    gap = np.full(value.shape, np.nan)
    gap[..., :-1] = 1.0
    np.divide(at_least[..., :-1], at_least[..., 1:], out=gap[..., :-1], where=usable)
    return gap


def _dimension(value: np.ndarray, gap: np.ndarray) -> np.ndarray:
    n = value.shape[-1]
    if n == 1:
        return np.where(value[..., 0] > 0, 1, 0)
    between = gap[..., :-1]
    before_gap = np.where(between.max(axis=-1) >= _WIDE_GAP, between.argmax(axis=-1) + 1, n)
    return np.where(value[..., 0] > 0, before_gap, 0)


def _activity(matrix: np.ndarray, dimension: np.ndarray) -> np.ndarray:
    """Scores (draw, time, observable, parameter) from ``dimension`` directions of each draw."""
    active = np.arange(matrix.shape[-1]) < dimension[..., None]
    everything: np.ndarray = np.all(active, axis=-1, keepdims=True)
    scores = np.empty(matrix.shape[:-1])
    for draws in _chunks(matrix):
        for t in range(matrix.shape[1]):
            value, direction = eigen(matrix[draws, t])
            weight = np.where(active[t], value.clip(min=0), 0.0)
            of_directions = np.einsum("...k,...kp->...p", weight, direction**2)
            diagonal = np.diagonal(matrix[draws, t], axis1=-2, axis2=-1)
            scores[draws, t] = np.where(everything[t], diagonal, of_directions)
    return scores


def _chunks(matrix: np.ndarray) -> list[slice]:
    """Draws that are decomposed at once, which bounds the memory."""
    return _blocks(len(matrix), max(1, int(_CHUNK_BYTES / matrix[0].nbytes)))


def _distance(matrix: np.ndarray, direction: np.ndarray, errors: list[np.ndarray]) -> np.ndarray:
    """||W_n W_n^T - V_n V_n^T||_2 = ||W_n^T V_rest||_2, mean over draws (time, observable, n).

    Over fewer draws for many parameters: time goes with the fourth power of these.
    """
    distance = np.zeros(direction.shape[:-1])
    most = max(_FEWEST_DISTANCES, _DISTANCES // matrix.shape[-1])
    errors = [error[:most] for error in errors]
    for t in range(len(matrix)):  # bounds the memory
        resampled = matrix[t] + sum(error[:, t] for error in errors)
        cosine = direction[t] @ np.swapaxes(eigen(resampled)[1], -2, -1)
        known = np.isfinite(cosine).all(axis=(-2, -1))
        cosine = np.where(known[..., None, None], cosine, 0.0)
        for n in range(1, matrix.shape[-1]):
            norm = np.linalg.norm(cosine[..., :n, n:], ord=2, axis=(-2, -1)).clip(max=1)
            # A resample without any usable sample says nothing about the subspace.
            distance[t, :, n - 1] = np.where(known, norm, 1.0).mean(axis=0)
    return distance


class ActiveSubspace(Estimator):
    """The combinations of parameters that matter most."""

    quantities = QUANTITIES
    after = (WholeDesign,)

    def finish(self, found: Estimates) -> Estimates:
        if not self.samples.has_moments:
            return {}
        result = _with_subsets(self.samples.moments)
        points, distributions = self.samples.points, self.samples.question.distributions
        inputs = scaled_inputs(distributions, points["parameter_value"])
        return result | {"active_variable": active_variable(inputs, result["active_direction"])}


def _with_subsets(both: BothErrors) -> Estimates:
    """From the moments, with the estimates from nested subsets, at as many places at once as fit."""
    squares = both.samples.squares
    sizes = squares.sizes
    of_one = squares.dtype.itemsize * sizes["draw"] * sizes["parameter"] ** 2
    places = max(1, int(_BLOCK_BYTES / of_one))
    n_observables = min(sizes["observable"], places)
    n_times = max(1, places // sizes["observable"])
    rows = []
    for times in _blocks(sizes["time"], n_times):
        parts = [_at(both, times, some) for some in _blocks(sizes["observable"], n_observables)]
        rows.append(xr.concat(parts, "observable"))
    return {str(name): array for name, array in xr.concat(rows, "time").items()}


def _blocks(n: int, size: int) -> list[slice]:
    return [slice(i, min(i + size, n)) for i in range(0, n, size)]


def _at(both: BothErrors, times: slice, observables: slice) -> xr.Dataset:
    """The same at some times, of some observables."""
    n_groups, place = both.n_groups, (times, observables)
    if not both.has_interval:
        return xr.Dataset(active_subspace(both.samples.outer(slice(1), *place), n_groups))
    over_seeds = None
    if both.seeds is not None:
        over_seeds = both.seeds.outer(slice(1 + both.seeds.n_resamples), *place)
    draws = both.samples.outer(slice(1 + both.samples.n_resamples), *place)
    result = active_subspace(draws, n_groups, over_seeds, both.n_blocks)
    for part, dim in ((both.samples, "n_samples"), (both.seeds, "n_seeds")):
        if part is None or not part.sizes:
            continue
        subsets = part.outer(slice(1 + part.n_resamples, None), *place)
        each = [active_subspace(subsets.isel(draw=[i]), 1) for i in range(len(part.sizes))]
        for name in _OF_SUBSETS:
            together = xr.concat([one[name] for one in each], dim)
            result[f"{name}_by_{dim.removeprefix('n_')}"] = together.assign_coords({dim: part.sizes})
    return xr.Dataset(result)
