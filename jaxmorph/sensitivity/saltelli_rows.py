"""The forms behind the indices of a Saltelli design, of many outputs in array operations.

A design moves parts: parameters, or groups of them. A base sample has the rows A, AB_1, ..., AB_D, with
a second order BA_1, ..., BA_D besides, and B; AB_i is A with part i as in B, BA_i is B with it as in A.
All numerators and the variance are forms of two rows, so they can be taken between two different seeds,
whose noise is independent (``polarisation``). Estimators are those of SALib, which the tests hold them
to: Saltelli et al., Comput. Phys. Commun. 181 (2010) 259-270 (first and total order), and Saltelli,
Comput. Phys. Commun. 145 (2002) 280-297 (second order).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from .entries import SEEDS_AT_ONCE, standardise
from .failures import completed
from .moments import or_nan
from .polarisation import between_seeds, pairs_of, without_noise

_Product = Callable[[np.ndarray, np.ndarray], np.ndarray]
_MOST_SEEDS = 64
"""Products of more seeds with each other cost more than adding up rows for every resample."""


@dataclass(frozen=True)
class Ingredients:
    """What the indices of several outputs are made of, for several draws.

    Attributes:
        numerators: Of first-order indices, of total ones and, with a second order, of the pairs i < j,
            (output, form, draw).
        total_of_each: Of the total indices of single seeds (output, part, draw); None with one seed.
        variance: Var_theta E_Z f (output, draw).
        within: E_theta Var_Z f (output, draw); None with one seed.
        between: Var_Z E_theta f (output, draw); None with one seed.
    """

    numerators: np.ndarray
    total_of_each: np.ndarray | None
    variance: np.ndarray
    within: np.ndarray | None
    between: np.ndarray | None


@dataclass(frozen=True)
class SingleSeeds:
    """What the noise of single seeds is told by.

    Attributes:
        halves: (AB_i - A)^2 / 2 of single seeds, 0 where one of both failed.
        known: Where none failed; None: everywhere.
        deviations: Of A and B from their means over seeds (output, 2, base sample, seed): squares of a
            row add up to its variance, times one less than the number of seeds.
    """

    halves: np.ndarray
    known: np.ndarray | None
    deviations: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Values of several outputs, each standardised; what failed is completed.

    Attributes:
        ends: A and B, (output, 2, base sample, seed).
        mixed: AB_i (output, part, base sample, seed).
        steps: AB_i - A, the same: exactly 0 where a part has no effect.
        back: BA_i - B, the same; None without a second order.
        single: What single seeds tell of noise; None with one seed.
        level: Means that were taken off each seed (output, seed).
        floor: A variance that is not larger is round-off (output).
    """

    ends: np.ndarray
    mixed: np.ndarray
    steps: np.ndarray
    back: np.ndarray | None
    single: SingleSeeds | None
    level: np.ndarray
    floor: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, n_parts: int, second_order: bool) -> Self:
        """From values (output, sample, seed), base sample by base sample."""
        d, there, full = n_parts, np.isfinite(x), completed(x)
        data = standardise(full)
        size = rows_of_base_sample(d, second_order)

        def by_row(array: np.ndarray) -> np.ndarray:
            return array.reshape(len(x), -1, size, x.shape[-1]).swapaxes(1, 2)

        rows = by_row(data.centred)
        ends, mixed = (np.ascontiguousarray(part) for part in (rows[:, [0, -1]], rows[:, 1 : 1 + d]))
        steps = mixed - ends[:, :1]
        back = rows[:, 1 + d : -1] - ends[:, 1:] if second_order else None
        level = data.level[:, None, None]
        if x.shape[-1] == 1:
            single = None
        elif there.all():
            of_ends = ends + level
            deviations = of_ends - of_ends.mean(axis=-1, keepdims=True)
            single = SingleSeeds(steps**2 / 2, None, deviations)
        else:
            # Where single seeds count, it is as they are, not as they complete others.
            each = by_row(np.where(there, data.centred + (x - full) / data.unit[:, None, None], 0.0))
            ok = by_row(there)
            known = ok[:, 1 : 1 + d] & ok[:, :1]
            halves = np.where(known, (each[:, 1 : 1 + d] - each[:, :1]) ** 2 / 2, 0.0)
            deviations = _from_mean(each[:, [0, -1]] + level, ok[:, [0, -1]])
            single = SingleSeeds(halves, known, deviations)
        return cls(ends, mixed, steps, back, single, data.level, data.floor)

    @property
    def n(self) -> int:
        """Number of base samples."""
        return self.ends.shape[2]

    @property
    def n_seeds(self) -> int:
        """Number of seeds."""
        return self.ends.shape[3]

    def numerators(self, product: _Product, columns: np.ndarray | None = None) -> np.ndarray:
        """Of all indices, (output, form, ...).

        Args:
            product: Of two rows (output, part, base sample, seed).
            columns: What is made of the seeds (seed, column), to have these instead.
        """

        def of(x: np.ndarray) -> np.ndarray:
            return x if columns is None else x @ columns

        ends, steps = of(self.ends), of(self.steps)
        first = product(ends[:, 1:], steps)
        found = [first, product(steps, steps) / 2]
        if self.back is not None:
            back, mixed = of(self.back), of(self.mixed)
            for i in range(steps.shape[1] - 1):
                closed = product(back[:, i : i + 1], mixed[:, i + 1 :])
                found.append(closed - first[:, i : i + 1])
        return np.concatenate(found, axis=1)


def rows_of_base_sample(n_parts: int, second_order: bool) -> int:
    """How many rows a base sample has."""
    return 2 + n_parts * (2 if second_order else 1)


def _from_mean(x: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Deviations from the mean of the seeds that are there, stretched; 0 of the others (..., seed)."""
    n = there.sum(axis=-1, keepdims=True)
    mean = np.where(there, x, 0.0).sum(axis=-1, keepdims=True) / n
    return np.where(there, x - mean, 0.0) * np.sqrt((x.shape[-1] - 1) / np.maximum(n - 1, 1))


def over_seeds(rows: Rows, counts: np.ndarray) -> Ingredients:
    """What indices are made of where seed r counts ``counts[draw, r]`` times."""
    forms = _by_products if rows.n_seeds <= _MOST_SEEDS else _by_columns
    found = forms(rows, counts)
    halves = within = between = None
    if (single := rows.single) is not None:
        n = counts.sum(axis=1)
        halves = single.halves.sum(axis=2) @ counts.T
        halves /= n * rows.n if single.known is None else _count(single.known, 2, counts)
        pairs = n**2 - np.sum(counts**2, axis=1)
        d = single.deviations.reshape(len(rows.ends), -1, rows.n_seeds)
        gram = d.swapaxes(1, 2) @ d / d.shape[1]  # (output, seed, seed)
        squares = np.einsum("err->er", gram) @ counts.T
        of_sum = np.einsum("dr,erd->ed", counts, gram @ counts.T)
        within = (n * squares - of_sum) / pairs
        mean = rows.level + rows.ends.mean(axis=(1, 2))
        of_means = (n * (mean**2 @ counts.T) - (mean @ counts.T) ** 2) / pairs
        between = _between(of_means, within, 1 / (2 * rows.n))
    return Ingredients(found[:, :-1], halves, found[:, -1], within, between)


def over_samples(rows: Rows, weights: np.ndarray) -> Ingredients:
    """What indices are made of where base sample i counts ``weights[draw, i]`` times."""
    share = weights.T / rows.n  # (base sample, draw)
    # As one product of matrices: numpy takes those of a stack one by one.
    numerators = _matrix(rows.numerators(between_seeds)) @ share
    squares = between_seeds(rows.ends, rows.ends).mean(axis=1) @ share
    mean = _matrix(rows.ends.mean(axis=1).swapaxes(1, 2)) @ share
    mean = mean.reshape(len(rows.ends), rows.n_seeds, -1)  # (output, seed, draw)
    variance = squares - np.moveaxis(between_seeds(*2 * [mean.swapaxes(1, 2)]), -1, 1)
    halves = within = between = None
    if (single := rows.single) is not None:
        halves = single.halves.sum(axis=-1) @ weights.T
        halves /= rows.n_seeds * rows.n if single.known is None else _count(single.known, 3, weights)
        within = np.sum(single.deviations**2, axis=-1).mean(axis=1) / (rows.n_seeds - 1) @ share
        of_means = np.var(rows.level[..., None] + mean, axis=1, ddof=1)
        # Each base sample is two rows, A and B, and two rows drawn are the same by chance.
        between = _between(of_means, within, np.sum(weights**2, axis=1) / (2 * rows.n**2))
    numerators = numerators.reshape(len(rows.ends), -1, len(weights))
    return Ingredients(numerators, halves, variance, within, between)


def _matrix(stack: np.ndarray) -> np.ndarray:
    return stack.reshape(-1, stack.shape[-1])


def _count(known: np.ndarray, axis: int, counts: np.ndarray) -> np.ndarray:
    return or_nan(known.sum(axis=axis) @ counts.T)


def _between(of_means: np.ndarray, within: np.ndarray, repeats: float | np.ndarray) -> np.ndarray:
    """Var_Z E_theta f, unbiased, from the variance between seeds of their mean over rows.

    That holds the interaction of rows and seeds over the number of rows, which the variance between
    seeds within rows tells of (two-way layout).

    Args:
        of_means: Variance between seeds of their mean over rows.
        within: Mean over rows of the variance between seeds.
        repeats: Chance that two rows drawn are the same: 1 / n if each counts once.
    """
    return (of_means - repeats * within) / (1 - repeats)


def _by_products(rows: Rows, counts: np.ndarray) -> np.ndarray:
    """Numerators and variance (output, form, draw), from the products of all seeds with each other."""

    def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return left.swapaxes(-1, -2) @ right / rows.n

    ends = rows.ends.reshape(len(rows.ends), -1, rows.n_seeds)
    ends = ends - ends.mean(axis=1, keepdims=True)
    variance = ends.swapaxes(1, 2) @ ends / ends.shape[1]
    forms = np.concatenate([rows.numerators(product), variance[:, None]], axis=1)
    weights = pairs_of(counts).reshape(len(counts), -1)
    return forms.reshape(*forms.shape[:2], -1) @ weights.T


def _by_columns(rows: Rows, counts: np.ndarray) -> np.ndarray:
    """The same from sums over seeds, some draws at a time."""

    def of(columns: np.ndarray) -> np.ndarray:
        numerators = rows.numerators(lambda x, y: (x * y).mean(axis=2), columns)
        ends = (rows.ends @ columns).reshape(len(rows.ends), -1, columns.shape[1])
        forms = np.concatenate([numerators, ends.var(axis=1)[:, None]], axis=1)
        return np.moveaxis(forms, -1, 0)

    parts = [counts[i : i + SEEDS_AT_ONCE] for i in range(0, len(counts), SEEDS_AT_ONCE)]
    of_sum = np.concatenate([of(part.T) for part in parts])
    return np.moveaxis(without_noise(of_sum, of(np.eye(rows.n_seeds)), counts), 0, -1)
