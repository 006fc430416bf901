"""A run of one time from plain arrays: its estimates, or what integration by parts says of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from jaxmorph.distributions import Distribution
from jaxmorph.sensitivity import Question, Samples, Slab, estimate
from jaxmorph.sensitivity.by_parts import ByParts, Missing

DIMS = ("sample", "seed", "time", "observable", "parameter")


def arrays(
    distributions: Sequence[Distribution], v: np.ndarray, f: np.ndarray, g: np.ndarray
) -> tuple[xr.Dataset, xr.Dataset]:
    """Points and one slab: ``v`` (sample, parameter) are probabilities, f (sample, seed, observable)."""
    theta = np.column_stack([d.ppf(column) for d, column in zip(distributions, v.T, strict=True)])
    dims = ("sample", "parameter")
    names = [f"p{i}" for i in range(len(distributions))]
    points = xr.Dataset(
        {"parameter_value": (dims, theta), "unit_value": (dims, v)},
        {"parameter": names, "sample": np.arange(len(v))},
    )
    slab = points[["parameter_value"]].assign(
        value=(DIMS[:-1], f[:, :, None]), gradient=(DIMS, g[:, :, None])
    )
    observables = [f"f{i}" for i in range(f.shape[2])]
    return points, slab.assign_coords(seed=np.arange(f.shape[1]), time=[0.0], observable=observables)


def estimated(
    distributions: Sequence[Distribution], v: np.ndarray, f: np.ndarray, g: np.ndarray, **known: Any
) -> xr.Dataset:
    """The sensitivity dataset at its one time; ``known``: what a :class:`Question` has besides."""
    points, slab = arrays(distributions, v, f, g)
    return estimate([slab], points, Question(distributions, **known)).isel(time=0)


def by_parts(
    distributions: Sequence[Distribution],
    v: np.ndarray,
    f: np.ndarray,
    g: np.ndarray,
    slabs: int = 1,
    **known: Any,
) -> Missing:
    """What integration by parts says, from so many slabs."""
    points, everything = arrays(distributions, v, f, g)
    test = ByParts(Samples(points, Question(distributions, **known), None))
    for rows in np.array_split(np.arange(len(v)), slabs):
        slab = everything.isel(sample=rows)
        finite = xr.apply_ufunc(np.isfinite, slab["gradient"]).all("parameter")
        used = finite & xr.apply_ufunc(np.isfinite, slab["value"])
        value, gradient = slab["value"].where(used), slab["gradient"].where(used)
        theta = slab["parameter_value"]
        test.add(Slab(value, gradient, gradient, theta, used, None, slab, xr.Dataset()))
    return test.parts()
