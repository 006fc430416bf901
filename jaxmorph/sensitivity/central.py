"""One sample near the middle of the design, seed by seed: what a single seed would have said."""

import xarray as xr

from ..quantities import Kind, Quantity
from .estimator import Estimates, Estimator, Slab

QUANTITIES = (
    Quantity("central_sample", "sample nearest to the middle of the design"),
    Quantity(
        "central_value",
        "observable at the central sample, seed by seed",
        "observable",
        ("seed", "time", "observable"),
        Kind.VALUE,
    ),
    Quantity(
        "central_gradient",
        "gradient at the central sample, seed by seed",
        "observable parameter^-1",
        ("seed", "time", "observable", "parameter"),
        Kind.DERIVATIVE,
        from_gradients=True,
    ),
)


class CentralSample(Estimator):
    """Values and gradients of the central sample, as they came."""

    quantities = QUANTITIES
    _slab: xr.Dataset | None = None

    def add(self, slab: Slab) -> Estimates:
        if self.samples.central in slab.given["sample"]:
            central = slab.given[["value", "gradient"]].sel(sample=self.samples.central)
            self._slab = central.drop_vars("sample")
        return {}

    def finish(self, found: Estimates) -> Estimates:
        assert self._slab is not None, "no slab holds the central sample"
        return {
            "central_value": self._slab["value"],
            "central_gradient": self._slab["gradient"],
            "central_sample": xr.DataArray(self.samples.central),
        }
