"""What a reader must be warned of: non-finite numbers, exploding and heavy-tailed gradients."""

import logging

import numpy as np
import xarray as xr

from ..quantities import Kind, Method, Quantity
from .estimator import PAIR, Estimates, Estimator, Slab
from .over_seeds import OverSeeds
from .rounding import round_off
from .samples import Samples
from .scale import Magnitudes
from .sums import add_up
from .tails import TailIndex

GROWTH = Method(
    "Growth and tails of gradients",
    "ln rms(∂f/∂θ_p) = a + rate t + power ln t; Hill's tail index",
    "A gradient is flagged if the exponential part alone multiplies it by more than 10 and it has "
    "become large, or if its tail over seeds is heavy: below 2, the variance is infinite. Averages of "
    "such gradients converge slowly or not at all.",
    "Metz, Freeman, Schoenholz and Kachman, arXiv:2111.05803 (2021); Hill, Ann. Stat. 3 (1975) "
    "1163-1174",
)
_AT_ANY_TIME = ("observable", "parameter")
_NEEDS_SEEDS = "needs two or more seeds: one has no spread to look at"
QUANTITIES = (
    Quantity(
        "non_finite_count",
        "number of (sample, seed, time) entries that are not finite, or 1e69 times what is usual",
        "1",
        ("observable",),
    ),
    Quantity(
        "excluded_sample",
        "sample of a pair with an entry that is not finite or beyond use",
        "1",
        ("excluded",),
    ),
    Quantity(
        "excluded_seed",
        "seed of a pair with an entry that is not finite or beyond use",
        "1",
        ("excluded",),
    ),
    Quantity(
        "gradient_variance",
        "average over samples of the variance of the gradient between seeds",
        "observable^2 parameter^-2",
        PAIR,
        Kind.VARIANCE,
        from_gradients=True,
        absent=_NEEDS_SEEDS,
    ),
    Quantity(
        "gradient_growth_rate",
        "exponential growth rate of the root-mean-square gradient",
        "time^-1",
        _AT_ANY_TIME,
        method=GROWTH,
        formula="rate",
        from_gradients=True,
        absent="needs pathwise gradients at six or more recorded times",
    ),
    Quantity(
        "gradient_exploding",
        "whether the gradient grows exponentially by more than a factor 10, to a large one",
        "1",
        _AT_ANY_TIME,
        Kind.FLAG,
        GROWTH,
        formula="exp(rate duration) > 10",
        from_gradients=True,
        absent="needs pathwise gradients at six or more recorded times",
    ),
    Quantity(
        "gradient_tail_index",
        "Hill's tail index of the single-seed gradients",
        "1",
        _AT_ANY_TIME,
        method=GROWTH,
        formula="Hill's tail index",
        from_gradients=True,
        absent=_NEEDS_SEEDS,
    ),
    Quantity(
        "gradient_heavy_tailed",
        "whether the tail index says that the variance is infinite",
        "1",
        _AT_ANY_TIME,
        Kind.FLAG,
        GROWTH,
        formula="tail index < 2",
        from_gradients=True,
        absent=_NEEDS_SEEDS,
    ),
    Quantity(
        "gradient_unreliable",
        "whether the gradient explodes or has heavy tails",
        "1",
        _AT_ANY_TIME,
        Kind.FLAG,
        GROWTH,
        formula="either flag",
        from_gradients=True,
    ),
)


logger = logging.getLogger(__name__)

_FEWEST_TIMES = 6
# Flagged when the exponential part alone multiplies the gradient by this over the recorded time.
_EXPLODING_FACTOR = 10.0
_MOST_LOGGED = 20


class GradientHealth:
    """Accumulates, slab of samples by slab, whether the single-seed gradients can be trusted.

    ``pathwise``: whether they are derivatives along paths. Only these explode; another estimator follows
    the gradient of the mean, which may grow as it likes.
    """

    def __init__(self, pathwise: bool) -> None:
        self._pathwise = pathwise
        self._sums: dict[str, xr.DataArray] = {}
        self._excluded: list[tuple[int, int]] = []
        self._tails = TailIndex()

    def add(
        self,
        value: xr.DataArray,
        gradient: xr.DataArray,
        parameter_value: xr.DataArray,
        used: xr.DataArray,
        there: xr.DataArray | None = None,
        precision: np.dtype | type = float,
        over: OverSeeds | None = None,
    ) -> None:
        """Add one slab: all seeds of some samples.

        Args:
            value: (sample, seed, time, observable); NaN where it or its gradient cannot be used.
            gradient: (sample, seed, time, observable, parameter); NaN at the same places.
            parameter_value: (sample, parameter).
            used: (sample, seed, time, observable), which entries can be used.
            there: (sample, seed), which pairs are there at all; None: all.
            precision: In which they were computed: what differs by its round-off is equal.
            over: Sums over seeds of both, where they are known.
        """
        over = over or OverSeeds.of(value, gradient)
        fine = used if there is None else used | ~there
        self._excluded += excluded_pairs(fine)
        like = gradient.isel(sample=0, seed=0, drop=True)
        theta = parameter_value.transpose("parameter", "sample").values[..., None]
        # What a mean and the deviations from it add to a sum of squares.
        of_slope = over.slope_spread**2 + over.n * np.where(over.n > 0, over.slope, 0.0) ** 2
        of_value = over.spread**2 + over.n * np.where(over.n > 0, over.mean, 0.0) ** 2
        sums = {
            "square": of_slope.sum(axis=1),
            "count": np.broadcast_to(over.n.sum(axis=0), of_slope[:, 0].shape),
            "relative": (theta**2 * of_slope).sum(axis=1),
            "value": of_value.sum(axis=0),
        }
        if over.n_seeds > 1:
            variance = over.slope_spread**2 / (over.several - 1)
            # Seeds that differ in the last bits alone are equal, as in the initial state.
            with np.errstate(invalid="ignore"):
                equal = variance <= round_off(over.slope, precision) ** 2
            variance = np.where(equal, 0.0, variance)
            sums |= {
                "variance": np.nansum(variance, axis=1),
                "variances": (~np.isnan(variance)).sum(axis=1),
            }
            self._tails.add(gradient)
        named = {name: over.named_place(x, like) for name, x in sums.items()}
        add_up(self._sums, named | {"non_finite": (~fine).sum(("sample", "seed", "time"))})

    def estimates(self, scale: Magnitudes | None = None) -> dict[str, xr.DataArray]:
        """``non_finite_count``, ``excluded_sample``, ``excluded_seed``, and the flags of the gradients.

        ``gradient_unreliable`` is where a gradient explodes, has heavy tails, or squares that overflow.

        Args:
            scale: Of what the gradients were divided by; None: nothing.
        """
        sums = self._sums
        result = {"non_finite_count": sums["non_finite"]}
        rms = (sums["square"] / sums["count"].where(sums["count"] > 0)) ** 0.5
        relative = (sums["relative"] / sums["value"].where(sums["value"] > 0)) ** 0.5
        if self._pathwise:
            result |= gradient_growth(rms, relative)
        if "variance" in sums:
            n = sums["variances"]
            result["gradient_variance"] = sums["variance"] / n.where(n > 0)
            result |= self._tails.estimates()
        flags = [result[f] for f in ("gradient_exploding", "gradient_heavy_tailed") if f in result]
        if "gradient_variance" in result:
            variance = result["gradient_variance"]
            infinite = xr.apply_ufunc(np.isinf, variance)
            if scale is not None:
                infinite |= scale.overflows(variance, 2)
            flags.append(infinite.any("time"))
        if flags:
            result["gradient_unreliable"] = xr.concat(flags, "flag").any("flag")
        pairs = np.array(self._excluded, dtype=int).reshape(-1, 2)
        result["excluded_sample"] = xr.DataArray(pairs[:, 0], dims="excluded")
        result["excluded_seed"] = xr.DataArray(pairs[:, 1], dims="excluded")
        for sample, seed in self._excluded[:_MOST_LOGGED]:
            logger.warning(
                "sample %d, seed %d: not finite or beyond use; left out of the estimates",
                sample,
                seed,
            )
        if (more := len(self._excluded) - _MOST_LOGGED) > 0:
            logger.warning("and %d more pairs; excluded_sample and excluded_seed name them all", more)
        return result


def excluded_pairs(used: xr.DataArray) -> list[tuple[int, int]]:
    """The (sample, seed) pairs with an entry that is not finite, in order."""
    bad = (~used).any(("time", "observable")).transpose("sample", "seed")
    rows, columns = np.nonzero(bad.values)
    return [(int(bad["sample"][i]), int(bad["seed"][j])) for i, j in zip(rows, columns, strict=True)]


def gradient_growth(rms: xr.DataArray, relative: xr.DataArray) -> dict[str, xr.DataArray]:
    """How fast gradients grow with time, and whether they explode.

    ln(rms gradient) is fitted by a + rate t + power ln t (least squares over recorded times), so that
    growth by a power of time, as in diffusion, does not count as exponential. A gradient is exploding
    when exp(rate x duration) exceeds 10 and it has become large: 1 % of the parameter moves the
    observable by more than 1 %. Then the simulation is chaotic or unstable, and single-seed gradients
    say little about averages. (A gradient that only begins to matter grows as fast, but is small.)
    Time counts from 0, or from the first record if that is before.

    Args:
        rms: Root mean square of the gradient over samples and seeds (time, observable, parameter).
        relative: The same of parameter x gradient, over that of the observable (same dims).

    Returns:
        ``gradient_growth_rate`` (1 / time) and ``gradient_exploding``, both (observable, parameter);
        nothing if there are fewer than six times at which a gradient can be not 0.
    """
    begin = min(float(rms["time"][0]), 0.0)
    later = rms.isel(time=np.flatnonzero(rms["time"].values > begin))
    time = later["time"].values - begin
    if len(time) < _FEWEST_TIMES:
        return {}
    basis = np.column_stack([np.ones_like(time), time, np.log(time)])

    def rate(y: np.ndarray) -> float:
        usable = np.isfinite(y) & (y > 0)
        if usable.sum() < _FEWEST_TIMES:
            return 0.0
        return float(np.linalg.lstsq(basis[usable], np.log(y[usable]), rcond=None)[0][1])

    rates = xr.apply_ufunc(rate, later, input_core_dims=[["time"]], vectorize=True)
    grown = rates * (time[-1] - time[0]) > np.log(_EXPLODING_FACTOR)
    exploding = grown & (relative.isel(time=-1, drop=True) > 1)
    return {"gradient_growth_rate": rates, "gradient_exploding": exploding}


class Health(Estimator):
    """Non-finite numbers, exploding and heavy-tailed gradients."""

    quantities = QUANTITIES

    def __init__(self, samples: Samples):
        super().__init__(samples)
        self._health = GradientHealth(samples.question.pathwise)

    def add(self, slab: Slab) -> Estimates:
        precision = self.samples.precision
        self._health.add(
            slab.value,
            slab.gradient,
            slab.parameter_value,
            slab.used,
            slab.there,
            precision,
            slab.over_seeds,
        )
        return {}

    def finish(self, found: Estimates) -> Estimates:
        assert self.samples.scale is not None, "no slab was added"
        return self._health.estimates(self.samples.scale)
