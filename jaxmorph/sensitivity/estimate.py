"""All estimates of one run, from its slabs of samples."""

import logging
from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from ..designs import central_sample
from ..distributions import Distribution
from .average import DesignAverage, add_up
from .describe import describe
from .health import excluded_pairs, gradient_growth
from .local import finite_pairs, local_estimates, square_without_noise
from .whole_design import (
    derivative_based_measures,
    natural_scale,
    natural_sd,
    noise_share,
)

logger = logging.getLogger(__name__)

_SPREAD = (0.1, 0.5, 0.9)
# The order of dimensions in every variable.
_ORDER = ("quantile", "sample", "seed", "time", "observable", "parameter", "parameter_2", "excluded")


def estimate(
    slabs: Iterable[xr.Dataset], design: xr.Dataset, distributions: Sequence[Distribution]
) -> xr.Dataset:
    """The sensitivity dataset of a run (see ``docs/data.md``), without global attributes.

    Args:
        slabs: Datasets with ``value``, ``gradient`` and ``parameter_value``: all seeds of some samples,
            each sample once. One is held in memory at a time.
        design: ``parameter_value`` and ``unit_value`` (sample, parameter).
        distributions: One a parameter.
    """
    central = central_sample(design["unit_value"].values)
    average = DesignAverage()
    gather = _Gather(distributions, int(design["sample"][central]))
    for slab in slabs:
        local = local_estimates(slab["value"], slab["gradient"], slab["parameter_value"])
        average.add(slab["value"], slab["gradient"], slab["parameter_value"], local)
        gather.add(slab, local)
    local = xr.concat(gather.local, "sample")
    value = xr.concat(gather.value, "sample")
    result = xr.Dataset(dict(local.data_vars) | average.estimates(local) | gather.estimates())
    elasticity = local["elasticity"]
    # Undefined at every sample stays undefined, without numpy's warning about it.
    defined = elasticity.where(elasticity.notnull().any("sample"), 0.0)
    spread = defined.quantile(list(_SPREAD), "sample")
    result["elasticity_spread"] = spread.where(elasticity.notnull().any("sample"))
    if value.sizes["seed"] > 1 and value.sizes["sample"] > 1:
        squared = xr.concat(gather.squared_gradient, "sample")
        result = result.assign(derivative_based_measures(squared, value, distributions))
        result["noise_share"] = noise_share(value)
    result["parameter_value"] = design["parameter_value"]
    result["unit_value"] = design["unit_value"]
    return describe(result.transpose(*_ORDER, missing_dims="ignore"))


class _Gather:
    """What is collected over the slabs besides the averages."""

    def __init__(self, distributions: Sequence[Distribution], central: int):
        self._distributions = distributions
        self._central = central
        self._scale = xr.DataArray([natural_sd(d) for d in distributions], dims="parameter")
        self._central_slab: xr.Dataset | None = None
        self._excluded: list[tuple[int, int]] = []
        self._sums: dict[str, xr.DataArray] = {}
        self.local: list[xr.Dataset] = []
        self.value: list[xr.DataArray] = []
        self.squared_gradient: list[xr.DataArray] = []

    def add(self, slab: xr.Dataset, local: xr.Dataset) -> None:
        gradient, value = slab["gradient"], slab["value"]
        used = finite_pairs(value, gradient)
        scale = natural_scale(self._distributions, slab["parameter_value"])
        natural = gradient * scale
        self.local.append(local)
        self.value.append(value.where(used))
        self.squared_gradient.append(square_without_noise(natural, used))
        self._excluded += excluded_pairs(used)
        finite = gradient.where(used)
        sums = {
            "non_finite": (~used).sum(("sample", "seed", "time")),
            "square": (finite**2).sum(("sample", "seed")),
            "count": finite.count(("sample", "seed")),
            "relative": ((finite * slab["parameter_value"]) ** 2).sum(("sample", "seed")),
            "value": (value.where(used) ** 2).sum(("sample", "seed")),
        }
        if value.sizes["seed"] > 1:
            scaled = natural * self._scale
            product = square_without_noise(scaled, used, scaled.rename(parameter="parameter_2"))
            sums |= {"product": product.sum("sample"), "products": product.count("sample")}
        add_up(self._sums, sums)
        if self._central in slab["sample"]:
            self._central_slab = slab.sel(sample=self._central)

    def estimates(self) -> dict[str, xr.DataArray]:
        sums = self._sums
        result = {"non_finite_count": sums["non_finite"]}
        rms = (sums["square"] / sums["count"].where(sums["count"] > 0)) ** 0.5
        relative = (sums["relative"] / sums["value"].where(sums["value"] > 0)) ** 0.5
        result |= gradient_growth(rms, relative)
        if "product" in sums:
            n = sums["products"]
            result["gradient_outer_product"] = sums["product"] / n.where(n > 0)
        pairs = np.array(self._excluded, dtype=int).reshape(-1, 2)
        result["excluded_sample"] = xr.DataArray(pairs[:, 0], dims="excluded")
        result["excluded_seed"] = xr.DataArray(pairs[:, 1], dims="excluded")
        assert self._central_slab is not None, "no slab holds the central sample"
        result["central_value"] = self._central_slab["value"].drop_vars("sample")
        result["central_gradient"] = self._central_slab["gradient"].drop_vars("sample")
        result["central_sample"] = xr.DataArray(self._central)
        for sample, seed in self._excluded:
            logger.warning("sample %d, seed %d: not finite; left out of the estimates", sample, seed)
        return result
