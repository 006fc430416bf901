"""What records that are chosen one after another tell of what all tell, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .greedy_design import Criterion, RecordSet, average, choose, in_order, together

_MOST_CHOSEN = 12
_ENOUGH = 0.99
"""When so much is told, no further record is chosen."""
_GROUPS = 16
"""The jackknife leaves out so many parts of the samples, one after another."""


@dataclass(frozen=True)
class Shares:
    """Groups in their order, and what they tell by then: the estimate and its parts by their endings."""

    groups: list[int]
    shares: dict[str, np.ndarray]


def shares_of(
    records: RecordSet, without: Sequence[RecordSet], groups: np.ndarray, criterion: Criterion
) -> Shares:
    """Choose, and say what that tells.

    Args:
        records: All records.
        without: These without each block of seeds, whose noise the covariance has not seen either.
        groups: Those that are measured together, (group, member); -1 where a group has fewer.
        criterion: What is made large.
    """
    made = choose(records, groups, criterion, _MOST_CHOSEN)
    whole = together(records, np.arange(len(records.covariance)))
    told = np.concatenate([made.told, whole[None]]) if made.groups else whole[None]

    def share(squares: np.ndarray) -> np.ndarray:
        """(..., rank, p, p) of records and, last, of all, to (..., rank)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            gain = criterion(records.prior + squares) - criterion(records.prior)
            return np.asarray(gain[..., :-1] / gain[..., -1:])

    weight, n = records.weight, len(records.weight)
    value = share(average(told, weight))
    parts = np.array_split(np.random.default_rng(0).permutation(n), min(_GROUPS, n))
    by_part = np.stack([share(average(told, _without(weight, part))) for part in parts])
    of_samples = _jackknife(by_part)
    chosen = groups[made.groups]
    by_seed = np.stack([share(_told(one, chosen)) for one in without])
    of_seeds = _jackknife(by_seed)
    t = stats.t.ppf(0.975, [len(parts) - 1, len(by_seed) - 1])
    half = np.hypot(t[0] * of_samples, t[1] * of_seeds)
    enough = np.flatnonzero(value >= _ENOUGH)
    shown = slice(0, enough[0] + 1 if len(enough) else len(value))
    shares = {
        "": value,
        "_low": np.minimum(np.clip(value - half, 0, None), value),
        "_high": np.minimum(value + half, np.maximum(value, 1)),
        "_se_samples": of_samples,
        "_se_seeds": of_seeds,
        "_left_out": _left_out(records, groups, criterion, len(value)),
    }
    return Shares(made.groups[shown], {end: x[shown] for end, x in shares.items()})


def _without(weight: np.ndarray, part: np.ndarray) -> np.ndarray:
    kept = weight.copy()
    kept[part] = 0.0
    return kept / kept.sum()


def _jackknife(left_out: np.ndarray) -> np.ndarray:
    n = len(left_out)
    return np.asarray(np.sqrt((n - 1) / n * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)))


def _left_out(records: RecordSet, groups: np.ndarray, criterion: Criterion, size: int) -> np.ndarray:
    """Shares at one half of the samples of what the other half chose, (rank)."""
    halves = np.array_split(np.random.default_rng(1).permutation(len(records.weight)), 2)
    found = []
    for chooses, judges in (halves, halves[::-1]):
        one, other = (
            RecordSet(
                records.covariance, records.slope[:, rows], _part(records.weight, rows), records.prior
            )
            for rows in (chooses, judges)
        )
        share = np.full(size, np.nan)
        found.append(share)
        order = choose(one, groups, criterion, size).groups
        if not order:  # this half tells nothing
            continue
        gain = criterion(records.prior + _told(other, groups[order])) - criterion(records.prior)
        with np.errstate(invalid="ignore", divide="ignore"):
            share[: len(order)] = gain[:-1] / gain[-1]
    return np.mean(found, axis=0)


def _told(records: RecordSet, groups: np.ndarray) -> np.ndarray:
    """By groups in their order and, last, by all records, averaged (group, parameter, parameter)."""
    everything = np.arange(len(records.covariance))[None]
    return np.concatenate([in_order(records, groups), in_order(records, everything)])


def _part(weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.asarray(weight[rows] / weight[rows].sum())
