"""Integration by parts: whether gradients explain how values vary over the design.

E[h df/du] + E[f (h p)' / p] = 0 for every test function h of :mod:`.waves`, if the gradient is complete
and the parameter independent of the others, whatever these do. Both averages are over the samples at
hand, so their sum D differs from 0 by the choice of samples alone. A gradient along paths obeys it for
every seed by itself, so seeds add no error to it; any other one on average over seeds, and their spread
is added.

The average is taken twice: plainly, and relieved of functions of the parameter whose average is known
(control variates). The second has a smaller error for smooth functions, but underestimates it where a
few random samples make up most of the sum: there a gradient is refuted only if both averages refute it.
Errors are of the jackknife over groups of samples (HC3: MacKinnon and White, J. Econom. 29 (1985)
305-325), with the degrees of freedom of a variance that few groups make up (Satterthwaite, Biometrics
Bull. 2 (1946) 110-114).
"""

import dataclasses

import numpy as np
from scipy import stats

from ..designs import FastDesign, ListDesign, SaltelliDesign, SobolDesign
from .estimator import Slab
from .natural import natural_scale
from .rounding import round_off
from .samples import Samples
from .waves import CONTROLS, WAVES, controls, of_gradients, of_values

FEWEST_GROUPS = 12
"""Fewer independent samples than this say nothing of their own error."""
_MOST_GROUPS, _FEWEST_KEPT, _BYTES = 512, 32, 6.4e7
_MOST_SEEDS = 32
# The jackknife knows nothing of an estimate that hangs on one group.
_MOST_LEVERAGE = 0.95
# A share of failed simulations so small that what they would have added is within the error.
_MOST_FAILED = 0.1
# Samples of a user's own are taken for draws from the distributions unless that is this improbable.
_UNLIKE = 0.001


@dataclasses.dataclass(frozen=True)
class Missing:
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


def stand_for_distributions(samples: Samples) -> bool:
    """Whether samples are draws of independent parameters, and enough of them to know the error."""
    question = samples.question
    if not question.independent or samples.stands_for != "sample":
        return False
    # Along a search curve several parameters turn back at the same samples.
    if isinstance(question.design, FastDesign):
        return False
    if samples.points.sizes["sample"] // samples.unit_size < FEWEST_GROUPS:
        return False
    given = question.design is None or isinstance(question.design, ListDesign)
    return not given or _like_draws(samples.points["unit_value"].values)


def _like_draws(v: np.ndarray) -> bool:
    """Whether points (sample, parameter) could be independent draws, parameter by parameter."""
    n_parameters = v.shape[1]
    tests = [stats.kstest(column, "uniform").pvalue for column in v.T]
    tests += [stats.spearmanr(v[:, i], v[:, j]).pvalue for i in range(n_parameters) for j in range(i)]
    return bool(min(tests) * len(tests) > _UNLIKE)


@dataclasses.dataclass
class _Sums:
    """What is kept of the slabs: sums over samples, (parameter, wave, ...) those of D.

    Attributes:
        place: Sizes of time and observable; what is flat over both is called a place.
        dtype: Of the values as they came.
        scale: What values and gradients are divided by (time, observable).
        shift: What is taken off values then.
        largest: The largest value.
        pairs: Number of simulations that are there.
        failed: Number of those that failed (time, observable).
        value: Number, sum and sum of squares of means over seeds (3, time, observable).
        moments: D times each control (..., control, place).
        blocks: D with the weights of either average (..., average, block, place).
        controls: Controls with these (..., average, block, control).
        leverage: Of the samples of a block (..., average, block).
        explained: E[h df/du] by the second average (..., place).
        seeds: D of blocks of seeds (..., average, block of seeds, place).
    """

    place: tuple[int, ...]
    dtype: np.dtype
    scale: np.ndarray
    shift: np.ndarray
    largest: np.ndarray
    pairs: int
    failed: np.ndarray
    value: np.ndarray
    moments: np.ndarray
    blocks: np.ndarray
    controls: np.ndarray
    leverage: np.ndarray
    explained: np.ndarray
    seeds: np.ndarray

    @classmethod
    def for_first(
        cls, f: np.ndarray, ok: np.ndarray, dtype: np.dtype, n_parameters: int, n_groups: int
    ) -> "_Sums":
        """Zeros, as large as the memory allows, for values like those of the first slab."""
        _, n_seeds, *place = f.shape
        n_places, of = int(np.prod(place)), (n_parameters, WAVES)
        kept = max(int(_BYTES / (8 * 2 * n_parameters * WAVES * n_places)), _FEWEST_KEPT)
        n_blocks = min(n_groups, _MOST_GROUPS, kept)
        largest = np.abs(f).max(axis=(0, 1))
        scale = np.where(largest > 0, largest, 1.0)  # squares of numbers of any size
        return cls(
            place=tuple(place),
            dtype=dtype,
            scale=scale,
            shift=(f / scale).sum(axis=(0, 1)) / np.maximum(ok.sum(axis=(0, 1)), 1),
            largest=np.zeros(place),
            pairs=0,
            failed=np.zeros(place),
            value=np.zeros((3, *place)),
            moments=np.zeros((*of, CONTROLS + 1, n_places)),
            blocks=np.zeros((*of, 2, n_blocks, n_places)),
            controls=np.zeros((*of, 2, n_blocks, CONTROLS + 1)),
            leverage=np.zeros((*of, 2, n_blocks)),
            explained=np.zeros((*of, n_places)),
            seeds=np.zeros((*of, 2, min(n_seeds, _MOST_SEEDS), n_places)),
        )


class ByParts:
    """Accumulates slabs; ``parts`` gives D, its error and how improbable it is."""

    def __init__(self, samples: Samples):
        self._samples = samples
        points = samples.points.transpose("sample", "parameter")
        self._v, self._theta = points["unit_value"].values, points["parameter_value"].values
        self._n_groups = len(self._v) // samples.unit_size
        self._inverse = []
        for v in self._v.T:
            x = controls(v)
            plain = [_on(x, [0, k]) for k in range(1, WAVES + 1)]
            self._inverse.append([*plain, _on(x, list(range(CONTROLS + 1)))])
        self._sums: _Sums | None = None

    def add(self, slab: Slab) -> None:
        """Add all seeds of some samples."""
        order = ("sample", "seed", "time", "observable")
        ok = slab.used.transpose(*order).values
        value = slab.given["value"].transpose(*order).values
        dtype = value.dtype if value.dtype.kind == "f" else np.dtype(float)
        f = np.where(ok, value, 0.0).astype(float)
        scale = natural_scale(self._samples.question.distributions, slab.parameter_value)
        by_scale = scale.transpose("parameter", "sample").values
        there = ok.shape[0] * ok.shape[1] if slab.there is None else int(slab.there.sum())
        if self._sums is None:
            self._sums = _Sums.for_first(f, ok, dtype, self._v.shape[1], self._n_groups)
        sums, complete = self._sums, self._samples.question.complete
        f = f / sums.scale
        rows = np.searchsorted(self._samples.points["sample"].values, slab.value["sample"].values)
        sums.largest = np.maximum(sums.largest, np.abs(f).max(axis=(0, 1)))
        f = np.where(ok, f - sums.shift, 0.0)
        sums.failed += there - ok.sum(axis=(0, 1))
        sums.pairs += there
        n = np.maximum(ok.sum(axis=1), 1)
        mean = f.sum(axis=1) / n
        slope = np.nan_to_num(slab.over_seeds.slope).reshape(-1, *mean.shape)
        slope = slope * by_scale[..., None, None] / sums.scale
        sums.value += [ok.any(axis=1).sum(axis=0), mean.sum(axis=0), (mean**2).sum(axis=0)]
        n_blocks = sums.blocks.shape[3]
        block = rows // self._samples.unit_size * n_blocks // self._n_groups
        blocks, starts = np.unique(block, return_index=True)

        def of_blocks(x: np.ndarray) -> np.ndarray:
            return np.add.reduceat(x, starts, axis=0)

        mean = mean.reshape(len(rows), -1)
        for i, distribution in enumerate(self._samples.question.distributions):
            v, theta = self._v[rows, i], self._theta[rows, i]
            h = of_gradients(distribution, theta, v)
            w = of_values(distribution, theta, v, self._samples.question.smoothing)
            x = controls(v)
            for k in range(WAVES):
                explained = h[k][:, None] * slope[i].reshape(mean.shape)
                d = explained + w[k][:, None] * mean
                sums.moments[i, k] += x.T @ d
                for j, (a, leverage) in enumerate(self._averages(i, k, x)):
                    sums.blocks[i, k, j, blocks] += of_blocks(a[:, None] * d)
                    sums.controls[i, k, j, blocks] += of_blocks(a[:, None] * x)
                    sums.leverage[i, k, j, blocks] += of_blocks(leverage)
                    if not complete:
                        g = slab.over_seeds.gradient[i].reshape(f.shape) / sums.scale
                        of_g = a * h[k] * by_scale[i]
                        sums.seeds[i, k, j] += self._of_seeds(of_g, g, a * w[k], f, ok)
                sums.explained[i, k] += a @ explained

    def _averages(self, parameter: int, wave: int, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of the samples with controls ``x``: their weights in either average, and their leverage."""
        inverses = self._inverse[parameter][wave], self._inverse[parameter][WAVES]
        return [(x @ s[0], np.einsum("ij,jk,ik->i", x, s, x)) for s in inverses]

    def _of_seeds(
        self, h: np.ndarray, g: np.ndarray, w: np.ndarray, f: np.ndarray, ok: np.ndarray
    ) -> np.ndarray:
        """D of blocks of seeds, (block, place); a missing seed counts as the mean of the others."""
        n = np.maximum(ok.sum(axis=1, keepdims=True), 1)
        d = np.einsum("i,ir...->ir...", h, g) + np.einsum("i,ir...->ir...", w, f)
        d = np.where(ok, d, d.sum(axis=1, keepdims=True) / n).sum(axis=0)
        n_blocks = min(len(d), _MOST_SEEDS)
        starts = np.array([b[0] for b in np.array_split(np.arange(len(d)), n_blocks)])
        sizes = np.diff(np.append(starts, len(d)))
        return np.add.reduceat(d, starts, axis=0).reshape(len(starts), -1) / sizes[:, None]

    def parts(self) -> Missing:
        """From all slabs."""
        sums = self._sums
        assert sums is not None, "no slab was added"
        shape = (len(self._inverse), WAVES, *sums.place)
        missing, error, p_value, degrees = [], [], [], []
        averages = (1,) if self._is_even() else (0, 1)
        for j in averages:
            d, e, df = (x.reshape(shape) for x in self._average(sums, j))
            floor = np.pi * np.arange(1, WAVES + 1)[:, None, None] * round_off(sums.largest, sums.dtype)
            d = np.where(np.abs(d) <= floor, 0.0, d)
            with np.errstate(divide="ignore", invalid="ignore"):
                t = np.where(d == 0, 0.0, np.abs(d) / e)
            missing.append(d)
            error.append(e)
            degrees.append(df)
            p_value.append(2 * stats.t.sf(t, df))
        least = np.argmax(p_value, axis=0)
        chosen = [np.take_along_axis(np.array(x), least[None], 0)[0] for x in (missing, error, degrees)]
        n, total, squares = sums.value
        n = np.maximum(n, 1)
        spread = np.sqrt(np.maximum(squares / n - (total / n) ** 2, 0.0))
        known = sums.failed * self._n_groups**0.5 <= _MOST_FAILED * sums.pairs
        first = [_last(x) for x in (*chosen, sums.explained.reshape(shape), np.max(p_value, axis=0))]
        d, e, df, explained, p = first
        size = sums.scale[..., None]
        return Missing(-d * size, e * size, explained * size, p, df, spread * sums.scale, known)

    def _is_even(self) -> bool:
        """Whether the samples are better than random: a sequence from its beginning, without holes."""
        even = SobolDesign | SaltelliDesign
        numbers = self._samples.points["sample"].values
        whole = np.array_equal(numbers, np.arange(len(numbers)))
        return whole and isinstance(self._samples.question.design, even)

    def _average(self, sums: _Sums, j: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """D, its standard error and the degrees of freedom of that, (parameter, wave, place)."""
        blocks = sums.blocks[:, :, j]
        beta = np.empty_like(sums.moments)
        for i, inverses in enumerate(self._inverse):
            for k in range(WAVES):
                beta[i, k] = inverses[k if j == 0 else WAVES] @ sums.moments[i, k]
        influence = blocks - sums.controls[:, :, j] @ beta
        leverage = np.minimum(sums.leverage[:, :, j], _MOST_LEVERAGE)
        squares = (influence / (1 - leverage)[..., None]) ** 2
        variance = squares.sum(axis=2)
        free = blocks.shape[2] - (2 if j == 0 else CONTROLS + 1)
        degrees = np.minimum(_degrees(squares), free)
        d = blocks.sum(axis=2)
        if not self._samples.question.complete:
            of_seeds = sums.seeds[:, :, j]
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


def _degrees(squares: np.ndarray) -> np.ndarray:
    """2 E^2 / Var of a sum of squares (..., block, place), by its terms."""
    total = squares.sum(axis=-2)
    fourth = (squares**2).sum(axis=-2)
    share = np.divide(fourth, total**2, out=np.ones_like(total), where=total > 0)
    return np.asarray(2 / np.maximum(share - 1 / squares.shape[-2], 1e-9))


def _last(x: np.ndarray) -> np.ndarray:
    """(parameter, wave, time, observable) with the parameters last."""
    return np.moveaxis(x, 0, -1)
