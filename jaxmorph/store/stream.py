"""Writing a dataset slab of samples by slab, so that it never has to fit in memory."""

import contextlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

from ..atomic import written_aside
from ..integrity import seal
from .compression import compression_of
from .files import check_described, encoding_of, opened, read_back_differently

_CHUNK_SAMPLES = 64
# Slabs are written one after another: more than a chunk or two of each variable need not be kept. The
# library's default, 16 MB or more a variable, is a gigabyte for all of them.
_CACHE_BYTES = 1 << 20


@contextlib.contextmanager
def streamed(path: str | Path, kind: str, n_samples: int) -> Iterator["Stream"]:
    """A dataset file that is written in slabs: aside, checked, then renamed into place.

    Args:
        path: The file.
        kind: One of ``KINDS``.
        n_samples: Length of its dimension ``sample``.

    Raises:
        JaxmorphError: If the file cannot be written, or reads back differently.
    """
    path = Path(path)
    with written_aside(path) as file:
        stream = Stream(file, path, kind, n_samples)
        try:
            yield stream
            stream.check()
            seal(file)
        finally:
            stream.close()


class Stream:
    """What :func:`streamed` gives: ``append`` slabs in order, ``derive`` from them, then ``finish``."""

    def __init__(self, path: Path, final: Path, kind: str, n_samples: int):
        self._path, self._final, self._kind, self._n = path, final, kind, n_samples
        self._file: netCDF4.Dataset | None = netCDF4.Dataset(path, "w")
        self._file.createDimension("sample", n_samples)
        self._slabs: list[slice] = []
        self._gaps: list[slice] = []
        self._sums: dict[tuple[str, int], int] = {}
        self._done = 0

    def append(self, slab: xr.Dataset) -> None:
        """Write the next samples: variables whose first dimension is ``sample``."""
        rows = slice(self._done, self._done + slab.sizes["sample"])
        self._slabs.append(rows)
        self._done = rows.stop
        self._write(slab, len(self._slabs) - 1)

    def skip_to(self, sample: int) -> None:
        """Leave the samples before this one without numbers: NaN, or 0 where they are counted."""
        if sample > self._done:
            self._gaps.append(slice(self._done, sample))
            self._done = sample

    def derive(self, names: Sequence[str], function: Callable[[xr.Dataset], xr.Dataset]) -> None:
        """Add variables that ``function`` makes, slab by slab, from those of ``names`` it has."""
        assert self._file is not None
        for i, rows in enumerate(self._slabs):
            written = {n: self._file[n] for n in names if n in self._file.variables}
            slab = xr.Dataset(
                {n: (v.dimensions, np.ma.getdata(v[rows]), v.__dict__) for n, v in written.items()}
            )
            self._write(function(slab), i)

    def finish(self, dataset: xr.Dataset) -> None:
        """Add everything else, with the attributes of the file."""
        assert self._done == self._n, f"{self._done} of {self._n} samples were written"
        assert self._file is not None
        for variable in self._file.variables.values():
            if variable.dtype.kind != "f":  # a float is NaN where nothing was written
                for rows in self._gaps:
                    variable[rows] = 0
        self.close()
        check_described(dataset, self._kind)
        dataset = dataset.assign_attrs(Conventions="CF-1.11", jaxmorph_file=self._kind)
        dataset.to_netcdf(self._path, mode="a", engine="netcdf4", encoding=encoding_of(dataset))
        with opened(self._path, self._kind) as written:
            rest = written.drop_vars([n for n in written.data_vars if n not in dataset])
            if not rest.load().identical(dataset):
                raise read_back_differently(self._final)

    def check(self) -> None:
        """Read the slabs back.

        Raises:
            JaxmorphError: If they are not what was written.
        """
        self.close()
        with netCDF4.Dataset(self._path) as file:
            file.set_auto_mask(False)
            for variable in file.variables.values():
                variable.set_var_chunk_cache(size=_CACHE_BYTES)
            for (name, i), checksum in self._sums.items():
                if zlib.crc32(np.ascontiguousarray(file[name][self._slabs[i]]).data) != checksum:
                    raise read_back_differently(self._final)

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, slab: xr.Dataset, i: int) -> None:
        assert self._file is not None
        check_described(slab, self._kind)
        for key, variable in slab.data_vars.items():
            name = str(key)
            if name not in self._file.variables:
                self._create(name, variable)
            values = np.ascontiguousarray(variable.values)
            self._sums[name, i] = zlib.crc32(values.data)
            self._file[name][self._slabs[i]] = values

    def _create(self, name: str, variable: xr.DataArray) -> None:
        dims = [str(dim) for dim in variable.dims]
        assert self._file is not None and dims[0] == "sample", dims
        for dim in dims[1:]:
            if dim not in self._file.dimensions:
                self._file.createDimension(dim, variable.sizes[dim])
        created = self._file.createVariable(
            name,
            variable.dtype.str,
            dims,
            chunksizes=(min(_CHUNK_SAMPLES, self._n), *variable.shape[1:]),
            fill_value=np.nan if variable.dtype.kind == "f" else None,
            **compression_of(variable.values),
        )
        created.set_auto_mask(False)
        created.setncatts(variable.attrs)
        created.set_var_chunk_cache(size=_CACHE_BYTES)
