"""Large arrays are compressed where they lose a third of their bytes, and stored plainly where not."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from jaxmorph import store
from jaxmorph.store.compression import CHUNK_BYTES, compression_of

N = CHUNK_BYTES // 8 + 1000
NOISE = np.random.default_rng(0).standard_normal(N)


@pytest.mark.parametrize(
    ("values", "compressed"),
    [
        (NOISE, False),
        (NOISE[:100], True),
        (np.where(np.arange(N) < N // 20, NOISE, np.nan), True),
        (np.round(NOISE), True),
        (np.repeat(NOISE > 0, 10), True),
        (NOISE.astype(np.float32).repeat(3), True),
        (NOISE.reshape(-1, 2).T, False),
    ],
    ids=["noise", "small", "mostly empty", "counts", "flags", "repeated", "transposed"],
)
def test_what_shrinks_is_compressed(values: np.ndarray, compressed: bool) -> None:
    assert bool(compression_of(values)) is compressed


def test_a_file_has_both(tmp_path: Path) -> None:
    about = {"units": "1", "long_name": "a number"}
    arrays = {"noise": NOISE, "count": np.round(NOISE)}
    data = xr.Dataset({name: ("sample", x, about) for name, x in arrays.items()})
    store.write_dataset(data, tmp_path / "d.nc", "design")
    with store.open_dataset(tmp_path / "d.nc", "design") as file:
        assert not file["noise"].encoding["zlib"]
        assert file["count"].encoding["zlib"]
        assert file["noise"].identical(data["noise"])
