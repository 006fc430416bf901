"""Running sums of what slab after slab gives."""

from collections.abc import Mapping

import xarray as xr


def add_up(sums: dict[str, xr.DataArray], parts: Mapping[str, xr.DataArray]) -> None:
    """Add the parts of one slab to the running sums, by name."""
    for name, part in parts.items():
        sums[name] = sums[name] + part if name in sums else part
