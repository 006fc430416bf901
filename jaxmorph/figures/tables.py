"""The data of a figure as a tidy table: one row a drawn point, columns named as in the dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import xarray as xr

from ..errors import JaxmorphError


def interval(name: str) -> tuple[str, str, str]:
    """An estimate and the ends of its interval."""
    return name, f"{name}_low", f"{name}_high"


def ends_of(one: xr.Dataset | Mapping[str, float], name: str) -> tuple[float, float] | None:
    """The ends of a single estimate's interval; None where it has none."""
    _, low, high = interval(name)
    return (float(one[low]), float(one[high])) if low in one else None


def require(dataset: xr.Dataset, variable: str, figure: str, file: str = "sensitivity.nc") -> None:
    """Say readably that a figure's data is missing.

    Raises:
        JaxmorphError: ``variable`` is not in ``dataset``.
    """
    if variable not in dataset:
        raise JaxmorphError(
            f"the figure {figure} needs the variable {variable!r}, and the dataset has none: "
            f"make {file} again with this version of jaxmorph"
        )


def column(table: pd.DataFrame, values: xr.DataArray) -> pd.Series:
    """``values`` in the order of the rows of ``table``, matched by the names of their dimensions."""
    labels = pd.MultiIndex.from_frame(table[[str(dim) for dim in values.dims]])
    series = values.rename("values").to_series()
    series.index = pd.MultiIndex.from_tuples(
        [label if isinstance(label, tuple) else (label,) for label in series.index]
    )
    return pd.Series(series.reindex(labels).to_numpy(), index=table.index)


def tidy(dataset: xr.Dataset, variables: Iterable[str]) -> pd.DataFrame:
    """The variables that ``dataset`` has, with their dimensions' coordinates and ``time``."""
    present = [name for name in variables if name in dataset]
    chosen = dataset[present]
    table = chosen.drop_vars(set(chosen.coords) - {*chosen.dims, "time"})
    frame = table.to_dataframe(dim_order=list(table.sizes)).reset_index()
    return frame[[*[c for c in frame.columns if c not in present], *present]]
