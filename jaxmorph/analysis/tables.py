"""Estimates as tables, for programs that read no NetCDF."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import xarray as xr

from ..atomic import written_aside
from ..errors import JaxmorphError

Format = Literal["csv", "parquet"]


def tables_of(dataset: xr.Dataset) -> dict[str, pd.DataFrame]:
    """Tables in long form, one for each set of dimensions that variables have.

    Args:
        dataset: Of any file of a run.

    Returns:
        By the names of the dimensions, joined by ``-`` (``run`` for numbers alone): a column for each
        dimension and for each variable that has just these.
    """
    of_dims: dict[tuple[str, ...], list[str]] = {}
    for name, array in dataset.data_vars.items():
        of_dims.setdefault(tuple(map(str, array.dims)), []).append(str(name))
    return {"-".join(dims) or "run": _long(dataset[names], dims) for dims, names in of_dims.items()}


def _long(part: xr.Dataset, dims: tuple[str, ...]) -> pd.DataFrame:
    values = part.reset_coords(drop=True)
    if not dims:
        return pd.DataFrame({str(name): [array.item()] for name, array in values.data_vars.items()})
    return values.to_dataframe(dim_order=list(dims)).reset_index()


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path, form: Format) -> list[Path]:
    """Write tables, one file each.

    Raises:
        JaxmorphError: The format is none, or what writes it is not installed.
    """
    if form not in ("csv", "parquet"):
        raise JaxmorphError(f"format = {form!r}: must be csv or parquet")
    if form == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise JaxmorphError("format = 'parquet': needs pyarrow; run pip install pyarrow, or take csv")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, table in tables.items():
        path = folder / f"{name}.{form}"
        with written_aside(path) as unfinished:
            _write(table, unfinished, form)
        written.append(path)
    return written


def _write(table: pd.DataFrame, path: Any, form: Format) -> None:
    if form == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)
