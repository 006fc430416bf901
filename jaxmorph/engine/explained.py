"""Whether gradients along a line explain how values change on it, by halving where they do not.

The change of a mean between two points is the integral of its gradient, or there is something that the
gradient does not see. On a few points a steep slope looks like that, too: so an interval is halved, and
its halves, as long as more is missing than its share of what may be. A smooth function comes to an end;
a jump keeps its height, and many small ones their sum.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import CubicSpline

HALVINGS = 10
"""What is left in an interval of 1 / 2^10 between two points is called a jump."""
MATERIAL = 0.02
"""As a share of the range of values: what is missing on a line, or at a jump, counts beyond this."""
_SHARP = 3.0
# So much more than the bend of the gradient: that of a square root from 0 gives 1.
Along = Float[np.ndarray, "point time observable"]


def quadrature_error(
    u: Float[np.ndarray, " point"], slope: Float[np.ndarray, "point *any"]
) -> Float[np.ndarray, "*any"]:
    """How the sum of :func:`integrals` changes without every second point, with its sign."""
    half = np.unique([*range(0, len(u), 2), len(u) - 1])
    return np.asarray(integrals(u, slope).sum(axis=0) - integrals(u[half], slope[half]).sum(axis=0))


@dataclasses.dataclass(frozen=True, eq=False)
class Span:
    """Part of a line.

    Attributes:
        low: Its lower end, on the parameter's natural scale.
        high: Its upper end.
        level: How often it was halved.
        missing: What its gradient does not explain of the change over it (time, observable).
        bend: How much the integral of the gradient can be off: its width times how the gradient varies.
    """

    low: float
    high: float
    level: int
    missing: Float[np.ndarray, "time observable"]
    bend: Float[np.ndarray, "time observable"]

    @property
    def middle(self) -> float:
        """Where it is halved."""
        return (self.low + self.high) / 2


def integrals(
    u: Float[np.ndarray, " point"], slope: Float[np.ndarray, "point *any"]
) -> Float[np.ndarray, "interval *any"]:
    """Integrals of a cubic spline through the slopes, from each point to the next."""
    whole = CubicSpline(u, slope, axis=0).antiderivative()(u)
    return np.diff(whole, axis=0)


_Open = tuple[float, float, Span]
"""Less the excess, the place, and the interval."""


def _sorted(waiting: list[_Open]) -> list[_Open]:
    """The most telling first: by excess, and of equal ones the smallest."""
    return sorted(waiting, key=lambda entry: (entry[0], -entry[2].level, entry[1]))


class Line:
    """One line: its points, and a search for what its gradient misses, an observable at a time.

    Args:
        u: Points of the line on the parameter's natural scale, increasing.
        value: Means over seeds at these.
        slope: Means of the derivative by u.
        material: How much may be missing on the whole line (time, observable).
        round_off: How much any part of it may miss (time, observable).

    Attributes:
        judged: Where all numbers are there (time, observable).
        missing: What the gradient does not explain, on the whole line, as far as it was halved.
        error: Of this, by the quadrature before anything was halved.
        jumps: Where a jump is left (time, observable).
        found: The interval of it, by the number of the observable.
        unresolved: Observables of which much is missing, and gradients vary too much to say why.
    """

    def __init__(
        self,
        u: Float[np.ndarray, " point"],
        value: Along,
        slope: Along,
        material: Float[np.ndarray, "time observable"],
        round_off: Float[np.ndarray, "time observable"],
    ):
        self._known = {float(x): (f, g) for x, f, g in zip(u, value, slope, strict=True)}
        self._material, self._round_off = np.maximum(material, round_off), round_off
        self._allowed = material / (len(u) - 1)
        shape = value.shape[1:]
        self.jumps: Bool[np.ndarray, "time observable"] = np.zeros(shape, bool)
        self.found: dict[int, Span] = {}
        finite = np.isfinite(value).all(axis=0) & np.isfinite(slope).all(axis=0)
        self.judged: Bool[np.ndarray, "time observable"] = finite
        missing = np.diff(value, axis=0) - integrals(u, np.where(finite, slope, 0.0))
        missing = np.where(finite, missing, 0.0)
        self.missing: Float[np.ndarray, "time observable"] = missing.sum(axis=0)
        self.error = np.abs(quadrature_error(u, np.where(finite, slope, 0.0)))
        # Each observable is followed at the time at which most is missing.
        least = np.where(self._material > 0, self._material, np.inf)
        self._time = (np.abs(missing).max(axis=0) / least).argmax(axis=0)
        self._aside = np.zeros(shape[1])
        self._open: dict[int, list[_Open]] = {o: [] for o in range(shape[1])}
        for observable, time in enumerate(self._time):
            if np.abs(missing[:, time, observable]).sum() <= self._material[time, observable]:
                continue
            for k in range(len(u) - 1):
                ends = float(u[k]), float(u[k + 1])
                self._push(observable, Span(*ends, 0, missing[k], np.zeros(shape)))

    @property
    def unresolved(self) -> Bool[np.ndarray, " observable"]:
        """See above."""
        material = self._material[self._time, np.arange(len(self._time))]
        return (self._aside > material) & ~self.jumps.any(axis=0)

    def wanted(self) -> list[float]:
        """Points that would tell more, the most telling of each observable first; none: all is known."""
        ranks: dict[float, tuple[int, float]] = {}
        for observable in self._open:
            self._judge(observable)
            for rank, (excess, _, interval) in enumerate(_sorted(self._open[observable])):
                if interval.level < HALVINGS:
                    key = rank, excess
                    ranks[interval.middle] = min(key, ranks.get(interval.middle, key))
        return sorted(ranks, key=ranks.__getitem__)

    def add(
        self,
        u: float,
        value: Float[np.ndarray, "time observable"],
        slope: Float[np.ndarray, "time observable"],
    ) -> None:
        """What the middle of an interval tells."""
        self._known[u] = value, slope
        for observable, waiting in self._open.items():
            for place, (_, _, interval) in enumerate(waiting):
                if interval.middle == u and interval.level < HALVINGS:
                    del waiting[place]
                    self._split(observable, interval)
                    break

    def _split(self, observable: int, interval: Span) -> None:
        value, slope = self._known[interval.middle]
        if not np.isfinite([value[:, observable], slope[:, observable]]).all():
            self._leave(observable, interval)
            return
        halves = self._halves(interval)
        both = halves[0].missing + halves[1].missing
        change = np.where(self.judged, both - interval.missing, 0.0)
        self.missing[:, observable] += change[:, observable]
        # The errors of the two parabolas' halves are opposite: together they are Simpson's rule.
        if self._excess_of(observable, both, interval.level) > 1:
            for half in halves:
                self._push(observable, half)

    def close(self) -> None:
        """No more points come: what is still open stays so."""
        for observable, waiting in self._open.items():
            self._judge(observable)
            for _, _, interval in waiting:
                self._leave(observable, interval)
            waiting.clear()

    def _halves(self, interval: Span) -> list[Span]:
        """By the parabola through the slopes at the ends and in the middle (Simpson's rule)."""
        middle = interval.middle
        (f0, g0), (f1, g1), (f2, g2) = (self._known[x] for x in (interval.low, middle, interval.high))
        h = interval.high - interval.low
        left = f1 - f0 - h * (5 * g0 + 8 * g1 - g2) / 24
        right = f2 - f1 - h * (5 * g2 + 8 * g1 - g0) / 24
        bend = h / 2 * np.ptp(np.stack([g0, g1, g2]), axis=0)
        level = interval.level + 1
        return [
            Span(interval.low, middle, level, left, bend),
            Span(middle, interval.high, level, right, bend),
        ]

    def _excess(self, interval: Span) -> Float[np.ndarray, "time observable"]:
        """What is missing over what may be; one is no excess."""
        allowed = np.maximum(self._allowed / 2**interval.level, self._round_off)
        return np.where(allowed > 0, np.abs(interval.missing) / np.where(allowed > 0, allowed, 1), 0.0)

    def _excess_of(self, observable: int, missing: np.ndarray, level: int) -> float:
        place = self._time[observable], observable
        allowed = max(self._allowed[place] / 2**level, self._round_off[place])
        return abs(float(missing[place])) / allowed if allowed > 0 else 0.0

    def _push(self, observable: int, interval: Span) -> None:
        excess = self._excess_of(observable, interval.missing, interval.level)
        if excess > 1:
            self._open[observable].append((-excess, interval.low, interval))

    def _judge(self, observable: int) -> None:
        """Look at the intervals that were halved often enough: a jump ends the search."""
        waiting, time = self._open[observable], self._time[observable]
        for entry in [entry for entry in _sorted(waiting) if entry[2].level >= HALVINGS]:
            interval = entry[2]
            waiting.remove(entry)
            sharp = np.abs(interval.missing) > _SHARP * interval.bend
            much = np.maximum(np.abs(interval.missing), np.abs(self.missing)) > self._material
            jumps = self.judged & sharp & much & (self._excess(interval) > 1)
            if jumps[time, observable]:
                self.jumps[:, observable] = jumps[:, observable]
                self.found[observable] = interval
                waiting.clear()
                return
            if not sharp[time, observable]:
                self._leave(observable, interval)

    def _leave(self, observable: int, interval: Span) -> None:
        self._aside[observable] += abs(interval.missing[self._time[observable], observable])
