"""Slabs of two runs side by side, with the same samples."""

from collections.abc import Iterable, Iterator

import xarray as xr


def side_by_side(
    first: Iterable[xr.Dataset], second: Iterable[xr.Dataset]
) -> Iterator[tuple[xr.Dataset, xr.Dataset]]:
    """Both runs in slabs of the same samples, however each was cut.

    Args:
        first: Slabs of one run, in the order of its samples, none missing.
        second: Those of a run with as many samples.
    """
    waiting: list[xr.Dataset | None] = [None, None]
    slabs = iter(first), iter(second)
    while True:
        for side, more in enumerate(slabs):
            if waiting[side] is None:
                waiting[side] = next(more, None)
        one, other = waiting
        if one is None or other is None:
            return
        n = min(one.sizes["sample"], other.sizes["sample"])
        yield one.isel(sample=slice(n)), other.isel(sample=slice(n))
        waiting = [
            data.isel(sample=slice(n, None)) if data.sizes["sample"] > n else None
            for data in (one, other)
        ]
