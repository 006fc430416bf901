"""What samples, seeds and missing terms do to the parts of a variance: jackknife and first order.

Noise that differs between samples and between seeds is in both jackknives, and is taken off once
(Cameron, Gelbach and Miller, J. Bus. Econ. Stat. 29 (2011) 238-249).
"""

import dataclasses

import numpy as np

from .choice import Choice
from .seeds import squares, variance_of_mean


@dataclasses.dataclass(frozen=True)
class Half:
    """What one half of the seeds says, with terms that the other half chose.

    Attributes:
        choice: The terms.
        weights: Of squares, (part, term).
        linear: Functionals of coefficients, (functional, term).
        coefficient: Of the terms, and what else is squared (``Forms``), (term, output, seed).
        change: Of these, where a group is left out (group, term, output, seed).
        left: What is missed at left-out samples (sample, output, seed).
        left_by_values: The same of the expansion from values alone.
        value: (sample, output, seed).
    """

    choice: Choice
    weights: np.ndarray
    linear: np.ndarray
    coefficient: np.ndarray
    change: np.ndarray
    left: np.ndarray
    left_by_values: np.ndarray
    value: np.ndarray


def relative(part: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Shares of parts (..., part, output); the first in units of the variance of all data."""
    return np.concatenate([part[..., :1, :] / variance, part[..., 1:, :] / part[..., :1, :]], axis=-2)


def linear_functionals(halves: list[Half]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Functionals, their standard error by noise, and that by missed terms, (functional, output)."""
    value = np.concatenate([np.tensordot(h.linear, h.coefficient, axes=1) for h in halves], axis=-1)
    groups = len(halves[0].change)
    of_samples, both = np.zeros((2, *value.shape[:-1]))
    for group in range(groups):
        each = [np.tensordot(h.linear, h.change[group], axes=1) for h in halves]
        change = np.concatenate(each, axis=-1)
        of_samples += (groups - 1) / groups * change.mean(axis=-1) ** 2
        both += variance_of_mean(change)
    noise = np.sqrt(np.maximum(variance_of_mean(value), 0))
    return value.mean(axis=-1), noise, np.sqrt(np.maximum(of_samples - both, 0))


def coefficients(halves: list[Half], n_candidates: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the average over noise, and their standard errors of seeds, (candidate, output).

    A term that one half alone has counts with the share of the seeds that this half has.
    """
    n = sum(h.coefficient.shape[-1] for h in halves)
    value, square = np.zeros((2, n_candidates, halves[0].coefficient.shape[1]))
    for h in halves:
        chosen = h.choice.every.terms
        c = h.coefficient[: len(chosen)]
        value[chosen] += c.sum(axis=-1) / n
        if c.shape[-1] > 1:
            square[chosen] += c.var(axis=-1, ddof=1) * c.shape[-1] / n**2
    return value, np.sqrt(square)


def without_groups(h: Half) -> np.ndarray:
    """Parts without each group, (group, part, output)."""
    return np.stack([h.weights @ squares(h.coefficient + one) for one in h.change])


def of_seeds(h: Half, part: np.ndarray, variance: np.ndarray, n_halves: int) -> np.ndarray:
    """Squared standard error that the seeds of one half have, (part, output)."""
    n = h.coefficient.shape[-1]
    if n < 3:
        return np.zeros_like(part)
    own = h.weights @ squares(h.coefficient)
    found = []
    for r in range(n):
        changed = part + (h.weights @ squares(np.delete(h.coefficient, r, axis=-1)) - own) / n_halves
        found.append(relative(changed, variance))
    each = np.stack(found)
    return np.asarray((n - 1) / n * ((each - each.mean(axis=0)) ** 2).sum(axis=0))


def seeds_of_missed(h: Half) -> np.ndarray:
    """Squared standard error that the seeds of one half have, of what it misses (output).

    Without noise that differs between samples, too, which is in the variance over samples.
    """
    n = h.left.shape[-1]
    if n < 3:
        return np.zeros(h.left.shape[1])
    each = np.stack([squares(np.delete(h.left, r, axis=-1)) for r in range(n)])
    each -= each.mean(axis=0)
    of_all, of_one = each.mean(axis=1) ** 2, (each**2).mean(axis=1) / each.shape[1]
    return np.asarray((n - 1) / n * np.maximum((of_all - of_one).sum(axis=0), 0))


def hidden_by_noise(h: Half, but_size: bool = False) -> np.ndarray:
    """Variance of the mean product of different seeds if all coefficients are 0, (part, output).

    2 tr((W S)^2) / (R (R - 1)), S being the covariance of coefficients between seeds, W the weights.

    Args:
        h: The seeds.
        but_size: Whether S is, for the shares, without what makes all coefficients of a seed larger or
            smaller by one factor, which no share has.
    """
    hidden = _hidden(h, h.coefficient)
    if but_size:
        w = h.weights[0][:, None, None]
        mean = h.coefficient.mean(axis=-1, keepdims=True)
        size = (w * mean**2).sum(axis=0)
        factor = (w * h.coefficient * mean).sum(axis=0) / np.where(size > 0, size, 1.0)
        hidden[1:] = _hidden(h, h.coefficient - factor * mean)[1:]
    return hidden


def _hidden(h: Half, c: np.ndarray) -> np.ndarray:
    n = c.shape[-1]
    if n < 3:
        return np.zeros((len(h.weights), c.shape[1]))
    deviation = np.moveaxis(c - c.mean(axis=-1, keepdims=True), 1, 0)  # (output, term, seed)
    squared = (deviation @ deviation.swapaxes(1, 2) / (n - 1)) ** 2
    trace = ((h.weights @ squared) * h.weights).sum(axis=-1)
    return 2 / (n * (n - 1)) * trace.T


def agreed(h: Half) -> np.ndarray:
    """Whether coefficients of each seed have a positive product with those of the others, (output)."""
    c = h.coefficient
    others = c.sum(axis=-1, keepdims=True) - c
    return np.asarray((np.tensordot(h.weights[0], c * others, axes=1) > 0).all(axis=-1))


def of_both(h: Half, share: np.ndarray, variance: np.ndarray, n_halves: int) -> np.ndarray:
    """That of noise which differs between samples and between seeds, to first order."""
    c = h.coefficient
    n = c.shape[-1]
    if n < 3:
        return np.zeros_like(share)
    slope = 2 * (c.sum(axis=-1, keepdims=True) - c) / (n * (n - 1))
    found = np.zeros_like(share)
    for one in h.change:
        moved = np.tensordot(h.weights, slope * one, axes=1)
        of_all = share[..., None] * moved[0]
        of_all[0] = 0.0
        moved = (moved - of_all) / variance[:, None] / n_halves
        found += variance_of_mean(moved) * n**2
    return found
