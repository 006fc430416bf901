"""Sums over the seeds of each sample, which several estimators are made of, from arrays as they lie.

Of a slab everything that is as large as its gradients is computed here or from what is here, once.
Parameters come first and time and observable are one axis, so that what is multiplied by a number of
each sample and parameter goes along contiguous memory; and it goes by some samples at a time, which stay
in the cache of the processor.
"""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np
import xarray as xr

_DIMS = ("sample", "seed", "time", "observable")
_PIECE_BYTES = 5e5
# Squares between these are numbers; beyond, their sums are made of numbers divided by the largest.
_LEAST, _MOST = 1e-290, 1e290


@dataclasses.dataclass(frozen=True)
class OverSeeds:
    """Some samples: s of them, r seeds, k places (time and observable), p parameters.

    Attributes:
        value: (s, r, k), 0 where it is not used.
        gradient: (p, s, r, k), 0 at the same places.
        used: (s, r, k).
        shape: Sizes of sample, time and observable.
        named_before: A statistic of each kind, with its coordinates.
    """

    value: np.ndarray
    gradient: np.ndarray
    used: np.ndarray
    shape: tuple[int, int, int]
    named_before: dict[tuple[tuple[str, ...], int], xr.DataArray] = dataclasses.field(
        default_factory=dict, repr=False
    )

    @classmethod
    def of(cls, value: xr.DataArray, gradient: xr.DataArray) -> "OverSeeds":
        """From values and gradients (sample, seed, time, observable[, parameter]).

        What is not finite, of a value or any of its gradients, is not used.
        """
        gradient = parameters_first(gradient)
        f = value.transpose(*_DIMS)
        used = np.isfinite(f.values)
        for part in gradient.transpose("parameter", *_DIMS).values:
            used &= np.isfinite(part)
        return cls.known_to_be(f, gradient, f.copy(deep=False, data=used))

    @classmethod
    def known_to_be(cls, value: xr.DataArray, gradient: xr.DataArray, used: xr.DataArray) -> "OverSeeds":
        """The same where it is known what can be used."""
        f = value.transpose(*_DIMS).values
        shape = (f.shape[0], *f.shape[2:])
        f = f.reshape(*f.shape[:2], -1)
        g = gradient.transpose("parameter", *_DIMS).values
        g = g.reshape(len(g), *f.shape)
        there = used.transpose(*_DIMS).values.reshape(f.shape)
        if not there.all():
            f, g = np.where(there, f, 0.0), np.where(there, g, 0.0)
        return cls(f, g, there, shape)

    def named(self, array: np.ndarray, like: xr.DataArray) -> xr.DataArray:
        """A statistic ([p,] s, k) as (sample, time, observable[, parameter]).

        Args:
            array: The statistic.
            like: What has the coordinates.
        """
        return self._named(array, "sample", like)

    def named_seeds(self, array: np.ndarray, like: xr.DataArray) -> xr.DataArray:
        """A sum over samples ([p,] r, k) as (seed, time, observable[, parameter])."""
        return self._named(array, "seed", like)

    def _named(self, array: np.ndarray, first: str, like: xr.DataArray) -> xr.DataArray:
        dims: tuple[str, ...] = (first, "time", "observable")
        if array.ndim == 3:
            dims = (*dims, "parameter")
            array = np.moveaxis(array.reshape(*array.shape[:2], *self.shape[1:]), 0, -1)
        else:
            array = array.reshape(len(array), *self.shape[1:])
        kind = dims, len(array)
        if kind not in self.named_before:
            coords = {n: c for n, c in like.coords.items() if set(c.dims) <= set(dims)}
            self.named_before[kind] = xr.DataArray(array, coords, dims)
        # To look at all coordinates takes longer than most of what is computed here.
        return self.named_before[kind].copy(deep=False, data=array)

    def named_place(self, array: np.ndarray, like: xr.DataArray) -> xr.DataArray:
        """A sum over samples and seeds ([p,] k) as (time, observable[, parameter])."""
        return self.named_seeds(array[..., None, :], like).isel(seed=0)

    @property
    def known(self) -> xr.DataArray:
        """``used`` as (sample, seed, time, observable)."""
        shape = (len(self.used), self.n_seeds, *self.shape[1:])
        return xr.DataArray(self.used.reshape(shape), dims=_DIMS)

    def flat(self, array: xr.DataArray) -> np.ndarray:
        """The reverse."""
        dims = ("sample", "time", "observable")
        if "parameter" in array.dims:
            x = np.ascontiguousarray(array.transpose("parameter", *dims).values)
            return x.reshape(len(x), self.shape[0], -1)
        return array.transpose(*dims).values.reshape(self.shape[0], -1)

    @property
    def n_seeds(self) -> int:
        """Number of seeds, used or not."""
        return self.value.shape[1]

    @functools.cached_property
    def all_used(self) -> bool:
        """Whether there is nothing to leave out."""
        return bool(self.used.all())

    @functools.cached_property
    def n(self) -> np.ndarray:
        """Number of seeds that are used (s, k)."""
        return np.asarray(self.used.sum(axis=1))

    @functools.cached_property
    def several(self) -> np.ndarray:
        """The same where it is more than one, else NaN."""
        return np.where(self.n > 1, self.n, np.nan)

    @functools.cached_property
    def mean(self) -> np.ndarray:
        """Of the value (s, k); NaN without a seed."""
        return self.value.sum(axis=1) / np.where(self.n > 0, self.n, np.nan)

    @functools.cached_property
    def slope(self) -> np.ndarray:
        """The mean gradient (p, s, k)."""
        return self.gradient.sum(axis=2) / np.where(self.n > 0, self.n, np.nan)

    @functools.cached_property
    def apart(self) -> np.ndarray:
        """The value less its mean (s, r, k), 0 where it is not used."""
        apart = self.value - self.mean[:, None]
        return apart if self.all_used else np.where(self.used, apart, 0.0)

    def moved(self, s: slice) -> np.ndarray:
        """The same of the gradients of some samples (p, s, r, k): of all they would leave the cache."""
        moved = self.gradient[:, s] - self.slope[:, s, None]
        if not self.all_used:
            moved = np.where(self.used[s], moved, 0.0)
        return np.asarray(moved)

    @functools.cached_property
    def spread(self) -> np.ndarray:
        """The root of the sum of squares of ``apart`` (s, k)."""
        return root_of_squares(self.apart)

    @property
    def slope_spread(self) -> np.ndarray:
        """The same of ``moved`` (p, s, k)."""
        return self._of_moved[0]

    @property
    def products(self) -> np.ndarray:
        """The sum of ``apart`` times ``moved`` (p, s, k)."""
        return self._of_moved[1]

    @functools.cached_property
    def _of_moved(self) -> tuple[np.ndarray, np.ndarray]:
        spread, products = np.empty_like(self.slope), np.empty_like(self.slope)
        for s in self.pieces():
            moved = self.moved(s)
            spread[:, s] = root_of_squares(moved)
            np.einsum("srk,psrk->psk", self.apart[s], moved, out=products[:, s])
        return spread, products

    def standard_error(self) -> np.ndarray:
        """Of the mean (s, k)."""
        return self.spread / (self.several - 1) ** 0.5 / self.n**0.5

    def slope_error(self) -> np.ndarray:
        """Of the mean gradient (p, s, k)."""
        return self.slope_spread / (self.several - 1) ** 0.5 / self.n**0.5

    def pieces(self) -> Iterator[slice]:
        """Samples that are worked on at a time."""
        size = max(1, int(_PIECE_BYTES / max(self.gradient[:, :1].nbytes, 1)))
        for start in range(0, len(self.value), size):
            yield slice(start, min(start + size, len(self.value)))


def parameters_first(gradient: xr.DataArray) -> xr.DataArray:
    """Gradients as they are, but with parameters first in the memory."""
    first = gradient.transpose("parameter", *_DIMS)
    return first.copy(deep=False, data=_copied(first.values)).transpose(*_DIMS, "parameter")


def _copied(x: np.ndarray) -> np.ndarray:
    """A contiguous copy (p, s, ...), some samples at a time."""
    if x.flags.c_contiguous:
        return x
    made = np.empty(x.shape, x.dtype)
    size = max(1, int(_PIECE_BYTES / max(x[:, :1].nbytes, 1)))
    for start in range(0, x.shape[1], size):
        made[:, start : start + size] = x[:, start : start + size]
    return made


def times(gradient: xr.DataArray, by: xr.DataArray) -> xr.DataArray:
    """Gradients that lie with parameters first, times a number of each (sample, parameter)."""
    first = gradient.transpose("parameter", *_DIMS)
    factor = by.transpose("parameter", "sample").values[:, :, None, None, None]
    return first.copy(deep=False, data=first.values * factor).transpose(*_DIMS, "parameter")


def root_of_squares(x: np.ndarray) -> np.ndarray:
    """The root of the sum of squares over seeds (..., r, k): (..., k), of numbers of any size."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("...rk,...rk->...k", x, x)
        root = np.sqrt(squares)
        odd = ~((squares > _LEAST) & (squares < _MOST))
        if odd.any():
            few = x.swapaxes(-1, -2)[odd]
            largest = np.abs(few).max(axis=-1)
            size = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
            root[odd] = size * np.sqrt(((few / size[:, None]) ** 2).sum(axis=-1))
    return np.asarray(root)


def count(true: np.ndarray) -> np.ndarray:
    """How many seeds there are (..., r, k): (..., k)."""
    small = true.shape[-2] < 256
    kind = np.uint8 if small else np.uint32
    return np.add.reduce(true.view(np.uint8), axis=-2, dtype=kind).astype(int)
