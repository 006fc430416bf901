"""Which arrays are compressed: what noise has filled to the last digit hardly shrinks, and costs most.

Doubles of a simulation lose a fifth of their bytes to deflate, which takes thirty times as long as
writing them plainly, and seven times as long to read. Counts, flags and what is mostly empty lose nearly
all of them.
"""

import zlib
from typing import Any

import numpy as np

_DEFLATE: dict[str, Any] = {"zlib": True, "complevel": 4, "shuffle": True}
CHUNK_BYTES = 1 << 18
"""What is read by samples is stored in chunks of some samples, of about so many bytes."""
# Looked at of a large array: so many pieces of so many bytes, evenly along it.
_PIECES, _PIECE_BYTES = 16, 1 << 13
_WORTHWHILE = 2 / 3


def compression_of(values: np.ndarray) -> dict[str, Any]:
    """How netCDF is to store an array: compressed if it is small, or loses a third of its bytes."""
    return _DEFLATE if values.nbytes <= CHUNK_BYTES or _shrinks(values) else {}


def _shrinks(values: np.ndarray) -> bool:
    """Whether pieces of a large array lose a third of their bytes."""
    flat = np.ascontiguousarray(values).reshape(-1)
    size = _PIECE_BYTES // flat.itemsize
    starts = np.linspace(0, flat.size - size, _PIECES).astype(int)
    pieces = np.concatenate([flat[start : start + size] for start in starts])
    # Bytes of the same place of all numbers together, as the shuffle of HDF5 puts them.
    shuffled = pieces.view(np.uint8).reshape(-1, pieces.itemsize).T.tobytes()
    return len(zlib.compress(shuffled, 1)) < _WORTHWHILE * len(shuffled)
