"""Which terms, and how much gradients weigh: chosen by what is missed at samples that were left out.

Samples are left out in ``FOLDS`` parts, and terms are taken without them: of several hundred candidates,
some would fit any few numbers that they had seen. A prediction may miss the average over noise in two
ways: terms are lacking, or noise moved the coefficients. Noise that all samples share is a smooth
function of the parameters, which a fit predicts at left-out samples as well; so the first is the product
of what two different seeds miss, and the second the variance between seeds of the prediction, over their
number.
"""

import dataclasses
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import cho_solve

from .pursuit import Pursuits
from .seeds import noise_of_mean, squares

FOLDS = 5
_MOST_CANDIDATES, _MOST_BYTES = 300, 1.3e8
MOST_TERMS = 120
"""So many are in an expansion at most."""
_SHARE = 0.6
"""Of the equations: an expansion has at most so many terms."""
_PATIENCE = 10
"""So many more terms (and half as many again as the best number) are tried before the search ends."""
_FIRST_GUESS = 0.3
"""Weight of a derivative in units of the parameter's sd before its errors are known."""


@dataclass(frozen=True)
class Candidates:
    """The equations of all candidates, for all samples and without each fold: shared by all outputs.

    Attributes:
        terms: (sample, row, term), the rows being the value and the derivatives.
        fold: Samples of each fold, (fold, number); -1 where a fold has one sample less.
        grams: Without each fold and, last, of all samples (row, fold + 1, term, term).
    """

    terms: np.ndarray
    fold: np.ndarray
    grams: np.ndarray

    @classmethod
    def of(cls, terms: np.ndarray, size: int = 1) -> Self:
        """From equations; ``size`` consecutive samples are left out together."""
        n = len(terms)
        groups = np.random.default_rng(0).permutation(np.arange(-(-n // size)) % FOLDS)
        number = groups.repeat(size)[:n]
        parts = [np.flatnonzero(number == f) for f in range(FOLDS)]
        fold = np.full((FOLDS, max(map(len, parts))), -1)
        for row, part in zip(fold, parts, strict=True):
            row[: len(part)] = part
        by_row = terms.swapaxes(0, 1)
        each = [by_row[:, part].swapaxes(1, 2) @ by_row[:, part] for part in parts]
        return cls(terms, fold, _without_each(each))


@dataclass(frozen=True)
class Sparse:
    """Terms of a fit to some of the samples.

    Attributes:
        terms: Their numbers among the candidates, the constant first.
        factor: Lower triangular L, with L L' the Gram matrix of these, weighted.
    """

    terms: np.ndarray
    factor: np.ndarray


@dataclass(frozen=True)
class Choice:
    """An expansion without its coefficients.

    Attributes:
        every: From all samples.
        without: From the samples without each fold, with as many terms.
        weight: Of the value and of the derivatives, (row); one row: values alone.
        error: Mean squared error at left-out samples, averaged over outputs.
        values: The best expansion from values alone, if this is not one.
    """

    every: Sparse
    without: tuple[Sparse, ...]
    weight: np.ndarray
    error: float
    values: Self | None = None


def most_candidates(n_parameters: int) -> int:
    """How many there may be, so that :attr:`Candidates.grams` does not fill the memory."""
    return min(_MOST_CANDIDATES, int((_MOST_BYTES / 8 / (FOLDS + 1) / (1 + n_parameters)) ** 0.5))


def choose(candidates: Candidates, data: np.ndarray, use_gradients: bool = True) -> Choice:
    """The expansion that misses least, for all outputs together.

    Args:
        candidates: Shared by all.
        data: (sample, row, output, seed), outputs of variance about 1.
        use_gradients: Whether gradients may count.
    """
    n, rows, *shape = data.shape
    by_row = candidates.terms.swapaxes(0, 1), data.reshape(n, rows, -1).swapaxes(0, 1)
    parts = [fold[fold >= 0] for fold in candidates.fold]
    each = [by_row[0][:, part].swapaxes(1, 2) @ by_row[1][:, part] for part in parts]
    right = _without_each(each).reshape(rows, FOLDS + 1, -1, *shape)
    found = values = _of_weight(candidates, right, data, np.ones(1))
    if use_gradients and rows > 1:
        weight = np.append(1.0, np.full(rows - 1, _FIRST_GUESS))
        for _ in range(2):
            one = _of_weight(candidates, right, data, weight)
            weight = _by_errors(candidates, one, data)
            found = min(found, one, key=lambda x: x.error)
    return found if found is values else dataclasses.replace(found, values=values)


def squared_error(missed: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Mean squared error of the mean over seeds at left-out samples, (output), without noise of data.

    What seeds do to all samples alike is no error: it has no part in a variance over the design.

    Args:
        missed: (sample, output, seed): data minus prediction.
        data: (sample, output, seed).
    """
    return np.asarray((squares(missed) + noise_of_mean(data - missed)).mean(axis=0))


def missed(candidates: Candidates, choice: Choice, data: np.ndarray, rows: int = 1) -> np.ndarray:
    """What the expansion misses at left-out samples, of values and, with more rows, of derivatives.

    Args:
        candidates: Shared by all.
        choice: The expansion.
        data: (sample, row, output, seed).
        rows: So many.

    Returns:
        (sample, row, output, seed).
    """
    used = len(choice.weight)
    weighted = data[:, :used].reshape(len(data), used, -1) * choice.weight[:, None]
    found = data[:, :rows].copy()
    for fold, sparse in zip(candidates.fold, choice.without, strict=True):
        out = np.isin(np.arange(len(data)), fold)
        terms = candidates.terms[..., sparse.terms]
        known = (terms[~out][:, :used] * choice.weight[:, None]).reshape(-1, len(sparse.terms))
        products = known.T @ weighted[~out].reshape(len(known), -1)
        predicted = terms[out, :rows] @ cho_solve((sparse.factor, True), products)
        found[out] -= predicted.reshape(found[out].shape)
    return found


def _of_weight(
    candidates: Candidates, right: np.ndarray, data: np.ndarray, weight: np.ndarray
) -> Choice:
    """The best number of terms."""
    n, _, outputs, n_seeds = data.shape
    rows, square = len(weight), weight**2
    most = max(2, min(MOST_TERMS, int(_SHARE * n * rows)))
    gram, products = (
        (square @ x[:rows].reshape(rows, -1)).reshape(x.shape[1:]) for x in (candidates.grams, right)
    )
    pursuits = Pursuits(gram, products, most)
    there = (candidates.fold >= 0).ravel()
    terms = candidates.terms[candidates.fold, 0]
    value = data[candidates.fold, 0]
    rest, columns = value.copy(), np.empty((*candidates.fold.shape, most))
    all_folds = np.arange(FOLDS)
    best, size = np.inf, 1
    while (taken := pursuits.take()) is not None:
        row, root, found = (one[:FOLDS] for one in taken)
        k = row.shape[1]
        new = terms[all_folds, :, pursuits.order[:FOLDS, k]]
        new = (new - (columns[..., :k] @ row[..., None])[..., 0]) / root[:, None]
        columns[..., k] = new
        rest -= new[..., None, None] * found[:, None]
        left, of = (x.reshape(-1, outputs, n_seeds)[there] for x in (rest, value))
        error = float(squared_error(left, of).mean())
        if error < best:
            best, size = error, k + 1
        elif k > _PATIENCE + 1.5 * size:
            break
    every, *without = (
        Sparse(pursuits.order[f, :size], pursuits.factor(f, size)) for f in (FOLDS, *all_folds)
    )
    return Choice(every, tuple(without), weight, best)


def _by_errors(candidates: Candidates, choice: Choice, data: np.ndarray) -> np.ndarray:
    """Weights inverse to the errors of left-out values and derivatives, their noise included."""
    left = missed(candidates, choice, data, data.shape[1]).mean(axis=-1)
    error = np.sqrt((left**2).mean(axis=(0, 2)))
    weight = np.divide(error[0], error, out=np.ones_like(error), where=error > error[0])
    return np.minimum(weight, 1.0)


def _without_each(parts: list[np.ndarray]) -> np.ndarray:
    """The sum of all but each part and, last, of all: (row, fold + 1, ...) from parts (row, ...)."""
    everything = np.sum(parts, axis=0)
    return np.stack([*(everything - part for part in parts), everything], axis=1)
