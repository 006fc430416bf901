"""Running sums of what slab after slab gives."""

from collections.abc import Mapping

import xarray as xr


def add_up(sums: dict[str, xr.DataArray], parts: Mapping[str, xr.DataArray]) -> None:
    """Add the parts of one slab to the running sums, by name."""
    for name, part in parts.items():
        total = sums.get(name)
        if total is None:
            sums[name] = part
        elif _are_alike(total, part):  # as of all slabs of a run: nothing is to be aligned
            sums[name] = total.copy(deep=False, data=total.values + part.values)
        else:
            sums[name] = total + part


def _are_alike(one: xr.DataArray, other: xr.DataArray) -> bool:
    """Whether two arrays have the same dimensions with the same labels."""
    labels = one.indexes, other.indexes
    return (
        (one.dims, one.shape) == (other.dims, other.shape)
        and labels[0].keys() == labels[1].keys()
        and all(labels[0][dim].equals(labels[1][dim]) for dim in labels[0])
    )
