"""Writing netCDF-4 files whole or not at all, and reading back only what is ours and whole."""

import contextlib
import dataclasses
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# File locking of HDF5 fails on some shared file systems, and files here are written once, then renamed.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import netCDF4
import numpy as np
import xarray as xr
from pydantic import JsonValue

from .. import integrity
from ..atomic import written_aside
from ..configuration.identity import Identity
from ..errors import JaxmorphError
from ..integrity import seal
from ..quantities import Attributes
from .compression import CHUNK_BYTES, compression_of

KINDS = (
    *("design", "batch", "corners", "checks", "sensitivity"),
    *("starts", "optimisation", "optimisation_cells", "comparison"),
)


def write_dataset(dataset: xr.Dataset, path: str | Path, kind: str) -> None:
    """Write ``dataset`` as one of ``KINDS``: aside first, checked, then renamed into place.

    Raises:
        ValueError: If a variable lacks ``units`` or ``long_name``.
        JaxmorphError: If the file cannot be written (a full disk, a missing right).
    """
    assert kind in KINDS, kind
    check_described(dataset, kind)
    dataset = dataset.assign_attrs(Conventions="CF-1.11", jaxmorph_file=kind)
    path = Path(path)
    with written_aside(path) as file:
        dataset.to_netcdf(file, engine="netcdf4", encoding=encoding_of(dataset))
        with opened(file, kind) as written:
            if not _reads_back(written, dataset):
                raise read_back_differently(path)
        seal(file)


def _reads_back(written: xr.Dataset, dataset: xr.Dataset) -> bool:
    """Whether a file holds a dataset: one large variable after another, so that one is held twice."""
    large = [name for name, variable in dataset.data_vars.items() if variable.nbytes > CHUNK_BYTES]
    return written.drop_vars(large, errors="ignore").load().identical(dataset.drop_vars(large)) and all(
        name in written and written.variables[name].identical(dataset.variables[name]) for name in large
    )


def read_back_differently(path: Path) -> JaxmorphError:
    """What is raised where a file that was just written does not hold what was written."""
    return JaxmorphError(f"{path}: what was written reads back differently; check the disk")


def check_described(dataset: xr.Dataset, kind: str) -> None:
    """Raises ValueError if a variable lacks ``units`` or ``long_name``."""
    for name, variable in dataset.variables.items():
        missing = {"units", "long_name"} - set(variable.attrs)
        if missing:
            raise ValueError(f"variable {name} of a {kind} file has no {' and no '.join(missing)}")


def encoding_of(dataset: xr.Dataset) -> dict[Hashable, dict[str, Any]]:
    """How the variables are compressed, and cut into chunks; large noise is stored as it is."""
    return {
        name: compression_of(variable.values)
        | _chunks(variable)
        | ({"_FillValue": None} if name in dataset.dims else {})
        for name, variable in dataset.variables.items()
        if variable.ndim and variable.dtype.kind in "fib"
    }


def _chunks(variable: xr.Variable) -> dict[str, Any]:
    """Whole samples, so that reading some of a file costs as much less; small variables as they come."""
    if variable.dims[0] != "sample" or variable.nbytes <= CHUNK_BYTES:
        return {}
    samples = max(1, CHUNK_BYTES * variable.shape[0] // variable.nbytes)
    return {"chunksizes": (samples, *variable.shape[1:])}


def write_json(content: Mapping[str, JsonValue], path: str | Path) -> None:
    """Write a small JSON file: aside first, then renamed into place."""
    integrity.write_json(content, path)


def read_json(path: str | Path) -> dict[str, Any]:
    """Read what :func:`write_json` wrote.

    Raises:
        JaxmorphError: If it is missing or damaged.
    """
    try:
        return integrity.read_json(path)
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def remedy(path: str | Path) -> str:
    """How to make a file of the workflow again, for an error message."""
    return f"make it again with: snakemake --force {path} (and your --configfile, if any)"


def read_dataset(path: str | Path, kind: str, made_of: Identity | None = None) -> xr.Dataset:
    """Read one of ``KINDS`` into memory and close the file.

    Args:
        path: The file.
        kind: What it must be.
        made_of: What it must have been made of; None: whatever it was.

    Raises:
        JaxmorphError: If it is missing, damaged, not such a file of ours, or made of something else.
    """
    with open_dataset(path, kind, made_of) as file:
        return file.load()


def read_given(path: str | Path | None, kind: str, made_of: Identity | None = None) -> xr.Dataset | None:
    """The same of a file that a run may do without: None where no path is given."""
    return read_dataset(path, kind, made_of) if path else None


@contextlib.contextmanager
def open_dataset(path: str | Path, kind: str, made_of: Identity | None = None) -> Iterator[xr.Dataset]:
    """The same, but open: of a large file only what is used is read, after all has been checked.

    Raises:
        JaxmorphError: As :func:`read_dataset`.
    """
    hold_whole(path)
    with opened(path, kind) as file:
        if made_of is not None:
            hold_to(made_of, file.attrs, path)
        yield file


@contextlib.contextmanager
def opened(path: str | Path, kind: str) -> Iterator[xr.Dataset]:
    """A file of one of ``KINDS`` that is known to be whole, as it has just been written.

    Raises:
        JaxmorphError: If it is no such file.
    """
    with _open(path) as file:
        _hold_to_kind(file.attrs, kind, path)
        yield file


def lazy_dataset(path: str | Path, kind: str, made_of: Identity) -> xr.Dataset:
    """One of ``KINDS``, of which variables are read when they are used: its end is checked alone.

    Raises:
        JaxmorphError: If it is missing, cut, not such a file of ours, or made of something else.
    """
    if not Path(path).is_file():
        raise _missing(path)
    if wrong := integrity.damage_at_the_end(path):
        raise _damaged(path, wrong)
    file = _open(path)
    _hold_to_kind(file.attrs, kind, path)
    hold_to(made_of, file.attrs, path)
    return file


def _open(path: str | Path) -> xr.Dataset:
    try:
        return xr.open_dataset(path, engine="netcdf4", decode_times=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _hold_to_kind(attributes: Mapping[Any, Any], kind: str, path: str | Path) -> None:
    if (found := attributes.get("jaxmorph_file")) != kind:
        raise JaxmorphError(
            f"{path}: not a {kind} file of jaxmorph (jaxmorph_file = {found!r}); {remedy(path)}"
        )


def hold_whole(path: str | Path) -> None:
    """Raises JaxmorphError if a file is missing or damaged."""
    if not Path(path).is_file():
        raise _missing(path)
    if (what := integrity.damage(path)) is not None:
        raise _damaged(path, what)


def is_made(path: str | Path, kind: str, made_of: Identity) -> bool:
    """Whether a file of one of ``KINDS`` is there, whole, and made of what is asked for."""
    if not Path(path).is_file():
        return False
    try:
        attributes = read_attributes(path)
    except JaxmorphError:  # damaged
        return False
    return attributes.get("jaxmorph_file") == kind and made_of.refusal(attributes) is None


def hold_to(made_of: Identity, attributes: Mapping[Any, Any], path: str | Path) -> None:
    """Raises JaxmorphError if a file was made of something else, with what differs."""
    if (refusal := made_of.refusal(attributes)) is not None:
        raise JaxmorphError(f"{path}: {refusal}; {remedy(path)}")


def read_samples(path: str | Path, names: Iterable[str], rows: slice) -> dict[str, np.ndarray]:
    """Some samples of variables, as they lie in a file that :func:`open_dataset` has accepted.

    Raises:
        JaxmorphError: If they cannot be read.
    """
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            return {name: file[name][rows] for name in names}
    except (OSError, RuntimeError, IndexError) as error:
        raise _damaged(path, str(error)) from error


@dataclasses.dataclass(frozen=True)
class FileParts:
    """Some of a file, as it lies there.

    Attributes:
        attributes: All of the file's.
        arrays: Variables by name.
        chunks: How many entries of their first dimension are stored together, by name.
    """

    attributes: Attributes
    arrays: dict[str, np.ndarray]
    chunks: dict[str, int]


def read_parts(
    path: str | Path, kind: str, made_of: Identity, names: Iterable[str], chunked: Iterable[str]
) -> FileParts:
    """Some variables of a file, checked as :func:`open_dataset` checks it, in a tenth of the time.

    Args:
        path: The file.
        kind: What it must be.
        made_of: What it must have been made of.
        names: Variables to read whole.
        chunked: Variables of which only the chunks are told.

    Raises:
        JaxmorphError: As :func:`read_dataset`.
    """
    hold_whole(path)
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            attributes = {name: file.getncattr(name) for name in file.ncattrs()}
            _hold_to_kind(attributes, kind, path)
            hold_to(made_of, attributes, path)
            arrays = {name: np.asarray(file[name][:]) for name in names}
            stored = {name: file[name].chunking() for name in chunked}
    except (OSError, RuntimeError, IndexError) as error:
        raise _damaged(path, str(error)) from error
    return FileParts(
        attributes, arrays, {n: 1 if c == "contiguous" else c[0] for n, c in stored.items()}
    )


def read_attributes(path: str | Path) -> Attributes:
    """The global attributes of a netCDF file, and nothing else of it.

    Raises:
        JaxmorphError: If it is missing or damaged.
    """
    hold_whole(path)
    try:
        with netCDF4.Dataset(path) as file:
            return {name: file.getncattr(name) for name in file.ncattrs()}
    except (OSError, RuntimeError) as error:
        raise _damaged(path, str(error)) from error


def _missing(path: str | Path) -> JaxmorphError:
    return JaxmorphError(f"{path}: no such file; {remedy(path)}")


def _damaged(path: str | Path, what: str) -> JaxmorphError:
    return JaxmorphError(f"{path}: is damaged: {what}; {remedy(path)}")


def as_strings(values: object) -> np.ndarray:
    """Text as an array that netCDF stores as variable-length strings."""
    return np.asarray(values, dtype=object)
