"""The size of observables: estimators see numbers of order 1 in double precision, whatever the unit.

Energies in joules are 1e-25, and their squares are 0 in single precision, as are squares of squares in
double precision; those of 1e200 are infinite. So every observable, with its gradients, is divided by a
power of two near its size before anything is squared, which changes no digit, and what is
estimated is multiplied back by the power that its declared unit says.
"""

import dataclasses
from typing import Self

import numpy as np
import xarray as xr

from ..quantities import Quantity, declaration_of, power_in

# Squares of squares of so many powers of two are finite, with room for sums.
_WILD_EXPONENT = 230
_MOST_IN_A_ROW = 1 << 16
# Of powers of two that are numbers of full precision.
_NORMAL_EXPONENT = 1000
_TINIEST, _LARGEST = float(np.finfo(float).tiny), float(np.finfo(float).max)


@dataclasses.dataclass(frozen=True)
class Magnitudes:
    """Magnitudes of the observables of a run, as the first slab of it tells them.

    Attributes:
        exponent: Each observable is divided by 2 to this power, (observable). It is the size of values
            and of gradients alike: half-way between the two where they differ, so that the squares of
            both are numbers.
        largest_value: Larger ones are wild, (observable): 2^230 or 1e69 times what is usual.
        largest_gradient: The same of gradients by parameters in units of their sd.
        beyond: Names of estimates that had an entry too large or too small for a number in its unit.
    """

    exponent: xr.DataArray
    largest_value: xr.DataArray
    largest_gradient: xr.DataArray
    beyond: set[str] = dataclasses.field(default_factory=set)

    @classmethod
    def of(cls, value: xr.DataArray, gradient: xr.DataArray) -> Self:
        """From all seeds of some samples.

        Args:
            value: (sample, seed, time, observable).
            gradient: (..., parameter), by parameters in units of their sd.
        """
        usual = [_usual(value, ()), _usual(gradient, ("parameter",))]
        with np.errstate(divide="ignore"):
            sizes = np.log2(np.array(usual))
        known = np.isfinite(sizes)
        middle = np.where(known, sizes, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        by_value, by_gradient = [
            np.where(k, np.ldexp(1.0, np.rint(s + _WILD_EXPONENT).clip(max=1023).astype(int)), _LARGEST)
            for s, k in zip(np.where(known, sizes, 0.0), known, strict=True)
        ]
        return cls(
            xr.DataArray(np.rint(middle).astype(int), dims="observable"),
            xr.DataArray(by_value, dims="observable"),
            xr.DataArray(by_gradient, dims="observable"),
        )

    def usable(self, value: xr.DataArray, gradient: xr.DataArray) -> xr.DataArray:
        """Where a value and its gradients are finite, and none is wild: sums would hold it alone.

        Both as :meth:`divided` gives them, gradients by parameters in units of their sd.
        """
        order = ("sample", "seed", "time", "observable")
        f = value.transpose(*order)
        with np.errstate(over="ignore"):
            most_value, most_gradient = (
                np.ldexp(x.values, -self.exponent.values).clip(max=_LARGEST)
                for x in (self.largest_value, self.largest_gradient)
            )
        tame = np.abs(f.values) <= most_value
        # Whole records, so that what is compared lies in a row.
        limit = np.broadcast_to(most_gradient, f.shape[2:]).copy()
        for part in gradient.transpose("parameter", *order).values:
            tame &= np.abs(part) <= limit
        return f.copy(deep=False, data=tame).transpose(*value.dims)

    def divided(self, array: xr.DataArray) -> xr.DataArray:
        """An observable, or its gradients, in double precision and of order 1."""
        return _times_two_to(array, -self.exponent)

    def multiplied(self, dataset: xr.Dataset, declared: dict[str, Quantity]) -> xr.Dataset:
        """Estimates in their units again; NaN where one is not 0, but too small for a number."""
        result: dict[str, xr.DataArray] = {}
        for name, array in dataset.data_vars.items():
            quantity = declaration_of(str(name), declared)
            power = power_in(quantity.unit, "observable") if quantity is not None else 0
            if not power or "observable" not in array.dims:
                continue
            if not self.exponent.values.any():
                continue  # the unit is that of the estimators
            before, after = array.values, _times_two_to(array, power * self.exponent).values
            vanishes = np.abs(after) < _TINIEST
            if vanishes.any():
                vanishes &= (before != 0) & ~np.isnan(before)
                after = np.where(vanishes, np.nan, after)
            result[str(name)] = array.copy(deep=False, data=after)
            infinite = np.isinf(after)
            if vanishes.any() or (infinite.any() and (infinite & np.isfinite(before)).any()):
                self.beyond.add(str(name))
        return dataset.assign(result)

    def divided_again(self, dataset: xr.Dataset, declared: dict[str, Quantity]) -> xr.Dataset:
        """Estimates in their units as estimators made them."""
        back = dataclasses.replace(self, exponent=-self.exponent, beyond=set())
        return back.multiplied(dataset, declared)

    def overflows(self, array: xr.DataArray, power: int) -> xr.DataArray:
        """Where an estimate that goes with a power of the observable is infinite in its unit."""
        infinite: xr.DataArray = xr.apply_ufunc(np.isinf, _times_two_to(array, power * self.exponent))
        return infinite


def _times_two_to(array: xr.DataArray, exponent: xr.DataArray) -> xr.DataArray:
    along = [-1 if dim == "observable" else 1 for dim in array.dims]
    values, by = array.values.astype(float, copy=False), exponent.values
    with np.errstate(over="ignore", under="ignore"):
        if np.abs(by).max(initial=0) < _NORMAL_EXPONENT:
            # Exact, as ldexp, and faster; in whole records, so that what is multiplied lies in a row.
            factor = np.ldexp(1.0, by.reshape(along))
            record = values.shape[along.index(-1) - 1 :] if -1 in along[1:] else ()
            if record and int(np.prod(record)) <= _MOST_IN_A_ROW:
                factor = np.broadcast_to(factor[(0,) * (values.ndim - len(record))], record).copy()
            scaled = values * factor
        else:
            scaled = np.ldexp(values, by.reshape(along))
    return array.copy(deep=False, data=scaled)


def _usual(array: xr.DataArray, others: tuple[str, ...]) -> np.ndarray:
    """Median size over samples and seeds of what is not 0, the largest over times; 0 if unknown."""
    x = np.abs(array.transpose("time", *others, "observable", "sample", "seed").values.astype(float))
    x = x.reshape(-1, x.shape[-3], x.shape[-2] * x.shape[-1])
    sized = (x > 0) & np.isfinite(x)
    middle = np.maximum(sized.sum(axis=-1, keepdims=True) - 1, 0) // 2
    x = np.sort(np.where(sized, x, np.inf), axis=-1)
    median = np.take_along_axis(x, middle, axis=-1)[..., 0]
    return np.where(np.isfinite(median), median, 0.0).max(axis=0)
