"""Integration by parts: whether gradients explain how values vary over the design.

E[h df/du] + E[f (h p)' / p] = 0 for every test function h of :mod:`.waves`, if the gradient is complete
and the parameter independent of the others, whatever these do. Both averages are over the samples at
hand, so their sum D is 0 but for the choice of samples. A gradient along paths obeys it for every seed by
itself, so seeds add no error to it; any other one on average over seeds, and their spread is added.

The average is taken twice: plainly, and relieved of functions of the parameter whose average is known
(control variates). The second knows more of smooth functions, and too little of its own error where a
few samples carry it; what is refuted is refuted by both. Errors are of the jackknife over groups of
samples (HC3: MacKinnon and White, J. Econom. 29 (1985) 305-325), with the degrees of freedom of a variance
that few groups make up (Satterthwaite, Biometrics Bull. 2 (1946) 110-114).
"""

import dataclasses

import numpy as np
import xarray as xr
from scipy import stats

from ..designs import ListDesign
from .estimator import Slab
from .natural import natural_scale
from .rounding import round_off
from .samples import Samples
from .waves import CONTROLS, WAVES, controls, of_gradients, of_values

FEWEST_GROUPS = 12
"""Fewer independent samples than this say nothing of their own error."""
_MOST_GROUPS, _FEWEST_KEPT, _BYTES = 512, 32, 6.4e7
_MOST_SEEDS = 32
# A share of failed simulations so small that what they would have added is within the error.
_MOST_FAILED = 0.1
# A list of the user's is taken for draws from the distributions unless that is this improbable.
_UNLIKE = 0.001


@dataclasses.dataclass(frozen=True)
class Parts:
    """D for each test function, (wave, time, observable, parameter), in units of the observable.

    Attributes:
        missing: D: what the gradients leave out of E[h df/du].
        error: Its standard error.
        explained: E[h df/du], what the gradients say.
        p_value: Probability that a complete gradient gives as much.
        degrees: Degrees of freedom of the error.
        spread: Standard deviation of the mean over seeds over the design (time, observable).
        known: Where the test can be made (time, observable).
    """

    missing: np.ndarray
    error: np.ndarray
    explained: np.ndarray
    p_value: np.ndarray
    degrees: np.ndarray
    spread: np.ndarray
    known: np.ndarray


def applies(samples: Samples) -> bool:
    """Whether the test can be made of a run."""
    if not samples.question.independent or samples.stands_for != "sample":
        return False
    if samples.points.sizes["sample"] // samples.group_size < FEWEST_GROUPS:
        return False
    listed = isinstance(samples.question.design, ListDesign)
    return not listed or _like_draws(samples.points["unit_value"].values)


def _like_draws(v: np.ndarray) -> bool:
    """Whether listed points (sample, parameter) could be independent draws, parameter by parameter."""
    n_parameters = v.shape[1]
    tests = [stats.kstest(column, "uniform").pvalue for column in v.T]
    tests += [stats.spearmanr(v[:, i], v[:, j]).pvalue for i in range(n_parameters) for j in range(i)]
    return bool(min(tests) * len(tests) > _UNLIKE)


class ByParts:
    """Accumulates slabs; ``parts`` gives D, its error and what is improbable of it."""

    def __init__(self, samples: Samples):
        self._samples = samples
        points = samples.points.transpose("sample", "parameter")
        self._v, self._theta = points["unit_value"].values, points["parameter_value"].values
        self._n_groups = len(self._v) // samples.group_size
        self._inverse = []
        for v in self._v.T:
            x = controls(v)
            plain = [_on(x, [0, k]) for k in range(1, WAVES + 1)]
            self._inverse.append([*plain, _on(x, list(range(CONTROLS + 1)))])
        self._started = False

    def add(self, slab: Slab) -> None:
        """Add all seeds of some samples."""
        order = ("sample", "seed", "time", "observable")
        ok = slab.used.transpose(*order).values
        value = slab.given["value"].transpose(*order).values
        dtype = value.dtype if value.dtype.kind == "f" else np.dtype(float)
        f = np.where(ok, value, 0.0).astype(float)
        scale = natural_scale(self._samples.question.distributions, slab.parameter_value)
        g = (slab.gradient * scale).transpose(*order, "parameter").values
        g = np.where(ok[..., None], g, 0.0).astype(float)
        there = ok.shape[0] * ok.shape[1] if slab.there is None else int(slab.there.sum())
        if not self._started:
            self._start(f, ok, dtype)
        f, g = f / self._scale, g / self._scale[..., None]
        rows = np.searchsorted(self._samples.points["sample"].values, slab.value["sample"].values)
        self._largest = np.maximum(self._largest, np.abs(f).max(axis=(0, 1)))
        f = np.where(ok, f - self._shift, 0.0)
        self._failed += there - ok.sum(axis=(0, 1))
        self._pairs += there
        n = np.maximum(ok.sum(axis=1), 1)
        mean, slope = f.sum(axis=1) / n, g.sum(axis=1) / n[..., None]
        some = ok.any(axis=1)
        self._value += np.stack([some.sum(axis=0), mean.sum(axis=0), (mean**2).sum(axis=0)])
        block = rows // self._samples.group_size * self._blocks // self._n_groups
        member = block == np.arange(self._blocks)[:, None]
        for i, distribution in enumerate(self._samples.question.distributions):
            v, theta = self._v[rows, i], self._theta[rows, i]
            h = of_gradients(distribution, theta, v)
            w = of_values(distribution, theta, v, self._samples.question.smoothing)
            x = controls(v)
            for k in range(WAVES):
                explained = _times(h[k], slope[..., i])
                d = (explained + _times(w[k], mean)).reshape(len(rows), -1)
                self._moments[i, k] += x.T @ d
                for j, (a, leverage) in enumerate(self._averages(i, k, x)):
                    self._sums[i, k, j] += (member * a) @ d
                    self._controls[i, k, j] += (member * a) @ x
                    self._leverage[i, k, j] += member @ leverage
                    if j:
                        self._explained[i, k] += a @ explained.reshape(len(rows), -1)
                    if not self._samples.question.by_seed:
                        self._seeds[i, k, j] += self._of_seeds(a * h[k], g[..., i], a * w[k], f, ok)

    def _start(self, f: np.ndarray, ok: np.ndarray, dtype: np.dtype) -> None:
        """Arrays of zeros, as large as the memory allows."""
        _, n_seeds, *place = f.shape
        n_parameters, n_places = self._v.shape[1], int(np.prod(place))
        each = 8 * n_parameters * WAVES * 2 * n_places
        kept = max(int(_BYTES / each), _FEWEST_KEPT)
        self._blocks = min(self._n_groups, _MOST_GROUPS, kept)
        self._seed_blocks = min(n_seeds, _MOST_SEEDS)
        largest = np.abs(f).max(axis=(0, 1))
        self._scale = np.where(largest > 0, largest, 1.0)  # squares of numbers of any size
        self._shift = (f / self._scale).sum(axis=(0, 1)) / np.maximum(ok.sum(axis=(0, 1)), 1)
        self._largest, self._failed = np.zeros(place), np.zeros(place)
        self._pairs, self._place, self._dtype = 0, tuple(place), dtype
        self._value = np.zeros((3, *place))
        of = (n_parameters, WAVES)
        self._moments = np.zeros((*of, CONTROLS + 1, n_places))
        self._sums = np.zeros((*of, 2, self._blocks, n_places))
        self._controls = np.zeros((*of, 2, self._blocks, CONTROLS + 1))
        self._leverage = np.zeros((*of, 2, self._blocks))
        self._explained = np.zeros((*of, n_places))
        self._seeds = np.zeros((*of, 2, self._seed_blocks, n_places))
        self._started = True

    def _averages(self, parameter: int, wave: int, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of the samples with controls ``x``: their weights in either average, and their leverage."""
        inverses = self._inverse[parameter][wave], self._inverse[parameter][WAVES]
        return [(x @ s[0], np.einsum("ij,jk,ik->i", x, s, x)) for s in inverses]

    def _of_seeds(
        self, h: np.ndarray, g: np.ndarray, w: np.ndarray, f: np.ndarray, ok: np.ndarray
    ) -> np.ndarray:
        """D of blocks of seeds, (block, place); a seed that is missing counts as the mean of the others."""
        n = np.maximum(ok.sum(axis=1, keepdims=True), 1)
        d = np.einsum("i,ir...->ir...", h, g) + np.einsum("i,ir...->ir...", w, f)
        d = np.where(ok, d, d.sum(axis=1, keepdims=True) / n).sum(axis=0)
        starts = np.array([b[0] for b in np.array_split(np.arange(len(d)), self._seed_blocks)])
        sizes = np.diff(np.append(starts, len(d)))
        return np.add.reduceat(d, starts, axis=0).reshape(len(starts), -1) / sizes[:, None]

    def parts(self) -> Parts:
        """From all slabs."""
        shape = (len(self._inverse), WAVES, *self._place)
        missing, error, p_value, degrees = [], [], [], []
        for j in range(2):
            d, e, df = (x.reshape(shape) for x in self._average(j))
            floor = np.pi * np.arange(1, WAVES + 1)[:, None, None] * round_off(self._largest, self._dtype)
            d = np.where(np.abs(d) <= floor, 0.0, d)
            with np.errstate(divide="ignore", invalid="ignore"):
                t = np.where(d == 0, 0.0, np.abs(d) / e)
            missing.append(d)
            error.append(e)
            degrees.append(df)
            p_value.append(2 * stats.t.sf(t, df))
        least = np.argmax(p_value, axis=0)
        chosen = [np.take_along_axis(np.array(x), least[None], 0)[0] for x in (missing, error, degrees)]
        n, total, squares = self._value
        n = np.maximum(n, 1)
        spread = np.sqrt(np.maximum(squares / n - (total / n) ** 2, 0.0))
        known = self._failed * self._n_groups**0.5 <= _MOST_FAILED * self._pairs
        first = [_last(x) for x in (*chosen, self._explained.reshape(shape), np.max(p_value, axis=0))]
        d, e, df, explained, p = first
        size = self._scale[..., None]
        return Parts(-d * size, e * size, explained * size, p, df, spread * self._scale, known)

    def _average(self, j: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """D, its standard error and the degrees of freedom of that, (parameter, wave, place)."""
        sums, moments = self._sums[:, :, j], self._moments
        beta = np.empty_like(moments)
        for i, inverses in enumerate(self._inverse):
            for k in range(WAVES):
                beta[i, k] = inverses[k if j == 0 else WAVES] @ moments[i, k]
        influence = sums - self._controls[:, :, j] @ beta
        leverage = np.minimum(self._leverage[:, :, j], 0.95)
        squares = (influence / (1 - leverage)[..., None]) ** 2
        variance = squares.sum(axis=2)
        free = self._blocks - (2 if j == 0 else CONTROLS + 1)
        degrees = np.minimum(_degrees(squares), free)
        d = sums.sum(axis=2)
        if not self._samples.question.by_seed:
            of_seeds = self._seeds[:, :, j]
            n = of_seeds.shape[2]
            if n < 2:
                return d, np.full_like(d, np.inf), np.ones_like(d)
            more = of_seeds.var(axis=2, ddof=1) / n
            both = variance + more
            rest = variance**2 / degrees + more**2 / (n - 1)
            degrees = np.divide(both**2, rest, out=np.ones_like(both), where=rest > 0)
            variance = both
        return d, np.sqrt(variance), np.maximum(degrees, 1.0)


def _on(x: np.ndarray, columns: list[int]) -> np.ndarray:
    """The inverse of x' x on some columns, 0 elsewhere."""
    inverse = np.zeros((x.shape[1], x.shape[1]))
    inverse[np.ix_(columns, columns)] = np.linalg.pinv(x[:, columns].T @ x[:, columns])
    return inverse


def _times(of_sample: np.ndarray, x: np.ndarray) -> np.ndarray:
    return of_sample.reshape(-1, *[1] * (x.ndim - 1)) * x


def _degrees(squares: np.ndarray) -> np.ndarray:
    """2 E^2 / Var of a sum of squares (..., block, place), by its terms."""
    total = squares.sum(axis=-2)
    fourth = (squares**2).sum(axis=-2)
    share = np.divide(fourth, total**2, out=np.ones_like(total), where=total > 0)
    return np.asarray(2 / np.maximum(share - 1 / squares.shape[-2], 1e-9))


def _last(x: np.ndarray) -> np.ndarray:
    """(parameter, wave, time, observable) with the parameters last."""
    return np.moveaxis(x, 0, -1)
