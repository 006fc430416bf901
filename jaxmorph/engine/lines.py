"""One line a parameter through a point, across its distribution: do gradients explain the values there.

Values between neighbouring points change by the integral of the gradient, or something is missing: a
jump, a choice that only its value follows, a path too wild for any derivative. All points have the same
seeds. So where each gradient is the whole derivative of its simulation nothing but the quadrature is in
error, and what is missing is halved until it is explained or a jump is left (:mod:`.explained`). Other
gradients are right on average over seeds alone: there the whole line is tested against their spread
(:mod:`.averaged_lines`).
"""

import dataclasses
import itertools
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from ..configuration import GRADIENT_ESTIMATORS
from ..distributions import Distribution
from ..studies import Problem
from . import program
from .averaged_lines import MATERIAL as MATERIAL_ON_AVERAGE
from .averaged_lines import MOST_ROUNDS as ROUNDS_ON_AVERAGE
from .averaged_lines import ROUNDS_A_LINE, AveragedLine
from .batch import Evaluation, evaluator
from .explained import MATERIAL, Line
from .ways import GradientArguments

MOST_ROUNDS = 20
"""So often points are added to all lines together, as many as one line has, before the search ends."""
# Far out in the tails a study may not be defined.
_TAIL = 0.02
_LAST_PLACES = 64


@dataclasses.dataclass(frozen=True)
class Lines:
    """What there is along the lines; an axis ``parameter`` is that of the line.

    Attributes:
        points: Values of the parameter.
        value: Means over seeds.
        value_se: Their standard errors; NaN for one seed.
        gradient: Means of the derivative by the parameter.
        gradient_se: Their standard errors.
        missing: What the gradient leaves out of the change over the whole line.
        missing_error: Error of this, of quadrature and where seeds count of these.
        incomplete: Where it leaves out something that halving does not explain.
        unresolved: Where much is left out and gradients vary too much to say why.
        jump: What is left out between ``jump_from`` and ``jump_to``; NaN where no jump was located.
        jump_from: Lower end of the interval of the jump.
        jump_to: Its upper end.
        simulations: How many there were.
    """

    points: Float[np.ndarray, "parameter point"]
    value: Float[np.ndarray, "time observable parameter point"]
    value_se: Float[np.ndarray, "time observable parameter point"]
    gradient: Float[np.ndarray, "time observable parameter point"]
    gradient_se: Float[np.ndarray, "time observable parameter point"]
    missing: Float[np.ndarray, "time observable parameter"]
    missing_error: Float[np.ndarray, "time observable parameter"]
    incomplete: Bool[np.ndarray, "time observable parameter"]
    unresolved: Bool[np.ndarray, "observable parameter"]
    jump: Float[np.ndarray, "time observable parameter"]
    jump_from: Float[np.ndarray, "observable parameter"]
    jump_to: Float[np.ndarray, "observable parameter"]
    simulations: int


def follow_lines(
    problem: Problem,
    centre: Float[np.ndarray, " parameter"],
    seeds: Int[np.ndarray, " seed"],
    *,
    run_key: int,
    n_points: int,
    how: GradientArguments,
    traced: program.Traced | None = None,
) -> Lines:
    """Simulate along one line a parameter through ``centre``, and hold values against gradients.

    Args:
        problem: The study, what varies and what is measured.
        centre: Values of the varied parameters where the lines cross.
        seeds: Run-wide seed numbers.
        run_key: The run's random key.
        n_points: Points of a line.
        how: How gradients are made.
        traced: The study, traced, where that has been done.
    """
    kind = program.dtype(problem)
    axes = [_Axis(d, i, centre, kind) for i, d in enumerate(problem.distributions)]
    grids = [axis.grid(n_points) for axis in axes]
    with evaluator(problem, seeds, run_key=run_key, traced=traced, **how) as evaluated:
        made = [_Simulated.of(evaluated(a.samples(u)), a) for a, u in zip(axes, grids, strict=True)]
        spread = _spread([one.mean(one.value) for one in made])
        sizes = [one.size(a.theta(u)) for one, a, u in zip(made, axes, grids, strict=True)]
        floor = _LAST_PLACES * np.finfo(kind).eps * np.max(sizes, axis=0)
        rounds = 0
        if GRADIENT_ESTIMATORS[how["estimator"]].is_complete:
            lines = [
                Line(
                    u, one.mean(one.value), a.slope(u, one.mean(one.gradient)), MATERIAL * spread, floor
                )
                for one, a, u in zip(made, axes, grids, strict=True)
            ]
            rounds = _search(lines, axes, made, evaluated, n_points)
            found = _of_search(lines, axes)
        else:
            slopes = [a.slope(u, one.gradient) for one, a, u in zip(made, axes, grids, strict=True)]
            material = np.maximum(MATERIAL_ON_AVERAGE * spread, floor)
            averaged = [
                AveragedLine(u, one.value, slope, material, len(axes))
                for one, slope, u in zip(made, slopes, grids, strict=True)
            ]
            rounds, untold = _search_on_average(averaged, axes, evaluated, n_points)
            found = _of_averages(averaged, untold)
    return Lines(
        points=np.stack([a.theta(u) for a, u in zip(axes, grids, strict=True)]),
        value=_by_parameter([one.mean(one.value) for one in made]),
        value_se=_by_parameter([one.error(one.value) for one in made]),
        gradient=_by_parameter([one.mean(one.gradient) for one in made]),
        gradient_se=_by_parameter([one.error(one.gradient) for one in made]),
        simulations=(len(axes) + rounds) * n_points * len(seeds),
        **found,
    )


@dataclasses.dataclass(frozen=True)
class _Axis:
    """The line of one parameter; u is its natural scale."""

    distribution: Distribution
    place: int
    centre: np.ndarray
    dtype: np.dtype

    def grid(self, n: int) -> np.ndarray:
        """Evenly spaced points between the tails."""
        low, high = self.distribution.ppf(np.array([_TAIL, 1 - _TAIL]))
        if self.distribution.is_logarithmic:
            low, high = np.log(low), np.log(high)
        return np.linspace(low, high, n)

    def theta(self, u: np.ndarray) -> np.ndarray:
        """Values of the parameter."""
        return np.exp(u) if self.distribution.is_logarithmic else np.asarray(u)

    def samples(self, u: np.ndarray) -> np.ndarray:
        """Values of all parameters."""
        samples = np.tile(np.asarray(self.centre, float), (len(u), 1))
        samples[:, self.place] = self.theta(u)
        return samples

    def slope(self, u: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Derivatives (point, ...) by u."""
        if not self.distribution.is_logarithmic:
            return gradient
        return gradient * self.theta(u).reshape(-1, *[1] * (gradient.ndim - 1))


@dataclasses.dataclass(frozen=True)
class _Simulated:
    """Values, and derivatives by the line's own parameter, (point, seed, time, observable).

    Attributes:
        value: Values.
        gradient: Derivatives.
        there: Seeds with numbers at all points of the line (seed, time, observable).
    """

    value: np.ndarray
    gradient: np.ndarray
    there: np.ndarray

    @classmethod
    def of(cls, result: Evaluation, axis: _Axis) -> "_Simulated":
        """What the engine gave at the points of one line."""
        assert result.gradient is not None
        value, gradient = (x.astype(float) for x in (result.value, result.gradient[..., axis.place]))
        return cls(value, gradient, (np.isfinite(value) & np.isfinite(gradient)).all(axis=0))

    def mean(self, x: np.ndarray) -> np.ndarray:
        """Over the seeds that are there (point, time, observable); NaN where there are none."""
        total = np.where(self.there, x, 0.0).sum(axis=1)
        n = self.there.sum(axis=0)
        return np.where(n > 0, total / np.maximum(n, 1), np.nan)

    def error(self, x: np.ndarray) -> np.ndarray:
        """Standard error of the same; NaN for one seed."""
        n = self.there.sum(axis=0)
        away = np.where(self.there, x - self.mean(x)[:, None], 0.0)
        variance = (away**2).sum(axis=1) / np.maximum(n - 1, 1) / np.maximum(n, 1)
        return np.where(n > 1, np.sqrt(variance), np.nan)

    def size(self, theta: np.ndarray) -> np.ndarray:
        """Of what round-off is a share: values, and what a change of the last place would do to them."""
        moved = self.gradient * theta.reshape(-1, 1, 1, 1)
        return np.where(self.there, np.maximum(np.abs(self.value), np.abs(moved)), 0.0).max(axis=(0, 1))


def _spread(values: Sequence[np.ndarray]) -> np.ndarray:
    """Range over all lines (time, observable); 0 where nothing is known."""
    together = np.concatenate(values)
    range_ = np.fmax.reduce(together) - np.fmin.reduce(together)
    return np.where(np.isfinite(range_), range_, 0.0)


def _by_parameter(each: Sequence[np.ndarray]) -> np.ndarray:
    """(time, observable, parameter, point) of (point, time, observable) a parameter."""
    return np.stack([np.moveaxis(x, 0, -1) for x in each], axis=2)


def _search(
    lines: Sequence[Line],
    axes: Sequence[_Axis],
    made: Sequence[_Simulated],
    evaluated: Callable[..., Evaluation],
    n_points: int,
) -> int:
    """Halves intervals until all is known, or enough was simulated; the number of rounds."""
    for done in range(MOST_ROUNDS):
        wanted = [[(i, u) for u in line.wanted()] for i, line in enumerate(lines)]
        first = itertools.chain.from_iterable(itertools.zip_longest(*wanted))
        points = [one for one in first if one is not None][:n_points]
        if not points:
            return done
        # Always as many as a line has: the program that is there already.
        full = [*points, *[points[-1]] * (n_points - len(points))]
        result = evaluated(np.concatenate([axes[i].samples(np.array([u])) for i, u in full]))
        for k, (i, u) in enumerate(points):
            of_line = _Simulated.of(result, axes[i])
            one = dataclasses.replace(of_line, there=made[i].there)
            value, gradient = one.mean(one.value)[k], one.mean(one.gradient)[k : k + 1]
            lines[i].add(u, value, axes[i].slope(np.array([u]), gradient)[0])
    for line in lines:
        line.close()
    return MOST_ROUNDS


def _of_search(lines: Sequence[Line], axes: Sequence[_Axis]) -> dict[str, np.ndarray]:
    """What the search found, as attributes of ``Lines``."""
    n_times, n_observables = lines[0].missing.shape
    ends = np.full((2, n_observables, len(lines)), np.nan)
    jump = np.full((n_times, n_observables, len(lines)), np.nan)
    for i, (line, axis) in enumerate(zip(lines, axes, strict=True)):
        for o, interval in line.found.items():
            ends[:, o, i] = axis.theta(np.array([interval.low, interval.high]))
            jump[:, o, i] = interval.missing[:, o]
    missing = [np.where(line.judged, line.missing, np.nan) for line in lines]
    return {
        "missing": np.stack(missing, axis=-1),
        "missing_error": np.stack([line.error for line in lines], axis=-1),
        "incomplete": np.stack([line.jumps for line in lines], axis=-1),
        "unresolved": np.stack([line.unresolved for line in lines], axis=-1),
        "jump": jump,
        "jump_from": ends[0],
        "jump_to": ends[1],
    }


def _search_on_average(
    lines: Sequence[AveragedLine],
    axes: Sequence[_Axis],
    evaluated: Callable[..., Evaluation],
    n_points: int,
) -> tuple[int, np.ndarray]:
    """Looks closer at lines that would be accused, the surest first; the number of rounds.

    And whether there were not enough of them to tell (parameter).
    """
    rounds, untold = 0, np.zeros(len(lines), bool)
    for i in np.argsort([-line.certainty for line in lines], kind="stable"):
        line, axis = lines[i], axes[i]
        for _ in range(ROUNDS_A_LINE):
            if not line.incomplete.any():
                break
            if rounds == ROUNDS_ON_AVERAGE:
                untold[i] = True
                break
            points = line.wanted(n_points)
            full = np.concatenate([points, np.full(n_points - len(points), points[-1])])
            one = _Simulated.of(evaluated(axis.samples(full)), axis)
            kept = slice(len(points))
            line.add(points, one.value[kept], axis.slope(full, one.gradient)[kept])
            rounds += 1
    return rounds, untold


def _of_averages(
    lines: Sequence[AveragedLine], untold: Bool[np.ndarray, " parameter"]
) -> dict[str, np.ndarray]:
    """What the tests of averages found, as attributes of ``Lines``."""
    incomplete = np.stack([line.incomplete for line in lines], axis=-1)
    shape = incomplete.shape
    return {
        "missing": np.stack([line.missing for line in lines], axis=-1),
        "missing_error": np.stack([line.error for line in lines], axis=-1),
        "incomplete": incomplete & ~untold,
        "unresolved": incomplete.any(axis=0) & untold,
        "jump": np.full(shape, np.nan),
        "jump_from": np.full(shape[1:], np.nan),
        "jump_to": np.full(shape[1:], np.nan),
    }
