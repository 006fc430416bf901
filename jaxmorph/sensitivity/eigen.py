"""Eigenvalues and directions of stacks of symmetric matrices, in the order and signs of our tables."""

import numpy as np

_TIE = 1e-6
"""Components whose sizes differ by less than this share count as equally large."""


def eigen(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (..., component), descending, and unit eigenvectors (..., component, parameter).

    The largest component of each eigenvector is positive (the first of those that are equally large).
    A matrix that is not finite has eigenvalues and eigenvectors NaN.

    Args:
        matrix: Symmetric, (..., parameter, parameter).
    """
    finite = np.isfinite(matrix).all(axis=(-2, -1))
    value, vector = np.linalg.eigh(np.where(finite[..., None, None], matrix, 0.0))
    value, vector = value[..., ::-1], np.swapaxes(vector, -2, -1)[..., ::-1, :]
    size = np.abs(vector)
    largest = (size >= (1 - _TIE) * size.max(axis=-1, keepdims=True)).argmax(axis=-1)
    sign = np.sign(np.take_along_axis(vector, largest[..., None], axis=-1))
    value = np.where(finite[..., None], value, np.nan)
    return value, np.where(finite[..., None, None], vector * sign, np.nan)


def along(direction: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """w_k^T C w_k for each direction, (draw, ..., component).

    Where C is a resample of the matrix whose eigenvectors the w_k are, this is the eigenvalue of the
    resample to first order. The eigenvalues themselves would not do: those of a resample repel each
    other, so that the small ones come out too far apart, all of them, and their interval misses 0.

    Args:
        direction: (..., component, parameter).
        matrix: (draw, ..., parameter, parameter).
    """
    product: np.ndarray = np.swapaxes(direction @ matrix, -2, -1)
    return np.einsum("...kp,...pk->...k", direction, product)
