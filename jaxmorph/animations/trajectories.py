"""From a dataset to trajectories of cells, and to the colours that are the same for all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, ListedColormap

from ..errors import JaxmorphError
from ..figures.style import words
from ..quantities import unit_of_entry
from ..visualization.colours import Colour, Colouring, column, name_and_column
from ..visualization.trajectory import Trajectory

ONE_TYPE = ListedColormap(["#9CC3DB"])
"""Of cells whose colour says nothing: none of those that mean something in a chart beside them."""

LIGHT = LinearSegmentedColormap.from_list("light", colormaps["YlGnBu"](np.linspace(0.08, 0.95, 256)))
"""Of amounts: shade and outline are seen on low values, which many cells of a tissue have."""


def has_cells(dataset: xr.Dataset) -> bool:
    """Whether there is something to draw as cells."""
    return {"position", "radius"} <= set(dataset) and "cell" in dataset["position"].dims


def stored(dataset: xr.Dataset, sample: int | None, seed: int | None) -> xr.Dataset:
    """One stored trajectory; of those that fit, the first.

    Raises:
        JaxmorphError: there is none.
    """
    there = dataset["trajectory_stored"]
    numbers = {"sample": there["sample"].values, "seed": there["seed"].values}
    pairs = [(int(numbers["sample"][i]), int(numbers["seed"][j])) for i, j in np.argwhere(there.values)]
    for s, r in pairs:
        if sample in (None, s) and seed in (None, r):
            return dataset.sel(sample=s, seed=r)
    raise JaxmorphError(
        f"there is no trajectory of sample {sample}, seed {seed}: the batch stores "
        + ", ".join(f"sample {s} seed {r}" for s, r in pairs)
    )


def coloured(ones: Sequence[xr.Dataset], colour: str) -> tuple[list[Trajectory], Colouring]:
    """Trajectories with what colours their cells, and the colours, the same for all of them."""
    about = _colour(ones[0], colour)
    by_type = name_and_column(colour)[0] in ("type", "celltype")
    cells = [trajectory_of(one, None if by_type else colour) for one in ones]
    if by_type:
        n_types = cells[0].celltype.shape[-1]
        colouring = Colouring.of_types(n_types, ONE_TYPE if n_types == 1 else None)
    else:
        values, alive = (np.stack([getattr(c, n) for c in cells]) for n in ("value", "alive"))
        of_one_sign = not about.categorical and (values[alive] >= 0).all()
        about = dataclasses.replace(about, cmap=LIGHT if of_one_sign else None)
        colouring = Colouring(values, alive, about, about.label or colour)
    for one in cells:
        one.blend = not colouring.categorical
    return cells, colouring


def trajectory_of(one: xr.Dataset, colour: str | None = None) -> Trajectory:
    """One trajectory of a batch, its cells with the values of a state variable, or with their types."""
    time = one["time"].values
    shape = len(time), one.sizes["cell"]

    def array(name: str, *more: int) -> np.ndarray:
        return one[name].transpose("time", "cell", ...).values.reshape(*shape, *more)

    celltype = array("celltype", -1) if "celltype" in one else np.ones((*shape, 1))
    if colour is None:
        value = celltype.argmax(-1)
    else:
        name, index = name_and_column(colour)
        if name in one and "space" in one[name].dims and index is None:
            value = np.linalg.norm(array(name, -1), axis=-1)
        else:
            fields = {n: one[n].transpose("time", "cell", ...).values for n in _cell_variables(one)}
            value = column(colour, {**fields, "celltype": celltype})
    return Trajectory(time, array("position", -1), array("radius"), celltype, value)


def _colour(one: xr.Dataset, colour: str) -> Colour:
    """What the file says of a state variable."""
    name = name_and_column(colour)[0]
    attrs = one[name].attrs if name in one else {}
    return Colour(
        colour,
        label=words(colour) + (" (length)" if name in one and "space" in one[name].dims else ""),
        unit=unit_of_entry(one[name]) if name in one else "1",
        categorical=bool(attrs.get("categorical", False)),
    )


def _cell_variables(one: xr.Dataset) -> list[str]:
    return [str(n) for n, v in one.data_vars.items() if {"time", "cell"} <= set(v.dims)]
