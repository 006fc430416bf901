"""Sums over the samples of a design, for the data, their resamples and nested subsets at once.

Slabs of samples are added one by one, so memory does not grow with their number. What noise would add
to a square is left out: products are of different seeds, whose noise is independent.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import xarray as xr

from .resampling import FEWEST, nested, sample_weights, seed_weights
from .rounding import round_off

# More seeds than this are averaged in blocks first; fewer where their products would fill the memory.
_MOST_BLOCKS = 32
_PRODUCTS_BYTES = 2.0e8
# Gradients of some samples that stay in the cache of the processor.
_CACHE_BYTES = 1.0e6


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How the samples of a run were drawn, as far as sums over them are concerned.

    Attributes:
        n_samples: Number of samples.
        unit_size: Consecutive samples that belong together.
        weights: Weights of the samples (they are nodes of a quadrature), or None for random draws.
        replicate: To which replicate each sample belongs (sample), from 0; None if they are one design.
        stochastic: Whether the study has noise. Without it, squares need no second seed.
    """

    n_samples: int
    unit_size: int = 1
    weights: np.ndarray | None = None
    stochastic: bool = True
    replicate: np.ndarray | None = None

    @property
    def n_groups(self) -> int | None:
        """Number of independent draws; None for a quadrature."""
        if self.replicate is not None:
            return int(self.replicate.max()) + 1
        return None if self.weights is not None else self.n_samples // self.unit_size

    @property
    def draw(self) -> np.ndarray:
        """To which independent draw each sample belongs (sample)."""
        if self.replicate is not None:
            return self.replicate
        return np.arange(self.n_samples) // self.unit_size


@dataclasses.dataclass(frozen=True)
class Draws:
    """The same statistics of the data, of resamples, and of nested subsets: all (draw, ...).

    Attributes:
        matrices: The mean outer product of the gradients at the t-th time, of the o-th observable, noise
            removed, (draw, parameter, parameter_2): of all places at once it could fill the memory.
        squares: The diagonals of all, (draw, time, observable, parameter).
        variance: Variance over the design of means over seeds, noise removed (draw, time, observable).
        noise_variance: Average over samples of the variance between seeds (draw, time, observable).
        n_resamples: Draw 0 is the data, and so many draws after it are resamples.
        sizes: Sizes of the nested subsets, which are the last draws.
    """

    matrices: Callable[[int, int], np.ndarray]
    squares: xr.DataArray
    variance: xr.DataArray
    noise_variance: xr.DataArray
    n_resamples: int
    sizes: list[int]

    def outer(
        self, draws: slice, times: slice = slice(None), observables: slice = slice(None)
    ) -> xr.DataArray:
        """Some draws of the outer product, (draw, time, observable, parameter, parameter_2).

        Args:
            draws: Which of them.
            times: At which times.
            observables: Of which observables.
        """
        place = self.squares.isel(draw=draws, time=times, observable=observables)
        array = np.empty((*place.shape, place.sizes["parameter"]))
        for i, t in enumerate(range(self.squares.sizes["time"])[times]):
            for j, o in enumerate(range(self.squares.sizes["observable"])[observables]):
                array[:, i, j] = self.matrices(t, o)[draws]
        pairs = {"parameter_2": self.squares["parameter"].values} if "parameter" in place.coords else {}
        return xr.DataArray(array, place.coords, (*place.dims, "parameter_2")).assign_coords(pairs)

    def resampled(self, statistic: xr.DataArray) -> xr.DataArray:
        """The data and the resamples."""
        return statistic.isel(draw=slice(0, 1 + self.n_resamples))

    def nested(self, statistic: xr.DataArray, dim: str) -> xr.DataArray:
        """The nested subsets, along ``dim``, with their sizes as coordinate."""
        subsets = statistic.isel(draw=slice(1 + self.n_resamples, None))
        return subsets.rename(draw=dim).assign_coords({dim: self.sizes})


class DesignMoments:
    """Accumulates slabs; ``over_samples`` and ``over_seeds`` give the statistics.

    ``seeds`` (seed): which seeds to use, where some are at few samples.
    """

    def __init__(self, design: Sampling, seeds: np.ndarray | None = None):
        self.design, self._wanted = design, seeds
        if design.weights is None:
            self._sizes = nested(design.n_samples, design.unit_size)
            assert design.n_groups is not None, "only a quadrature has no draws"
            resamples = sample_weights(design.n_groups).values[:, design.draw]
            subsets = np.arange(design.n_samples) < np.array(self._sizes, int).reshape(-1, 1)
            self._weights = np.concatenate([resamples, subsets.astype(resamples.dtype)])
        else:
            self._sizes = []
            self._weights = design.weights[None] / design.weights.mean()
        self._n_nested = len(self._sizes)
        # Of what outer products are kept: (row, sample); None: of the draws themselves.
        self._kept: np.ndarray | None = None
        self.n_groups = design.n_groups
        self._sums: dict[str, np.ndarray] = {}
        self._coordinates: xr.Dataset | None = None
        self._blocks = self._n_seeds = 0
        self._shift = self._largest = np.zeros(0)
        self._seeds = np.zeros(0, bool)
        self._precision: np.dtype | type = float

    def add(
        self,
        value: xr.DataArray,
        gradient: xr.DataArray,
        used: xr.DataArray,
        there: xr.DataArray | None = None,
        precision: np.dtype | type = float,
    ) -> None:
        """Add all seeds of some samples.

        Args:
            value: (sample, seed, time, observable); ``sample`` is the number in this design.
            gradient: (sample, seed, time, observable, parameter), on the scale of the moments.
            used: (sample, seed, time, observable), which entries are usable.
            there: (sample, seed), which pairs are there at all; None: all.
            precision: In which the values were computed: what differs by its round-off is equal.
        """
        self._precision = precision
        order = ("sample", "seed", "time", "observable")
        f = value.transpose(*order).values
        g = gradient.transpose("parameter", *order).values
        ok = used.transpose(*order).values
        if self._coordinates is None:
            self._coordinates = gradient.isel(sample=0, seed=0, drop=True).coords.to_dataset()
            self._seeds = self._choose_seeds(ok, there)
            self._n_seeds = int(self._seeds.sum())
            self._blocks = self._choose_blocks(g.shape)
            self._keep(8 * int(np.prod(g.shape[3:])) * len(g) ** 2)
        if not self._seeds.all():
            f, g, ok = f[:, self._seeds], g[:, :, self._seeds], ok[:, self._seeds]
        if not ok.all():
            f, g = np.where(ok, f, 0.0), np.where(ok, g, 0.0)
        w = self._weights[:, value["sample"].values].astype(float)
        self._add_noise(w, f, ok)
        f, g, ok = self._in_blocks(f, g, ok)
        kept = w if self._kept is None else self._kept[:, value["sample"].values].astype(float)
        self._add_gradients(kept, w[0], g, ok)
        self._add_values(w, f, ok)

    def _choose_seeds(self, ok: np.ndarray, there: xr.DataArray | None) -> np.ndarray:
        """Which seeds to use, from the first slab; those that only this one lacks may fail nowhere."""
        if there is not None:
            ok = ok | ~there.transpose("sample", "seed").values[:, :, None, None]
        seeds = usable_seeds(ok)
        if self._wanted is None:
            return seeds
        return seeds & self._wanted if (seeds & self._wanted).sum() > 1 else self._wanted

    def _choose_blocks(self, shape: tuple[int, ...]) -> int:
        n_parameters, _, _, n_times, n_observables = shape
        fit = int((_PRODUCTS_BYTES / (8 * n_times * n_observables * n_parameters**2)) ** 0.5)
        return min(self._n_seeds, _MOST_BLOCKS, max(fit, FEWEST))

    def _keep(self, matrix_bytes: int) -> None:
        """Choose what outer products are kept of, so that all of them fit in the memory.

        Those of each group of samples, if there are few; those of each resample, as long as they fit;
        else those of blocks of groups, chosen at random, which are resampled whole.
        """
        n = self.design.n_groups
        fit = max(int(_PRODUCTS_BYTES / matrix_bytes), FEWEST)
        n_draws = len(self._weights) - self._n_nested
        if n is None or (n > min(fit, n_draws) and n_draws <= fit):
            return
        blocks = min(n, fit)
        of_group = np.random.default_rng(0).permutation(n) % blocks if blocks < n else np.arange(n)
        of_sample = of_group[self.design.draw]
        subsets = self._weights[n_draws:]
        if blocks < n:
            counts = sample_weights(blocks).values
            self._weights = np.concatenate([counts[:, of_sample], subsets])
            self.n_groups = blocks
        self._counts = sample_weights(blocks).values.astype(float)
        self._kept = np.concatenate([of_sample == np.arange(blocks)[:, None], subsets > 0])

    def _block_starts(self) -> np.ndarray:
        return np.array([b[0] for b in np.array_split(np.arange(self._n_seeds), self._blocks)])

    def _in_blocks(
        self, f: np.ndarray, g: np.ndarray, ok: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means over the usable seeds of each block; what is unusable is 0."""
        if self._blocks == self._n_seeds:
            return f, g, ok
        starts = self._block_starts()
        n = np.add.reduceat(ok.astype(float), starts, axis=1)
        some = np.maximum(n, 1.0)
        f = np.add.reduceat(f, starts, axis=1) / some
        return f, np.add.reduceat(g, starts, axis=2) / some, n > 0

    def _add_to(self, name: str, part: np.ndarray) -> None:
        if name in self._sums:
            self._sums[name] += part
        else:
            self._sums[name] = part

    def _weighted(self, w: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (w @ x.reshape(len(x), -1)).reshape(len(w), *x.shape[1:])

    def _add_noise(self, w: np.ndarray, f: np.ndarray, ok: np.ndarray) -> None:
        n = ok.sum(axis=1)
        mean = f.sum(axis=1) / np.maximum(n, 1)
        squares = np.where(ok, (f - mean[:, None]) ** 2, 0.0).sum(axis=1)
        usable = n > 1
        noise = np.where(usable, squares / np.maximum(n - 1, 1), 0.0)
        self._add_to("noise", self._weighted(w, noise))
        self._add_to("noise_n", self._weighted(w, usable.astype(float)))

    def _add_gradients(
        self, kept: np.ndarray, weight: np.ndarray, g: np.ndarray, ok: np.ndarray
    ) -> None:
        """Outer products of samples, for the draws over samples; of blocks, for those over seeds."""
        n = ok.sum(axis=1)
        usable = n > 1 if self.design.stochastic else n > 0
        pairs = len(g) * (len(g) + 1) // 2
        at_once = max(1, int(_PRODUCTS_BYTES / 4 / (8 * n[0].size * pairs)))
        for start in range(0, len(n), at_once):
            part = slice(start, start + at_once)
            product = self._outer_products(g[:, part], n[part], usable[part])
            self._add_to("outer", self._weighted(kept[:, part], product))
        self._add_to("outer_n", self._weighted(kept, usable.astype(float)))
        if self.design.stochastic:
            self._add_to("products", self._products(g, weight))
            u = ok.transpose(2, 3, 0, 1).astype(float)
            self._add_to("products_n", _gram(u, weight))

    def _products(self, g: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Sum over samples of products of blocks and parameters (time, observable, one, other)."""
        n_times, n_observables = g.shape[3:]
        size = len(g) * g.shape[2]
        products = np.empty((n_times, n_observables, size, size))
        at_once = max(1, int(_CACHE_BYTES / max(g[..., 0, :].nbytes, 1)))
        for start in range(0, n_times, at_once):
            times = slice(start, start + at_once)
            # (time, observable, sample, block, parameter)
            x = np.ascontiguousarray(g[:, :, :, times].transpose(3, 4, 1, 2, 0))
            products[times] = _gram(x.reshape(*x.shape[:3], -1), w)
        return products

    def _outer_products(self, g: np.ndarray, n: np.ndarray, usable: np.ndarray) -> np.ndarray:
        """Of each sample, without noise, of pairs of parameters (sample, pair, time, observable)."""
        rows, columns = np.triu_indices(len(g))
        product = np.empty((len(n), len(rows), *n.shape[1:]))
        size = max(1, int(_CACHE_BYTES / max(g[:, :1].nbytes, 1)))
        pairs = n * (n - 1) if self.design.stochastic else n**2
        share = usable / np.maximum(pairs, 1)
        for start in range(0, len(n), size):
            s = slice(start, start + size)
            total = g[:, s].sum(axis=2)
            for i, (p, q) in enumerate(zip(rows, columns, strict=True)):
                one = total[p] * total[q]
                if self.design.stochastic:
                    one -= np.einsum("sr...,sr...->s...", g[p, s], g[q, s])
                np.multiply(one, share[s], out=product[s, i])
        return product

    def _add_values(self, w: np.ndarray, f: np.ndarray, ok: np.ndarray) -> None:
        """Samples with all seeds alone: covariances between seeds are over the same samples."""
        complete: np.ndarray = np.all(ok, axis=1)
        largest = np.abs(f).max(axis=(0, 1))
        self._largest = np.maximum(self._largest, largest) if self._largest.size else largest
        if not self._shift.size:
            # Variances do not change when a constant is taken off; round-off does.
            n = np.maximum(complete.sum(axis=0), 1)
            self._shift = np.where(complete[:, None], f, 0.0).sum(axis=(0, 1)) / n / f.shape[1]
        f = np.where(complete[:, None], f - self._shift, 0.0)
        self._add_to("complete", self._weighted(w, complete.astype(float)))
        self._add_to("value", self._weighted(w, f))
        self._add_to("squared_sum", self._weighted(w, f.sum(axis=1) ** 2))
        self._add_to("sum_of_squares", self._weighted(w, (f**2).sum(axis=1)))
        if self.design.stochastic:
            self._add_to("value_products", _gram(f.transpose(2, 3, 0, 1), w[0]))

    @property
    def n_blocks(self) -> int:
        """Number of blocks of seeds that are resampled."""
        return self._blocks

    def over_samples(self) -> Draws:
        """Statistics of the data, of resampled samples, and of the first samples alone."""
        s = self._sums
        n, blocks = or_nan(s["complete"], least=2), self._blocks
        of_sum = s["squared_sum"] / n - (s["value"].sum(axis=1) / n) ** 2
        if self.design.stochastic:
            of_each = s["sum_of_squares"] / n - ((s["value"] / n[:, None]) ** 2).sum(axis=1)
            variance = (of_sum - of_each) / max(blocks * (blocks - 1), 1)
        else:
            variance = of_sum / blocks**2
        noise = s["noise"] / or_nan(s["noise_n"]) if self.design.stochastic else 0 * variance
        variance, noise = self._without_round_off(variance), self._without_round_off(noise)
        outer_n = self._of_draws(s["outer_n"])

        def matrices(t: int, o: int) -> np.ndarray:
            of_pairs = self._of_draws(s["outer"][..., t, o])
            return _symmetric(of_pairs) / or_nan(outer_n[:, t, o])[:, None, None]

        of_one = np.moveaxis(s["outer"][:, _diagonal(s["outer"].shape[1])], 1, -1)
        diagonal = self._of_draws(of_one)
        squares = diagonal / or_nan(outer_n)[..., None]
        return self._draws(matrices, squares, variance * self._unbiased(n), noise, self._n_nested)

    def _of_draws(self, kept: np.ndarray) -> np.ndarray:
        """Sums of the draws (draw, ...) from those that were kept."""
        if self._kept is None:
            return kept
        blocks = self._counts.shape[1]
        resampled = self._weighted(self._counts, kept[:blocks])
        return np.concatenate([resampled, kept[blocks:]])

    def over_seeds(self) -> Draws | None:
        """Statistics of the data, of resampled seeds, and of the first seeds alone.

        None without noise, or with too few seeds to resample.
        """
        if not self.design.stochastic or self._blocks < FEWEST:
            return None
        n_blocks = self._blocks
        sizes = nested(n_blocks)
        subsets = (np.arange(n_blocks) < np.array(sizes, int).reshape(-1, 1)).astype(float)
        m = np.concatenate([seed_weights(n_blocks).values.astype(float), subsets])
        s = self._sums
        products_n = or_nan(_over_pairs(s["products_n"], m))  # (draw, time, observable)
        # How often each pair of different blocks counts, (draw, block x block).
        often = m[:, :, None] * m[:, None, :] * (1 - np.eye(n_blocks))
        often = often.reshape(len(m), -1)
        p = s["products"].shape[-1] // n_blocks

        def matrices(t: int, o: int) -> np.ndarray:
            blocks = s["products"][t, o].reshape(n_blocks, p, n_blocks, p).transpose(0, 2, 1, 3)
            products = (often @ blocks.reshape(n_blocks**2, p * p)).reshape(-1, p, p)
            return products / products_n[:, t, o, None, None]

        shape = (*s["products"].shape[:2], n_blocks, p, n_blocks, p)
        diagonal = np.diagonal(s["products"].reshape(shape), axis1=3, axis2=5)
        diagonal = np.moveaxis(diagonal.reshape(*shape[:2], n_blocks**2, p), 2, 0)
        squares = self._weighted(often, diagonal) / products_n[..., None]
        n = or_nan(s["complete"][0], least=2)
        mean = np.moveaxis(s["value"][0] / n, 0, -1)  # (time, observable, block)
        covariance = s["value_products"] / n[..., None, None] - mean[..., :, None] * mean[..., None, :]
        pairs = _over_pairs(np.ones((1, 1, n_blocks, n_blocks)), m)
        variance = _over_pairs(covariance, m) / pairs * self._unbiased(n)
        # E (f_r - f_r')^2 / 2 is the variance between seeds. Blocks have less of it, in proportion.
        square = np.diagonal(s["value_products"], axis1=-2, axis2=-1)
        half = (square[..., :, None] + square[..., None, :]) / 2 - s["value_products"]
        noise = _over_pairs(half, m) / pairs
        variance = self._without_round_off(variance)
        of_data = self._without_round_off(s["noise"][0] / or_nan(s["noise_n"][0]))
        noise = of_data * np.divide(noise, noise[0], out=np.ones_like(noise), where=noise[0] > 0)
        last = np.append(self._block_starts()[1:], self._n_seeds)
        draws = self._draws(matrices, squares, variance, noise, len(sizes))
        return dataclasses.replace(draws, sizes=[int(last[size - 1]) for size in sizes])

    def _unbiased(self, n: np.ndarray) -> np.ndarray | float:
        """Groups count, not their samples: these are not independent.

        The mean of even points hardly errs, and takes nothing off.
        """
        if self.design.replicate is not None:
            return 1.0
        size = self.design.unit_size
        return n / np.where(n > size, n - size, np.nan) if self.design.weights is None else 1.0

    def _without_round_off(self, variance: np.ndarray) -> np.ndarray:
        """A variance that is not larger than round-off of the values is 0."""
        return np.where(
            np.abs(variance) <= round_off(self._largest, self._precision) ** 2, 0.0, variance
        )

    def _draws(
        self,
        matrices: Callable[[int, int], np.ndarray],
        squares: np.ndarray,
        variance: np.ndarray,
        noise: np.ndarray,
        n_nested: int,
    ) -> Draws:
        assert self._coordinates is not None, "no slab was added"
        c = self._coordinates
        dims = ("draw", "time", "observable")
        keep = {d: c[d] for d in ("time", "observable")}
        return Draws(
            matrices,
            xr.DataArray(
                squares, dims=(*dims, "parameter"), coords=keep | {"parameter": c["parameter"]}
            ),
            xr.DataArray(variance, dims=dims, coords=keep),
            xr.DataArray(noise, dims=dims, coords=keep),
            n_resamples=len(squares) - 1 - n_nested,
            sizes=self._sizes,
        )


def usable_seeds(ok: np.ndarray) -> np.ndarray:
    """Which seeds to use: those with half as many usable samples as the best, or more.

    That is asked of every observable. Covariances between seeds are over samples with all seeds, so one
    that fails nearly everywhere would leave none. All seeds, if fewer than two would be left.

    Args:
        ok: (sample, seed, time, observable), which entries are usable.
    """
    often = ok.sum(axis=(0, 2))
    enough: np.ndarray = np.all(often * 2 >= often.max(axis=0), axis=-1)
    return enough if enough.sum() > 1 else np.ones(len(enough), bool)


def _gram(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Sum over samples of w x x' (..., i, j), for x (..., sample, i)."""
    if not (w == 1).all():
        return np.swapaxes(x * w[:, None], -1, -2) @ x
    # One by one: of a matrix and itself BLAS makes half of the products.
    flat = x.reshape(-1, *x.shape[-2:])
    return np.stack([one.T @ one for one in flat]).reshape(*x.shape[:-2], x.shape[-1], x.shape[-1])


def _diagonal(pairs: int) -> np.ndarray:
    """Where in the upper triangle, row after row, the diagonal is; so many numbers are in it."""
    n = int((np.sqrt(8 * pairs + 1) - 1) / 2 + 0.5)
    return np.flatnonzero(np.equal(*np.triu_indices(n)))


def _symmetric(of_pairs: np.ndarray) -> np.ndarray:
    """Matrices (..., i, j) of their upper triangles (..., pair)."""
    n = len(_diagonal(of_pairs.shape[-1]))
    at = np.zeros((n, n), int)
    at[np.triu_indices(n)] = np.arange(of_pairs.shape[-1])
    return np.asarray(of_pairs[..., np.maximum(at, at.T)])


def or_nan(n: np.ndarray, least: int = 1) -> np.ndarray:
    """Numbers to divide by: NaN below ``least``, where nothing follows from so few."""
    return np.where(n >= least, n, np.nan)


def _over_pairs(products: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Sum over i != j of m_i m_j products_ij: (draw, ...) from (..., i, j) and (draw, i)."""
    everything = np.einsum("di,...ij,dj->d...", m, products, m, optimize=True)
    same = np.einsum("di,...ii->d...", m**2, products, optimize=True)
    return everything - same
