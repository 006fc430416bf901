"""How many simulations are missing from every mean: what is left is a mean of survivors.

A simulation that breaks off, runs out of slots or overflows is often one of the largest or the wildest,
and means over the others say nothing of it.
"""

import numpy as np
import xarray as xr

from ..quantities import Method, Quantity
from .estimator import Estimates, Estimator, Slab
from .samples import Samples
from .sums import add_up

SURVIVORS = Method(
    "Simulations that are left out",
    "left out / all",
    "A simulation is left out of every estimate of an observable at the times at which its value or a "
    "gradient is not finite, or 1e69 times what is usual. Means, averages and shares are then of the "
    "survivors, and differ from those of all if failing has to do with the value.",
)


class Survivors(Estimator):
    """The share of the simulations that estimates are not made from."""

    quantities = (
        Quantity(
            "left_out_share",
            "share of the simulations that are left out, as not finite: means are of the others",
            "1",
            ("time", "observable"),
            method=SURVIVORS,
        ),
    )

    def __init__(self, samples: Samples):
        super().__init__(samples)
        self._sums: dict[str, xr.DataArray] = {}

    def add(self, slab: Slab) -> Estimates:
        everything = xr.ones_like(slab.used, bool)
        there = everything if slab.there is None else everything & slab.there
        counts = {"lost": there & ~slab.used, "all": there}
        add_up(self._sums, {name: of.sum(("sample", "seed")) for name, of in counts.items()})
        return {}

    def finish(self, found: Estimates) -> Estimates:
        total = self._sums["all"]
        return {"left_out_share": self._sums["lost"] / np.maximum(total, 1)}
