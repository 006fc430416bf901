"""Lower bounds on total Sobol indices from gradients, beside the upper ones (:mod:`.whole_design`).

The functions psi_k = sqrt(2) cos(k pi v), v the distribution function of a parameter, are orthonormal
for any distribution, and so are their products over independent parameters. By Parseval, the squares of
the coefficients of any of those that involve a parameter add up to no more than its total index. A
coefficient follows from the gradient, by integration by parts (:mod:`.waves`):

    E[f psi_k(v_i) psi_l(v_j)] = -sqrt(2) / (k pi) E[df/du_i sin(k pi v_i) / p_i psi_l(v_j)]

Squares are products of different samples and of different seeds, so neither the choice of samples nor
noise adds to them on average. The errors are of the jackknife.
"""

import dataclasses

import numpy as np
import xarray as xr

from ..quantities import Interval, Kind, Method, Needs, Quantity
from .by_parts import FEWEST_GROUPS, stand_for_distributions
from .estimator import PAIR, PLACE, Estimates, Estimator, Slab
from .moments import usable_seeds
from .resampling import FEWEST
from .samples import Samples
from .two_way import Spread, ends, spread_of
from .waves import of_gradients
from .whole_design import WholeDesign

_ALONE, _PAIRS = 4, ((1, 1), (1, 2), (2, 1))
"""So many waves of a parameter alone, and which of it times which of another one."""
_MOST_BLOCKS, _MOST_SEEDS, _BYTES = 32, 16, 1.0e8
# Of some samples, which stay in the cache of the processor.
_PIECE_BYTES = 1.0e6

PARSEVAL = Method(
    "Lower bound on the total Sobol index",
    "Σ_α E[f ψ_α]^2 / Var_θ E_r[f], E[f ψ_k] = -2^{1/2} E[∂f/∂u_p sin(k π v_p) / p] / (k π)",
    "ψ_k = 2^{1/2} cos(k π v), v the distribution function: four waves of the parameter alone, "
    "three products with one of each other. What varies otherwise is not in the bound, which may "
    "be far below the index. Products of different samples and seeds. For independent parameters.",
    "Roustant, Gamboa and Iooss, Electron. J. Stat. 14 (2020) 2386-2412; Kucherenko and Song, Reliab. "
    "Eng. Syst. Saf. 148 (2016) 117-124",
)
QUANTITIES = (
    Quantity(
        "total_lower_bound",
        "lower bound on the total Sobol index: squares of coefficients that involve the parameter",
        "1",
        PAIR,
        Kind.LOWER_BOUND,
        PARSEVAL,
        label="lower bound on the total Sobol index",
        short="lower bound",
        reading="the total index is at least this; 0 or less says nothing",
        interval=Interval.SAMPLES_AND_SEEDS,
        from_gradients=True,
        needs_complete=Needs.OWN,
        ranks=True,
        designs="sobol, latin-hypercube, list; independent parameters",
        absent=f"needs {FEWEST_GROUPS} or more samples of a Sobol, Latin-hypercube or list design that "
        f"are drawn from their distributions, independent parameters, and {FEWEST} or more seeds if "
        "there is noise",
    ),
)


@dataclasses.dataclass
class _PairSums:
    """Sums over samples of coefficients' integrands x, from which sums over pairs follow.

    Attributes:
        block: x (block, term, seed, place).
        pairs: x of a sample at two different seeds (without noise the square), (block, term, place).
        of_seed: The part of it that has a seed (term, seed, place), twice.
    """

    block: np.ndarray
    pairs: np.ndarray
    of_seed: np.ndarray

    @classmethod
    def zeros(cls, blocks: int, terms: int, seeds: int, places: int) -> "_PairSums":
        """Of nothing yet."""
        shapes = (blocks, terms, seeds, places), (blocks, terms, places), (terms, seeds, places)
        return cls(*(np.zeros(shape) for shape in shapes))

    def add(self, weight: np.ndarray, x: np.ndarray, parts: list[tuple[int, np.ndarray]]) -> None:
        """Add weight (sample, term) times x (sample, seed, place).

        ``parts``: blocks, and which of the samples are of each.
        """
        seeds = x.shape[1]
        at_once = max(1, int(_PIECE_BYTES * len(parts) / max(x.nbytes, 1)))
        for start in range(0, len(parts), at_once):
            some = parts[start : start + at_once]
            w, of_samples = (y[np.concatenate([s for _, s in some])] for y in (weight, x))
            others = of_samples.sum(axis=1, keepdims=True) - of_samples
            with_others = of_samples * others if seeds > 1 else of_samples**2
            flat, over_seeds = of_samples.reshape(len(w), -1), with_others.sum(axis=1)
            ends = np.cumsum([len(s) for _, s in some])
            for (block, s), end in zip(some, ends, strict=True):
                own = slice(end - len(s), end)
                self.block[block] += (w[own].T @ flat[own]).reshape(self.block.shape[1:])
                self.pairs[block] += w[own].T ** 2 @ over_seeds[own]
            of_seed = w.T**2 @ with_others.reshape(flat.shape)
            self.of_seed += 2 * of_seed.reshape(self.of_seed.shape)

    def square(self, n: np.ndarray) -> "_OfParts":
        """Squares of the means, of different samples and different seeds, summed over terms.

        Args:
            n: Number of samples (block, place).
        """
        seeds, count = self.block.shape[2], n.sum(axis=0)
        total, same = self.block.sum(axis=0), self.pairs.sum(axis=0)
        without = total - self.block
        fewer = total.sum(axis=1, keepdims=True) - total
        squares = (total**2).sum(axis=1, keepdims=True) - total**2
        left = count - n
        return _OfParts(
            _of_pairs(total.sum(axis=1), (total**2).sum(axis=1), same, seeds).sum(axis=0)
            / (count * (count - 1)),
            _of_pairs(without.sum(axis=2), (without**2).sum(axis=2), same - self.pairs, seeds).sum(
                axis=1
            )
            / (left * (left - 1)),
            _of_pairs(fewer, squares, same[:, None] - self.of_seed, seeds - 1).sum(axis=0)
            / (count * (count - 1)),
        )

    def mean_square(self, n: np.ndarray) -> "_OfParts":
        """The mean over samples of x at two different seeds, summed over terms."""
        seeds, count = self.block.shape[2], n.sum(axis=0)
        same = self.pairs.sum(axis=0)
        return _OfParts(
            same.sum(axis=0) / (count * _pairs(seeds)),
            (same - self.pairs).sum(axis=1) / ((count - n) * _pairs(seeds)),
            (same[:, None] - self.of_seed).sum(axis=0) / (count * _pairs(seeds - 1)),
        )


@dataclasses.dataclass(frozen=True)
class _OfParts:
    """A statistic of all data (place), without each block (block, place), without each seed."""

    of_all: np.ndarray
    without_block: np.ndarray
    without_seed: np.ndarray

    def over(self, variance: "_OfParts") -> "_OfParts":
        """As a share of a variance; NaN where that is not above 0."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(variance), strict=True)
        return _OfParts(*(x / np.where(v > 0, v, np.nan) for x, v in pairs))

    def less(self, other: "_OfParts") -> "_OfParts":
        """The difference."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return _OfParts(*(x - y for x, y in pairs))


def _pairs(seeds: int) -> int:
    """Pairs of different seeds; without noise there is one seed, and it counts as it is."""
    return seeds * (seeds - 1) if seeds > 1 else 1


def _of_pairs(total: np.ndarray, squares: np.ndarray, same: np.ndarray, seeds: int) -> np.ndarray:
    """Over different samples: the square of sums over seeds, less squares of seeds, less samples'."""
    return np.asarray((total**2 - (squares if seeds > 1 else 0.0) - same) / _pairs(seeds))


class LowerBounds(Estimator):
    """What the coefficients that gradients tell make up of a total index."""

    quantities = QUANTITIES
    after = (WholeDesign,)

    def __init__(self, samples: Samples):
        super().__init__(samples)
        self._applies = samples.unit_size == 1 and stand_for_distributions(samples)
        self._sums: list[_PairSums] = []
        self._n = np.zeros(0)
        self._seeds = np.zeros(0, bool)
        self._shift = np.zeros(0)
        self._coordinates: dict[str, xr.DataArray] = {}
        self._pairs: tuple[tuple[int, int], ...] = _PAIRS
        draws = int(samples.draw.max()) + 1
        self._blocks = min(draws, _MOST_BLOCKS)
        self._of_sample = (np.random.default_rng(0).permutation(draws) % self._blocks)[samples.draw]

    def add(self, slab: Slab) -> Estimates:
        if not self._applies:
            return {}
        order = ("sample", "seed", *PLACE)
        ok = slab.used.transpose(*order).values
        if not self._sums:
            self._begin(slab, ok)
        rows = np.searchsorted(self.samples.points["sample"].values, slab.value["sample"].values)
        by_block = np.argsort(self._of_sample[rows], kind="stable")
        blocks, starts = np.unique(self._of_sample[rows][by_block], return_index=True)
        parts = list(zip(map(int, blocks), np.split(by_block, starts[1:]), strict=True))
        complete: np.ndarray = np.all(ok[:, self._seeds], axis=1)
        for block, of_block in parts:
            self._n[block] += complete[of_block].sum(axis=0).ravel()
        f = slab.value.transpose(*order).values
        points = self.samples.points.transpose("sample", "parameter")
        v, theta = (points[name].values[rows] for name in ("unit_value", "parameter_value"))
        self._sums[0].add(np.ones((len(rows), 1)), self._used(f, complete, self._shift), parts)
        g = slab.scaled.transpose("parameter", *order).values
        for i, sd in enumerate(self.samples.sd.values):
            weights = self._weights(i, theta, v) / sd
            self._sums[1 + i].add(weights, self._used(g[i], complete), parts)
        return {}

    def _used(self, x: np.ndarray, complete: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
        """(sample, seed, place) less the shift, 0 where the sample lacks a seed."""
        if not self._seeds.all():
            x = x[:, self._seeds]
        if np.any(shift):
            x = x - shift
        return self._merged(x if complete.all() else np.where(complete[:, None], x, 0.0))

    def _begin(self, slab: Slab, ok: np.ndarray) -> None:
        value = slab.value.transpose("sample", "seed", *PLACE)
        self._seeds = usable_seeds(ok)
        self._shift = np.nan_to_num(value.mean(("sample", "seed")).values)
        self._coordinates = {d: slab.gradient[d] for d in PAIR if d in slab.gradient.coords}
        seeds = min(int(self._seeds.sum()), _MOST_SEEDS) if self.samples.question.stochastic else 1
        places, d = self._shift.size, len(self.samples.parameters)
        one = 8 * d * self._blocks * seeds * places
        if one * (_ALONE + len(_PAIRS) * (d - 1)) > _BYTES:
            self._pairs = ()
        terms = _ALONE + len(self._pairs) * (d - 1)
        self._n = np.zeros((self._blocks, places))
        self._sums = [_PairSums.zeros(self._blocks, n, seeds, places) for n in (1, *[terms] * d)]

    def _merged(self, x: np.ndarray) -> np.ndarray:
        """(sample, seed, place), of few seeds or means over some."""
        seeds = self._sums[0].block.shape[2]
        x = x.reshape(*x.shape[:2], -1)
        if x.shape[1] == seeds:
            return x
        return np.stack([part.mean(axis=1) for part in np.array_split(x, seeds, axis=1)], axis=1)

    def _weights(self, i: int, theta: np.ndarray, v: np.ndarray) -> np.ndarray:
        """What the gradient by parameter i is multiplied by, for each coefficient (sample, term)."""
        distribution = self.samples.question.distributions[i]
        k = np.arange(1, _ALONE + 1)
        sines = of_gradients(distribution, theta[:, i], v[:, i], _ALONE)
        waves = (sines * (-np.sqrt(2) / (np.pi * k))[:, None]).T
        others = np.delete(v, i, axis=1)
        terms = [waves]
        for k_own, k_other in self._pairs:
            terms.append(waves[:, [k_own - 1]] * np.sqrt(2) * np.cos(k_other * np.pi * others))
        return np.concatenate(terms, axis=1)

    def finish(self, found: Estimates) -> Estimates:
        if not self._sums or (self.samples.question.stochastic and self._seeds.sum() < FEWEST):
            return {}
        n = np.where(self._n.sum(axis=0) >= FEWEST_GROUPS, self._n, np.nan)
        varies = found["variance"].transpose(*PLACE).values.ravel() > 0
        n = np.where(varies, n, np.nan)
        variance = self._sums[0].mean_square(n).less(self._sums[0].square(n))
        return self._named([sums.square(n).over(variance) for sums in self._sums[1:]])

    def _named(self, shares: list[_OfParts]) -> Estimates:
        """With coordinates, interval and both errors."""
        name = self.quantities[0].name

        def array(part: str, dim: str | None) -> xr.DataArray:
            each = np.stack([getattr(share, part) for share in shares], axis=-1)
            dims = PAIR if dim is None else (dim, *PAIR)
            shape = (*each.shape[:-2], *self._shift.shape, len(shares))
            return xr.DataArray(each.reshape(shape), self._coordinates, dims)

        value = array("of_all", None)
        sources = {"samples": _jackknifed(array("without_block", "block"), "block")}
        if self.samples.question.stochastic:
            sources["seeds"] = _jackknifed(array("without_seed", "block"), "block")
        low, high = ends(value, list(sources.values()))
        errors = {f"{name}_se_{source}": spread.se for source, spread in sources.items()}
        return {name: value, f"{name}_low": low, f"{name}_high": high} | errors


def _jackknifed(left_out: xr.DataArray, dim: str) -> Spread:
    return spread_of((1 - left_out.sizes[dim]) * left_out, dim)
