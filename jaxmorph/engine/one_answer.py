"""Whether a simulation has one answer: the same by itself and in a batch of any shape, in both modes."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int

from ..studies import Problem
from . import program
from .alone import (
    Differentiate,
    each_alone,
    pulled_back,
    values_alone,
    values_and_gradients,
    with_fixed_parameters,
)
from .batch import Evaluation
from .modes import BothModes, in_reverse, parameter_scale

_PAIRS = 4
# Each of them moves some parameters by one unit in the last place; the first moves all.
_CHANGES = 2
# A difference counts beyond so many times what the last digit of the parameters does.
_TIMES = 100
# Chaos is of most of what is tried, where an edge is of a few.
_MOST = 0.75


@dataclasses.dataclass(frozen=True)
class Apart:
    """How far the answers of some simulations are apart, each number relative to the largest answer.

    Attributes:
        difference: Between a simulation by itself and in a batch, where that counts most.
        last_digit: What one unit in the last place of the parameters does, there.
        differs: Whether the difference is more than rounding explains.
        chaotic: Whether it is not, and half of the digits are lost all the same, to it or to the last
            digit of the parameters.
    """

    difference: Float[np.ndarray, " observable"]
    last_digit: Float[np.ndarray, " observable"]
    differs: Bool[np.ndarray, " observable"]
    chaotic: Bool[np.ndarray, " observable"]


@dataclasses.dataclass(frozen=True)
class OneAnswer:
    """What :func:`one_answer` found, for each observable.

    Attributes:
        value: Of values.
        gradient: Of gradients in forward mode, or the only one that the study has; None: it has none.
        reverse: Whether gradients in reverse mode differ; None: the study does not have both modes.
        n_pairs: How many simulations were tried.
    """

    value: Apart
    gradient: Apart | None
    reverse: Bool[np.ndarray, " observable"] | None
    n_pairs: int

    @property
    def differs(self) -> Bool[np.ndarray, " observable"]:
        """Which observables are others by themselves than in a batch."""
        found = [self.value.differs]
        found += [] if self.gradient is None else [self.gradient.differs]
        return np.logical_or.reduce(found + ([] if self.reverse is None else [self.reverse]))

    @property
    def chaotic(self) -> Bool[np.ndarray, " observable"]:
        """Which of the others lose half of their digits, or those of their gradients, to rounding."""
        of_gradient = False if self.gradient is None else self.gradient.chaotic
        return (self.value.chaotic | of_gradient) & ~self.differs


def one_answer(
    problem: Problem,
    samples: Float[np.ndarray, "sample parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    modes: BothModes | Evaluation,
) -> OneAnswer:
    """Evaluate some simulations by themselves, and hold them against batches, in all modes that work.

    A difference counts beyond 100 times what one unit in the last place of the parameters does to the
    same simulation by itself (of the fixed ones, too), and beyond 100 units in the last place of the
    largest number of its kind. What is below is rounding, or where half of the digits are lost, chaos.
    Before it counts, the constants of the study are moved as well: a chaos may be of these alone.

    Args:
        problem: The study, what varies and what is measured.
        samples: Values of the varied parameters.
        seeds: Run-wide seed numbers.
        run_key: The run's random key.
        modes: Gradients of these samples and seeds in both modes, which are batches of two shapes; or
            an evaluation of them in the only mode that the study has, or of values alone.
    """
    i, j = _pairs(len(samples), len(seeds))
    tried = _Alone(problem, samples[i], seeds[j], run_key)
    found = _held_against(tried, problem, samples, seeds, run_key, modes, (i, j))
    if found.differs.any():
        tried.moves_constants = True
        found = _held_against(tried, problem, samples, seeds, run_key, modes, (i, j))
    return found


def _held_against(
    tried: "_Alone",
    problem: Problem,
    samples: np.ndarray,
    seeds: np.ndarray,
    run_key: int,
    modes: BothModes | Evaluation,
    pairs: tuple[np.ndarray, np.ndarray],
) -> OneAnswer:
    """What is known of pairs by themselves against what batches gave."""
    i, j = pairs
    both = modes if isinstance(modes, BothModes) else None
    batch = modes.ahead if isinstance(modes, BothModes) else modes
    eps = float(np.finfo(program.dtype(problem)).eps)
    values = [x.value[i, j] for x in (batch, both) if x is not None]
    if batch.mode is None or batch.gradient is None:
        (value,) = tried(values_alone)
        return OneAnswer(_apart(value, values, _largest([value[0], *values]), eps), None, None, len(i))
    value, gradient = tried(partial(values_and_gradients, mode=batch.mode))
    size = _largest([value[0], *values])
    of_value = _apart(value, values, size, eps)
    # Derivatives count in standard deviations of their parameters, and each of them on the scale of all.
    scale = parameter_scale(problem)
    gradient = gradient * scale
    gradients = batch.gradient[i, j] * scale
    size = np.maximum(size, _largest([gradient[0], gradients]).max(axis=-1))
    of_gradient = _apart(gradient, [gradients], size, eps)
    if both is None:
        return OneAnswer(of_value, of_gradient, None, len(i))
    with np.errstate(invalid="ignore"):
        changed = np.nan_to_num(gradient - gradient[0], posinf=0, neginf=0)

    def apart_in_reverse(weight: np.ndarray, back: np.ndarray) -> bool:
        (by_itself,) = tried(lambda n: pulled_back(n, weight), changes=0)
        # What a change does is known from the gradients: the same weighted sum of what it does to them.
        moved = by_itself * scale + np.einsum("to,cptoq->cpq", weight, changed)
        total = np.einsum("to,pto->p", np.abs(weight), size)[:, None, None]
        batch = back[i, j][:, None, None] * scale
        return bool(_apart(moved[:, :, None, None], [batch], total, eps).differs.item())

    reverse = np.zeros(len(problem.observables), bool)
    seen = (of_value.differs | of_gradient.differs).any()
    if not seen and apart_in_reverse(both.weight, both.back):
        for o in range(reverse.size):  # which one: each by itself
            weight = both.weight * (np.arange(reverse.size) == o)
            _, back = in_reverse(problem, samples, seeds, weight, run_key=run_key)
            reverse[o] = apart_in_reverse(weight, back)
    return OneAnswer(of_value, of_gradient, reverse, len(i))


def _pairs(n_samples: int, n_seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of samples and of seeds of the pairs that are tried: another seed at each sample."""
    among = np.unique(np.linspace(0, n_samples - 1, min(_PAIRS, n_samples)).round().astype(int))
    places = [(i, (i + shift) % n_seeds) for shift in range(n_seeds) for i in among]
    first, second = np.array(places[:_PAIRS]).T
    return first, second


class _Alone:
    """Some pairs by themselves, and with their parameters moved by one unit in the last place.

    Attributes:
        moves_constants: Whether a further change is one of the study's constants.
    """

    moves_constants = False

    def __init__(self, problem: Problem, samples: np.ndarray, seeds: np.ndarray, run_key: int):
        self._n, self._seeds, self._pairs = len(problem.names), np.unique(seeds), len(seeds)
        self._problem = with_fixed_parameters(problem)
        held = np.array([problem.fixed[name] for name in self._problem.names[self._n :]])
        whole = np.column_stack([samples, np.tile(held, (len(samples), 1))])
        whole = whole.astype(program.dtype(problem))
        # Towards the middle of its range, or towards zero: what is at an end of its range stays inside.
        towards = np.concatenate([problem.centre, np.zeros(held.size)]).astype(whole.dtype)
        moved = np.random.default_rng(0).random((_CHANGES, *whole.shape)) < 0.5
        moved[0] = True
        moved[:, :, self._discrete(problem)] = False
        self._samples = np.concatenate(
            [whole[None], np.where(moved, np.nextafter(whole, towards), whole)]
        )
        with program.precision(problem):
            self._keys = program.seed_keys(run_key, seeds)

    def _discrete(self, problem: Problem) -> np.ndarray:
        """Which numbers have no last digit to move: places in a list, counts."""
        of_study = {p.name for p in problem.study.parameters if p.distribution.is_discrete}
        held = [name in of_study for name in self._problem.names[self._n :]]
        return np.array([*problem.discrete, *held], bool)

    def __call__(
        self, derivative: Callable[[int], Differentiate], changes: int = _CHANGES
    ) -> list[np.ndarray]:
        """A derivative in so many first parameters: its leaves (1 + change, pair, ...)."""
        rows = self._samples[: 1 + changes].reshape(-1, self._samples.shape[-1])
        keys = np.tile(self._keys, (1 + changes, 1))
        found = each_alone(self._problem, derivative(self._n), rows, keys, self._seeds)
        whole = [x.reshape(1 + changes, self._pairs, *x.shape[1:]) for x in found]
        if not (changes and self.moves_constants):
            return whole
        here = self._samples[0], self._keys, self._seeds
        more = each_alone(self._problem, derivative(self._n), *here, constants_moved=True)
        return [np.concatenate([x, y[None]]) for x, y in zip(whole, more, strict=True)]


def _apart(
    alone: Float[np.ndarray, "change pair time observable *parameter"],
    batches: Sequence[Float[np.ndarray, "pair time observable *parameter"]],
    size: Float[np.ndarray, "pair time observable"],
    eps: float,
) -> Apart:
    """Hold batches against what was computed alone, the first without a change.

    Args:
        alone: By itself, without a change and with each.
        batches: In batches.
        size: How large numbers are, in which rounding is measured.
        eps: The distance from 1 to the next number.
    """
    difference = np.max([distance(batch, alone[0]) for batch in batches], axis=0)
    response = np.max([distance(moved, alone[0]) for moved in alone[1:]], axis=0)
    # Errors accumulate. Until the parameters are felt, rounding does what it does when they are.
    response = np.maximum.accumulate(response, axis=1)
    first = np.where(response > 0, response, np.inf).min(axis=1, keepdims=True)
    response = np.where(response > 0, response, np.where(np.isfinite(first), first, 0))
    largest = size.max(axis=(0, 1))
    rounding = np.maximum(response, eps * largest)
    counted = (difference > 0) & (difference > _TIMES * rounding)
    differs = counted.any(axis=(0, 1))
    half = np.sqrt(eps) * largest
    lost = ((difference > half) & ~counted).any(axis=(0, 1))
    # Where programs happen to round alike, too; of a few that sit on an edge it is not said.
    lost |= (np.mean(response > half, axis=0) >= _MOST).any(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.where(counted, difference / rounding, 0)
        rank = np.where(differs, times, np.maximum(difference, response))
        worst = rank.reshape(-1, differs.size).argmax(axis=0)
        there = (x.reshape(-1, differs.size)[worst, range(differs.size)] for x in (difference, response))
        apart, digit = (np.where(largest > 0, x / largest, 0) for x in there)
    return Apart(apart, digit, differs, lost & ~differs)


def _largest(answers: Sequence[np.ndarray]) -> np.ndarray:
    return np.max([np.where(np.isfinite(x), np.abs(x), 0) for x in answers], axis=0)


def distance(one: np.ndarray, other: np.ndarray) -> Float[np.ndarray, "pair time observable"]:
    """How far numbers are apart, the largest over parameters: infinite where only one is a number."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(one - other)
    apart = np.where((one == other) | (np.isnan(one) & np.isnan(other)), 0, apart)
    apart = np.where(np.isnan(apart), np.inf, apart)
    return apart if apart.ndim == 3 else apart.max(axis=-1)
