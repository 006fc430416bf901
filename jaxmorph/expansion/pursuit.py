"""Sparse least squares: terms one after another, each the one that explains most of what is left.

Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad, Asilomar Conf. Signals Syst. Comput.
(1993) 40-44) for several outputs at once, as a Cholesky factorisation of the normal equations whose
pivots it chooses. Fits to several parts of the data take their steps together.
"""

import numpy as np

_DEPENDENT = 1e-7
"""A term of which the terms before leave less than this share is not taken: it is not its own."""


class Pursuits:
    """Fits that take the same number of terms, each from its own data.

    Attributes:
        order: Numbers of the terms, as they were taken, (fit, taken).
    """

    def __init__(self, gram: np.ndarray, right: np.ndarray, most: int):
        """No term is taken yet; the first will be the first candidate.

        Args:
            gram: Of the candidates, (fit, term, term).
            right: Their products with the data, (fit, term, output, seed).
            most: At most so many terms will be taken.
        """
        self._gram, self._rest = gram, right.copy()
        self._pivot = np.diagonal(gram, axis1=1, axis2=2).copy()
        self._least = _DEPENDENT * self._pivot
        self._factor = np.zeros((len(gram), most, gram.shape[1]))
        self._all = np.arange(len(gram))
        self.order = np.zeros((len(gram), 0), int)

    def factor(self, fit: int, size: int) -> np.ndarray:
        """Lower triangular L (size, size), with L L' the Gram matrix of the first terms of a fit."""
        return np.tril(self._factor[fit, :size][:, self.order[fit, :size]].T)

    def take(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Take the next term of every fit; None if one has no more.

        What a term explains of an output is the product of its correlations with two different seeds,
        which noise does not add to; with one seed the square.

        Returns:
            The term's row of L without its pivot (fit, taken), the pivot (fit), and the coefficient
            of the orthonormal term (fit, output, seed).
        """
        k, everything = self.order.shape[1], self._all
        if k == self._factor.shape[1]:
            return None
        if k:
            free = self._pivot > self._least
            score = np.where(free, self._explained() / np.where(free, self._pivot, 1.0), -np.inf)
            term = np.argmax(score, axis=1)
            if not np.isfinite(score[everything, term]).all():
                return None
        else:
            term = np.zeros(len(everything), int)
        root = np.sqrt(self._pivot[everything, term])
        before = self._factor[:, :k]
        row = before[everything, :, term]
        column = self._gram[everything, term] - (row[:, None] @ before)[:, 0]
        column /= root[:, None]
        np.put_along_axis(column, self.order, 0.0, axis=1)
        found = self._rest[everything, term] / root[:, None, None]
        self._factor[:, k] = column
        self._rest -= column[..., None, None] * found[:, None]
        self._pivot -= column**2
        self._pivot[everything, term] = 0.0
        self.order = np.concatenate([self.order, term[:, None]], axis=1)
        return row, root, found

    def _explained(self) -> np.ndarray:
        if self._rest.shape[-1] == 1:
            return np.asarray((self._rest[..., 0] ** 2).sum(axis=-1))
        of_sum = self._rest.sum(axis=-1)
        rest = self._rest.reshape(*self._rest.shape[:2], -1)
        return np.asarray((of_sum**2).sum(axis=-1) - np.einsum("fkx,fkx->fk", rest, rest))
