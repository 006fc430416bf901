"""What of a spread is round-off."""

from typing import Any

import numpy as np

_LAST_PLACES = 64


def round_off(size: Any, dtype: np.dtype | type = float) -> Any:
    """The spread below which numbers of this size may be equal: 64 units in the last place."""
    return _LAST_PLACES * np.finfo(dtype).eps * size
