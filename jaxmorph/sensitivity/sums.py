"""Running sums of what slab after slab gives."""

from collections.abc import Mapping

import xarray as xr


def add_up(sums: dict[str, xr.DataArray], parts: Mapping[str, xr.DataArray]) -> None:
    """Add the parts of one slab to the running sums, by name."""
    for name, part in parts.items():
        total = sums.get(name)
        if total is None:
            sums[name] = part
        elif total.dims == part.dims and total.shape == part.shape:
            # Slabs of a run have the same times, observables and parameters: nothing is to be aligned.
            sums[name] = total.copy(deep=False, data=total.values + part.values)
        else:
            sums[name] = total + part
