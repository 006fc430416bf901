"""What of the datasets of a run its figures show."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from ..configuration.look import Figures
from ..errors import JaxmorphError


def chosen(data: xr.Dataset, figures: Figures, all_parameters: bool = False) -> xr.Dataset:
    """The parameters, observables and times that are shown of a ``sensitivity.nc`` or ``checks.nc``.

    With ``all_parameters`` no parameter is left out, for a figure that is of just so many.

    Raises:
        JaxmorphError: The data have none of the name, or nothing at these times.
    """
    parameters = "all" if all_parameters else figures.parameters
    for dim, names in (("parameter", parameters), ("observable", figures.observables)):
        if names == "all" or dim not in data.dims:
            continue
        known = [str(name) for name in data[dim].values]
        if unknown := [name for name in names if name not in known]:
            raise JaxmorphError(
                f"figures.{dim}s = {unknown[0]}: the run has no such {dim}; known: {', '.join(known)}"
            )
        if dim == "parameter":
            data = _with_distributions_of(data, known, names)
        for one in (dim, f"{dim}_2"):
            if one in data.dims:
                data = data.sel({one: list(names)})
    if figures.times is None or "time" not in data.dims:
        return data
    time = data["time"].values
    figures.check_times(time.tolist())
    return data.isel(time=np.flatnonzero((time >= figures.times[0]) & (time <= figures.times[1])))


def _with_distributions_of(data: xr.Dataset, known: list[str], names: tuple[str, ...]) -> xr.Dataset:
    """``data`` whose attribute ``distributions``, in the order of the parameters, has these alone."""
    every = json.loads(data.attrs.get("distributions", "[]"))
    if len(every) != len(known):
        return data
    kept = [every[known.index(name)] for name in names]
    return data.assign_attrs(distributions=json.dumps(kept))
