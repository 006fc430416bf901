"""A run of one time from plain arrays: its estimates, or what integration by parts says of it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

from jaxmorph.distributions import Distribution
from jaxmorph.sensitivity import Question, Samples, Slab, estimate
from jaxmorph.sensitivity.by_parts import ByParts, Missing
from jaxmorph.sensitivity.estimator import Estimates, Estimator
from jaxmorph.sensitivity.natural import natural_scale

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
    samples = Samples(points, Question(distributions, **known), None)
    test = ByParts(samples)
    for slab in slabs_of(samples, everything, slabs):
        test.add(slab)
    return test.parts()


def by_one(
    estimator: type[Estimator],
    distributions: Sequence[Distribution],
    v: np.ndarray,
    f: np.ndarray,
    g: np.ndarray,
    found: Estimates | None = None,
    slabs: int = 1,
    **known: Any,
) -> Estimates:
    """What one estimator gives at the one time, of a run of which these estimates were found."""
    points, everything = arrays(distributions, v, f, g)
    samples = Samples(points, Question(distributions, **known), None)
    one = estimator(samples)
    for slab in slabs_of(samples, everything, slabs):
        samples.add(slab.value, slab.scaled, slab.used, None)
        one.add(slab)
    return {
        name: array.isel(time=0, missing_dims="ignore")
        for name, array in one.finish(found or {}).items()
    }


def slabs_of(samples: Samples, everything: xr.Dataset, n: int) -> Iterator[Slab]:
    distributions = samples.question.distributions
    for rows in np.array_split(np.arange(everything.sizes["sample"]), n):
        slab = everything.isel(sample=rows)
        finite = xr.apply_ufunc(np.isfinite, slab["gradient"]).all("parameter")
        used = finite & xr.apply_ufunc(np.isfinite, slab["value"])
        value, gradient = slab["value"].where(used), slab["gradient"].where(used)
        theta = slab["parameter_value"]
        scaled = gradient * natural_scale(distributions, theta) * samples.sd
        yield Slab(value, gradient, scaled, theta, used, None, slab, xr.Dataset())
