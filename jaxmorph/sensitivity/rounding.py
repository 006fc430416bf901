"""What of a spread is round-off, and squares that neither overflow nor vanish."""

from typing import Any

import numpy as np
import xarray as xr

_LAST_PLACES = 64


def round_off(size: Any, dtype: np.dtype | type = float) -> Any:
    """The spread below which numbers of this size may be equal: 64 units in the last place."""
    return _LAST_PLACES * np.finfo(dtype).eps * size


def root_sum_of_squares(x: xr.DataArray, dim: str, fewest: int = 0) -> xr.DataArray:
    """sqrt(sum of x^2), divided by the largest before it is squared; NaN with fewer than ``fewest``."""
    largest = abs(x).max(dim)
    size = largest.where((largest > 0) & np.isfinite(largest), 1.0)
    root: xr.DataArray = size * ((x / size) ** 2).sum(dim, min_count=fewest) ** 0.5
    return root
